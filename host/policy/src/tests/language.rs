//! Rules mean what JavaScript means; what they do not have is refused when the policy is read.

use super::{decide, fault};
use crate::{Failure, Outcome, Policy, Thrown};

const PAYLOAD: &str = r#"{"n": 5, "s": "Straße 😀", "list": [1, "a", null, [2]], "o": {"k": "v"}, "nul": null}"#;

#[test]
fn true_in_javascript_is_allowed() {
    for rule in [
        // Conversions and comparisons.
        "data.n == '5' && data.n !== '5' && null == undefined && null !== undefined",
        "'' == 0 && '0' == false && [] == '' && [1, [2, 3]] == '1,2,3' && {} == '[object Object]'",
        "'10' < '9' && 10 > '9' && !(NaN <= 1) && 'a' < 'b' && '\u{ffff}' > '😀'",
        "1 + '1' === '11' && '3' * '4' === 12 && null + 1 === 1",
        "-7 % 3 === -1 && 2 ** 10 === 1024 && (1 << 31) === -2147483648 && (-1 >>> 0) === 4294967295",
        "1e21 + '' === '1e+21' && 0.1 + 0.2 === 0.30000000000000004 && `${1 / 3}` === '0.3333333333333333'",
        "typeof data.n === 'number' && typeof data === 'object' && typeof null === 'object' && typeof zz === 'undefined'",
        "typeof action === 'number' && typeof user.id === 'string' && typeof /a/ === 'object'",
        // Texts and lists.
        "data.s.length === 9 && data.s.indexOf('😀') === 7 && data.s[4] === 'ß' && data.s.toUpperCase() === 'STRASSE 😀'",
        "' \u{feff}a\\n'.trim() === 'a' && 'abc'.startsWith('b', 1) && 'abc'.endsWith('b', 2) && 'abc'.includes('')",
        "data.list.length === 4 && data.list[1] === 'a' && data.list['1'] === 'a' && data.list.includes(null)",
        "data.list.indexOf(1) === 0 && data.list.indexOf([2]) === -1 && [NaN].includes(NaN) && [NaN].indexOf(NaN) === -1",
        "['a', 'b', ...data.list].length === 6 && {...data.o, a: 1}.k === 'v' && 'k' in data.o && !('x' in data.o)",
        // Chains and choices.
        "(data.zz ?? (false || data.n)) === 5 && ((data.nul && 1) ?? (data.n || 0)) === 5 && (data.nul ?? 1 ?? 2) === 1",
        "data.zz?.y.z === undefined && data.zz?.['y'].trim() === undefined && (data.nul ?? 1) === 1",
        "data.o.f?.() === undefined && (data.n > 3 ? data.o.k : data.zz.boom) === 'v' && (1, 2) === 2",
        "data === data && data.o !== {} && user === user && void 0 === undefined",
        // Regular expressions.
        "'2020-05'.match(/(?<y>\\d{4})-(\\d\\d)/).groups.y === '2020' && 'a1b2'.match(/\\d/g).length === 2",
        "'x'.match('y') === null && user.id.match('^A')[0] === 'A' && 'ab'.match(/b/).index === 1",
        // Beyond JavaScript.
        "action === 'EMIT' && action === 2 && action == '2' && ['EMIT'].includes(action) && action !== 'PATCH'",
        "duration('1.5h') === 5400000 && now - duration('1d') === 1699913600000",
        "user.isAuthenticated && user.data.roles.includes('admin') && name === 'a/b'",
        // The rule ends at its first `;`.
        "true; anything.at.all",
    ] {
        assert_eq!(decide(rule, PAYLOAD), Outcome::Allowed, "{rule}");
    }
}

#[test]
fn neither_false_nor_anything_like_it_allows() {
    for rule in ["false", "undefined", "null", "0", "NaN", "''", "user.data.nothing", "\ntrue", ";true", "data.zz?.y"] {
        assert_eq!(decide(rule, PAYLOAD), Outcome::Denied, "{rule}");
    }
}

