//! What a deepstream server asks: the webhook's answers byte by byte, and every recorded decision of deepstream's own handler.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use usher_tests::{Answer, Bed, Call, Log};

/// Two users, one of whom has data for everybody.
const FILE: &str = r#"
[[authentication]]
kind = "file"
hash = "none"
users = """
alice: { password: wonderland, clientData: { hi: 1 }, serverData: { role: editor } }
bob: { password: builder }
"""
"#;

async fn deployed(name: &str, rest: &str, policy: Option<&str>) -> Bed {
    let bed = Bed::start().await;
    deploy(&bed, name, rest, policy).await;
    bed
}

async fn deploy(bed: &Bed, name: &str, rest: &str, policy: Option<&str>) {
    let named = policy.map_or("", |_| "policy = \"policy.yaml\"\n");
    let manifest = format!("name = \"{name}\"\n{named}{rest}");
    bed.deploy_with_policy(&manifest, policy, Vec::new()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
}

async fn log_in(bed: &Bed, deployment: &str, auth_data: &Value) -> Answer {
    let asked = json!({ "connectionData": { "remoteAddress": "192.0.2.7", "headers": {} }, "authData": auth_data });
    bed.ask(Call::new("POST", format!("/v1/deepstream/auth/{deployment}")).body(&asked)).await
}

#[tokio::test]
async fn a_yes_is_an_object_and_everything_else_one_line_of_text() {
    let bed = deployed("chat", FILE, None).await;
    for (deployment, login, status, expected) in [
        ("chat", json!({ "username": "alice", "password": "wonderland" }), 200, "alice"),
        ("chat", json!({ "username": "bob", "password": "builder" }), 200, "bob"),
        ("sub-c-test:chat", json!({ "username": "bob", "password": "builder" }), 200, "bob"),
        ("chat", json!({ "username": "alice", "password": "builder" }), 401, "identity.denied"),
        ("chat", json!({ "username": "eve", "password": "builder" }), 401, "identity.denied"),
        ("chat", json!({}), 401, "identity.denied"),
        ("chat", json!([]), 401, "identity.denied"),
        ("chat", json!({ "username": 7, "password": null }), 401, "identity.denied"),
        ("chat", json!("alice"), 403, "request.malformed"),
        ("chat", json!(null), 403, "request.malformed"),
        ("nowhere", json!({ "username": "alice", "password": "wonderland" }), 403, "deployment.unknown"),
        ("sub-c-other:chat", json!({ "username": "alice", "password": "wonderland" }), 403, "deployment.unknown"),
    ] {
        let answer = log_in(&bed, deployment, &login).await;
        assert_eq!(answer.status, status, "{deployment} {login}: {}", answer.body);
        if status == 200 {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.json()["id"], expected);
        } else {
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            let id = answer.header("x-request-id").expect("an id");
            assert!(answer.body.starts_with(&format!("{expected}: ")) && answer.body.contains(id), "{}", answer.body);
            assert_eq!(answer.body.lines().count(), 1);
        }
    }
    assert_eq!(Log::lines_with("wonderland"), Vec::<String>::new());
}

#[tokio::test]
async fn client_and_server_data_are_told_and_a_user_without_has_none() {
    let bed = deployed("chat", FILE, None).await;
    let alice = log_in(&bed, "chat", &json!({ "username": "alice", "password": "wonderland" })).await.json();
    assert_eq!(alice, json!({ "id": "alice", "clientData": { "hi": 1 }, "serverData": { "role": "editor" } }));
    let bob = log_in(&bed, "chat", &json!({ "username": "bob", "password": "builder" })).await.json();
    assert_eq!(bob, json!({ "id": "bob", "clientData": null, "serverData": null }));
}

