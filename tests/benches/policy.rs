//! Deciding by policy, beside deepstream's own permission handler on the same document and the same questions.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_policy::{Action, Fetched, Json, Payload, Policy, Question, Section, UnixMillis, User};

mod peer;

use crate::report::{Report, median};
use peer::Peer;

const ROUNDS: usize = 7;
/// How long each side is asked, in each round.
const TURN: Duration = Duration::from_millis(300);
/// Questions between two looks at the clock.
const STRETCH: usize = 1_000;
/// Names asked about once in a turn.
const UNSEEN: usize = 200_000;
const MANY_PATHS: usize = 1_000;

/// What both sides are asked; deepstream reads the same file.
const CASES: &str = include_str!("deepstream/cases.json");

/// What is measured: the group of cases, its name in the table, and how often deepstream's best we are to be.
const GROUPS: [(&str, &str, f64); 4] = [
    ("plain", "six rules without a payload", 3.0),
    ("mix", "nine rules, three of which read a JSON payload", 3.0),
    ("oldData", "a rule that reads `oldData` and `data`", 10.0),
    ("crossReference", "a rule that looks another record up", 10.0),
];

/// One question of the file.
struct Case {
    action: Action,
    name: String,
    data: Option<String>,
    user: User,
}

/// Stored records, by name.
type Records = BTreeMap<String, Arc<Json<'static>>>;

pub(crate) fn measure(report: &mut Report) {
    let cases: Value = serde_json::from_str(CASES).expect("JSON");
    let policy = Policy::parse(&cases["permissions"].to_string()).expect("a policy");
    let records: Records = cases["records"]
        .as_object()
        .expect("records")
        .iter()
        .map(|(name, value)| (name.clone(), json(value)))
        .collect();
    let mut peer = Peer::start();
    for (group, what, least) in GROUPS {
        let asked = read(&cases, group, (&policy, &records));
        let rounds = (0..ROUNDS).map(|_| {
            let ours = rate(&policy, &asked, &records);
            (ours, peer.as_mut().map(|peer| peer.rate(group, TURN)))
        });
        compare(report, what, (rounds.collect(), least));
    }
    unseen(report, peer.as_mut());
    parsing(report, &cases["permissions"].to_string());
}

/// Puts our median beside deepstream's best turn.
fn compare(report: &mut Report, what: &str, (rounds, least): (Vec<(f64, Option<f64>)>, f64)) {
    let ours = median(rounds.iter().map(|(ours, _)| *ours).collect());
    let theirs: Option<Vec<f64>> = rounds.iter().map(|(_, theirs)| *theirs).collect();
    match theirs {
        Some(theirs) => {
            let best = theirs.into_iter().fold(0.0, f64::max);
            report.at_least(format!("policy, {what}, median ÷ deepstream's best"), (ours / best, least), " ×");
            report.figure(format!("policy, {what}"), format!("{:.0} k/s beside {:.0} k/s", ours / 1e3, best / 1e3));
        }
        None => report.figure(
            format!("policy, {what}"),
            format!("{:.0} k/s; deepstream is not installed, `make bench` installs it", ours / 1e3),
        ),
    }
}

/// Names that are asked about once, among few and among many paths.
fn unseen(report: &mut Report, mut peer: Option<&mut Peer>) {
    let (few, many) = (document(10), document(MANY_PATHS));
    let (few_policy, many_policy) = (policy(&few), policy(&many));
    let mut given = 0;
    let rounds: Vec<(f64, f64, Option<f64>)> = (0..ROUNDS)
        .map(|_| {
            let [few_rate, many_rate] = [(&few_policy, 10), (&many_policy, MANY_PATHS)].map(|(policy, paths)| {
                given += UNSEEN;
                rate_unseen(policy, paths, given)
            });
            let theirs = peer.as_mut().map(|peer| peer.rate_unseen(&many, MANY_PATHS, TURN));
            (few_rate, many_rate, theirs)
        })
        .collect();
    let fall = median(rounds.iter().map(|(few, many, _)| many / few).collect());
    compare(
        report,
        "names never seen, 1,000 paths",
        (rounds.into_iter().map(|(_, many, theirs)| (many, theirs)).collect(), 50.0),
    );
    report.at_least("policy, names never seen, 1,000 paths ÷ 10 paths", (fall, 0.5), " ×");
}

