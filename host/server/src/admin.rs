//! The admin API: loopback, bearer token, JSON; the CLI uses nothing else.

mod access;
mod functions;
mod keysets;
mod secrets;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::json;
use subtle::ConstantTimeEq;
use tower::ServiceExt;

use crate::clock::Clock;
use crate::data_plane::fresh_id;
use crate::deployments::Deployments;
use crate::keysets::Keysets;
use crate::listener;
use crate::reply::problem;
use crate::store::audit::{self, Record};
use crate::store::secrets::Secrets;
use crate::store::{Store, StoreError};

/// The largest upload in bytes: a component of 24 MiB in base64, with its manifest and policy.
const LARGEST_UPLOAD: usize = 33 << 20;

/// What the API works on.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) keysets: Arc<Keysets>,
    pub(crate) deployments: Arc<Deployments>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
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
            .merge(access::routes())
            .merge(functions::routes())
            .merge(secrets::routes())
            .fallback(not_found)
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
    let mut response = next.run(request).await;
    tracing::info!(request = request_id, %method, path, status = response.status().as_u16(), "admin request");
    response
        .headers_mut()
        .extend(header::HeaderValue::from_str(&request_id).ok().map(|id| (crate::reply::REQUEST_ID, id)));
    response
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
}

impl Failure {
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