#[tokio::test]
async fn a_login_whose_body_does_not_come_is_answered_in_time() {
    let bed = deployed("chat", FILE, None).await;
    let began = std::time::Instant::now();
    let begun =
        "POST /v1/deepstream/auth/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{";
    let mut stream = TcpStream::connect(bed.addresses().decisions).await.unwrap();
    stream.write_all(begun.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("identity.unavailable: "), "{answer}");
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_body_that_is_none_and_another_method_are_refused() {
    let bed = deployed("chat", FILE, None).await;
    for body in ["", "{", "[]", "{}", "{\"authData\":{}}x"] {
        let answer = bed.ask(Call::new("POST", "/v1/deepstream/auth/chat").body(body)).await;
        assert_eq!((answer.status, answer.body.starts_with("request.malformed: ")), (403, true), "{body}");
    }
    assert_eq!(bed.ask(Call::get("/v1/deepstream/auth/chat")).await.status, 404);
}

#[tokio::test]
async fn a_caller_shows_the_password_that_the_manifest_asks_for() {
    let bed = Bed::start().await;
    bed.set_secret("deepstream-caller", "let-me-ask").await;
    deploy(&bed, "chat", &format!("{FILE}\n[deepstream]\nbasic_secret = \"deepstream-caller\"\n"), None).await;
    let asked = json!({ "connectionData": {}, "authData": { "username": "bob", "password": "builder" } });
    for (authorization, status) in [
        (None, 403),
        (Some("Basic ZGVlcHN0cmVhbTpsZXQtbWUtYXNr"), 200),
        (Some("Basic bGV0LW1lLWFzaw=="), 403),
        (Some("Basic OmxldC1tZS1hcw=="), 403),
        (Some("Basic Og=="), 403),
        (Some("Bearer let-me-ask"), 403),
    ] {
        let mut call = Call::new("POST", "/v1/deepstream/auth/chat").body(&asked);
        if let Some(authorization) = authorization {
            call = call.header("authorization", authorization);
        }
        assert_eq!(bed.ask(call).await.status, status, "{authorization:?}");
    }
    let missing = "name = \"x\"\n[[authentication]]\nkind = \"none\"\n[deepstream]\nbasic_secret = \"nobody\"\n";
    assert!(bed.deploy_with_policy(missing, None, Vec::new()).await.is_err());
}

#[tokio::test]
async fn a_check_asks_its_caller_for_the_same_password() {
    let bed = Bed::start().await;
    bed.set_secret("deepstream-caller", "let-me-ask").await;
    deploy(&bed, "chat", "[deepstream]\nbasic_secret = \"deepstream-caller\"\n", Some(POLICY)).await;
    let asked = json!({ "section": "event", "action": "SUBSCRIBE", "name": "news" });
    let answer = check(&bed, "chat", &asked).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("webhook.unauthorized")), "{}", answer.body);
    let call = Call::new("POST", "/v1/policy/chat/check").body(&asked);
    let answer = bed.ask(call.header("authorization", "Basic ZGVlcHN0cmVhbTpsZXQtbWUtYXNr")).await;
    assert_eq!((answer.status, answer.json()["allowed"].as_bool()), (200, Some(true)), "{}", answer.body);
}

async fn check(bed: &Bed, deployment: &str, asked: &Value) -> Answer {
    bed.ask(Call::new("POST", format!("/v1/policy/{deployment}/check")).body(asked)).await
}

/// Decisions that this policy language refuses to make, on purpose, and those that need another number of passes or a store that fails.
fn is_put_aside(case: &Value) -> bool {
    let fails =
        case["records"].as_object().into_iter().flatten().any(|(_, record)| record.get("$load_error").is_some());
    case["id"] == "ds-0423" || case.get("options").is_some() || fails
}

#[tokio::test]
async fn recorded_decisions_of_deepstream_come_out_the_same() {
    let bed = Bed::start().await;
    let cases: Vec<Value> = serde_json::from_str(include_str!("../vectors/valve_cases.json")).unwrap();
    let mut asked = 0;
    for (number, case) in cases.iter().enumerate().filter(|(_, case)| !is_put_aside(case)) {
        let name = format!("case-{number}");
        deploy(&bed, &name, "", Some(&case["permissions"].to_string())).await;
        let message = &case["message"];
        let mut question = json!({
            "section": message["topic"],
            "action": message["action"],
            "name": message["name"].as_str().unwrap_or("undefined"),
            "user": { "id": case["user"]["id"], "data": case["user"]["serverData"] },
            "now": case["now"].as_u64().unwrap_or(1_700_000_000_000),
        });
        let given = [("data", message.get("data")), ("rawData", message.get("rawData")), ("path", message.get("path"))];
        let more =
            [("patches", message.get("patches")), ("oldData", case.get("oldData")), ("records", case.get("records"))];
        for (field, value) in given.into_iter().chain(more) {
            if let Some(value) = value {
                question[field] = value.clone();
            }
        }
        let answer = check(&bed, &name, &question).await;
        assert_eq!(answer.status, 200, "{}: {}", case["id"], answer.body);
        assert_eq!(answer.json()["allowed"], case["expected"] == "allow", "{}: {}", case["id"], answer.body);
        asked += 1;
    }
    assert!(asked >= 70, "{asked} of {}", cases.len());
}

