//! What is a pattern, what it matches, and that it agrees with a naive matcher.

use proptest::prelude::*;

use super::*;

#[test]
fn a_pattern_is_found_anywhere() {
    for (pattern, name, expected) in [
        ("room", "a-room-1", true),
        ("^room", "a-room-1", false),
        (r"^room-\S*$", "room-", true),
        (r"^room-\S*$", "room- 1", false),
        (r"^:cg-\S*$", ":cg-1", true),
        ("public.*", "not-public", true),
        ("(?i:^ROOM)", "room-1", true),
        ("(?i)^ROOM", "room-1", true),
        ("^(?:a|b)+$", "abba", true),
        ("a{2}", "caab", true),
        ("^.$", "\u{17c}", true),
        ("^.$", "ab", false),
        (r"^\p{L}{1,3}$", "\u{17c}\u{f3}w", true),
        ("^[[:alpha:]]+$", "abc", true),
        (r"^\pL\p{Lu}\PN$", "aB-", true),
        (r"^[\p{Greek}\x41-\x{43}]+$", "\u{3b1}B", true),
        ("^a{1000}$", "a", false),
        ("a+?", "caab", true),
    ] {
        assert_eq!(compile(pattern).unwrap().is_match(name), expected, "{pattern} in {name}");
    }
}

#[test]
fn classes_speak_of_ascii_as_in_re2() {
    for (pattern, name, expected) in [
        (r"^\w+$", "room_1", true),
        (r"^\w+$", "caf\u{e9}", false),
        (r"^[\w-]+$", "room-1", true),
        (r"^[^\w-]+$", "\u{e9}!", true),
        (r"^\d$", "\u{663}", false),
        (r"^\W$", "\u{e9}", true),
        (r"^\S+$", "a\u{a0}b", true),
        (r"^\D\s\S$", "a b", true),
        (r"\bb\b", "\u{e9}b\u{e9}", true),
        (r"a\Bb", "ab", true),
        (r"\Bb", "b", false),
    ] {
        assert_eq!(compile(pattern).unwrap().is_match(name), expected, "{pattern} in {name}");
    }
}

#[test]
fn each_fault_has_the_words_of_the_service() {
    let capturing = "Only non-capturing groups are allowed. Try replacing `(` with `(?:`.";
    for (pattern, detail) in [
        ("!<[^>]+>++", "Syntax error: multiple repeat."),
        ("a**", "Syntax error: multiple repeat."),
        ("a{2}{3}", "Syntax error: multiple repeat."),
        ("(a**)", "Syntax error: multiple repeat."),
        ("(!<[^>]+>)+", capturing),
        ("(?P<name>a)", capturing),
        ("(?<name>a)", capturing),
        ("", "Syntax error: empty pattern."),
        ("(", "Syntax error: unclosed group."),
        ("[a[b]]", "Syntax error: nested character class."),
        ("[a&&b]", "Syntax error: set operation in a character class."),
        (r"\<a", "Syntax error: special word boundary."),
        (r"\b{start}a", "Syntax error: special word boundary."),
        ("(?x)a b", "Syntax error: unknown flag."),
        ("(?-u:a)", "Syntax error: unknown flag."),
        ("a{,3}", "Syntax error: repetition quantifier expects a valid decimal."),
        (r"\p{Nothing}", "Syntax error: invalid character class."),
        (r"\p{Script=Greek}", "Syntax error: invalid character class."),
        (r"\p{Alphabetic}", "Syntax error: invalid character class."),
        (r"[\p{Letter}]", "Syntax error: invalid character class."),
        (r"\p{lu}", "Syntax error: invalid character class."),
        (r"\u0041", "Syntax error: invalid escape sequence."),
        (r"\u{41}", "Syntax error: invalid escape sequence."),
        (r"[a-\U0000007a]", "Syntax error: invalid escape sequence."),
        ("a{1001}", "Syntax error: invalid repetition size."),
        ("a{2,1001}?", "Syntax error: invalid repetition size."),
        ("a{1001,}", "Syntax error: invalid repetition size."),
        ("a{1000}{1000}", "Syntax error: multiple repeat."),
        ("(?:a{1000}){1000}", "Pattern is too complex."),
        (&"a".repeat(1_001), "Pattern is longer than 1000 bytes."),
    ] {
        assert_eq!(compile(pattern).unwrap_err().detail(), detail, "{pattern}");
    }
    for pattern in ["(?=a)", r"(a)\1", "(?!a)", "*", "a)", "[", "[b-a]"] {
        assert!(compile(pattern).unwrap_err().detail().starts_with("Syntax error: "), "{pattern}");
    }
}

#[test]
fn a_compiled_pattern_is_shared_and_what_is_no_pattern_matches_nothing() {
    let compiled = compiled::CompiledPatterns::of_keyset();
    let first = compiled.get("^a").unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &compiled.get("^a").unwrap()));
    assert!(compiled.get("(").is_none());
}

/// A word of a pattern: what it is made of, and whether it may repeat.
fn pieces() -> impl Strategy<Value = Vec<(char, bool)>> {
    proptest::collection::vec((proptest::sample::select(vec!['a', 'b', '-', '.']), any::<bool>()), 0..6)
}

/// Whether the pieces, from the first on, match a beginning of the text (all of it if `to_end`).
fn naive(pieces: &[(char, bool)], text: &[char], to_end: bool) -> bool {
    let Some((&(piece, repeats), rest)) = pieces.split_first() else {
        return !to_end || text.is_empty();
    };
    let here = text.first().is_some_and(|&c| piece == '.' || piece == c);
    match repeats {
        true => naive(rest, text, to_end) || (here && naive(pieces, &text[1..], to_end)),
        false => here && naive(rest, &text[1..], to_end),
    }
}

proptest! {
    #[test]
    fn a_search_agrees_with_a_naive_one(pieces in pieces(), from: bool, to: bool, name in "[ab-]{0,8}") {
        let body: String = pieces.iter().map(|&(c, repeats)| format!("{c}{}", if repeats { "*" } else { "" })).collect();
        let pattern = format!("{}{body}{}", if from { "^" } else { "" }, if to { "$" } else { "" });
        prop_assume!(!pattern.is_empty());
        let text: Vec<char> = name.chars().collect();
        let starts = if from { 0..=0 } else { 0..=text.len() };
        let expected = starts.into_iter().any(|start| naive(&pieces, &text[start..], to));
        prop_assert_eq!(compile(&pattern).unwrap().is_match(&name), expected, "{} in {}", pattern, name);
    }

    #[test]
    fn any_text_is_a_pattern_or_a_fault(source in "\\PC{0,40}", name in "\\PC{0,20}") {
        match compile(&source) {
            Ok(pattern) => { pattern.is_match(&name); }
            Err(fault) => prop_assert!(fault.detail().ends_with('.')),
        }
    }

    #[test]
    fn regex_alphabet_soup_is_a_pattern_or_a_fault(source in r"[\[\](){}?*+|^$\\.,:<>!=a-cdwsBDWS0-3&~-]{0,24}", name in "[a-c0-3 -]{0,8}") {
        if let Ok(pattern) = compile(&source) {
            pattern.is_match(&name);
        }
    }
}
