//! Deciding: tokens and grants in process, patterns that try to be slow, and decisions over HTTP beside a constant reply.

use std::hint::black_box;
use std::time::Instant;

use usher_access::{
    AuthKey, Credentials, Epoch, Expiry, Grant, GrantTable, Holder, Intent, KeyNumber, KeysetState, Permission,
    Presented, ResourceKind, Revocations, Shown, Switches, Target, TokenAsked, TokenKey, TokenKeys, TokenTtl,
    UnixSeconds, Verdict, Verifier, Wants, decide, recognise,
};

use crate::load::{Script, run};
use crate::report::{Report, median};
use crate::servers::{Store, Usher};

const ROUNDS: usize = 5;
const DECISIONS: u32 = 1_000_000;
/// Tokens seen for the first time in one round.
const FIRST_SIGHTS: u32 = 500;
const GRANTS: u32 = 1_000_000;
const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);
const SUBSCRIBE_KEY: &str = "sub-c-bench";

pub(crate) fn measure(report: &mut Report) {
    tokens(report);
    grants(report);
    patterns(report);
    over_http(report);
}

/// Ten resources and five patterns; the question is answered by the last pattern.
fn tokens(report: &mut Report) {
    let verifier = Verifier::new(TokenKeys::new([key()], Epoch::default()));
    let table = GrantTable::default();
    let intents: Vec<Intent> = (0..100).map(|n| publish(&format!("room-e-{n}"))).collect();
    let text = token(0);
    let warm = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        for n in 0..DECISIONS {
            let intent = intents.get(n as usize % intents.len()).expect("in range");
            assert!(verify_and_decide(&verifier, &text, intent, &table).is_allow());
        }
        f64::from(DECISIONS) / started.elapsed().as_secs_f64() / 1e3
    });
    report.at_least(
        "verify + decide, a token of 10 resources and 5 patterns, one core",
        (median(warm.collect()), 500.0),
        " k/s",
    );
    let mut minted = 0;
    let first = (0..ROUNDS).map(|_| {
        let texts: Vec<String> = (0..FIRST_SIGHTS).map(|n| token(minted + n)).collect();
        minted += FIRST_SIGHTS;
        let intent = publish("room-e-1");
        let started = Instant::now();
        for text in &texts {
            assert!(verify_and_decide(&verifier, text, &intent, &table).is_allow());
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(FIRST_SIGHTS)
    });
    report.figure("the same at a token's first sight", format!("{:.1} µs", median(first.collect())));
}

fn verify_and_decide(verifier: &Verifier, text: &str, intent: &Intent, grants: &GrantTable) -> Verdict {
    let Presented::Token(token) = verifier.verify(black_box(text)) else { panic!("not a token of this keyset") };
    let revocations = Revocations::default();
    let state = KeysetState { grants, revocations: &revocations, switches: Switches::default() };
    decide(intent, &Credentials { shown: Shown::Token(&token), uuid: Some("alice") }, &state, NOW)
}

fn grants(report: &mut Report) {
    let table: GrantTable = (0..GRANTS).map(grant).fold(GrantTable::default(), |mut table, grant| {
        table.apply(&grant);
        table
    });
    let asked: Vec<(AuthKey, Intent)> = (0..1_000)
        .map(|n| n * 997 % GRANTS)
        .map(|n| (auth_key(n).parse().expect("an auth key"), publish(&name(n))))
        .collect();
    let revocations = Revocations::default();
    let state = KeysetState { grants: &table, revocations: &revocations, switches: Switches::default() };
    let rates = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        for n in 0..DECISIONS {
            let (key, intent) = asked.get(n as usize % asked.len()).expect("in range");
            let credentials = Credentials { shown: Shown::AuthKey(key), uuid: Some("alice") };
            assert!(decide(black_box(intent), &credentials, &state, NOW).is_allow());
        }
        f64::from(DECISIONS) / started.elapsed().as_secs_f64() / 1e6
    });
    report.at_least("version 2 decisions among 1,000,000 grants, one core", (median(rates.collect()), 2.0), " M/s");
}

