//! Why something was decided: what the client is told, what the admin API keeps, and that neither holds a secret.

use std::time::Duration;

use serde_json::{Value, json};
use usher_server::CallError;
use usher_tests::{Answer, Bed, Call, Origin, Settings, guest};

/// What no record and no answer may hold.
const AUTH_KEY: &str = "canary-of-an-auth-key-5b12";

const POLICY: &str = "
channel:
  open: {read: true}
  club: {read: \"_('member:' + user.id).since > 5\"}
";

const ASKS: &str = "
name = \"asks\"
paths = [\"asks\"]
policy = \"policy.yaml\"
capabilities = [\"policy\", \"identity\"]
[[authentication]]
kind = \"none\"
";

async fn bed_that_asks() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_with_policy(ASKS, Some(POLICY), guest("policy-questions")).await.unwrap();
    bed
}

async fn ask(bed: &Bed, user: &str, channel: &str) -> Answer {
    bed.post("asks", json!([user, [["channel", "read", channel, null]], 1]).to_string()).await
}

async fn list(bed: &Bed, query: &[(&str, &str)]) -> Vec<Value> {
    let listed = bed.admin().get("/v1/decisions", query).await.unwrap_or_else(|error| panic!("{query:?}: {error}"));
    listed["decisions"].as_array().unwrap().clone()
}

/// The only decision under an id.
async fn why(bed: &Bed, id: &str) -> Value {
    let found =
        bed.admin().get(&format!("/v1/decisions/{id}"), &[]).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    let [decision] = found["decisions"].as_array().unwrap().as_slice() else { panic!("{found}") };
    decision.clone()
}

/// Reason and id that a refused client is told, in headers that a page may read.
fn told(answer: &Answer) -> (String, String) {
    let exposed: Vec<&str> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "access-control-expose-headers")
        .map(|(_, names)| names.as_str())
        .collect();
    let exposed = exposed.join(", ").to_lowercase();
    let header = |name: &str| {
        assert!(exposed.contains(name), "{name} cannot be read: {exposed}");
        answer.header(name).unwrap_or_else(|| panic!("no {name}: {answer:?}")).to_owned()
    };
    assert!(header("x-usher-next").len() > 5, "{answer:?}");
    (header("x-usher-reason"), header("x-usher-decision-id"))
}

#[tokio::test]
async fn a_refusal_of_the_gateway_is_told_to_the_client_and_explained_to_the_admin() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    let target = format!("/publish/pub-c-test/sub-c-test/0/room/0/%22hush%22?auth={AUTH_KEY}&uuid=alice");
    let answer = bed.call(Call::get(target)).await;
    assert_eq!(answer.status, 403);
    let (reason, id) = told(&answer);
    assert_eq!((reason.as_str(), answer.header("x-request-id")), ("grant.missing", Some(id.as_str())));
    assert!(!answer.body.contains("decision"), "the body stays as clients know it: {}", answer.body);

    let kept = why(&bed, &id).await;
    for (name, expected) in [
        ("road", json!("gateway")),
        ("allowed", json!(false)),
        ("code", json!("grant.missing")),
        ("status", json!(403)),
        ("user", json!("alice")),
        ("subscribe_key", json!("sub-c-test")),
        ("asked", json!("publish room")),
        ("at", json!(1_800_000_000_000_u64)),
    ] {
        assert_eq!(kept[name], expected, "{name} of {kept}");
    }
    assert!(kept["findings"].to_string().contains("room"), "{kept}");
    assert!(!kept.to_string().contains("hush"), "the message is nobody's: {kept}");
}

