//! What a misbehaving function does to its neighbour's p99.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use usher_server::{AdminClient, FunctionFiles};
use usher_tests::guest;

use crate::load::{Script, run};
use crate::report::{Report, median};
use crate::servers::{Store, Usher};

/// Guests that misbehave, with what their manifest has to list.
const GUESTS: [(&str, &str); 10] = [
    ("endless-loop", ""),
    ("memory-hog", ""),
    ("deep-recursion", ""),
    ("table-growth", ""),
    ("huge-reply", ""),
    ("too-many-host-calls", "\"kv\", \"access\", \"config\", \"groups\", \"http\", \"identity\", \"log\", \"vault\""),
    ("slow-outbound-call", "\"http\""),
    ("trap", ""),
    ("fault", ""),
    ("bad-status", ""),
];
const ROUNDS: usize = 3;
/// Requests a second to the misbehaving function, by connections that each wait for their answer.
const TROUBLEMAKERS: &str = "4";

pub(crate) fn measure(report: &mut Report) {
    let usher = Usher::start(Store::Memory);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let neighbour = || run(&usher.connect_url(), Script::Connect, (8, 2)).p99;
    for (name, capabilities) in GUESTS {
        let url = runtime.block_on(deploy(&usher.process.admin(), &usher, (name, capabilities)));
        let rounds = (0..ROUNDS).map(|_| {
            let quiet = neighbour();
            let troublemaker = Load::start(&url);
            let troubled = neighbour();
            drop(troublemaker);
            troubled / quiet
        });
        report.at_most(
            format!("neighbour's p99 beside `{name}`, against its quiet value"),
            (median(rounds.collect()), 2.0),
            " ×",
        );
    }
}

async fn deploy(admin: &AdminClient, usher: &Usher, (name, capabilities): (&str, &str)) -> String {
    let manifest = format!(
        "name = \"{name}\"\npaths = [\"{name}\"]\ncapabilities = [{capabilities}]\n[limits]\ntime = \"1s\"\n[[authentication]]\nkind = \"none\"\n"
    );
    let files = FunctionFiles { manifest, policy: None, component: guest(name) };
    let subscribe_key = usher.process.field("subscribe_key");
    admin.deploy(subscribe_key, &files).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    format!("http://{}/v1/blocks/sub-key/{subscribe_key}/{name}", usher.process.field("origin"))
}

/// A steady load on the misbehaving function; ended when dropped.
struct Load(Child);

impl Load {
    fn start(url: &str) -> Self {
        assert!(Path::new("/usr/bin/wrk").exists(), "wrk is installed");
        let child = Command::new("wrk")
            .args(["-t", "1", "-c", TROUBLEMAKERS, "-d", "60s", "--timeout", "5s", url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("wrk starts"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended already.
        let _: std::io::Result<()> = self.0.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.0.wait();
    }
}
