//! `kind = "file"`: users, their passwords and their data, in a file beside the manifest or in the manifest itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Users;
use crate::document::Section;
use crate::identity::password::{Digest, LONGEST_KEY, MOST_ITERATIONS, Pbkdf2, SHORTEST_KEY, Scheme};

/// Knows names and passwords.
#[derive(Debug, Clone)]
pub struct FileAuthenticator {
    /// Everybody it knows.
    pub users: UserList,
    /// How passwords are kept.
    pub scheme: Scheme,
    /// Whether a login without name or password ends the search; if it is not said: where no other authenticator is.
    pub report_invalid_parameters: Option<bool>,
    /// How long a right password is believed without being computed again. Default 30 s, at most 5 min.
    pub cache: Duration,
}

/// Users, or where they still are.
#[derive(Debug, Clone)]
pub enum UserList {
    /// Read and checked.
    Read(Arc<Users>),
    /// In a file beside the manifest, which did not come with it yet.
    Missing(String),
}

impl FileAuthenticator {
    pub(super) fn warning(&self) -> Option<&'static str> {
        match self.scheme {
            Scheme::Clear => Some(
                "`hash = \"none\"`: the users' passwords are kept in clear text, and whoever reads the file or the data folder has them; `usher hash` makes a hash of one",
            ),
            Scheme::Pbkdf2(Pbkdf2 { iterations: ..100_000, .. }) => Some(
                "PBKDF2 with fewer than 100,000 rounds is guessed quickly once the file is read; `usher hash` makes argon2id hashes, which can stand beside the others",
            ),
            Scheme::Pbkdf2(_) | Scheme::Argon2 => None,
        }
    }
}

pub(super) fn read(section: &mut Section, files: &BTreeMap<String, String>) -> Option<FileAuthenticator> {
    let scheme = read_scheme(section);
    let users = read_users(section, scheme, files);
    let report_invalid_parameters = section.flag("report_invalid_parameters");
    let cache = section.duration_within("cache", Duration::ZERO..=Duration::from_mins(5));
    let cache = cache.unwrap_or(Duration::from_secs(30));
    Some(FileAuthenticator { users: users?, scheme: scheme?, report_invalid_parameters, cache })
}

fn read_scheme(section: &mut Section) -> Option<Scheme> {
    let (hash, iterations) = (section.text("hash"), section.number("iterations", 1..=MOST_ITERATIONS));
    let key_length = section.number("key_length", SHORTEST_KEY..=LONGEST_KEY);
    let digest = match hash.as_deref() {
        None | Some("argon2id") | Some("none") => {
            for (key, value) in [("iterations", iterations), ("key_length", key_length)] {
                if value.is_some() {
                    section.wrong(key, "belongs to PBKDF2, which `hash = \"sha256\"` and the like choose");
                }
            }
            return Some(if hash.as_deref() == Some("none") { Scheme::Clear } else { Scheme::Argon2 });
        }
        Some(digest) => digest.parse::<Digest>(),
    };
    let unknown = |error| section.wrong("hash", format!("{error}, argon2id, none"));
    let digest = digest.map_err(unknown).ok()?;
    let iterations = section.required("iterations", iterations);
    let key_length = section.required("key_length", key_length);
    let how = Pbkdf2 { digest, iterations: iterations?, key_length: key_length? };
    if !how.is_affordable() {
        section.wrong("iterations", "too many for such a `key_length`: every block of the digest costs them all again");
        return None;
    }
    Some(Scheme::Pbkdf2(how))
}

fn read_users(section: &mut Section, scheme: Option<Scheme>, files: &BTreeMap<String, String>) -> Option<UserList> {
    let (path, here) = (section.text("path"), section.text("users"));
    let (key, name, text) = match (path, here) {
        (Some(_), Some(_)) => {
            section.wrong("users", "either `users` or `path`, not both");
            return None;
        }
        (None, None) => {
            section.wrong("path", "the name of a users file beside the manifest, or its text as `users`");
            return None;
        }
        (None, Some(text)) => ("users", "users".to_owned(), text),
        (Some(path), None) if !is_plain(&path) => {
            section.wrong("path", "a file beside the manifest, such as \"users.yaml\", and no path");
            return None;
        }
        (Some(path), None) => match files.get(&path) {
            Some(text) => ("path", path, text.clone()),
            None => return Some(UserList::Missing(path)),
        },
    };
    match Users::parse(&text, scheme?) {
        Ok(users) => Some(UserList::Read(Arc::new(users))),
        Err(faults) => {
            for fault in faults {
                section.wrong(key, format!("{name}:{fault}"));
            }
            None
        }
    }
}

fn is_plain(name: &str) -> bool {
    (1..=200).contains(&name.len()) && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
