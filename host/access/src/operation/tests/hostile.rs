//! Requests that two servers might read differently, and requests that are no operation.

use proptest::prelude::*;

use super::super::*;

#[test]
fn what_is_no_operation_is_unknown() {
    for (method, path) in [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "time/0"),
        ("GET", "/time/0/"),
        ("POST", "/time/0"),
        ("get", "/time/0"),
        ("HEAD", "/v2/subscribe/s/a/0"),
        ("GET", "//v2/subscribe/s/a/0"),
        ("GET", "/v2/subscrib%65/s/a/0"),
        ("GET", "/v2/subscribe/s/a/0/more"),
        ("GET", "/v2/subscribe/s//0"),
        ("GET", "/v2/subscribe/s/a"),
        ("GET", "/publish/p/s/0/a/0"),
        ("GET", "/publish/p/s/0/a/0/"),
        ("GET", "/publish/p/s/1/a/0/m"),
        ("POST", "/publish/p/s/0/a/0/m"),
        ("PUT", "/v2/objects/s/uuids/u"),
        ("GET", "/v2/presence/SUB-KEY/s"),
        ("GET", "/v3/pam/s/grant"),
        ("GET", "/v2/objects/s/spaces"),
    ] {
        assert_eq!(recognise(method, path, "").unwrap_err(), Unrecognised::Unknown, "{method} {path}");
    }
}

