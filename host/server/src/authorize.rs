//! The one road from what a request shows to a verdict: keyset, signature, token or auth key, decision.

mod overrides;
mod signed;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use tokio::sync::watch;
use usher_access::signature::SignatureError;
use usher_access::{
    AuthKey, Credentials, Expiry, Explanation, Intent, KeyNumber, KeysetState, Presented, Recognised, Shown,
    SubscribeKey, UnixSeconds, Unrecognised, Verdict, Wants, decide, explain, recognise,
};

use crate::clock::Clock;
use crate::keysets::{Keysets, LiveKeyset};
use crate::reply::{Refusal, ServiceAnswer};

pub(crate) use overrides::refuse_overrides;
pub(crate) use signed::{RawRequest, Unproven, is_signed, looks_signed, signed_by};

/// The one path that names no keyset.
pub(crate) const TIME: &str = "/time/0";

/// Decides for everything that asks over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Authorizer {
    pub(crate) keysets: Arc<Keysets>,
    pub(crate) clock: Clock,
}

/// A row of the operation table, asked of a keyset of this server; nothing is decided yet.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) live: Arc<LiveKeyset>,
    recognised: Recognised,
}

/// What is to be decided, and kept as long as the answer is being given.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) live: Arc<LiveKeyset>,
    pub(crate) intent: Intent,
    pub(crate) credential: Credential,
    /// Who the client says it is.
    pub(crate) uuid: Option<Box<str>>,
}

/// What a request shows, as it was sent; a token is looked at anew for every decision.
pub(crate) enum Credential {
    /// A valid signature under this secret key.
    Root(KeyNumber),
    /// The `auth` parameter: a token or an auth key.
    Auth(Box<str>),
    Nothing,
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecided {
    /// The grants are kept at another origin, which decides itself.
    #[error("the grants of this keyset are kept at another origin")]
    Elsewhere,
    /// The secret key that signed the request does not count any more.
    #[error("the secret key behind the signature has ended")]
    KeyEnded,
}

impl From<Undecided> for Refusal {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Elsewhere => {
                let answer = ServiceAnswer::flat(StatusCode::FORBIDDEN, &undecided.to_string());
                Self::Service { code: "keyset.elsewhere", answer }
            }
            Undecided::KeyEnded => Unproven::Signature(SignatureError::Mismatch).into(),
        }
    }
}

impl Authorizer {
    /// The time that one request is judged by.
    pub(crate) fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.clock.seconds())
    }

    pub(crate) fn keyset(&self, key: &SubscribeKey) -> Option<Arc<LiveKeyset>> {
        self.keysets.find(key)
    }

    /// Whether a request is answered without a decision: the time is everyone's, and so is a preflight.
    pub(crate) fn is_free(request: &RawRequest<'_>) -> bool {
        let is_time = || request.path == TIME && recognise(request.method, request.path, request.query).is_ok();
        request.body.is_empty() && (request.method == Method::OPTIONS.as_str() || is_time())
    }

    /// Finds operation and keyset of a request whose body may not have been read.
    pub(crate) fn open(&self, method: &str, path: &str, query: &str) -> Result<Opened, Refusal> {
        let recognised = recognise(method, path, query).map_err(|error| unrecognised(&error))?;
        let subscribe_key = recognised.subscribe_key.as_ref().ok_or(Refusal::UnknownOperation)?;
        let live = self.keyset(subscribe_key).ok_or_else(unknown_keyset)?;
        if recognised.publish_key.as_ref().is_some_and(|key| *key != live.publish_key) {
            let answer = ServiceAnswer::flat(StatusCode::BAD_REQUEST, "Invalid Publish Key");
            return Err(Refusal::Service { code: "keyset.unknown", answer });
        }
        Ok(Opened { live, recognised })
    }
}

impl Opened {
    /// Whether the body says what is asked for.
    pub(crate) const fn body_decides(&self) -> bool {
        matches!(self.recognised.wants, Wants::Body(_))
    }

    /// Refuses, before a body is read, what no body could make right.
    pub(crate) fn precheck(&self, head: &RawRequest<'_>, now: UnixSeconds) -> Result<(), Refusal> {
        if is_signed(head.query) {
            return Ok(looks_signed(&self.live, head, now)?);
        }
        let Wants::Body(unread) = &self.recognised.wants else { return Ok(()) };
        let (live, auth) = (Arc::clone(&self.live), self.recognised.auth.clone());
        let credential = auth.map_or(Credential::Nothing, Credential::Auth);
        let (intent, uuid) = (unread.without_body(), self.recognised.uuid.clone());
        Case { live, intent, credential, uuid }.admit(now).map(|_until| ())
    }

