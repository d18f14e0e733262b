//! The admin API: loopback, bearer token, JSON; the CLI uses nothing else.

mod access;
mod check;
mod decisions;
mod functions;
mod keys;
mod keysets;
mod policies;
mod secrets;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::json;
use subtle::ConstantTimeEq;
use tower::ServiceExt;
use usher_access::{SubscribeKey, UnixSeconds};

use crate::clock::Clock;
use crate::data_plane::fresh_id;
use crate::deployments::Deployments;
use crate::kept::Kept;
use crate::keysets::{ChangeError, KeysError, Keysets, LiveAccess, LiveKeyset};
use crate::listener;
use crate::reply::problem;
use crate::store::audit::{self, Record};
use crate::store::grants::EmbeddedGrants;
use crate::store::secrets::Secrets;
use crate::store::{Store, StoreError};

/// The largest upload in bytes: a component of 24 MiB in base64, with its manifest and policy.
const LARGEST_UPLOAD: usize = 33 << 20;

/// The type of every error.
const PROBLEM: &str = "application/problem+json";
/// The longest reason of the framework's that is repeated, in bytes.
const LONGEST_REASON: usize = 4 << 10;

/// What the API works on.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) keysets: Arc<Keysets>,
    pub(crate) deployments: Arc<Deployments>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) kept: Arc<Kept>,
}

/// The bearer token, kept as what is compared.
#[derive(Clone)]
pub(crate) struct AdminToken(pub(crate) Arc<str>);

/// One request's id.
#[derive(Debug, Clone)]
struct RequestId(String);

/// An error with its status, code and text; the text may name what the admin named, never a secret.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    code: &'static str,
    detail: String,
    request_id: String,
}

/// The API as a service of its own listener.
#[derive(Debug)]
pub(crate) struct AdminService(Router);

impl AdminService {
    pub(crate) fn new(admin: Admin, token: AdminToken) -> Self {
        let router = Router::new()
            .route("/v1/status", get(status))
            .route("/v1/audit", get(newest_changes))
            .merge(keysets::routes())
            .merge(keys::routes())
            .merge(tokens::routes())
            .merge(access::routes())
            .merge(check::routes())
            .merge(decisions::routes())
            .merge(functions::routes())
            .merge(policies::routes())
            .merge(secrets::routes())
            .fallback(not_found)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(LARGEST_UPLOAD))
            .layer(middleware::from_fn_with_state(token, authenticate))
            .with_state(admin);
        Self(router)
    }
}

impl listener::Answer for AdminService {
    async fn answer(&self, request: axum::http::Request<Body>, _peer: SocketAddr) -> Response<Body> {
        match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

async fn authenticate(State(token): State<AdminToken>, mut request: Request, next: Next) -> Response<Body> {
    let request_id = fresh_id();
    let shown =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let known = shown.is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(token.0.as_bytes())));
    if !known {
        let detail = "show the token in the data folder's `admin.token` as `Authorization: Bearer …`";
        return problem(StatusCode::UNAUTHORIZED, "admin.unauthorized", detail, &request_id);
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let mut response = as_problem(next.run(request).await, &request_id).await;
    tracing::info!(request = request_id, %method, path, status = response.status().as_u16(), "admin request");
    crate::reply::identify(response.headers_mut(), crate::reply::REQUEST_ID, &request_id);
    response
}

/// What the framework refuses by itself, as every other refusal looks: a query, a path or a body that cannot be read.
async fn as_problem(response: Response<Body>, request_id: &str) -> Response<Body> {
    let told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM);
    let status = response.status();
    if told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = to_bytes(response.into_body(), LONGEST_REASON).await.unwrap_or_default();
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "admin.too-large",
        _ => "admin.bad-request",
    };
    problem(status, code, &String::from_utf8_lossy(&text), request_id)
}

async fn status(State(admin): State<Admin>) -> Json<serde_json::Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": if admin.store.healthy() { "ok" } else { "refuses writes" },
        "keysets": admin.keysets.all().len(),
    }))
}

async fn newest_changes(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
) -> Result<Json<serde_json::Value>, Failure> {
    let records = audit::newest(&admin.store, 1_000).map_err(|error| Failure::of_store(&error, &request_id))?;
    Ok(Json(json!({ "audit": records })))
}

async fn wrong_method(Extension(RequestId(request_id)): Extension<RequestId>) -> Failure {
    Failure {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: "admin.wrong-method",
        detail: "the admin API has this path, but for other methods".into(),
        request_id,
    }
}

