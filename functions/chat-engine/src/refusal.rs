//! Why a request is refused, and the one place that turns it into a status and a text.

use usher_sdk::{AccessError, DuplicateParameter, Host, IdentityError, KvError, Level, PolicyError, Response};

/// A refusal. A `cause` is for the operator's log; the client never reads it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// The body is no JSON object.
    MalformedBody,
    DuplicateParameter(String),
    /// Query and body name different channels.
    ConflictingChannels,
    /// A namespace in the dialect of the 0.10 clients.
    IllegalNamespace(String),
    /// A validator's text.
    Invalid(&'static str),
    Unauthenticated,
    /// Right or membership is missing. Absent and forbidden look the same.
    Forbidden,
    TooLarge,
    UnknownRoute,
    UnknownMethod,
    /// Seconds to wait.
    RateLimited(u32),
    IdentityUnavailable,
    GrantRefused {
        cause: String,
    },
    GrantUnavailable {
        cause: String,
    },
    JoinFailed {
        cause: String,
    },
    LeaveFailed {
        cause: String,
    },
    StorageUnavailable {
        cause: String,
    },
    /// Ours or the deployment's.
    Fault {
        cause: String,
    },
}

impl Refusal {
    /// Tells the operator what the client will not learn, and makes the answer.
    pub(crate) fn report(self, host: &impl Host) -> Response {
        match &self {
            Self::GrantRefused { cause } => host.log(Level::Warn, &format!("grant refused: {cause}")),
            Self::GrantUnavailable { cause } => host.log(Level::Error, &format!("grant unavailable: {cause}")),
            Self::JoinFailed { cause } => host.log(Level::Error, &format!("join failed: {cause}")),
            Self::LeaveFailed { cause } => host.log(Level::Error, &format!("leave failed: {cause}")),
            Self::StorageUnavailable { cause } => host.log(Level::Error, &format!("storage unavailable: {cause}")),
            Self::Fault { cause } => host.log(Level::Error, cause),
            Self::MalformedBody
            | Self::DuplicateParameter(_)
            | Self::ConflictingChannels
            | Self::IllegalNamespace(_)
            | Self::Invalid(_)
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::TooLarge
            | Self::UnknownRoute
            | Self::UnknownMethod
            | Self::RateLimited(_)
            | Self::IdentityUnavailable => {}
        }
        self.answer()
    }

    fn answer(self) -> Response {
        match self {
            Self::MalformedBody => Response::text(400, "Body must be a JSON object"),
            Self::DuplicateParameter(name) => Response::text(400, format!("Duplicate parameter `{name}`")),
            Self::ConflictingChannels => Response::text(400, "Conflicting channels"),
            Self::IllegalNamespace(namespace) => {
                Response::text(400, format!("Illegal ChatEngine `namespace`: {namespace} initialized."))
            }
            Self::Invalid(text) => Response::text(401, text),
            Self::Unauthenticated => Response::text(401, "Unauthorized"),
            Self::Forbidden => Response::text(403, "Forbidden"),
            Self::GrantRefused { cause: _ } => Response::text(403, "Invalid Grant"),
            Self::UnknownRoute => Response::text(404, "Invalid route"),
            Self::UnknownMethod => Response::text(404, "Invalid method"),
            Self::TooLarge => Response::text(413, "Too large"),
            Self::RateLimited(seconds) => {
                Response::text(429, "Too many requests").with_header("retry-after", seconds.to_string())
            }
            Self::Fault { cause: _ } => Response::text(500, "Internal error"),
            Self::IdentityUnavailable => Response::text(503, "Authentication unavailable"),
            Self::GrantUnavailable { cause: _ } => Response::text(503, "Grant unavailable"),
            Self::JoinFailed { cause: _ } => Response::text(503, "join request"),
            Self::LeaveFailed { cause: _ } => Response::new(503, "application/json; charset=utf-8", LEAVE_FAILED),
            Self::StorageUnavailable { cause: _ } => Response::text(503, "Storage unavailable"),
        }
    }
}

const LEAVE_FAILED: &str =
    r#"{"status":503,"message":"Service Unavailable","service":"channel-registry","error":true}"#;

impl From<DuplicateParameter> for Refusal {
    fn from(duplicate: DuplicateParameter) -> Self {
        Self::DuplicateParameter(duplicate.name)
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Denied => Self::Unauthenticated,
            IdentityError::Unavailable => Self::IdentityUnavailable,
            IdentityError::RateLimited(seconds) => Self::RateLimited(seconds),
            IdentityError::TooManyCalls => Self::Fault { cause: error.to_string() },
        }
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        let cause = error.to_string();
        match error {
            AccessError::BeyondCeiling(_) | AccessError::Invalid(_) | AccessError::Refused(_) => {
                Self::GrantRefused { cause }
            }
            AccessError::Unavailable(_) => Self::GrantUnavailable { cause },
            AccessError::TooManyCalls => Self::Fault { cause },
        }
    }
}

impl From<KvError> for Refusal {
    fn from(error: KvError) -> Self {
        let cause = error.to_string();
        match error {
            KvError::Unavailable(_) => Self::StorageUnavailable { cause },
            KvError::Invalid(_) | KvError::TooManyCalls => Self::Fault { cause },
        }
    }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Self {
        let cause = error.to_string();
        match error {
            PolicyError::Unavailable(_) => Self::StorageUnavailable { cause },
            PolicyError::Invalid(_) | PolicyError::TooManyCalls => Self::Fault { cause },
        }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Fault { cause: error.to_string() }
    }
}
