//! `[ceiling]`: the most that a function may ever grant.

use std::time::Duration;

use usher_access::{Allowance, Ceiling, Holders, Permission, Permissions, ResourceKind, Rule, Template, Ttl};

use crate::document::Section;

pub(super) fn read(mut section: Section) -> Ceiling {
    let longest = longest_ttl(&mut section, "longest_ttl").unwrap_or(Ttl::DEFAULT);
    let mut rules = Vec::new();
    for allow in section.sections("allow") {
        rules.extend(read_rules(allow, longest));
    }
    section.finish();
    Ceiling { rules }
}

/// One `[[ceiling.allow]]`: a rule for each kind of resource that it names.
fn read_rules(mut section: Section, longest: Ttl) -> Vec<Rule> {
    let words = section.parsed_list::<Permission>("permissions");
    let words = section.required("permissions", words).unwrap_or_default();
    let permissions = words.into_iter().fold(Permissions::NONE, |set, permission| set.union(permission.into()));
    let allowance = Allowance { permissions, longest_ttl: longest_ttl(&mut section, "longest_ttl").unwrap_or(longest) };
    let holders = read_holders(&mut section);
    let mut rules = Vec::new();
    for (key, kind) in
        [("channels", ResourceKind::Channel), ("groups", ResourceKind::Group), ("uuids", ResourceKind::Uuid)]
    {
        let templates: Vec<Template> = section.parsed_list(key).unwrap_or_default();
        if !templates.is_empty() {
            rules.push(Rule::Resources { kind, templates, holders, allowance });
        }
    }
    if section.flag("keyset") == Some(true) {
        rules.push(Rule::Keyset(allowance));
    }
    if rules.is_empty() {
        section.wrong("allow", "names no `channels`, `groups`, `uuids` or `keyset = true`");
    }
    section.finish();
    rules
}

fn read_holders(section: &mut Section) -> Holders {
    match section.text("auth").as_deref() {
        None | Some("caller") => Holders::Caller,
        Some("everyone") => Holders::Everyone,
        Some("any") => Holders::Any,
        Some(other) => {
            section.wrong("auth", format!("`{other}` is none of \"caller\", \"everyone\", \"any\""));
            Holders::Caller
        }
    }
}

/// Whole minutes up to a year, or `for ever`.
fn longest_ttl(section: &mut Section, key: &'static str) -> Option<Ttl> {
    let ttl = section.parsed::<LongestTtl>(key)?;
    Some(ttl.0)
}

struct LongestTtl(Ttl);

impl std::str::FromStr for LongestTtl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "for ever" {
            return Ok(Self(Ttl::FOR_EVER));
        }
        let span = crate::document::duration(text)?;
        if span < Duration::from_mins(1) {
            return Err("one minute at the least, or `for ever`".into());
        }
        Ttl::try_from(span.as_secs() / 60).map(Self).map_err(|error| error.to_string())
    }
}
