//! Operations by example: the rows against the table as data, and requests that are read in one way or refused.

use serde_json::Value;

use super::*;
use crate::resource::ResourceName;

mod hostile;

/// What the table as data says in prose, spelt out.
const SPELT: [(&str, &str); 9] = [
    (
        "/publish/… with store=0&norep=1 (or true)",
        "/publish/{pub}/{sub}/0/{channel}/{callback}/{message} ; /publish/{pub}/{sub}/0/{channel}/{callback}",
    ),
    (
        "/v1/channel-registration/sub-key/{sub}/channel-group/{group}?add=",
        "/v1/channel-registration/sub-key/{sub}/channel-group/{group}",
    ),
    (
        "/v1/channel-registration/sub-key/{sub}/channel-group/{group}?remove=",
        "/v1/channel-registration/sub-key/{sub}/channel-group/{group}",
    ),
    ("/v2/objects/{sub}/channels/{channel}/uuids  body set", "/v2/objects/{sub}/channels/{channel}/uuids"),
    ("/v2/objects/{sub}/channels/{channel}/uuids  body delete", "/v2/objects/{sub}/channels/{channel}/uuids"),
    ("/v1/push/sub-key/{sub}/devices/{device}?add=|remove=", "/v1/push/sub-key/{sub}/devices/{device}"),
    ("/v2/push/sub-key/{sub}/devices-apns2/{device}?add=|remove=", "/v2/push/sub-key/{sub}/devices-apns2/{device}"),
    (
        "/v1/push/sub-key/{sub}/devices/{device} ; /v2/…/devices-apns2/{device}",
        "/v1/push/sub-key/{sub}/devices/{device} ; /v2/push/sub-key/{sub}/devices-apns2/{device}",
    ),
    (
        "/v1/push/sub-key/{sub}/devices/{device}/remove ; /v2/…/remove",
        "/v1/push/sub-key/{sub}/devices/{device}/remove ; /v2/push/sub-key/{sub}/devices-apns2/{device}/remove",
    ),
];

#[test]
fn the_rows_are_the_table_as_data() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/operations.json")).unwrap();
    let vectors: Vec<String> = vectors.as_array().unwrap().iter().map(of_vector).collect();
    let rows: Vec<String> = Operation::ALL.iter().map(of_row).collect();
    assert_eq!(rows.len(), 49);
    for (row, vector) in rows.iter().zip(&vectors) {
        assert_eq!(row, vector);
    }
    assert_eq!(rows.len(), vectors.len());
}

fn of_vector(vector: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let path = text(&vector["path"]);
    let path = SPELT.iter().find(|(prose, _)| *prose == path).map_or(path.as_str(), |(_, spelt)| spelt);
    let needs = vector["need"].as_array().unwrap().iter();
    let needs: Vec<String> =
        needs.map(|need| ["type", "where", "perm"].map(|part| text(&need[part])).join(" | ")).collect();
    format!("{}: {} {path}: {}", text(&vector["op"]), text(&vector["method"]), needs.join(" & "))
}

fn of_row(operation: &Operation) -> String {
    let needs: Vec<String> = operation.needs().iter().map(|&need| of_need(need)).collect();
    let (methods, paths) = (operation.methods().join("|"), operation.paths().join(" ; "));
    format!("{}: {methods} {paths}: {}", operation.name(), needs.join(" & "))
}

fn of_need(need: Need) -> String {
    match need {
        Need::Named { kind, place: NamePlace::Path, permission } => format!("{kind} | path {{{kind}}} | {permission}"),
        Need::Named { kind, place: NamePlace::PathList { lone_comma }, permission } => {
            let none = match lone_comma {
                LoneComma::Allowed => ", \",\" = none",
                LoneComma::Refused => "",
            };
            format!("{kind} | path {{{kind}s}}, comma list{none} | {permission}")
        }
        Need::Named { kind, place: NamePlace::Query(names), permission } => {
            format!("{kind} | query {}, comma list | {permission}", names.join(" / "))
        }
        Need::Named { kind, place: NamePlace::Body, permission } => {
            format!("{kind} | body set[].{kind}.id and delete[].{kind}.id | {permission}")
        }
        Need::KeysetWide { kind, permission } => format!("{kind} | * (keyset wide) | {permission} at keyset level"),
        Need::Category { kind } => format!("category | {kind}s | get, or keyset switch"),
    }
}

