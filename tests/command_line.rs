//! The program as a user meets it: what it prints, where, and its exit status.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::bundle::acme;
use crate::support::macho::arm64;
use crate::support::program::program;
use crate::support::signature::{Bound, adhoc};
use crate::support::{flat, flip, real_app};

pub fn sealcheck<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    program()
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks code that is to stay on the Mac that built it, as everything is that the tests sign ad hoc.
fn local(path: &Path) -> Output {
    sealcheck(&[OsStr::new("--target"), OsStr::new("local"), path.as_os_str()])
}

#[test]
fn the_real_app_is_valid() {
    let app = real_app();
    let output = sealcheck(&[&app]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("codesign    ✓ valid on disk, satisfies its Designated Requirement"),
        "{text}"
    );
    assert!(
        text.contains("Developer ID Application: Maximilian Hils (S8XHQB96PW)"),
        "{text}"
    );
    assert!(text.contains("problems    none"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escape codes without a terminal");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_broken_app_says_what_where_who_and_how_to_repair() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Resources/config.json"), 0);
    let output = local(&app);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "error[sealed-resource-broken] 1 file was modified after signing",
        "Contents/Resources/config.json  modified",
        "rejected by: codesign, gatekeeper, notary; codesign says: a sealed resource is missing or invalid (-67054)",
        "repair: ",
        "codesign    ✗ a sealed resource is missing or invalid (-67054)",
        "problems    1 error",
    ] {
        assert!(flat(&text).contains(&flat(part)), "{part:?} is not in:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let quiet = stdout(&sealcheck(&[OsStr::new("-q"), app.as_os_str()]));
    assert!(quiet.starts_with("error[sealed-resource-broken]"), "{quiet}");
}

#[test]
fn one_cause_in_two_architectures_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Info.plist"), 120);
    let text = stdout(&local(&app));
    assert!(text.contains("Contents/Info.plist  arm64, x86_64"), "{text}");
    assert!(text.contains("problems    1 error\n"), "{text}");
}

#[test]
fn a_good_tool_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    fs::write(&path, adhoc("tool").sign(&arm64(b"code"), Bound::default()).0).unwrap();
    let output = local(&path);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("codesign    ✓ valid on disk"));
    // Nobody else can use it.
    let output = sealcheck(&[&path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("error[adhoc-signed]"));
    // Marks are ASCII where the locale is not UTF-8.
    let output = program().arg(&path).env("LC_ALL", "C").output().unwrap();
    assert!(output.stdout.is_ascii(), "{}", stdout(&output));
}

#[test]
fn entitlements_in_every_form() {
    let app = real_app();
    let form = |name: &str| {
        sealcheck(&[
            OsStr::new("entitlements"),
            "--format".as_ref(),
            name.as_ref(),
            app.as_ref(),
        ])
    };
    let xml = form("xml").stdout;
    assert!(xml.starts_with(b"<?xml"), "{}", String::from_utf8_lossy(&xml));
    let json: Value = serde_json::from_slice(&form("json").stdout).unwrap();
    let plist = plist::Value::from_reader(std::io::Cursor::new(&xml)).unwrap();
    let keys: Vec<_> = plist.as_dictionary().unwrap().keys().cloned().collect();
    assert_eq!(
        json.as_object().unwrap().keys().cloned().collect::<Vec<_>>(),
        keys
    );
    // DER is binary: no byte of it may be touched on the way out.
    let der = form("der").stdout;
    assert_eq!(der[0], 0x70);
    let (length, header) = match der[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(der[2]), 3),
        _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
    };
    assert_eq!(der.len(), header + length);
    let listing = stdout(&form("text"));
    assert!(
        listing.contains(
            "\t[Key] com.apple.developer.system-extension.install  (restricted)\n\t[Value]\n\t\t[Bool] true\n"
        ),
        "{listing}"
    );
}

