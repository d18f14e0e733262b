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
use crate::deployments::{Activated, DeployError, PolicySummary, Rechecked, Upload, digest};
use crate::manifest::FunctionName;
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
    /// Base64; nothing where only deepstream is served.
    component: Option<String>,
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
            "policy": deployment.policy.as_ref().map(|policy| policy.digest.as_ref()),
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
    let component = component.map(|component| STANDARD.decode(component)).transpose();
    let component = component.map_err(|error| Failure::bad_request(format!("component: {error}"), &request_id))?;
    let key: SubscribeKey = subscribe_key.parse().map_err(|_| Failure::no_keyset(&subscribe_key, &request_id))?;
    let record = admin.record("function.deploy", subscribe_key, &request_id);
    let upload = Upload { manifest, policy, component };
    let added = blocking(&request_id, move || admin.deployments.add(&key, &upload, &record)).await?;
    let added = added.map_err(|error| failure(&error, &request_id))?;
    let policy = added.policy.as_ref().map(|policy| summary(&policy.summary()));
    let answer = json!({ "name": added.id.name.as_str(), "version": added.version, "policy": policy });
    Ok((StatusCode::CREATED, Json(answer)))
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
            "policy": version.policy.as_deref().map(|document| digest(document).to_string()),
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
    let activated = done.map_err(|error| failure(&error, &request_id))?;
    Ok((StatusCode::OK, Json(outcome(&name, &activated))))
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
    let activated = done.map_err(|error| failure(&error, &request_id))?;
    Ok((StatusCode::OK, Json(outcome(&name, &activated))))
}

/// What an activation put in force, and what it took back.
pub(super) fn outcome(name: &FunctionName, activated: &Activated) -> Value {
    let Activated { version, policy, rechecked: Rechecked { rechecked, taken_back, left_groups } } = activated;
    json!({
        "name": name.as_str(),
        "version": version,
        "policy": policy.as_ref().map(summary),
        "rechecked": rechecked,
        "taken_back": taken_back,
        "left_groups": left_groups,
    })
}

fn summary(PolicySummary { digest, paths, rules, warnings }: &PolicySummary) -> Value {
    json!({ "digest": digest.as_ref(), "paths": paths, "rules": rules, "warnings": warnings })
}

pub(super) fn function_id((subscribe_key, name): (String, String), request_id: &str) -> Result<FunctionId, Failure> {
    Ok(FunctionId {
        subscribe_key: subscribe_key.parse().map_err(|_| Failure::no_keyset(&subscribe_key, request_id))?,
        name: name.parse().map_err(|error| Failure::bad_request(error, request_id))?,
    })
}

pub(super) fn failure(error: &DeployError, request_id: &str) -> Failure {
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
        DeployError::Policy(_) => (StatusCode::UNPROCESSABLE_ENTITY, "policy.invalid"),
        DeployError::PolicyMissing(_) => (StatusCode::UNPROCESSABLE_ENTITY, "policy.missing"),
        DeployError::PolicyNotNamed => (StatusCode::UNPROCESSABLE_ENTITY, "policy.not-named"),
        DeployError::ComponentMissing => (StatusCode::UNPROCESSABLE_ENTITY, "component.missing"),
        DeployError::ComponentNotServed => (StatusCode::UNPROCESSABLE_ENTITY, "component.not-served"),
        DeployError::NotActive(_) => (StatusCode::NOT_FOUND, "function.not-active"),
        DeployError::NotRechecked(..) => (StatusCode::SERVICE_UNAVAILABLE, "policy.not-rechecked"),
        DeployError::Assembly(_) => (StatusCode::UNPROCESSABLE_ENTITY, "deployment.invalid"),
        DeployError::Store(error) => return Failure::of_store(error, request_id),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}
