//! Envoy's ext_authz over gRPC, asked by a client that is generated from Envoy's own files.

use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, DeniedHttpResponse, HttpResponse};
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use usher_tests::{Bed, Call};

/// A request as Envoy describes it.
fn described(method: &str, path: &str, body: &str) -> CheckRequest {
    let http = HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        raw_body: body.as_bytes().to_vec(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http), ..Request::default() };
    CheckRequest { attributes: Some(AttributeContext { request: Some(request), ..AttributeContext::default() }) }
}

async fn client(bed: &Bed) -> AuthorizationClient<Channel> {
    AuthorizationClient::connect(format!("http://{}", bed.addresses().decisions)).await.unwrap()
}

/// The code of the status, and what the client is to get.
fn outcome(response: CheckResponse) -> (i32, HttpResponse) {
    (response.status.unwrap().code, response.http_response.unwrap())
}

fn denied(response: CheckResponse) -> DeniedHttpResponse {
    match outcome(response) {
        (7, HttpResponse::DeniedResponse(denied)) => denied,
        other => panic!("{other:?}"),
    }
}

fn headers(of: &[envoy_types::ext_authz::v3::pb::HeaderValueOption]) -> HashMap<&str, &str> {
    of.iter().filter_map(|option| option.header.as_ref()).map(|header| (&*header.key, &*header.value)).collect()
}

#[tokio::test]
async fn a_check_allows_or_carries_the_answer_of_the_gateway() {
    let bed = Bed::start().await;
    let grant = Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=a&auth=k1&r=1&ttl=60");
    bed.call_as_root(grant).await;
    let mut client = client(&bed).await;

    let allowed = client.check(described("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1", "")).await.unwrap();
    match outcome(allowed.into_inner()) {
        (0, HttpResponse::OkResponse(ok)) => {
            assert_eq!(headers(&ok.headers).get("x-usher-reason"), Some(&"allowed"));
            assert!(headers(&ok.headers).contains_key("x-usher-decision-id"));
        }
        other => panic!("{other:?}"),
    }

    let refused = client.check(described("GET", "/v2/subscribe/sub-c-test/b/0?auth=k1", "")).await.unwrap();
    let refused = denied(refused.into_inner());
    assert_eq!(refused.status.unwrap().code, 403);
    let body: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((&body["message"], &body["payload"]), (&json!("Forbidden"), &json!({ "channels": ["b"] })));
    let said = headers(&refused.headers);
    assert_eq!((said.get("x-pn-cause"), said.get("x-usher-reason")), (Some(&"9999"), Some(&"grant.missing")));
    assert_eq!(said.get("content-type"), Some(&"text/javascript; charset=UTF-8"));
}

#[tokio::test]
async fn a_body_that_envoy_sends_along_decides() {
    let bed = Bed::start().await;
    let token = bed.token(&json!({ "resources": { "channels": { "a": 128 }, "uuids": { "u": 64 } } })).await;
    let path = format!("/v2/objects/sub-c-test/uuids/u/channels?auth={token}&uuid=u");
    let body = |channel: &str| json!({ "set": [{ "channel": { "id": channel } }] }).to_string();
    let mut client = client(&bed).await;
    let allowed = client.check(described("PATCH", &path, &body("a"))).await.unwrap().into_inner();
    assert_eq!(outcome(allowed).0, 0);
    for body in [body("b"), String::new()] {
        denied(client.check(described("PATCH", &path, &body)).await.unwrap().into_inner());
    }
    let call = Call::new("POST", "/v2/publish/pub-c-test/sub-c-test/0/a/0").body("{}");
    let target = call.signed_with("sec-c-test", bed.seconds()).target;
    let signed = client.check(described("POST", &target, "{}")).await.unwrap().into_inner();
    assert_eq!(outcome(signed).0, 0, "a signature is verified over the body");
    denied(client.check(described("POST", &target, "{ }")).await.unwrap().into_inner());
}

#[tokio::test]
async fn a_check_without_a_request_or_with_one_that_is_not_plain_is_refused() {
    let bed = Bed::start().await;
    for (method, path, body) in [
        ("GET", "/time/0#x", ""),
        ("GET", "/time/0?\u{fc}", ""),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/a/leave", "GET / HTTP/1.1"),
    ] {
        let refused = denied(client(&bed).await.check(described(method, path, body)).await.unwrap().into_inner());
        assert_eq!(refused.status.unwrap().code, 400, "{path}");
    }
    for name in ["x-original-url", "x_http_method_override"] {
        let raw = HeaderMap { headers: vec![HeaderValue { key: name.into(), ..HeaderValue::default() }] };
        for (headers, header_map) in
            [(HashMap::from([(name.to_owned(), "/".to_owned())]), None), (HashMap::new(), Some(raw))]
        {
            let mut check = described("GET", "/time/0", "");
            let http = check.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap();
            *http = HttpRequest { headers, header_map, ..http.clone() };
            let refused = denied(client(&bed).await.check(check).await.unwrap().into_inner());
            assert_eq!(refused.status.unwrap().code, 400, "{name}");
        }
    }
    for method in ["GET", "OPTIONS"] {
        let allowed = client(&bed).await.check(described(method, "/time/0", "")).await.unwrap().into_inner();
        assert_eq!(outcome(allowed).0, 0, "{method}");
    }
    let refused = denied(client(&bed).await.check(CheckRequest::default()).await.unwrap().into_inner());
    assert_eq!(refused.status.unwrap().code, 400);
}
