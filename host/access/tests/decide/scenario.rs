//! Cases made from any bytes, and the crate under test asked about them.

use usher_access::{
    About, Credentials, Denied, Epoch, Expiry, GlobalPresence, Grant, GrantTable, Holder, Intent, InvalidToken,
    KeyNumber, KeysetState, MetadataLists, Names, Operation, Permissions, Revocation, Revocations, Shown, Switches,
    Target, Token, TokenAsked, TokenKey, TokenKeys, TokenTtl, UnixSeconds, UnverifiedToken, Verdict, Wants, decide,
    explain, recognise,
};

use super::reference::{self, Answer, Case, OPERATIONS, Revoked, Wanted};

const NOW: u64 = 10_000;
const KINDS: [&str; 3] = ["channel", "group", "uuid"];
const NAMES: [&str; 14] =
    ["a", "b", "ab", "a.b", "a.*", "a.", ".a", "b.a.b", "b.a.*", "*", "a-pnpres", "a.b-pnpres", "a.*-pnpres", ":a"];
const KEYS: [&str; 2] = ["k", "l"];
const USERS: [&str; 2] = ["u", "v"];
/// Small sets first, so that what is missing is common.
const BITS: [u8; 10] = [1, 2, 3, 4, 32, 64, 128, 136, 239, 255];
const ATOMS: [&str; 6] = ["a", "b", ":", ".", "-", "p"];

/// Takes one decision after the other from a list of bytes; when they are used up every choice is the first.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % count
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn maybe(&mut self, choices: &[&str]) -> Option<String> {
        (self.below(3) > 0).then(|| self.of(choices).to_owned())
    }

    fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }
}

pub(crate) fn case(bytes: &[u8]) -> Case {
    let choices = &mut Choices(bytes.iter());
    Case {
        now: NOW,
        wanted: wanted(choices),
        shown: shown(choices),
        uuid: choices.maybe(&USERS),
        open_lists: choices.below(2) == 1,
        open_presence: choices.below(2) == 1,
        revoked: if choices.below(3) == 0 { choices.list(2, revoked) } else { Vec::new() },
        grants: choices.list(8, grant),
    }
}

fn wanted(choices: &mut Choices<'_>) -> Wanted {
    let (operation, takes, ..) = choices.of(&OPERATIONS);
    let mut names = Vec::new();
    // In the order in which an intent lists them.
    for &(kind, _, fewest) in takes {
        for _ in 0..fewest + choices.below(3) {
            names.push((kind, choices.of(&NAMES).to_owned()));
        }
    }
    if let ([(kind, ..), ..], true) = (takes, names.is_empty()) {
        names.push((*kind, choices.of(&NAMES).to_owned()));
    }
    Wanted { operation, names }
}

fn shown(choices: &mut Choices<'_>) -> reference::Shown {
    match choices.below(9) {
        0 => reference::Shown::Nothing,
        1 => reference::Shown::Root,
        2 => reference::Shown::Forged,
        3 => reference::Shown::OfAnEarlierEpoch,
        4..=5 => reference::Shown::Key(choices.of(&KEYS).to_owned()),
        _ => reference::Shown::Token(reference::Token {
            minutes: 1 + choices.below(3) as u64,
            issued: NOW - 121 + choices.below(123) as u64,
            uuid: choices.maybe(&USERS),
            entries: choices.list(5, |choices| (choices.of(&KINDS), choices.of(&NAMES).to_owned(), choices.of(&BITS))),
            patterns: choices.list(4, |choices| (choices.of(&KINDS), pattern(choices), choices.of(&BITS))),
            lists_channels: choices.below(2) == 1,
            lists_uuids: choices.below(2) == 1,
        }),
    }
}

fn pattern(choices: &mut Choices<'_>) -> String {
    let front = choices.of(&["", "^"]);
    let atoms: String =
        (0..=choices.below(4)).map(|_| format!("{}{}", choices.of(&ATOMS), choices.of(&["", "", "*"]))).collect();
    format!("{front}{atoms}{}", choices.of(&["", "$"]))
}

