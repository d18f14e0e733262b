//! A connect over HTTP with a fresh sandbox, against the same handler natively and in workerd.

use crate::load::{Run, Script, run};
use crate::report::{Report, median};
use crate::servers::{Store, Usher, native, workerd};

/// Rounds; all servers are measured in each, one after the other.
const ROUNDS: usize = 5;
const SECONDS: u32 = 3;

pub(crate) fn measure(report: &mut Report) {
    let (memory, disk) = (Usher::start(Store::Memory), Usher::start(Store::Disk));
    let (native, constant, workerd) = (native("/?route=connect"), native("/constant"), workerd());
    let connect = |url: &str, connections| run(url, Script::Connect, (connections, SECONDS));
    let rounds: Vec<Round> = (0..ROUNDS)
        .map(|_| Round {
            constant: run(&constant.url, Script::Get, (16, SECONDS)),
            native: connect(&native.url, 16),
            sandboxed: connect(&memory.connect_url(), 16),
            journaled: connect(&disk.connect_url(), 16),
            workerd: workerd.as_ref().map(|peer| connect(&peer.url, 16)),
            native_alone: connect(&native.url, 1),
            sandboxed_alone: connect(&memory.connect_url(), 1),
        })
        .collect();
    let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    report.at_least(
        "connect, 16 connections, fresh sandbox ÷ native",
        (of(&|r| r.sandboxed.rate / r.native.rate), 0.4),
        " ×",
    );
    report.at_most(
        "connect, 1 connection, added to native's p50",
        (of(&|r| r.sandboxed_alone.p50 - r.native_alone.p50), 50.0),
        " µs",
    );
    if workerd.is_some() {
        let ratio = |r: &Round| r.sandboxed.rate / r.workerd.map_or(f64::NAN, |run| run.rate);
        report.at_least("connect, 16 connections, fresh sandbox ÷ workerd", (of(&ratio), 3.0), " ×");
    } else {
        report.figure("connect ÷ workerd", "not measured: workerd is not installed");
    }
    report.figure(
        "connect, 16 connections, journaled ÷ in memory",
        format!("{:.2} ×", of(&|r| r.journaled.rate / r.sandboxed.rate)),
    );
    let servers: [(&str, OfRound); 5] = [
        ("constant 1 KiB", |round| Some(round.constant)),
        ("native connect", |round| Some(round.native)),
        ("Usher, grants in memory", |round| Some(round.sandboxed)),
        ("Usher, grants journaled", |round| Some(round.journaled)),
        ("workerd connect", |round| round.workerd),
    ];
    for (name, run) in servers {
        let runs: Vec<Run> = rounds.iter().filter_map(run).collect();
        if !runs.is_empty() {
            report.figure(name, describe(&runs));
        }
    }
    report.figure("resident memory after this load, grants in memory", format!("{:.1} MiB", memory.resident()));
}

struct Round {
    constant: Run,
    native: Run,
    sandboxed: Run,
    journaled: Run,
    workerd: Option<Run>,
    native_alone: Run,
    sandboxed_alone: Run,
}

/// Picks one server's run.
type OfRound = fn(&Round) -> Option<Run>;

fn describe(runs: &[Run]) -> String {
    let of = |figure: fn(&Run) -> f64| median(runs.iter().map(figure).collect());
    format!("{:.0} requests/s, p50 {:.0} µs, p99 {:.0} µs", of(|run| run.rate), of(|run| run.p50), of(|run| run.p99))
}
