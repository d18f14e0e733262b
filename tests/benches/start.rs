//! From process start to the first reply, and what an idle server holds in memory.

use std::time::Instant;

use crate::report::{Report, median};
use crate::servers::{Store, Usher};

const ROUNDS: usize = 11;

pub(crate) fn measure(report: &mut Report) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut usher = Usher::start(Store::Disk);
    let mut millis = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        usher = usher.restart();
        let body = r#"{"uuid":"alice","namespace":"demo","authKey":"k"}"#;
        let answer = runtime.block_on(client.post(usher.connect_url()).body(body).send()).expect("an answer");
        assert_eq!(answer.status(), 200);
        millis.push(started.elapsed().as_secs_f64() * 1e3);
    }
    report.at_most("kill, start and first reply, warm cache", (median(millis), 25.0), " ms");
    report.at_most("resident memory, idle", (usher.resident(), 40.0), " MiB");
}
