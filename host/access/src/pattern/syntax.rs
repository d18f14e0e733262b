//! The syntax of patterns: RE2's, checked on the syntax tree and written out in terms of ASCII.

use std::ops::Range;

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetBinaryOp, ClassSetItem, ClassUnicode,
    ClassUnicodeKind, Flag, Flags, FlagsItemKind, HexLiteralKind, Literal, LiteralKind, RepetitionKind,
    RepetitionRange, Span, Visitor, visit,
};

use regex_syntax::parse;

use super::PatternFault;

/// RE2's own bound of one repetition.
const MOST_REPEATS: u32 = 1_000;
/// The general categories of Unicode.
const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs", "Any",
];

/// The same pattern with `\d`, `\s`, `\w`, `\b` and their opposites spelt as the ASCII that RE2 means by them.
///
/// # Errors
/// [`PatternFault::Syntax`] for the first fault of syntax, else [`PatternFault::Capturing`].
pub(super) fn checked(source: &str) -> Result<String, PatternFault> {
    if source.is_empty() {
        return Err(fault("empty pattern"));
    }
    let tree = Parser::new().parse(source).map_err(|error| fault(&error.kind().to_string()))?;
    let findings = visit(&tree, Check::default())?;
    match findings.captures {
        true => Err(PatternFault::Capturing),
        false => findings.spelt_out(source).ok_or_else(|| fault("unreadable")),
    }
}

fn fault(message: &str) -> PatternFault {
    PatternFault::Syntax { message: message.into() }
}

#[derive(Default)]
struct Findings {
    captures: bool,
    /// What to put in place of which bytes, in rising order.
    replacements: Vec<(Range<usize>, &'static str)>,
}

#[derive(Default)]
struct Check {
    findings: Findings,
}

impl Findings {
    fn replace(&mut self, span: &Span, text: &'static str) {
        self.replacements.push((span.start.offset..span.end.offset, text));
    }

    fn spelt_out(&self, source: &str) -> Option<String> {
        let mut written = String::with_capacity(source.len());
        let mut done = 0;
        for (span, text) in &self.replacements {
            written.push_str(source.get(done..span.start)?);
            written.push_str(text);
            done = span.end;
        }
        written.push_str(source.get(done..)?);
        Some(written)
    }
}

impl Visitor for Check {
    type Output = Findings;
    type Err = PatternFault;

    fn finish(self) -> Result<Findings, PatternFault> {
        Ok(self.findings)
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), PatternFault> {
        match tree {
            Ast::Repetition(outer) if matches!(*outer.ast, Ast::Repetition(_)) => Err(fault("multiple repeat")),
            Ast::Repetition(repetition) => repeats(&repetition.op.kind),
            Ast::Literal(one) => literal(one),
            Ast::ClassUnicode(class) => unicode(class),
            Ast::Assertion(assertion) => self.assertion(assertion),
            Ast::Flags(set) => flags(&set.flags),
            Ast::Group(group) => {
                self.findings.captures |= group.is_capturing();
                group.flags().map_or(Ok(()), flags)
            }
            Ast::ClassPerl(class) => {
                self.findings.replace(&class.span, ascii(class));
                Ok(())
            }
            Ast::Empty(_) | Ast::Dot(_) | Ast::ClassBracketed(_) | Ast::Alternation(_) | Ast::Concat(_) => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), PatternFault> {
        match item {
            ClassSetItem::Bracketed(_) => Err(fault("nested character class")),
            ClassSetItem::Perl(class) => {
                self.findings.replace(&class.span, ascii(class));
                Ok(())
            }
            ClassSetItem::Literal(one) => literal(one),
            ClassSetItem::Range(range) => literal(&range.start).and_then(|()| literal(&range.end)),
            ClassSetItem::Unicode(class) => unicode(class),
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) | ClassSetItem::Union(_) => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), PatternFault> {
        Err(fault("set operation in a character class"))
    }
}

impl Check {
    fn assertion(&mut self, assertion: &Assertion) -> Result<(), PatternFault> {
        match assertion.kind {
            AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText | AssertionKind::EndText => {
                Ok(())
            }
            AssertionKind::WordBoundary => {
                self.findings.replace(&assertion.span, r"(?-u:\b)");
                Ok(())
            }
            AssertionKind::NotWordBoundary => {
                self.findings.replace(&assertion.span, r"(?-u:\B)");
                Ok(())
            }
            AssertionKind::WordBoundaryStart
            | AssertionKind::WordBoundaryEnd
            | AssertionKind::WordBoundaryStartAngle
            | AssertionKind::WordBoundaryEndAngle
            | AssertionKind::WordBoundaryStartHalf
            | AssertionKind::WordBoundaryEndHalf => Err(fault("special word boundary")),
        }
    }
}

/// A class that stands by itself as well as between the brackets of another.
fn ascii(class: &ClassPerl) -> &'static str {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Digit, false) => "[0-9]",
        (ClassPerlKind::Digit, true) => "[^0-9]",
        (ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
        (ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
        (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
    }
}

/// RE2 knows `\x41` and `\x{41}`, but neither `\u` nor `\U`.
fn literal(literal: &Literal) -> Result<(), PatternFault> {
    match &literal.kind {
        LiteralKind::HexFixed(kind) | LiteralKind::HexBrace(kind) => match kind {
            HexLiteralKind::X => Ok(()),
            HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong => Err(fault("invalid escape sequence")),
        },
        LiteralKind::Verbatim
        | LiteralKind::Meta
        | LiteralKind::Superfluous
        | LiteralKind::Octal
        | LiteralKind::Special(_) => Ok(()),
    }
}

fn repeats(kind: &RepetitionKind) -> Result<(), PatternFault> {
    let most = match kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => 0,
        RepetitionKind::Range(RepetitionRange::Exactly(most) | RepetitionRange::AtLeast(most)) => *most,
        RepetitionKind::Range(RepetitionRange::Bounded(_, most)) => *most,
    };
    if most <= MOST_REPEATS { Ok(()) } else { Err(fault("invalid repetition size")) }
}

/// RE2 has general categories by their short names, and scripts; no other property.
fn unicode(class: &ClassUnicode) -> Result<(), PatternFault> {
    let is_known = match &class.kind {
        ClassUnicodeKind::OneLetter(letter) => CATEGORIES.contains(&&*letter.to_string()),
        ClassUnicodeKind::Named(name) => {
            let is_script = || name.starts_with(char::is_uppercase) && parse(&format!(r"\p{{Script={name}}}")).is_ok();
            CATEGORIES.contains(&&**name) || is_script()
        }
        ClassUnicodeKind::NamedValue { .. } => false,
    };
    if is_known { Ok(()) } else { Err(fault("invalid character class")) }
}

fn flags(flags: &Flags) -> Result<(), PatternFault> {
    let foreign = |kind: &FlagsItemKind| match kind {
        FlagsItemKind::Negation => false,
        FlagsItemKind::Flag(flag) => match flag {
            Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed => false,
            Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace => true,
        },
    };
    match flags.items.iter().any(|item| foreign(&item.kind)) {
        true => Err(fault("unknown flag")),
        false => Ok(()),
    }
}