/// How much longer a name four times as long takes: 4 is linear, 16 quadratic.
fn patterns(report: &mut Report) {
    for source in ["^(?:a|a|aa)*$", "(?:a?){30}a{30}b", "(?:a|b|ab)*(?:c|d)(?:e|f)*$", r"(?:\S{0,20}x){3}"] {
        let mut asked = TokenAsked::new(TokenTtl::try_from(60).expect("a ttl"));
        asked.patterns.channels.insert(source.into(), 1);
        let verifier = Verifier::new(TokenKeys::new([key()], Epoch::default()));
        let Presented::Token(token) = verifier.verify(&mint(asked)) else { panic!("not a token of this keyset") };
        let time = |length: usize| {
            let name = "a".repeat(length);
            let started = Instant::now();
            for _ in 0..2_000 {
                black_box(token.held(ResourceKind::Channel, black_box(&name)));
            }
            started.elapsed().as_secs_f64()
        };
        time(260);
        let ratios = (0..ROUNDS).map(|_| time(260) / time(65));
        report.at_most(
            format!("`{source}`, a name of 260 bytes against one of 65"),
            (median(ratios.collect()), 8.0),
            " ×",
        );
    }
}

fn over_http(report: &mut Report) {
    let usher = Usher::start(Store::Memory);
    run(&usher.connect_url(), Script::Connect, (4, 1));
    let [subscribe_key, publish_key] = ["subscribe_key", "publish_key"].map(|key| usher.process.field(key));
    let script = Script::Decide { subscribe_key, publish_key };
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            // The same requests, so that what the load's script costs weighs on both.
            let constant = run(&usher.decisions_url("/livez"), script, (16, 3)).rate;
            let decided = run(&usher.decisions_url("/v1/decisions/nginx"), script, (16, 3)).rate;
            (decided, constant)
        })
        .collect();
    let of = |figure: fn(&(f64, f64)) -> f64| median(rounds.iter().map(figure).collect());
    report.at_least(
        "decisions over HTTP ÷ a constant reply",
        (of(|(decided, constant)| decided / constant), 0.8),
        " ×",
    );
    report.figure("decisions over HTTP, 16 connections", format!("{:.0} requests/s", of(|(decided, _)| *decided)));
    report.figure("the constant reply beside them", format!("{:.0} requests/s", of(|(_, constant)| *constant)));
}

fn publish(channel: &str) -> Intent {
    let path = format!("/publish/pub-c-bench/{SUBSCRIBE_KEY}/0/{}/0/1", channel.replace('#', "%23"));
    match recognise("GET", &path, "uuid=alice").expect("a publish").wants {
        Wants::Ready(intent) => intent,
        Wants::Body(_) => panic!("a publish by GET has no body"),
    }
}

fn token(n: u32) -> String {
    let mut asked = TokenAsked::new(TokenTtl::try_from(60).expect("a ttl"));
    asked.uuid = Some("alice".into());
    asked.meta.insert("n".into(), n.into());
    for n in 0..10 {
        asked.resources.channels.insert(format!("channel-{n}").into(), 3);
    }
    for letter in ["a", "b", "c", "d", "e"] {
        asked.patterns.channels.insert(format!(r"^room-{letter}-\S*$").into(), 3);
    }
    mint(asked)
}

fn mint(asked: TokenAsked) -> String {
    let minted = asked.check().expect("a grant").mint(&key(), Epoch::default(), NOW).expect("a token");
    minted.reveal().to_owned()
}

fn key() -> TokenKey {
    TokenKey::new(KeyNumber::new(1), [7; 32])
}

fn grant(n: u32) -> Grant {
    let holder = Holder::Key(auth_key(n).parse().expect("an auth key"));
    let target = Target::Channel { name: name(n).parse().expect("a name"), holder };
    Grant { target, permissions: [Permission::Read, Permission::Write].into_iter().collect(), expires: Expiry::NEVER }
}

fn name(n: u32) -> String {
    format!("demo#chat#private.#room-{n}")
}

fn auth_key(n: u32) -> String {
    format!("auth-key-{n}")
}
