//! What fits under a ceiling: by example, and against a naive matcher for generated templates and names.

use proptest::prelude::*;

use super::template::Piece;
use super::*;
use crate::permissions::Permission;
use crate::proposal::Asked;

fn bindings() -> Bindings {
    Bindings::for_caller("k1".parse().unwrap())
        .bind("ns", ["a", "b."])
        .bind("uuid", ["a.*", "b", "*"])
        .bind("empty", [""])
}

fn fits(template: &str, kind: ResourceKind, name: &str) -> bool {
    let template: Template = template.parse().unwrap();
    template.fits(kind, &name.parse().unwrap(), &bindings())
}

#[test]
fn a_template_matches_what_it_says() {
    for (template, name, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("${ns}#user#${uuid}#*", "a#user#b#", true),
        ("${ns}#user#${uuid}#*", "b.#user#b#write.*", true),
        ("${ns}#user#${uuid}#*", "a#user#c#x", false),
        ("${ns}#user#${uuid}#*", "a#user#b", false),
        ("${auth_key}", "k1", true),
        ("${auth_key}", "k2", false),
        ("${unbound}*", "a", false),
        ("${empty}*", "a", false),
        ("room-*-x", "room-12-x", true),
        ("room-*-x", "room--x", false),
        ("room-*-x", "room-1#2-x", false),
        ("room-*-x", "room-żó-x-x", true),
        ("$*", "$a", true),
        ("*", "anything#at.all", true),
        ("a*", "a*", true),
        ("a.*", "a.*", true),
        ("a.*", "a.b.c#d", true),
        ("a.*", "ab", false),
        ("a*", "a.*", true),
        ("a.b", "a.*", false),
        ("a.*", "a.b-pnpres", true),
    ] {
        assert_eq!(fits(template, ResourceKind::Channel, name), expected, "{template} {name}");
    }
}

#[test]
fn a_client_cannot_name_itself_a_wildcard() {
    for (template, name) in
        [("${uuid}", "a.*"), ("a.${uuid}", "a.*"), ("${uuid}*", "a.*"), ("x*${uuid}", "xa.*"), ("a.**", "a.*")]
    {
        assert!(!fits(template, ResourceKind::Channel, name), "{template} {name}");
    }
    assert!(fits("${uuid}", ResourceKind::Uuid, "a.*"), "a uuid has no wildcards");
}

#[test]
fn a_broken_template_is_refused() {
    for (text, expected) in [
        ("", "the template is empty"),
        ("a${ns", "the template `a${ns` has a `${` without its `}`"),
        ("${}", "the template `${}` has a variable `` that is not a name"),
        ("${1a}", "the template `${1a}` has a variable `1a` that is not a name"),
        ("${a${b}", "the template `${a${b}` has a variable `a${b` that is not a name"),
        ("a,b", "the template `a,b` holds a character that no name can hold"),
    ] {
        assert_eq!(text.parse::<Template>().unwrap_err().to_string(), expected);
    }
    let template: Template = "${ns}#${uuid}*x".parse().unwrap();
    assert_eq!(template.variables().collect::<Vec<_>>(), ["ns", "uuid"]);
}

fn rule(template: &str, holders: Holders, bits: u8, minutes: u64) -> Rule {
    Rule::Resources {
        kind: ResourceKind::Channel,
        templates: vec![template.parse().unwrap()],
        holders,
        allowance: allowance(bits, minutes),
    }
}

fn allowance(bits: u8, minutes: u64) -> Allowance {
    Allowance { permissions: Permissions::try_from(bits).unwrap(), longest_ttl: Ttl::try_from(minutes).unwrap() }
}

fn proposal(channels: &[&str], keys: &[&str], bits: u8, minutes: u64) -> Proposal {
    let asked = Asked {
        channels: channels.iter().map(|name| name.parse().unwrap()).collect(),
        auth_keys: keys.iter().map(|key| key.parse().unwrap()).collect(),
        permissions: Permissions::try_from(bits).unwrap(),
        ttl: Ttl::try_from(minutes).unwrap(),
        ..Asked::default()
    };
    asked.try_into().unwrap()
}

#[test]
fn asking_for_more_is_an_error_that_says_what() {
    let ceiling = Ceiling {
        rules: vec![
            rule("own*", Holders::Caller, 1, 60),
            rule("own-w*", Holders::Caller, 2, 10),
            rule("open", Holders::Everyone, 1, 0),
            rule("any", Holders::Any, 3, 60),
            rule("void", Holders::Any, 0, 60),
        ],
    };
    for (channels, keys, bits, minutes, expected) in [
        (&["own", "own.*"][..], &["k1"][..], 1, 60, None),
        (&["own-w"], &["k1"], 3, 10, None),
        (&["own-w"], &["k1"], 1, 60, None),
        (&["own-w"], &["k1"], 3, 11, Some("the ceiling does not allow 11 minutes on the channel `own-w`")),
        (&["own"], &["k1"], 1, 0, Some("the ceiling does not allow for ever on the channel `own`")),
        (&["own"], &["k1"], 7, 1, Some("the ceiling does not allow write, manage on the channel `own`")),
        (&["own", "other"], &["k1"], 1, 1, Some("the ceiling allows nothing on the channel `other`")),
        (&["void"], &["k1"], 0, 1, Some("the ceiling allows nothing on the channel `void`")),
        (
            &["own"],
            &["k1", "k2"],
            1,
            1,
            Some("the ceiling does not allow grants on the channel `own` for an auth key other than the caller's"),
        ),
        (&["own"], &[], 0, 1, Some("the ceiling does not allow grants on the channel `own` for everyone")),
        (&["open"], &[], 1, 0, None),
        (
            &["open"],
            &["k1"],
            1,
            0,
            Some("the ceiling does not allow grants on the channel `open` for the caller's auth key"),
        ),
        (&["any"], &["k1", "k2"], 3, 60, None),
        (&["any"], &[], 1, 60, Some("the ceiling does not allow grants on the channel `any` for everyone")),
        (&["own", "any"], &["k1"], 0, 0, None),
        (&[], &[], 1, 1, Some("the ceiling allows nothing on the whole keyset")),
        (&[], &[], 0, 1, Some("the ceiling allows nothing on the whole keyset")),
    ] {
        let outcome = proposal(channels, keys, bits, minutes).within(&ceiling, &bindings());
        let error = outcome.err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), expected, "{channels:?} {keys:?}");
    }
}

