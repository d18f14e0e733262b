//! `/v1/keysets/{subscribe key}/functions/{name}/policy`: read a policy, and put another in force.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::functions::{failure, function_id, outcome};
use super::{Admin, Failure, RequestId, blocking, body};
use crate::deployments::digest;

pub(super) fn routes() -> Router<Admin> {
    Router::new().route("/v1/keysets/{subscribe_key}/functions/{name}/policy", get(read).post(apply))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    /// The active one if it is not said.
    version: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Applied {
    /// The policy's text.
    document: String,
}

async fn read(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
    Query(Selection { version }): Query<Selection>,
) -> Result<Json<Value>, Failure> {
    let id = function_id(path, &request_id)?;
    let found = admin.deployments.version(&id, version).map_err(|error| failure(&error, &request_id))?;
    let document = found.policy.ok_or_else(|| Failure::no_policy(id.name.as_str(), found.version, &request_id))?;
    let digest = digest(&document);
    let name = id.name.as_str();
    Ok(Json(json!({ "name": name, "version": found.version, "digest": digest.as_ref(), "document": document })))
}

async fn apply(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
    asked: Result<Json<Applied>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Applied { document } = body(asked, &request_id)?;
    let id = function_id(path, &request_id)?;
    let record = admin.record("policy.apply", format!("{} {}", id.name, digest(&document)), &request_id);
    let name = id.name.clone();
    let done = blocking(&request_id, move || admin.deployments.change_policy(&id, &document, &record)).await?;
    Ok(Json(outcome(&name, &done.map_err(|error| failure(&error, &request_id))?)))
}
