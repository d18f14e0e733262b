//! `POST /v1/deepstream/auth/{deployment}`: the webhook of deepstream's `auth: http`.
//!
//! deepstream reads some answers in surprising ways: an object beside a 401 may log its client in, JSON without a content type becomes
//! an id, a 404 is asked again. So a yes is 200 with an object whose `id` is a text, and everything else 401 or 403 with one line of plain text.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use usher_runtime::capability::identity::{Identity, IdentityError};

use super::{Deepstream, LONGEST};
use crate::body::Bodies;
use crate::deployments::Deployment;
use crate::identity::Login;
use crate::kept::{Detail, KeptDecision, Road, clipped};
use crate::reply::{REQUEST_ID, identify, next_step};

/// deepstream's own sample gives up after 2 s, and asks again.
const TIME: Duration = Duration::from_millis(1_800);

/// What deepstream sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    connection_data: Value,
    auth_data: Value,
}

/// What a refused login is kept with.
#[derive(Default)]
struct Seen {
    deployment: Option<Arc<Deployment>>,
    /// Who the client says it is.
    user: Option<String>,
}

/// Why nobody is logged in: a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Denied {
    status: StatusCode,
    code: &'static str,
}

impl Denied {
    const MALFORMED: Self = Self { status: StatusCode::FORBIDDEN, code: "request.malformed" };
    const NO_DEPLOYMENT: Self = Self { status: StatusCode::FORBIDDEN, code: "deployment.unknown" };
    const CALLER: Self = Self { status: StatusCode::FORBIDDEN, code: "webhook.unauthorized" };

    fn kept(self, asked: &str, seen: Seen, id: &str) -> KeptDecision {
        let deployment = seen.deployment.as_deref();
        KeptDecision {
            id: id.to_owned(),
            road: Road::Deepstream,
            subscribe_key: deployment.map(|deployment| deployment.id.subscribe_key.as_str().to_owned()),
            deployment: deployment.map(|deployment| (deployment.id.name.as_str().to_owned(), deployment.version)),
            policy: deployment.and_then(|deployment| Some(deployment.policy.as_ref()?.digest.to_string())),
            user: seen.user,
            asked: format!("log in to {}", clipped(asked)),
            allowed: false,
            code: self.code,
            status: Some(self.status.as_u16()),
            detail: Detail::Findings(vec![next_step(self.code).to_owned()]),
        }
    }
}

impl From<IdentityError> for Denied {
    fn from(error: IdentityError) -> Self {
        let status = match error {
            IdentityError::Denied | IdentityError::Expired => StatusCode::UNAUTHORIZED,
            IdentityError::Unavailable | IdentityError::RateLimited { .. } => StatusCode::FORBIDDEN,
        };
        Self { status, code: error.code() }
    }
}

/// Always an answer that deepstream reads as it is meant.
pub(super) async fn answer(
    deepstream: &Deepstream,
    deployment: &str,
    request: Request<Body>,
    (bodies, id): (&Bodies, &str),
) -> Response<Body> {
    let mut seen = Seen::default();
    let mut response = match deepstream.log_in(deployment, request, (bodies, &mut seen)).await {
        Ok(identity) => granted(&identity),
        Err(denied) => {
            tracing::info!(request = id, deployment, code = denied.code, "login refused");
            deepstream.kept.keep(denied.kept(deployment, seen, id));
            refused(denied, id)
        }
    };
    identify(response.headers_mut(), REQUEST_ID, id);
    response
}

impl Deepstream {
    async fn log_in(
        &self,
        deployment: &str,
        request: Request<Body>,
        (bodies, seen): (&Bodies, &mut Seen),
    ) -> Result<Identity, Denied> {
        let deadline = Instant::now() + TIME;
        let (parts, body) = request.into_parts();
        let deployment = self.deployments.named(deployment).map_err(|_| Denied::NO_DEPLOYMENT)?;
        let deployment = seen.deployment.insert(deployment);
        if !self.knows(deployment, &parts) {
            return Err(Denied::CALLER);
        }
        let authenticators = deployment.authenticators.as_ref().ok_or(Denied::NO_DEPLOYMENT)?;
        let body = tokio::time::timeout_at(deadline.into(), bodies.read(&parts, body, LONGEST)).await;
        let body = body.map_err(|_| IdentityError::Unavailable)?.map_err(|_| Denied::MALFORMED)?;
        let Asked { connection_data, auth_data } = asked(&body)?;
        seen.user = auth_data.get("username").and_then(Value::as_str).map(clipped);
        Ok(authenticators.login(&Login { auth_data, connection_data, deadline }).await?)
    }

    /// Whether the caller shows the password that the manifest asks for; deepstream takes it from its `endpointUrl`.
    pub(super) fn knows(&self, deployment: &Deployment, parts: &Parts) -> bool {
        let Some(name) = &deployment.basic_secret else { return true };
        let secret = self.secrets.open(name).inspect_err(|error| tracing::error!(%error, "webhook secret"));
        let Ok(secret) = secret else { return false };
        let shown =
            parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let pair = shown.and_then(|shown| STANDARD.decode(shown).ok()).unwrap_or_default();
        let mut split = pair.splitn(2, |&byte| byte == b':');
        let password = split.next().and(split.next()).unwrap_or_default();
        bool::from(password.ct_eq(secret.reveal())) && !password.is_empty()
    }
}

/// deepstream sends an object or a list as `authData`, and nothing else.
fn asked(body: &Bytes) -> Result<Asked, Denied> {
    let asked: Asked = serde_json::from_slice(body).map_err(|_| Denied::MALFORMED)?;
    match asked.auth_data {
        Value::Object(_) | Value::Array(_) => Ok(asked),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(Denied::MALFORMED),
    }
}

fn granted(identity: &Identity) -> Response<Body> {
    let data = |json: &str| serde_json::from_str::<Value>(json).ok();
    let (client_data, server_data) = (data(&identity.client_data), data(&identity.server_data));
    let body = json!({ "id": identity.id, "clientData": client_data, "serverData": server_data });
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// One line, which deepstream shows its client as the reason.
fn refused(Denied { status, code }: Denied, id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{code}: {} (decision {id})", next_step(code))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