const POLICY: &str = "record: { '*': {} }
rpc: { '*': {} }
event:
  '*': { subscribe: true }
  news: { publish: \"user.data !== null && user.data.role === 'editor'\" }
channel:
  room.$id: { read: \"_('members/' + $id)[user.id] === true\" }
";

#[tokio::test]
async fn a_question_is_answered_with_what_decided() {
    let bed = deployed("chat", "", Some(POLICY)).await;
    let emit = |role: &str| {
        let user = json!({ "id": "alice", "data": { "role": role } });
        json!({ "section": "event", "action": "EMIT", "name": "news", "data": { "text": "hi" }, "user": user })
    };
    let room = |members: Value| {
        let user = json!({ "id": "alice" });
        let records = json!({ "members/1": members });
        json!({ "section": "channel", "action": "read", "name": "room.1", "user": user, "records": records })
    };
    for (asked, allowed, code, line) in [
        (emit("editor"), true, "allowed", Some(5)),
        (emit("reader"), false, "policy.denied", Some(5)),
        (json!({ "section": "event", "action": 2, "name": "news" }), false, "policy.denied", Some(5)),
        (json!({ "section": "event", "action": 3, "name": "news" }), true, "allowed", Some(4)),
        (json!({ "section": "event", "action": "EMIT", "name": "other" }), false, "policy.no-rule", None),
        (json!({ "section": "event", "action": "UNSUBSCRIBE", "name": "x" }), true, "policy.unruled", None),
        (room(json!({ "alice": true })), true, "allowed", Some(7)),
        (room(json!({ "bob": true })), false, "policy.denied", Some(7)),
        (room(json!(null)), false, "policy.failed", Some(7)),
    ] {
        let answer = check(&bed, "chat", &asked).await;
        let said = answer.json();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let found = (said["allowed"].as_bool(), said["code"].as_str(), said["line"].as_u64());
        assert_eq!(found, (Some(allowed), Some(code), line), "{asked}");
        assert_eq!(said["decision_id"].as_str(), answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn a_caller_that_has_the_records_is_asked_for_them() {
    let policy = "record:
  '*': {}
  doc: { write: \"data.owner === oldData.owner && _('of/' + oldData.owner).open\" }
event: { '*': {} }
rpc: { '*': {} }
";
    let bed = deployed("chat", "", Some(policy)).await;
    for (records, expected) in [
        (json!({}), json!({ "allowed": false, "code": "policy.records-wanted", "wanted": ["doc"] })),
        (json!({ "doc": { "owner": "al" } }), json!({ "code": "policy.records-wanted", "wanted": ["of/al"] })),
        (json!({ "doc": { "owner": "al" }, "of/al": { "open": true } }), json!({ "code": "allowed", "allowed": true })),
        (json!({ "doc": { "owner": "al" }, "of/al": { "open": 0 } }), json!({ "code": "policy.denied" })),
        (json!({ "doc": { "owner": "al" }, "of/al": null }), json!({ "code": "policy.failed" })),
        (json!({ "doc": null }), json!({ "code": "policy.failed" })),
    ] {
        let asked = json!({
            "section": "record", "action": "PATCH", "name": "doc", "path": "text", "data": "x", "askBack": true,
            "records": records,
        });
        let said = check(&bed, "chat", &asked).await.json();
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&said[field], value, "{field} of {said} for {records}");
        }
        assert_eq!(said.get("wanted").is_some(), expected.get("wanted").is_some(), "{said}");
    }
}

#[tokio::test]
async fn many_questions_are_answered_in_order_and_a_malformed_one_refuses_the_call() {
    let bed = deployed("chat", "", Some(POLICY)).await;
    let one = |action: &str| json!({ "section": "event", "action": action, "name": "news" });
    let answer = check(&bed, "chat", &json!({ "questions": [one("SUBSCRIBE"), one("EMIT"), one("SUBSCRIBE")] })).await;
    let allowed: Vec<Value> =
        answer.json()["answers"].as_array().unwrap().iter().map(|answer| answer["allowed"].clone()).collect();
    assert_eq!(allowed, [true, false, true]);
    let too_many: Vec<Value> = (0..101).map(|_| one("EMIT")).collect();
    for asked in [
        json!({ "questions": too_many }),
        json!({ "questions": [one("SUBSCRIBE"), one("FLY")] }),
        json!({ "questions": [{ "questions": [] }] }),
        json!({ "questions": [], "section": "event" }),
        json!({ "section": "events", "action": "EMIT", "name": "x" }),
        json!({ "section": "event", "action": "EMIT" }),
        json!({ "section": "event", "action": "EMIT", "name": "x", "usr": {} }),
        json!([]),
    ] {
        assert_eq!(check(&bed, "chat", &asked).await.status, 400, "{asked}");
    }
    assert_eq!(check(&bed, "nowhere", &one("EMIT")).await.status, 404);
    assert_eq!(bed.call(Call::new("POST", "/v1/policy/chat/check").body(&one("EMIT"))).await.status, 404);
}
