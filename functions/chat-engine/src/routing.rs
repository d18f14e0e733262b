//! Which route a request asks for.

use usher_sdk::Request;

use crate::refusal::Refusal;

/// A route and its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Bootstrap,
    UserRead,
    UserWrite,
    Group,
    Grant,
    Join,
    Leave,
    Invite,
    SetChat,
    GetChat,
    SetUserState,
    GetUserState,
    Connect,
}

const TABLE: [(&str, &str, Route); 13] = [
    ("bootstrap", "POST", Route::Bootstrap),
    ("user_read", "POST", Route::UserRead),
    ("user_write", "POST", Route::UserWrite),
    ("group", "POST", Route::Group),
    ("grant", "POST", Route::Grant),
    ("join", "POST", Route::Join),
    ("leave", "POST", Route::Leave),
    ("invite", "POST", Route::Invite),
    ("chat", "POST", Route::SetChat),
    ("chat", "GET", Route::GetChat),
    ("user_state", "POST", Route::SetUserState),
    ("user_state", "GET", Route::GetUserState),
    ("connect", "POST", Route::Connect),
];

impl Route {
    /// The route that the query or, without one there, the path names.
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        let asked = request.query("route")?.filter(|route| !route.is_empty());
        let name = asked.or_else(|| after_folder(&request.path)).ok_or(Refusal::UnknownRoute)?;
        let mut methods = TABLE.iter().filter(|(route, ..)| *route == name).peekable();
        if methods.peek().is_none() {
            return Err(Refusal::UnknownRoute);
        }
        let found = methods.find(|(_, method, _)| *method == request.method);
        found.map(|(.., route)| *route).ok_or(Refusal::UnknownMethod)
    }

    /// The name that authenticators see.
    pub(crate) fn name(self) -> &'static str {
        TABLE.iter().find(|(.., route)| *route == self).map_or("", |(name, ..)| name)
    }
}

fn after_folder(path: &str) -> Option<&str> {
    let first = path.strip_prefix("chat-engine/");
    first.or_else(|| path.split_once("/chat-engine/").map(|(_, route)| route))
}
