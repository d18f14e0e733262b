//! Test cases of a policy: questions with the answers they are to have, kept in a document beside it.

mod asked;
mod reading;

pub use asked::{Asked, Message};
pub use reading::{CaseProblem, MalformedCase};

use crate::document::Position;
use crate::explanation::Explanation;
use crate::policy::Policy;

/// One case: a question and its answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about, in the author's words.
    pub title: Option<String>,
    /// Where it stands.
    pub position: Position,
    /// What is asked.
    pub asked: Asked,
    /// What is to be answered.
    pub expected: Expected,
    /// The path that is to decide, if that matters.
    pub path: Option<String>,
}

/// The answer that a case is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Allowed.
    Allow,
    /// Denied, for whatever reason.
    Deny,
}

/// A case that came out otherwise.
#[derive(Clone, Debug)]
pub struct Differing {
    /// What was answered.
    pub found: Expected,
    /// The path that decided.
    pub path: Option<String>,
    /// Why.
    pub explanation: Explanation,
}

impl Case {
    /// Reads a list of cases, in YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, at most a thousand.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Vec<MalformedCase>> {
        reading::cases(text)
    }

    /// Asks the policy.
    ///
    /// # Errors
    /// When the answer is another, or another path gave it.
    pub fn run(&self, policy: &Policy) -> Result<(), Box<Differing>> {
        self.asked.put_to(policy, |verdict| {
            let found = if verdict.is_allowed() { Expected::Allow } else { Expected::Deny };
            let path_fits = self.path.as_deref().is_none_or(|path| verdict.path() == Some(path));
            if found == self.expected && path_fits {
                return Ok(());
            }
            let path = verdict.path().map(str::to_owned);
            Err(Box::new(Differing { found, path, explanation: verdict.explain() }))
        })
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}
