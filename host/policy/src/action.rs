//! What a client wants to do: deepstream's actions and the Access Manager's permissions, and the rule each needs.

use usher_access::{Permission, ResourceKind};

use crate::section::{RuleType, Section};

/// One thing that a rule decides; `action` in a rule, which equals the word and the number alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    section: Section,
    rule: RuleType,
    word: &'static str,
    number: u8,
}

/// deepstream's actions that need a rule, with the number each has on its wire.
const ACTIONS: [Action; 22] = [
    Action::new(Section::Record, RuleType::Read, "SUBSCRIBE", 25),
    Action::new(Section::Record, RuleType::Read, "SUBSCRIBEANDHEAD", 21),
    Action::new(Section::Record, RuleType::Read, "SUBSCRIBEANDREAD", 22),
    Action::new(Section::Record, RuleType::Read, "READ", 3),
    Action::new(Section::Record, RuleType::Read, "HEAD", 5),
    Action::new(Section::Record, RuleType::Create, "CREATE", 15),
    Action::new(Section::Record, RuleType::Write, "UPDATE", 18),
    Action::new(Section::Record, RuleType::Write, "PATCH", 19),
    Action::new(Section::Record, RuleType::Write, "PATCH_MULTI", 35),
    Action::new(Section::Record, RuleType::Delete, "DELETE", 9),
    Action::new(Section::Record, RuleType::Delete, "ERASE", 20),
    Action::new(Section::Record, RuleType::Listen, "LISTEN", 27),
    Action::new(Section::Record, RuleType::Notify, "NOTIFY", 2),
    Action::new(Section::Event, RuleType::Publish, "EMIT", 2),
    Action::new(Section::Event, RuleType::Subscribe, "SUBSCRIBE", 3),
    Action::new(Section::Event, RuleType::Listen, "LISTEN", 5),
    Action::new(Section::Rpc, RuleType::Provide, "PROVIDE", 8),
    Action::new(Section::Rpc, RuleType::Request, "REQUEST", 2),
    Action::new(Section::Presence, RuleType::Allow, "SUBSCRIBE", 10),
    Action::new(Section::Presence, RuleType::Allow, "SUBSCRIBE_ALL", 12),
    Action::new(Section::Presence, RuleType::Allow, "QUERY", 4),
    Action::new(Section::Presence, RuleType::Allow, "QUERY_ALL", 2),
];

impl Action {
    /// The action that deepstream's `word` means in one of its sections.
    ///
    /// `None`: no rule decides it (unsubscribing, answers of listeners and of procedures), or it is a compound such as
    /// `SUBSCRIBECREATEANDREAD`, whose parts are asked about one by one.
    pub fn deepstream(section: Section, word: &str) -> Option<Self> {
        ACTIONS.into_iter().find(|action| action.section == section && action.word == word)
    }

    /// Using a permission of the Access Manager; its number is the permission's bit.
    pub fn permission(kind: ResourceKind, permission: Permission) -> Self {
        Self::new(kind.into(), permission.into(), permission.name(), permission.bit())
    }

    /// What a word means in a section: deepstream's word or number, else a rule type, which its plainest action stands for; or a
    /// permission.
    pub fn named(section: Section, word: &str) -> Option<Self> {
        let kind = match section {
            Section::Record | Section::Event | Section::Rpc | Section::Presence => {
                let number = word.parse().ok();
                let of_section = |action: &Self| action.section == section;
                let is_meant = |action: &Self| action.word.eq_ignore_ascii_case(word) || Some(action.number) == number;
                let by_word = ACTIONS.into_iter().filter(of_section).find(is_meant);
                return by_word
                    .or_else(|| ACTIONS.into_iter().filter(of_section).find(|action| action.rule.name() == word));
            }
            Section::Channel => ResourceKind::Channel,
            Section::Group => ResourceKind::Group,
            Section::Uuid => ResourceKind::Uuid,
        };
        word.parse::<Permission>().ok().map(|permission| Self::permission(kind, permission))
    }

    /// The section whose paths are asked.
    pub const fn section(self) -> Section {
        self.section
    }

    /// The rule that decides.
    pub const fn rule(self) -> RuleType {
        self.rule
    }

    /// The word, such as `UPDATE` or `write`.
    pub const fn word(self) -> &'static str {
        self.word
    }

    /// The number, such as 18.
    pub const fn number(self) -> u8 {
        self.number
    }

    const fn new(section: Section, rule: RuleType, word: &'static str, number: u8) -> Self {
        Self { section, rule, word, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_named_by_word_number_rule_type_or_permission() {
        for (section, word, expected) in [
            (Section::Record, "UPDATE", Some(("UPDATE", RuleType::Write))),
            (Section::Record, "35", Some(("PATCH_MULTI", RuleType::Write))),
            (Section::Record, "read", Some(("READ", RuleType::Read))),
            (Section::Record, "write", Some(("UPDATE", RuleType::Write))),
            (Section::Event, "publish", Some(("EMIT", RuleType::Publish))),
            (Section::Event, "2", Some(("EMIT", RuleType::Publish))),
            (Section::Presence, "allow", Some(("SUBSCRIBE", RuleType::Allow))),
            (Section::Channel, "write", Some(("write", RuleType::Write))),
            (Section::Channel, "UPDATE", None),
            (Section::Record, "SUBSCRIBECREATEANDREAD", None),
            (Section::Event, "read", None),
            (Section::Uuid, "", None),
        ] {
            let found = Action::named(section, word).map(|action| (action.word(), action.rule()));
            assert_eq!(found, expected, "{section} {word}");
        }
    }
}
