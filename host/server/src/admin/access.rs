//! `/v1/keysets/{subscribe key}/grants` and `/groups`: what is granted, what a key may do, who is in a group.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::{AuthKey, Filter, Permission, Question, ResourceName, Subject, SubscribeKey, UnixSeconds};

use super::{Admin, Failure, RequestId, blocking};
use crate::keysets::{LiveAccess, LiveKeyset};
use crate::store::grants::{EmbeddedGrants, entry};

/// Grants in one list at the most.
const MOST_LISTED: usize = 10_000;

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/keysets/{subscribe_key}/grants", get(list))
        .route("/v1/keysets/{subscribe_key}/grants/check", post(check))
        .route("/v1/keysets/{subscribe_key}/groups/{group}", get(group))
}

/// Which grants to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    auth: Option<String>,
    name: Option<String>,
}

/// One question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The auth key, if the client shows one.
    auth: Option<String>,
    /// Whoever asks; v2 grants do not look at it.
    #[serde(rename = "uuid")]
    _uuid: Option<String>,
    /// `channel`, `group` or `uuid`.
    kind: String,
    name: String,
    permission: String,
}

async fn list(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    Query(Selection { auth, name }): Query<Selection>,
) -> Result<Json<Value>, Failure> {
    let grants = embedded(find(&admin, &subscribe_key, &request_id)?.as_ref(), &request_id)?;
    let names: Vec<ResourceName> = parse_option(name, &request_id)?;
    let auth_keys: Vec<AuthKey> = parse_option(auth, &request_id)?;
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

async fn check(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    body: Result<Json<Asked>, axum::extract::rejection::JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(Asked { auth, _uuid, kind, name, permission }) =
        body.map_err(|error| Failure::bad_request(error.body_text(), &request_id))?;
    let grants = embedded(find(&admin, &subscribe_key, &request_id)?.as_ref(), &request_id)?;
    let name: ResourceName = parse(&name, &request_id)?;
    let about = match kind.as_str() {
        "channel" => Subject::Channel(&name),
        "group" => Subject::Group(&name),
        "uuid" => Subject::Uuid(&name),
        other => return Err(Failure::bad_request(format!("`{other}` is none of channel, group, uuid"), &request_id)),
    };
    let auth_key: Option<AuthKey> =
        auth.filter(|key| !key.is_empty()).map(|key| parse(&key, &request_id)).transpose()?;
    let question = Question { about, auth_key: auth_key.as_ref(), permission: parse(&permission, &request_id)? };
    let verdict = grants.check(&question);
    Ok(Json(json!({ "allowed": verdict.is_allow(), "reason": format!("{question}: {verdict}") })))
}

async fn group(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path((subscribe_key, group)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let groups = find(&admin, &subscribe_key, &request_id)?.groups();
    let name: ResourceName = parse(&group, &request_id)?;
    let channels = groups.list(name).await.map_err(|error| Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "groups.unavailable",
        detail: error.to_string(),
        request_id,
    })?;
    Ok(Json(json!({ "group": group, "channels": channels })))
}

fn find(admin: &Admin, subscribe_key: &str, request_id: &str) -> Result<Arc<LiveKeyset>, Failure> {
    let key = subscribe_key.parse::<SubscribeKey>().ok();
    key.and_then(|key| admin.keysets.find(&key)).ok_or_else(|| Failure::no_keyset(subscribe_key, request_id))
}

fn embedded(live: &LiveKeyset, request_id: &str) -> Result<Arc<EmbeddedGrants>, Failure> {
    match &live.access {
        LiveAccess::Embedded { grants, .. } => Ok(Arc::clone(grants)),
        LiveAccess::Remote(_) => Err(Failure {
            status: StatusCode::CONFLICT,
            code: "keyset.remote",
            detail: "the keyset's grants are kept by its remote origin; ask there".into(),
            request_id: request_id.to_owned(),
        }),
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, request_id: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::bad_request(error, request_id))
}

fn parse_option<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<String>,
    request_id: &str,
) -> Result<Vec<T>, Failure> {
    text.map(|text| parse(&text, request_id)).transpose().map(|one| one.into_iter().collect())
}
