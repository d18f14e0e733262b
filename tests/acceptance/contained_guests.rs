//! Functions that misbehave are contained: the right status for the client, the right blame for the operator, and a server that goes on.

use usher_tests::{Bed, Log, Settings, Webhook, guest};

fn manifest(name: &str, capabilities: &str, rest: &str) -> String {
    format!(
        "name = \"{name}\"\npaths = [\"{name}\"]\ncapabilities = [{capabilities}]\n{rest}\n[[authentication]]\nkind = \"none\"\n"
    )
}

async fn deploy(bed: &Bed, name: &str, capabilities: &str, rest: &str) {
    let deployed = bed.deploy(&manifest(name, capabilities, rest), guest(name)).await;
    deployed.unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Deploys a guest, asks it once with each query, and expects faults of the guest that its neighbour does not feel.
async fn check(name: &str, queries: &[&str], limits: &str, (status, kind): (u16, &str)) {
    let bed = Bed::start().await;
    deploy(&bed, "echo", "", "").await;
    deploy(&bed, name, "", &format!("[limits]\n{limits}")).await;
    for query in queries {
        let answer = bed.get(&format!("{name}?{query}")).await;
        assert_eq!(answer.status, status, "{name}?{query}: {}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{name}?{query}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}?{query}");
        let (problem, id) = (answer.json(), answer.header("x-request-id").unwrap());
        assert_eq!(problem["decision_id"], id, "{name}?{query}");
        let logged = Log::lines_with(id);
        assert!(logged.iter().any(|line| line.contains("function fault") && line.contains(kind)), "{name}: {logged:?}");
        assert_eq!(bed.get("echo").await.status, 200, "the neighbour of {name}?{query}");
    }
    let counted = format!("usher_faults_total{{blame=\"guest\",kind=\"{kind}\"}} {}\n", queries.len());
    let metrics = bed.metrics().await;
    assert!(metrics.contains(&counted), "{name}: {metrics}");
}

#[tokio::test]
async fn an_endless_loop_is_ended_at_its_time_limit() {
    check("endless-loop", &[""], "time = \"100ms\"", (504, "timed-out")).await;
}

#[tokio::test]
async fn a_memory_hog_meets_its_memory_limit() {
    check("memory-hog", &[""], "memory = \"4MiB\"", (500, "out-of-memory")).await;
}

#[tokio::test]
async fn a_deep_recursion_ends_at_the_end_of_its_stack() {
    check("deep-recursion", &[""], "", (500, "stack-exhausted")).await;
}

#[tokio::test]
async fn a_trap_is_a_refusal() {
    check("trap", &[""], "", (500, "trapped")).await;
}

#[tokio::test]
async fn a_huge_reply_is_a_refusal() {
    check("huge-reply", &["bytes=2000000", "bytes=1048576"], "", (500, "reply-too-large")).await;
    check("huge-reply", &["bytes=1000000000"], "", (500, "out-of-memory")).await;
}

#[tokio::test]
async fn a_status_that_is_none_is_a_refusal() {
    let statuses = ["0", "99", "100", "101", "199", "600", "9999", "65535"].map(|status| format!("status={status}"));
    check("bad-status", &statuses.each_ref().map(String::as_str), "", (500, "bad-reply")).await;
}

#[tokio::test]
async fn a_header_that_is_none_or_that_frames_the_answer_is_a_refusal() {
    let kinds = ["kind=split", "kind=name", "kind=empty", "kind=length", "kind=encoding", "kind=upgrade"];
    check("bad-header", &kinds, "", (500, "bad-reply")).await;
}

#[tokio::test]
async fn an_error_is_the_operators_to_read_and_never_the_clients() {
    check("fault", &[""], "", (500, "failed")).await;

    let bed = Bed::start().await;
    deploy(&bed, "fault", "", "").await;
    let answer = bed.get("fault").await;
    assert!(!answer.body.contains("operator's eyes"), "{}", answer.body);
    let logged = Log::lines_with(answer.header("x-request-id").unwrap());
    assert!(logged.iter().any(|line| line.contains("the operator's eyes only")), "{logged:?}");
}

#[tokio::test]
async fn a_table_grows_up_to_its_limit() {
    let bed = Bed::start().await;
    deploy(&bed, "table-growth", "", "").await;
    let answer = bed.get("table-growth").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "refused"));
}

#[tokio::test]
async fn each_class_of_host_calls_has_its_own_budget() {
    let bed = Bed::start().await;
    let webhook = Webhook::answering(200, "{}").await;
    bed.set_secret("secret", "value").await;
    let capabilities = r#""access", "config", "groups", "http", "identity", "kv", "log", "vault""#;
    let hosts = format!("hosts = [\"{}\"]\nsecrets = [\"secret\"]", webhook.address());
    let ceiling =
        "[[ceiling.allow]]\nchannels = [\"c\"]\ngroups = [\"group\"]\nauth = \"everyone\"\npermissions = [\"read\"]";
    deploy(&bed, "too-many-host-calls", capabilities, &format!("{hosts}\n[limits]\ntime = \"10s\"\n{ceiling}")).await;
    for (call, expected) in [
        ("kv", "32 "),
        ("access", "16 "),
        ("groups", "16 "),
        ("http", "5 "),
        ("identity", "2 "),
        // A reveal is two calls: `open`, then `reveal`.
        ("vault", "5 "),
        // Neither says no: configuration costs nothing, and lines beyond the budget are dropped.
        ("config", "100000"),
        ("log", "100000"),
    ] {
        let answer = bed.get(&format!("too-many-host-calls?call={call}&url={}", webhook.url("/"))).await;
        assert_eq!(answer.status, 200, "{call}: {}", answer.body);
        assert!(answer.body.starts_with(expected), "{call}: {}", answer.body);
    }
    assert_eq!(webhook.received().len(), 5);
}

