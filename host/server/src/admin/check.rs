//! `/v1/keysets/{subscribe key}/grants/check`: may somebody do something, and what gives it or is missing.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use usher_access::{AuthKey, Names, Operation, Question, ResourceName, Ruling, Subject, UnixSeconds, Verdict};

use super::{Admin, Failure, RequestId, body, parse};
use crate::authorize::{Case, Credential};
use crate::keysets::LiveKeyset;

pub(super) fn routes() -> Router<Admin> {
    Router::new().route("/v1/keysets/{subscribe_key}/grants/check", post(check))
}

/// May this client do that?
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedOperation {
    /// The token or auth key, if the client shows one.
    auth: Option<String>,
    /// Who the client says it is.
    uuid: Option<String>,
    /// Its word, such as `publish`.
    operation: String,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    uuids: Vec<String>,
}

/// Does a v2 grant hold this permission? Tokens are not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedPermission {
    auth: Option<String>,
    /// Whoever asks; v2 grants do not look at it.
    #[serde(rename = "uuid")]
    _uuid: Option<String>,
    /// `channel`, `group` or `uuid`.
    kind: String,
    name: String,
    permission: String,
}

async fn check(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(subscribe_key): Path<String>,
    sent: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let sent = body(sent, &request_id)?;
    let (live, grants) = admin.embedded(&subscribe_key, &request_id)?;
    let malformed = |error: serde_json::Error| Failure::bad_request(error, &request_id);
    if sent.get("operation").is_some() {
        let asked = serde_json::from_value(sent).map_err(malformed)?;
        return check_operation(&live, asked, admin.now(), &request_id).map(Json);
    }
    let AskedPermission { auth, _uuid, kind, name, permission } = serde_json::from_value(sent).map_err(malformed)?;
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
    let finding = grants.check(&question);
    Ok(Json(json!({ "allowed": finding.is_allow(), "reason": format!("{question}: {finding}") })))
}

fn check_operation(
    live: &Arc<LiveKeyset>,
    asked: AskedOperation,
    now: UnixSeconds,
    request_id: &str,
) -> Result<Value, Failure> {
    let AskedOperation { auth, uuid, operation, channels, groups, uuids } = asked;
    let row = Operation::named(&operation)
        .ok_or_else(|| Failure::bad_request(format!("there is no operation `{operation}`"), request_id))?;
    let names = |texts: &[String]| texts.iter().map(|text| parse(text, request_id)).collect::<Result<Vec<_>, _>>();
    let names = Names { channels: names(&channels)?, groups: names(&groups)?, uuids: names(&uuids)? };
    let intent = row.intent(names).map_err(|error| Failure::bad_request(error, request_id))?;
    let auth = auth.filter(|text| !text.is_empty());
    let credential = auth.map_or(Credential::Nothing, |text| Credential::Auth(text.into()));
    let case = Case { live: Arc::clone(live), intent, credential, uuid: uuid.map(Into::into) };
    let told = case.explain(now, |explanation| {
        let findings: Vec<Value> = explanation.rulings.iter().map(finding).collect();
        (format!("{}: {explanation}", case.intent.operation().word()), findings)
    });
    let (verdict, (reason, findings)) = told.map_err(|_| Failure::remote(request_id))?;
    let (code, until) = match &verdict {
        Verdict::Allow { until } => ("allowed", until.instant().map(UnixSeconds::get)),
        Verdict::Deny(denied) => (denied.reason.code(), None),
    };
    Ok(json!({ "allowed": verdict.is_allow(), "code": code, "reason": reason, "until": until, "findings": findings }))
}

fn finding(ruling: &Ruling<'_>) -> Value {
    let (given, code, reason) = match &ruling.outcome {
        Ok(given) => (true, "allowed", given.by.to_string()),
        Err(reason) => (false, reason.code(), reason.to_string()),
    };
    json!({
        "about": ruling.about.to_string(),
        "permission": ruling.permission.name(),
        "given": given,
        "code": code,
        "reason": reason,
    })
}