async fn not_found(Extension(RequestId(request_id)): Extension<RequestId>) -> Failure {
    Failure {
        status: StatusCode::NOT_FOUND,
        code: "admin.not-found",
        detail: "no such path on the admin API".into(),
        request_id,
    }
}

impl Admin {
    fn record(&self, action: &str, subject: impl Into<String>, request_id: &str) -> Record {
        Record { at: self.clock.millis(), action: action.into(), subject: subject.into(), request: request_id.into() }
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.clock.seconds())
    }

    /// The keyset that a path names.
    fn keyset(&self, subscribe_key: &str, request_id: &str) -> Result<Arc<LiveKeyset>, Failure> {
        let key = subscribe_key.parse::<SubscribeKey>().ok();
        key.and_then(|key| self.keysets.find(&key)).ok_or_else(|| Failure::no_keyset(subscribe_key, request_id))
    }

    /// The keyset that a path names, if its grants and tokens are kept here.
    fn embedded(
        &self,
        subscribe_key: &str,
        request_id: &str,
    ) -> Result<(Arc<LiveKeyset>, Arc<EmbeddedGrants>), Failure> {
        let live = self.keyset(subscribe_key, request_id)?;
        let grants = match &live.access {
            LiveAccess::Embedded { grants, .. } => Arc::clone(grants),
            LiveAccess::Remote(_) => return Err(Failure::remote(request_id)),
        };
        Ok((live, grants))
    }
}

impl Failure {
    fn remote(request_id: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            code: "keyset.remote",
            detail: "the keyset's grants are kept by its remote origin; ask there".into(),
            request_id: request_id.to_owned(),
        }
    }

    fn of_change(error: &ChangeError, request_id: &str) -> Self {
        let (status, code) = match error {
            ChangeError::Keys(KeysError::NotFound(_)) => (StatusCode::NOT_FOUND, "key.not-found"),
            ChangeError::Keys(KeysError::Primary(_)) => (StatusCode::CONFLICT, "key.primary"),
            ChangeError::Keys(KeysError::TooMany | KeysError::NumbersUsedUp | KeysError::Malformed) => {
                (StatusCode::CONFLICT, "key.too-many")
            }
            ChangeError::LiveTokens { .. } => (StatusCode::CONFLICT, "key.has-live-tokens"),
            ChangeError::Overtaken(_) => (StatusCode::CONFLICT, "key.overtaken"),
            ChangeError::EpochsUsedUp => (StatusCode::CONFLICT, "token.epochs-used-up"),
            ChangeError::Keyset(error) => return keysets::failure(error, request_id),
            ChangeError::Store(error) => return Self::of_store(error, request_id),
            ChangeError::Secret(_) => (StatusCode::SERVICE_UNAVAILABLE, "vault.unavailable"),
        };
        Self { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
    }

    fn bad_request(detail: impl std::fmt::Display, request_id: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "admin.bad-request",
            detail: detail.to_string(),
            request_id: request_id.into(),
        }
    }

    fn no_keyset(subscribe_key: &str, request_id: &str) -> Self {
        let detail = format!("no keyset `{subscribe_key}`; `usher keyset list` shows those there are");
        Self { status: StatusCode::NOT_FOUND, code: "keyset.not-found", detail, request_id: request_id.into() }
    }

    fn no_policy(name: &str, version: u32, request_id: &str) -> Self {
        let detail = format!("version {version} of `{name}` has no policy");
        Self { status: StatusCode::NOT_FOUND, code: "policy.not-found", detail, request_id: request_id.into() }
    }

    fn of_store(error: &StoreError, request_id: &str) -> Self {
        tracing::error!(request = request_id, %error, "admin request failed");
        let detail = "the store cannot be used; see the server's log".into();
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "store.unavailable",
            detail,
            request_id: request_id.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        problem(self.status, self.code, &self.detail, &self.request_id)
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, request_id: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::bad_request(error, request_id))
}

/// The body, if it is JSON of the form asked for.
fn body<T>(read: Result<Json<T>, JsonRejection>, request_id: &str) -> Result<T, Failure> {
    read.map(|Json(body)| body).map_err(|error| Failure::bad_request(error.body_text(), request_id))
}

/// Runs blocking work, such as compiling or syncing a disk, off the threads that answer.
async fn blocking<T: Send + 'static>(
    request_id: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(request = request_id, %error, "admin request failed");
        let detail = "the request failed; see the server's log".into();
        Failure {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "admin.failed",
            detail,
            request_id: request_id.into(),
        }
    })
}
