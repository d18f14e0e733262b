//! `/v1/keysets/{subscribe key}/grants` and `/groups`: what is granted, granting and taking back, who is in a group.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::{
    Approved, Asked, AuthKey, Filter, MalformedProposal, Permission, Permissions, ResourceName, Ttl, UnixSeconds,
};
use usher_runtime::capability::access::{GrantError, Grants};

use super::{Admin, Failure, RequestId, blocking, body, parse};
use crate::keysets::LiveAccess;
use crate::store::audit;
use crate::store::grants::entry;

/// Grants in one list at the most.
const MOST_LISTED: usize = 10_000;

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/keysets/{subscribe_key}/grants", get(list).post(create))
        .route("/v1/keysets/{subscribe_key}/grants/revoke", post(revoke))
        .route("/v1/keysets/{subscribe_key}/groups/{group}", get(group))
}

/// Which grants to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    auth: Option<String>,
    name: Option<String>,
}

/// What to grant or to take back, and to whom; without auth keys it is for everyone, without names for the whole keyset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    uuids: Vec<String>,
    #[serde(default)]
    auth: Vec<String>,
    /// Words; a revocation has none.
    #[serde(default)]
    permissions: Vec<String>,
    /// Minutes, 0 for ever.
    ttl: Option<u64>,
}

async fn list(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    Query(Selection { auth, name }): Query<Selection>,
) -> Result<Json<Value>, Failure> {
    let (_, grants) = admin.embedded(&subscribe_key, &request_id)?;
    let names: Vec<ResourceName> = parse_all(name.as_slice(), &request_id)?;
    let auth_keys: Vec<AuthKey> = parse_all(auth.as_slice(), &request_id)?;
    let now = UnixSeconds::new(admin.clock.seconds());
    let listed = blocking(&request_id, move || {
        let filter = Filter { kind: None, names: &names, auth_keys: &auth_keys };
        grants.list(&filter, MOST_LISTED)
    });
    let mut listed: Vec<Value> = listed
        .await?
        .iter()
        .map(|grant| {
            let entry = entry(grant, now);
            json!({
                "level": entry.level,
                "name": entry.name,
                "auth": entry.auth_key,
                "permissions": entry.permissions.iter().map(Permission::name).collect::<Vec<_>>(),
                "ttl": entry.minutes,
                "expires": grant.expires.instant().map(UnixSeconds::get),
            })
        })
        .collect();
    listed.sort_by_key(|grant| grant.get("name").map(Value::to_string));
    Ok(Json(json!({ "grants": listed })))
}

async fn create(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Named>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let named = body(sent, &request_id)?;
    if named.permissions.is_empty() {
        let detail = "no permission is named; `/grants/revoke` takes grants back";
        return Err(Failure::bad_request(detail, &request_id));
    }
    let applied = apply(&admin, ("grant.create", &subscribe_key), named, &request_id).await?;
    Ok((StatusCode::CREATED, Json(json!({ "granted": applied.named }))))
}

async fn revoke(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Named>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let named = body(sent, &request_id)?;
    if !named.permissions.is_empty() || named.ttl.is_some() {
        let detail = "a grant is taken back whole; `/grants` makes it a smaller one";
        return Err(Failure::bad_request(detail, &request_id));
    }
    let applied = apply(&admin, ("grant.revoke", &subscribe_key), named, &request_id).await?;
    // An origin does not say which of them were live.
    Ok(Json(json!({ "revoked": applied.replaced.unwrap_or(applied.named) })))
}

/// How many targets were named, and how many of them had a live grant, if that is known.
struct Applied {
    named: usize,
    replaced: Option<usize>,
}

/// Grants as the root does, without a ceiling.
async fn apply(
    admin: &Admin,
    (action, subscribe_key): (&str, &str),
    named: Named,
    request_id: &str,
) -> Result<Applied, Failure> {
    let live = admin.keyset(subscribe_key, request_id)?;
    let approved = approved(named, request_id)?;
    let named = approved.grants(UnixSeconds::new(0)).count();
    let record = admin.record(action, format!("{subscribe_key} {named} grants"), request_id);
    let replaced = match &live.access {
        LiveAccess::Embedded { grants, .. } => {
            let grants = Arc::clone(grants);
            let applied = blocking(request_id, move || grants.apply_now(&[approved], Some(&record))).await?;
            Some(applied.map_err(|error| Failure::of_store(&error, request_id))?)
        }
        LiveAccess::Remote(origin) => {
            origin.apply(vec![approved]).await.map_err(|error| unavailable(&error, request_id))?;
            audit::put(&admin.store, &record).map_err(|error| Failure::of_store(&error, request_id))?;
            None
        }
    };
    Ok(Applied { named, replaced })
}

fn approved(named: Named, request_id: &str) -> Result<Approved, Failure> {
    let Named { channels, groups, uuids, auth, permissions, ttl } = named;
    let words: Vec<Permission> = parse_all(&permissions, request_id)?;
    let asked = Asked {
        channels: parse_all(&channels, request_id)?,
        groups: parse_all(&groups, request_id)?,
        uuids: parse_all(&uuids, request_id)?,
        auth_keys: parse_all(&auth, request_id)?,
        permissions: words.into_iter().fold(Permissions::NONE, |all, word| all.union(word.into())),
        ttl: ttl.map_or(Ok(Ttl::DEFAULT), Ttl::try_from).map_err(|error| Failure::bad_request(error, request_id))?,
    };
    let proposal = asked.try_into().map_err(|error: MalformedProposal| Failure::bad_request(error, request_id))?;
    Ok(Approved::by_root(proposal))
}

fn unavailable(error: &GrantError, request_id: &str) -> Failure {
    Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "grants.unavailable",
        detail: error.to_string(),
        request_id: request_id.to_owned(),
    }
}

async fn group(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path((subscribe_key, group)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let groups = admin.keyset(&subscribe_key, &request_id)?.groups();
    let name: ResourceName = parse(&group, &request_id)?;
    let channels = groups.list(name).await.map_err(|error| Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "groups.unavailable",
        detail: error.to_string(),
        request_id,
    })?;
    Ok(Json(json!({ "group": group, "channels": channels })))
}

fn parse_all<T: FromStr<Err: Display>>(texts: &[String], request_id: &str) -> Result<Vec<T>, Failure> {
    texts.iter().map(|text| parse(text, request_id)).collect()
}
