//! Why a command failed, and the exit code that says so.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use usher_server::CallError;

use crate::output::Output;

/// A failed command: a sentence for eyes, a code for programs.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

const TOKEN_HINT: &str = "name the server's data folder with --data, or a token with --token-file or USHER_ADMIN_TOKEN";

/// The exit codes of `docs/cli.md`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    Unreachable = 3,
    Denied = 4,
    NotFound = 5,
    Conflict = 6,
    TimedOut = 7,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    pub(crate) fn failed(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A file that cannot be read or written: missing, forbidden, there already, or something else.
    pub(crate) fn of_file(file: &Path, error: &io::Error) -> Self {
        let kinds = [
            (io::ErrorKind::NotFound, Exit::NotFound),
            (io::ErrorKind::PermissionDenied, Exit::Denied),
            (io::ErrorKind::AlreadyExists, Exit::Conflict),
        ];
        let exit = kinds.into_iter().find(|(kind, _)| *kind == error.kind()).map_or(Exit::Failed, |(_, exit)| exit);
        Self::new(exit, format!("{}: {error}", file.display()))
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(self, hint: impl std::fmt::Display) -> Self {
        Self { message: format!("{}; {hint}", self.message), ..self }
    }

    /// Tells the user on standard error and hands back the exit code.
    pub(crate) fn report(self, output: Output) -> ExitCode {
        let Self { exit, message } = self;
        match output {
            Output::Json => eprintln!("{}", serde_json::json!({ "error": message, "exit": exit as u8 })),
            Output::Eyes => eprintln!("usher: {message}"),
        }
        ExitCode::from(exit as u8)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let exit = match &error {
            CallError::Unreachable(_) | CallError::NotUsher(_) => Exit::Unreachable,
            CallError::TimedOut(_) => Exit::TimedOut,
            CallError::Refused { status: 401 | 403, .. } => Exit::Denied,
            CallError::Refused { status: 404, .. } => Exit::NotFound,
            CallError::Refused { status: 409, .. } => Exit::Conflict,
            CallError::Refused { status: 400 | 413 | 422, .. } => Exit::Usage,
            CallError::Refused { .. } => Exit::Failed,
        };
        let failure = Self::new(exit, &error);
        match error {
            CallError::Refused { status: 401, .. } => {
                Self::new(exit, "the server does not take this admin token").hint(TOKEN_HINT)
            }
            CallError::Unreachable(_) | CallError::TimedOut(_) | CallError::NotUsher(_) | CallError::Refused { .. } => {
                failure
            }
        }
    }
}
