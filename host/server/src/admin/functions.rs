//! `/v1/keysets/{subscribe key}/functions`: deploy, activate, roll back.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::SubscribeKey;

use super::{Admin, Failure, RequestId, blocking};
use crate::deployments::{DeployError, Upload};
use crate::store::deployments::FunctionId;

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/keysets/{subscribe_key}/functions", get(list).post(add))
        .route("/v1/keysets/{subscribe_key}/functions/{name}", get(versions))
        .route("/v1/keysets/{subscribe_key}/functions/{name}/activate", post(activate))
        .route("/v1/keysets/{subscribe_key}/functions/{name}/rollback", post(roll_back))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Uploaded {
    /// The manifest's text.
    manifest: String,
    policy: Option<String>,
    /// Base64.
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activation {
    version: u32,
}

type Reply = Result<(StatusCode, Json<Value>), Failure>;

async fn list(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
) -> Result<Json<Value>, Failure> {
    let key: SubscribeKey = subscribe_key.parse().map_err(|_| Failure::no_keyset(&subscribe_key, &request_id))?;
    let functions = admin.deployments.active(&key).into_iter().map(|deployment| {
        json!({
            "name": deployment.id.name.as_str(),
            "version": deployment.version,
            "artefact": deployment.artefact,
            "paths": deployment.paths.iter().map(|path| path.as_str()).collect::<Vec<_>>(),
        })
    });
    Ok(Json(json!({ "functions": functions.collect::<Vec<_>>() })))
}

async fn add(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    body: Result<Json<Uploaded>, axum::extract::rejection::JsonRejection>,
) -> Reply {
    let Json(Uploaded { manifest, policy, component }) =
        body.map_err(|error| Failure::bad_request(error.body_text(), &request_id))?;
    let component =
        STANDARD.decode(component).map_err(|error| Failure::bad_request(format!("component: {error}"), &request_id))?;
    let key: SubscribeKey = subscribe_key.parse().map_err(|_| Failure::no_keyset(&subscribe_key, &request_id))?;
    let record = admin.record("function.deploy", subscribe_key, &request_id);
    let upload = Upload { manifest, policy, component };
    let added = blocking(&request_id, move || admin.deployments.add(&key, &upload, &record)).await?;
    let (id, version) = added.map_err(|error| failure(&error, &request_id))?;
    Ok((StatusCode::CREATED, Json(json!({ "name": id.name.as_str(), "version": version }))))
}

async fn versions(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let id = function_id(path, &request_id)?;
    let (versions, active) = admin.deployments.versions(&id).map_err(|error| failure(&error, &request_id))?;
    if versions.is_empty() {
        return Err(failure(&DeployError::NoFunction(id.name), &request_id));
    }
    let versions = versions.iter().map(|version| {
        json!({
            "version": version.version,
            "artefact": version.artefact,
            "created": version.created,
            "active": Some(version.version) == active,
        })
    });
    Ok(Json(json!({ "name": id.name.as_str(), "versions": versions.collect::<Vec<_>>() })))
}

async fn activate(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
    body: Result<Json<Activation>, axum::extract::rejection::JsonRejection>,
) -> Reply {
    let Json(Activation { version }) = body.map_err(|error| Failure::bad_request(error.body_text(), &request_id))?;
    let id = function_id(path, &request_id)?;
    let record = admin.record("function.activate", format!("{} version {version}", id.name), &request_id);
    let name = id.name.clone();
    let done = blocking(&request_id, move || admin.deployments.activate(&id, version, &record)).await?;
    done.map_err(|error| failure(&error, &request_id))?;
    Ok((StatusCode::OK, Json(json!({ "name": name.as_str(), "version": version }))))
}

async fn roll_back(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
) -> Reply {
    let id = function_id(path, &request_id)?;
    let record = admin.record("function.rollback", id.name.as_str(), &request_id);
    let name = id.name.clone();
    let done = blocking(&request_id, move || admin.deployments.roll_back(&id, &record)).await?;
    let version = done.map_err(|error| failure(&error, &request_id))?;
    Ok((StatusCode::OK, Json(json!({ "name": name.as_str(), "version": version }))))
}

fn function_id((subscribe_key, name): (String, String), request_id: &str) -> Result<FunctionId, Failure> {
    Ok(FunctionId {
        subscribe_key: subscribe_key.parse().map_err(|_| Failure::no_keyset(&subscribe_key, request_id))?,
        name: name.parse().map_err(|error| Failure::bad_request(error, request_id))?,
    })
}

fn failure(error: &DeployError, request_id: &str) -> Failure {
    let (status, code) = match error {
        DeployError::NoKeyset(_) => (StatusCode::NOT_FOUND, "keyset.not-found"),
        DeployError::NoFunction(_) => (StatusCode::NOT_FOUND, "function.not-found"),
        DeployError::NoVersion(..) => (StatusCode::NOT_FOUND, "function.no-version"),
        DeployError::Manifest(_) => (StatusCode::UNPROCESSABLE_ENTITY, "manifest.invalid"),
        DeployError::Compile(_) => (StatusCode::UNPROCESSABLE_ENTITY, "component.invalid"),
        DeployError::Link(_) => (StatusCode::UNPROCESSABLE_ENTITY, "component.imports"),
        DeployError::NoSecret(_) => (StatusCode::CONFLICT, "secret.not-found"),
        DeployError::Overlap { .. } => (StatusCode::CONFLICT, "function.overlap"),
        DeployError::NothingToRollBack(_) => (StatusCode::CONFLICT, "function.nothing-to-roll-back"),
        DeployError::Assembly(_) => (StatusCode::UNPROCESSABLE_ENTITY, "deployment.invalid"),
        DeployError::Store(error) => return Failure::of_store(error, request_id),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}
