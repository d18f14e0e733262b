//! The tree of a rule: what remains of JavaScript once a rule is checked.

use crate::regex::Regex;

/// An expression and where its words are in the rule's text, in bytes.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Constant(Constant),
    Variable(Variable),
    /// A name that nothing has.
    Unknown(Box<str>),
    Regex(Box<Regex>),
    /// Texts with a value between each two.
    Template(Box<[Box<str>]>, Box<[Expression]>),
    List(Box<[Element]>),
    Map(Box<[Property]>),
    /// `&&`, `||` or `??` of two or more.
    Branch(Branch, Box<[Expression]>),
    /// `test ? yes : no`.
    Choice(Box<[Expression; 3]>),
    /// The comma: the value of the last.
    Sequence(Box<[Expression]>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<[Expression; 2]>),
    Member(Box<Expression>, Box<Name>, Link),
    /// Where a `?.` inside ends the evaluation.
    Chain(Box<Expression>),
    Call(Callee, Box<[Expression]>, Link),
    /// `_(name)`.
    Reference(Box<[Expression]>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    User,
    Data,
    OldData,
    Now,
    Action,
    Name,
    /// What the variable of the path at that place stands for.
    Captured(usize),
}

#[derive(Debug)]
pub(crate) enum Element {
    Hole,
    One(Expression),
    Spread(Expression),
}

#[derive(Debug)]
pub(crate) enum Property {
    One(Name, Expression),
    Spread(Expression),
}

#[derive(Debug)]
pub(crate) enum Name {
    Written(Box<str>),
    Computed(Expression),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    All,
    Any,
    Coalesce,
}

/// `.` or `?.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Plain,
    Optional,
}

/// What is called.
#[derive(Debug)]
pub(crate) enum Callee {
    Method(Box<Expression>, Box<Name>, Link),
    /// Anything else, which is never a function.
    Value(Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
    BitNot,
    TypeOf,
    Void,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    LooselyEqual,
    LooselyUnequal,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    BitOr,
    BitXor,
    BitAnd,
    In,
}

impl From<bool> for Link {
    fn from(optional: bool) -> Self {
        if optional { Self::Optional } else { Self::Plain }
    }
}

impl Expression {
    /// The parts that may be evaluated on the way to its value, from left to right.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Constant(_) | Kind::Variable(_) | Kind::Unknown(_) | Kind::Regex(_) => Vec::new(),
            Kind::Template(_, parts) | Kind::Branch(_, parts) | Kind::Sequence(parts) | Kind::Reference(parts) => {
                parts.iter().collect()
            }
            Kind::List(elements) => elements.iter().filter_map(Element::expression).collect(),
            Kind::Map(properties) => properties.iter().flat_map(Property::parts).collect(),
            Kind::Choice(parts) => parts.iter().collect(),
            Kind::Unary(_, part) | Kind::Chain(part) => vec![part.as_ref()],
            Kind::Binary(_, parts) => parts.iter().collect(),
            Kind::Member(object, name, _) => std::iter::once(object.as_ref()).chain(name.computed()).collect(),
            Kind::Call(callee, arguments, _) => callee.parts().into_iter().chain(arguments.iter()).collect(),
        }
    }

    /// Shows the expression and all within it.
    pub(crate) fn visit<'e>(&'e self, see: &mut impl FnMut(&'e Self)) {
        see(self);
        for part in self.parts() {
            part.visit(see);
        }
    }
}

impl Element {
    const fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Hole => None,
            Self::One(expression) | Self::Spread(expression) => Some(expression),
        }
    }
}

impl Property {
    fn parts(&self) -> Vec<&Expression> {
        match self {
            Self::One(name, value) => name.computed().into_iter().chain([value]).collect(),
            Self::Spread(value) => vec![value],
        }
    }
}

impl Name {
    const fn computed(&self) -> Option<&Expression> {
        match self {
            Self::Computed(name) => Some(name),
            Self::Written(_) => None,
        }
    }
}

impl Callee {
    fn parts(&self) -> Vec<&Expression> {
        match self {
            Self::Method(object, name, _) => std::iter::once(object.as_ref()).chain(name.computed()).collect(),
            Self::Value(value) => vec![value],
        }
    }
}
