//! Turns JavaScript's tree into ours, and refuses what rules do not have.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser knows all of JavaScript; what is not listed is refused"
)]

use std::ops::Range;

use oxc_ast::ast::{
    self, Argument, ArrayExpressionElement, CallExpression, ChainElement, ObjectPropertyKind, PropertyKey, RegExpFlags,
};
use oxc_span::{GetSpan, Span};
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};

use super::parse::{LEAD, Tree};
use super::{
    Binary, Branch, Callee, Constant, Element, Expression, Kind, Located, Name, Place, Property, RefusedRule,
    RuleWarning, Unary, Variable, duration,
};
use crate::regex::{Flags, RefusedRegex, Regex};
use crate::show;

/// How deep a rule's tree may be: evaluation calls itself for each level.
const DEEPEST: usize = 128;

/// What JavaScript's host offers and rules do not.
const GLOBALS: [&str; 46] = [
    "Array",
    "ArrayBuffer",
    "BigInt",
    "Boolean",
    "Buffer",
    "Date",
    "Error",
    "Function",
    "Infinity",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "TypeError",
    "URL",
    "WeakMap",
    "WeakSet",
    "WebAssembly",
    "arguments",
    "atob",
    "btoa",
    "clearTimeout",
    "console",
    "eval",
    "exports",
    "fetch",
    "global",
    "globalThis",
    "isFinite",
    "isNaN",
    "module",
    "parseFloat",
    "parseInt",
    "performance",
    "process",
    "require",
    "setTimeout",
];

type Converted<T = Expression> = Result<T, Located<RefusedRule>>;

pub(super) fn convert(tree: &Tree<'_>, place: Place<'_>, warnings: &mut Vec<Located<RuleWarning>>) -> Converted {
    let Some(value) = tree.value else {
        warnings.push(Located::whole(RuleWarning::StartsWithBreak));
        return Ok(Expression { kind: Kind::Constant(Constant::Undefined), from: 0, to: 0 });
    };
    if tree.more {
        warnings.push(Located::whole(RuleWarning::AfterTheEnd));
    }
    Converter { place, warnings, depth: 0 }.expression(value)
}

struct Converter<'c> {
    place: Place<'c>,
    warnings: &'c mut Vec<Located<RuleWarning>>,
    depth: usize,
}