    /// The case that a request makes, with its body where that counts.
    pub(crate) fn case(self, request: &RawRequest<'_>, now: UnixSeconds) -> Result<Case, Refusal> {
        if !request.body.is_empty() && !takes_body(request.method) {
            return Err(BODY_IN_VAIN);
        }
        let Self { live, recognised } = self;
        let Recognised { auth, uuid, wants, .. } = recognised;
        let credential = match is_signed(request.query) {
            true => signed_by(&live, request, now).map(Credential::Root)?,
            false => auth.map_or(Credential::Nothing, Credential::Auth),
        };
        let intent = match wants {
            Wants::Ready(intent) => intent,
            Wants::Body(unread) => unread.with_body(request.body).map_err(|error| unrecognised(&error))?,
        };
        Ok(Case { live, intent, credential, uuid })
    }
}

/// Many servers do not read such a body, and take it for the connection's next request.
pub(crate) const BODY_IN_VAIN: Refusal = Refusal::Malformed("a request of this method has no body");

/// Whether requests of this method have a body.
pub(crate) fn takes_body(method: &str) -> bool {
    method == Method::POST.as_str() || method == Method::PATCH.as_str()
}

/// No keyset has this subscribe key.
pub(crate) fn unknown_keyset() -> Refusal {
    let answer = ServiceAnswer::flat(StatusCode::BAD_REQUEST, "Invalid Subscribe Key");
    Refusal::Service { code: "keyset.unknown", answer }
}

fn unrecognised(error: &Unrecognised) -> Refusal {
    match error {
        Unrecognised::Unknown => Refusal::UnknownOperation,
        Unrecognised::Refused(why) => {
            let answer = ServiceAnswer::flat(StatusCode::BAD_REQUEST, &why.to_string());
            Refusal::Service { code: "request.malformed", answer }
        }
    }
}

impl Case {
    /// Allow or deny, now.
    pub(crate) fn decide(&self, now: UnixSeconds) -> Result<Verdict, Undecided> {
        let decided = self.judge(now, |credentials, state| (decide(&self.intent, credentials, state, now), ()));
        decided.map(|(verdict, ())| verdict)
    }

    /// The verdict, and what `tell` makes of everything that led to it.
    pub(crate) fn explain<T>(
        &self,
        now: UnixSeconds,
        tell: impl FnOnce(&Explanation<'_>) -> T,
    ) -> Result<(Verdict, T), Undecided> {
        self.judge(now, |credentials, state| {
            let explanation = explain(&self.intent, credentials, state, now);
            let told = tell(&explanation);
            (explanation.verdict, told)
        })
    }

    /// Until when the request is allowed, or the refusal that its client gets.
    pub(crate) fn admit(&self, now: UnixSeconds) -> Result<Expiry, Refusal> {
        match self.decide(now)? {
            Verdict::Allow { until } => Ok(until),
            Verdict::Deny(denied) => {
                let answer = ServiceAnswer::denied(&denied, self.intent.operation().service());
                Err(Refusal::Service { code: denied.reason.code(), answer })
            }
        }
    }

    /// Moves whenever a verdict of before may have become wrong.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.live.changes()
    }

    /// Reads the credential, and lets it count for no longer than the secret key behind it.
    fn judge<T>(
        &self,
        now: UnixSeconds,
        look: impl FnOnce(&Credentials<'_>, &KeysetState<'_>) -> (Verdict, T),
    ) -> Result<(Verdict, T), Undecided> {
        let until_key_ends = |shown: Shown<'_>, end: Expiry| {
            let credentials = Credentials { shown, uuid: self.uuid.as_deref() };
            let (verdict, more) =
                self.live.with_state(|state| look(&credentials, state)).ok_or(Undecided::Elsewhere)?;
            let verdict = match verdict {
                Verdict::Allow { until } => Verdict::Allow { until: until.min(end) },
                Verdict::Deny(denied) => Verdict::Deny(denied),
            };
            Ok((verdict, more))
        };
        match &self.credential {
            Credential::Root(key) => match self.live.key_until(*key) {
                end if end.is_over(now) => Err(Undecided::KeyEnded),
                end => until_key_ends(Shown::Root, end),
            },
            Credential::Nothing => until_key_ends(Shown::Nothing, Expiry::NEVER),
            Credential::Auth(text) => match self.live.present(text, now) {
                Presented::Token(token) => until_key_ends(Shown::Token(&token), self.live.key_until(token.key())),
                Presented::Invalid(invalid) => until_key_ends(Shown::Invalid(invalid), Expiry::NEVER),
                Presented::NotAToken => match text.parse::<AuthKey>() {
                    Ok(key) => until_key_ends(Shown::AuthKey(&key), Expiry::NEVER),
                    // No grant can be held by a text that is no auth key.
                    Err(_) => until_key_ends(Shown::Nothing, Expiry::NEVER),
                },
            },
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Root(_) => "Root",
            Self::Auth(_) => "Auth(redacted)",
            Self::Nothing => "Nothing",
        })
    }
}