#[test]
fn the_whole_keyset_needs_its_own_rule() {
    let rules = vec![rule("*", Holders::Everyone, 239, 0)];
    let whole = || proposal(&[], &[], 1, 60);
    assert!(whole().within(&Ceiling { rules: rules.clone() }, &bindings()).is_err());
    let rules = [rules, vec![Rule::Keyset(allowance(1, 60))]].concat();
    assert!(whole().within(&Ceiling { rules }, &bindings()).is_ok());
}

/// Tries every way to split the text, one after the other.
fn naive(pieces: &[Piece], text: &str) -> bool {
    let Some((piece, further)) = pieces.split_first() else {
        return text.is_empty();
    };
    let after = |start: &str| text.strip_prefix(start).is_some_and(|tail| naive(further, tail));
    match piece {
        Piece::Literal(literal) => after(literal),
        Piece::Variable(variable) => bindings().values(variable).any(after),
        Piece::Some => {
            let free = text.chars().take_while(|&c| c != '#').count();
            (1..=free).any(|count| naive(further, &text.chars().skip(count).collect::<String>()))
        }
        Piece::Rest => true,
    }
}

/// Whether everything that the channel opens is matched: for a wildcard, names that no literal or variable can end.
fn naive_fits(template: &Template, name: &str) -> bool {
    match name.strip_suffix('*').filter(|lead| lead.ends_with('.')) {
        Some(lead) => ["", "x", "#☃", "☃.☃", "*"].iter().all(|tail| naive(template.pieces(), &format!("{lead}{tail}"))),
        None => naive(template.pieces(), name),
    }
}

fn template_texts() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "#", ".", "*", "${ns}", "${uuid}", "${unbound}"]);
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

/// Names that often meet a template, and often end in `.*`.
fn names() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "#", ".", "*", "a.*", "b.", "x"]);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn a_template_agrees_with_the_naive_matcher(text in template_texts(), name in names()) {
        let template: Template = text.parse().unwrap();
        let fits = template.fits(ResourceKind::Channel, &name.parse().unwrap(), &bindings());
        prop_assert_eq!(fits, naive_fits(&template, &name));
    }

    #[test]
    fn a_ceiling_never_widens(
        rules in prop::collection::vec((template_texts(), 0..8_u8, 0..4_u64), 1..5),
        names in prop::collection::vec(names(), 1..3),
        bits in 0..8_u8,
        minutes in 0..4_u64,
    ) {
        let ceiling = Ceiling {
            rules: rules.iter().map(|(text, bits, minutes)| rule(text, Holders::Caller, *bits, *minutes)).collect(),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let asked = proposal(&names, &["k1"], bits, minutes);
        let allowed = names.iter().all(|name| {
            let speaking = rules.iter().filter(|(text, ..)| naive_fits(&text.parse().unwrap(), name));
            let in_time = |longest: u64| longest == 0 || (minutes != 0 && minutes <= longest);
            let usable = speaking.filter(|(_, _, longest)| bits == 0 || in_time(*longest));
            let most = usable.fold(0, |most, (_, bits, _)| most | bits);
            if bits == 0 { most != 0 } else { bits & !most == 0 }
        });
        prop_assert_eq!(asked.within(&ceiling, &bindings()).is_ok(), allowed);
    }

    #[test]
    fn hostile_names_cost_no_more_than_others(text in "(a*){1,40}", name in "a{200,260}") {
        let template: Template = format!("{text}b").parse().unwrap();
        prop_assert!(!template.fits(ResourceKind::Channel, &name.parse().unwrap(), &bindings()));
    }

    #[test]
    fn any_text_parses_or_errs(text in "\\PC{0,40}", name in "[^,\\p{C}\\p{Zl}\\p{Zp}]{1,60}") {
        if let Ok(template) = text.parse::<Template>() {
            template.fits(ResourceKind::Channel, &name.parse().unwrap(), &bindings());
        }
    }
}

#[test]
fn uuids_go_to_the_caller() {
    let ceiling = Ceiling {
        rules: vec![Rule::Resources {
            kind: ResourceKind::Uuid,
            templates: vec!["${uuid}".parse().unwrap()],
            holders: Holders::Caller,
            allowance: allowance(104, 60),
        }],
    };
    for (uuid, key, expected) in [("b", "k1", true), ("b", "k2", false), ("c", "k1", false)] {
        let asked = Asked {
            uuids: vec![uuid.parse().unwrap()],
            auth_keys: vec![key.parse().unwrap()],
            permissions: [Permission::Get, Permission::Update].into_iter().collect(),
            ttl: Ttl::try_from(60).unwrap(),
            ..Asked::default()
        };
        let proposal = Proposal::try_from(asked).unwrap();
        assert_eq!(proposal.within(&ceiling, &bindings()).is_ok(), expected, "{uuid} {key}");
    }
}
