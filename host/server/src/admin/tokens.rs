//! `/v1/keysets/{subscribe key}/tokens`: grants tokens, looks into them, takes them back.

use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::{KeyNumber, TokenGrant, TwinPublicKey, UnixSeconds};

use super::{Admin, Failure, RequestId, blocking, body, parse};
use crate::keysets::LiveKeyset;
use crate::tokens::{self, GrantError, Granted, RevokeError, Standing, Under, describe_token};

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/keysets/{subscribe_key}/tokens", post(mint))
        .route("/v1/keysets/{subscribe_key}/tokens/parse", post(look_into))
        .route("/v1/keysets/{subscribe_key}/tokens/verify", post(verify))
        .route("/v1/keysets/{subscribe_key}/tokens/revoke", post(revoke))
}

/// The body of a mint is that of a v3 grant; these stand in the query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minting {
    /// The number of the secret key; the primary one unless it is named.
    key: Option<u32>,
    twin: Option<Twin>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Twin {
    Ed25519,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    token: String,
}

/// Exactly one of them.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Taken {
    Token(String),
    Uuid(String),
    Before(u64),
    /// Every token that there is; `true` says that this is meant.
    All(bool),
}

async fn mint(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    Query(Minting { key, twin }): Query<Minting>,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let (live, _) = admin.embedded(&subscribe_key, &request_id)?;
    let asked = TokenGrant::parse(&sent).map_err(|fault| Failure {
        status: StatusCode::BAD_REQUEST,
        code: "token.malformed-grant",
        detail: format!("{}: {} (at {})", fault.title, fault.detail, fault.location),
        request_id: request_id.clone(),
    })?;
    let primary = || Under::KeyOrPrimary(live.record().keys.primary());
    let under = key.map_or_else(primary, |number| Under::Key(KeyNumber::new(number)));
    let (now, record) = (admin.now(), admin.record("token.mint", subscribe_key, &request_id));
    let minting = blocking(&request_id, move || {
        let granted = tokens::grant(&live, &asked, under, (now, Some(record)))?;
        Ok((live, granted))
    });
    let (live, Granted { minted, key, .. }) = minting.await?.map_err(|error| of_grant(&error, &request_id))?;
    let mut shown = json!({
        "token": minted.reveal(),
        "id": minted.id().to_string(),
        "issued": minted.issued().get(),
        "expires": minted.expires().instant().map(UnixSeconds::get),
        "key": key.get(),
    });
    if let (Some(Twin::Ed25519), Some(key), Some(fields)) = (twin, live.twin_key(key), shown.as_object_mut()) {
        fields.insert("twin".into(), key.sign(&minted, &live.subscribe_key).into());
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn look_into(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Shown>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Shown { token } = body(sent, &request_id)?;
    admin.keyset(&subscribe_key, &request_id)?;
    describe_token(&token).map(Json).map_err(|error| Failure::bad_request(error, &request_id))
}

async fn verify(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Shown>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Shown { token } = body(sent, &request_id)?;
    let (live, _) = admin.embedded(&subscribe_key, &request_id)?;
    if let Some(named) = TwinPublicKey::named_in(&token) {
        return Ok(Json(verify_twin(&live, (&token, &named), admin.now())));
    }
    let standing = tokens::examine(&live, &token, admin.now());
    Ok(Json(json!({
        "valid": standing == Standing::Good,
        "code": standing.code(),
        "reason": standing.to_string(),
        "token": describe_token(&token).ok(),
    })))
}

async fn revoke(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Taken>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let taken = body(sent, &request_id)?;
    let (live, _) = admin.embedded(&subscribe_key, &request_id)?;
    let id = request_id.clone();
    blocking(&request_id, move || take_back(&admin, &live, &taken, &id)).await?.map(Json)
}

fn take_back(admin: &Admin, live: &LiveKeyset, taken: &Taken, request_id: &str) -> Result<Value, Failure> {
    let now = admin.now();
    let record = |what: &str| admin.record("token.revoke", format!("{}{what}", live.subscribe_key), request_id);
    let failed = |error: RevokeError| of_revocation(&error, request_id);
    match taken {
        Taken::Token(text) => {
            let record = record("");
            let id = tokens::revoke_token(live, text, now, Some(&record)).map_err(failed)?;
            Ok(json!({ "revoked": "token", "id": id.to_string() }))
        }
        Taken::Uuid(uuid) => {
            let record = record(&format!(" uuid {uuid}"));
            tokens::revoke_uuid(live, &parse(uuid, request_id)?, now, Some(&record)).map_err(failed)?;
            Ok(json!({ "revoked": "uuid", "uuid": uuid, "up_to": now.get() }))
        }
        Taken::Before(at) => {
            let record = record(&format!(" granted up to {at}"));
            tokens::revoke_before(live, UnixSeconds::new(*at), now, Some(&record)).map_err(failed)?;
            Ok(json!({ "revoked": "before", "up_to": at }))
        }
        Taken::All(true) => {
            let record = record(" every token");
            let changed = admin.keysets.revoke_all(live, &record);
            changed.map_err(|error| Failure::of_change(&error, request_id))?;
            Ok(json!({ "revoked": "all", "epoch": live.record().epoch.get() }))
        }
        Taken::All(false) => Err(Failure::bad_request("`all` is to be true", request_id)),
    }
}

fn verify_twin(live: &LiveKeyset, (text, named): (&str, &str), now: UnixSeconds) -> Value {
    let Some(key) = live.twin_public_keys(now).into_iter().find(|key| key.id() == named) else {
        let reason = "no secret key of this keyset that counts signed the twin";
        return json!({ "valid": false, "code": "token.invalid", "reason": reason });
    };
    match key.verify(text, &live.subscribe_key, now) {
        Ok(claims) => {
            json!({ "valid": true, "code": "token.valid", "reason": "the twin counts", "claims": claims })
        }
        Err(error) => json!({ "valid": false, "code": "token.invalid", "reason": error.to_string() }),
    }
}

fn of_grant(error: &GrantError, request_id: &str) -> Failure {
    let (status, code) = match error {
        GrantError::TooLarge(_) => (StatusCode::BAD_REQUEST, "token.too-large"),
        GrantError::NoSuchKey(_) => (StatusCode::NOT_FOUND, "key.not-found"),
        GrantError::KeyEndsFirst(_) => (StatusCode::CONFLICT, "key.ends-first"),
        GrantError::Store(error) => return Failure::of_store(error, request_id),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}

fn of_revocation(error: &RevokeError, request_id: &str) -> Failure {
    let (status, code) = match error {
        RevokeError::Disabled => (StatusCode::CONFLICT, "token.revocation-disabled"),
        RevokeError::NotAToken => (StatusCode::BAD_REQUEST, "token.malformed"),
        RevokeError::Invalid(_) => (StatusCode::BAD_REQUEST, "token.invalid"),
        RevokeError::Expired => (StatusCode::BAD_REQUEST, "token.expired"),
        RevokeError::Future(_) => (StatusCode::BAD_REQUEST, "token.future"),
        RevokeError::Store(error) => return Failure::of_store(error, request_id),
    };
    Failure { status, code, detail: error.to_string(), request_id: request_id.to_owned() }
}
