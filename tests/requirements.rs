//! The requirement language: tables 5.1–5.4 of the specification, and what Apple's tools printed (native
//! observations 6).

use std::sync::Arc;

use sealcheck::plist::{Dictionary, Value};
use sealcheck::requirement::{
    Compiled, Context, Requirement, RequirementError, RequirementSet, RequirementType,
};
use sealcheck::time::UnixTime;
use sealcheck::trust::Certificate;
use sealcheck::verify::{Options, verify_at};

use crate::corpus::unpacked;
use crate::support::bundle::hex;
use crate::support::der::{oid, sequence, tlv, utf8};
use crate::support::pki::{self, Issued, Key, Template, basic_constraints, extension, marker};

/// The payload of an expression from words (`u32`) and data.
enum Part<'a> {
    Word(u32),
    Data(&'a [u8]),
    Time(i64),
}
use Part::{Data, Time, Word};

fn blob(parts: &[Part<'_>]) -> Vec<u8> {
    let mut payload = 1u32.to_be_bytes().to_vec();
    for part in parts {
        match part {
            Word(word) => payload.extend(word.to_be_bytes()),
            Time(time) => payload.extend(time.to_be_bytes()),
            Data(data) => {
                payload.extend((data.len() as u32).to_be_bytes());
                payload.extend(*data);
                payload.resize(payload.len().next_multiple_of(4), 0);
            }
        }
    }
    crate::support::signature::blob(0xfade_0c00, &payload)
}

fn chain_of(issued: &Issued) -> Vec<Arc<Certificate>> {
    issued
        .chain
        .iter()
        .map(|der| Arc::new(Certificate::parse(der).unwrap()))
        .collect()
}

/// Code with everything that a requirement can ask about.
struct Code {
    chain: Vec<Arc<Certificate>>,
    info: Dictionary,
    entitlements: Dictionary,
    is_apple: bool,
    is_notarized: Option<bool>,
    timestamp: Option<UnixTime>,
}

const DATE: &str = "1.2.840.113635.100.6.1.33";

fn code() -> Code {
    let mut leaf = pki::developer_id(Key::P256(3));
    leaf.subject.push((pki::UNIT, "LASTUNIT".into()));
    let leaf = leaf.with(&[
        extension(DATE, false, &utf8("20190101000000Z")),
        extension("2.5.29.32", false, &sequence(&[sequence(&[oid("1.2.3.4")])])),
        extension("2.5.29.17", false, &sequence(&[tlv(0x81, b"me@example.org")])),
    ]);
    let root = pki::root().self_signed();
    let leaf = leaf.issued_by(&pki::developer_id_ca().issued_by(&root));
    let mut info = Dictionary::default();
    let mut entitlements = Dictionary::default();
    for (key, value) in [
        ("text", Value::String("Hello World".into())),
        ("version", Value::String("10.10".into())),
        ("number", Value::Integer(1)),
        ("yes", Value::Boolean(true)),
        ("no", Value::Boolean(false)),
        ("date", Value::Date(1000.0)),
        ("empty", Value::Array(vec![])),
        (
            "list",
            Value::Array(vec![Value::String("a".into()), Value::String("b".into())]),
        ),
    ] {
        info.insert(key.into(), value.clone());
        entitlements.insert(key.into(), value);
    }
    Code {
        chain: chain_of(&leaf),
        info,
        entitlements,
        is_apple: true,
        is_notarized: None,
        timestamp: None,
    }
}

impl Code {
    fn context(&self) -> Context<'_> {
        Context {
            identifier: b"org.example.tool",
            cdhash: &[0xab; 20],
            platform: 13,
            info: Some(&self.info),
            entitlements: Some(&self.entitlements),
            chain: &self.chain,
            is_apple: self.is_apple,
            is_notarized: self.is_notarized,
            timestamp: self.timestamp,
        }
    }

    #[track_caller]
    fn says(&self, text: &str) -> Option<bool> {
        Requirement::from_text(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .evaluate(&self.context())
            .unwrap()
    }

    fn binary(&self, parts: &[Part<'_>]) -> Result<Option<bool>, RequirementError> {
        Requirement::from_blob(&blob(parts))?.evaluate(&self.context())
    }
}

/// Table 5.1.
#[test]
fn every_operation() {
    let code = code();
    let hash = hex(code.chain[0].sha1());
    let root_hash = hex(code.chain[2].sha1());
    let cdhash = "ab".repeat(20);
    for (text, expected) in [
        ("never".to_owned(), false),
        ("always".into(), true),
        ("identifier \"org.example.tool\"".into(), true),
        ("identifier \"org.example.Tool\"".into(), false),
        ("anchor apple".into(), false),
        (format!("certificate leaf = H\"{hash}\""), true),
        (format!("certificate root = H\"{root_hash}\""), true),
        (format!("anchor = H\"{root_hash}\""), true),
        (format!("certificate 2 = H\"{root_hash}\""), true),
        (format!("certificate -3 = H\"{hash}\""), true),
        (format!("certificate 3 = H\"{hash}\""), false),
        (format!("certificate -4 = H\"{hash}\""), false),
        ("always and never".into(), false),
        ("always or never".into(), true),
        ("never and always or always".into(), true),
        ("never and (always or always)".into(), false),
        ("! never".into(), true),
        ("! ! never".into(), false),
        (format!("cdhash H\"{cdhash}\""), true),
        (format!("cdhash H\"{hash}\""), false),
        ("anchor apple generic".into(), true),
        ("platform = 13".into(), true),
        ("platform = 12".into(), false),
        ("anchor apple something".into(), false),
        ("(something)".into(), false),
    ] {
        assert_eq!(code.says(&text), Some(expected), "{text}");
    }
    for unknown in [
        "notarized",
        "anchor trusted",
        "certificate leaf trusted",
        "legacy",
    ] {
        assert_eq!(code.says(unknown), None, "{unknown}");
        assert_eq!(code.says(&format!("{unknown} and never")), Some(false));
        assert_eq!(code.says(&format!("{unknown} or always")), Some(true));
        assert_eq!(code.says(&format!("! {unknown}")), None);
    }
}

#[test]
fn malformed_and_unknown_operations() {
    let code = code();
    // The old form of `info[K] = V` has an operation of its own.
    assert_eq!(
        code.binary(&[Word(5), Data(b"text"), Data(b"Hello World")]),
        Ok(Some(true))
    );
    assert_eq!(
        code.binary(&[Word(5), Data(b"text"), Data(b"Hello")]),
        Ok(Some(false))
    );
    assert_eq!(
        code.binary(&[Word(4), Word(0), Data(b"short")]),
        Err(RequirementError::Invalid)
    );
    assert_eq!(code.binary(&[]), Err(RequirementError::Invalid));
    assert_eq!(code.binary(&[Word(6), Word(1)]), Err(RequirementError::Invalid));
    assert_eq!(code.binary(&[Word(2), Word(100)]), Err(RequirementError::Invalid));
    // Both sides count, also where one decides.
    assert_eq!(
        code.binary(&[Word(7), Word(1), Word(99)]),
        Err(RequirementError::Unimplemented { opcode: 99 })
    );
    // An unknown operation may say of itself that it is false, or that it may be skipped.
    assert_eq!(code.binary(&[Word(0x8000_0063), Data(b"xyz")]), Ok(Some(false)));
    assert_eq!(
        code.binary(&[Word(0x4000_0063), Data(b"xyz"), Word(1)]),
        Ok(Some(true))
    );
    // Flags on a known operation change nothing, and what follows an expression is ignored.
    assert_eq!(code.binary(&[Word(0x8000_0001), Word(77)]), Ok(Some(true)));
    // The padding of the last element may be missing.
    let mut cut = blob(&[Word(2), Data(b"org.example.tool.x")]);
    let length = cut.len() - 2;
    cut.truncate(length);
    cut[4..8].copy_from_slice(&(length as u32).to_be_bytes());
    let cut = Requirement::from_blob(&cut).unwrap();
    assert_eq!(cut.evaluate(&code.context()), Ok(Some(false)));
    for kind in [0u32, 2, 3] {
        let bytes = crate::support::signature::blob(0xfade_0c00, &kind.to_be_bytes());
        assert_eq!(
            Requirement::from_blob(&bytes),
            Err(RequirementError::Kind { kind })
        );
    }
    let mut deep = vec![];
    deep.extend((0..990).map(|_| Word(9)));
    deep.push(Word(1));
    assert_eq!(code.binary(&deep), Ok(Some(true)));
    let mut deep: Vec<_> = (0..1100).map(|_| Word(9)).collect();
    deep.push(Word(1));
    assert_eq!(code.binary(&deep), Err(RequirementError::Invalid));
}

/// Table 5.2, on Info.plist and on entitlements.
#[test]
fn every_match() {
    let code = code();
    for (text, expected) in [
        ("[text] exists", true),
        ("[text]", true),
        ("[nothing] exists", false),
        ("[nothing] absent", true),
        ("[nothing] = x", false),
        ("[text] absent", false),
        ("[no] exists", false),
        ("[no] absent", false),
        ("[yes] exists", true),
        ("[number] exists", true),
        ("[number] = \"1\"", false),
        ("[yes] = true1", false),
        ("[text] = \"Hello World\"", true),
        ("[text] = \"hello world\"", false),
        ("[text] ~ \"lo W\"", true),
        ("[text] = *\"lo W\"*", true),
        ("[text] = Hello*", true),
        ("[text] = *World", true),
        ("[text] = World*", false),
        ("[text] = *Hello", false),
        ("[text] = \"Hello World and more\"*", false),
        ("[text] ~ \"\"", false),
        ("[version] < \"10.9\"", false),
        ("[version] > \"10.9\"", true),
        ("[version] <= \"10.10\"", true),
        ("[version] >= \"10.11\"", false),
        ("[version] < \"10.11\"", true),
        ("[number] < \"2\"", false),
        ("[list] = b", true),
        ("[list] = c", false),
        ("[list] exists", true),
        ("[empty] exists", true),
        ("[empty] = a", false),
        ("[date] = timestamp \"20010101001640Z\"", true),
        ("[date] < timestamp \"20010101001640Z\"", false),
        ("[date] < timestamp \"20010101001641Z\"", true),
        ("[date] > timestamp \"20010101001639Z\"", true),
        ("[date] <= timestamp \"20010101001640Z\"", true),
        ("[date] >= timestamp \"20010101001641Z\"", false),
        ("[text] = timestamp \"20010101001640Z\"", false),
    ] {
        for subject in ["info", "entitlement"] {
            assert_eq!(
                code.says(&format!("{subject}{text}")),
                Some(expected),
                "{subject}{text}"
            );
        }
    }
    // An unknown match takes an operand with it and never holds.
    assert_eq!(
        code.binary(&[Word(7), Word(10), Data(b"text"), Word(99), Data(b"x"), Word(1)]),
        Ok(Some(true))
    );
}

/// Section 5.3.
#[test]
fn fields_of_certificates() {
    let code = code();
    for (text, expected) in [
        (
            "certificate leaf[subject.CN] = \"Developer ID Application: Example (ABCDE12345)\"",
            true,
        ),
        ("certificate leaf[subject.OU] = LASTUNIT", true),
        ("certificate leaf[subject.OU] = ABCDE12345", false),
        ("certificate leaf[subject.O] = Example", true),
        ("certificate leaf[subject.C] = US", true),
        ("certificate leaf[subject.UID] = ABCDE12345", true),
        ("certificate root[subject.CN] = \"Test Root CA\"", true),
        ("certificate 1[subject.CN] ~ \"Developer ID\"", true),
        ("certificate leaf[subject.L] exists", false),
        ("certificate leaf[subject.L] absent", false),
        ("certificate leaf[subject.nonsense] exists", false),
        ("certificate 9[subject.CN] exists", false),
        ("certificate 9[subject.CN] absent", false),
        ("certificate leaf[field.1.2.840.113635.100.6.1.13]", true),
        (
            "certificate leaf[extension.1.2.840.113635.100.6.1.13] exists",
            true,
        ),
        ("certificate leaf[field.1.2.840.113635.100.6.1.14] exists", false),
        ("certificate leaf[field.1.2.840.113635.100.6.1.14] absent", true),
        ("certificate 9[field.1.2.840.113635.100.6.1.14] absent", false),
        ("certificate 1[field.1.2.840.113635.100.6.2.6] exists", true),
        ("certificate leaf[policy.1.2.3.4] exists", true),
        ("certificate leaf[policy.1.2.3.5] exists", false),
        ("certificate leaf[policy.1.2.3.5] absent", true),
        ("certificate 9[policy.1.2.3.5] absent", false),
        (
            "certificate leaf[timestamp.1.2.840.113635.100.6.1.33] < timestamp \"20190407000000Z\"",
            true,
        ),
        (
            "certificate leaf[timestamp.1.2.840.113635.100.6.1.33] = timestamp \"20190101000000Z\"",
            true,
        ),
        (
            "certificate leaf[timestamp.1.2.840.113635.100.6.1.34] absent",
            true,
        ),
        ("certificate 9[timestamp.1.2.840.113635.100.6.1.33] absent", true),
    ] {
        assert_eq!(code.says(text), Some(expected), "{text}");
    }
    let mail = |operand: &[u8]| code.binary(&[Word(11), Word(0), Data(b"email"), Word(1), Data(operand)]);
    assert_eq!(mail(b"me@example.org"), Ok(Some(true)));
    assert_eq!(mail(b"you@example.org"), Ok(Some(false)));
    // The same with dates in the binary form.
    let content = &oid(DATE)[2..];
    let date = 567_993_600i64; // 2019-01-01 in seconds since 2001
    for (found, expected) in [(9, true), (10, false), (11, false), (12, true), (13, true)] {
        let parts = [Word(22), Word(0), Data(content), Word(found), Time(date)];
        assert_eq!(code.binary(&parts), Ok(Some(expected)), "{found}");
    }
}

/// Section 5.4.
#[test]
fn anchors_notarization_and_old_code() {
    let mut code = code();
    code.is_apple = false;
    assert_eq!(code.says("anchor apple generic"), Some(false));
    code.chain.clear();
    code.is_apple = true;
    assert_eq!(code.says("anchor apple generic"), Some(false));
    for (notarized, expected) in [(Some(true), Some(true)), (Some(false), Some(false)), (None, None)] {
        code.is_notarized = notarized;
        assert_eq!(code.says("notarized"), expected);
    }
    let software = |common_name: &str, organization: &str, has_marker: bool| {
        let root = pki::root().self_signed();
        let mut authority = Template::new(common_name, Key::P256(2)).with(&[basic_constraints(true, None)]);
        authority.subject.push((pki::ORGANIZATION, organization.into()));
        let mut leaf = Template::new("Software Signing", Key::P256(3));
        if has_marker {
            leaf = leaf.with(&[marker("1.2.840.113635.100.6.22")]);
        }
        let mut code = self::code();
        code.chain = chain_of(&leaf.issued_by(&authority.issued_by(&root)));
        code.says("anchor apple")
    };
    let name = "Apple Code Signing Certification Authority";
    assert_eq!(software(name, "Apple Inc.", true), Some(true));
    assert_eq!(software(name, "Apple Inc.", false), Some(false));
    assert_eq!(software(name, "Pear Inc.", true), Some(false));
    assert_eq!(software("Another", "Apple Inc.", true), Some(false));
    // legacy: the account's age, then the timestamp; what is left only Apple's list knows.
    let mut code = self::code();
    code.timestamp = UnixTime::from_rfc3339("2019-05-31T23:59:59Z");
    assert_eq!(code.says("legacy"), Some(true));
    code.timestamp = UnixTime::from_rfc3339("2019-06-01");
    assert_eq!(code.says("legacy"), None);
    let with_date = |value: &[u8]| {
        let leaf = pki::developer_id(Key::P256(3)).with(&[extension(DATE, false, value)]);
        let mut code = self::code();
        code.chain = chain_of(&leaf.self_signed());
        code.timestamp = UnixTime::from_rfc3339("2019-05-01");
        code.says("legacy")
    };
    assert_eq!(with_date(&utf8("20190407235959Z")), Some(true));
    assert_eq!(with_date(&utf8("20190408000000Z")), Some(false));
    assert_eq!(with_date(&utf8("never")), Some(false));
}

/// Native observations 6.1: what Apple's `codesign -d -r-` prints for what was compiled from these texts.
#[test]
fn printed_like_apple() {
    let printed = |text: &str| Requirement::from_text(text).unwrap().to_string();
    for same in [
        "always",
        "never",
        "identifier abc123",
        "identifier \"true\"",
        "anchor apple generic",
        "certificate leaf[subject.CN] = Example",
        "certificate root[subject.O] = \"Test CA\"",
        "certificate 1[subject.OU] = ABC",
        "certificate root = H\"0000000000000000000000000000000000000000\"",
        "cdhash H\"0123456789012345678901234567890123456789\"",
        "always and never or always",
        "identifier \"org.example.extract\" and (always or ! never)",
        "! (always and never)",
        "info[CFBundleVersion] >= \"17.0\"",
        "entitlement[a] absent ",
        "certificate leaf[subject.OU] = \"2BUA8C4S2C\"",
        "identifier \"\"",
        "platform = 14",
        "notarized",
        "legacy",
        "anchor trusted",
    ] {
        assert_eq!(printed(same), same);
    }
    for (text, expected) in [
        ("identifier \"abc123\"", "identifier abc123"),
        ("identifier \"é\"", "identifier 0xc3a9"),
        (
            "certificate 1[field.1.2.840.113635.100.6.2.6] exists",
            "certificate 1[field.1.2.840.113635.100.6.2.6] /* exists */",
        ),
        ("identifier \"a\nb\"", "identifier \"a\nb\""),
        ("true", "always"),
        ("false", "never"),
        ("anchor generic apple", "anchor apple generic"),
        (
            "anchor = H\"0000000000000000000000000000000000000000\"",
            "certificate root = H\"0000000000000000000000000000000000000000\"",
        ),
        ("certificate leaf trusted", "certificate leaftrusted"),
        ("info[x] = *y*", "info[x] ~ y"),
    ] {
        assert_eq!(printed(text), expected, "{text}");
    }
    let long = format!("identifier {}", "a".repeat(260));
    assert_eq!(printed(&long), format!("identifier {}", "a".repeat(255)));
    let escaped = Requirement::from_blob(&blob(&[Word(2), Data(b"a\"b\\c")])).unwrap();
    assert_eq!(escaped.to_string(), "identifier \"a\\\"b\\\\c\"");
    for (number, label) in [
        (0, "invalid"),
        (1, "host"),
        (2, "guest"),
        (3, "designated"),
        (4, "library"),
        (5, "plugin"),
        (6, "/*unknown type*/ 6"),
    ] {
        assert_eq!(RequirementType(number).name(), label);
    }
}

/// Native observations 6.2: what Apple's compiler made of these texts.
#[test]
fn sets_compiled_like_apple() {
    for (text, expected) in [
        (
            "designated => always",
            "fade0c0100000024000000010000000300000014fade0c00000000100000000100000001",
        ),
        (
            "library => never",
            "fade0c0100000024000000010000000400000014fade0c00000000100000000100000000",
        ),
        (
            "3 => never designated => always 1 => never host => always",
            "fade0c010000003c00000002000000010000001c000000030000002cfade0c00000000100000000100000001fade0c00000000100000000100000001",
        ),
        (
            "plugin => always library => never designated => always guest => never host => always",
            "fade0c01000000840000000500000001000000340000000200000044000000030000005400000004000000640000000500000074fade0c00000000100000000100000001fade0c00000000100000000100000000fade0c00000000100000000100000001fade0c00000000100000000100000000fade0c00000000100000000100000001",
        ),
        (
            "4294967295 => never 6 => always 0 => never 08 => always 03 => never",
            "fade0c0100000084000000050000000000000034000000030000004400000006000000540000000800000064ffffffff00000074fade0c00000000100000000100000000fade0c00000000100000000100000000fade0c00000000100000000100000001fade0c00000000100000000100000001fade0c00000000100000000100000000",
        ),
        (
            "host => certificate root = H\"0000000000000000000000000000000000000000\" designated => certificate leaf[subject.CN] = Example guest => anchor apple generic",
            "fade0c010000009400000003000000010000002400000002000000500000000300000060fade0c000000002c0000000100000004ffffffff000000140000000000000000000000000000000000000000fade0c0000000010000000010000000ffade0c0000000034000000010000000b000000000000000a7375626a6563742e434e000000000001000000074578616d706c6500",
        ),
        (
            "1 => certificate 08[field.1.2.3] 3 => always",
            "fade0c010000004c00000002000000010000001c000000030000003cfade0c0000000020000000010000000e00000008000000022a03000000000000fade0c00000000100000000100000001",
        ),
        (
            "host => identifier \"a#b//c/*d*/\"",
            "fade0c0100000034000000010000000100000014fade0c000000002000000001000000020000000b6123622f2f632f2a642a2f00",
        ),
        (
            "host => always;; # comment\nguest => never;",
            "fade0c010000003c00000002000000010000001c000000020000002cfade0c00000000100000000100000001fade0c00000000100000000100000000",
        ),
    ] {
        let set = RequirementSet::from_text(text).unwrap();
        assert_eq!(
            Compiled::from_text(text),
            Ok(Compiled::Set(set.clone())),
            "{text}"
        );
        assert_eq!(hex(&set.to_blob()), expected, "{text}");
        assert_eq!(RequirementSet::from_blob(&set.to_blob()).unwrap(), set, "{text}");
    }
    for (text, expected) in [
        ("host always", "line 1:6: expecting ARROW, found 'always'"),
        ("host =/*x*/> always", "line 1:6: expecting ARROW, found '='"),
        ("", "line 1:1: unexpected end of file"),
        ("# no expression\n", "line 2:1: unexpected end of file"),
        ("host =>", "line 1:8: unexpected end of file"),
        ("=> always", "line 1:1: unexpected token: =>"),
        (";host => always", "line 1:1: unexpected token: ;"),
        ("-1 => always", "line 1:1: unexpected token: -"),
        ("invalid => always", "line 1:1: unexpected token: invalid"),
        ("future => always", "line 1:1: unexpected token: future"),
        (
            "host => identifier \"oops",
            "line 1:25: expecting ''\"'', found 'EOF'",
        ),
    ] {
        let error = RequirementSet::from_text(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text:?}");
    }
    assert!(matches!(Compiled::from_text("always"), Ok(Compiled::One(_))));
}

/// The form of Developer ID with parentheses compiles as Apple's default requirement is made: nested to the right.
#[test]
fn parentheses_are_kept_in_the_bytes() {
    let text = "identifier \"com.example\" and (anchor apple generic and (certificate 1[field.1.2.840.113635.100.6.2.6] \
                exists and (certificate leaf[field.1.2.840.113635.100.6.1.13] exists and certificate leaf[subject.OU] = \
                \"UBF8T346G9\")))";
    let requirement = Requirement::from_text(text).unwrap();
    let words: Vec<u32> = requirement.to_blob()[12..]
        .chunks(4)
        .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
        .collect();
    // and, identifier (12 bytes of text), and, anchor apple generic, and, …
    assert_eq!(words[..3], [6, 2, 11]);
    assert_eq!(words[6..9], [6, 15, 6]);
    assert_eq!(
        Requirement::from_text(&requirement.to_source()).unwrap(),
        requirement
    );
    let flat = Requirement::from_text(&requirement.to_string()).unwrap();
    assert_ne!(flat, requirement);
    assert_eq!(flat.to_string(), requirement.to_string());
}

/// Every designated requirement of the corpus prints, compiles to the same bytes and holds on its own code.
#[test]
fn designated_requirements_of_the_corpus() {
    let Some(folder) = unpacked() else { return };
    let mut paths = vec![crate::support::real_app()];
    paths.extend(
        crate::corpus::items()
            .into_iter()
            .map(|item| folder.path().join(item)),
    );
    let (mut explicit, mut default) = (0, 0);
    for path in paths {
        let evidence = verify_at(&path, &Options::default()).unwrap();
        for object in &evidence.code {
            for slice in &object.slices {
                let Some(designated) = &slice.designated else {
                    continue;
                };
                let place = format!("{} {}", path.display(), object.path);
                let requirement = &designated.requirement;
                let again = Requirement::from_text(&requirement.to_source());
                assert_eq!(again.unwrap().to_blob(), requirement.to_blob(), "{place}");
                let text = requirement.to_string();
                assert_eq!(
                    Requirement::from_text(&text).unwrap().to_string(),
                    text,
                    "{place}"
                );
                assert_eq!(designated.is_satisfied, Ok(Some(true)), "{place}: {text}");
                if let Some(set) = slice.requirements.as_deref() {
                    let parsed = RequirementSet::from_blob(set).unwrap();
                    assert_eq!(parsed.to_blob(), set, "{place}");
                }
                if designated.is_explicit {
                    explicit += 1;
                } else {
                    default += 1;
                }
            }
        }
    }
    assert!(
        explicit >= 20 && default >= 20,
        "{explicit} explicit, {default} default"
    );
}

/// Info.plist's `k` compared in a way that nobody knows, with this operand, or `always`.
fn compared_unknowably(length: u32, operand: &[u8]) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let always = words(&[1]);
    let payload = [
        &words(&[1, 7, 10, 1]),
        &b"k\0\0\0"[..],
        &words(&[99, length]),
        operand,
        &always,
    ];
    crate::support::signature::blob(0xfade_0c00, &payload.concat())
}

/// Found by fuzzing: an unknown comparison lost its operand when it was written again.
#[test]
fn an_unknown_comparison_keeps_its_operand() {
    let blob = compared_unknowably(2, b"ab\0\0");
    let found = Requirement::from_blob(&blob).unwrap();
    assert_eq!(found.fault(), None);
    assert_eq!(found.to_blob(), blob);
}

/// Found by fuzzing: an unknown comparison without operand was taken for one that does not hold, and what followed it
/// counted. Apple's interpreter reads an operand there and gives up (reqinterp.cpp, Match::Match).
#[test]
fn an_unknown_comparison_without_operand_is_malformed() {
    let blob = compared_unknowably(1000, b"");
    let found = Requirement::from_blob(&blob).unwrap();
    assert_eq!(found.fault(), Some(RequirementError::Invalid));
}

/// Uncertain: without trust settings a Mac says false to `anchor trusted`; whether it has any is not known here. Code that
/// demands it is not judged: it neither satisfies a requirement nor fails one.
#[test]
fn trust_settings_are_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, designated: Option<&str>| {
        let mut signer = crate::support::signature::adhoc("x");
        if let Some(text) = designated {
            let set = RequirementSet::from_text(&format!("designated => {text}")).unwrap();
            signer.special.insert(2, set.to_blob());
        }
        let (bytes, _) = signer.sign(&crate::support::macho::arm64(&[1; 100]), Default::default());
        std::fs::write(folder.path().join(name), bytes).unwrap();
    };
    write("plain", None);
    let verify = |arguments: &[&str]| crate::support::codesign::codesign(folder.path(), "verify", arguments);
    for text in ["-R=anchor trusted", "-R=! certificate leaf trusted"] {
        let said = verify(&[text, "plain"]);
        assert_eq!(said.status, 4, "{text}");
        assert!(said.error.last().unwrap().contains("not judged"), "{said:?}");
    }
    assert_eq!(verify(&["-R=anchor trusted and never", "plain"]).status, 3);
    for (name, text) in [("one", "anchor trusted"), ("other", "! anchor trusted")] {
        write(name, Some(text));
        let evidence = verify_path(&folder.path().join(name));
        assert_eq!(evidence.codesign.valid(), Some(true));
        assert_eq!(evidence.codesign.satisfies_designated_requirement(), None);
        let said = verify(&["-v", name]);
        assert!(
            !said.error.iter().any(|line| line.contains("satisfies its")),
            "{said:?}"
        );
    }
}

fn verify_path(path: &std::path::Path) -> sealcheck::verify::Evidence {
    sealcheck::verify::verify_at(path, &Options::default()).unwrap()
}
