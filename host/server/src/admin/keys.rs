//! `/v1/keysets/{subscribe key}/keys`: secret keys and what hangs on them; one that is given or made goes in or out once.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::{Expiry, KeyNumber, UnixSeconds};
use usher_vault::Secret;

use super::{Admin, Failure, RequestId, blocking, body};
use crate::document::duration;
use crate::keysets::{KeyPlan, LiveTokens, Retirement, Rotation, fresh_secret};
use crate::store::tokens::Summary;

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/keysets/{subscribe_key}/keys", get(plan))
        .route("/v1/keysets/{subscribe_key}/keys/rotate", post(rotate))
        .route("/v1/keysets/{subscribe_key}/keys/{number}/retire", post(retire))
}

/// A secret key that is not given is made; the former one counts `until` that long has passed, or without end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedRotation {
    secret_key: Option<String>,
    until: Option<String>,
    #[serde(default)]
    force: bool,
}

/// The key counts `until` that long has passed; without it, it is dropped now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedRetirement {
    until: Option<String>,
    #[serde(default)]
    force: bool,
}

async fn plan(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
) -> Result<Json<Value>, Failure> {
    let live = admin.keyset(&subscribe_key, &request_id)?;
    let shown = live.clone();
    let plan = blocking(&request_id, move || admin.keysets.plan(&live)).await?;
    let plan = plan.map_err(|error| Failure::of_store(&error, &request_id))?;
    let keys: Vec<Value> = plan.iter().map(describe).collect();
    Ok(Json(json!({ "keys": keys, "epoch": shown.record().epoch.get() })))
}

async fn rotate(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<AskedRotation>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let AskedRotation { secret_key, until, force } = body(sent, &request_id)?;
    let live = admin.keyset(&subscribe_key, &request_id)?;
    let tokens = if force { LiveTokens::CutOff } else { LiveTokens::Keep };
    let former = until.map(|text| time(&text, &request_id)).transpose()?.map(|time| (time, tokens));
    let made = secret_key.is_none().then(fresh_secret).transpose();
    let made = made.map_err(|error| super::keysets::failure(&error, &request_id))?;
    let text = secret_key.or_else(|| made.clone()).unwrap_or_default();
    let secret_key = Secret::try_from(text.into_bytes()).map_err(|error| Failure::bad_request(error, &request_id))?;
    let record = admin.record("keyset.rotate", subscribe_key, &request_id);
    let (rotation, ends) = (Rotation { secret_key, former }, former.is_some());
    let rotated = blocking(&request_id, move || {
        let cut = admin.keysets.rotate(&live, &rotation, &record)?;
        Ok((live.record().keys.primary(), cut))
    });
    let (number, cut) = rotated.await?.map_err(|error| Failure::of_change(&error, &request_id))?;
    let mut shown = json!({ "number": number.get(), "state": "primary" });
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(made.map(|made| ("secret_key".to_owned(), made.into())));
        fields.extend(ends.then(|| ("cut".to_owned(), tokens_of(&cut))));
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn retire(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path((subscribe_key, number)): Path<(String, u32)>,
    sent: Result<Json<AskedRetirement>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let AskedRetirement { until, force } = body(sent, &request_id)?;
    let live = admin.keyset(&subscribe_key, &request_id)?;
    let number = KeyNumber::new(number);
    let after = until.map(|text| time(&text, &request_id)).transpose()?.unwrap_or_default();
    let tokens = if force { LiveTokens::CutOff } else { LiveTokens::Keep };
    let record = admin.record("keyset.retire", format!("{subscribe_key} key {number}"), &request_id);
    let retired = blocking(&request_id, move || {
        let cut = admin.keysets.retire(&live, Retirement { number, after, tokens }, &record)?;
        Ok((cut, live.record().keys.find(number)))
    });
    let (cut, left) = retired.await?.map_err(|error| Failure::of_change(&error, &request_id))?;
    Ok(Json(json!({
        "number": number.get(),
        "state": left.map_or("retired", |key| key.state.word()),
        "until": left.and_then(|key| end(key.state.until())),
        "cut": tokens_of(&cut),
    })))
}

fn describe(KeyPlan { key, tokens }: &KeyPlan) -> Value {
    let mut shown = tokens_of(tokens);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("number".into(), key.number.get().into());
        fields.insert("state".into(), key.state.word().into());
        fields.insert("until".into(), end(key.state.until()).into());
    }
    shown
}

fn tokens_of(Summary { live, last_expiry, uuids, for_anyone }: &Summary) -> Value {
    json!({
        "live": live,
        "last_expiry": last_expiry.map(UnixSeconds::get),
        "uuids": uuids,
        "for_anyone": for_anyone,
    })
}

fn end(until: Expiry) -> Option<u64> {
    until.instant().map(UnixSeconds::get)
}

fn time(text: &str, request_id: &str) -> Result<Duration, Failure> {
    duration(text).map_err(|error| Failure::bad_request(error, request_id))
}
