//! A template ends in a decision for any name, and what it allows begins as its literal beginning says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::{
    Allowance, Asked, Bindings, Ceiling, Holders, Permissions, Proposal, ResourceKind, Rule, Template, Ttl,
};

fuzz_target!(|input: (&str, &str, &str)| {
    let (template, name, value) = input;
    let (Ok(template), Ok(name)) = (template.parse::<Template>(), name.parse()) else { return };
    let literal = template.as_str().split(['$', '*']).next().unwrap_or_default().to_owned();
    let allowance = Allowance { permissions: Permissions::NONE, longest_ttl: Ttl::DEFAULT };
    let rule = Rule::Resources {
        kind: ResourceKind::Channel,
        templates: vec![template],
        holders: Holders::Everyone,
        allowance,
    };
    let asked = Asked { channels: vec![name], ..Asked::default() };
    let Ok(proposal) = Proposal::try_from(asked) else { return };
    let named: Vec<String> = proposal.resources().map(|(_, name)| name.as_str().to_owned()).collect();
    if proposal.within(&Ceiling { rules: vec![rule] }, &Bindings::default().bind("namespace", [value])).is_ok() {
        assert!(named.iter().all(|name| name.starts_with(&literal)));
    }
});
