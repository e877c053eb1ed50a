//! Every line of the algorithm, as a table.

use super::*;

const KEY: &str = "com.apple.developer.example";

/// A value of a property list, written as JSON.
fn value(json: &str) -> Value {
    fn convert(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Bool(value) => Value::Boolean(*value),
            serde_json::Value::Number(number) => Value::Integer(number.as_i64().unwrap().into()),
            serde_json::Value::String(text) => Value::String(text.clone()),
            serde_json::Value::Array(elements) => Value::Array(elements.iter().map(convert).collect()),
            serde_json::Value::Object(entries) => Value::Dictionary(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), convert(value)))
                    .collect(),
            ),
            serde_json::Value::Null => panic!("no null in property lists"),
        }
    }
    convert(&serde_json::from_str(json).unwrap())
}

fn answer(key: &str, claim: &str, granted: &str) -> Answer {
    let grants = Dictionary::from_iter([(key.to_owned(), value(granted))]);
    hold(key, &value(claim), &grants)
}

#[test]
fn what_is_granted() {
    for (claim, granted) in [
        // Booleans: `true` covers both answers.
        ("true", "true"),
        ("false", "true"),
        ("false", "false"),
        // Integers and strings: equal.
        ("7", "7"),
        (r#""production""#, r#""production""#),
        // A wildcard at the end.
        (r#""TEAM.org.example""#, r#""TEAM.*""#),
        (r#""TEAM.""#, r#""TEAM.*""#),
        (r#""anything""#, r#""*""#),
        (r#""""#, r#""*""#),
        // An array against one string.
        (r#"["applinks:a.example", "webcredentials:b.example"]"#, r#""*""#),
        (r#"["TEAM.a", "TEAM.b"]"#, r#""TEAM.*""#),
        // An array against an array: each element finds one.
        (r#"["b", "a"]"#, r#"["a", "b", "c"]"#),
        (
            r#"["TEAM.x", "com.apple.token"]"#,
            r#"["TEAM.*", "com.apple.token"]"#,
        ),
        ("[2, 1]", "[1, 2, 3]"),
        // Nothing claimed of something granted.
        ("[]", r#"["a"]"#),
        ("[]", r#""*""#),
        // One string against an array.
        (r#""b""#, r#"["a", "b"]"#),
        (r#""TEAM.b""#, r#"["a", "TEAM.*"]"#),
        // Dictionaries and arrays of them: literal copies, the order of keys apart.
        (r#"{"a": 1, "b": ["x"]}"#, r#"{"b": ["x"], "a": 1}"#),
        (r#"[{"idVendor": 1452}]"#, r#"[{"idVendor": 1452}]"#),
        (r#"[{"idVendor": "*"}]"#, r#"[{"idVendor": "*"}]"#),
    ] {
        assert_eq!(
            answer(KEY, claim, granted),
            Answer::Granted,
            "{claim} of {granted}"
        );
    }
}

#[test]
fn what_is_not_granted_and_where_it_differs() {
    for (claim, granted, text) in [
        ("true", "false", "claimed is true, granted false"),
        ("true", r#""true""#, "claimed as boolean, granted as string"),
        ("true", r#"["a"]"#, "claimed as boolean, granted as array"),
        (r#""true""#, "true", "claimed as string, granted as boolean"),
        ("7", "8", "claimed is 7, granted 8"),
        // A wildcard covers strings only.
        ("7", r#""*""#, "claimed as integer, granted as string"),
        (
            r#""development""#,
            r#""production""#,
            r#"claimed is "development", granted "production""#,
        ),
        // A wildcard stands at the end, and is none in the claim.
        (r#""ab""#, r#""*b""#, r#"claimed is "ab", granted "*b""#),
        (
            r#""TEAM.*""#,
            r#""TEAM.a""#,
            r#"claimed is "TEAM.*", granted "TEAM.a""#,
        ),
        (
            r#""TEAM""#,
            r#""TEAM.*""#,
            r#"claimed is "TEAM", granted "TEAM.*""#,
        ),
        (
            r#""team.a""#,
            r#""TEAM.*""#,
            r#"claimed is "team.a", granted "TEAM.*""#,
        ),
        // The first element that nothing covers.
        (
            r#"["dns-proxy", "packet-tunnel-provider"]"#,
            r#"["dns-proxy", "packet-tunnel-provider-systemextension"]"#,
            r#""packet-tunnel-provider" is not covered by ["dns-proxy","packet-tunnel-provider-systemextension"]"#,
        ),
        (
            r#"["TEAM.a", "OTHER.b"]"#,
            r#""TEAM.*""#,
            r#""OTHER.b" is not covered by "TEAM.*""#,
        ),
        (r#"["a", 1]"#, r#""*""#, r#"1 is not covered by "*""#),
        ("[4]", "[1, 2, 3]", "4 is not covered by [1,2,3]"),
        (r#"["a"]"#, "[]", r#""a" is not covered by []"#),
        (r#"["a"]"#, "true", "claimed as array, granted as boolean"),
        ("[]", "true", "claimed as array, granted as boolean"),
        (r#""c""#, r#"["a", "b"]"#, r#""c" is not covered by ["a","b"]"#),
        // No wildcards in dictionaries, nor in arrays of them.
        (
            r#"[{"idVendor": 1452}]"#,
            r#"[{"idVendor": "*"}]"#,
            "claimed as integer at 0/idVendor, granted as string",
        ),
        (
            r#"[{"IOPCIPrimaryMatch": "0x1"}]"#,
            r#"[{"IOPCIPrimaryMatch": "0x*"}]"#,
            r#"claimed is "0x1" at 0/IOPCIPrimaryMatch, granted "0x*""#,
        ),
        (
            r#"[{"a": 1}, {"a": 2}]"#,
            r#"[{"a": 1}]"#,
            "the claim has a value at 1 that the grant has not; it must be a literal copy",
        ),
        (
            r#"[{"a": 1}]"#,
            r#"[{"a": 1, "b": 2}]"#,
            "the grant has a value at 0/b that the claim has not; it must be a literal copy",
        ),
        (
            r#"{"a": {"b": 1, "c": 2}}"#,
            r#"{"a": {"b": 1}}"#,
            "the claim has a value at a/c that the grant has not; it must be a literal copy",
        ),
        (
            r#"{"a": 1}"#,
            r#""*""#,
            "claimed as dictionary, granted as string",
        ),
        (r#"[{"a": 1}]"#, r#""*""#, "claimed as array, granted as string"),
    ] {
        match answer(KEY, claim, granted) {
            Answer::NotGranted(found) => {
                assert_eq!(found.to_string(), text, "{claim} of {granted}");
                assert_eq!((found.claim, found.grant), (value(claim), Some(value(granted))));
                assert_eq!(found.key, KEY);
            }
            Answer::Granted => panic!("{claim} of {granted} is granted"),
        }
    }
}

#[test]
fn a_key_that_the_profile_does_not_have() {
    for claim in ["true", "false", r#""x""#, "[]"] {
        match hold(KEY, &value(claim), &Dictionary::default()) {
            Answer::NotGranted(found) => {
                assert_eq!((found.difference, found.grant), (Difference::Absent, None));
            }
            Answer::Granted => panic!("{claim}"),
        }
    }
}

#[test]
fn an_identity_is_one_app_id() {
    for key in IDENTITIES {
        assert_eq!(
            answer(key, r#""TEAM.org.example""#, r#""TEAM.*""#),
            Answer::Granted
        );
        for granted in [r#""TEAM.*""#, r#""TEAM.org.*""#] {
            match answer(key, r#""TEAM.org.*""#, granted) {
                Answer::NotGranted(found) => assert_eq!(found.difference, Difference::Wildcard),
                Answer::Granted => panic!("{granted}"),
            }
        }
        assert!(!answer(key, r#"["TEAM.a"]"#, r#""OTHER.*""#).is_granted());
    }
}

#[test]
fn long_values_are_cut() {
    let long = format!("\"{}\"", "x".repeat(1000));
    let text = text(&value(&long));
    assert_eq!(text.chars().count(), MAX_TEXT + 1);
    assert!(text.ends_with('…'));
}
