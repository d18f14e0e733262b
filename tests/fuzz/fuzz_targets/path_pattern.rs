//! Two patterns that both mean a path overlap, whichever is asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_server::PathPattern;

fuzz_target!(|input: (&str, &str, &str)| {
    let (one, two, path) = input;
    let (Ok(one), Ok(two)) = (one.parse::<PathPattern>(), two.parse::<PathPattern>()) else { return };
    assert_eq!(one.overlaps(&two), two.overlaps(&one));
    if one.matches(path) && two.matches(path) {
        assert!(one.overlaps(&two));
    }
});
