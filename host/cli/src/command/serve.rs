//! `usher serve`: a server as configured, until it is told to stop.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use usher_server::{Clock, Config, Server, StartError, start_logging};

use crate::failure::{Exit, Failure};
use crate::target::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from usher.toml, then USHER_SECTION__KEY variables, then flags; `usher init` writes a first
usher.toml and a master key, `usher check` reports every mistake. SIGTERM or Ctrl-C stops it: what was accepted is answered first."
)]
pub(crate) struct Arguments {
    /// PEM certificates that outbound calls trust besides the system's; can be given several times.
    #[arg(long, value_name = "FILE")]
    root_certificate: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, target: &Target) -> Result<(), Failure> {
    let config = target.config()?;
    let roots = read_roots(&arguments.root_certificate)?;
    let told_to_stop = StopSignals::listen()?;
    let server = start(config, roots).await?;
    let at = server.addresses();
    let [clients, admin, metrics, decisions] = [at.data_plane, at.admin, at.metrics, at.decisions];
    eprintln!("usher: clients at {clients}, admin API at {admin}, metrics at {metrics}, decisions at {decisions}");
    told_to_stop.wait().await;
    eprintln!("usher: draining");
    server.stop().await;
    Ok(())
}

/// Starts log and server.
pub(crate) async fn start(config: Config, roots: Vec<Vec<u8>>) -> Result<Server, Failure> {
    start_logging(&config.log).map_err(|error| Failure::new(Exit::Usage, error))?;
    Server::start(config, Clock::system(), roots).await.map_err(|error| {
        let taken = matches!(error, StartError::Bind { .. });
        let failure = Failure::failed(error);
        if taken { failure.hint("`usher dev --port 0` takes free ports") } else { failure }
    })
}

/// SIGTERM or Ctrl-C. Listened for before the server starts, or an early signal would end it without a drain.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::failed);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    pub(crate) async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

pub(crate) fn read_roots(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    let read = |file: &PathBuf| fs::read(file).map_err(|error| Failure::of_file(file, &error));
    files.iter().map(read).collect()
}
