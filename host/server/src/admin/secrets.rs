//! `/v1/secrets`: names in, names out; a value goes in only.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use usher_vault::{MasterKey, Secret, SecretName};

use super::{Admin, Failure, RequestId, blocking};
use crate::store::audit::Record;
use crate::store::secrets::{ChangeError, Secrets};

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/secrets", get(list))
        .route("/v1/secrets/{*name}", put(set).delete(remove))
        .route("/v1/vault/rotate", post(rotate))
        .route("/v1/vault/rewrap", post(rewrap))
}

async fn list(State(admin): State<Admin>) -> Json<Value> {
    let secrets =
        admin.secrets.list().into_iter().map(|(name, version)| json!({ "name": name.as_str(), "version": version }));
    Json(json!({ "secrets": secrets.collect::<Vec<_>>() }))
}

async fn set(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let name: SecretName = name.parse().map_err(|error| Failure::bad_request(error, &request_id))?;
    let secret = Secret::try_from(Vec::from(body)).map_err(|error| Failure::bad_request(error, &request_id))?;
    let record = admin.record("secret.set", name.as_str(), &request_id);
    change(admin, request_id, move |secrets| secrets.set(&name, &secret, &record)).await
}

async fn remove(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let name: SecretName = name.parse().map_err(|error| Failure::bad_request(error, &request_id))?;
    let record = admin.record("secret.remove", name.as_str(), &request_id);
    change(admin, request_id, move |secrets| secrets.remove(&name, &record)).await
}

async fn rotate(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
) -> Result<StatusCode, Failure> {
    let record = admin.record("vault.rotate", "data key", &request_id);
    change(admin, request_id, move |secrets| secrets.rotate(&record)).await
}

async fn rewrap(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let master = MasterKey::parse(&body).map_err(|error| Failure::bad_request(error, &request_id))?;
    let record: Record = admin.record("vault.rewrap", "master key", &request_id);
    change(admin, request_id, move |secrets| secrets.rewrap(&master, &record)).await
}

async fn change(
    admin: Admin,
    request_id: String,
    work: impl FnOnce(&Secrets) -> Result<(), ChangeError> + Send + 'static,
) -> Result<StatusCode, Failure> {
    let secrets = admin.secrets;
    let done = blocking(&request_id, move || work(&secrets)).await?;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| {
        let (status, code) = match error {
            ChangeError::NotFound(_) => (StatusCode::NOT_FOUND, "secret.not-found"),
            ChangeError::Unusable(_) => (StatusCode::SERVICE_UNAVAILABLE, "vault.unavailable"),
        };
        Failure { status, code, detail: error.to_string(), request_id }
    })
}
