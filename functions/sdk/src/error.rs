//! Why a function gave up; for the operator's log.

use std::fmt;

/// A failure that ends the invocation. The operator reads the text; the client reads a fixed one and an id.
///
/// Every `std` error converts into it with `?`. It is no `std` error itself, so that this conversion can exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error that says `text`: lower case, no full stop, and nothing secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