fn revoked(choices: &mut Choices<'_>) -> Revoked {
    match choices.below(3) {
        0 => Revoked::TheToken,
        1 => Revoked::User(choices.of(&USERS).to_owned(), NOW - 121 + choices.below(123) as u64),
        _ => Revoked::UpTo(NOW - 121 + choices.below(123) as u64),
    }
}

fn grant(choices: &mut Choices<'_>) -> reference::Grant {
    let kind = choices.of(&["channel", "channel", "group", "uuid", "keyset"]);
    let name = if kind == "keyset" { String::new() } else { choices.of(&NAMES).to_owned() };
    let key = match kind {
        "keyset" => None,
        "uuid" => Some(choices.of(&KEYS).to_owned()),
        _ => choices.maybe(&KEYS),
    };
    let bits = if choices.below(8) == 0 { 0 } else { choices.of(&BITS) & Permissions::ALL.bits() };
    reference::Grant { kind, name, key, bits, end: choices.of(&[NOW + 1, NOW - 1, NOW, NOW + 60, u64::MAX]) }
}

/// Fails unless the crate and the reference answer this case alike.
pub(crate) fn check(case: &Case) {
    let keys = TokenKeys::new([TokenKey::new(KeyNumber::new(1), [7; 32])], Epoch::default());
    let token = case.shown.token().map(|token| minted(token, &keys));
    // A token without any permission is never made.
    if token.as_ref().is_some_and(Option::is_none) {
        return;
    }
    let token = token.flatten();
    let key = case.shown.key().map(|key| key.parse().unwrap());
    let shown = match (&case.shown, &token, &key) {
        (_, Some(token), _) => Shown::Token(token),
        (_, _, Some(key)) => Shown::AuthKey(key),
        (reference::Shown::Root, ..) => Shown::Root,
        (reference::Shown::Forged, ..) => Shown::Invalid(InvalidToken::Mac),
        (reference::Shown::OfAnEarlierEpoch, ..) => Shown::Invalid(InvalidToken::EpochOver),
        _ => Shown::Nothing,
    };
    let (grants, revocations) = (granted(&case.grants), taken_back(case, token.as_ref()));
    let keyset = KeysetState { grants: &grants, revocations: &revocations, switches: switches(case) };
    let credentials = Credentials { shown, uuid: case.uuid.as_deref() };
    let intent = intent(&case.wanted);
    check_request(&case.wanted, &intent);
    let verdict = decide(&intent, &credentials, &keyset, UnixSeconds::new(case.now));
    assert_eq!(answer(&verdict), reference::answer(case), "{case:#?}");
    let explanation = explain(&intent, &credentials, &keyset, UnixSeconds::new(case.now));
    assert_eq!(explanation.verdict, verdict, "{case:#?}");
    let all_given = explanation.rulings.iter().all(|ruling| ruling.outcome.is_ok());
    assert!(explanation.rulings.is_empty() || all_given == verdict.is_allow(), "{case:#?}");
}

fn answer(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Allow { until } => Answer::Allow(until.instant().map_or(u64::MAX, UnixSeconds::get)),
        Verdict::Deny(Denied { reason, rulings }) => {
            let names = rulings.iter().filter_map(|ruling| match &ruling.about {
                About::Resource { kind, name } => Some((kind.name(), name.as_str().to_owned())),
                About::Keyset | About::Category { .. } => None,
            });
            Answer::Deny(reason.code(), names.collect())
        }
    }
}

fn intent(wanted: &Wanted) -> Intent {
    let of = |kind: &str| {
        let names = wanted.names.iter().filter(|(of, _)| *of == kind);
        names.map(|(_, name)| name.parse().unwrap()).collect()
    };
    let names = Names { channels: of("channel"), groups: of("group"), uuids: of("uuid") };
    Operation::named(wanted.operation).unwrap().intent(names).unwrap()
}

