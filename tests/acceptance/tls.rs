//! TLS on the data plane: certificates are replaced while the server runs, and only by a pair that works.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use usher_server::{Clock, Config, DataFolder, MasterKeySource, Server};
use usher_tests::{Bed, Certificate, Log, Settings, guest};

const NAMES: [&str; 1] = ["127.0.0.1"];

/// A server with the files of this certificate.
async fn bed(certificate: &Certificate) -> (Bed, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), certificate.pem(), certificate.key_pem());
    let config = tls(folder.path());
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    (bed, folder)
}

fn tls(folder: &Path) -> String {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
}

/// Replaces both files as certificate tools do: whole, one after the other.
fn write(folder: &Path, certificate: &str, key: &str) {
    for (name, text) in [("certificate.pem", certificate), ("key.pem", key)] {
        fs::write(folder.join("partial"), text).unwrap();
        fs::rename(folder.join("partial"), folder.join(name)).unwrap();
    }
}

fn trusting(certificate: &Certificate) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(certificate.pem().as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().add_root_certificate(root).build().unwrap()
}

async fn reaches(client: &reqwest::Client, bed: &Bed) -> bool {
    let url = bed.url("echo").replace("http://", "https://");
    client.get(url).send().await.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_answered_and_plain_http_is_not() {
    let (certificate, other) = (Certificate::of(&NAMES), Certificate::of(&NAMES));
    let (bed, _folder) = bed(&certificate).await;
    assert!(reaches(&trusting(&certificate), &bed).await);
    assert!(!reaches(&trusting(&other), &bed).await);
    let plain = bed.raw(b"GET / HTTP/1.1\r\nhost: usher\r\n\r\n").await;
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
    assert!(reaches(&trusting(&certificate), &bed).await);
}

#[tokio::test]
async fn replaced_files_are_shown_to_new_connections_while_old_ones_go_on() {
    let (old, new) = (Certificate::of(&NAMES), Certificate::of(&NAMES));
    let (bed, folder) = bed(&old).await;
    let connected = trusting(&old);
    assert!(reaches(&connected, &bed).await);

    write(folder.path(), new.pem(), new.key_pem());
    bed.tidy().await;

    assert!(reaches(&trusting(&new), &bed).await);
    assert!(!reaches(&trusting(&old), &bed).await);
    assert!(reaches(&connected, &bed).await, "its connection stands");
}

#[tokio::test]
async fn a_pair_that_does_not_work_never_replaces_one_that_does() {
    let (good, other) = (Certificate::of(&NAMES), Certificate::of(&NAMES));
    let (bed, folder) = bed(&good).await;
    for (certificate, key) in [
        (other.pem(), good.key_pem()),
        (good.pem(), other.key_pem()),
        ("", good.key_pem()),
        ("nonsense", good.key_pem()),
        (good.pem(), ""),
        (good.key_pem(), good.pem()),
    ] {
        write(folder.path(), certificate, key);
        bed.tidy().await;
        assert!(reaches(&trusting(&good), &bed).await);
    }
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    bed.tidy().await;
    assert!(reaches(&trusting(&good), &bed).await);
    assert!(!Log::lines_with("certificate not reloaded").is_empty());

    write(folder.path(), other.pem(), other.key_pem());
    bed.tidy().await;
    assert!(reaches(&trusting(&other), &bed).await, "a good pair is taken after bad ones");
}

#[tokio::test]
async fn a_server_does_not_start_with_a_pair_that_does_not_work() {
    let (good, other) = (Certificate::of(&NAMES), Certificate::of(&NAMES));
    for (certificate, key, part) in [
        (other.pem(), good.key_pem(), "certificate and key"),
        ("nonsense", good.key_pem(), "certificate.pem"),
        (good.pem(), "nonsense", "key.pem"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), certificate, key);
        let mut config = Config::read("test.toml", &tls(folder.path()), []).unwrap();
        config.data = DataFolder::Memory(folder.path().join("data"));
        config.master_key = MasterKeySource::Text("ab".repeat(32));
        let error = Server::start(config, Clock::system(), Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
