//! What somebody meets who uses the program for the first time: help, options where they have an effect, habits from codesign,
//! completions, hooks, and what a project writes down once in `sealcheck.toml`.

use std::fs;
use std::path::Path;

use sealcheck::verify::{Options, verify_at};

use crate::support::bundle::write;
use crate::support::program::program;
use crate::support::zip::{Member, members, zip};
use crate::support::{project, real_app};

/// Runs the program in a folder: exit status, standard output, standard error.
fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let output = program().args(words).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A file with a text, to be read.
fn with_text(folder: &Path, text: &str) -> fs::File {
    let path = folder.join("text");
    fs::write(&path, text).unwrap();
    fs::File::open(path).unwrap()
}

/// A folder with a link to the app that is sound.
fn with_app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(real_app(), folder.path().join("Good.app")).unwrap();
    folder
}

#[test]
fn the_help_of_the_program_shows_the_options_of_check() {
    let folder = tempfile::tempdir().unwrap();
    let (status, whole, _) = run(folder.path(), &["--help"]);
    assert_eq!(status, Some(0));
    let (_, check, _) = run(folder.path(), &["check", "--help"]);
    let options = |text: &str| -> Vec<String> {
        let words = text.split_whitespace();
        words
            .filter(|word| word.starts_with("--"))
            .map(str::to_owned)
            .collect()
    };
    for option in options(&check) {
        assert!(whole.contains(&option), "{option}");
    }
    for command in ["verify", "assess", "inspect", "explain"] {
        assert!(whole.contains(&format!("\n  {command} ")), "{command}: {whole}");
    }
    assert!(!whole.contains("--hash-kernel"));
}

/// An option that would have no effect is refused; where it has one, it may also come before the command.
#[test]
fn options_are_taken_only_where_they_have_an_effect() {
    let folder = with_app();
    for words in [
        &["rules", "--at", "2026-01-01"][..],
        &["explain", "adhoc-signed", "--jobs", "1"],
        &["verify", "Good.app", "--ignore", "adhoc-signed"],
        &["verify", "Good.app", "--baseline", "x"],
        &["inspect", "Good.app", "--config", "x"],
        &["requirement", "parse", "always", "--limit", "nodes=1"],
    ] {
        assert_eq!(run(folder.path(), words).0, Some(2), "{words:?}");
    }
    for words in [
        &["--jobs", "1", "verify", "Good.app"][..],
        &["verify", "--jobs", "1", "Good.app"],
        &["--at", "2026-11-01", "-q", "Good.app"],
        &["-q", "--target", "developer-id", "check", "Good.app"],
    ] {
        assert_eq!(run(folder.path(), words).0, Some(0), "{words:?}");
    }
}

/// `codesign --verify --deep --strict` is what `verify` does; whoever types these words gets the same.
#[test]
fn the_words_of_codesign_change_nothing() {
    let folder = with_app();
    let plain = run(folder.path(), &["verify", "Good.app"]);
    assert_eq!(plain.0, Some(0));
    for words in [
        &["verify", "--deep", "Good.app"][..],
        &["verify", "--verify", "--deep", "--strict", "Good.app"],
        &["verify", "--strict=all", "Good.app"],
    ] {
        assert_eq!(run(folder.path(), words), plain, "{words:?}");
    }
    assert_eq!(
        run(folder.path(), &["verify", "--deep", "--no-deep", "Good.app"]).0,
        Some(2)
    );
}

/// `-R=TEXT` and `-R FILE`, as in codesign's own usage: text needs the equals sign.
#[test]
fn a_requirement_without_equals_sign_is_a_file() {
    let folder = with_app();
    fs::write(folder.path().join("never"), "always").unwrap();
    fs::write(folder.path().join("wrong"), "anchor apple").unwrap();
    for (words, expected) in [
        (&["-R=always"][..], 0),
        (&["-R=never"], 3),
        (&["-R", "=never"], 3),
        (&["-R", "never"], 0),
        (&["-R", "wrong"], 3),
        (&["-R", "anchor apple generic"], 2),
        (&["-R=anchor apple generic"], 0),
    ] {
        let words = [&["verify"], words, &["Good.app"]].concat();
        let (status, _, error) = run(folder.path(), &words);
        assert_eq!(status, Some(expected), "{words:?}: {error}");
        assert_eq!(
            error.contains("-R '=anchor apple generic'"),
            expected == 2,
            "{error}"
        );
    }
}