#[test]
fn explain_and_rules() {
    let list = stdout(&sealcheck(&["rules"]));
    let rules: Value = serde_json::from_slice(&sealcheck(&["rules", "--format", "json"]).stdout).unwrap();
    let ids: Vec<_> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert!(ids.len() > 15, "{list}");
    for id in &ids {
        assert!(list.contains(id), "{id} is not in the list");
        let output = sealcheck(&["explain", id]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{id}");
        assert!(text.starts_with(id) && text.contains("\nrepair: "), "{text}");
    }
    assert!(stdout(&sealcheck(&["explain", "R005"])).starts_with("sealed-resource-broken:"));
    let unknown = sealcheck(&["explain", "no-such-rule"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn wrong_use_is_status_two_and_nothing_to_read_is_four() {
    assert_eq!(sealcheck(&["--no-such-option", "x"]).status.code(), Some(2));
    assert_eq!(sealcheck::<&str>(&[]).status.code(), Some(2));
    let output = sealcheck(&["/does/not/exist"]);
    assert_eq!(output.status.code(), Some(4));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("sealcheck: /does/not/exist: cannot be read: No such file"),
        "{message}"
    );
    assert_eq!(message.matches("sealcheck: ").count(), 1);
}

#[test]
fn the_same_bytes_out_for_any_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Resources/config.json"), 0);
    flip(
        &app.join("Contents/Frameworks/Inner.framework/Versions/A/Inner"),
        0x5010,
    );
    for format in ["human", "json"] {
        let run = |jobs: &str| {
            let at = "2026-11-24";
            let arguments = [
                "--jobs",
                jobs,
                "--format",
                format,
                "--at",
                at,
                app.to_str().unwrap(),
            ];
            // Only the time that it took may differ.
            stdout(&sealcheck(&arguments))
                .lines()
                .map(|line| match line.find(" of code in ") {
                    Some(at) => line[..at].to_owned(),
                    None if line.contains("\"seconds\"") => String::new(),
                    None => line.to_owned(),
                })
                .collect::<Vec<_>>()
        };
        let one = run("1");
        assert!(one.len() > 10);
        for _ in 0..4 {
            assert_eq!(run("8"), one);
        }
    }
}

#[test]
fn reports_go_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let app = real_app();
    let arguments = [
        "--output",
        file.to_str().unwrap(),
        "--format",
        "json",
        app.to_str().unwrap(),
    ];
    let output = sealcheck(&arguments);
    assert_eq!(stdout(&output), "");
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(report["items"][0]["code"][1]["kind"], "systemextension");
}

#[test]
fn verify_speaks_like_codesign() {
    let app = real_app();
    let name = app.display();
    let output = sealcheck(&[OsStr::new("verify"), app.as_os_str()]);
    assert_eq!(
        stdout(&output).replace(":\n  ", ": "),
        format!("{name}: valid on disk\n{name}: satisfies its Designated Requirement\n")
    );
    assert_eq!(output.status.code(), Some(0));
    let output = sealcheck(&[OsStr::new("verify"), OsStr::new("-q"), app.as_os_str()]);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(0)));
    let with = |requirement: &str| {
        let output = sealcheck(&[
            "verify".as_ref(),
            "-R".as_ref(),
            requirement.as_ref(),
            app.as_os_str(),
        ]);
        let text = stdout(&output).replace(":\n  ", ": ");
        let last = text.lines().last().unwrap_or_default().to_owned();
        (last.replace(&name.to_string(), "X"), output.status.code())
    };
    let failed = "test-requirement: code failed to satisfy specified code requirement(s)";
    // Without an equals sign it is the name of a file, as codesign reads it.
    assert_eq!(with("never"), (String::new(), Some(2)));
    assert_eq!(with("=never"), (failed.to_owned(), Some(3)));
    let satisfied = "X: explicit requirement satisfied";
    assert_eq!(with("=anchor apple generic"), (satisfied.to_owned(), Some(0)));
    // It has a ticket.
    assert_eq!(with("=notarized"), (satisfied.to_owned(), Some(0)));
    let (text, status) = with("=anchor trusted");
    assert!(text.starts_with("X: explicit requirement not judged"), "{text}");
    assert_eq!(status, Some(4));
    assert_eq!(with("=certificate is").1, Some(2));
}

#[test]
fn verify_names_what_failed_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    flip(&app.join("Contents/Frameworks/libextra.dylib"), 0x1010);
    let inside = fs::canonicalize(&app)
        .unwrap()
        .join("Contents/Frameworks/libextra.dylib");
    let output = sealcheck(&[OsStr::new("verify"), app.as_os_str()]);
    assert_eq!(
        // The words of codesign stay together where they are too wide for a line.
        stdout(&output).replace(":\n  ", ": "),
        format!(
            "{}: invalid signature (code or signature have been modified)\nIn subcomponent: {}\nIn architecture: arm64\n",
            app.display(),
            inside.display()
        )
    );
    assert_eq!(output.status.code(), Some(1));
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    fs::write(app.join("Contents/Resources/new"), b"x").unwrap();
    let inside = fs::canonicalize(&app).unwrap().join("Contents/Resources/new");
    let text = stdout(&sealcheck(&[OsStr::new("verify"), app.as_os_str()]));
    assert!(
        text.ends_with(&format!("\nfile added: {}\n", inside.display())),
        "{text}"
    );
}

