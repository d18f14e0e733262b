//! Who is calling is asked on every route, before anything happens.

use serde_json::json;
use usher_sdk::{IdentityError, Request, fake};

use crate::bed::{GETS, POSTS, answer, full, full_get, host, post, send, told, with};

#[test]
fn every_route_asks_who_is_calling_and_says_what_for() {
    for (route, request) in every_route("alice") {
        let host = host();
        assert_eq!(send(&host, &request).status, 200, "{route}");
        let claims = host.claims();
        assert_eq!(claims.len(), 1, "{route}");
        assert_eq!((claims[0].uuid.as_str(), claims[0].auth_key.as_str()), ("alice", "alice-key"));
        assert_eq!((claims[0].route.as_str(), claims[0].namespace.as_str()), (route, "ns"));
        assert_eq!(host.calls().first(), Some(&"identity.authenticate"), "{route}");
    }
}

#[test]
fn who_is_not_let_in_changes_nothing() {
    let cases = [
        (IdentityError::Denied, 401, "Unauthorized"),
        (IdentityError::Unavailable, 503, "Authentication unavailable"),
        (IdentityError::RateLimited(7), 429, "Too many requests"),
        (IdentityError::TooManyCalls, 500, "Internal error"),
    ];
    for (error, status, text) in cases {
        for (route, request) in every_route("alice") {
            let host = host().with_failing_identity(error);
            assert_eq!(told(&host, &request), answer(status, text), "{route}");
            assert_eq!(host.calls(), ["identity.authenticate"], "{route}");
        }
    }
}

#[test]
fn a_rate_limited_caller_learns_how_long_to_wait() {
    let host = host().with_failing_identity(IdentityError::RateLimited(7));
    let response = send(&host, &post("bootstrap", &full("alice")));
    assert_eq!(response.header("retry-after"), Some("7"));
}

#[test]
fn a_key_that_proves_another_uuid_is_refused() {
    for (route, request) in every_route("alice") {
        let host = host().with_proven_uuid("bob");
        assert_eq!(told(&host, &request), answer(403, "Forbidden"), "{route}");
        assert_eq!(host.calls(), ["identity.authenticate"], "{route}");
    }
}

#[test]
fn a_new_key_of_the_same_uuid_keeps_what_the_uuid_owns() {
    let host = host().with_identity("alice-key", "alice").with_identity("second", "alice");
    let channel = crate::bed::private_chat(&host);
    let body = with(crate::bed::about("alice", channel), &json!({"authKey": "second"}));
    crate::bed::must(&host, "grant", &body);
    assert!(host.allows("second", channel, crate::bed::READ));
}

#[test]
fn a_proof_for_one_tenant_says_nothing_for_another() {
    let host = fake::Host::new()
        .with_policy(crate::policy::shipped)
        .with_config_list("namespaces", &["ns", "other"])
        .with_identity_in("ns", "alice-key", "alice")
        .with_identity_in("other", "other-key", "alice");
    for (route, request) in every_route("alice") {
        assert_eq!(send(&host, &request).status, 200, "{route}");
    }
    let granted = host.granted().len();
    for dialect in ["namespace", "global"] {
        let mut body = full("alice");
        body.as_object_mut().unwrap().remove("namespace");
        for route in POSTS {
            let body = with(body.clone(), &json!({dialect: "other"}));
            assert_eq!(told(&host, &post(route, &body)), answer(401, "Unauthorized"), "{route}");
        }
    }
    assert_eq!(host.granted().len(), granted);
    assert_eq!(host.claims().last().unwrap().namespace, "other");
}

fn every_route(uuid: &str) -> Vec<(&'static str, Request)> {
    let posts = POSTS.map(|route| (route, post(route, &full(uuid))));
    let gets = GETS.map(|route| (route, full_get(route, uuid)));
    posts.into_iter().chain(gets).collect()
}
