//! Verifying a signed request in every form that clients in use produce.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD_INDIFFERENT;
use subtle::ConstantTimeEq;

use super::{SigningRequest, SigningRequestV1, V2_PREFIX, decoded, parameters};
use crate::key::{PublishKey, SubscribeKey};

/// A request as it came, with the keys of the keyset that its path names.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The keyset's subscribe key.
    pub subscribe_key: &'a SubscribeKey,
    /// The keyset's publish key.
    pub publish_key: &'a PublishKey,
    /// The HTTP method.
    pub method: &'a str,
    /// The request target up to `?`, exactly as on the wire: nothing decoded, nothing normalised.
    pub path: &'a str,
    /// The query as on the wire, without `?`, with its `signature`.
    pub query: &'a str,
    /// The raw body, before any decompression.
    pub body: &'a [u8],
}

/// The form in which a signature turned out to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// Method, path, query and body are covered.
    V2,
    /// `POST /publish/...` signed as a `GET`: the body is not covered.
    V2AsGet,
    /// Subscribe key, publish key, path and query are covered.
    V1,
    /// As v1, with the bare word `grant` or `audit` in place of the path.
    V1BareWord,
}

/// Why a signature does not count. None of the texts shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The query has no `signature`.
    #[error("the request is not signed")]
    Absent,
    /// Two `signature` parameters; which one counts would be a guess.
    #[error("the request is signed more than once")]
    Repeated,
    /// Not 32 bytes of base64url after an optional `v2.`.
    #[error("the signature is malformed")]
    Malformed,
    /// A v1 signature where only v2 is accepted, because v1 does not cover the body.
    #[error("a v1 signature is not accepted on this path")]
    FormNotAccepted,
    /// No secret makes this signature over this request.
    #[error("the signature does not match")]
    Mismatch,
}

/// Verifies the `signature` of a request against every active secret, comparing in constant time.
///
/// v2 is accepted everywhere, signed as `GET` only with a `POST /publish/` whose message is its body; v1 only there and
/// below `/v1/auth/` and `/v2/auth/`, with or without padding. Whether `timestamp` is fresh is the caller's to check.
///
/// # Errors
/// [`SignatureError`] if there is not exactly one valid signature.
pub fn verify<'s>(
    request: &SignedRequest<'_>,
    secrets: impl IntoIterator<Item = &'s [u8]>,
) -> Result<SignatureForm, SignatureError> {
    let presented = request.presented()?;
    let forms = request.accepted(presented.is_v2)?;
    let mut valid = Err(SignatureError::Mismatch);
    for secret in secrets {
        for form in forms.iter().copied().flatten() {
            let matches = request.digest(form, secret).ct_eq(&presented.digest);
            if bool::from(matches) {
                valid = Ok(form);
            }
        }
    }
    valid
}

struct Presented {
    is_v2: bool,
    digest: [u8; 32],
}

impl SignedRequest<'_> {
    fn presented(&self) -> Result<Presented, SignatureError> {
        let mut found = parameters(self.query).filter(|&(name, _)| name == "signature");
        let (_, value) = found.next().ok_or(SignatureError::Absent)?;
        if found.next().is_some() {
            return Err(SignatureError::Repeated);
        }
        let value = decoded(value);
        let stripped = value.strip_prefix(V2_PREFIX.as_bytes());
        let text = stripped.unwrap_or(&value);
        let bytes = URL_SAFE_NO_PAD_INDIFFERENT.decode(text).map_err(|_| SignatureError::Malformed)?;
        let digest = bytes.try_into().map_err(|_| SignatureError::Malformed)?;
        Ok(Presented { is_v2: stripped.is_some(), digest })
    }

    fn accepted(&self, is_v2: bool) -> Result<[Option<SignatureForm>; 2], SignatureError> {
        let publishes = self.method.eq_ignore_ascii_case("POST") && publishes_its_body(self.path);
        let administers = self.path.starts_with("/v1/auth/") || self.path.starts_with("/v2/auth/");
        let bare_word = self.path.starts_with("/v1/auth/").then_some(SignatureForm::V1BareWord);
        match is_v2 {
            true => Ok([Some(SignatureForm::V2), publishes.then_some(SignatureForm::V2AsGet)]),
            false if publishes || administers => Ok([Some(SignatureForm::V1), bare_word]),
            false => Err(SignatureError::FormNotAccepted),
        }
    }

    fn digest(&self, form: SignatureForm, secret: &[u8]) -> [u8; 32] {
        let &Self { subscribe_key, publish_key, method, path, query, body } = self;
        let v1 = |path| SigningRequestV1 { subscribe_key, publish_key, path, query }.digest(secret);
        match form {
            SignatureForm::V2 => SigningRequest { method, publish_key, path, query, body }.digest(secret),
            SignatureForm::V2AsGet => {
                SigningRequest { method: "GET", publish_key, path, query, body: &[] }.digest(secret)
            }
            SignatureForm::V1 => v1(path),
            SignatureForm::V1BareWord => v1(path.split('/').nth(3).unwrap_or_default()),
        }
    }
}

impl fmt::Debug for SignedRequest<'_> {
    /// Without path, query and body: they hold tokens, auth keys and messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribe_key, publish_key: _, method, path: _, query: _, body: _ } = self;
        let mut fields = f.debug_struct("SignedRequest");
        fields.field("subscribe_key", subscribe_key).field("method", method).finish_non_exhaustive()
    }
}

/// Whether a path is `/publish/{pub}/{sub}/0/{channel}/{callback}` and no more.
///
/// With the message in its path it is a `GET`: whoever saw that could send it as a `POST` with a body of their own.
fn publishes_its_body(path: &str) -> bool {
    path.strip_prefix("/publish/").is_some_and(|rest| rest.split('/').count() == 5)
}
