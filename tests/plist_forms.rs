//! Lists in other forms than XML: CoreFoundation reads them in Info.plist and in seals (`makeCFDictionaryFrom`, which Apple's
//! `StaticCode.cpp` and `machorep.cpp` call; `CFOldStylePList.c`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealcheck::bundle::Seal;
use sealcheck::finding::Target;
use sealcheck::limits::Limits;
use sealcheck::plist::Value;
use sealcheck::rule::{Expectations, advise};
use sealcheck::verify::NotJudged;

use crate::support::bundle::{sign, write};
use crate::support::judge::{Judged, judge};
use crate::support::macho::{EXECUTE, Thin, arm64};
use crate::support::signature::adhoc;

const INFO_PLIST_CHANGED: i32 = -67030;

/// An app with these bytes as Info.plist, signed after it was written.
fn app(folder: &Path, info: &[u8]) -> Judged {
    let contents = folder.join("Thing.app/Contents");
    write(&contents.join("Info.plist"), info);
    let code = vec![Thin {
        file_type: EXECUTE,
        ..arm64(&[7; 9000])
    }];
    let signer = adhoc("org.example.thing");
    sign(&contents, "MacOS/good", &code, &signer, &BTreeMap::new());
    judge(&folder.join("Thing.app"))
}

const CONTENT: &str = "CFBundleExecutable = good; /* the name */ CFBundleIdentifier = \"org.example.thing\";\n\
                       CFBundlePackageType = 'APPL'; // a kind\nCFBundleName = \"Th\\U00efng\"; Extra;";

/// The forms that native code was seen to read: braces or none, any encoding with a mark. The last key of several counts.
#[test]
fn info_plists_in_the_old_style() {
    let utf16: Vec<u8> = format!("\u{feff}{{ {CONTENT} }}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for info in [
        format!("{{ {CONTENT} }}").into_bytes(),
        CONTENT.as_bytes().to_vec(),
        format!("// Localized strings\n{CONTENT}\n").into_bytes(),
        format!("{{ CFBundleExecutable = other; {CONTENT} }}").into_bytes(),
        format!("\u{feff}{{ {CONTENT} }}").into_bytes(),
        utf16,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let judged = app(folder.path(), &info);
        let shown = String::from_utf8_lossy(&info).into_owned();
        assert_eq!(judged.status(), 0, "{shown}");
        let object = &judged.evidence.code[0];
        assert!(
            object.executable.as_deref().unwrap().ends_with("MacOS/good"),
            "{shown}"
        );
        let value = |key: &str| {
            object
                .info_plist
                .as_ref()
                .unwrap()
                .get(key)
                .and_then(Value::as_str)
        };
        assert_eq!(value("CFBundleName"), Some("Thïng"), "{shown}");
        assert_eq!(value("Extra"), Some("Extra"), "{shown}");
        let rules: Vec<_> = judged.findings.iter().map(|finding| finding.rule).collect();
        assert!(!rules.contains(&"info-plist-invalid"), "{shown}: {rules:?}");
        // It is sealed like any other.
        let path = folder.path().join("Thing.app/Contents/Info.plist");
        let mut changed = info.clone();
        changed.push(b'\n');
        fs::write(&path, changed).unwrap();
        assert_eq!(
            judge(&folder.path().join("Thing.app")).status(),
            INFO_PLIST_CHANGED,
            "{shown}"
        );
    }
}

/// A list is either not judged, or not a list, and never both.
#[test]
fn a_list_is_not_read_or_is_not_a_list() {
    let deep = format!("{{ {CONTENT} Deep = {}{}; }}", "(".repeat(129), ")".repeat(129));
    let other_set = "<?xml version=\"1.0\" encoding=\"UTF-7\"?><dict/>";
    let half = "{ CFBundleExecutable = good; Half = \"\\Ud83d\"; }";
    let judged = |info: &str| {
        let folder = tempfile::tempdir().unwrap();
        let Judged { evidence, survey, .. } = app(folder.path(), info.as_bytes());
        let advice = advise(&evidence, &survey, Some(Target::Local), &Expectations::default());
        let is_not_a_list = advice.findings.iter().any(|finding| {
            finding.rule == "info-plist-invalid" && finding.message.contains("not a property list")
        });
        let is_open = advice.unknown.iter().any(|unknown| {
            unknown.rule == "info-plist-invalid" && unknown.reason.starts_with("Info.plist was not read")
        });
        (evidence.codesign.not_judged(), is_not_a_list, is_open)
    };
    for info in [&*deep, other_set, half] {
        assert_eq!(judged(info), (Some(NotJudged::Budget), false, true), "{info}");
    }
    for info in ["{ CFBundleExecutable = good }", "(good)", "word", "<dict>"] {
        assert_eq!(judged(info), (None, true, false), "{info}");
    }
    assert_eq!(judged(CONTENT), (None, false, false));
}

/// `ResourceSeal` takes what CoreFoundation reads.
#[test]
fn seals_in_the_old_style() {
    let read = |text: &str| {
        format!(
            "{:?}",
            Seal::parse(text.as_bytes(), &Limits::default()).unwrap().entries
        )
    };
    let digest = "0123456789abcdef0123456789abcdef01234567";
    let xml = "<plist><dict><key>rules</key><dict/><key>files</key><dict><key>Resources/a</key>\
               <data>ASNFZ4mrze8BI0VniavN7wEjRWc=</data></dict></dict></plist>";
    assert_eq!(
        read(&format!(
            "{{ rules = {{}}; files = {{ \"Resources/a\" = <{digest}>; }}; }}"
        )),
        read(xml)
    );
    assert_eq!(
        read(&format!(
            "rules = {{}};\nfiles = {{ Resources/a = <{digest}>; }};"
        )),
        read(xml)
    );
}
