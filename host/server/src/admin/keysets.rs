//! `/v1/keysets`: the keysets of this server.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_vault::Secret;

use super::{Admin, Failure, RequestId, blocking};
use crate::keysets::{KeysetError, LiveKeyset, fresh};
use crate::store::keysets::{AccessManager, Keyset};

pub(super) fn routes() -> Router<Admin> {
    Router::new().route("/v1/keysets", get(list).post(create))
}

/// Keys that are not named are made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    subscribe_key: Option<String>,
    publish_key: Option<String>,
    secret_key: Option<String>,
    origin: Option<String>,
}

async fn list(State(admin): State<Admin>) -> Json<Value> {
    Json(json!({ "keysets": admin.keysets.all().iter().map(|live| describe(live)).collect::<Vec<_>>() }))
}

async fn create(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    body: Result<Json<Creation>, axum::extract::rejection::JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Json(creation) = body.map_err(|error| Failure::bad_request(error.body_text(), &request_id))?;
    let (keyset, secret_key, made) = keys(creation).map_err(|error| Failure::bad_request(error, &request_id))?;
    let record = admin.record("keyset.create", keyset.subscribe_key.as_str(), &request_id);
    let created = blocking(&request_id, move || admin.keysets.create(keyset, &secret_key, &record)).await?;
    let live = created.map_err(|error| failure(&error, &request_id))?;
    let mut shown = describe(&live);
    if let (Some(made), Some(fields)) = (made, shown.as_object_mut()) {
        fields.insert("secret_key".into(), made.into());
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The keyset, its secret key, and that key's text if it was made here and so has to be shown once.
fn keys(creation: Creation) -> Result<(Keyset, Secret, Option<String>), String> {
    let Creation { subscribe_key, publish_key, secret_key, origin } = creation;
    let made = fresh().map_err(|error| error.to_string())?;
    let subscribe_key = subscribe_key.map_or(Ok(made.0), |text| text.parse()).map_err(|error| error.to_string())?;
    let publish_key = publish_key.map_or(Ok(made.1), |text| text.parse()).map_err(|error| error.to_string())?;
    let shown = secret_key.is_none().then(|| made.2.clone());
    let secret = Secret::try_from(secret_key.unwrap_or(made.2).into_bytes()).map_err(|error| error.to_string())?;
    let access = origin.map_or(AccessManager::Embedded, AccessManager::Remote);
    Ok((Keyset { subscribe_key, publish_key, access }, secret, shown))
}

fn describe(live: &LiveKeyset) -> Value {
    let Keyset { subscribe_key, publish_key, access } = &live.keyset;
    let origin = match access {
        AccessManager::Embedded => None,
        AccessManager::Remote(origin) => Some(origin),
    };
    json!({ "subscribe_key": subscribe_key.as_str(), "publish_key": publish_key.as_str(), "origin": origin })
}

fn failure(error: &KeysetError, request_id: &str) -> Failure {
    let (status, code) = match error {
        KeysetError::Exists(_) => (StatusCode::CONFLICT, "keyset.exists"),
        KeysetError::Origin(_) | KeysetError::Malformed(_) | KeysetError::Client(_) => {
            (StatusCode::BAD_REQUEST, "keyset.malformed")
        }
        KeysetError::Store(error) => return Failure::of_store(error, request_id),
        KeysetError::Secret(_) => (StatusCode::SERVICE_UNAVAILABLE, "vault.unavailable"),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}
