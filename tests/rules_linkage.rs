//! Rules about load commands that lead nowhere, out of the app, or to somebody else's library: each fires on its case
//! and keeps silent on a near miss.

use std::time::Instant;

use sealcheck::finding::{Severity, Target};
use sealcheck::rule::Expectations;

use crate::support::examined::advise;
use crate::support::foundry::{By, Code, app, found, framework, library, of, tool};
use crate::support::macho::{IDENTITY, REEXPORT, arm64};
use crate::support::plist::entries;

use Severity::{Error, Note, Warning};

const DISABLED: &str = "com.apple.security.cs.disable-library-validation";
const FRAMEWORKS: &str = "@executable_path/../Frameworks";
const TOOLCHAIN: &str =
    "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib/swift-5.5/macosx";
const LEFT_BEHIND: &str = "/Users/runner/hostedtoolcache/Python/3.8.18/x64/lib/libpython3.8.dylib";

const LOAD_COMMAND: &str = "gatekeeper-dangling-load-command";
const RUN_PATH: &str = "gatekeeper-dangling-rpath";
const NOT_FOUND: &str = "dylib-unresolvable";
const BLOCKED: &str = "library-validation-will-block";

#[track_caller]
fn expect(code: &Code, expected: &[(&'static str, Severity)]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let mut said = code.found();
    // What other files test.
    said.retain(|(rule, _)| !["library-validation-disabled", "code-in-resources"].contains(rule));
    assert_eq!(said, expected, "{:#?}", code.advice().findings);
}

/// As Xcode links it.
fn acme() -> Code {
    app("com.example.acme").run_paths(&["/usr/lib/swift", FRAMEWORKS])
}

/// The same with library validation off, as hosts of plug-ins have it.
fn host() -> Code {
    acme().entitlements(entries! { DISABLED => true })
}

fn codec() -> Code {
    library("codec").macho(|thin| thin.paths.push((IDENTITY, 24, "@rpath/codec.dylib".into())))
}

#[test]
fn libraries_of_the_app_and_of_macos() {
    let whole = || {
        acme()
            .links(&["@rpath/codec.dylib", "@rpath/Kit.framework/Versions/A/Kit"])
            .links(&[
                "@rpath/libswiftCore.dylib",
                "/System/Library/Frameworks/AppKit.framework/Versions/C/AppKit",
            ])
            .links(&["@rpath/Kit.framework/Kit", "@rpath/libc++.1.dylib"])
            .macho(|thin| thin.paths.push((REEXPORT, 24, "@rpath/codec.dylib".into())))
            .nested("Frameworks/codec.dylib", codec())
            // Relies on the run paths of the app.
            .nested(
                "Frameworks/Kit.framework",
                framework("com.example.Kit").links(&["@rpath/codec.dylib"]),
            )
    };
    expect(&whole(), &[]);
    expect(&whole().entitlements(entries! { DISABLED => true }), &[]);
}

#[test]
fn libraries_that_are_nowhere() {
    let code = acme().links(&["@rpath/codec.dylib", "@executable_path/../Frameworks/other.dylib"]);
    expect(&code, &[(NOT_FOUND, Error)]);
    let advice = code.advice();
    let [finding] = of(&advice, NOT_FOUND)[..] else {
        panic!("one for both architectures: {:#?}", advice.findings)
    };
    assert_eq!(
        finding.message,
        "not found: @rpath/codec.dylib (tried /usr/lib/swift/codec.dylib, Contents/Frameworks/codec.dylib), \
         @executable_path/../Frameworks/other.dylib (tried Contents/Frameworks/other.dylib)"
    );
    // What may be missing is worth a warning, and so is what no program links.
    expect(
        &acme().links_weakly("@rpath/codec.dylib"),
        &[(NOT_FOUND, Warning)],
    );
    let unused = codec().links(&["@loader_path/gone.dylib"]);
    let code = acme().nested("Frameworks/codec.dylib", unused.clone());
    expect(&code, &[(NOT_FOUND, Warning)]);
    assert_eq!(
        of(&code.advice(), NOT_FOUND)[0].path,
        "Contents/Frameworks/codec.dylib"
    );
    let code = code.links(&["@rpath/codec.dylib"]);
    expect(&code, &[(NOT_FOUND, Error)]);
    // Only a library that may be missing needs it.
    let code = acme()
        .nested("Frameworks/codec.dylib", unused)
        .links_weakly("@rpath/codec.dylib");
    expect(&code, &[(NOT_FOUND, Warning)]);
    // macOS has it no more, or only with an installer.
    let python = "/System/Library/Frameworks/Python.framework/Versions/2.7/Python";
    expect(&acme().links(&[python]), &[(NOT_FOUND, Error)]);
    expect(
        &acme().links(&["/Library/Frameworks/R.framework/R"]),
        &[(NOT_FOUND, Warning)],
    );
    // Nobody knows what lies around a tool or a framework.
    expect(
        &tool("com.example.tool").links(&["@executable_path/../lib/codec.dylib"]),
        &[],
    );
    expect(&framework("com.example.Kit").links(&["@rpath/codec.dylib"]), &[]);
}

#[test]
fn load_commands_that_gatekeeper_refuses() {
    let code = host().links(&[LEFT_BEHIND]);
    expect(&code, &[(LOAD_COMMAND, Error)]);
    assert_eq!(of(&code.advice(), LOAD_COMMAND)[0].consequences, [NOT_FOUND]);
    // With library validation, only dyld minds.
    let code = acme().links(&[LEFT_BEHIND]);
    expect(&code, &[(NOT_FOUND, Error)]);
    assert_eq!(of(&code.advice(), NOT_FOUND)[0].consequences, [LOAD_COMMAND]);
    // Weak ones count, and libraries that nothing uses.
    expect(&host().links_weakly(LEFT_BEHIND), &[(LOAD_COMMAND, Error)]);
    let code = host().nested("Resources/lib/codec.dylib", codec().links(&[LEFT_BEHIND]));
    expect(&code, &[(LOAD_COMMAND, Error)]);
    expect(
        &host().links(&["@executable_path/../../../codec.dylib"]),
        &[(LOAD_COMMAND, Error)],
    );
    expect(
        &host().links_weakly("/opt/vendor/codec.dylib"),
        &[(NOT_FOUND, Warning)],
    );
    // Code that stays on its Mac is not scanned.
    let advice = host().links(&[LEFT_BEHIND]).built().advice(Some(Target::Local));
    assert!(of(&advice, LOAD_COMMAND).is_empty() && of(&advice, NOT_FOUND).is_empty());
}

#[test]
fn run_paths_that_gatekeeper_refuses() {
    let with = |code: Code, run_path: &str| {
        code.run_paths(&[run_path])
            .links(&["@rpath/codec.dylib"])
            .nested("Frameworks/codec.dylib", codec())
    };
    expect(&with(host(), TOOLCHAIN), &[(RUN_PATH, Error)]);
    expect(&with(acme(), TOOLCHAIN), &[(RUN_PATH, Warning)]);
    expect(
        &with(host(), "@executable_path/../../../lib"),
        &[(RUN_PATH, Error)],
    );
    for safe in [
        "/usr/local/lib",
        "/Library/Frameworks",
        "@loader_path/../../Contents/Frameworks",
    ] {
        expect(&with(host(), safe), &[]);
    }
    // Without the runtime, nothing is validated.
    let soft = with(acme(), TOOLCHAIN).with_flags(0);
    expect(&soft, &[("hardened-runtime-missing", Error), (RUN_PATH, Error)]);
    // Nothing asks for it.
    expect(&host().run_paths(&[TOOLCHAIN]), &[(RUN_PATH, Note)]);
    // The library is only there, which is one fault.
    expect(
        &host().run_paths(&[TOOLCHAIN]).links(&["@rpath/codec.dylib"]),
        &[(NOT_FOUND, Error)],
    );
}

#[test]
fn libraries_that_library_validation_keeps_out() {
    let with = |code: Code, codec: Code| {
        code.links(&["@rpath/codec.dylib"])
            .nested("Frameworks/codec.dylib", codec)
    };
    let other = || codec().team("ZYXWV98765");
    let code = with(acme(), other());
    expect(&code, &[(BLOCKED, Error)]);
    let advice = code.advice();
    let [finding] = of(&advice, BLOCKED)[..] else {
        panic!("{:#?}", advice.findings)
    };
    assert_eq!(finding.path, "Contents/Frameworks/codec.dylib");
    assert_eq!(
        finding.message,
        "is of team ZYXWV98765, but Contents/MacOS/acme of team ABCDE12345 links it with library validation"
    );
    assert_eq!(finding.consequences, ["mixed-teams"]);
    // Through a library of its own team.
    let code = with(acme(), codec().links(&["@loader_path/deep.dylib"]))
        .nested("Frameworks/deep.dylib", library("deep").team("ZYXWV98765"));
    expect(&code, &[(BLOCKED, Error)]);
    // Without a signer, the missing signature is the cause.
    let code = with(acme(), codec().by(By::Adhoc));
    expect(&code, &[("adhoc-signed", Error)]);
    let advice = code.advice();
    assert!(of(&advice, "adhoc-signed")[0].consequences.contains(&BLOCKED));
    let local = code.built().advice(Some(Target::Local));
    assert_eq!(found(&local), [(BLOCKED, Error)]);
    // Whoever signs ad hoc with the runtime can load nobody's.
    let local = with(acme().by(By::Adhoc), codec().by(By::Adhoc)).built();
    assert_eq!(found(&local.advice(Some(Target::Local))), [(BLOCKED, Error)]);
    // Switched off, not asked for, Apple's own, or not needed.
    expect(&with(host(), other()), &[]);
    let soft = with(acme(), codec().by(By::Adhoc)).with_flags(0).built();
    assert_eq!(found(&soft.advice(Some(Target::Local))), []);
    expect(&with(acme(), codec().by(By::Apple)), &[]);
    let code = acme()
        .links_weakly("@rpath/codec.dylib")
        .nested("Frameworks/codec.dylib", other());
    expect(&code, &[("mixed-teams", Warning)]);
}

#[test]
fn code_of_another_team() {
    let other = || codec().team("ZYXWV98765");
    // It may be loaded with dlopen.
    let code = acme().nested("Frameworks/codec.dylib", other());
    expect(&code, &[("mixed-teams", Warning)]);
    expect(&host().nested("Frameworks/codec.dylib", other()), &[]);
    let helper = tool("com.example.helper").team("ZYXWV98765");
    expect(
        &acme().nested("Helpers/helper", helper),
        &[("mixed-teams", Warning)],
    );
}

#[test]
fn libraries_of_package_managers() {
    let rule = "homebrew-or-macports-path";
    expect(
        &host().links(&["/opt/homebrew/opt/zstd/lib/libzstd.1.dylib"]),
        &[(rule, Error)],
    );
    expect(
        &acme().links(&["/usr/local/lib/libzstd.1.dylib"]),
        &[(rule, Error)],
    );
    let named = library("zstd").macho(|thin| {
        thin.paths
            .push((IDENTITY, 24, "/opt/local/lib/libzstd.1.dylib".into()))
    });
    expect(&acme().nested("Frameworks/zstd.dylib", named), &[(rule, Note)]);
}

#[test]
fn paths_from_the_current_folder() {
    let rule = "relative-load-path";
    expect(&acme().links(&["libcodec.dylib"]), &[(rule, Error)]);
    // A run path has an effect where a library is named with @rpath.
    expect(&acme().run_paths(&["../Frameworks"]), &[(rule, Note)]);
    let used = acme()
        .run_paths(&["../Frameworks"])
        .links(&["@rpath/codec.dylib"]);
    expect(&used.nested("Frameworks/codec.dylib", codec()), &[(rule, Error)]);
    let allowed = entries! { "com.apple.security.cs.allow-relative-library-loads" => true };
    expect(
        &acme().links(&["libcodec.dylib"]).entitlements(allowed),
        &[(rule, Warning)],
    );
}

#[test]
fn a_library_that_one_program_finds() {
    let codec = || codec().links(&["@executable_path/../Frameworks/deep.dylib"]);
    let with = |helper: &str, run_path: &str| {
        acme()
            .links(&["@rpath/codec.dylib"])
            .nested("Frameworks/codec.dylib", codec())
            .nested("Frameworks/deep.dylib", library("deep"))
            .nested(
                helper,
                tool("com.example.helper")
                    .links(&["@rpath/codec.dylib"])
                    .run_paths(&[run_path]),
            )
    };
    expect(&with("MacOS/helper", "@loader_path/../Frameworks"), &[]);
    expect(
        &with("Resources/tools/helper", "@loader_path/../../Frameworks"),
        &[("executable-path-in-shared-library", Warning)],
    );
}

#[test]
fn libraries_for_one_architecture() {
    let thin = || {
        let mut code = codec();
        code.slices = vec![arm64(b"thin")];
        code
    };
    let code = acme()
        .links(&["@rpath/codec.dylib"])
        .nested("Frameworks/codec.dylib", thin());
    expect(&code, &[("arch-mismatch", Error)]);
    let advice = code.advice();
    assert_eq!(
        of(&advice, "arch-mismatch")[0].message,
        "lacks x86_64 for Contents/MacOS/acme"
    );
    let mut thin_app = acme()
        .links(&["@rpath/codec.dylib"])
        .nested("Frameworks/codec.dylib", thin());
    thin_app.slices.remove(0);
    expect(&thin_app, &[]);
}

/// Time grows with the number of load commands, not with the number of ways through them.
#[test]
fn three_hundred_libraries() {
    let name = |number: usize| format!("@rpath/lib{number}.dylib");
    let thin = |code: Code| {
        let mut code = code.by(By::Adhoc).with_flags(0);
        code.slices.remove(0);
        code
    };
    let many = |own_folders: bool| {
        let mut code = thin(app("com.example.acme"))
            .run_paths(&["/usr/lib/swift", FRAMEWORKS])
            .links(&[&name(0)]);
        for number in 0..300 {
            let mut codec = thin(library(&format!("lib{number}"))).run_paths(&["@loader_path"]);
            if own_folders {
                codec = codec.run_paths(&[&format!("@loader_path/{number}")]);
            }
            for other in 1..20 {
                // The last ones link the first: there are circles.
                codec = codec.links(&[&name((number + other) % 300)]);
            }
            code = code.nested(&format!("Frameworks/lib{number}.dylib"), codec);
        }
        if own_folders {
            // It may be in any of the folders.
            code = code.links(&["@rpath/gone.dylib"]);
        }
        let evidence = code.built().evidence();
        let start = Instant::now();
        let advice = advise(&evidence, Some(Target::Local), &Expectations::default());
        let taken = start.elapsed();
        println!("300 libraries of 20 load commands: {taken:?}");
        assert!(taken.as_secs() < 20, "{taken:?}");
        assert_eq!(found(&advice), []);
        let mut unknown: Vec<_> = advice.unknown.iter().map(|unknown| unknown.rule).collect();
        unknown.sort_unstable();
        unknown
    };
    assert_eq!(many(false), Vec::<&str>::new());
    // More run paths than are told apart: what follows from them is not known, and that is said.
    assert_eq!(many(true), [NOT_FOUND, BLOCKED]);
}
