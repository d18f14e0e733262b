//! What `hello` answers.

use hello::handle;
use usher_sdk::fake::{Host, request};

#[test]
fn the_caller_is_greeted_by_uuid() {
    let cases = [
        (request("GET", "hello").with_query("uuid", "alice"), 200, "hey, alice"),
        (request("GET", "hello"), 200, "hey, stranger"),
        (request("GET", "hello").with_query("uuid", "a").with_query("uuid", "b"), 400, "duplicate parameter `uuid`"),
    ];
    let host = Host::new().with_config("greeting", "hey");
    for (request, status, text) in cases {
        let response = handle(&request, &host).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (status, text.as_bytes()));
    }
}
