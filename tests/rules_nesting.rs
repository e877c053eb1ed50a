//! Rules about where code lies and what a copy makes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sealcheck::finding::{Finding, Severity, Target};
use sealcheck::rule::{Advice, Expectations};

use crate::support::bundle::{write, write_executable};
use crate::support::examined::advise;
use crate::support::foundry::{Built, Code, app, found, framework, library, of, tool};
use crate::support::macho::{Thin, arm64};

/// Advice about what may be broken by now.
fn advice(built: &Built) -> Advice {
    advise(
        &built.evidence(),
        Some(Target::DeveloperId),
        &Expectations::default(),
    )
}

/// The ids of all findings but those about a ticket and notes.
fn errors(advice: &Advice) -> Vec<&'static str> {
    found(advice)
        .into_iter()
        .filter(|(_, severity)| *severity == Severity::Error)
        .map(|(rule, _)| rule)
        .collect()
}

fn one<'a>(advice: &'a Advice, rule: &str) -> &'a Finding {
    let all = of(advice, rule);
    assert!(!all.is_empty(), "{:#?}", advice.findings);
    all[0]
}

fn unsigned(name: &str) -> Vec<u8> {
    Thin {
        file_type: crate::support::macho::DYLIB,
        ..arm64(name.as_bytes())
    }
    .build(None)
}

fn acme() -> Code {
    app("com.example.acme")
}

#[test]
fn unsigned_code_wherever_it_lies() {
    let rule = "unsigned-nested-code";
    let advice_ = acme()
        .file("Resources/lib/python/_ssl.so", &unsigned("ssl"))
        .file("Resources/app.asar.unpacked/rg", &unsigned("rg"))
        .advice();
    let findings = of(&advice_, rule);
    let paths: Vec<_> = findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "Contents/Resources/app.asar.unpacked/rg",
            "Contents/Resources/lib/python/_ssl.so"
        ]
    );
    // codesign does not look at it.
    assert_eq!(findings[0].status, None);
    // Without a signature there is no timestamp either, nor a runtime: that is the same problem.
    assert_eq!(errors(&advice_), [rule]);
    assert_eq!(of(&advice_, "unsigned-code"), Vec::<&Finding>::new());
    // Signed, it is only in the wrong place; object files and debug symbols are not asked for a signature.
    let object = Thin {
        file_type: 1,
        ..arm64(b"object")
    };
    let advice = acme()
        .nested("Resources/bin/tool", tool("com.example.tool"))
        .file("Resources/lib/a.o", &object.build(None))
        .advice();
    assert_eq!(errors(&advice), Vec::<&str>::new());
    // Where the seal names it as code, codesign refuses it as well.
    let built = acme()
        .nested("Frameworks/libx.dylib", library("com.example.libx"))
        .built();
    write_executable(&built.path.join("Contents/Frameworks/libx.dylib"), &unsigned("x"));
    let found = self::advice(&built);
    assert_eq!(one(&found, rule).status.map(|status| status.0), Some(-67062));
    assert_eq!(errors(&found), [rule]);
}

#[test]
fn code_among_resources() {
    let rule = "code-in-resources";
    let advice = acme()
        .nested("Resources/bin/tool", tool("com.example.tool"))
        .nested("Resources/Helper.app", app("com.example.Helper"))
        .nested("Resources/lib/libx.dylib", library("com.example.libx"))
        .advice();
    let finding = one(&advice, rule);
    assert_eq!(of(&advice, rule).len(), 1, "one for all of them");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.path, "Contents/Resources");
    let places: Vec<_> = finding.places.iter().map(|place| place.path.as_str()).collect();
    assert_eq!(
        places,
        ["Contents/Resources/bin/tool", "Contents/Resources/lib/libx.dylib"]
    );
    // In its place, and with resources of its own.
    let inner = framework("com.example.Inner").file("Resources/data.txt", b"data");
    let advice = acme()
        .nested("Frameworks/Inner.framework", inner)
        .nested("Helpers/tool", tool("com.example.tool"))
        .advice();
    assert_eq!(of(&advice, rule), Vec::<&Finding>::new());
}

/// Replaces a link by what it leads to.
fn follow(link: &Path) {
    let target = fs::canonicalize(link).unwrap();
    fs::remove_file(link).unwrap();
    copy(&target, link);
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        write(to, &fs::read(from).unwrap());
    }
}

#[test]
fn frameworks_that_a_copy_has_flattened() {
    let rule = "framework-flattened";
    let built = || {
        acme()
            .nested("Frameworks/Inner.framework", framework("com.example.Inner"))
            .built()
    };
    assert_eq!(of(&advice(&built()), rule), Vec::<&Finding>::new());
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("Resources is a copy", |root| follow(&root.join("Resources"))),
        ("Inner is a copy", |root| follow(&root.join("Inner"))),
        ("Versions/Current is a folder", |root| {
            follow(&root.join("Versions/Current"));
        }),
        // As npm packs it: no links at all.
        ("Versions/Current is gone", |root| {
            for link in ["Versions/Current", "Resources", "Inner"] {
                fs::remove_file(root.join(link)).unwrap();
            }
        }),
    ];
    for (message, change) in changes {
        let built = built();
        change(&built.path.join("Contents/Frameworks/Inner.framework"));
        let advice = advice(&built);
        let finding = one(&advice, rule);
        assert!(finding.message.starts_with(message), "{}", finding.message);
        assert_eq!(finding.path, "Contents/Frameworks/Inner.framework");
        let others: Vec<_> = errors(&advice).into_iter().filter(|id| *id != rule).collect();
        assert_eq!(others, Vec::<&str>::new(), "{message}: {:#?}", advice.findings);
    }
    // A second version is no copy.
    let built = built();
    let root = built.path.join("Contents/Frameworks/Inner.framework");
    copy(&root.join("Versions/A"), &root.join("Versions/B"));
    fs::remove_file(root.join("Versions/Current")).unwrap();
    symlink("B", root.join("Versions/Current")).unwrap();
    assert_eq!(of(&advice(&built), rule), Vec::<&Finding>::new());
}

#[test]
fn modes_that_were_lost() {
    let rule = "executable-bit-lost";
    let built = acme()
        .nested("Helpers/tool", tool("com.example.tool"))
        .nested("Frameworks/libx.dylib", library("com.example.libx"))
        .built();
    let mode = |path: &str, mode| {
        let path = built.path.join("Contents").join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!(of(&advice(&built), rule), Vec::<&Finding>::new());
    // Libraries need none.
    mode("Frameworks/libx.dylib", 0o644);
    assert_eq!(of(&advice(&built), rule), Vec::<&Finding>::new());
    mode("Helpers/tool", 0o644);
    mode("MacOS/acme", 0o640);
    let found = advice(&built);
    let paths: Vec<_> = of(&found, rule)
        .iter()
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(paths, ["Contents/MacOS/acme", "Contents/Helpers/tool"]);
    // Where every file is executable, nobody knows.
    for path in [
        "Helpers/tool",
        "MacOS/acme",
        "Frameworks/libx.dylib",
        "Info.plist",
        "_CodeSignature/CodeResources",
    ] {
        mode(path, 0o777);
    }
    let found = advice(&built);
    assert_eq!(of(&found, rule), Vec::<&Finding>::new());
    assert_eq!(
        found
            .unknown
            .iter()
            .filter(|unknown| unknown.rule == rule)
            .count(),
        1
    );
}
