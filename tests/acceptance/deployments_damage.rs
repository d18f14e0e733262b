//! Damaged artefacts: machine code is compiled again, a damaged component is left out, and its neighbours run.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use fjall::{CompressionType, Database, KeyspaceCreateOptions, PersistMode};
use usher_tests::{Bed, Log, Settings, function, guest};

async fn bed() -> Bed {
    let data = tempfile::tempdir().unwrap();
    fs::DirBuilder::new().mode(0o700).create(data.path().join("cache")).unwrap();
    let bed = Bed::within(data, Settings::default()).await;
    let hello = "name = \"hello\"\npaths = [\"hello\"]\ncapabilities = [\"config\"]\n";
    bed.deploy(hello, function("examples/hello")).await.unwrap();
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    bed
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|file| file.extension().is_some_and(|found| found == ending)).collect()
}

#[tokio::test]
async fn damaged_machine_code_is_never_run_but_compiled_again() {
    for (ending, damage) in [
        (
            "cwasm",
            (|mut bytes: Vec<u8>| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                bytes
            }) as fn(Vec<u8>) -> Vec<u8>,
        ),
        ("cwasm", |bytes| bytes[..bytes.len() - 1].to_vec()),
        ("cwasm", |_| Vec::new()),
        ("sha256", |_| b"nonsense".to_vec()),
    ] {
        let bed = bed().await;
        let cache = bed.data().join("cache");
        let damaged = files(&cache, ending);
        assert_eq!(damaged.len(), 2, "{ending}");
        let (folder, clock) = bed.stop().await;
        let before: Vec<Vec<u8>> = damaged.iter().map(|file| fs::read(file).unwrap()).collect();
        for (file, bytes) in damaged.iter().zip(&before) {
            fs::write(file, damage(bytes.clone())).unwrap();
        }
        let bed = Bed::resume(folder, (clock, Settings::default())).await;
        assert_eq!(bed.get("hello").await.body, "hello, stranger", "{ending}");
        assert_eq!(bed.get("echo").await.status, 200, "{ending}");
        for (file, bytes) in damaged.iter().zip(&before) {
            assert_eq!(&fs::read(file).unwrap(), bytes, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn a_damaged_component_is_left_out_and_its_neighbours_run() {
    let bed = bed().await;
    let listed = bed.admin().get("/v1/keysets/sub-c-test/functions", &[]).await.unwrap();
    let artefact = listed["functions"].as_array().unwrap().iter().find(|function| function["name"] == "echo").unwrap();
    let artefact = artefact["artefact"].as_str().unwrap().to_owned();
    let (folder, clock) = bed.stop().await;
    damage(&folder.path().join("store"), &artefact);

    let bed = Bed::resume(folder, (clock, Settings::default())).await;

    assert_eq!(bed.get("hello").await.body, "hello, stranger");
    assert_eq!(bed.get("echo").await.status, 404);
    let logged = Log::lines_with("deployment cannot be loaded");
    assert!(logged.iter().any(|line| line.contains("function=echo") && line.contains("damaged")), "{logged:?}");
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    assert_eq!(bed.get("echo").await.status, 200, "deploying it again mends it");
}

/// Flips a bit of a stored component, as the store's owner, so that only the component's own hash can tell.
fn damage(store: &Path, artefact: &str) {
    let database = Database::builder(store).journal_compression(CompressionType::None).open().unwrap();
    let artefacts = database.keyspace("artefacts", KeyspaceCreateOptions::default).unwrap();
    let mut bytes = artefacts.get(artefact).unwrap().unwrap().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&artefacts, artefact, bytes);
    batch.commit().unwrap();
}
