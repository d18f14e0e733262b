//! The gateway: how soon a held poll ends once its token does, and what the hop costs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_tests::{Bed, Call, Conduct, Origin, Settings};

use crate::load::{Script, run};
use crate::report::{Report, median};

const POLLS: u32 = 50;
const ROUNDS: usize = 3;

pub(crate) fn measure(report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = "[limits]\nper_address = 0\n[log]\nlevel = \"error\"\n".to_owned();
        let bed = Bed::with(Settings { config, ..Settings::default() }).await;
        let origin = Origin::start().await;
        bed.set_network(&origin.url()).await;
        cut(report, &bed, &origin).await;
        hop(report, bed, origin).await;
    });
}

/// Fifty held polls, each with a token of its own, revoked one after the other; then fifty that expire together.
async fn cut(report: &mut Report, bed: &Bed, origin: &Origin) {
    let mut revoked = Vec::new();
    for poll in hold(bed, origin, 0).await {
        let started = Instant::now();
        bed.admin()
            .post("/v1/keysets/sub-c-test/tokens/revoke", &json!({ "token": poll.token }))
            .await
            .expect("revoked");
        revoked.push(poll.ended(started).await);
    }
    let mut expired = Vec::new();
    let polls = hold(bed, origin, POLLS).await;
    let started = Instant::now();
    bed.advance(Duration::from_mins(60));
    for poll in polls {
        expired.push(poll.ended(started).await);
    }
    for (what, times) in [("revocation asked for", revoked), ("end of its token", expired)] {
        let longest = times.iter().copied().fold(0.0, f64::max);
        report.figure(format!("from the {what} to the end of a held poll, median"), format!("{:.1} ms", median(times)));
        report.at_most(format!("the longest of {POLLS}"), (longest, 100.0), " ms");
    }
}

struct Poll {
    token: String,
    answer: tokio::task::JoinHandle<(u16, Instant)>,
}

impl Poll {
    /// Milliseconds from `started` to the answer, which has to be a refusal.
    async fn ended(self, started: Instant) -> f64 {
        let (status, at) = self.answer.await.expect("an answer");
        assert_eq!(status, 403);
        at.saturating_duration_since(started).as_secs_f64() * 1e3
    }
}

async fn hold(bed: &Bed, origin: &Origin, first: u32) -> Vec<Poll> {
    origin.conduct(Conduct::Hold);
    let before = origin.received().len();
    let mut polls = Vec::new();
    for n in first..first + POLLS {
        let token = bed.token(&json!({ "resources": { "channels": { "a": 1 } }, "uuid": format!("user-{n}") })).await;
        let call = Call::get(format!("/v2/subscribe/sub-c-test/a/0?tt=1&auth={token}&uuid=user-{n}"));
        let url = format!("http://{}{}", bed.addresses().data_plane, call.target);
        let request = bed.http().get(url).timeout(Duration::from_secs(60));
        let answer = tokio::spawn(async move {
            let status = request.send().await.expect("an answer").status().as_u16();
            (status, Instant::now())
        });
        polls.push(Poll { token, answer });
    }
    origin.until_received(before + POLLS as usize).await;
    polls
}

/// Requests by everyone's grant through the gateway, against the same origin asked directly.
async fn hop(report: &mut Report, bed: Bed, origin: Origin) {
    origin.conduct(Conduct::Echo);
    let grant: Value = json!({ "channels": ["a"], "permissions": ["read"], "ttl": 0 });
    bed.admin().post("/v1/keysets/sub-c-test/grants", &grant).await.expect("a grant");
    let path = "/v2/history/sub-key/sub-c-test/channel/a?uuid=alice";
    let (through, direct) = (format!("http://{}{path}", bed.addresses().data_plane), format!("{}{path}", origin.url()));
    let rounds = tokio::task::spawn_blocking(move || {
        (0..ROUNDS)
            .map(|_| run(&through, Script::Get, (16, 3)).rate / run(&direct, Script::Get, (16, 3)).rate)
            .collect::<Vec<f64>>()
    });
    let ratio = median(rounds.await.expect("measured"));
    report.figure("requests through the gateway ÷ the origin asked directly", format!("{ratio:.2} ×"));
    drop((bed, origin));
}
