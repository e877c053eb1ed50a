use super::*;
use crate::plist::{PlistError, parse as any};

fn read(text: &str) -> Value {
    parse(text, 1000).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn array<const N: usize>(elements: [Value; N]) -> Value {
    Value::Array(elements.into())
}

fn dictionary<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(key, value)| (key.to_owned(), value));
    Value::Dictionary(entries.into_iter().collect())
}

fn problem(text: &str) -> (usize, &'static str) {
    match parse(text, 1000) {
        Err(PlistError::OldStyle { line, problem }) => (line, problem),
        other => panic!("{text:?}: {other:?}"),
    }
}

/// Both forms of CFOldStylePList.c, and what is in them.
#[test]
fn lists_and_files_of_strings() {
    let expected = dictionary([
        ("CFBundleExecutable", string("Acme")),
        ("Names", array([string("a b"), string("c'd"), array([])])),
        ("Data", Value::Data(vec![0x01, 0xab, 0xcd])),
        ("Inner", dictionary([("k", string("v"))])),
    ]);
    let content = "CFBundleExecutable = Acme; Names = (\"a b\", \"c'd\", (),);\n\
                   /* comment */ Data = <01 aB\n cd>; // comment\n \"Inner\" = { k = v; };";
    assert_eq!(read(content), expected);
    assert_eq!(read(&format!(" // first\n {{ {content} }} \n")), expected);
    assert_eq!(any(content.as_bytes()), Ok(expected));
    assert_eq!(read(" \n\t"), dictionary([]));
    assert_eq!(read("/* only a comment"), dictionary([]));
    assert_eq!(read("word"), string("word"));
    assert_eq!(read("a_$/:.-9"), string("a_$/:.-9"));
    assert_eq!(read("'a\"b'"), string("a\"b"));
    assert_eq!(read("{}"), dictionary([]));
    assert_eq!(read("/"), string("/"));
}

/// A key without value is its own value; the last of duplicate keys counts; after the last entry of a file of strings, text
/// does not count.
#[test]
fn entries() {
    assert_eq!(
        read("a; b = c;"),
        dictionary([("a", string("a")), ("b", string("c"))])
    );
    assert_eq!(read("{ a = 1; a = 2; }"), dictionary([("a", string("2"))]));
    assert_eq!(read("a = 1; ) anything"), dictionary([("a", string("1"))]));
    assert_eq!(read("a = 1; \"unterminated"), dictionary([("a", string("1"))]));
}

/// An array ends before what cannot be read, and a closing parenthesis there makes it whole.
#[test]
fn what_cannot_be_read_in_an_array() {
    assert_eq!(read("({a = b)"), array([]));
    assert_eq!(read("(x, {a = b)"), array([string("x")]));
    assert_eq!(read("{k = (\");}"), dictionary([("k", array([]))]));
}

/// `getSlashedChar`, with the NeXTSTEP character set for octal numbers.
#[test]
fn escapes() {
    let cases = [
        (r#""\a\b\f\n\r\t\v\"\\\q\'""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}\"\\q'"),
        ("\"a\\\nb\"", "a\nb"),
        (r#""\101\1012\7\18\400\341""#, "AA2\u{7}\u{1}8\0\u{c6}"),
        (r#""\200\256\376""#, "\u{a0}\u{fb01}\0"),
        (r#""\U0041\U41x\U\Ud83d\Ude00\U00e9f""#, "AAx\0\u{1f600}éf"),
        ("\"😀\\😀\"", "😀😀"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), string(expected), "{text}");
    }
    let half = parse(r#"{ a = "\Ud83d"; }"#, 1000);
    assert!(half.as_ref().is_err_and(PlistError::is_limit), "{half:?}");
}

/// The low byte of a unit counts as a digit.
#[test]
fn data() {
    assert_eq!(read("<>"), Value::Data(Vec::new()));
    assert_eq!(read("<\u{130}\u{131}>"), Value::Data(vec![0x01]));
    assert_eq!(problem("<012>"), (1, "odd number of hexadecimal digits"));
    assert_eq!(problem("<0 1>"), (1, "odd number of hexadecimal digits"));
    assert_eq!(problem("<01\u{b}>"), (1, "data that is not hexadecimal"));
    assert_eq!(problem("\n<01"), (2, "data without '>'"));
}

#[test]
fn faults_and_their_lines() {
    for (text, line, expected) in [
        ("{ a = b }", 1, "';' expected after a value"),
        ("{\r\n a = b;\n", 3, "dictionary without '}'"),
        ("{\r a b; }", 2, "';' or '=' expected after a key"),
        ("{ a = ; }", 1, "unexpected character"),
        ("{ a =", 1, "value expected, and the text ends"),
        ("{ a", 1, "';' expected, and the text ends"),
        ("(a b)", 1, "array without ')'"),
        ("(a", 1, "array without an end"),
        ("\n\"abc", 2, "string without an end"),
        ("\"abc\\", 1, "string without an end"),
        ("{} x", 1, "text after the list"),
        ("é", 1, "unexpected character"),
        ("a b", 1, "';' or '=' expected after a key"),
        ("a =", 1, "value expected, and the text ends"),
    ] {
        assert_eq!(problem(text), (line, expected), "{text:?}");
    }
    assert_eq!(parse("", 1000), Err(PlistError::Format));
}

/// The budgets: values and nesting.
#[test]
fn budgets() {
    assert_eq!(parse("(a, b)", 3), Ok(array([string("a"), string("b")])));
    assert_eq!(parse("(a, b)", 2), Err(PlistError::Values { limit: 2 }));
    assert_eq!(parse("a; b;", 1), Err(PlistError::Values { limit: 1 }));
    let nested = |depth: usize| "(".repeat(depth) + &")".repeat(depth);
    assert!(parse(&nested(OLD_STYLE_NESTING), 1000).is_ok());
    let error = parse(&nested(OLD_STYLE_NESTING + 1), 1000).unwrap_err();
    assert_eq!(error, PlistError::OldStyleDepth);
    assert!(error.is_limit());
}

/// UTF-8 with and without a mark, UTF-16 and UTF-32 with one, as for XML.
#[test]
fn encodings() {
    let expected = Ok(dictionary([("a", string("é"))]));
    let text = "{ a = 'é'; }";
    let utf16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(unit);
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    assert_eq!(any(text.as_bytes()), expected);
    assert_eq!(any(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), expected);
    assert_eq!(any(&utf16(&[0xff, 0xfe], u16::to_le_bytes)), expected);
    assert_eq!(any(&utf16(&[0xfe, 0xff], u16::to_be_bytes)), expected);
}

/// CoreFoundation tries the binary form, XML and this form in turn; the error is that of the form that the text begins.
#[test]
fn which_form_it_is() {
    assert_eq!(any(b"<0102>"), Ok(Value::Data(vec![1, 2])));
    assert_eq!(any(b"bplist00 = x;"), Ok(dictionary([("bplist00", string("x"))])));
    assert!(matches!(any(b"<dict>"), Err(PlistError::Xml { .. })));
    assert_eq!(any(b"bplist00"), Ok(string("bplist00")));
    assert!(matches!(any(b"bplist00\x01"), Err(PlistError::Binary { .. })));
    assert!(matches!(any(b"Acme"), Ok(Value::String(_))));
    assert!(matches!(
        any(b"Hello, world"),
        Err(PlistError::OldStyle { line: 1, .. })
    ));
}