impl Converter<'_> {
    fn expression(&mut self, js: &ast::Expression<'_>) -> Converted {
        if self.depth == DEEPEST {
            return Err(Located::at(RefusedRule::TooComplicated { what: "it is nested too deep" }, range(js.span())));
        }
        self.depth += 1;
        let kind = self.kind(js);
        self.depth -= 1;
        let Range { start: from, end: to } = range(js.span());
        Ok(Expression { kind: kind?, from, to })
    }

    fn kind(&mut self, js: &ast::Expression<'_>) -> Converted<Kind> {
        use ast::Expression as Js;
        match js {
            Js::BooleanLiteral(literal) => Ok(Kind::Constant(Constant::Bool(literal.value))),
            Js::NullLiteral(_) => Ok(Kind::Constant(Constant::Null)),
            Js::NumericLiteral(literal) => Ok(Kind::Constant(Constant::Number(literal.value))),
            Js::StringLiteral(literal) if literal.lone_surrogates => unsupported("half a surrogate pair", literal.span),
            Js::StringLiteral(literal) => Ok(Kind::Constant(Constant::Text(literal.value.as_str().into()))),
            Js::RegExpLiteral(literal) => regex(literal),
            Js::TemplateLiteral(template) => self.template(template),
            Js::Identifier(identifier) => self.identifier(identifier),
            Js::ArrayExpression(array) => self.array(array),
            Js::ObjectExpression(object) => self.object(object),
            Js::UnaryExpression(unary) => self.unary(unary),
            Js::BinaryExpression(binary) => self.binary(binary),
            Js::LogicalExpression(logical) => self.logical(logical),
            Js::ConditionalExpression(choice) => Ok(Kind::Choice(Box::new([
                self.expression(&choice.test)?,
                self.expression(&choice.consequent)?,
                self.expression(&choice.alternate)?,
            ]))),
            Js::SequenceExpression(sequence) => Ok(Kind::Sequence(self.all(sequence.expressions.iter())?)),
            Js::StaticMemberExpression(member) => self.static_member(member),
            Js::ComputedMemberExpression(member) => self.computed_member(member),
            Js::ChainExpression(chain) => self.chain(chain),
            Js::CallExpression(call) => self.call(call),
            Js::ParenthesizedExpression(inner) => self.kind(&inner.expression),
            other => unsupported(unsupported_name(other), other.span()),
        }
    }

    fn all<'e, 'a: 'e>(&mut self, all: impl Iterator<Item = &'e ast::Expression<'a>>) -> Converted<Box<[Expression]>> {
        all.map(|one| self.expression(one)).collect()
    }

    fn identifier(&mut self, identifier: &ast::IdentifierReference<'_>) -> Converted<Kind> {
        let name = identifier.name.as_str();
        let variable = match name {
            "undefined" => return Ok(Kind::Constant(Constant::Undefined)),
            "NaN" => return Ok(Kind::Constant(Constant::Number(f64::NAN))),
            "Infinity" => return Ok(Kind::Constant(Constant::Number(f64::INFINITY))),
            "_" => return unsupported("`_` without a call", identifier.span),
            "user" => Variable::User,
            "data" => Variable::Data,
            "oldData" => Variable::OldData,
            "now" => Variable::Now,
            "action" => Variable::Action,
            "name" => Variable::Name,
            _ if GLOBALS.contains(&name) => return unsupported(format!("`{name}`"), identifier.span),
            // Of a variable that the path has twice, the last one counts.
            _ => match self.place.path.variables().enumerate().filter(|(_, variable)| *variable == name).last() {
                Some((slot, _)) => Variable::Captured(slot),
                None => {
                    let warning = RuleWarning::UnknownName { name: show::cut(name) };
                    self.warnings.push(Located::at(warning, range(identifier.span)));
                    return Ok(Kind::Unknown(name.into()));
                }
            },
        };
        Ok(Kind::Variable(variable))
    }

    fn template(&mut self, template: &ast::TemplateLiteral<'_>) -> Converted<Kind> {
        let text = |quasi: &ast::TemplateElement<'_>| match (quasi.value.cooked, quasi.lone_surrogates) {
            (Some(text), false) => Ok(text.as_str().into()),
            (Some(_) | None, _) => unsupported("half a surrogate pair", quasi.span),
        };
        let texts = template.quasis.iter().map(text).collect::<Converted<_>>()?;
        Ok(Kind::Template(texts, self.all(template.expressions.iter())?))
    }

    fn array(&mut self, array: &ast::ArrayExpression<'_>) -> Converted<Kind> {
        let element = |element: &ArrayExpressionElement<'_>| match element {
            ArrayExpressionElement::SpreadElement(spread) => Ok(Element::Spread(self.expression(&spread.argument)?)),
            ArrayExpressionElement::Elision(_) => Ok(Element::Hole),
            other => match other.as_expression() {
                Some(expression) => Ok(Element::One(self.expression(expression)?)),
                None => unsupported("this element", other.span()),
            },
        };
        array.elements.iter().map(element).collect::<Converted<_>>().map(Kind::List)
    }

    fn object(&mut self, object: &ast::ObjectExpression<'_>) -> Converted<Kind> {
        let property = |property: &ObjectPropertyKind<'_>| match property {
            ObjectPropertyKind::SpreadProperty(spread) => Ok(Property::Spread(self.expression(&spread.argument)?)),
            ObjectPropertyKind::ObjectProperty(property)
                if property.method || property.kind != ast::PropertyKind::Init =>
            {
                unsupported("a function", property.span)
            }
            ObjectPropertyKind::ObjectProperty(property) => {
                Ok(Property::One(self.key(&property.key)?, self.expression(&property.value)?))
            }
        };
        object.properties.iter().map(property).collect::<Converted<_>>().map(Kind::Map)
    }

    fn key(&mut self, key: &PropertyKey<'_>) -> Converted<Name> {
        let written = match key {
            PropertyKey::StaticIdentifier(name) => Some(name.name.as_str()),
            PropertyKey::StringLiteral(literal) if !literal.lone_surrogates => Some(literal.value.as_str()),
            _ => None,
        };
        match (written, key.as_expression()) {
            (Some("__proto__"), _) => unsupported("`__proto__`", key.span()),
            (Some(written), _) => Ok(Name::Written(written.into())),
            (None, Some(expression)) => Ok(Name::Computed(self.expression(expression)?)),
            (None, None) => unsupported("this key", key.span()),
        }
    }

    fn unary(&mut self, js: &ast::UnaryExpression<'_>) -> Converted<Kind> {
        let unary = match js.operator {
            UnaryOperator::LogicalNot => Unary::Not,
            UnaryOperator::UnaryNegation => Unary::Minus,
            UnaryOperator::UnaryPlus => Unary::Plus,
            UnaryOperator::BitwiseNot => Unary::BitNot,
            UnaryOperator::Typeof => Unary::TypeOf,
            UnaryOperator::Void => Unary::Void,
            UnaryOperator::Delete => return unsupported("`delete`", js.span),
        };
        Ok(Kind::Unary(unary, Box::new(self.expression(&js.argument)?)))
    }

    fn binary(&mut self, js: &ast::BinaryExpression<'_>) -> Converted<Kind> {
        let binary = match js.operator {
            BinaryOperator::Equality => Binary::LooselyEqual,
            BinaryOperator::Inequality => Binary::LooselyUnequal,
            BinaryOperator::StrictEquality => Binary::Equal,
            BinaryOperator::StrictInequality => Binary::Unequal,
            BinaryOperator::LessThan => Binary::Less,
            BinaryOperator::LessEqualThan => Binary::LessOrEqual,
            BinaryOperator::GreaterThan => Binary::Greater,
            BinaryOperator::GreaterEqualThan => Binary::GreaterOrEqual,
            BinaryOperator::Addition => Binary::Add,
            BinaryOperator::Subtraction => Binary::Subtract,
            BinaryOperator::Multiplication => Binary::Multiply,
            BinaryOperator::Division => Binary::Divide,
            BinaryOperator::Remainder => Binary::Remainder,
            BinaryOperator::Exponential => Binary::Power,
            BinaryOperator::ShiftLeft => Binary::ShiftLeft,
            BinaryOperator::ShiftRight => Binary::ShiftRight,
            BinaryOperator::ShiftRightZeroFill => Binary::ShiftRightUnsigned,
            BinaryOperator::BitwiseOR => Binary::BitOr,
            BinaryOperator::BitwiseXOR => Binary::BitXor,
            BinaryOperator::BitwiseAnd => Binary::BitAnd,
            BinaryOperator::In => Binary::In,
            BinaryOperator::Instanceof => return unsupported("`instanceof`", js.span),
        };
        Ok(Kind::Binary(binary, Box::new([self.expression(&js.left)?, self.expression(&js.right)?])))
    }

    /// `a && b && c` is one branch of three, so that a long list is not deep.
    fn logical(&mut self, js: &ast::LogicalExpression<'_>) -> Converted<Kind> {
        refuse_mixing(js)?;
        let mut parts = vec![self.expression(&js.right)?];
        let mut left = &js.left;
        while let ast::Expression::LogicalExpression(inner) = left
            && inner.operator == js.operator
        {
            refuse_mixing(inner)?;
            parts.push(self.expression(&inner.right)?);
            left = &inner.left;
        }
        parts.push(self.expression(left)?);
        parts.reverse();
        let branch = match js.operator {
            LogicalOperator::And => Branch::All,
            LogicalOperator::Or => Branch::Any,
            LogicalOperator::Coalesce => Branch::Coalesce,
        };
        Ok(Kind::Branch(branch, parts.into()))
    }

    fn static_member(&mut self, member: &ast::StaticMemberExpression<'_>) -> Converted<Kind> {
        let object = self.expression(&member.object)?;
        let name = member.property.name.as_str();
        if matches!(object.kind, Kind::Variable(Variable::User)) && !matches!(name, "id" | "data" | "isAuthenticated") {
            let warning = RuleWarning::UnknownUserProperty { name: show::cut(name) };
            self.warnings.push(Located::at(warning, range(member.property.span)));
        }
        Ok(Kind::Member(Box::new(object), Box::new(Name::Written(name.into())), member.optional.into()))
    }

    fn computed_member(&mut self, member: &ast::ComputedMemberExpression<'_>) -> Converted<Kind> {
        let object = self.expression(&member.object)?;
        let name = match self.expression(&member.expression)? {
            Expression { kind: Kind::Constant(Constant::Text(name)), .. } => Name::Written(name),
            computed => Name::Computed(computed),
        };
        Ok(Kind::Member(Box::new(object), Box::new(name), member.optional.into()))
    }

    fn chain(&mut self, chain: &ast::ChainExpression<'_>) -> Converted<Kind> {
        let Range { start: from, end: to } = range(chain.span);
        let kind = match &chain.expression {
            ChainElement::CallExpression(call) => self.call(call)?,
            ChainElement::StaticMemberExpression(member) => self.static_member(member)?,
            ChainElement::ComputedMemberExpression(member) => self.computed_member(member)?,
            ChainElement::PrivateFieldExpression(_) | ChainElement::TSNonNullExpression(_) => {
                return unsupported("this chain", chain.span);
            }
        };
        Ok(Kind::Chain(Box::new(Expression { kind, from, to })))
    }

    fn call(&mut self, call: &CallExpression<'_>) -> Converted<Kind> {
        let named = match &call.callee {
            ast::Expression::Identifier(identifier) => Some(identifier.name.as_str()),
            _ => None,
        };
        let arguments = call.arguments.iter().map(|argument| match argument {
            Argument::SpreadElement(spread) => unsupported("`...` in a call", spread.span),
            other => match other.as_expression() {
                Some(expression) => self.expression(expression),
                None => unsupported("this argument", other.span()),
            },
        });
        let arguments = arguments.collect::<Converted<Box<[_]>>>()?;
        match named {
            Some("_") => return Ok(Kind::Reference(arguments)),
            Some("duration") => return milliseconds(&arguments, call.span),
            Some(_) | None => {}
        }
        // A chain in brackets is a whole of its own, but still the receiver of its method.
        let callee = self.expression(&call.callee)?;
        let callee = match callee.kind {
            Kind::Member(object, name, link) => Callee::Method(object, name, link),
            Kind::Chain(chain) if matches!(chain.kind, Kind::Member(..)) => {
                return unsupported("a call of a chain in brackets", call.span);
            }
            _ => Callee::Value(Box::new(callee)),
        };
        Ok(Kind::Call(callee, arguments, call.optional.into()))
    }
}

