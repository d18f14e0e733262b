//! Why an invocation gave no answer, and whose fault that was.

use std::fmt;

/// Whose fault it was; decides log level, metric label and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The function misbehaved or was too greedy.
    Guest,
    /// The host could not do its part.
    Host,
}

/// An invocation without an answer. Always a refusal for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whose fault it was.
    pub blame: Blame,
    /// What happened, for the operator.
    pub kind: FaultKind,
}

/// What happened. The texts are for the operator's log, never for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The invocation used up `limits.time`.
    #[error("no answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// The function wanted more than `limits.memory`.
    #[error("memory limit of {0} bytes reached")]
    OutOfMemory(usize),
    /// The function wanted more table elements than it may have.
    #[error("table limit of {0} elements reached")]
    TableTooLarge(usize),
    /// The function recursed too deeply.
    #[error("stack exhausted")]
    StackExhausted,
    /// The function trapped: a panic, an out-of-bounds access, a division by zero.
    #[error("trapped: {0}")]
    Trapped(String),
    /// The function returned an error instead of an answer.
    #[error("failed: {0}")]
    Failed(String),
    /// The answer is no HTTP answer.
    #[error("bad reply: {0}")]
    BadReply(String),
    /// The answer is longer than `limits.reply`.
    #[error("reply longer than {longest} bytes")]
    ReplyTooLarge {
        /// The limit in bytes, headers included.
        longest: usize,
    },
    /// Every sandbox is taken and the queue did not move in time.
    #[error("no free sandbox")]
    Overloaded,
    /// The sandbox could not be made.
    #[error("sandbox not available: {0}")]
    NoSandbox(String),
}

impl Fault {
    pub(crate) const fn of_guest(kind: FaultKind) -> Self {
        Self { blame: Blame::Guest, kind }
    }

    pub(crate) const fn of_host(kind: FaultKind) -> Self {
        Self { blame: Blame::Host, kind }
    }
}

impl FaultKind {
    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed-out",
            Self::OutOfMemory(_) => "out-of-memory",
            Self::TableTooLarge(_) => "table-too-large",
            Self::StackExhausted => "stack-exhausted",
            Self::Trapped(_) => "trapped",
            Self::Failed(_) => "failed",
            Self::BadReply(_) => "bad-reply",
            Self::ReplyTooLarge { .. } => "reply-too-large",
            Self::Overloaded => "overloaded",
            Self::NoSandbox(_) => "no-sandbox",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blame = match self.blame {
            Blame::Guest => "function",
            Blame::Host => "host",
        };
        write!(out, "{blame} fault: {}", self.kind)
    }
}

impl std::error::Error for Fault {}
