//! Rules about signatures that macOS accepts and that do not age well: each fires on its case and keeps silent on a near miss.

use sealcheck::finding::{Severity, Target};
use sealcheck::requirement::RequirementSet;
use sha1::{Digest, Sha1};

use crate::support::bundle::hex;
use crate::support::foundry::{By, Code, IOS, TEAM, app, identity, library, of, tool};
use crate::support::signature::Signer;

/// Messages of the rule's findings, which are all warnings.
fn said(code: &Code, rule: &str) -> Vec<String> {
    let advice = code.advice();
    let found = of(&advice, rule);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    found.iter().map(|finding| finding.message.clone()).collect()
}

fn acme() -> Code {
    tool("com.example.acme")
}

#[test]
fn sha1_alone() {
    let rule = "weak-digest-only";
    let only = acme().signing(|signer| signer.hash_types = vec![1]);
    assert_eq!(said(&only, rule), ["the only CodeDirectory hashes with SHA-1"]);
    assert!(said(&acme().signing(|signer| signer.hash_types = vec![1, 2]), rule).is_empty());
    assert!(said(&only.by(By::Adhoc), rule).is_empty());
}

#[test]
fn identifiers_of_one_build() {
    let rule = "identifier-unsuitable";
    let named = |change: fn(&mut Signer)| said(&acme().signing(change), rule);
    assert_eq!(
        named(|signer| signer.identifier = format!("acme-{}", "5a".repeat(20))),
        [format!(
            "the identifier acme-{} ends with a hash of this build",
            "5a".repeat(20)
        )]
    );
    assert_eq!(
        named(|signer| signer.identifier = "a.out".into()),
        ["the identifier is a.out, as of many other programs"]
    );
    for good in ["acme", "acme-2", "com.example.acme-beta"] {
        let mut code = acme();
        code.identifier = good.into();
        assert!(said(&code, rule).is_empty(), "{good}");
    }
    // Nobody relies on the identifier of a library.
    let of_library = |signer: &mut Signer| signer.identifier = format!("acme-{}", "5a".repeat(20));
    assert!(said(&library("com.example.acme").signing(of_library), rule).is_empty());
}

#[test]
fn one_identifier_for_two_programs() {
    let rule = "identifier-collision";
    let with = |identifier: &str| {
        let mut helper = tool("com.example.acme.helper");
        helper.signing = Some(match identifier {
            "same" => |signer| signer.identifier = "com.example.acme".into(),
            _ => |_| {},
        });
        said(&app("com.example.acme").nested("Helpers/helper", helper), rule)
    };
    assert_eq!(
        with("same"),
        ["the identifier com.example.acme is that of Contents/MacOS/acme as well"]
    );
    assert!(with("its own").is_empty());
    // A second copy of the same program, and libraries.
    let copies = app("com.example.acme")
        .nested("Helpers/one", acme_helper())
        .nested("Helpers/two", acme_helper())
        .nested("Frameworks/one.dylib", library("com.example.libacme"))
        .nested(
            "Frameworks/two.dylib",
            library("com.example.libacme").platform(IOS),
        );
    assert!(said(&copies, rule).is_empty());
}

fn acme_helper() -> Code {
    tool("com.example.acme.helper")
}

#[test]
fn old_code_directories() {
    let rule = "code-directory-version-old";
    assert_eq!(
        said(&acme().signing(|signer| signer.version = 0x20400), rule),
        ["the CodeDirectory has version 0x20400, which has no place for the version of the hardened runtime"]
    );
    // Without the hardened runtime, old versions are fine on a Mac, and not on a telephone.
    let old = acme().signing(|signer| {
        signer.version = 0x20200;
        signer.flags = 0;
    });
    assert!(said(&old, rule).is_empty());
    let advice = old.platform(IOS).built().advice(Some(Target::Local));
    let messages: Vec<_> = of(&advice, rule)
        .iter()
        .map(|found| found.message.clone())
        .collect();
    assert_eq!(
        messages,
        ["the CodeDirectory has version 0x20200; iOS 15 and later ask for 0x20400"]
    );
    assert!(said(&acme(), rule).is_empty());
}

fn demands(signer: &mut Signer, text: &str) {
    let leaf = identity(By::DeveloperId, TEAM).unwrap();
    let text = text.replace(
        "LEAF",
        &format!("certificate leaf = H\"{}\"", hex(&Sha1::digest(&leaf.der))),
    );
    let set = RequirementSet::from_text(&format!("designated => {text}")).unwrap();
    signer.special.insert(2, set.to_blob());
}

#[test]
fn requirements_that_fit_one_certificate() {
    let rule = "designated-requirement-unstable";
    for bad in [
        (|signer| demands(signer, "identifier \"com.example.acme\" and LEAF")) as fn(&mut Signer),
        |signer| {
            demands(
                signer,
                "LEAF or cdhash H\"0000000000000000000000000000000000000000\"",
            )
        },
    ] {
        assert_eq!(
            said(&acme().signing(bad), rule),
            ["the designated requirement demands the hash of the signing certificate, which will be renewed"]
        );
    }
    for good in [
        (|signer| {
            demands(
                signer,
                "identifier \"com.example.acme\" and (LEAF or anchor apple generic)",
            )
        }) as fn(&mut Signer),
        |signer| demands(signer, "identifier \"com.example.acme\" and anchor apple generic"),
        |_| {},
    ] {
        assert!(said(&acme().signing(good), rule).is_empty());
    }
}

#[test]
fn programs_of_the_system() {
    let rule = "system-program-copied";
    /// Offset of the platform identifier in a CodeDirectory.
    const PLATFORM: usize = 38;
    let of_system = |code: Code| {
        code.by(By::Apple)
            .signing(|signer| signer.patch = Some(|bytes| bytes[PLATFORM] = 15))
    };
    let with = |place: &str, code: Code| said(&app("com.example.acme").nested(place, code), rule);
    assert_eq!(
        with("Helpers/python3", of_system(tool("com.apple.python3"))),
        ["this is a copy of a program of macOS, signed by Apple"]
    );
    // A library that Apple lets others ship, and a program of Apple's that belongs to no system.
    assert!(
        with(
            "Frameworks/libswiftCore.dylib",
            of_system(library("com.apple.libswiftCore"))
        )
        .is_empty()
    );
    assert!(with("Helpers/tool", tool("com.apple.tool").by(By::Apple)).is_empty());
    assert!(said(&of_system(tool("com.apple.python3")), rule).is_empty());
}

#[test]
fn executable_segments() {
    let rule = "exec-segment-inconsistent";
    /// Offsets of the length and of the flags of the executable segment in a CodeDirectory.
    const LIMIT: usize = 72;
    const FLAGS: usize = 87;
    let limit = said(
        &acme().signing(|signer| signer.patch = Some(|bytes| bytes[LIMIT + 7] ^= 1)),
        rule,
    );
    assert!(
        limit[0].starts_with("the CodeDirectory says that the executable segment has"),
        "{limit:?}"
    );
    assert_eq!(
        said(
            &acme().signing(|signer| signer.patch = Some(|bytes| bytes[FLAGS] = 0)),
            rule
        ),
        ["the CodeDirectory does not call this a main executable, which it is"]
    );
    let library = library("com.example.acme");
    assert_eq!(
        said(
            &library
                .clone()
                .signing(|signer| signer.patch = Some(|bytes| bytes[FLAGS] = 1)),
            rule
        ),
        ["the CodeDirectory calls this a main executable, which it is not"]
    );
    assert!(said(&acme(), rule).is_empty() && said(&library, rule).is_empty());
}
