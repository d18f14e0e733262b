//! `random`: fresh bytes in every sandbox, at most 1,024 at a time.

use usher_tests::Bed;

#[tokio::test]
async fn bytes_are_as_many_as_asked_for_up_to_a_bound() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    for (asked, expected) in [("0", 0), ("1", 1), ("32", 32), ("1024", 1_024), ("1025", 1_024), ("4294967295", 1_024)] {
        let bytes = bed.step(&["random.bytes", asked]).await;
        assert_eq!(bytes.as_array().map(Vec::len), Some(expected), "{asked}");
    }
}

#[tokio::test]
async fn no_two_sandboxes_draw_the_same() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    let draw = || bed.steps(&[&["random.bytes", "32"], &["random.bytes", "32"]]);
    let (one, two) = (draw().await, draw().await);
    let mut drawn = [one, two].concat();
    drawn.sort_by_key(ToString::to_string);
    drawn.dedup();
    assert_eq!(drawn.len(), 4);
}