#[test]
fn names_and_words_are_unique_and_find_their_row() {
    for operation in Operation::ALL {
        assert_eq!(Operation::named(operation.name()), Some(operation));
        assert_eq!(Operation::named(operation.word()), Some(operation));
    }
    assert_eq!(Operation::named("chat"), None);
}

/// Every row once, with what it touches: `c`, `g` and `u` for the kinds, then the name, then the permission's v2 flag.
const REQUESTS: &[(&str, &str, &str, &str)] = &[
    ("GET", "/publish/p/s/0/a/0/%22m%22", "publish", "ca:w"),
    ("GET", "/publish/p/s/0/a/0/%22x%2F..%2Fy%22?store=1&norep=1", "publish", "ca:w"),
    ("GET", "/publish/p/s/0/a/0/%22m%22/more//rest", "publish", "ca:w"),
    ("POST", "/publish/p/s/0/a/0", "publish-body", "ca:w"),
    ("POST", "/v2/publish/p/s/0/a/0", "publish-large", "ca:w"),
    ("GET", "/publish/p/s/0/a/0/1?store=0&norep=1", "fire", "ca:w"),
    ("POST", "/publish/p/s/0/a/0?norep=true&store=false", "fire", "ca:w"),
    ("GET", "/signal/p/s/0/a/0/1", "signal", "ca:w"),
    ("GET", "/v2/subscribe/s/a,b-pnpres/0", "subscribe", "ca:r cb-pnpres:r"),
    (
        "GET",
        "/v2/subscribe/s/a.*,%C5%BB/0?channel-group=g%2Ch,i-pnpres",
        "subscribe",
        "ca.*:r cŻ:r gg:r gh:r gi-pnpres:r",
    ),
    ("GET", "/v2/subscribe/s/,/0?channel-group=g", "subscribe", "gg:r"),
    ("GET", "/v2/subscribe/s/...,.a,a..b/0", "subscribe", "c...:r c.a:r ca..b:r"),
    ("GET", "/v2/subscribe/s/a%2F~/0", "subscribe", "ca/~:r"),
    ("GET", "/v2/history/sub-key/s/channel/a%2F~%2541", "history-v2", "ca/~%41:r"),
    ("GET", "/v2/presence/sub-key/s/channel/,/heartbeat?channel-group=g", "heartbeat", "gg:r"),
    ("GET", "/v2/presence/sub-key/s/channel/a/heartbeat", "heartbeat", "ca:r"),
    ("GET", "/v2/presence/sub_key/s/channel/a,b/leave?channel-group=g", "leave", ""),
    ("GET", "/v2/presence/sub-key/s/channel/a?channel-group=g", "here-now", "ca:r gg:r"),
    ("GET", "/v2/presence/sub-key/s/channel/,/leave?channel-group=g", "leave", ""),
    ("GET", "/v2/presence/sub-key/s/channel/a%2F~/leave", "leave", ""),
    ("GET", "/v2/presence/sub_key/s", "here-now-global", ""),
    ("GET", "/v2/presence/sub-key/s/uuid/u", "where-now", ""),
    ("GET", "/v2/presence/sub-key/s/channel/a/uuid/u", "get-state", "ca:r"),
    ("GET", "/v2/presence/sub-key/s/channel/,/uuid/u/data?channel-group=g&state=%7B%7D", "set-state", "gg:r"),
    ("GET", "/v2/history/sub-key/s/channel/a", "history-v2", "ca:r"),
    ("GET", "/v3/history/sub-key/s/channel/a,b", "history", "ca:r cb:r"),
    ("GET", "/v3/history-with-actions/sub-key/s/channel/a", "history-with-actions", "ca:r"),
    ("GET", "/v3/history/sub-key/s/message-counts/a,b", "message-counts", "ca:r cb:r"),
    ("DELETE", "/v3/history/sub-key/s/channel/a", "delete-messages", "ca:d"),
    ("GET", "/v1/files/s/channels/a/files", "list-files", "ca:r"),
    ("POST", "/v1/files/s/channels/a/generate-upload-url", "generate-upload-url", "ca:w"),
    ("GET", "/v1/files/publish-file/p/s/0/a/0/%7B%7D", "publish-file-message", "ca:w"),
    ("GET", "/v1/files/s/channels/a/files/1/me%2C.png", "download-file", "ca:r"),
    ("DELETE", "/v1/files/s/channels/a/files/1/me.png", "delete-file", "ca:d"),
    ("GET", "/v1/channel-registration/sub-key/s/channel-group/g?add=a,b", "group-add-channels", "gg:m"),
    ("GET", "/v1/channel-registration/sub-key/s/channel-group/g?remove=a", "group-remove-channels", "gg:m"),
    ("GET", "/v1/channel-registration/sub_key/s/channel-group/ns%3Ag", "group-list-channels", "gns:g:m"),
    ("GET", "/v1/channel-registration/sub-key/s/channel-group/g/remove", "group-delete", "gg:m"),
    ("GET", "/v1/channel-registration/sub-key/s/channel-group", "group-list-all", ""),
    ("GET", "/v2/objects/s/uuids/u", "uuid-metadata-get", "uu:g"),
    ("PATCH", "/v2/objects/s/uuids/u", "uuid-metadata-set", "uu:u"),
    ("DELETE", "/v2/objects/s/uuids/u", "uuid-metadata-delete", "uu:d"),
    ("GET", "/v2/objects/s/uuids", "uuid-metadata-list", ""),
    ("GET", "/v2/objects/s/channels/a", "channel-metadata-get", "ca:g"),
    ("PATCH", "/v2/objects/s/channels/a", "channel-metadata-set", "ca:u"),
    ("DELETE", "/v2/objects/s/channels/a", "channel-metadata-delete", "ca:d"),
    ("GET", "/v2/objects/s/channels?sort=id&sort=name", "channel-metadata-list", ""),
    ("GET", "/v2/objects/s/uuids/u/channels", "memberships-get", "uu:g"),
    ("GET", "/v2/objects/s/channels/a/uuids", "members-get", "ca:g"),
    ("GET", "/v1/push/sub-key/s/devices/d?add=a,b&type=gcm", "push-channels", "ca:r cb:r"),
    ("GET", "/v2/push/sub-key/s/devices-apns2/d?remove=a&add=b", "push-channels-apns2", "cb:r ca:r"),
    ("GET", "/v1/push/sub-key/s/devices/d", "push-list-channels", ""),
    ("GET", "/v2/push/sub-key/s/devices-apns2/d", "push-list-channels", ""),
    ("GET", "/v1/push/sub-key/s/devices/d/remove", "push-remove-device", ""),
    ("GET", "/v2/push/sub_key/s/devices-apns2/d/remove", "push-remove-device", ""),
    ("POST", "/v1/message-actions/s/channel/a/message/1", "message-action-add", "ca:w"),
    ("DELETE", "/v1/message-actions/s/channel/a/message/1/action/2", "message-action-remove", "ca:d"),
    ("GET", "/v1/message-actions/s/channel/a", "message-actions-get", "ca:r"),
    ("GET", "/time/0", "time", ""),
];

