//! `config`: the manifest's `[config]` table, lists as JSON, and nothing that is not in it.

use serde_json::{Value, json};
use usher_tests::Bed;

#[tokio::test]
async fn values_come_as_text_and_lists_as_json() {
    let bed = Bed::start().await;
    let table = "[config]\ntext = \"a text\"\nnumber = 42\nflag = true\nlist = [\"a\", \"b\"]\nempty = \"\"";
    bed.deploy_every("", table).await;
    for (name, expected) in [
        ("text", json!("a text")),
        ("number", json!("42")),
        ("flag", json!("true")),
        ("list", json!(r#"["a","b"]"#)),
        ("empty", json!("")),
        ("absent", Value::Null),
        ("PATH", Value::Null),
        ("", Value::Null),
    ] {
        assert_eq!(bed.step(&["config.get", name]).await, expected, "{name}");
    }
}