#[test]
fn inspect_shows_what_codesign_shows() {
    let app = real_app();
    let output = sealcheck(&[OsStr::new("inspect"), app.as_os_str()]);
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    for line in [
        "Identifier=org.mitmproxy.macos-redirector",
        "Format=app bundle with Mach-O universal (x86_64 arm64)",
        "CodeDirectory v=20500 size=2826 flags=0x10000(runtime) hashes=77+7 location=embedded",
        "VersionMin=786432",
        "CDHash=1199e296327b3b09152edf4de0f41e9805d1273a",
        "Signature size=8981",
        "Authority=Developer ID Certification Authority",
        "TeamIdentifier=S8XHQB96PW",
        "Runtime Version=26.5.0",
        "Sealed Resources version=2 rules=13 files=7",
        "Internal requirements count=1 size=224",
    ] {
        assert!(lines.contains(&line), "no {line:?} in\n{text}");
    }
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("designated => anchor apple generic"),
        "{text}"
    );
    let output = sealcheck(&[
        "inspect".as_ref(),
        "--arch".as_ref(),
        "ppc".as_ref(),
        app.as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn requirements_are_shown_compiled_and_tested() {
    let hex = |text: &str| stdout(&sealcheck(&["requirement", "parse", "--format", "hex", text]));
    assert_eq!(hex("always"), "fade0c00000000100000000100000001\n");
    let output = sealcheck(&["requirement", "parse", "host always"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: invalid or corrupted code requirement(s)\nRequirement syntax error(s):\n\
         line 1:6: expecting ARROW, found 'always'\n"
    );
    assert_eq!(output.status.code(), Some(1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requirement");
    let arguments = ["requirement", "parse", "--format", "binary", "--output"];
    let mut arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    arguments.extend([file.as_os_str(), OsStr::new("identifier x and anchor apple")]);
    assert_eq!(sealcheck(&arguments).status.code(), Some(0));
    let output = sealcheck(&["requirement".as_ref(), "parse".as_ref(), file.as_os_str()]);
    assert_eq!(stdout(&output), "identifier x and anchor apple\n");
    let app = real_app();
    let test = |requirement: &OsStr| {
        let output = sealcheck(&[
            "requirement".as_ref(),
            "test".as_ref(),
            requirement,
            app.as_os_str(),
        ]);
        (stdout(&output).lines().count(), output.status.code())
    };
    assert_eq!(test(file.as_os_str()), (2, Some(3)));
    assert_eq!(test("anchor apple generic".as_ref()), (2, Some(0)));
    let output = sealcheck(&["requirement".as_ref(), "show".as_ref(), app.as_os_str()]);
    assert!(stdout(&output).starts_with("designated => anchor apple generic and "));
}

#[test]
fn inspect_shows_constraints() {
    use crate::support::plist::{der, entries};
    use crate::support::signature::blob;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let constraint = der(&entries! { "on-system-volume" => true });
    let mut signer = adhoc("tool");
    signer.special.insert(8, blob(0xfade_8181, &constraint));
    fs::write(&path, signer.sign(&arm64(b"code"), Bound::default()).0).unwrap();
    let text = stdout(&sealcheck(&[OsStr::new("inspect"), path.as_os_str()]));
    assert!(
        text.contains("[Key] on-system-volume\n\t[Value]\n\t\t[Bool] true"),
        "{text}"
    );
    let output = sealcheck(&["--format".as_ref(), "json".as_ref(), path.as_os_str()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let constraints = &report["items"][0]["code"][0]["slices"][0]["constraints"];
    assert_eq!(constraints.as_object().unwrap().len(), 1, "{constraints}");
    assert_eq!(
        constraints.as_object().unwrap().values().next().unwrap()["on-system-volume"],
        true
    );
}

#[test]
fn assess_speaks_as_spctl_and_syspolicy_check_do() {
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let run = |more: &[&str]| {
        let mut words = vec![OsStr::new("assess")];
        words.extend(more.iter().map(OsStr::new));
        words.push(app.as_os_str());
        sealcheck(&words)
    };
    let shown = app.display();
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output), format!("{shown}: rejected\n"));
    let output = run(&["--type", "o", "--style", "spctl", "-v"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("{shown}: rejected\nsource=Insufficient Context\n")
    );
    let output = run(&["--style", "syspolicy-check"]);
    assert_eq!(output.status.code(), Some(70));
    let text = stdout(&output);
    assert!(
        text.starts_with(&format!(
            "App has failed one or more pre-distribution checks.\n{}\nAdhoc Signed App\n",
            "-".repeat(63)
        )),
        "{text}"
    );
    let output = run(&["--style", "syspolicy-check", "--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &json["output"][0];
    assert_eq!(first["SyspolicyCheckShortError"], "Adhoc Signed App");
    assert_eq!(first["SyspolicyCheckErrorLevel"], "Warning");
    let output = run(&["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["items"][0]["gatekeeper"]["accepted"], false);
    assert_eq!(json["items"][0]["findings"], Value::Null);
    assert_eq!(run(&["--type", "x"]).status.code(), Some(2));
}
