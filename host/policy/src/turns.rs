//! Which parts of a branching expression were taken, for reasons and explanations.

use crate::evaluate::Scope;
use crate::rule::{Branch, Expression, Kind};

/// The parts that were evaluated, the one that decided last; nothing for an expression that does not branch.
pub(crate) fn taken<'s>(scope: &'s Scope<'s>, expression: &'s Expression) -> Option<Vec<&'s Expression>> {
    if let Kind::Branch(branch, parts) = &expression.kind {
        let last = parts.iter().position(|part| ends(scope, *branch, part)).unwrap_or(parts.len());
        return Some(parts.iter().take(last + 1).collect());
    }
    if let Kind::Choice(parts) = &expression.kind {
        let [test, yes, no] = parts.as_ref();
        let chosen = scope.evaluate(test).ok().map(|value| if value.is_truthy() { yes } else { no });
        return Some([Some(test), chosen].into_iter().flatten().collect());
    }
    if let Kind::Sequence(parts) = &expression.kind {
        return Some(parts.iter().collect());
    }
    None
}

/// Whether a part decides its branch, by its value or by having none.
fn ends<'s>(scope: &'s Scope<'s>, branch: Branch, part: &'s Expression) -> bool {
    scope.evaluate(part).map_or(true, |value| match branch {
        Branch::All => !value.is_truthy(),
        Branch::Any => value.is_truthy(),
        Branch::Coalesce => !value.is_nullish(),
    })
}
