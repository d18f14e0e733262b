//! Which server a command speaks to, and with which configuration one is started.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use usher_server::{AdminClient, Config, DataFolder, Problems};

use crate::failure::{Exit, Failure};

/// Options that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The configuration file; `usher.toml` is read if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder of the server.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The admin API of a running server, if it is not the one of the data folder.
    #[arg(long, global = true, value_name = "URL", env = "USHER_ADMIN_URL")]
    pub(crate) server: Option<String>,
    /// A file with the admin token, if not the data folder's; USHER_ADMIN_TOKEN holds the token itself.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long a command may wait for the server, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) timeout: u64,
}

impl Target {
    /// The checked configuration: file, environment, flags.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        self.read_config()?.map_err(|problems| Failure::new(Exit::Usage, problems))
    }

    /// The configuration, or every mistake in it.
    pub(crate) fn read_config(&self) -> Result<Result<Config, Problems>, Failure> {
        let named = self.config.as_deref();
        let file = named.unwrap_or_else(|| Path::new("usher.toml"));
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::of_file(file, &error)),
        };
        let flag = self.data.as_ref().map(|data| ("USHER_STORE__DATA".to_owned(), data.display().to_string()));
        let readable =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let variables = std::env::vars_os().filter_map(readable);
        let variables = variables.filter(|(name, _)| flag.is_none() || name != "USHER_STORE__DATA").chain(flag.clone());
        Ok(Config::read(&file.display().to_string(), &text, variables))
    }

    /// The data folder, whoever names it.
    pub(crate) fn data(&self) -> Result<PathBuf, Failure> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        match self.config()?.data {
            DataFolder::Disk(folder) | DataFolder::Memory(folder) => Ok(folder),
        }
    }

    /// A client of the running server.
    pub(crate) fn client(&self) -> Result<AdminClient, Failure> {
        let token = self.token()?;
        let url = match &self.server {
            Some(url) => url.clone(),
            None => read_of_server(&self.data()?.join("admin.url"))?,
        };
        let url = url.trim();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{url}` is no URL of an admin API, such as `http://127.0.0.1:8081`"),
            ));
        }
        Ok(AdminClient::new(url, &token)?)
    }

    fn token(&self) -> Result<String, Failure> {
        if let Some(file) = &self.token_file {
            return fs::read_to_string(file).map_err(|error| Failure::of_file(file, &error));
        }
        if let Ok(token) = std::env::var("USHER_ADMIN_TOKEN") {
            return Ok(token);
        }
        read_of_server(&self.data()?.join("admin.token"))
    }
}

/// A file that a server leaves in its data folder.
fn read_of_server(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        if error.kind() != ErrorKind::NotFound {
            return Failure::of_file(file, &error);
        }
        let hint = "start a server with `usher dev` or `usher serve`, or name its data folder with --data";
        Failure::new(Exit::Unreachable, format!("no server has run here: there is no {}", file.display())).hint(hint)
    })
}

/// The keyset that is meant: the one named, or the only one there is.
pub(crate) async fn keyset(named: Option<&str>, client: &AdminClient) -> Result<String, Failure> {
    if let Some(named) = named {
        // It becomes part of a path.
        let plain = named.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        return if plain {
            Ok(named.to_owned())
        } else {
            Err(Failure::new(Exit::Usage, format!("`{named}` is no subscribe key")))
        };
    }
    let listed = client.get("/v1/keysets", &[]).await?;
    let keysets = listed.get("keysets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match keysets {
        [only] => Ok(only.get("subscribe_key").and_then(Value::as_str).unwrap_or_default().to_owned()),
        [] => Err(Failure::new(Exit::NotFound, "there is no keyset yet; `usher keyset create` makes one")),
        several => {
            let names: Vec<&str> = several.iter().filter_map(|keyset| keyset.get("subscribe_key")?.as_str()).collect();
            Err(Failure::new(
                Exit::Usage,
                format!("there are several keysets; name one with --keyset or USHER_KEYSET: {}", names.join(", ")),
            ))
        }
    }
}
