use super::*;
use crate::plist::Value;
use crate::plist::parse as parse_any;

fn value(text: &str) -> Value {
    parse_any(text.as_bytes()).unwrap()
}

#[test]
fn every_kind_of_value() {
    let list = value(
        "<?xml version=\"1.0\"?><!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"x\">
         <plist version=\"1.0\"><dict><key>a</key><array><true/><false/><integer> - 0x10</integer>
         <integer>18446744073709551615</integer><real>1.5</real><data> AQID\n/w== </data>
         <string>a&amp;b&#65;&#x42;<![CDATA[<c>]]></string><string/><array/></array><key>e</key><dict/>
         </dict></plist>\n",
    );
    let list = list.as_dictionary().unwrap();
    let array = list.get("a").unwrap().as_array().unwrap();
    assert_eq!(
        array,
        [
            Value::Boolean(true),
            Value::Boolean(false),
            Value::Integer(-16),
            Value::Integer(u64::MAX.into()),
            Value::Real(1.5),
            Value::Data(vec![1, 2, 3, 255]),
            Value::String("a&bAB<c>".into()),
            Value::String(String::new()),
            Value::Array(vec![]),
        ]
    );
    assert!(list.get("e").unwrap().as_dictionary().unwrap().is_empty());
}

/// Native observation 7.5.
#[test]
fn a_reference_without_digits_is_zero() {
    for text in ["<string>a&#;b</string>", "<string>a&#x;b</string>"] {
        assert_eq!(value(text), Value::String("a\0b".into()));
    }
}

#[test]
fn dates_count_from_2001() {
    assert_eq!(value("<date>2001-01-01T00:00:00Z</date>"), Value::Date(0.0));
    assert_eq!(value("<date>2000-12-31T23:59:59Z</date>"), Value::Date(-1.0));
    // Found beside the `plist` crate: dates behind 2069 were refused.
    assert_eq!(
        value("<date>2101-01-01T00:00:00Z</date>"),
        Value::Date(36_524.0 * 86_400.0)
    );
    // 2024-02-29 is 8459 days after 2001-01-01.
    assert_eq!(
        value("<date>2024-02-29T00:00:00Z</date>"),
        Value::Date(8459.0 * 86400.0)
    );
}

/// As CoreFoundation has it: what a stricter reader refuses is no error.
#[test]
fn loose_forms_are_read() {
    for text in [
        "<string>a</string>",
        "<plist><!-- c --><string>a</string></plist>",
        "<plist><string><![CDATA[a]]></string></plist>",
        "\u{feff}<plist><string>a</string></plist>",
        "<plist><string>a</string></plist>x",
        "<?other?><!-- - --><plist><string>a</string><!-- c --><?x?>\n</plist\t>x",
        "<plist a='b' ><string b=\"/\" >a</string\n></plist>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><string>a</string>",
        "<?xml version='1.0' encoding='ISO-8859-15'?><string>a</string>",
        "<?xml version='1.0' encoding = 'UTF-16'?><string>a</string>",
    ] {
        assert_eq!(value(text), Value::String("a".into()), "{text}");
    }
    let twice = "<plist><dict><key>a</key><true/><key>a</key><false/></dict></plist>";
    assert_eq!(
        value(twice).as_dictionary().unwrap().get("a"),
        Some(&Value::Boolean(false))
    );
}

