//! Hands a rule's text to the JavaScript parser, never deeper than its stack reaches.

use std::thread;

use oxc_allocator::Allocator;
use oxc_ast::ast::{Expression, Program, Statement};
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use super::{Located, RefusedRule};

/// The most bytes of a rule.
pub(super) const LONGEST: usize = 65_536;

/// Up to here a rule is parsed on the caller's stack; the parser calls itself for each turn.
const FEW_TURNS: usize = 64;

/// The most turns that are parsed at all.
const MOST_TURNS: usize = 4_096;

/// What a turn may take of the stack, generously.
const STACK_PER_TURN: usize = 16 * 1024;

/// What stands before the rule's text when it is parsed.
pub(super) const LEAD: &str = "return ";

/// A parsed rule.
pub(super) struct Tree<'t> {
    /// Nothing where the rule ends before it begins.
    pub(super) value: Option<&'t Expression<'t>>,
    /// Whether something follows the expression.
    pub(super) more: bool,
}

/// Parses a rule and lets `use_tree` make something of it.
pub(super) fn with_tree<T: Send>(
    text: &str,
    use_tree: impl FnOnce(Tree<'_>) -> Result<T, Located<RefusedRule>> + Send,
) -> Result<T, Located<RefusedRule>> {
    let turns = turns(text);
    if turns > MOST_TURNS {
        return Err(too_complicated("it has more brackets and operators than are parsed"));
    }
    if turns <= FEW_TURNS {
        return parse(text, use_tree);
    }
    let stack = MOST_TURNS.min(turns) * STACK_PER_TURN + (1 << 20);
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(stack).spawn_scoped(scope, || parse(text, use_tree));
        let parsed = thread.ok().and_then(|thread| thread.join().ok());
        parsed.unwrap_or_else(|| Err(too_complicated("it could not be parsed in bounds")))
    })
}

fn parse<T>(
    text: &str,
    use_tree: impl FnOnce(Tree<'_>) -> Result<T, Located<RefusedRule>>,
) -> Result<T, Located<RefusedRule>> {
    let allocator = Allocator::default();
    // The text alone must be the body of a function, though the rule is what follows `return`.
    let is_return = program(&allocator, text, 0)?.body.first().is_some_and(|first| {
        matches!(
            first,
            Statement::ReturnStatement(_)
                | Statement::ThrowStatement(_)
                | Statement::VariableDeclaration(_)
                | Statement::IfStatement(_)
                | Statement::FunctionDeclaration(_)
                | Statement::ClassDeclaration(_)
        )
    });
    if is_return {
        return Err(Located::whole(RefusedRule::Statement));
    }
    let text = format!("{LEAD}{text};");
    let program = program(&allocator, &text, LEAD.len())?;
    let (value, rest) = match program.body.split_first() {
        Some((Statement::ReturnStatement(first), rest)) => (first.argument.as_ref(), rest),
        Some(_) | None => return Err(Located::whole(RefusedRule::Statement)),
    };
    use_tree(Tree { value, more: rest.iter().any(|statement| !matches!(statement, Statement::EmptyStatement(_))) })
}

fn program<'a>(allocator: &'a Allocator, text: &'a str, lead: usize) -> Result<Program<'a>, Located<RefusedRule>> {
    let options = ParseOptions {
        parse_regular_expression: true,
        allow_return_outside_function: true,
        preserve_parens: false,
        ..ParseOptions::default()
    };
    let parsed = Parser::new(allocator, text, SourceType::script()).with_options(options).parse();
    let Some(error) = parsed.diagnostics.first() else { return Ok(parsed.program) };
    let what = RefusedRule::Syntax { message: error.message.to_string() };
    let place = error.labels.first().map(|label| {
        let longest = text.len() - lead - usize::from(lead > 0);
        let place = |at: u32| (at as usize).saturating_sub(lead).min(longest);
        place(label.offset())..place(label.offset() + label.len())
    });
    Err(Located { what, at: place })
}

/// How often the parser may call itself, at most: whatever can nest, wherever it stands.
fn turns(text: &str) -> usize {
    let bytes = text.as_bytes();
    let following = bytes.iter().skip(1).copied().chain([0]);
    let previous = [0].into_iter().chain(bytes.iter().copied());
    let nests = |((previous, byte), next): ((u8, u8), u8)| match byte {
        b'(' | b'[' | b'{' | b'`' | b'?' | b':' | b'~' | b'+' | b'-' | b'*' => true,
        b'!' => next != b'=',
        b'=' => next != b'=' && !matches!(previous, b'=' | b'!' | b'<' | b'>'),
        _ => false,
    };
    let signs = previous.zip(bytes.iter().copied()).zip(following).filter(|&around| nests(around)).count();
    let words = ["typeof", "void", "delete", "await", "yield", "do", "else", "async", "class", "extends"];
    signs + words.iter().map(|word| text.matches(word).count()).sum::<usize>()
}

const fn too_complicated(what: &'static str) -> Located<RefusedRule> {
    Located { what: RefusedRule::TooComplicated { what }, at: None }
}
