//! A full disk: grants are refused, the server says so, and nothing acknowledged is lost when there is space again.

use std::process::Command;
use std::time::Duration;

use usher_tests::Process;

use crate::process_bed::{Run, connect, get, grants, try_connect};

/// A small disk of its own, where this user may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "usher-test"]).arg(folder.path()).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(folder))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(self.0.path()).status().unwrap();
        assert!(grown.success());
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a killed server may still be on its way out.
        let _: std::io::Result<std::process::Output> = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

/// Connects new users until one is not answered 200; who was, and the refusal.
async fn fill(server: &Process) -> (Vec<String>, usher_tests::Answer) {
    let mut acknowledged = Vec::new();
    for number in 0..20_000 {
        let uuid = format!("user{number}");
        let answer = connect(server, (&uuid, &uuid)).await;
        match answer.status {
            200 => acknowledged.push(uuid),
            429 => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => return (acknowledged, answer),
        }
    }
    panic!("the disk never filled");
}

async fn assert_refusing(server: &Process, refusal: &usher_tests::Answer) {
    assert_eq!(refusal.status, 503, "{refusal:?}");
    assert_eq!(refusal.header("access-control-allow-origin"), Some("*"), "{refusal:?}");
    assert!(!refusal.body.to_lowercase().contains("disk"), "the cause is not the client's: {refusal:?}");
    let (status, text) = get(&format!("{}/readyz", server.field("metrics"))).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("disk full"), "{text}");
    assert_eq!(get(&format!("{}/livez", server.field("metrics"))).await.0, 200);
    let status = server.admin().get("/v1/status", &[]).await.unwrap();
    assert_eq!(status["store"], "refuses writes");
    assert_eq!(connect(server, ("afterwards", "afterwards")).await.status, 503);
}

async fn assert_all_there(server: &Process, acknowledged: &[String]) {
    for uuid in acknowledged {
        let question = serde_json::json!({ "auth": uuid, "kind": "channel", "name": format!("demo#user#{uuid}#me.x"), "permission": "read" });
        let path = format!("/v1/keysets/{}/grants/check", server.field("subscribe_key"));
        let verdict = server.admin().post(&path, &question).await.unwrap();
        assert_eq!(verdict["allowed"], true, "{uuid}: {verdict}");
    }
    assert_eq!(connect(server, ("late", "late")).await.status, 200);
}

#[tokio::test]
async fn on_a_full_disk_grants_are_refused_and_with_space_again_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this user may not mount a small disk; the test with a limit of file size stands for it");
        return;
    };
    let server = Process::dev(&disk.data(), &[]);
    let (acknowledged, refusal) = fill(&server).await;
    assert!(acknowledged.len() > 20, "{} connects, then {refusal:?}", acknowledged.len());
    assert_refusing(&server, &refusal).await;
    server.kill();
    // Still full: it starts or says why not, but loses nothing.
    if let Err(error) = Process::try_dev(&disk.data(), &[]).map(Process::kill) {
        assert!(!error.contains("panicked"), "{error}");
    }
    disk.grow();
    assert_all_there(&Process::dev(&disk.data(), &[]), &acknowledged).await;
}

#[tokio::test]
async fn at_the_limit_of_a_file_s_size_the_same_holds() {
    let data = tempfile::tempdir().unwrap();
    Process::dev(data.path(), &[]).kill();
    // The second start shortens the journal to what is in it.
    Process::dev(data.path(), &[]).kill();
    let journal = std::fs::metadata(data.path().join("store/0.jnl")).unwrap().len();
    let limit = journal.max(1_000_000) / 1_024 + 100;
    // A longer file is an error then, not the end of the process.
    let arguments = format!("dev --json --port 0 --data {}", data.path().display());
    let server = Run::prepared(&format!("trap '' XFSZ; ulimit -f {limit}"), &arguments).start();
    let endpoint = server.field("endpoint");
    let mut acknowledged = Vec::new();
    let refusal = loop {
        let uuid = format!("user{}", acknowledged.len());
        let answer = try_connect(&endpoint, (&uuid, &uuid)).await.unwrap();
        if answer.status != 200 {
            break answer;
        }
        acknowledged.push(uuid);
    };
    assert_eq!(refusal.status, 503, "{refusal:?}");
    assert_eq!(refusal.header("access-control-allow-origin"), Some("*"), "{refusal:?}");
    drop(server);
    let server = Process::dev(data.path(), &[]);
    assert!(grants(&server).await.len() > acknowledged.len());
    assert_all_there(&server, &acknowledged).await;
}
