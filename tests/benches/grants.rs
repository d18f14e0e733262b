//! The grant table at a million grants, and how long a grant takes to be acknowledged by the journal.

use std::time::Instant;

use usher_access::{Expiry, Grant, GrantTable, Holder, Permission, Question, Subject, Target, UnixSeconds};

use crate::load::{Script, run};
use crate::report::{Report, median};
use crate::servers::{Store, Usher};

const GRANTS: u32 = 1_000_000;
const CHECKS: u32 = 2_000_000;
/// What `connect` grants a new user.
const GRANTS_OF_A_CONNECT: u64 = 14;

pub(crate) fn measure(report: &mut Report) {
    let records: Vec<(Vec<u8>, [u8; 10])> =
        (0..GRANTS).map(grant).map(|grant| (grant.target.encode(), grant.encode_value())).collect();
    let names: usize = (0..GRANTS).map(|n| name(n).len() + key(n).len()).sum();
    let started = Instant::now();
    let mut table = GrantTable::default();
    for (key, value) in &records {
        table.apply(&Grant::decode(key, value).expect("a grant"));
    }
    report.at_most("1,000,000 grants decoded and indexed", (started.elapsed().as_secs_f64(), 3.0), " s");
    let beyond = table.approximate_bytes().saturating_sub(names) as f64 / f64::from(GRANTS);
    report.at_most("memory of a grant beyond its names", (beyond, 200.0), " bytes");
    report.figure("checks among 1,000,000 grants, one core", format!("{:.2} M/s", checks(&table) / 1e6));
    let usher = Usher::start(Store::Disk);
    let rounds = (0..3).map(|_| run(&usher.connect_url(), Script::Connect, (1, 3)).p50);
    let connect = median(rounds.collect());
    reload(report, Usher::start(Store::Disk));
    report.at_most("connect with 14 grants acknowledged by the journal, p50", (connect / 1e3, 1.0), " ms");
}

/// Fills a server's store with a million grants, kills it, and waits for its first answer after the next start.
fn reload(report: &mut Report, usher: Usher) {
    let mut connects = 0;
    while connects * GRANTS_OF_A_CONNECT < u64::from(GRANTS) {
        connects += run(&usher.connect_url(), Script::ConnectNew, (16, 2)).answers;
    }
    let before = usher.resident();
    let started = Instant::now();
    let usher = usher.restart();
    let seconds = started.elapsed().as_secs_f64();
    let millions = (connects * GRANTS_OF_A_CONNECT) as f64 / 1e6;
    report.at_most(
        format!("kill and start with {millions:.2} M grants in the journal"),
        (seconds, (30.0 * millions).round() / 10.0),
        " s",
    );
    report.figure(
        "resident memory with them, before and after the start",
        format!("{before:.0} MiB, {:.0} MiB", usher.resident()),
    );
}

fn checks(table: &GrantTable) -> f64 {
    let asked: Vec<_> =
        (0..1000).map(|n| n * 997 % GRANTS).map(|n| (name(n).parse().unwrap(), key(n).parse().unwrap())).collect();
    let started = Instant::now();
    let mut allowed = 0_u32;
    for n in 0..CHECKS {
        let (channel, auth_key) = asked.get(n as usize % asked.len()).expect("in range");
        let question =
            Question { about: Subject::Channel(channel), auth_key: Some(auth_key), permission: Permission::Read };
        allowed += u32::from(table.check(&question, UnixSeconds::new(1)).is_allow());
    }
    assert_eq!(allowed, CHECKS);
    f64::from(CHECKS) / started.elapsed().as_secs_f64()
}

fn grant(n: u32) -> Grant {
    let target = Target::Channel { name: name(n).parse().unwrap(), holder: Holder::Key(key(n).parse().unwrap()) };
    Grant { target, permissions: Permission::Read.into(), expires: Expiry::NEVER }
}

fn name(n: u32) -> String {
    format!("demo#chat#private.#room-{n}")
}

fn key(n: u32) -> String {
    format!("auth-key-{n}")
}
