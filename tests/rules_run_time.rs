//! Rules about what shows only when the product runs: files that it writes, helpers of Electron, code that checks
//! pass by.

use std::fs;

use sealcheck::finding::{Finding, Severity};
use sealcheck::rule::Advice;

use crate::support::bundle::write;
use crate::support::foundry::{Code, app, framework, library, of};
use crate::support::plist::entries;

const WRITES: &str = "self-modifying-bundle";
const HELPERS: &str = "electron-helpers";
const CONTAINERS: &str = "unprocessable-nested-container";
const OPTIONAL: &str = "optional-code";

fn acme() -> Code {
    app("com.example.acme")
}

fn warnings<'a>(advice: &'a Advice, rule: &str) -> Vec<&'a Finding> {
    let found = of(advice, rule);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    found
}

fn places<'a>(advice: &'a Advice, rule: &str) -> Vec<(&'a str, &'a str)> {
    let found = warnings(advice, rule);
    let places = found.iter().flat_map(|finding| &finding.places);
    places.map(|place| (place.path.as_str(), place.note)).collect()
}

#[test]
fn modules_that_python_would_compile() {
    let advice = acme()
        .file("Resources/lib/a.py", b"")
        .file("Resources/lib/b.py", b"")
        .file("Resources/lib/__pycache__/a.cpython-312.pyc", b"")
        .advice();
    assert_eq!(
        places(&advice, WRITES),
        [("Contents/Resources/lib/b.py", "no .pyc")]
    );
    // All of them, none of them, only what nobody can import, and another folder.
    let advice = acme()
        .file("Resources/all/a.py", b"")
        .file("Resources/all/b.py", b"")
        .file("Resources/all/not-a-module.py", b"")
        .file("Resources/all/__pycache__/a.cpython-312.pyc", b"")
        .file("Resources/all/__pycache__/b.cpython-312.opt-1.pyc", b"")
        .file("Resources/none/a.py", b"")
        .file("Resources/none/b.py", b"")
        .file("Resources/old/a.py", b"")
        .file("Resources/old/a.pyc", b"")
        .advice();
    assert_eq!(places(&advice, WRITES), []);
}

#[test]
fn files_that_a_run_has_left() {
    let built = acme()
        .file("Resources/a.py", b"")
        .file("Resources/data.sqlite", b"")
        .built();
    let contents = built.path.join("Contents/Resources");
    write(&contents.join("__pycache__/a.cpython-312.pyc"), b"x");
    write(&contents.join("acme.log"), b"x");
    let advice = built.refused();
    assert_eq!(
        places(&advice, WRITES),
        [
            (
                "Contents/Resources/__pycache__/a.cpython-312.pyc",
                "compiled by Python"
            ),
            ("Contents/Resources/acme.log", "log"),
        ]
    );
    assert_eq!(of(&advice, "sealed-resource-broken").len(), 1, "it is still told");
    // Another file that came later says nothing of the product.
    let built = acme().built();
    write(&built.path.join("Contents/Resources/a.txt"), b"x");
    assert_eq!(places(&built.refused(), WRITES), []);
    // Sealed journals tell of a run as well, where there is the database; logs may be examples.
    let advice = acme()
        .file("Resources/data.sqlite", b"")
        .file("Resources/data.sqlite-wal", b"")
        .file("Resources/other-wal", b"")
        .file("Resources/example.log", b"")
        .advice();
    assert_eq!(
        places(&advice, WRITES),
        [("Contents/Resources/data.sqlite-wal", "journal of a database")]
    );
}

