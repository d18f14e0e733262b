//! Clients that speak HTTP badly, slowly or too often; none of them keeps the server from the next one.

use usher_tests::{Bed, Settings, guest};

const PATH: &str = "/v1/blocks/sub-key/sub-c-test/echo";

async fn bed(config: &str) -> Bed {
    let bed = Bed::with(Settings { config: config.to_owned(), ..Settings::default() }).await;
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    bed
}

/// Writes a request and expects an answer that begins so, or none; and then a server that still answers.
async fn check(bed: &Bed, request: &str, expected: &str) {
    let answer = bed.raw(request.as_bytes()).await;
    let shown: String = request.chars().take(200).collect();
    assert!(answer.starts_with(expected), "{shown:?}: {answer}");
    assert_eq!(answer.is_empty(), expected.is_empty(), "{shown:?}: {answer}");
    assert_eq!(bed.get("echo").await.status, 200, "after {shown:?}");
}

#[tokio::test]
async fn what_is_no_http_is_answered_once_and_hung_up_on() {
    let bed = bed("").await;
    let headers: String = (0..65).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(1 << 20));
    for (request, expected) in [
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("\u{16}\u{3}\u{1}\u{0}\u{a5}\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        (format!("GET {PATH} HTTP/9.9\r\n\r\n"), "HTTP/1.1 400 "),
        (format!("GET {PATH} HTTP/1.1\r\nbad header\r\n\r\n"), "HTTP/1.1 400 "),
        (format!("GET {PATH} HTTP/1.1\r\n{headers}\r\n"), "HTTP/1.1 431 "),
        (format!("GET {PATH} HTTP/1.1\r\n{long}\r\n"), "HTTP/1.1 431 "),
        (format!("GET {PATH}?{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)), "HTTP/1.1 414 "),
    ] {
        check(&bed, &request, expected).await;
    }
}

#[tokio::test]
async fn a_body_has_one_length() {
    let bed = bed("").await;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: usher\r\nconnection: close\r\n");
    for (rest, expected) in [
        ("content-length: 2\r\ncontent-length: 3\r\n\r\nabc", "HTTP/1.1 400 "),
        ("content-length: -1\r\n\r\n", "HTTP/1.1 400 "),
        ("content-length: 1x\r\n\r\na", "HTTP/1.1 400 "),
        ("transfer-encoding: gzip\r\n\r\n", "HTTP/1.1 400 "),
        ("transfer-encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 "),
        ("content-length: 2\r\n\r\nok", "HTTP/1.1 200 "),
        ("transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 "),
    ] {
        check(&bed, &format!("{head}{rest}"), expected).await;
    }
}

#[tokio::test]
async fn a_head_or_body_that_does_not_arrive_in_time_is_not_waited_for() {
    let bed = bed("header_time = \"200ms\"\nbody_time = \"200ms\"\n").await;
    check(&bed, &format!("GET {PATH} HTTP/1.1\r\nhost: us"), "").await;
    let waiting = format!("POST {PATH} HTTP/1.1\r\nhost: usher\r\nconnection: close\r\ncontent-length: 10\r\n\r\nhalf");
    check(&bed, &waiting, "HTTP/1.1 408 ").await;
    let answer = bed.raw(waiting.as_bytes()).await;
    assert!(answer.contains("access-control-allow-origin: *") && answer.contains("request.timed-out"), "{answer}");
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let bed = bed("[limits]\nper_address = 1\n").await;
    let mut answer = bed.get("echo").await;
    for _ in 0..100 {
        if answer.status != 200 {
            break;
        }
        answer = bed.get("echo").await;
    }
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (429, Some("*")), "{}", answer.body);
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(answer.json()["code"], "request.rate-limited");
}

#[tokio::test]
async fn a_function_reads_the_request_decoded_and_in_order() {
    let bed = bed("").await;
    let request =
        bed.http().post(bed.url("echo?a=%23b+c&a=2&d")).header("X-Mixed-Case", "kept").header("x-bytes", &b"\xff"[..]);
    let seen = bed.send(request.body("text")).await.json();
    assert_eq!(seen["query"], serde_json::json!([["a", "#b c"], ["a", "2"], ["d", ""]]));
    assert_eq!([&seen["method"], &seen["path"], &seen["body"]], ["POST", "echo", "text"]);
    assert_eq!([&seen["subscribeKey"], &seen["clientIp"]], ["sub-c-test", "127.0.0.1"]);
    let headers = seen["headers"].to_string();
    assert!(headers.contains(r#"["x-mixed-case","kept"]"#) && !headers.contains("x-bytes"), "{headers}");
}