#[tokio::test]
async fn a_reveal_beyond_the_budget_ends_the_invocation() {
    let bed = Bed::start().await;
    bed.set_secret("secret", "value").await;
    let capabilities = r#""access", "config", "groups", "http", "identity", "kv", "log", "vault""#;
    let rest = "secrets = [\"secret\"]\n[limits]\nvault_calls = 1";
    deploy(&bed, "too-many-host-calls", capabilities, rest).await;
    let answer = bed.get("too-many-host-calls?call=vault").await;
    assert_eq!(answer.status, 500, "{}", answer.body);
}

#[tokio::test]
async fn a_slow_outbound_call_ends_before_its_function_does() {
    let bed = Bed::start().await;
    let silent = Webhook::silent().await;
    let hosts = format!("hosts = [\"{}\"]\n[limits]\ntime = \"500ms\"", silent.address());
    deploy(&bed, "slow-outbound-call", "\"http\"", &hosts).await;
    for timeout in ["", "&timeout_ms=50", "&timeout_ms=60000"] {
        let answer = bed.get(&format!("slow-outbound-call?url={}{timeout}", silent.url("/"))).await;
        assert_eq!((answer.status, answer.body.contains("TimedOut")), (502, true), "{timeout}: {}", answer.body);
    }
}

#[tokio::test]
async fn without_a_free_sandbox_a_request_is_told_when_to_come_back() {
    let config = "[engine]\nconcurrency = 1\nqueue_time = \"10ms\"\n".to_owned();
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    let holding = Webhook::holding(200, "{}").await;
    let hosts = format!("hosts = [\"{}\"]\n[limits]\ntime = \"20s\"", holding.address());
    deploy(&bed, "slow-outbound-call", "\"http\"", &hosts).await;
    deploy(&bed, "echo", "", "").await;

    let (url, held) = (format!("slow-outbound-call?url={}", holding.url("/")), holding.until_received(1));
    let (slow, ()) = tokio::join!(bed.get(&url), async {
        held.await;
        let refused = bed.get("echo").await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.body);
        assert_eq!(refused.json()["code"], "server.overloaded");
        holding.release();
    });

    assert_eq!(slow.status, 200, "{}", slow.body);
    assert_eq!(bed.get("echo").await.status, 200);
    assert!(bed.metrics().await.contains("usher_faults_total{blame=\"host\",kind=\"overloaded\"} 1"));
}

/// A deployment's name, capabilities, more of its manifest, and component.
type Deployment<'a> = (&'a str, &'a str, &'a str, Vec<u8>);

/// Expects a deployment to be refused with this code and a text that has each of `parts`.
async fn refused(bed: &Bed, (name, capabilities, rest, component): Deployment<'_>, (code, parts): (&str, &[&str])) {
    let error = bed.deploy(&manifest(name, capabilities, rest), component).await.expect_err(name);
    let usher_server::CallError::Refused { status, code: said, detail } = error else { panic!("{name}: {error}") };
    assert_eq!((status, said.as_str()), (422, code), "{name}: {detail}");
    for part in parts {
        assert!(detail.contains(part), "{name}: {detail}");
    }
    assert_eq!(bed.get(name).await.status, 404, "{name}");
}

#[tokio::test]
async fn a_component_that_may_not_run_is_refused_at_deploy_with_what_to_do() {
    let bed = Bed::start().await;
    for (name, limits, component, expected) in [
        ("wrong-world", "", guest("wrong-world"), ("component.imports", &["usher:function/on-request"][..])),
        (
            "forbidden-import",
            "",
            guest("forbidden-import"),
            ("component.imports", &["`test:forbidden/door`", "not offer"]),
        ),
        ("no-wasm", "", b"hello".to_vec(), ("component.invalid", &["not a component", "usher-sdk"])),
        ("no-bytes", "", Vec::new(), ("component.missing", &["component"])),
        ("cut-off", "", guest("echo")[..1_000].to_vec(), ("component.invalid", &["not a component", "usher-sdk"])),
        (
            "greedy",
            "memory = \"1GiB\"",
            guest("echo"),
            ("component.imports", &["`limits.memory`", "67108864 at the most"]),
        ),
    ] {
        refused(&bed, (name, "", &format!("[limits]\n{limits}"), component), expected).await;
    }
}

#[tokio::test]
async fn each_capability_is_asked_for_by_name() {
    let bed = Bed::start().await;
    let all = ["vault", "http", "access", "groups", "kv", "identity", "config", "log", "clock", "random"];
    for missing in all {
        let listed: Vec<String> = all.iter().filter(|word| **word != missing).map(|word| format!("{word:?}")).collect();
        let what_to_do = format!("add \"{missing}\" to `capabilities`");
        let expected = ("component.imports", &[what_to_do.as_str()][..]);
        refused(&bed, ("every-capability", &listed.join(", "), "", guest("every-capability")), expected).await;
    }
}
