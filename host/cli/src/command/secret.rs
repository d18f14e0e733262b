//! `usher secret`: values go in by file or standard input, never by argument, and never come out.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, Subcommand};
use serde_json::json;
use usher_vault::{MasterKey, SecretName};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  printf %s \"$KEY\" | usher secret set validator-key
  usher secret set validator-key --file key.txt
  usher secret rotate

A value is never an argument: arguments are seen by every process of the machine and kept in the shell's history.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set a secret; the value is read from a file or standard input, one newline at its end is dropped.
    Set {
        /// The secret's name.
        name: String,
        /// The file with the value; `-` is standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// List names and versions.
    List,
    /// Make a new data key and seal every secret under it; with a file, wrap the keys under a new master key instead.
    Rotate {
        /// A file with the new master key: 64 hexadecimal digits.
        #[arg(long, value_name = "FILE")]
        master_key_file: Option<PathBuf>,
    },
    /// Remove a secret.
    Rm {
        /// The secret's name.
        name: String,
    },
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    match arguments.action {
        Action::Set { name, file } => {
            let name = parse(&name)?;
            let value = read_value(&file)?;
            client.put(&format!("/v1/secrets/{name}"), value.to_vec()).await?;
            output.line(&json!({ "name": name.as_str() }), &format!("{name} is set"));
        }
        Action::List => output.table(&client.get("/v1/secrets", &[]).await?, "secrets", &["name", "version"]),
        Action::Rotate { master_key_file: None } => {
            client.post("/v1/vault/rotate", &json!({})).await?;
            output.line(&json!({ "rotated": "data key" }), "every secret is sealed under a new data key");
        }
        Action::Rotate { master_key_file: Some(file) } => {
            let text = read_value(&file)?;
            MasterKey::parse(&text)
                .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))?;
            client.rewrap(text.to_vec()).await?;
            let next = "start the next server with the new master key";
            output.line(
                &json!({ "rotated": "master key" }),
                &format!("the vault is wrapped under the new master key; {next}"),
            );
        }
        Action::Rm { name } => {
            let name = parse(&name)?;
            client.delete(&format!("/v1/secrets/{name}")).await?;
            output.line(&json!({ "name": name.as_str() }), &format!("{name} is removed"));
        }
    }
    Ok(())
}

/// A name; an error does not repeat it, for people paste secrets in the wrong place.
fn parse(name: &str) -> Result<SecretName, Failure> {
    name.parse().map_err(|error| Failure::new(Exit::Usage, error))
}

/// A value from a file or standard input, without the newline that editors and `echo` add.
pub(crate) fn read_value(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut value = Zeroizing::new(Vec::new());
    if file == Path::new("-") && io::stdin().is_terminal() {
        eprintln!("usher: type the value, then Enter and Ctrl-D");
    }
    let read = match file == Path::new("-") {
        true => io::stdin().lock().read_to_end(&mut value).map(drop),
        false => fs::File::open(file).and_then(|mut opened| opened.read_to_end(&mut value)).map(drop),
    };
    read.map_err(|error| Failure::of_file(file, &error))?;
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    Ok(value)
}
