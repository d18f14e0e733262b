//! What is asked of a policy: who wants to do what to which name, with which payload, and when.

use crate::action::Action;
use crate::json::Json;

/// One question; it borrows all it holds.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What is to be done.
    pub action: Action,
    /// The name of the record, event, procedure, user, channel, group or uuid.
    pub name: &'a str,
    /// What the message carries.
    pub payload: Payload<'a>,
    /// Who asks.
    pub user: &'a User,
    /// The time of the question; every look at `now` sees the same.
    pub now: UnixMillis,
}

/// What a message carries. Texts are parsed only for a rule that looks at `data`.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Nothing: `data` is undefined.
    None,
    /// The new value, as JSON.
    Json(&'a str),
    /// The new value, parsed.
    Value(&'a Json<'a>),
    /// A change of the stored record: `data` is the record with it.
    Patch {
        /// Where, such as `a.b[2]`.
        path: &'a str,
        /// The new value there, as JSON; nothing removes what is there.
        value: Option<&'a str>,
    },
    /// Several changes, as a JSON list of objects with `path` and, but to remove, `data`.
    Patches(&'a str),
}

/// Who asks: what authentication found out.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    id: Json<'static>,
    data: Json<'static>,
}

/// Milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl User {
    /// A user with an id, mostly a text, and the data that the server keeps about the user; either may be null.
    pub const fn new(id: Json<'static>, data: Json<'static>) -> Self {
        Self { id, data }
    }

    /// Somebody who has not said who it is.
    pub const fn anonymous() -> Self {
        Self::new(Json::Null, Json::Null)
    }

    /// `user.id`.
    pub const fn id(&self) -> &Json<'static> {
        &self.id
    }

    /// `user.data`.
    pub const fn data(&self) -> &Json<'static> {
        &self.data
    }

    /// `user.isAuthenticated`: the id is there and none of those that stand for nobody, `open` and `OPEN`.
    pub fn is_authenticated(&self) -> bool {
        match &self.id {
            Json::Null => false,
            Json::Text(id) => !matches!(id.as_ref(), "" | "open" | "OPEN"),
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => true,
        }
    }
}

impl UnixMillis {
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
    pub(crate) const fn as_number(self) -> f64 {
        self.0 as f64
    }
}
