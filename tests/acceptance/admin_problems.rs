//! Every refusal of the admin API is a problem (RFC 9457), the framework's own included.

use usher_tests::{Bed, Call};

#[tokio::test]
async fn every_refusal_of_the_admin_api_is_a_problem() {
    let bed = Bed::start().await;
    let token = std::fs::read_to_string(bed.data().join("admin.token")).unwrap();
    for (method, target, body, status, code) in [
        ("GET", "/v1/nowhere", "", 404, "admin.not-found"),
        ("DELETE", "/v1/keysets", "", 405, "admin.wrong-method"),
        ("PUT", "/v1/keysets/sub-c-test/tokens", "", 405, "admin.wrong-method"),
        ("POST", "/v1/keysets/sub-c-test/tokens?key=one", "{}", 400, "admin.bad-request"),
        ("POST", "/v1/keysets/sub-c-test/tokens?kye=1", "{}", 400, "admin.bad-request"),
        ("POST", "/v1/keysets/sub-c-test/keys/one/retire", "{}", 400, "admin.bad-request"),
        ("GET", "/v1/keysets/sub-c-test/grants?auth=a&auth=b", "", 400, "admin.bad-request"),
        ("GET", "/v1/keysets/%ff/grants", "", 400, "admin.bad-request"),
        ("POST", "/v1/keysets/sub-c-test/grants", "{}", 400, "admin.bad-request"),
    ] {
        let call = Call::new(method, target).body(body).header("authorization", format!("Bearer {}", token.trim()));
        let answer = bed.call_at(bed.addresses().admin, call).await;
        let shown = format!("{method} {target}: {}", answer.body);
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{shown}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{shown}");
        assert_eq!(answer.header("x-request-id"), problem["decision_id"].as_str(), "{shown}");
    }
}
