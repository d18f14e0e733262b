//! Envoy's ext_authz: over HTTP the original request behind a prefix, over gRPC as `envoy.service.auth.v3` describes it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, HeaderAppendAction, HeaderValueOption,
    HttpResponse, HttpStatus, OkHttpResponse,
};
use envoy_types::ext_authz::v3::pb::{DeniedHttpResponse, HeaderValue as Header};
use envoy_types::pb::google::rpc;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{DECISION_ID, Decider, REASON, code, split};
use crate::authorize::{RawRequest, refuse_overrides};
use crate::body::Bodies;
use crate::data_plane::fresh_id;
use crate::reply::{Refusal, identify};

/// What Envoy's `path_prefix` puts before the original path.
pub(super) const PREFIX: &str = "/v1/decisions/envoy/";
/// The longest body that Envoy may send along, in bytes.
const LONGEST: usize = 2 << 20;

/// 200 to let the request through; else the answer that the client is to get.
pub(super) async fn answer(
    decider: &Decider,
    request: Request<Body>,
    (bodies, id): (&Bodies, &str),
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = bodies.read(&parts, body, LONGEST).await?;
    // The prefix ends in the slash that the original path begins with.
    let target = parts.uri.path_and_query().and_then(|target| target.as_str().get(PREFIX.len() - 1..));
    let plain = refuse_overrides(parts.headers.keys().map(HeaderName::as_str));
    let request = plain.and_then(|()| split(target.unwrap_or_default()));
    let method = parts.method.as_str();
    let outcome = decider.decide(request.map(|(path, query)| RawRequest { method, path, query, body: &body }), id);
    let code = code(&outcome);
    decider.count("envoy-http", code);
    let mut response = outcome.map_or_else(|refusal| refusal.into_response(id), |()| Response::new(Body::empty()));
    response.headers_mut().insert(REASON, HeaderValue::from_static(code));
    identify(response.headers_mut(), DECISION_ID, id);
    Ok(response)
}

/// Answers a call of gRPC.
pub(super) async fn check(server: AuthorizationServer<Checker>, request: Request<Body>) -> Response<Body> {
    match server.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// The gRPC service.
#[derive(Debug)]
pub(super) struct Checker(pub(super) Arc<Decider>);

#[tonic::async_trait]
impl Authorization for Checker {
    async fn check(
        &self,
        request: tonic::Request<CheckRequest>,
    ) -> Result<tonic::Response<CheckResponse>, tonic::Status> {
        let id = fresh_id();
        let outcome = self.0.decide(original(request.get_ref()), &id);
        let code = code(&outcome);
        self.0.count("envoy-grpc", code);
        let said = [(DECISION_ID, id.as_str()), (REASON, code)];
        Ok(tonic::Response::new(match outcome {
            Ok(()) => allowed(&said),
            Err(refusal) => denied(refusal, &said, &id).await,
        }))
    }
}

/// The request that a check is about.
fn original(check: &CheckRequest) -> Result<RawRequest<'_>, Refusal> {
    let http = check.attributes.as_ref().and_then(|attributes| attributes.request.as_ref()?.http.as_ref());
    let http = http.ok_or(Refusal::Malformed("the check says nothing of an HTTP request"))?;
    // Envoy fills one of both, as `encode_raw_headers` says.
    let raw = http.header_map.iter().flat_map(|map| &map.headers).map(|header| &header.key);
    refuse_overrides(http.headers.keys().chain(raw).map(String::as_str))?;
    let (path, query) = split(&http.path)?;
    // Envoy fills one of both, as `pack_as_bytes` says.
    let body = if http.raw_body.is_empty() { http.body.as_bytes() } else { &http.raw_body };
    Ok(RawRequest { method: &http.method, path, query, body })
}

fn allowed(said: &[(HeaderName, &str)]) -> CheckResponse {
    let headers = said.iter().map(|(name, value)| header(name.as_str(), value)).collect();
    let ok = OkHttpResponse { headers, ..OkHttpResponse::default() };
    respond(tonic::Code::Ok, HttpResponse::OkResponse(ok))
}

/// The client gets the status, headers and body that it would get from the gateway.
async fn denied(refusal: Refusal, said: &[(HeaderName, &str)], id: &str) -> CheckResponse {
    let (parts, body) = refusal.into_response(id).into_parts();
    let body = body.collect().await.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some(header(name.as_str(), value.to_str().ok()?)))
        .chain(said.iter().map(|(name, value)| header(name.as_str(), value)))
        .collect();
    let status = Some(HttpStatus { code: i32::from(parts.status.as_u16()) });
    let denied = DeniedHttpResponse { status, headers, body: body.unwrap_or_default() };
    respond(tonic::Code::PermissionDenied, HttpResponse::DeniedResponse(denied))
}

fn respond(code: tonic::Code, answer: HttpResponse) -> CheckResponse {
    let status = rpc::Status { code: code.into(), ..rpc::Status::default() };
    CheckResponse { status: Some(status), http_response: Some(answer), ..CheckResponse::default() }
}

fn header(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(Header { key: name.into(), value: value.into(), raw_value: Vec::new() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}
