//! `http`: calls reach the listed hosts and ports and nothing else, by whatever name, address or redirect they are asked for.

use usher_tests::{Answer, Bed, Certificate, Settings, Webhook, guest};

/// A server with the guest that calls a URL, allowed to call `hosts`.
async fn bed(hosts: &[String], roots: Vec<Vec<u8>>) -> Bed {
    let bed = Bed::with(Settings { roots, ..Settings::default() }).await;
    let manifest = format!(
        "name = \"call\"\npaths = [\"call\"]\ncapabilities = [\"http\"]\nhosts = {hosts:?}\n[limits]\ntime = \"5s\"\noutbound_calls = 5\n"
    );
    bed.deploy(&manifest, guest("slow-outbound-call")).await.unwrap_or_else(|error| panic!("{error}"));
    bed
}

async fn call(bed: &Bed, url: &str) -> Answer {
    let request = bed.http().get(bed.url("call")).query(&[("url", url)]);
    bed.send(request).await
}

/// What the guest says when a call is refused: 502, and the error's name.
fn refused(answer: &Answer, error: &str) -> bool {
    answer.status == 502 && answer.body.contains(error)
}

#[tokio::test]
async fn a_listed_host_and_port_is_called() {
    let webhook = Webhook::answering(201, "here").await;
    let port = webhook.address().port();
    for (listed, url) in [
        (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/path?a=1#fragment")),
        (format!("127.0.0.0/8:{port}"), format!("http://127.0.0.1:{port}/")),
        (format!("127.0.0.1:{port}"), format!("HTTP://127.1:{port}")),
        (format!("127.0.0.1:{port}"), format!("http://user:password@127.0.0.1:{port}/")),
    ] {
        let bed = bed(&[listed], Vec::new()).await;
        let answer = call(&bed, &url).await;
        assert_eq!((answer.status, answer.body.as_str()), (201, "here"), "{url}");
    }
    let received = webhook.received();
    assert_eq!(received[0].target, "/path?a=1");
    assert!(received[3].header("authorization").is_some_and(|value| value.starts_with("Basic ")), "{received:?}");
}

#[tokio::test]
async fn what_is_not_listed_is_not_called() {
    let webhook = Webhook::answering(200, "here").await;
    let other = Webhook::answering(200, "not here").await;
    let (port, elsewhere) = (webhook.address().port(), other.address().port());
    let bed = bed(&[format!("127.0.0.1:{port}"), "api.example.com".into()], Vec::new()).await;
    for url in [
        format!("http://127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("https://127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.1:{port}@127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.1:{elsewhere}\\@127.0.0.1:{port}/"),
        format!("http://2130706433:{elsewhere}/"),
        "http://127.0.0.1/".into(),
        "http://10.0.0.1/".into(),
        "http://172.16.0.1/".into(),
        "http://192.168.0.1/".into(),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://[fe80::1]/".into(),
        "http://[fd00::1]/".into(),
        "http://93.184.216.34/".into(),
        "http://example.com/".into(),
        "http://api.example.com:8080/".into(),
        "http://api.example.com.evil.example/".into(),
        "http://notapi.example.com/".into(),
        format!("ftp://127.0.0.1:{port}/"),
        "file:///etc/passwd".into(),
        "data:text/plain,hello".into(),
    ] {
        let answer = call(&bed, &url).await;
        assert!(refused(&answer, "NotAllowed"), "{url}: {} {}", answer.status, answer.body);
    }
    assert_eq!((webhook.received(), other.received()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn an_address_in_another_spelling_is_the_same_address() {
    let webhook = Webhook::answering(200, "here").await;
    let port = webhook.address().port();
    let bed = bed(&[format!("127.0.0.1:{port}")], Vec::new()).await;
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1"] {
        assert_eq!(call(&bed, &format!("http://{host}:{port}/")).await.body, "here", "{host}");
    }
}

#[tokio::test]
async fn a_listed_name_that_resolves_to_a_private_address_is_not_called() {
    let webhook = Webhook::answering(200, "here").await;
    let port = webhook.address().port();
    let url = format!("http://localhost:{port}/");

    let bed_of_name = bed(&[format!("localhost:{port}")], Vec::new()).await;
    let answer = call(&bed_of_name, &url).await;
    assert!(refused(&answer, "private, loopback or link-local"), "{}", answer.body);
    assert_eq!(webhook.received(), []);

    let bed_of_both = bed(&[format!("localhost:{port}"), "127.0.0.1".into()], Vec::new()).await;
    assert_eq!(call(&bed_of_both, &url).await.body, "here");
}

#[tokio::test]
async fn a_redirect_is_followed_to_listed_places_only() {
    let target = Webhook::answering(200, "arrived").await;
    let unlisted = Webhook::answering(200, "smuggled").await;
    for (location, expected) in [
        (target.url("/next"), Ok((200, "arrived"))),
        (unlisted.url("/next"), Err("NotAllowed")),
        ("http://169.254.169.254/".to_owned(), Err("NotAllowed")),
        (format!("http://localhost:{}/", target.address().port()), Err("NotAllowed")),
        ("file:///etc/passwd".to_owned(), Ok((302, ""))),
    ] {
        let next = location.clone();
        let first = Webhook::start(move |_| Some(Webhook::redirect(302, &next))).await;
        let bed = bed(&[first.address().to_string(), target.address().to_string()], Vec::new()).await;
        let answer = call(&bed, &first.url("/?token=t")).await;
        match expected {
            Ok(expected) => assert_eq!((answer.status, answer.body.as_str()), expected, "{location}"),
            Err(error) => assert!(refused(&answer, error), "{location}: {} {}", answer.status, answer.body),
        }
    }
    assert_eq!(unlisted.received(), []);
    let arrived = target.received();
    assert_eq!((arrived.len(), arrived[0].header("referer")), (1, None), "the first URL's query stays with its host");
}

#[tokio::test]
async fn redirects_end_somewhere() {
    let circle = Webhook::start(|_| Some(Webhook::redirect(302, "/again"))).await;
    let bed = bed(&[circle.address().to_string()], Vec::new()).await;
    let answer = call(&bed, &circle.url("/")).await;
    assert!(refused(&answer, "too many redirects"), "{}", answer.body);
    assert_eq!(circle.received().len(), 4);
}

#[tokio::test]
async fn a_certificate_counts_if_its_root_was_given_and_its_name_fits() {
    let (certificate, other) = (Certificate::of(&["127.0.0.1"]), Certificate::of(&["127.0.0.1"]));
    let misnamed = Certificate::of(&["api.example.com"]);
    for (shown, trusted, reached) in [
        (&certificate, vec![&certificate], true),
        (&certificate, vec![&other, &certificate], true),
        (&certificate, vec![], false),
        (&certificate, vec![&other], false),
        (&misnamed, vec![&misnamed], false),
    ] {
        let webhook = Webhook::secure(shown, |_| Some(Webhook::reply(200, "sealed"))).await;
        let roots = trusted.iter().map(|root| root.pem().as_bytes().to_vec()).collect();
        let bed = bed(&[webhook.address().to_string()], roots).await;
        let answer = call(&bed, &format!("https://{}/", webhook.address())).await;
        match reached {
            true => assert_eq!((answer.status, answer.body.as_str()), (200, "sealed")),
            false => assert!(refused(&answer, "Unreachable"), "{} {}", answer.status, answer.body),
        }
        assert_eq!(webhook.received().len(), usize::from(reached));
    }
}

#[tokio::test]
async fn what_is_no_url_is_an_error() {
    let bed = bed(&["127.0.0.1:9".into()], Vec::new()).await;
    for url in [
        "/path",
        "127.0.0.1:9/",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://a b/",
        "//127.0.0.1:9/",
        "\u{0}",
    ] {
        let answer = call(&bed, url).await;
        assert!(
            refused(&answer, "InvalidRequest") || refused(&answer, "NotAllowed"),
            "{url}: {} {}",
            answer.status,
            answer.body
        );
    }
    let bad_method =
        bed.http().get(bed.url("call")).query(&[("url", "http://127.0.0.1:9/"), ("method", "GET / HTTP/1.1\r\nx: y")]);
    let answer = bed.send(bad_method).await;
    assert!(refused(&answer, "InvalidRequest"), "{}", answer.body);
}
