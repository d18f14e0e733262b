//! `make bench`: every number of the project, as ratios within one run and medians over rounds.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be set up has to say so at once"
)]

mod connect;
mod deciding;
mod gateway;
mod grants;
mod load;
mod machine;
mod neighbours;
mod policy;
mod report;
mod servers;
mod start;

use report::Report;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let mut report = Report::default();
    if is_wanted("connect") {
        connect::measure(&mut report);
    }
    if is_wanted("start") {
        start::measure(&mut report);
    }
    if is_wanted("grants") {
        grants::measure(&mut report);
    }
    if is_wanted("deciding") {
        deciding::measure(&mut report);
    }
    if is_wanted("policy") {
        policy::measure(&mut report);
    }
    if is_wanted("gateway") {
        gateway::measure(&mut report);
    }
    if is_wanted("neighbours") {
        neighbours::measure(&mut report);
    }
    println!("{}", report.markdown(&machine::describe()));
    if report.missed() {
        println!("\nsome numbers miss their goal");
    }
}
