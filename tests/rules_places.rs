//! Rules about data among code and engines that compile while they run.

use sealcheck::finding::Severity;
use sealcheck::rule::Advice;

use crate::support::foundry::{Code, app, library, of, tool};
use crate::support::plist::entries;

const DATA: &str = "data-in-code-location";
const JIT: &str = "jit-without-entitlement";
const RUNTIME: u32 = 0x1_0000;

fn acme() -> Code {
    app("com.example.acme")
}

fn places(advice: &Advice) -> Vec<(&str, &str)> {
    let found = of(advice, DATA);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    found
        .iter()
        .flat_map(|finding| &finding.places)
        .map(|place| (place.path.as_str(), place.note))
        .collect()
}

#[test]
fn data_and_scripts_among_code() {
    let advice = acme()
        .file("MacOS/settings.json", b"{}")
        .file("MacOS/start.sh", b"#!/bin/sh\n")
        .file("Frameworks/LICENSE", b"yes")
        .advice();
    assert_eq!(
        places(&advice),
        [
            ("Contents/Frameworks/LICENSE", "data"),
            ("Contents/MacOS/settings.json", "data"),
            ("Contents/MacOS/start.sh", "script"),
        ]
    );
    // Where they belong, deeper down, and code.
    let advice = acme()
        .file("Resources/settings.json", b"{}")
        .file("Resources/MacOS/start.sh", b"#!/bin/sh\n")
        .file("MacOS/lib/start.py", b"pass")
        .nested("Helpers/helper", tool("com.example.acme.helper"))
        .nested("Frameworks/libacme.dylib", library("com.example.libacme"))
        .advice();
    assert_eq!(places(&advice), []);
}

fn jit(code: &Code) -> Vec<String> {
    let advice = code.advice();
    let found = of(&advice, JIT);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    found.iter().map(|finding| finding.path.clone()).collect()
}

#[test]
fn engines_that_compile() {
    let java = |code: Code| code.nested("Frameworks/libjvm.dylib", library("net.java.openjdk.jvm"));
    let hard = || acme().with_flags(RUNTIME);
    let claims = |key: &str| entries! { key => true };
    assert_eq!(jit(&java(hard())), ["Contents/Frameworks/libjvm.dylib"]);
    for key in [
        "com.apple.security.cs.allow-jit",
        "com.apple.security.cs.allow-unsigned-executable-memory",
    ] {
        assert_eq!(jit(&java(hard().entitlements(claims(key)))), [""; 0], "{key}");
    }
    // A helper that may, or that is not hardened, can be the one that starts the engine.
    let helper = |helper: Code| java(hard()).nested("Helpers/java", helper);
    let allowed = tool("java").with_flags(RUNTIME);
    assert_eq!(
        jit(&helper(
            allowed.entitlements(claims("com.apple.security.cs.allow-jit"))
        )),
        [""; 0]
    );
    assert_eq!(jit(&helper(tool("java").with_flags(0))), [""; 0]);
    assert_eq!(
        jit(&helper(tool("java").with_flags(RUNTIME))),
        ["Contents/Frameworks/libjvm.dylib"]
    );
    assert_eq!(jit(&java(acme().with_flags(0))), [""; 0]);
    assert_eq!(jit(&hard()), [""; 0]);
}
