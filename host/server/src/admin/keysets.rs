//! `/v1/keysets`: the keysets of this server.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, patch};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use usher_access::{GlobalPresence, MetadataLists};
use usher_vault::Secret;

use super::{Admin, Failure, RequestId, blocking, body, parse};
use crate::keysets::{KeysetError, LiveKeyset, Settings, fresh};
use crate::network_origin::NetworkOrigin;
use crate::store::keysets::{AccessManager, Keyset, Revocability};

pub(super) fn routes() -> Router<Admin> {
    Router::new().route("/v1/keysets", get(list).post(create)).route("/v1/keysets/{subscribe_key}", patch(change))
}

/// Keys that are not named are made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    subscribe_key: Option<String>,
    publish_key: Option<String>,
    secret_key: Option<String>,
    origin: Option<String>,
    network: Option<String>,
}

/// What is not named stays as it is; a network of `null` is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default, deserialize_with = "named")]
    network: Option<Option<String>>,
    metadata_lists: Option<Opening>,
    global_presence: Option<Opening>,
    revocation: Option<Switch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Opening {
    Open,
    Granted,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    On,
    Off,
}

async fn list(State(admin): State<Admin>) -> Json<Value> {
    Json(json!({ "keysets": admin.keysets.all().iter().map(|live| describe(live)).collect::<Vec<_>>() }))
}

async fn create(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    sent: Result<Json<Creation>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let creation = body(sent, &request_id)?;
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

async fn change(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let settings = settings(body(sent, &request_id)?, &request_id)?;
    let live = admin.keyset(&subscribe_key, &request_id)?;
    let record = admin.record("keyset.set", subscribe_key, &request_id);
    let changed = blocking(&request_id, move || {
        admin.keysets.set(&live, settings, &record)?;
        Ok(describe(&live))
    });
    changed.await?.map(Json).map_err(|error| Failure::of_change(&error, &request_id))
}

/// The keyset, its secret key, and that key's text if it was made here and so has to be shown once.
fn keys(creation: Creation) -> Result<(Keyset, Secret, Option<String>), String> {
    let Creation { subscribe_key, publish_key, secret_key, origin, network } = creation;
    let made = fresh().map_err(|error| error.to_string())?;
    let subscribe_key = subscribe_key.map_or(Ok(made.0), |text| text.parse()).map_err(|error| error.to_string())?;
    let publish_key = publish_key.map_or(Ok(made.1), |text| text.parse()).map_err(|error| error.to_string())?;
    let shown = secret_key.is_none().then(|| made.2.clone());
    let secret = Secret::try_from(secret_key.unwrap_or(made.2).into_bytes()).map_err(|error| error.to_string())?;
    let network = network.map(|text| text.parse::<NetworkOrigin>()).transpose().map_err(|error| error.to_string())?;
    let origin = origin.map(|text| text.parse::<NetworkOrigin>()).transpose().map_err(|error| error.to_string())?;
    let access = origin.map_or(AccessManager::Embedded, AccessManager::Remote);
    Ok((Keyset { access, network, ..Keyset::new(subscribe_key, publish_key) }, secret, shown))
}

fn settings(change: Change, request_id: &str) -> Result<Settings, Failure> {
    let Change { network, metadata_lists, global_presence, revocation } = change;
    let network = network.map(|named| named.map(|text| parse(&text, request_id)).transpose()).transpose()?;
    Ok(Settings {
        network,
        metadata_lists: metadata_lists.map(|opening| match opening {
            Opening::Open => MetadataLists::Open,
            Opening::Granted => MetadataLists::Granted,
        }),
        global_presence: global_presence.map(|opening| match opening {
            Opening::Open => GlobalPresence::Open,
            Opening::Granted => GlobalPresence::Granted,
        }),
        revocation: revocation.map(|switch| match switch {
            Switch::On => Revocability::On,
            Switch::Off => Revocability::Off,
        }),
    })
}

fn describe(live: &LiveKeyset) -> Value {
    let keyset = live.record();
    let origin = match &keyset.access {
        AccessManager::Embedded => None,
        AccessManager::Remote(origin) => Some(origin.as_str()),
    };
    json!({
        "subscribe_key": keyset.subscribe_key.as_str(),
        "publish_key": keyset.publish_key.as_str(),
        "origin": origin,
        "network": keyset.network.as_ref().map(NetworkOrigin::as_str),
        "metadata_lists": match keyset.switches.metadata_lists {
            MetadataLists::Open => "open",
            MetadataLists::Granted => "granted",
        },
        "global_presence": match keyset.switches.global_presence {
            GlobalPresence::Open => "open",
            GlobalPresence::Granted => "granted",
        },
        "revocation": match keyset.revocation {
            Revocability::On => "on",
            Revocability::Off => "off",
        },
    })
}

pub(super) fn failure(error: &KeysetError, request_id: &str) -> Failure {
    let (status, code) = match error {
        KeysetError::Exists(_) => (StatusCode::CONFLICT, "keyset.exists"),
        KeysetError::Malformed(_) | KeysetError::Client(_) | KeysetError::NetworkOfRemote => {
            (StatusCode::BAD_REQUEST, "keyset.malformed")
        }
        KeysetError::Store(error) => return Failure::of_store(error, request_id),
        KeysetError::Secret(_) => (StatusCode::SERVICE_UNAVAILABLE, "vault.unavailable"),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}

/// Tells a field of `null` from one that is not there.
fn named<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}
