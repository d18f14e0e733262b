//! Damaged files: a server either refuses to start and says what is damaged, or has everything it ever acknowledged; never less.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use usher_tests::Process;

use crate::process_bed::{connect, grants};

/// A stopped server's folder, and the grants in it.
struct Original {
    data: tempfile::TempDir,
    granted: Vec<String>,
}

impl Original {
    /// Some users connect; the server is killed, so that everything is in the journal.
    async fn make() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Process::dev(data.path(), &[]);
        for number in 0..12 {
            assert_eq!(connect(&server, (&format!("user{number}"), "key-of-user")).await.status, 200);
        }
        let granted = grants(&server).await;
        // What is on disk is marked as such within some 10 ms; only from then on is a shortened journal told from a crash.
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        // A second start shortens the journal to what is in it.
        Process::dev(data.path(), &[]).kill();
        Self { data, granted }
    }

    /// A copy of the folder with one file changed.
    fn damaged(&self, file: &Path, change: &dyn Fn(&mut Vec<u8>)) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_into(self.data.path(), copy.path());
        let file = copy.path().join(file);
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        copy
    }

    /// `Ok` says that everything is there; `Err` is what the user reads.
    async fn open(&self, copy: &Path, what: &str) -> Result<(), String> {
        let server = Process::try_dev(copy, &[])?;
        assert_eq!(grants(&server).await, self.granted, "{what}: it started with other grants than it had");
        let secrets = server.admin().get("/v1/secrets", &[]).await.unwrap().to_string();
        assert!(secrets.contains("secret-key"), "{what}: the vault was emptied: {secrets}");
        assert_eq!(connect(&server, ("late", "late-key")).await.status, 200, "{what}");
        Ok(())
    }

    /// Asserts that the damage is refused in words, or harmless.
    async fn check(&self, copy: &Path, what: &str) {
        if let Err(error) = self.open(copy, what).await {
            let last = error.lines().last().unwrap_or_default();
            assert!(last.starts_with("{\"error\":") && !error.contains("panicked"), "{what}: {error}");
            assert!(last.contains(&copy.display().to_string()) || last.contains("stored state"), "{what}: {error}");
        }
    }

    fn journal(&self) -> (PathBuf, usize) {
        let store = self.data.path().join("store");
        let journals = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
        let journal = journals.filter(|path| path.extension().is_some_and(|kind| kind == "jnl")).max().unwrap();
        let length = fs::metadata(&journal).unwrap().len();
        (journal.strip_prefix(self.data.path()).unwrap().to_owned(), usize::try_from(length).unwrap())
    }
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            fs::create_dir(to.join(&name)).unwrap();
            copy_into(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Runs checks four at a time: each waits for a process more than it computes.
async fn check_all(original: Original, cases: Vec<(PathBuf, String, Change)>) {
    let original = Arc::new(original);
    let cases = Arc::new(std::sync::Mutex::new(cases));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (original, cases) = (Arc::clone(&original), Arc::clone(&cases));
            tokio::spawn(async move {
                loop {
                    let next = cases.lock().unwrap().pop();
                    let Some((file, what, change)) = next else { return };
                    let copy = original.damaged(&file, &*change);
                    original.check(copy.path(), &format!("{}: {what}", file.display())).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

type Change = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;

fn flip(at: usize, mask: u8) -> Change {
    Box::new(move |bytes| bytes[at] ^= mask)
}

fn cut(length: usize) -> Change {
    Box::new(move |bytes| bytes.truncate(length))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flipped_byte_in_the_journal_is_refused_or_harmless() {
    let original = Original::make().await;
    let (journal, length) = original.journal();
    // The end holds grants, entry beside entry; before it is mostly the function's component.
    let positions = (0..40)
        .map(|step| step * 7)
        .chain((0..60).map(|step| length - 1 - step * 41))
        .chain((1..8).map(|part| part * length / 8));
    let cases = positions.enumerate().map(|(turn, at)| {
        let mask = [0x01, 0xff, 0x80, 0x02][turn % 4];
        (journal.clone(), format!("byte {at} of {length} ^ {mask:#x}"), flip(at, mask))
    });
    let cases = cases.collect();
    check_all(original, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shortened_journal_is_refused() {
    let original = Original::make().await;
    let (journal, length) = original.journal();
    let cases = [length / 8, length / 2, length - 4_000, length - 700, length - 1];
    let cases = cases.into_iter().map(|to| (journal.clone(), format!("cut to {to} of {length}"), cut(to))).collect();
    check_all(original, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn damage_to_any_other_file_of_the_store_is_refused_or_harmless() {
    let original = Original::make().await;
    let mut cases: Vec<(PathBuf, String, Change)> = Vec::new();
    for file in files_below(&original.data.path().join("store")) {
        let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        let name = file.strip_prefix(original.data.path()).unwrap().to_owned();
        // Spaces that hold nothing yet are all alike; the first two stand for them.
        let alike = name.starts_with("store/keyspaces")
            && !["0", "1", "2"].iter().any(|id| name.starts_with(format!("store/keyspaces/{id}")));
        if length == 0 || alike || name.extension().is_some_and(|kind| kind == "jnl") {
            continue;
        }
        for at in [0, length / 2, length - 1] {
            cases.push((name.clone(), format!("byte {at} of {length}"), flip(at, 0xff)));
        }
        cases.push((name.clone(), "halved".into(), cut(length / 2)));
        cases.push((name, "emptied".into(), cut(0)));
    }
    check_all(original, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_compiled_function_is_compiled_again() {
    let original = Original::make().await;
    for file in files_below(&original.data.path().join("cache")) {
        let name = file.strip_prefix(original.data.path()).unwrap();
        for (what, change) in [("flipped", flip(10, 0xff)), ("emptied", cut(0))] {
            let copy = original.damaged(name, &*change);
            original.open(copy.path(), &format!("{} {what}", name.display())).await.unwrap();
        }
    }
}

/// So many secrets that the store writes its memory to table files.
async fn with_tables() -> Original {
    let original = Original::make().await;
    let server = Process::dev(original.data.path(), &[]);
    for number in 0..300 {
        server.admin().put(&format!("/v1/secrets/large-{number}"), vec![b'x'; 64_000]).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill();
    Process::dev(original.data.path(), &[]).kill();
    original
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flipped_byte_in_a_table_is_refused_when_it_is_read_or_before() {
    let original = with_tables().await;
    let size = |file: &PathBuf| fs::metadata(file).unwrap().len();
    let table = files_below(&original.data.path().join("store/keyspaces")).into_iter().max_by_key(size).unwrap();
    let length = usize::try_from(size(&table)).unwrap();
    assert!(table.parent().unwrap().ends_with("tables") && length > 100_000, "{}", table.display());
    let name = table.strip_prefix(original.data.path()).unwrap();
    let records = [length / 5, length / 2, length * 4 / 5];
    for at in records.into_iter().chain([0, length - 20_000, length - 2_000, length - 300, length - 1]) {
        let copy = original.damaged(name, &*flip(at, 0x10));
        let server = match Process::try_dev(copy.path(), &[]) {
            Ok(server) => server,
            Err(error) => {
                assert!(error.contains("{\"error\":") && !error.contains("panicked"), "byte {at}: {error}");
                continue;
            }
        };
        assert_eq!(grants(&server).await, original.granted, "byte {at}");
        // Every record is read, opened and sealed again: if that succeeds, each is what it was.
        let rotated = server.admin().post("/v1/vault/rotate", &serde_json::json!({})).await;
        let listed = server.admin().get("/v1/secrets", &[]).await.unwrap();
        assert_eq!(listed["secrets"].as_array().unwrap().len(), 301, "byte {at}");
        assert!(rotated.is_err() || !records.contains(&at), "byte {at} of {length}: nobody noticed");
    }
}