#[test]
fn helpers_of_electron() {
    let jit = || entries! { "com.apple.security.cs.allow-jit" => true };
    let with = |engine: &str, identifier: &str, renderer: Code| {
        acme()
            .entitlements(jit())
            .nested(
                &format!("Frameworks/{engine}.framework"),
                framework(&format!("com.example.{engine}")),
            )
            .nested("Frameworks/acme Helper.app", app(identifier))
            .nested("Frameworks/acme Helper (Renderer).app", renderer)
            .advice()
    };
    let electron = "Electron Framework";
    let messages = |advice: &Advice| -> Vec<(String, String)> {
        let found = warnings(advice, HELPERS);
        let said = found
            .iter()
            .map(|finding| (finding.code.clone(), finding.message.clone()));
        said.collect()
    };
    let renderer = || app("com.example.acme.helper.Renderer");
    for engine in [electron, "Chromium Embedded Framework"] {
        let good = with(engine, "com.example.acme.helper", renderer().entitlements(jit()));
        assert_eq!(messages(&good), [], "{engine}");
        let blocked = with(engine, "com.example.acme.helper", renderer());
        assert_eq!(
            messages(&blocked),
            [(
                "Contents/Frameworks/acme Helper (Renderer).app".to_owned(),
                "it has the hardened runtime without com.apple.security.cs.allow-jit".to_owned()
            )],
            "{engine}"
        );
    }
    let template = with(
        electron,
        "com.github.Electron.helper",
        renderer().entitlements(jit()),
    );
    assert_eq!(
        messages(&template),
        [(
            "Contents/Frameworks/acme Helper.app".to_owned(),
            "its identifier is com.github.Electron.helper, not com.example.acme.helper".to_owned()
        )]
    );
    // Without the hardened runtime nothing is forbidden, and other frameworks have helpers of their own.
    let soft = with(electron, "com.example.acme.helper", renderer().with_flags(0));
    assert_eq!(messages(&soft), []);
    let other = with("Kit", "org.other.helper", renderer());
    assert_eq!(messages(&other), []);
    // Where no program may, another rule tells of it.
    let none = acme()
        .nested(
            "Frameworks/Electron Framework.framework",
            framework("com.example.Electron Framework"),
        )
        .nested("Frameworks/acme Helper (Renderer).app", renderer())
        .advice();
    assert_eq!(messages(&none), []);
    assert_eq!(of(&none, "jit-without-entitlement").len(), 1);
}

#[test]
fn containers_that_nobody_can_open() {
    let paths = |advice: &Advice| -> Vec<String> {
        let found = warnings(advice, CONTAINERS);
        found.iter().map(|finding| finding.path.clone()).collect()
    };
    let advice = acme()
        .file("Resources/Driver.pkg/Contents/Archive.pax.gz", b"x")
        .file("Resources/Template.app/Contents/Resources/a.txt", b"x")
        .advice();
    assert_eq!(
        paths(&advice),
        ["Contents/Resources/Driver.pkg", "Contents/Resources/Template.app"]
    );
    // A flat package, a folder that only is called so, and an app with a program.
    let advice = acme()
        .file("Resources/Driver.pkg", b"xar!")
        .file("Resources/node.pkg/index.js", b"x")
        .nested("Resources/Tool.app", app("com.example.Tool"))
        .advice();
    assert_eq!(paths(&advice), [""; 0]);
}

#[test]
fn code_that_may_be_missing() {
    let library = || library("com.example.libspeech");
    let advice = acme()
        .nested("Resources/de.lproj/libspeech.dylib", library())
        .advice();
    assert_eq!(
        places(&advice, OPTIONAL),
        [("Contents/Resources/de.lproj/libspeech.dylib", "code")]
    );
    // It may go indeed: macOS does not mind.
    let built = acme()
        .nested("Resources/de.lproj/libspeech.dylib", library())
        .built();
    fs::remove_file(built.path.join("Contents/Resources/de.lproj/libspeech.dylib")).unwrap();
    built.advice(None);
    let advice = acme()
        .nested("Resources/Base.lproj/libspeech.dylib", library())
        .nested("Resources/libspeech.dylib", library())
        .file("Resources/de.lproj/a.strings", b"")
        .advice();
    assert_eq!(places(&advice, OPTIONAL), []);
}