/// How long a document takes to become a policy.
fn parsing(report: &mut Report, seed: &str) {
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        for _ in 0..100 {
            black_box(Policy::parse(black_box(seed)).expect("a policy"));
        }
        started.elapsed().as_secs_f64() * 1e6 / 100.0
    });
    report.figure(
        "policy, reading and checking the document of these rules",
        format!("{:.0} µs", median(rounds.collect())),
    );
}

/// Decisions a second over a turn.
fn rate(policy: &Policy, cases: &[Case], records: &Records) -> f64 {
    let started = Instant::now();
    let mut asked = 0;
    while started.elapsed() < TURN {
        for case in cases.iter().cycle().take(STRETCH) {
            black_box(decide(policy, black_box(case), records));
        }
        asked += STRETCH;
    }
    per_second(asked, started)
}

/// Decisions a second on names from the `first` on, each asked about once.
fn rate_unseen(policy: &Policy, paths: usize, first: usize) -> f64 {
    let user = user("alice");
    let action = Action::deepstream(Section::Event, "EMIT").expect("an action");
    let names: Vec<String> = (first..first + UNSEEN).map(|n| format!("room-{}/user-{n}", n % paths)).collect();
    let started = Instant::now();
    for name in &names {
        let question = Question { action, name, payload: Payload::None, user: &user, now: UnixMillis(1) };
        assert!(policy.decide(black_box(&question), |_| Fetched::Nothing).is_allowed());
    }
    per_second(UNSEEN, started)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2⁵³")]
fn per_second(count: usize, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

/// The payload is parsed in each call.
fn decide(policy: &Policy, case: &Case, records: &Records) -> bool {
    let payload = case.data.as_deref().map_or(Payload::None, Payload::Json);
    let question = Question {
        action: case.action,
        name: &case.name,
        payload,
        user: &case.user,
        now: UnixMillis(1_700_000_000_000),
    };
    let fetch = |name: &str| records.get(name).cloned().map_or(Fetched::Nothing, Fetched::Value);
    policy.decide(&question, fetch).is_allowed()
}

/// A group of the file; each case is decided as it says.
fn read(cases: &Value, group: &str, (policy, records): (&Policy, &Records)) -> Vec<Case> {
    if group == "mix" {
        let of = |group| read(cases, group, (policy, records));
        return of("plain").into_iter().chain(of("payloads")).collect();
    }
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let case = |case: &Value| {
        let section = Section::named(&text(&case["topic"])).expect("a section");
        let action = Action::deepstream(section, &text(&case["action"])).expect("an action");
        let data = case.get("data").map(text);
        let read = Case { action, name: text(&case["name"]), data, user: user(&text(&case["user"])) };
        assert_eq!(decide(policy, &read, records), case["expected"] == "allow", "{}", read.name);
        read
    };
    cases[group].as_array().expect("a group").iter().map(case).collect()
}

/// A document of so many rooms.
fn document(paths: usize) -> Value {
    let room = |n| (format!("room-{n}/$user"), json!({ "publish": "$user !== user.id" }));
    let rooms: serde_json::Map<String, Value> = (0..paths).map(room).chain([("*".to_owned(), json!({}))]).collect();
    json!({ "record": {"*": {}}, "event": rooms, "rpc": {"*": {}}, "presence": {"*": {}} })
}

fn policy(document: &Value) -> Policy {
    Policy::parse(&document.to_string()).expect("a policy")
}

fn user(id: &str) -> User {
    User::new(Json::Text(id.to_owned().into()), Json::Null)
}

fn json(value: &Value) -> Arc<Json<'static>> {
    Arc::new(Json::parse(&value.to_string()).expect("JSON").into_owned())
}
