use super::*;

fn problem(text: &str) -> Option<(usize, AmfiProblem)> {
    check_xml(text.as_bytes())
        .err()
        .map(|error| (error.line, error.problem))
}

fn list(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n{entries}</dict>\n</plist>\n"
    )
}

#[test]
fn what_apple_writes_is_read() {
    for entries in [
        "",
        "\t<key>a</key>\n\t<true/>\n\t<key>b</key>\n\t<array>\n\t\t<string>x &amp; &lt;y&gt;</string>\n\t\t<string/>\n\t</array>\n",
        "<key>a</key><dict><key>a</key><integer>-12</integer></dict><key>b</key><data>AQID</data>\n",
        "<!-- a comment - with one hyphen, <tags> and - - spaces -->\n<key>a</key><dict/>\n",
    ] {
        assert_eq!(problem(&list(entries)), None, "{entries}");
    }
    assert_eq!(problem("<dict/>"), None);
    assert_eq!(problem("<dict></dict>\0\0"), None);
}

#[test]
fn what_amfi_refuses() {
    use AmfiProblem::{
        Binary, ByteOrderMark, CarriageReturn, Cdata, CommentHyphens, CommentInValue, DuplicateKey, Element,
        ElementReference, End, NotAscii, Order, Reference, Tag, Text, Trailing,
    };
    for (entries, line, expected) in [
        ("<!-- codesign --options runtime -->\n", 5, CommentHyphens),
        ("<!-- a\n\nb --\n-->", 7, CommentHyphens),
        ("<key>a</key><true />", 5, Tag),
        ("<key>a</key>\n<true></true>", 6, Element("true".into())),
        ("<key>a</key>\r\n<true/>\r\n", 5, CarriageReturn),
        ("<key>a</key><string><![CDATA[x]]></string>", 5, Cdata),
        ("<key>a</key><string>x<!-- c --></string>", 5, CommentInValue),
        ("<key>a</key><string>&quot;</string>", 5, Reference),
        ("<key>a</key><string>&#65;</string>", 5, Reference),
        (
            "<key>a</key><true/>\n<key>a</key><false/>",
            6,
            DuplicateKey("a".into()),
        ),
        (
            "<key>a&amp;</key><true/><key>a&amp;</key><false/>",
            5,
            DuplicateKey("a&".into()),
        ),
        ("<key>a</key><real>1.5</real>", 5, Element("real".into())),
        (
            "<key>a</key><date>2026-01-01T00:00:00Z</date>",
            5,
            Element("date".into()),
        ),
        ("<key>a</key><integer> 5</integer>", 5, Text),
        ("<key>a</key>true", 5, Text),
        ("<key>a</key>", 5, Order),
        ("<true/>", 5, Order),
        ("<key/><true/>", 5, Element("key".into())),
        ("<key>a</key><string ID=\"1\">x</string>", 5, ElementReference),
        ("<key>a</key><string lang='en'>x</string>", 5, Tag),
        ("<key>é</key><true/>", 5, NotAscii),
    ] {
        assert_eq!(problem(&list(entries)), Some((line, expected)), "{entries}");
    }
    let good = list("");
    assert_eq!(problem(&format!("\u{feff}{good}")), Some((1, ByteOrderMark)));
    assert_eq!(problem(&format!("{good}<!-- -->")), Some((7, Trailing)));
    assert_eq!(problem("bplist00\u{1}"), Some((1, Binary)));
    assert_eq!(problem(""), Some((1, End)));
    assert_eq!(problem("<plist><dict><key>a"), Some((1, End)));
    assert_eq!(problem("<dict><!-- "), Some((1, End)));
    assert!(check_xml(&good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).is_err());
    assert!(!NotAscii.is_refused() && !Trailing.is_refused() && Tag.is_refused());
}

#[test]
fn ends_on_every_prefix() {
    let text = list("<!-- c --><key>a</key><array><string>&lt;</string><integer>0x1f</integer></array>");
    for end in 0..text.len() {
        let whole = end >= text.len() - "\n</plist>\n".len();
        let result = check_xml(&text.as_bytes()[..end]);
        assert_eq!(
            result.is_ok()
                || matches!(
                    result,
                    Err(AmfiError {
                        problem: AmfiProblem::Trailing,
                        ..
                    })
                ),
            whole,
            "{end}"
        );
    }
    let deep = "<dict><key>a</key>".repeat(200_000);
    assert!(check_xml(deep.as_bytes()).is_err());
}
