//! `usher hash`: a password in, the line for a users file out.

use std::io::{self, IsTerminal};
use std::path::Path;

use clap::Args;
use serde_json::json;
use usher_server::{Digest, Pbkdf2, hash_with_argon2};
use zeroize::Zeroizing;

use super::secret::read_value;
use crate::failure::{Exit, Failure};
use crate::output::Output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher hash                                   asks for the password, and does not show it
  printf %s \"$PASSWORD\" | usher hash           argon2id
  printf %s \"$PASSWORD\" | usher hash --pbkdf2 sha256 --iterations 600000 --key-length 32

The line goes into a users file as `password`. With --pbkdf2 it is what `deepstream hash` prints for the same settings.
A password is never an argument: arguments are seen by every process of the machine and kept in the shell's history.")]
pub(crate) struct Arguments {
    /// Deepstream's hash instead of argon2id: md5, sha1, sha256 or sha512.
    #[arg(long, value_name = "DIGEST")]
    pbkdf2: Option<Digest>,
    /// PBKDF2's rounds, as the users file's `iterations`.
    #[arg(long, value_name = "N", requires = "pbkdf2", default_value_if("pbkdf2", clap::builder::ArgPredicate::IsPresent, "600000"), value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    iterations: Option<u32>,
    /// PBKDF2's key in bytes, as the users file's `key_length`.
    #[arg(long, value_name = "N", requires = "pbkdf2", default_value_if("pbkdf2", clap::builder::ArgPredicate::IsPresent, "32"), value_parser = clap::value_parser!(u32).range(1..=512))]
    key_length: Option<u32>,
}

pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let password = read_password()?;
    let hash = match (arguments.pbkdf2, arguments.iterations, arguments.key_length) {
        (Some(digest), Some(iterations), Some(key_length)) => Pbkdf2 { digest, iterations, key_length }.hash(&password),
        (_, _, _) => hash_with_argon2(&password),
    };
    let hash = hash.map_err(|error| Failure::new(Exit::Usage, error))?;
    output.line(&json!({ "password": hash }), &hash);
    Ok(())
}

/// Twice and unseen from a terminal, else all of standard input but the newline at its end.
fn read_password() -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !io::stdin().is_terminal() {
        return read_value(Path::new("-"));
    }
    let ask = |what: &str| rpassword::prompt_password(what).map(Zeroizing::new).map_err(Failure::failed);
    let (password, again) = (ask("Password: ")?, ask("Once more: ")?);
    match password == again {
        true => Ok(Zeroizing::new(password.as_bytes().to_vec())),
        false => Err(Failure::new(Exit::Usage, "these are two passwords; nothing was hashed")),
    }
}