#[test]
fn completions_offer_rules_and_no_hidden_option() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (status, script, _) = run(folder.path(), &["completions", shell]);
        assert_eq!(status, Some(0));
        assert!(script.contains("missing-uuid"), "{shell}");
        assert!(script.contains("expect-team"), "{shell}");
        assert!(!script.contains("hash-kernel"), "{shell}");
    }
    // Also where no command is named.
    let script = run(folder.path(), &["completions", "bash"]).1;
    let options = script.split("        sealcheck)\n").nth(1).unwrap();
    let options = options.lines().find(|line| line.contains("opts=")).unwrap();
    assert!(
        options.contains("--expect-team") && options.contains(" verify "),
        "{options}"
    );
    if std::process::Command::new("bash")
        .arg("--version")
        .output()
        .is_ok()
    {
        let complete = "source /dev/stdin; COMP_WORDS=(sealcheck --ignore missing-u); COMP_CWORD=2; _sealcheck sealcheck missing-u --ignore; echo ${COMPREPLY[@]}";
        let output = std::process::Command::new("bash")
            .args(["-c", complete])
            .stdin(with_text(folder.path(), &script))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "missing-uuid\n");
    }
    // The help would be ten pages long with them.
    let (_, help, _) = run(folder.path(), &["check", "--help"]);
    assert!(!help.contains("missing-uuid"));
}