const SEMICOLON: &str = "the request holds a bare `;`; `%3B` is one in a name";
const DECODED: &str = "the path means something else once it is decoded";

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for (path, query, expected) in [
        ("/v2/subscribe/s/a%2Cb/0", "", "the name `a,b` holds a comma"),
        ("/v2/subscribe/s/%2C/0", "", "the name `,` holds a comma"),
        ("/v2/subscribe/s/a%00/0", "", "the request holds a control character"),
        ("/v2/subscribe/s/a%0A/0", "", "the request holds a control character"),
        ("/v2/subscribe/s/a%C2%85/0", "", "the request holds a control character"),
        ("/publish/p/s/0/a/0/m%00", "", "the request holds a control character"),
        ("/v2/subscribe/s/a,,b/0", "", "the name is empty"),
        ("/v2/subscribe/s/a,/0", "", "the name is empty"),
        ("/v2/subscribe/s/,,/0", "", "the name is empty"),
        ("/v3/history/sub-key/s/channel/,", "", "the request names no channel"),
        ("/v2/subscribe/s/../0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/%2e%2E/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/.%2e/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/./0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/a/0/../../b/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/a%2F..%2Fb/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/a%2F%2e%5Cb/0", "", "the path holds a `.` or `..` segment"),
        ("/v1/files/s/channels/a/files/1/..%2Fsecret", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x/../../../b/0/m", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/%2e%2e/b/0/m", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/..;/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/.;a=b/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/%2e.%3B/0", "", "the path holds a `.` or `..` segment"),
        ("/v2/subscribe/s/a%2F..;%2Fb/0", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x/..;/b", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x%2F..%2F..%2F..%2Fsecret%2F0%2F1", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x%2F%2F..%2F../y", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x%2F..;%2F..;%2Fy", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x%5C..%5C..%5Cy", "", "the path holds a `.` or `..` segment"),
        ("/publish/p/s/0/a/0/x%5Cy%2F..%2F..%2Fz", "", "the path holds a `.` or `..` segment"),
        ("/signal/p/s/0/a/0/%2F..%2Fx", "", "the path holds a `.` or `..` segment"),
        ("/v1/files/publish-file/p/s/0/a/0/1%2F..%2F..", "", "the path holds a `.` or `..` segment"),
        ("/v2/presence/sub-key/s/channel/a%2Fuuid/leave", "", DECODED),
        ("/v2/presence/sub-key/s/channel/%2Fa%2Fuuid/leave", "", DECODED),
        ("/v2/presence/sub-key/s/channel/a%2Fleave", "", DECODED),
        ("/v1/push/sub-key/s/devices/d%2Fremove", "", DECODED),
        ("/publish/p/s/0/a%2Fb/0/m", "", DECODED),
        ("/publish/p/s/0/%2Fa/0/m", "", DECODED),
        ("/v1/channel-registration/sub-key/s/channel-group/g%2Fremove", "", DECODED),
        ("/v2/objects/s/channels/a%2Fuuids", "", DECODED),
        ("/v2/presence/sub-key/s/channel/a%2Cb,,/leave", "", "the name `a,b` holds a comma"),
        ("/v2/presence/sub-key/s/channel/a,,/leave", "", "the name is empty"),
        ("/v2/presence/sub-key/s/uuid/u%2Cv", "", "the name `u,v` holds a comma"),
        ("/v2/presence/sub-key/s/channel/a/uuid/u%2Cv", "", "the name `u,v` holds a comma"),
        ("/v1/push/sub-key/s/devices/d%2Ce", "", "the name `d,e` holds a comma"),
        ("/v2/subscribe/s/,/0", "channel-group=&heartbeat=300", "the request names no channel"),
        ("/v2/presence/sub-key/s/channel/,/heartbeat", "", "the request names no channel"),
        ("/v2/presence/sub-key/s/channel/,", "", "the request names no channel"),
        ("/v2/presence/sub-key/s/channel/,/uuid/u", "", "the request names no channel"),
        ("/v2/presence/sub-key/s/channel/,/uuid/u/data", "", "the request names no channel"),
        ("/v1/push/sub-key/s/devices/d", "add=", "the request names no channel"),
        ("/v2/subscribe/s/a%5Cb/0", "", "the request holds a backslash"),
        ("/v2/subscribe/s/a\\b/0", "", "the request holds a backslash"),
        ("/v2/subscribe/s/a/0\\..\\b", "", "the request holds a backslash"),
        ("/publish/p/s/0/a/0/m\\n", "", "the request holds a backslash"),
        ("/v2/presence/sub-key/s/uuid/u%5cv", "", "the request holds a backslash"),
        ("/v2/subscribe/s/a/0", "channel-group=g%5Ch", "the request holds a backslash"),
        ("/v2/subscribe/s/a;b/0", "", SEMICOLON),
        ("/v2/subscribe/s/a%3Bb;/0", "", SEMICOLON),
        ("/publish/p/s/0/a;b/0/m;n", "", SEMICOLON),
        ("/v2/presence/sub-key/s/uuid/u;v", "", SEMICOLON),
        ("/v1/push/sub-key/s/devices/d;e", "", SEMICOLON),
        ("/v2/subscribe/s/a/0;x", "", SEMICOLON),
        ("/v2/subscribe/s/a/0", "channel-group=g;h", SEMICOLON),
        ("/v2/subscribe/s/a/0", "auth=k;x=1", SEMICOLON),
        ("/v2/subscribe/s/a/0", "uuid=u;", SEMICOLON),
        ("/v1/push/sub-key/s/devices/d", "add=a;b", SEMICOLON),
        ("/v2/subscribe/s/a%zz/0", "", "the request holds a malformed percent escape"),
        ("/v2/subscribe/s/a%2/0", "", "the request holds a malformed percent escape"),
        ("/v2/subscribe/s/a%/0", "", "the request holds a malformed percent escape"),
        ("/v2/subscribe/s/a%FF/0", "", "the request holds a malformed percent escape"),
        ("/v2/subscribe/s%20/a/0", "", "the subscribe key is malformed"),
        ("/publish/p%20/s/0/a/0/m", "", "the publish key is malformed"),
        ("/v2/subscribe/s/a/0", "auth=1&auth=2", "the parameter `auth` is repeated"),
        ("/v2/subscribe/s/a/0", "uuid=1&uuid=1", "the parameter `uuid` is repeated"),
        ("/v2/subscribe/s/a/0", "channel-group=g&channel-group=h", "the parameter `channel-group` is repeated"),
        ("/v2/subscribe/s/a/0", "signature=v2.a&signature=v2.b", "the parameter `signature` is repeated"),
        ("/v2/subscribe/s/a/0", "timestamp=1&timestamp=1", "the parameter `timestamp` is repeated"),
        ("/v1/push/sub-key/s/devices/d", "add=a&add=b", "the parameter `add` is repeated"),
        ("/v1/push/sub-key/s/devices/d", "remove&remove=b", "the parameter `remove` is repeated"),
        ("/v2/subscribe/s/a/0", "%61uth=1", "the parameter `auth` is not written plainly"),
        ("/v2/subscribe/s/a/0", "auth=1&channel%2Dgroup=g", "the parameter `channel-group` is not written plainly"),
        ("/v2/subscribe/s/a/0", "r=1;channel-group=g", "the parameter `channel-group` is not written plainly"),
        ("/v2/subscribe/s/a/0", "Auth=1", "the parameter `auth` is not written plainly"),
        ("/v2/subscribe/s/a/0", "auth=1&+UUID+=2", "the parameter `uuid` is not written plainly"),
        ("/v2/subscribe/s/a/0", "%20signature=v2.x", "the parameter `signature` is not written plainly"),
        ("/v2/subscribe/s/a/0", "timestamp%00=1", "the parameter `timestamp` is not written plainly"),
        ("/v2/subscribe/s/a/0", "channel-group[]=g", "the parameter `channel-group` is not written plainly"),
        ("/v2/subscribe/s/a/0", "channel-group%5B0%5D=g", "the parameter `channel-group` is not written plainly"),
        ("/v2/subscribe/s/a/0", "auth;x=1", "the parameter `auth` is not written plainly"),
        ("/v1/push/sub-key/s/devices/d", "Add=a", "the parameter `add` is not written plainly"),
        ("/v1/push/sub-key/s/devices/d", "x;REMOVE[]=a", "the parameter `remove` is not written plainly"),
        ("/v2/subscribe/s/a/0", "channel-group=g,,h", "the name is empty"),
        ("/v2/subscribe/s/a/0", "channel-group=,", "the name is empty"),
        ("/v2/subscribe/s/a/0", "channel-group=g%00", "the name `g\\0` holds a control character"),
        ("/v2/subscribe/s/a/0", "channel-group=%zz", "the request holds a malformed percent escape"),
        ("/v2/subscribe/s/a/0", "auth=k%0a", "the request holds a control character"),
        ("/v2/subscribe/s/a/0", "uuid=%ff", "the request holds a malformed percent escape"),
    ] {
        let refused = recognise("GET", path, query).expect_err(path);
        assert!(matches!(refused, Unrecognised::Refused(_)), "{path}?{query}: {refused}");
        assert_eq!(refused.to_string(), expected, "{path}?{query}");
    }
}

#[test]
fn a_semicolon_is_let_through_where_it_names_nothing_or_is_encoded() {
    for (path, query) in [
        ("/v2/subscribe/s/a%3Bb/0", "channel-group=g%3Bh&uuid=u%3bv"),
        ("/publish/p/s/0/a/0/m;n", ""),
        ("/v2/subscribe/s/a/0", "filter-expr=a;b"),
    ] {
        assert!(recognise("GET", path, query).is_ok(), "{path}?{query}");
    }
}

#[test]
fn lists_end_at_the_most_names_of_a_request() {
    let most = Intent::MOST_NAMES;
    for (channels, groups, fits) in [(most, 0, true), (most + 1, 0, false), (1, most - 1, true), (1, most, false)] {
        let path = format!("/v2/subscribe/s/{}/0", vec!["a"; channels].join(","));
        let query = format!("channel-group={}", vec!["g"; groups].join(","));
        let read = recognise("GET", &path, &query);
        assert_eq!(read.err(), (!fits).then_some(Refusal::TooManyNames.into()), "{channels} {groups}");
    }
}

/// What `path::readings` relies on.
#[test]
fn no_row_has_a_word_where_another_has_a_name() {
    let templates: Vec<&str> = Operation::ALL.iter().flat_map(|operation| operation.paths()).copied().collect();
    let is_name = |part: &str| part.starts_with('{');
    let meet = |one: &str, other: &str| {
        let mut pairs = one.split('/').zip(other.split('/'));
        let ends_in_message = [one, other].into_iter().any(|template| template.ends_with("{message}"));
        let reaches_end = one.split('/').count() == other.split('/').count() || ends_in_message;
        reaches_end && pairs.all(|(one, other)| one == other || is_name(one) || is_name(other))
    };
    for one in &templates {
        for other in templates.iter().filter(|other| meet(one, other)) {
            for (name, word) in one.split('/').zip(other.split('/')) {
                assert!(!is_name(name) || is_name(word), "{one} has a name where {other} has `{word}`");
            }
        }
    }
}

#[test]
fn a_body_that_does_not_say_whom_it_is_about_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        r#"[["a"]]"#,
        r#"{"set":"a"}"#,
        r#"{"set":[{}]}"#,
        r#"{"set":[{"channel":"a"}]}"#,
        r#"{"set":[{"channel":{"name":"a"}}]}"#,
        r#"{"set":[1]}"#,
        r#"{"set":["a"],"set":["b"]}"#,
        r#"{"set":[{"channel":{"id":"a"},"channel":{"id":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a","id":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a"},"Channel":{"id":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a"}," channel":{"id":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a"},"channel\u0000":{"id":"b"}}]}"#,
        r#"{"delete":[{"uuid":{"id":"a"},"UUID":{"id":"b"}}]}"#,
        r#"{"set":[{"id":"a","ID":"b"}]}"#,
        r#"{"set":[{"channel":{"id":"a"},"name":"b"}]}"#,
        r#"{"set":[{"channel":{"id":"a","ID":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a","id\u0000":"b"}}]}"#,
        r#"{"set":[{"channel":{"id":"a","custom":{}}}]}"#,
        r#"{"set":[{"channel":["a"]}]}"#,
        r#"{"set":[["a"]]}"#,
        r#"{"set":[[{"id":"a"}]]}"#,
        r#"{"set":[{"channel":null}]}"#,
        r#"{"set":[{"channel":{"id":"a"},"custom":1,"custom":2}]}"#,
        r#"{"Set":["a"]}"#,
        r#"{"set":["a"]} {}"#,
        r#"{"set":["a,b"]}"#,
        r#"{"set":[""]}"#,
        "{\"set\":[\"a\\u0000\"]}",
        r#"{"set":["a\\b"]}"#,
    ] {
        let Wants::Body(unread) = recognise("PATCH", "/v2/objects/s/uuids/u/channels", "").unwrap().wants else {
            panic!("the body is not awaited")
        };
        assert!(matches!(unread.with_body(body.as_bytes()), Err(Unrecognised::Refused(_))), "{body}");
    }
}