#[test]
fn every_row_is_recognised_with_what_it_touches() {
    for &(method, target, word, touched) in REQUESTS {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Recognised { subscribe_key, wants, .. } = recognise(method, path, query).unwrap();
        let Wants::Ready(intent) = wants else { panic!("{target} awaits a body") };
        assert_eq!((intent.operation().word(), shown(&intent).as_str()), (word, touched), "{method} {target}");
        assert_eq!(subscribe_key.is_some(), word != "time", "{target}");
    }
    let unseen = |operation: &&Operation| !REQUESTS.iter().any(|(_, _, word, _)| *word == operation.word());
    let unseen: Vec<_> = Operation::ALL.iter().filter(unseen).map(Operation::word).collect();
    assert_eq!(unseen, ["memberships-set", "members-set", "members-remove"], "rows whose body decides");
}

#[test]
fn the_body_of_a_patch_decides() {
    let members = "/v2/objects/s/channels/a/uuids";
    let memberships = "/v2/objects/s/uuids/u/channels";
    for (path, body, word, touched) in [
        (
            memberships,
            r#"{"set":[{"channel":{"id":"a"},"custom":{"x":[1]},"status":"s","type":null},{"channel":{"id":"b"}}]}"#,
            "memberships-set",
            "uu:u ca:j cb:j",
        ),
        (memberships, r#"{"set":["a"],"delete":[{"channel":{"id":"b"}}]}"#, "memberships-set", "uu:u ca:j cb:j"),
        (
            memberships,
            r#"{"add":[{"id":"a"}],"update":[{"id":"b"}],"remove":["c"]}"#,
            "memberships-set",
            "uu:u ca:j cb:j cc:j",
        ),
        (memberships, "{}", "memberships-set", "uu:u"),
        (members, r#"{"set":[{"uuid":{"id":"x"}}]}"#, "members-set", "ca:m"),
        (members, r#"{"set":["x"],"delete":[{"uuid":{"id":"y"}}]}"#, "members-set", "ca:m"),
        (members, r#"{"delete":[{"uuid":{"id":"y"}}]}"#, "members-remove", "ca:m"),
        (members, r#"{"remove":["y"]}"#, "members-remove", "ca:m"),
    ] {
        let Wants::Body(unread) = recognise("PATCH", path, "").unwrap().wants else { panic!("{path}") };
        let intent = unread.with_body(body.as_bytes()).unwrap();
        assert_eq!((intent.operation().word(), shown(&intent).as_str()), (word, touched), "{body}");
    }
}

#[test]
fn what_the_client_shows_is_decoded_and_kept_out_of_the_debug_text() {
    let query = "auth=very%2Dsecret%3D&uuid=%C5%BB&timestamp=1&signature=v2.x&pnsdk=a&pnsdk=b";
    let read = recognise("GET", "/publish/pub/sub-c-1/0/a/0/1", query).unwrap();
    assert_eq!((read.auth.as_deref(), read.uuid.as_deref()), (Some("very-secret="), Some("Ż")));
    assert_eq!(read.publish_key.as_ref().map(|key| key.as_str()), Some("pub"));
    assert!(!format!("{read:?}").contains("very-secret"));
    let empty = recognise("GET", "/time/0", "auth=&uuid=").unwrap();
    assert_eq!((empty.auth, empty.uuid), (None, None));
}

#[test]
fn an_intent_without_a_request_has_the_same_needs() {
    let named =
        |text: &str| -> Vec<ResourceName> { text.split_whitespace().map(|name| name.parse().unwrap()).collect() };
    let missing = |operation, kind| Err(Misfit::Missing { operation, kind });
    let idle = |operation, kind| Err(Misfit::Idle { operation, kind });
    for (word, channels, groups, uuids, expected) in [
        ("publish", "a", "", "", Ok("ca:w")),
        ("publish", "", "", "", missing("publish", ResourceKind::Channel)),
        ("publish", "a", "g", "", idle("publish", ResourceKind::Group)),
        ("subscribe", "a b", "g", "", Ok("ca:r cb:r gg:r")),
        ("subscribe", "", "g", "", Ok("gg:r")),
        ("subscribe", "", "", "", missing("subscribe", ResourceKind::Channel)),
        ("here-now", "", "", "", missing("here-now", ResourceKind::Channel)),
        ("push-channels", "", "", "", missing("push-channels", ResourceKind::Channel)),
        ("history", "", "", "", missing("history", ResourceKind::Channel)),
        ("leave", "a", "", "", idle("leave", ResourceKind::Channel)),
        ("memberships-set", "a", "", "u", Ok("ca:j uu:u")),
        ("memberships-set", "a", "", "", missing("memberships-set", ResourceKind::Uuid)),
        ("here-now-global", "", "", "", Ok("")),
    ] {
        let names = Names { channels: named(channels), groups: named(groups), uuids: named(uuids) };
        let intent = Operation::named(word).unwrap().intent(names).map(|intent| shown(&intent));
        assert_eq!(intent, expected.map(str::to_owned), "{word}");
    }
    let many = Names { channels: vec!["a".parse().unwrap(); 2_001], ..Names::default() };
    assert!(matches!(Operation::named("subscribe").unwrap().intent(many), Err(Misfit::TooMany { .. })));
}

fn shown(intent: &Intent) -> String {
    let resources = intent.resources().iter();
    let shown = resources.map(|resource| {
        let kind = resource.kind.name().chars().next().unwrap();
        format!("{kind}{}:{}", resource.name, resource.permission.flag())
    });
    shown.collect::<Vec<_>>().join(" ")
}