/// Fails unless the operation's request, with these names written into it, is recognised as the same intent.
fn check_request(wanted: &Wanted, intent: &Intent) {
    let (_, takes, _, line) = OPERATIONS.iter().find(|row| row.0 == wanted.operation).unwrap();
    let of = |kind: &str| -> Vec<&str> {
        wanted.names.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str()).collect()
    };
    let mut line = (*line).to_owned();
    for (kind, ..) in *takes {
        let names = of(kind);
        if line.contains(&format!("{{{kind}}}")) && names.len() != 1 {
            return;
        }
        let none = if *kind == "channel" { "," } else { "" };
        let list = if names.is_empty() { none.to_owned() } else { names.join(",") };
        line = line.replace(&format!("{{{kind}s}}"), &list).replace(&format!("{{{kind}}}"), &list);
    }
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let read = match recognise(method, path, query).expect(&line).wants {
        Wants::Ready(read) => read,
        Wants::Body(unread) => {
            let entries: Vec<String> = of("channel").iter().map(|name| format!("\"{name}\"")).collect();
            let list = if wanted.operation == "members-remove" { "delete" } else { "set" };
            let listed = if wanted.operation.starts_with("members-") { "\"u\"".to_owned() } else { entries.join(",") };
            unread.with_body(format!("{{\"{list}\":[{listed}]}}").as_bytes()).expect(&line)
        }
    };
    assert_eq!(read.operation(), intent.operation(), "{line}");
    assert_eq!(read.resources().len(), intent.resources().len(), "{line}");
    assert!(intent.resources().iter().all(|resource| read.resources().contains(resource)), "{line}");
}

fn granted(grants: &[reference::Grant]) -> GrantTable {
    let mut table = GrantTable::default();
    for reference::Grant { kind, name, key, bits, end } in grants {
        let holder = key.as_ref().map_or(Holder::Everyone, |key| Holder::Key(key.parse().unwrap()));
        let target = match (*kind, key) {
            ("channel", _) => Target::Channel { name: name.parse().unwrap(), holder },
            ("group", _) => Target::Group { name: name.parse().unwrap(), holder },
            ("uuid", Some(key)) => Target::Uuid { name: name.parse().unwrap(), key: key.parse().unwrap() },
            _ => Target::Keyset,
        };
        let expires = if *end == u64::MAX { Expiry::NEVER } else { Expiry::at(UnixSeconds::new(*end)) };
        table.apply(&Grant { target, permissions: Permissions::try_from(*bits).unwrap(), expires });
    }
    table
}

fn taken_back(case: &Case, token: Option<&Token>) -> Revocations {
    let mut revocations = Revocations::default();
    for revoked in &case.revoked {
        let revocation = match (revoked, token) {
            (Revoked::TheToken, Some(token)) => Revocation::Token { id: token.id(), until: token.expires() },
            (Revoked::TheToken, None) => continue,
            (Revoked::User(user, at), _) => Revocation::Uuid { uuid: user.as_str().into(), at: UnixSeconds::new(*at) },
            (Revoked::UpTo(at), _) => Revocation::Before { at: UnixSeconds::new(*at) },
        };
        revocations.apply(&revocation);
    }
    revocations
}

fn switches(case: &Case) -> Switches {
    Switches {
        metadata_lists: if case.open_lists { MetadataLists::Open } else { MetadataLists::Granted },
        global_presence: if case.open_presence { GlobalPresence::Open } else { GlobalPresence::Granted },
    }
}

fn minted(token: &reference::Token, keys: &TokenKeys) -> Option<Token> {
    let mut asked = TokenAsked::new(TokenTtl::try_from(token.minutes).unwrap());
    asked.uuid = token.uuid.as_deref().map(Into::into);
    for (listed, permits) in [(&token.entries, &mut asked.resources), (&token.patterns, &mut asked.patterns)] {
        for (kind, name, bits) in listed {
            let permits = match *kind {
                "channel" => &mut permits.channels,
                "group" => &mut permits.groups,
                _ => &mut permits.uuids,
            };
            // Two entries of one name are one entry.
            *permits.entry(name.as_str().into()).or_default() |= bits;
        }
    }
    asked.categories.channels = if token.lists_channels { 32 } else { 0 };
    asked.categories.uuids = if token.lists_uuids { 32 } else { 0 };
    let key = keys.key(KeyNumber::new(1))?;
    let minted = asked.check().ok()?.mint(key, Epoch::default(), UnixSeconds::new(token.issued)).unwrap();
    Some(UnverifiedToken::parse(minted.reveal()).unwrap().verify(keys).unwrap())
}