#[test]
fn what_javascript_throws_is_no_allow() {
    for (rule, expected) in [
        ("!data.zz.y", "cannot read `y` of undefined"),
        ("data.nul.x || true", "cannot read `x` of null"),
        ("zz || true", "`zz` is not defined"),
        ("data.n.trim() || true", "a value of type undefined is called"),
        ("'a'.includes(/a/)", "`includes` takes a text, not a regular expression"),
        ("'x' in 'xy' || true", "cannot look for `x` in a value of type string"),
        ("_(5) || true", "`_` was called with a value of type number"),
        ("data.s[7] || true", "half a surrogate pair is not supported in a rule"),
        ("data.list.map || true", "JavaScript's own `map` is not supported in a rule"),
        ("data.constructor || true", "JavaScript's own `constructor` is not supported in a rule"),
        ("'a'.match('(') === null", "Invalid regular expression: Unterminated"),
    ] {
        let Outcome::Failed(failure) = decide(rule, PAYLOAD) else { panic!("{rule} does not fail") };
        assert!(failure.to_string().starts_with(expected), "{rule}: {failure}");
    }
    let own = decide("data.constructor === 1", "{\"constructor\": 1}");
    assert_eq!(own, Outcome::Allowed);
    let unknown = Thrown::Name { name: "zz".into() };
    assert_eq!(decide("zz", "1"), Outcome::Failed(Failure::Rule(unknown)));
}

#[test]
fn what_rules_do_not_have_is_refused_when_read() {
    for (rule, expected) in [
        ("user.id = 'admin'", "`=`, an assignment (a comparison is `===`), is not supported in a rule"),
        ("data.n++", "`++` or `--` is not supported in a rule"),
        ("delete data.n", "`delete` is not supported in a rule"),
        ("this.process", "`this` is not supported in a rule"),
        ("process.env", "`process` is not supported in a rule"),
        ("data.constructor === Object", "`Object` is not supported in a rule"),
        ("data instanceof Map", "`instanceof` is not supported in a rule"),
        ("_", "`_` without a call is not supported in a rule"),
        ("_`a`", "a tagged template is not supported in a rule"),
        ("10n > 1", "a number with `n` is not supported in a rule"),
        ("'\\ud83d'", "half a surrogate pair is not supported in a rule"),
        ("/\\p{L}/u", "a Unicode property such as `\\p{L}` is not supported in a regular expression"),
        ("/a/y", "the flag `y` is not supported in a regular expression"),
        ("return true", "the rule is a statement; write an expression"),
        ("throw 1", "the rule is a statement; write an expression"),
        ("var x", "the rule is a statement; write an expression"),
        ("true &&", "the rule is no JavaScript expression: Unexpected token"),
        ("data.a ?? data.b || true", "the rule is no JavaScript expression: "),
        ("data.a && data.b ?? true", "the rule is no JavaScript expression: "),
        ("data.a ?? data.b ?? data.c && true", "the rule is no JavaScript expression: "),
        ("!(data.a || data.b ?? true)", "the rule is no JavaScript expression: "),
        ("-0 ?? ({}) || true", "the rule is no JavaScript expression: "),
        ("user.id === 'a' \"", "the rule is no JavaScript expression: "),
        ("/(/", "the rule is no JavaScript expression: "),
        ("oldData.a", "`oldData` is not available in a `publish` rule of `event`"),
        ("duration(5) > 1", "a duration is a text such as '90s', '15m', '24h' or '7d'"),
        ("eval('1')", "`eval` cannot be called in a rule"),
    ] {
        let fault = fault(rule);
        assert!(fault.contains(expected), "{rule}: {fault}");
    }
}

#[test]
fn what_is_odd_but_taken_is_warned_of() {
    for (rule, expected) in [
        ("usr.id === 'a'", "nothing is called `usr`: where the rule reads it, it refuses"),
        ("user.role === 'a'", "`user` has no `role`: it is always undefined"),
        ("user.id; false", "what follows the first `;` is never evaluated"),
        ("\ntrue", "the rule starts with a line break or `;`, so its value is undefined and it always refuses"),
        ("true", "the rule is always true; write it without quotes"),
    ] {
        let policy = Policy::parse(&super::publish(rule)).unwrap();
        let warnings: Vec<String> = policy.warnings().iter().map(|warning| warning.kind.to_string()).collect();
        assert_eq!(warnings, [expected], "{rule}");
    }
}