/// What the `plist` crate turns into empty strings, and what would make readers disagree, is refused.
#[test]
fn malformed_lists_are_errors() {
    for text in [
        "",
        "<plist></plist>",
        "<plist><string>&foo;</string></plist>",
        "<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><string>&a;</string></plist>",
        "<plist><string>a</integer></plist>",
        "<plist><dict><true/></dict></plist>",
        "<plist><dict><key>a</key></dict></plist>",
        "<plist><dict><key>a</key><key>b</key><true/></dict></plist>",
        "<plist><array><key>a</key></array></plist>",
        "<plist><unknown/></plist>",
        "<plist><integer>18446744073709551616</integer></plist>",
        "<plist><integer></integer></plist>",
        "<plist><data>é</data></plist>",
        "<plist><data/></plist>",
        "<plist><date/></plist>",
        "<plist><real/></plist>",
        "<plist><integer/></plist>",
        "<plist><integer>1 </integer></plist>",
        "<plist><integer>&#49;</integer></plist>",
        "<plist><integer>+-1</integer></plist>",
        "<plist><integer>0x+1</integer></plist>",
        "<plist><data><![CDATA[AQID]]></data></plist>",
        "<plist><data>AQID<!-- c --></data></plist>",
        "<plist><string>a<!-- c -->b</string></plist>",
        "<plist><dict><key>a<!-- c --></key><true/></dict></plist>",
        "<plist><true>x</true></plist>",
        "<plist><false> </false></plist>",
        "<plist><string>a</string/></plist>",
        "<plist><string>a</string a=\"b\"></plist>",
        "<plist><string>a</ string></plist>",
        "<plist><string>a</string>",
        "<plist><string>a</string></dict>",
        "<plist><string>a</string><string>b</string></plist>",
        "<plist><!DOCTYPE plist><string>a</string></plist>",
        "<!----><plist><string>a</string></plist><!-- --><plist><string>b</string></plist>",
        "<plist><string>&#X41;</string></plist>",
        "<plist><string>&#+65;</string></plist>",
        "<plist><string>&#000000065;</string></plist>",
        "<plist><dict><key>CF$UID</key><integer>1</integer></dict></plist>",
        "<plist><date>2024-2-9T01:02:03Z</date></plist>",
        "<plist><date>2024-02-09T1:02:03Z</date></plist>",
        "<plist><date>2024-02-+9T01:02:03Z</date></plist>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><plist><string>a</string></plist>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?><plist><string>a</string></plist>",
        "<?xml version=\"1.0\" encoding='unknown'?><plist><string>a</string></plist>",
        "<?xml version=\"1.0\" encoding='ISO-8859-1'?><plist><string>é</string></plist>",
        "<plist><array>",
        "<plist><string>a",
        "<plist><string>&#xD800;</string></plist>",
    ] {
        assert!(parse_any(text.as_bytes()).is_err(), "{text}");
    }
    assert!(parse_any(b"<plist><string>\xff</string></plist>").is_err());
}

/// `parseDataTag`: what is no base64 is skipped, `=` takes away what it stands for, what is left over is lost.
#[test]
fn data_as_core_foundation_reads_it() {
    for (text, bytes) in [
        ("", &[][..]),
        ("AQID", &[1, 2, 3]),
        ("AQI=", &[1, 2]),
        ("AQ==", &[1]),
        ("AQ= \n=", &[1]),
        ("AQ", &[]),
        ("AQIDBA", &[1, 2, 3]),
        ("AQI", &[]),
        ("AQI=AQID", &[1, 2, 1, 2, 3]),
        ("A*QI-D", &[1, 2, 3]),
        ("&#65;QID", &[0xeb, 0x94, 0x08]),
        ("A=QI", &[0, 4, 8]),
        ("A===", &[0]),
    ] {
        assert_eq!(
            value(&format!("<data>{text}</data>")),
            Value::Data(bytes.to_vec()),
            "{text}"
        );
    }
    // With white space anywhere, and in the part that is read four at a time.
    let text = "AAECAwQFBgcICQoLDA0ODw==";
    for at in 0..=text.len() {
        let (before, after) = text.split_at(at);
        let spaced = format!("<data>\n\t{before} \r\n{after}\n</data>");
        assert_eq!(value(&spaced), Value::Data((0..16).collect()), "{spaced:?}");
    }
}

#[test]
fn utf16_and_utf32_with_mark() {
    let text = "\u{feff}<plist><string>é</string></plist>";
    let expected = Value::String("é".into());
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(parse_any(&utf16).unwrap(), expected);
    let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert_eq!(parse_any(&utf32).unwrap(), expected);
}

#[test]
fn depth_is_bounded_without_recursion() {
    let deep = |levels: usize| {
        let text = format!(
            "<plist>{}{}</plist>",
            "<array>".repeat(levels),
            "</array>".repeat(levels)
        );
        parse_any(text.as_bytes()).map(|_| ())
    };
    assert_eq!(deep(MAX_DEPTH), Ok(()));
    assert_eq!(deep(1_000_000), Err(PlistError::Depth));
}
