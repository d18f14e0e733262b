//! What a deepstream server asks: who logs in, by its webhook contract, and what a client may do, for a plugin of permissions.

mod check;
mod login;
mod seen;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};

use crate::body::Bodies;
use crate::clock::Clock;
use crate::deployments::Deployments;
use crate::kept::Kept;
use crate::reply::Refusal;
use crate::store::secrets::Secrets;

/// The longest body, in bytes.
const LONGEST: usize = 1 << 20;

/// Answers deepstream servers.
#[derive(Debug, Clone)]
pub(crate) struct Deepstream {
    pub(crate) deployments: Arc<Deployments>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) clock: Clock,
    pub(crate) kept: Arc<Kept>,
}

/// One call; a deployment is named by its name, or by `{subscribe key}:{name}` where several keysets have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call<'p> {
    /// `/v1/deepstream/auth/{deployment}`
    Login(&'p str),
    /// `/v1/policy/{deployment}/check`
    Check(&'p str),
}

impl<'p> Call<'p> {
    pub(crate) fn parse(path: &'p str) -> Option<Self> {
        let one = |name: &&str| !name.is_empty() && !name.contains('/');
        let login = path.strip_prefix("/v1/deepstream/auth/").filter(one).map(Self::Login);
        let check = || path.strip_prefix("/v1/policy/")?.strip_suffix("/check").filter(one).map(Self::Check);
        login.or_else(check)
    }

    /// What the call wants.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Login(_) => "log in",
            Self::Check(_) => "ask a policy",
        }
    }
}

impl Deepstream {
    pub(crate) async fn answer(
        &self,
        call: Call<'_>,
        request: Request<Body>,
        (bodies, id): (&Bodies, &str),
    ) -> Result<Response<Body>, Refusal> {
        match call {
            Call::Login(deployment) => Ok(login::answer(self, deployment, request, (bodies, id)).await),
            Call::Check(deployment) => check::answer(self, deployment, request, (bodies, id)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn a_path_names_a_call_and_a_deployment() {
        for (path, expected) in [
            ("/v1/deepstream/auth/chat", Some(Call::Login("chat"))),
            ("/v1/deepstream/auth/sub-c-1:chat", Some(Call::Login("sub-c-1:chat"))),
            ("/v1/policy/chat/check", Some(Call::Check("chat"))),
            ("/v1/deepstream/auth/", None),
            ("/v1/deepstream/auth/a/b", None),
            ("/v1/policy//check", None),
            ("/v1/policy/a/b/check", None),
            ("/v1/policy/chat", None),
        ] {
            assert_eq!(Call::parse(path), expected, "{path}");
        }
    }
}