/// A hook names every changed file; those without code are no problem of it, broken code is.
#[test]
fn a_hook_leaves_out_files_without_code() {
    let folder = with_app();
    let place = folder.path();
    write(&place.join("notes.so"), b"INPUT(libreal.so)\n");
    write(&place.join("elf.so"), b"\x7fELF\x02\x01\x01");
    fs::copy(
        real_app().join("Contents/MacOS/Mitmproxy Redirector"),
        place.join("tool"),
    )
    .unwrap();
    let hook = |files: &[&str]| run(place, &[&["check", "--quiet", "--only-code"], files].concat());
    assert_eq!(hook(&["notes.so", "elf.so"]).0, Some(0));
    assert_eq!(run(place, &["check", "--quiet", "elf.so"]).0, Some(1));
    let mut bytes = fs::read(place.join("tool")).unwrap();
    bytes[0x8000] ^= 1;
    fs::write(place.join("tool"), bytes).unwrap();
    assert_eq!(hook(&["notes.so", "tool"]).0, Some(1));
    // A container that is not read, and a file that is not there, are never left out.
    write(&place.join("a.tar.gz"), b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    assert_eq!(hook(&["notes.so", "a.tar.gz"]).0, Some(4));
    assert_eq!(hook(&["notes.so", "missing"]).0, Some(4));
    // What is demanded is not met by nothing at all, and without -q the run says that it looked at nothing.
    for demand in [
        ["--require", "notarized"],
        ["--expect-team", "S8XHQB96PW"],
        ["-R", "=always"],
    ] {
        let (status, _, error) = run(place, &[&["--only-code"], &demand[..], &["notes.so"]].concat());
        assert_eq!(status, Some(4), "{demand:?}");
        assert!(error.contains("nothing was judged"), "{demand:?}: {error}");
    }
    let (status, _, error) = run(place, &["--only-code", "notes.so", "elf.so"]);
    assert_eq!(status, Some(0));
    assert_eq!(
        error,
        "sealcheck: nothing was judged: --only-code leaves out all files (2)\n"
    );
    let (_, report, _) = run(place, &["--only-code", "--format", "junit", "notes.so"]);
    assert!(
        report.contains("tests=\"0\" failures=\"0\" errors=\"0\" time=\"0.000\""),
        "{report}"
    );
    let hooks = fs::read_to_string(project().join(".pre-commit-hooks.yaml")).unwrap();
    assert!(hooks.contains("entry: sealcheck check --quiet --only-code\n"));
}

/// The digest is that of the certificate's DER form, as `openssl x509 -fingerprint -sha256` prints it, with colons or without.
#[test]
fn a_certificate_can_be_expected() {
    let folder = with_app();
    let evidence = verify_at(&real_app(), &Options::default()).unwrap();
    let leaf = evidence.code[0].slices[0].identity.as_ref().unwrap().chain[0]
        .sha256()
        .to_owned();
    let digits: Vec<String> = leaf.iter().map(|byte| format!("{byte:02X}")).collect();
    for (digest, expected) in [
        (digits.concat(), 0),
        (digits.join(":").to_lowercase(), 0),
        (digits.iter().rev().cloned().collect(), 1),
        (digits[1..].concat(), 2),
        (format!("{}xy", digits[1..].concat()), 2),
    ] {
        let (status, text, _) = run(folder.path(), &["--expect-leaf", &digest, "Good.app"]);
        assert_eq!(status, Some(expected), "{digest}: {text}");
        assert_eq!(text.contains("certificate-unexpected"), expected == 1, "{text}");
    }
    let (_, text, _) = run(
        folder.path(),
        &["--format", "json", "--expect-leaf", &digits.concat(), "Good.app"],
    );
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = format!("certificate {}", digits.concat().to_lowercase());
    assert_eq!(
        report["options"]["expected"][0],
        expected.as_str(),
        "{}",
        report["options"]
    );
}

/// What a project expects of each of its products, once for all; the command line has the last word.
#[test]
fn a_project_writes_down_what_it_expects() {
    let folder = with_app();
    let with = |text: &str, words: &[&str]| {
        fs::write(folder.path().join("sealcheck.toml"), text).unwrap();
        run(folder.path(), &[words, &["Good.app"]].concat())
    };
    let good = "target = \"developer-id\"\n[expect]\nteam = \"S8XHQB96PW\"\nidentifier = \"org.mitmproxy.macos-redirector\"\n\
                require = [\"notarized\", \"timestamp\"]\nforbidden-entitlements = [\"com.apple.security.get-task-allow\"]\n";
    let (status, text, error) = with(good, &[]);
    assert_eq!(status, Some(0), "{text}{error}");
    for (text, rule) in [
        ("[expect]\nteam = \"OTHER\"", "team-unexpected"),
        ("[expect]\nidentifier = \"x\"", "identifier-unexpected"),
        ("[expect]\nleaf = \"00", "certificate-unexpected"),
        ("[expect]\nentitlements = [\"a.b=c\"]", "entitlement-unmet"),
        ("target = \"mac-app-store\"", "app-store"),
    ] {
        let text = if text.ends_with("\"00") {
            format!("{text}{}\"", "00".repeat(31))
        } else {
            text.to_owned()
        };
        let (status, said, error) = with(&text, &[]);
        assert_eq!(status, Some(1), "{text}: {said}{error}");
        assert!(said.contains(rule), "{text}: {said}");
    }
    assert_eq!(
        with("target = \"mac-app-store\"", &["--target", "developer-id"]).0,
        Some(0)
    );
    assert_eq!(
        with("[expect]\nteam = \"OTHER\"", &["--expect-team", "S8XHQB96PW"]).0,
        Some(0)
    );
    for (text, message) in [
        ("target = \"store\"", "sealcheck.toml:1: a target is"),
        (
            "[expect]\nteams = \"x\"",
            "sealcheck.toml:2: unknown key teams; is team meant?",
        ),
        ("[expect]\nteam = \"\"", "sealcheck.toml:2: the team is empty"),
        (
            "[expect]\nrequire = [\"beauty\"]",
            "sealcheck.toml:2: one of notarized",
        ),
        (
            "[expect]\nentitlements = \"a\"",
            "sealcheck.toml:2: entitlements is a list of texts",
        ),
        (
            "[expect]\nleaf = \"12\"",
            "sealcheck.toml:2: a SHA-256 has 64 hexadecimal digits",
        ),
    ] {
        let (status, _, error) = with(text, &[]);
        assert_eq!(status, Some(2), "{text}: {error}");
        assert!(error.contains(message), "{text}: {error}");
    }
}

/// A log with nothing but a red mark helps nobody: where no error is left to show, the verdict says why.
#[test]
fn a_quiet_run_that_fails_says_why() {
    let folder = with_app();
    let broken = folder.path().join("Broken.app");
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .arg(real_app())
        .arg(&broken)
        .status();
    assert!(copied.unwrap().success());
    fs::write(broken.join("Contents/Resources/AppIcon.icns"), "changed").unwrap();
    for (words, expected) in [
        (&["-q", "--ignore", "sealed-resource-broken", "Broken.app"][..], 1),
        (
            &[
                "-q",
                "--ignore",
                "sealed-resource-broken",
                "Broken.app",
                "Good.app",
            ],
            1,
        ),
        (&["-q", "-R=anchor apple", "Good.app"], 3),
    ] {
        let (status, text, _) = run(folder.path(), words);
        assert_eq!(status, Some(expected), "{words:?}: {text}");
        let said = if expected == 1 {
            "(-67054)"
        } else {
            "not satisfied"
        };
        assert!(
            text.contains(".app\n") && text.contains(said),
            "{words:?}: {text}"
        );
    }
    let (status, text, _) = run(folder.path(), &["-q", "Good.app"]);
    assert_eq!((status, text.as_str()), (Some(0), ""));
}

/// Whoever names the main executable of a bundle gets the bundle judged, and commands about that bundle.
#[test]
fn commands_about_a_main_executable_name_its_bundle() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("A.app");
    let copied = std::process::Command::new("cp")
        .arg("-R")
        .arg(real_app())
        .arg(&app)
        .status();
    assert!(copied.unwrap().success());
    let name = "Mitmproxy Redirector";
    let inside = app.join("Contents/MacOS");
    fs::set_permissions(inside.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, text, _) = run(folder.path(), &["-q", &format!("A.app/Contents/MacOS/{name}")]);
    assert!(
        text.contains(&format!("chmod +x \"A.app/Contents/MacOS/{name}\"")),
        "{text}"
    );
    let real = fs::canonicalize(&app).unwrap();
    let (_, text, _) = run(&inside, &["-q", name]);
    assert!(
        text.contains(&format!("chmod +x \"{}/Contents/MacOS/{name}\"", real.display())),
        "{text}"
    );
}