/// `??` beside `&&` or `||` needs brackets, which the parser does not ask for: a side in brackets does not reach to the end.
fn refuse_mixing(js: &ast::LogicalExpression<'_>) -> Converted<()> {
    let is_coalescing = |operator| operator == LogicalOperator::Coalesce;
    let mixes = |side: &ast::Expression<'_>| match side {
        ast::Expression::LogicalExpression(inner) => is_coalescing(inner.operator) != is_coalescing(js.operator),
        _ => false,
    };
    let left = mixes(&js.left) && js.left.span().start == js.span.start;
    if left || (mixes(&js.right) && js.right.span().end == js.span.end) {
        let message = "`??` beside `&&` or `||` needs brackets".into();
        return Err(Located::at(RefusedRule::Syntax { message }, range(js.span)));
    }
    Ok(())
}

fn milliseconds(arguments: &[Expression], span: Span) -> Converted<Kind> {
    let duration = match arguments {
        [Expression { kind: Kind::Constant(Constant::Text(text)), .. }] => duration::milliseconds(text),
        _ => None,
    };
    let malformed = || Located::at(RefusedRule::Duration, range(span));
    Ok(Kind::Constant(Constant::Number(duration.ok_or_else(malformed)?)))
}

fn regex(literal: &ast::RegExpLiteral<'_>) -> Converted<Kind> {
    let at = |error: RefusedRegex| Located::at(error, range(literal.span));
    let written = literal.regex.flags;
    for (flag, what) in
        [(RegExpFlags::Y, "the flag `y`"), (RegExpFlags::D, "the flag `d`"), (RegExpFlags::V, "the flag `v`")]
    {
        if written.contains(flag) {
            return Err(at(RefusedRegex::Unsupported { what }));
        }
    }
    let flags = Flags {
        global: written.contains(RegExpFlags::G),
        ignore_case: written.contains(RegExpFlags::I),
        multiline: written.contains(RegExpFlags::M),
        dot_all: written.contains(RegExpFlags::S),
        unicode: written.contains(RegExpFlags::U),
    };
    let Some(pattern) = &literal.regex.pattern.pattern else {
        return Err(at(RefusedRegex::Malformed { message: "the regular expression was not understood".into() }));
    };
    let regex = Regex::compile(literal.regex.pattern.text.as_str(), pattern, flags).map_err(at)?;
    Ok(Kind::Regex(Box::new(regex)))
}

fn unsupported<T>(what: impl Into<String>, span: Span) -> Converted<T> {
    Err(Located::at(RefusedRule::Unsupported { what: what.into() }, range(span)))
}

fn unsupported_name(js: &ast::Expression<'_>) -> &'static str {
    use ast::Expression as Js;
    match js {
        Js::AssignmentExpression(_) => "`=`, an assignment (a comparison is `===`),",
        Js::UpdateExpression(_) => "`++` or `--`",
        Js::ThisExpression(_) => "`this`",
        Js::TaggedTemplateExpression(_) => "a tagged template",
        Js::BigIntLiteral(_) => "a number with `n`",
        Js::ArrowFunctionExpression(_) | Js::FunctionExpression(_) | Js::ClassExpression(_) => "a function",
        Js::AwaitExpression(_) | Js::YieldExpression(_) => "waiting",
        Js::ImportExpression(_) | Js::Super(_) => "a module",
        _ => "this expression",
    }
}

/// Where a span is in the rule's own text.
fn range(span: Span) -> Range<usize> {
    let place = |at: u32| (at as usize).saturating_sub(LEAD.len());
    place(span.start)..place(span.end)
}
