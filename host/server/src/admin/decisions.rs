//! `/v1/decisions`: why something was decided as it was, and what a function asked its policy lately.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::functions::function_id;
use super::{Admin, Failure, RequestId, blocking};
use crate::kept::{Filter, Key};

/// Decisions in one answer, unless it is said, and at the most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

pub(super) fn routes() -> Router<Admin> {
    Router::new()
        .route("/v1/decisions", get(list))
        .route("/v1/decisions/{id}", get(one))
        .route("/v1/keysets/{subscribe_key}/functions/{name}/questions", get(questions))
}

/// What is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    /// `true`: refusals only.
    denied: Option<bool>,
    user: Option<String>,
    code: Option<String>,
    subscribe_key: Option<String>,
    function: Option<String>,
    /// Milliseconds since 1970-01-01 UTC.
    since: Option<u64>,
    /// The `key` of the last one of an earlier answer.
    before: Option<String>,
    limit: Option<usize>,
}

type Reply = Result<Json<Value>, Failure>;

async fn list(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Query(asked): Query<Selection>,
) -> Reply {
    let before = asked.before.map(|key| key.parse::<Key>()).transpose();
    let filter = Filter {
        only_denied: asked.denied.unwrap_or_default(),
        user: asked.user,
        code: asked.code,
        subscribe_key: asked.subscribe_key,
        function: asked.function,
        since: asked.since.unwrap_or_default(),
        before: before.map_err(|_| Failure::bad_request("`before` is the `key` of a decision", &request_id))?,
    };
    let most = asked.limit.unwrap_or(USUAL).min(MOST);
    let found = blocking(&request_id, move || admin.kept.list(&filter, most)).await?;
    Ok(Json(json!({ "decisions": found.map_err(|error| Failure::of_store(&error, &request_id))? })))
}

async fn one(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(id): Path<String>,
) -> Reply {
    let wanted = id.clone();
    let found = blocking(&request_id, move || admin.kept.find(&wanted)).await?;
    let found = found.map_err(|error| Failure::of_store(&error, &request_id))?;
    if found.is_empty() {
        let detail = format!(
            "no decision `{}` is kept; refusals stay on disk, what was allowed only while there is room in memory",
            id.chars().take(80).collect::<String>()
        );
        return Err(Failure { status: StatusCode::NOT_FOUND, code: "decision.not-found", detail, request_id });
    }
    Ok(Json(json!({ "decisions": found })))
}

async fn questions(
    State(admin): State<Admin>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Path(path): Path<(String, String)>,
) -> Reply {
    let id = function_id(path, &request_id)?;
    let found =
        blocking(&request_id, move || admin.kept.questions(id.subscribe_key.as_str(), id.name.as_str())).await?;
    Ok(Json(json!({ "questions": found })))
}
