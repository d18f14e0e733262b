//! What whoever is refused can do next: one sentence for each code.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{identify, let_read};

/// The stable code of a refusal.
const REASON: HeaderName = HeaderName::from_static("x-usher-reason");
/// The id that an operator looks the decision up by.
const DECISION_ID: HeaderName = HeaderName::from_static("x-usher-decision-id");
/// What to do next.
const NEXT: HeaderName = HeaderName::from_static("x-usher-next");

/// What the client, or whoever wrote it, can do about a code. ASCII, so that it fits into a header.
pub(crate) fn next_step(code: &str) -> &'static str {
    match code {
        "identity.expired" => "sign in again",
        "identity.denied" => "check user and password or key, then sign in again",
        "identity.rate-limited" | "request.rate-limited" | "server.overloaded" => "wait a little, then try again",
        "identity.unavailable"
        | "grant.unavailable"
        | "group.unavailable"
        | "kv.unavailable"
        | "policy.unavailable"
        | "store.unavailable"
        | "server.failed"
        | "network.unreachable"
        | "network.timed-out"
        | "function.timed-out"
        | "request.timed-out" => "try again; if it lasts, tell the operator the decision id",
        "policy.denied" | "policy.no-rule" | "function.denied" | "grant.missing" | "grant.lacks" | "token.lacks" => {
            "ask for access; an operator sees the reason by the decision id"
        }
        "grant.expired" | "token.expired" => "connect again to renew the rights",
        "token.revoked" | "token.invalid" => "connect again for another token",
        "token.other-user" => "use the token with the uuid it was made for",
        "credential.missing" => "connect first, and send the auth key or token",
        "presence.read-only" => "publish to the channel itself, not to its presence",
        "function.refused" => "do as the answer's body says",
        "signature.stale" => "set the clock right, then sign again",
        "signature.invalid" => "sign with a secret key of the keyset that counts",
        "keyset.elsewhere" => "ask the origin that keeps the keyset's grants",
        "request.malformed" | "request.too-large" | "operation.unknown" | "function.not-found" | "keyset.unknown" => {
            "correct the request; it cannot succeed as it is"
        }
        "webhook.unauthorized" | "deployment.unknown" => "tell the operator: the webhook's URL is not set up right",
        _ => "tell the operator the decision id",
    }
}

/// Whether a header says why something was refused: a function does not say that itself.
pub(super) fn is_ours(name: &HeaderName) -> bool {
    [REASON, DECISION_ID, NEXT].contains(name)
}

/// Says in headers why, what next and under which id, and lets a browser read them.
pub(crate) fn explain_refusal(headers: &mut HeaderMap, code: &'static str, id: &str) {
    headers.insert(REASON, HeaderValue::from_static(code));
    headers.insert(NEXT, HeaderValue::from_static(next_step(code)));
    identify(headers, DECISION_ID, id);
    let_read(headers, "X-Usher-Reason, X-Usher-Next, X-Usher-Decision-Id");
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, HeaderName, explain_refusal, next_step};

    #[test]
    fn every_code_has_a_step_that_fits_into_a_header() {
        for code in ["identity.expired", "identity.denied", "policy.denied", "token.revoked", "nobody.knows"] {
            let step = next_step(code);
            assert!(!step.is_empty() && step.is_ascii(), "{code}: {step}");
        }
        assert_eq!(next_step("identity.expired"), "sign in again");
    }

    #[test]
    fn the_page_tells_the_step_of_each_code() {
        let page = include_str!("../../../../docs/refusals.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut codes = 0;
        for row in rows {
            let (code, rest) = row.split_once("` | ").unwrap_or_else(|| panic!("{row}"));
            let step = rest.rsplit(" | ").next().and_then(|step| step.strip_suffix(" |"));
            assert_eq!(step, Some(next_step(code)), "{code}");
            codes += 1;
        }
        assert!(codes > 40, "{codes} codes");
    }

    #[test]
    fn a_function_says_neither_reason_nor_id_itself() {
        let field = |name: &str| (name.to_owned(), "of the function".to_owned());
        let headers = ["X-Usher-Reason", "x-usher-decision-id", "X-USHER-NEXT", "x-own"].map(field).to_vec();
        let reply = usher_runtime::Response { status: 200, headers, body: Vec::new() };
        let response = super::super::answer(reply, "d1").unwrap();
        let names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-own", "x-request-id"]);
    }

    #[test]
    fn a_browser_may_read_why() {
        let mut headers = HeaderMap::new();
        explain_refusal(&mut headers, "token.expired", "d1");
        assert_eq!(headers["x-usher-reason"], "token.expired");
        assert_eq!(headers["x-usher-decision-id"], "d1");
        assert_eq!(headers["x-usher-next"], "connect again to renew the rights");
        assert_eq!(headers["access-control-expose-headers"], "X-Usher-Reason, X-Usher-Next, X-Usher-Decision-Id");
    }
}