proptest! {
    #[test]
    fn anything_is_recognised_or_not(path in "\\PC{0,80}", query in "\\PC{0,80}") {
        let _ = recognise("GET", &path, &query);
    }

    #[test]
    fn a_plain_path_holds_nothing_that_is_refused(path in prop_oneof!["/[!-$&-:<-\\[\\]-~]{0,40}", "(/[.a]{0,3}){0,6}"]) {
        prop_assume!(path::is_plain(&path) && !path::climbs(&path));
        for template in Operation::ALL.iter().flat_map(|operation| operation.paths()) {
            prop_assert_eq!(path::check_segments(template, &path), Ok(()), "{} {}", template, path);
        }
        prop_assert_eq!(path::readings(&path), Ok(Vec::new()));
    }

    #[test]
    fn a_plain_pair_hides_nothing(name in "[-a-z0-9_.]{0,12}|auth|add", value in "[^;]{0,20}") {
        let watched = ["auth", "uuid", "channel-group", "add"];
        prop_assert_eq!(query::disguised((&name, &value), &watched), None);
    }

    #[test]
    fn dots_are_found_however_they_are_written(path in prop_oneof![pieces(), "(/?(%2e|%2E|\\.|;|%3b|a|%)){0,8}"]) {
        let decoded = |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let is_dots = |segment: &str| matches!(decoded(segment).split(';').next(), Some("." | ".."));
        prop_assert_eq!(path::climbs(&path), path.split('/').any(is_dots), "{}", path);
    }

    /// Pieces of paths put together anyhow, so that many of them are operations.
    #[test]
    fn a_decoded_path_is_the_same_operation_or_none(path in pieces()) {
        let (Ok(read), Ok(decoded)) = (recognise("GET", &path, ""), path::decoded(&path)) else { return Ok(()) };
        prop_assume!(!decoded.contains('%'));
        let Ok(reread) = recognise("GET", &decoded, "") else { return Ok(()) };
        prop_assert_eq!(read.wants, reread.wants, "{}", path);
        prop_assert_eq!(read.subscribe_key, reread.subscribe_key);
    }

    #[test]
    fn a_name_is_what_was_encoded(names in prop::collection::vec("[^\\p{Cc}\\p{Zl}\\p{Zp},\\\\]{1,12}", 1..5)) {
        let climbs = |name: &String| name.split('/').any(|part| matches!(part.split(';').next(), Some("." | "..")));
        let all = names.join(",");
        prop_assume!(!names.iter().any(climbs) && !all.starts_with('/') && !all.ends_with('/'));
        let encoded: Vec<String> =
            names.iter().map(|name| crate::signature::canonical::encoded(name.as_bytes())).collect();
        let read = recognise("GET", &format!("/v2/subscribe/s/{}/0", encoded.join(",")), "").unwrap();
        let Wants::Ready(intent) = read.wants else { panic!("no body is awaited") };
        let read: Vec<&str> = intent.resources().iter().map(|resource| resource.name.as_str()).collect();
        prop_assert_eq!(read, names);
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let head = prop::sample::select(vec![
        "/v2/presence/sub-key/s/channel/",
        "/publish/p/s/0/",
        "/v2/subscribe/s/",
        "/v1/push/sub-key/s/devices/",
        "/v2/objects/s/channels/",
        "/v1/channel-registration/sub-key/s/channel-group/",
        "/v1/files/s/channels/",
    ]);
    let piece = prop::sample::select(vec![
        "a",
        "0",
        ",",
        "/",
        "%2F",
        "%2C",
        "%2e",
        ".",
        ";",
        "%3b",
        "%5C",
        "/leave",
        "%2Fleave",
        "/uuid",
        "%2Fuuid",
        "/u",
        "/remove",
        "%2Fremove",
        "/files",
        "%2Ffiles",
    ]);
    (head, prop::collection::vec(piece, 1..8)).prop_map(|(head, pieces)| format!("{head}{}", pieces.concat()))
}