/// In an archive as well: the executable alone would lack its Info.plist and its seal.
#[test]
fn a_main_executable_in_an_archive_is_judged_with_its_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let main = "Mitmproxy Redirector.app/Contents/MacOS/Mitmproxy Redirector";
    let mut all = members(&real_app());
    let executable = all.iter().find(|member| member.name == main.as_bytes());
    let copy = Member {
        name: b"copy".to_vec(),
        ..executable.unwrap().clone()
    };
    all.push(copy);
    write(&folder.path().join("a.zip"), &zip(&all));
    let main = format!("a.zip/{main}");
    for command in ["check", "verify", "assess"] {
        let (status, text, error) = run(folder.path(), &[command, &main]);
        assert_eq!(status, Some(0), "{command}: {text}{error}");
    }
    let (_, text, _) = run(folder.path(), &["--format", "json", &main]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let item = &report["items"][0];
    assert_eq!(
        (item["path"].as_str(), item["container"].as_str()),
        (Some(main.as_str()), Some("zip"))
    );
    assert_eq!(item["code"][0]["kind"], "app");
    // The same file outside of the bundle is a file by itself, and lacks what it is bound to.
    let (status, ..) = run(folder.path(), &["verify", "a.zip/copy"]);
    assert_eq!(status, Some(1));
}

/// Nobody is told to sign again with the certificate that was just refused.
#[test]
fn an_unexpected_signer_is_not_recommended() {
    let folder = with_app();
    for words in [
        ["--expect-team".to_owned(), "ABCDE12345".to_owned()],
        ["--expect-leaf".to_owned(), "0".repeat(64)],
    ] {
        let (status, text, _) = run(folder.path(), &[&words[0], &words[1], "Good.app"]);
        assert_eq!(status, Some(1));
        assert!(!text.contains("codesign -f"), "{text}");
    }
}
