//! The binary `usher`: starts servers, and speaks to running ones through their admin API.

mod command;
mod failure;
mod output;
mod target;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_CODES: &str = "Start with `usher dev`. Data goes to standard output, everything else to standard error.

Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 denied, 5 not found, 6 conflict, 7 time-out";

/// A self-hosted edge authorizer for chat.
#[derive(Debug, Parser)]
#[command(name = "usher", version, propagate_version = true, color = clap::ColorChoice::Never, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Print JSON on standard output, for other programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a server with a demo keyset and the chat-engine function, for trying out.
    Dev(command::dev::Arguments),
    /// Start a server as configured.
    Serve(command::serve::Arguments),
    /// Write a configuration and a master key to start from.
    Init(command::init::Arguments),
    /// Check a configuration, or the folder of a function; report every mistake at once.
    Check(command::check::Arguments),
    /// Set, list, rotate and remove secrets.
    Secret(command::secret::Arguments),
    /// Create, list and change keysets, and their secret keys.
    Keyset(command::keyset::Arguments),
    /// Hash a password for a users file.
    Hash(command::hash::Arguments),
    /// Create, list, check and revoke grants.
    Grant(command::grant::Arguments),
    /// Mint, look into, verify and revoke tokens.
    Token(command::token::Arguments),
    /// List the functions of a keyset and their versions.
    Functions(command::functions::Arguments),
    /// Upload a function's folder and activate it.
    Deploy(command::deploy::Arguments),
    /// Go back to the version of a function that was active before.
    Rollback(command::rollback::Arguments),
    /// Check, test, explain, compare and apply policies.
    Policy(command::policy::Arguments),
    /// Explain one decision, by the id that the client got.
    Why(command::why::Arguments),
    /// List what was decided lately.
    Logs(command::logs::Arguments),
    /// Print a completion script for a shell.
    Completion(command::completion::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { target, json, command } = Arguments::parse();
    let output = if json { Output::Json } else { Output::Eyes };
    let follows = matches!(&command, Command::Logs(arguments) if arguments.goes_on());
    let goes_on = follows || matches!(command, Command::Dev(_) | Command::Serve(_));
    let limit = if goes_on { Duration::MAX } else { Duration::from_secs(target.timeout) };
    let late =
        |_| Err(Failure::new(Exit::TimedOut, format!("no answer within {limit:?}")).hint("--timeout allows more"));
    let done = tokio::time::timeout(limit, run(command, &target, output)).await.unwrap_or_else(late);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(output),
    }
}

async fn run(command: Command, target: &Target, output: Output) -> Result<(), Failure> {
    match command {
        Command::Dev(arguments) => command::dev::run(arguments, target, output).await,
        Command::Serve(arguments) => command::serve::run(arguments, target).await,
        Command::Init(arguments) => command::init::run(&arguments, target, output),
        Command::Check(arguments) => command::check::run(&arguments, target, output),
        Command::Secret(arguments) => command::secret::run(arguments, target, output).await,
        Command::Keyset(arguments) => command::keyset::run(arguments, target, output).await,
        Command::Hash(arguments) => command::hash::run(&arguments, output),
        Command::Grant(arguments) => command::grant::run(arguments, target, output).await,
        Command::Token(arguments) => command::token::run(arguments, target, output).await,
        Command::Functions(arguments) => command::functions::run(arguments, target, output).await,
        Command::Deploy(arguments) => command::deploy::run(&arguments, target, output).await,
        Command::Rollback(arguments) => command::rollback::run(&arguments, target, output).await,
        Command::Policy(arguments) => command::policy::run(arguments, target, output).await,
        Command::Why(arguments) => command::why::run(&arguments, target, output).await,
        Command::Logs(arguments) => command::logs::run(&arguments, target, output).await,
        Command::Completion(arguments) => command::completion::run::<Arguments>(&arguments),
    }
}
