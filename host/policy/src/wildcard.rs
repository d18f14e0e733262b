//! Questions about every name with a common beginning, as the Access Manager's wildcards such as `a.*` grant them.

use crate::path::TooManyWays;
use crate::policy::{PlacedRule, Policy};
use crate::question::Question;
use crate::rule::Rule;
use crate::section::Section;

/// Why what holds for the text of a wildcard does not hold for every name it stands for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// A more specific path decides some of the names.
    #[error("the path `{0}` decides some of the names")]
    Path(String),
    /// The path that decides does not match all of the names.
    #[error("the path does not match every such name")]
    Reach,
    /// The rule may decide each name otherwise.
    #[error("the rule looks at `name`")]
    Name,
    /// What the path's variables stand for may differ from name to name.
    #[error("a variable of the path may stand for something else in each name")]
    Variables,
}

impl<'a> Question<'a> {
    /// What the names begin with that the question is about, if it is about more than one: the name ends in `.*` and is a
    /// channel's or a group's.
    pub fn prefix(&self) -> Option<&'a str> {
        match self.action.section() {
            Section::Channel | Section::Group => self.name.strip_suffix('*').filter(|prefix| prefix.ends_with('.')),
            Section::Record | Section::Event | Section::Rpc | Section::Presence | Section::Uuid => None,
        }
    }
}

/// What keeps the rule that decides the wildcard's own text from deciding every name that begins with `prefix` alike.
pub(crate) fn obstacle(policy: &Policy, rule: &PlacedRule, prefix: &str) -> Result<Option<Obstacle>, TooManyWays> {
    let Some(deciding) = policy.paths.get(rule.path) else { return Ok(Some(Obstacle::Reach)) };
    if !deciding.path.covers(prefix)? {
        return Ok(Some(Obstacle::Reach));
    }
    let in_the_way = policy.tries.get(deciding.section as usize).map(|trie| {
        trie.overlapping(prefix, |end| {
            let other = policy.rules.get(end.rule).map(|placed| &placed.rule);
            // One that allows everybody takes nothing away.
            end.rule_type == rule.rule_type && end.rank > deciding.rank && !matches!(other, Some(Rule::Constant(true)))
        })
    });
    if let Some(end) = in_the_way.transpose()?.flatten() {
        let other = policy.rules.get(end.rule).and_then(|other| policy.paths.get(other.path));
        return Ok(Some(Obstacle::Path(other.map(|other| other.path.to_string()).unwrap_or_default())));
    }
    Ok(match &rule.rule {
        Rule::Constant(_) => None,
        Rule::Expression(written) if written.uses_name => Some(Obstacle::Name),
        Rule::Expression(written) if written.uses_captures && !deciding.path.is_settled() => Some(Obstacle::Variables),
        Rule::Expression(_) => None,
    })
}