#[tokio::test]
async fn what_the_gateway_allows_leaves_no_record() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    let token = bed.token(&json!({ "resources": { "channels": { "a": 2 } } })).await;
    let publish = format!("/publish/pub-c-test/sub-c-test/0/a/0/1?auth={token}");
    let answer = bed.call(Call::get(publish)).await;
    assert_eq!((answer.status, answer.header("x-usher-reason")), (200, None));
    assert_eq!(list(&bed, &[]).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_invocation_is_kept_with_identity_rule_values_and_times() {
    let bed = bed_that_asks().await;
    let answer = ask(&bed, "alice", "club").await;
    assert_eq!((answer.status, answer.json(), answer.header("x-usher-reason")), (200, json!([false]), None));
    let kept = why(&bed, answer.header("x-request-id").unwrap()).await;
    for (name, expected) in [
        ("road", json!("function")),
        ("allowed", json!(true)),
        ("function", json!("asks")),
        ("version", json!(1)),
        ("user", json!("alice")),
        ("asked", json!("POST asks")),
    ] {
        assert_eq!(kept[name], expected, "{name} of {kept}");
    }
    assert_eq!(kept["policy"].as_str().map(str::len), Some(12), "{kept}");
    assert_eq!(kept["identity"]["claimed"], "alice");
    let calls: Vec<&str> =
        kept["calls"].as_array().unwrap().iter().map(|call| call["call"].as_str().unwrap()).collect();
    assert_eq!(calls, ["identity.authenticate", "policy.check"]);
    let [question] = kept["questions"].as_array().unwrap().as_slice() else { panic!("{kept}") };
    assert_eq!((&question["path"], &question["allowed"]), (&json!("club"), &json!(false)), "{question}");
    assert_eq!(question["rule"], "_('member:' + user.id).since > 5");
    assert_eq!((&question["line"], question["deciding"].is_object()), (&json!(4), true), "{question}");
}

#[tokio::test]
async fn a_function_that_refuses_tells_why_and_what_next() {
    let bed = Bed::start().await;
    bed.deploy_chat_engine().await;
    let chat = json!({ "channel": "demo#chat#private.#plans", "group": "custom", "private": true, "meta": {} });
    let body = |uuid: &str| json!({ "uuid": uuid, "namespace": "demo", "authKey": AUTH_KEY, "chat": chat }).to_string();
    assert_eq!(bed.post("chat-engine/grant", body("alice")).await.status, 200, "the first one owns it");
    let answer = bed.post("chat-engine/grant", body("bob")).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let (reason, id) = told(&answer);
    assert_eq!(reason, "policy.denied", "{answer:?}");
    let kept = why(&bed, &id).await;
    assert_eq!(
        (&kept["allowed"], &kept["code"], &kept["user"]),
        (&json!(false), &json!("policy.denied"), &json!("bob"))
    );
    assert!(kept["next"].as_str().is_some_and(|next| answer.header("x-usher-next") == Some(next)), "{kept}");
    let denied = kept["questions"].as_array().unwrap().iter().find(|question| question["allowed"] == false);
    assert!(denied.is_some_and(|question| question["deciding"].is_object()), "{kept}");
    assert!(!kept.to_string().contains(AUTH_KEY));
}

#[tokio::test]
async fn problems_say_what_next_in_the_body_too() {
    let bed = Bed::start().await;
    let answer = bed.post("nowhere", "{}").await;
    let (reason, id) = told(&answer);
    let body = answer.json();
    assert_eq!((&body["code"], &body["decision_id"]), (&json!(reason), &json!(id)));
    assert_eq!(body["next"].as_str(), answer.header("x-usher-next"));
}

#[tokio::test]
async fn decisions_are_found_by_what_they_are_about() {
    let bed = bed_that_asks().await;
    for (user, channel) in [("alice", "open"), ("bob", "club")] {
        ask(&bed, user, channel).await;
        bed.advance(Duration::from_secs(1));
    }
    for (uuid, channel) in [("alice", "a"), ("carol", "b")] {
        bed.ask(Call::new("POST", "/v1/decisions").body(&decision(uuid, channel))).await;
        bed.advance(Duration::from_secs(1));
    }
    for (query, expected) in [
        (vec![], vec!["subscribe b", "subscribe a", "POST asks", "POST asks"]),
        (vec![("denied", "true")], vec!["subscribe b", "subscribe a"]),
        (vec![("limit", "1")], vec!["subscribe b"]),
        (vec![("user", "alice")], vec!["subscribe a", "POST asks"]),
        (vec![("user", "alice"), ("denied", "true")], vec!["subscribe a"]),
        (vec![("code", "credential.missing")], vec!["subscribe b", "subscribe a"]),
        (vec![("code", "policy.denied")], vec![]),
        (vec![("function", "asks")], vec!["POST asks", "POST asks"]),
        (vec![("subscribe_key", "sub-c-other")], vec![]),
        (vec![("since", "1800000002000")], vec!["subscribe b", "subscribe a"]),
        (vec![("since", "1800000009000")], vec![]),
    ] {
        let found = list(&bed, &query).await;
        let asked: Vec<&str> = found.iter().map(|decision| decision["asked"].as_str().unwrap()).collect();
        assert_eq!(asked, expected, "{query:?}");
    }
    let first = list(&bed, &[("limit", "3")]).await;
    let rest = list(&bed, &[("before", first[2]["key"].as_str().unwrap())]).await;
    assert_eq!((rest.len(), &rest[0]["user"]), (1, &json!("alice")), "the page behind");
}

fn decision(uuid: &str, channel: &str) -> String {
    let asked = json!({ "subscribe_key": "sub-c-test", "operation": "subscribe", "channels": [channel], "uuid": uuid });
    asked.to_string()
}

#[tokio::test]
async fn a_query_that_is_no_question_is_refused_with_a_reason() {
    let bed = Bed::start().await;
    for (path, query, expected) in [
        ("/v1/decisions", vec![("before", "x")], (400, "admin.bad-request")),
        ("/v1/decisions", vec![("sinse", "1")], (400, "admin.bad-request")),
        ("/v1/decisions", vec![("since", "yesterday")], (400, "admin.bad-request")),
        ("/v1/decisions", vec![("limit", "-1")], (400, "admin.bad-request")),
        ("/v1/decisions/nothing", vec![], (404, "decision.not-found")),
    ] {
        match bed.admin().get(path, &query).await {
            Err(CallError::Refused { status, code, .. }) => {
                assert_eq!((status, code.as_str()), expected, "{path} {query:?}")
            }
            other => panic!("{path} {query:?}: {other:?}"),
        }
    }
    let everything = list(&bed, &[("limit", "99999999")]).await;
    assert_eq!(everything, Vec::<Value>::new());
}

#[tokio::test]
async fn refusals_outlive_the_server_and_what_was_allowed_does_not() {
    let bed = bed_that_asks().await;
    ask(&bed, "alice", "open").await;
    let refused = bed.ask(Call::new("POST", "/v1/decisions").body(&decision("alice", "a"))).await.json();
    let id = refused["decision_id"].as_str().unwrap();
    let before = why(&bed, id).await;
    let bed = bed.restart().await;
    assert_eq!(why(&bed, id).await, before);
    assert_eq!(list(&bed, &[]).await, [before]);
}

#[tokio::test]
async fn recorded_questions_are_told_once_for_each_user_with_what_they_depended_on() {
    let bed = bed_that_asks().await;
    for (user, channel) in [("alice", "open"), ("alice", "club"), ("bob", "club"), ("alice", "club")] {
        ask(&bed, user, channel).await;
    }
    let found = bed.admin().get("/v1/keysets/sub-c-test/functions/asks/questions", &[]).await.unwrap();
    let asked: Vec<(&str, &str, bool)> = found["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["user"]["id"].as_str().unwrap(), one["name"].as_str().unwrap(), one["allowed"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(asked, [("alice", "club", false), ("bob", "club", false), ("alice", "open", true)]);
    let newest = &found["questions"][0];
    assert_eq!(newest["records"], json!({ "member:alice": null }), "{newest}");
    assert_eq!((&newest["section"], &newest["action"]), (&json!("channel"), &json!("read")));
    let none = bed.admin().get("/v1/keysets/sub-c-test/functions/other/questions", &[]).await.unwrap();
    assert_eq!(none["questions"], json!([]));
}

#[tokio::test]
async fn an_id_of_the_clients_choice_may_name_several_decisions() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    for uuid in ["alice", "mallory"] {
        let call = Call::get(format!("/v2/subscribe/sub-c-test/a/0?uuid={uuid}")).header("x-request-id", "chosen-id");
        assert_eq!(bed.call(call).await.status, 403);
    }
    let found = bed.admin().get("/v1/decisions/chosen-id", &[]).await.unwrap();
    let users: Vec<&Value> = found["decisions"].as_array().unwrap().iter().map(|decision| &decision["user"]).collect();
    assert_eq!(users, ["mallory", "alice"]);
}

#[tokio::test]
async fn no_record_holds_an_auth_key_a_token_or_a_signature() {
    let config = "[limits]\nper_address = 0\nper_user = 0\n".to_owned();
    let (bed, origin) = (Bed::with(Settings { config, ..Settings::default() }).await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    bed.deploy_chat_engine().await;
    let token = bed.token(&json!({ "resources": { "channels": { "a": 1 } } })).await;
    for auth in [AUTH_KEY, token.as_str()] {
        let path_of_auth = auth.replace('=', "%3D");
        for call in [
            Call::get(format!("/v2/subscribe/sub-c-test/b/0?auth={auth}&uuid=u")),
            Call::get(format!("/publish/pub-c-test/sub-c-test/0/b/0/%22{auth}%22?auth={auth}")),
            Call::get(format!("/no/such/{auth}/operation?auth={auth}")),
            Call::get(format!("/{auth}/{auth}?auth={auth}")),
            Call::new("DELETE", format!("/v3/pam/sub-c-test/grant/{path_of_auth}?signature={AUTH_KEY}&timestamp=1")),
            Call::get(format!("/v2/auth/grant/sub-key/sub-c-test?auth={auth}&signature={AUTH_KEY}&timestamp=1")),
            Call::get(format!("/v1/blocks/sub-key/sub-c-test/nowhere?authKey={auth}")),
            Call::new("POST", "/v1/blocks/sub-key/sub-c-test/chat-engine/grant")
                .body(&json!({ "uuid": "u", "authKey": auth })),
            Call::new("POST", "/v1/blocks/sub-key/sub-c-test/chat-engine/join").body(auth),
        ] {
            let answer = bed.call(call).await;
            assert!(answer.status >= 400, "{answer:?}");
        }
        let target = format!("/v2/subscribe/sub-c-test/b/0?auth={auth}");
        for asked in [
            json!({ "subscribe_key": "sub-c-test", "operation": "subscribe", "channels": ["b"], "auth": auth }),
            json!({ "method": "GET", "target": target }),
        ] {
            bed.ask(Call::new("POST", "/v1/decisions").body(&asked)).await;
        }
        let nginx =
            Call::get("/v1/decisions/nginx").header("x-original-method", "GET").header("x-original-uri", &*target);
        assert_eq!(bed.ask(nginx).await.status, 403);
    }
    let kept = list(&bed, &[("limit", "1000")]).await;
    assert!(kept.len() > 15, "{kept:?}");
    for secret in [AUTH_KEY, &token, token.get(10..40).unwrap()] {
        let with = kept.iter().find(|decision| decision.to_string().contains(secret));
        assert!(with.is_none(), "{secret} in {with:?}");
    }
}
