//! The files that the program reads for itself: configuration, baselines, tickets, certificates, requirements. Whatever a name
//! belongs to, the run ends soon and not well; and a file that was not named cannot change what was demanded.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use sealcheck::rule::{self, Family};
use sealcheck::trust::Anchors;

use crate::endings::Items;
use crate::formats::FORMATS;
use crate::support::bundle::{base64, write_executable};
use crate::support::foundry::{apple, tool};
use crate::support::macho::arm64;
use crate::support::signature::{Bound, adhoc};
use crate::support::{flat, pki};

/// What a name may belong to instead of a file that can be read: each blocks or never ends, or is not there.
const TRAPS: [&str; 7] = [
    "fifo",
    "socket",
    "/dev/zero",
    "endless",
    "huge",
    "nowhere",
    "knot",
];

fn set_traps(items: &Items) {
    assert_eq!(items.bash("mkfifo fifo").0, 0);
    drop(UnixListener::bind(items.path("socket")).unwrap());
    symlink("/dev/zero", items.path("endless")).unwrap();
    File::create(items.path("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    symlink("not/there", items.path("nowhere")).unwrap();
    symlink("knot", items.path("knot")).unwrap();
}

/// A configuration that is a FIFO made the program wait for ever once, and a link to an endless device took all memory.
#[test]
fn no_file_blocks_or_takes_all_memory() {
    let items = Items::new();
    set_traps(&items);
    for trap in TRAPS {
        for command in [
            "check --config",
            "check --baseline",
            "check --ticket",
            "check --trust-anchor",
            "check --apple-anchor",
            "check --detached",
            "check -R",
            "verify --detached",
            "verify -R",
            "verify --ticket",
            "assess --ticket",
            "requirement test",
            "inspect --trust-anchor",
        ] {
            let (status, out, error) = items.bash(&format!("$S {command} {trap} good"));
            assert_eq!((status, out.as_str()), (4, ""), "{command} {trap}: {error}");
            assert!(
                error.contains(&format!("{trap}: cannot be read: ")),
                "{command} {trap}: {error}"
            );
        }
        let (status, out, error) = items.bash(&format!("$S requirement parse {trap}"));
        assert_eq!((status, out.as_str()), (4, ""), "{trap}: {error}");
        // A huge file may be a program.
        for command in ["profile", "ticket"].iter().filter(|_| trap != "huge") {
            let (status, _, error) = items.bash(&format!("$S {command} {trap}"));
            assert_eq!(status, 4, "{command} {trap}: {error}");
        }
        // The one in the working folder, unless another is named.
        let link = format!("ln -s {trap} sealcheck.toml;");
        let (status, out, error) = items.bash(&format!("{link} $S check good"));
        assert_eq!((status, out.as_str()), (4, ""), "{trap}: {error}");
        assert!(
            error.starts_with("sealcheck: sealcheck.toml: cannot be read: "),
            "{trap}: {error}"
        );
        assert_eq!(items.bash("$S verify good").0, 0);
        fs::remove_file(items.path("sealcheck.toml")).unwrap();
    }
    let (status, _, error) = items.bash("mkdir sealcheck.toml; $S check good");
    assert_eq!(status, 4);
    assert_eq!(
        error,
        "sealcheck: sealcheck.toml: cannot be read: it is a folder, not a file\n"
    );
    let (status, ..) = items.bash("rmdir sealcheck.toml; mkfifo sealcheck.toml; $S check good");
    assert_eq!(status, 4);
    for input in ["/dev/zero", "huge"] {
        assert_eq!(
            items.bash(&format!("$S requirement parse - <{input}")).0,
            4,
            "{input}"
        );
    }
    // An empty file, as everywhere.
    let (status, ..) = items.bash("$S check --target local --config /dev/null good");
    assert_eq!(status, 0);
}

/// A profile over its limit was not read, so it is not known what it grants; what was read and is no profile fails.
#[test]
fn a_profile_that_cannot_be_read_is_not_judged() {
    let items = Items::new();
    let huge = File::create(items.path("huge.provisionprofile")).unwrap();
    huge.set_len(1 << 40).unwrap();
    fs::write(items.path("text.provisionprofile"), "text").unwrap();
    for (names, expected) in [
        ("huge.provisionprofile", 4),
        ("text.provisionprofile", 1),
        ("huge.provisionprofile text.provisionprofile", 1),
        ("--limit profile=3 text.provisionprofile", 4),
    ] {
        for format in ["human", "json"] {
            let (status, out, error) = items.bash(&format!("$S profile --format {format} {names}"));
            assert_eq!(status, expected, "{names}: {out}{error}");
        }
    }
}

#[test]
fn a_configuration_has_a_budget() {
    let items = Items::new();
    // Every line is a mistake, and each is told with its line.
    let text: String = (0..90_000).map(|number| format!("k{number}=1\n")).collect();
    fs::write(items.path("sealcheck.toml"), &text).unwrap();
    let (status, _, error) = items.bash("$S check good");
    let lines = error.lines().filter(|line| !line.starts_with(' '));
    assert_eq!((status, lines.count()), (2, 90_000));
    fs::write(items.path("sealcheck.toml"), "# \n".repeat(400_000)).unwrap();
    let (status, _, error) = items.bash("$S check good");
    assert_eq!(status, 4);
    assert!(error.contains("it is larger than 1048576 bytes"), "{error}");
    fs::write(items.path("sealcheck.toml"), b"# \xff\n").unwrap();
    assert_eq!(items.bash("$S check good").0, 2);
}

/// A tool that is signed ad hoc, which the configuration permits, with a configuration that also permits that every demand is
/// unmet: it comes with the sources, and made `--expect-team WRONG` end with 0 once.
#[test]
fn the_working_folder_cannot_change_what_is_demanded() {
    let items = Items::new();
    let bytes = adhoc("org.example.tool").sign_all(&[arm64(&[2; 5000])], Bound::default());
    write_executable(&items.path("tool"), &bytes.0);
    let permit = "[[ignore]]\nrule = \"adhoc-signed\"\nreason = \"ours\"\n";
    let demands: Vec<_> = rule::all()
        .into_iter()
        .filter(|rule| rule.family == Family::Expectation && rule.id != "unused-ignore")
        .map(|rule| rule.id)
        .collect();
    assert!(demands.len() >= 9, "{demands:?}");
    let ignores: String = demands
        .iter()
        .map(|id| format!("[[ignore]]\nrule = \"{id}\"\nreason = \"no\"\n"))
        .collect();
    let lower = |severity: &str| -> String {
        let lines = demands.iter().map(|id| format!("{id} = \"{severity}\"\n"));
        format!("[severity]\n{}", lines.collect::<String>())
    };
    for text in [
        ignores.clone(),
        lower("note"),
        lower("warning"),
        format!("{}{ignores}", lower("note")),
    ] {
        fs::write(items.path("sealcheck.toml"), format!("{text}{permit}")).unwrap();
        for demand in [
            "--expect-team ABCDE12345",
            "--expect-identifier org.example.other",
            &format!("--expect-leaf {}", "0".repeat(64)),
            "--expect-entitlement com.apple.security.app-sandbox",
            "--require developer-id",
            "--require hardened-runtime",
            "--require timestamp",
            "--require notarized",
            "--require arch:x86_64",
        ] {
            let (status, out, error) = items.bash(&format!("$S check {demand} tool"));
            assert_eq!(status, 1, "{demand}: {out}{error}");
            assert!(out.contains("error["), "{demand}: {out}");
            for id in &demands {
                assert!(
                    flat(&error).contains(&format!(" of {id} does not count")),
                    "{id}: {error}"
                );
            }
            // Whoever names the file means it.
            let (status, out, error) = items.bash(&format!("$S check --config sealcheck.toml {demand} tool"));
            assert_eq!((status, error.as_str()), (0, ""), "{demand}: {out}");
        }
        assert_eq!(items.bash("$S check -R=never tool").0, 3);
    }
    // What is not demanded is the project's own matter, and so is more than is demanded.
    fs::write(
        items.path("sealcheck.toml"),
        format!("{}{permit}", lower("error")),
    )
    .unwrap();
    let (status, _, error) = items.bash("$S check tool");
    assert_eq!((status, error.as_str()), (0, ""));
}

/// Every report names the configuration, also one about good items or with `-q`.
#[test]
fn every_report_names_the_configuration() {
    let items = Items::new();
    fs::write(
        items.path("sealcheck.toml"),
        "[severity]\nadhoc-signed = \"error\"\n",
    )
    .unwrap();
    fs::copy(items.path("sealcheck.toml"), items.path("other.toml")).unwrap();
    for (option, name) in [("", "sealcheck.toml"), ("--config other.toml", "other.toml")] {
        for format in FORMATS {
            for names in ["good", "broken", "good broken", "-q good", "-q broken good"] {
                let (_, out, error) = items.bash(&format!("$S check --format {format} {option} {names}"));
                // All rules are in a log of SARIF, and one of them mentions the file.
                let wanted = match format {
                    "sarif" => format!("\"config\": \"{name}\""),
                    _ => name.to_owned(),
                };
                assert!(out.contains(&wanted), "{format} {option} {names}: {out}{error}");
            }
        }
    }
    for format in FORMATS {
        let (_, out, _) = items.bash(&format!("$S verify --format {format} -v good"));
        assert!(!out.contains("\"config\": \"sealcheck.toml"), "{format}: {out}");
        assert!(
            format == "sarif" || !out.contains("sealcheck.toml"),
            "{format}: {out}"
        );
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// All certificates of a file count, wherever they are in it; only the first did, silently.
#[test]
fn all_certificates_of_a_file_count() {
    let items = Items::new();
    tool("org.example.signed").write(&items.path("signed"));
    let root = &apple().root.der;
    let other = pki::developer_id_ca().self_signed().der;
    let (root_pem, other_pem) = (pem(root), pem(&other));
    let count = |file: &[u8]| {
        let mut anchors = Anchors::default();
        anchors.trust_as_apple(file).map(|()| anchors.all().count() - 3)
    };
    let test = "$S requirement test 'anchor apple generic' --at 2026-06-15 --apple-anchor anchors.pem signed";
    for (file, number) in [
        (root_pem.clone(), 1),
        (format!("{other_pem}{root_pem}"), 2),
        (format!("\n \t{root_pem}\r\n\n{other_pem}{other_pem}\n\n"), 3),
        (format!("{root_pem}{other_pem}").replace('\n', "\r\n"), 2),
    ] {
        assert_eq!(count(file.as_bytes()).unwrap(), number, "{file}");
        fs::write(items.path("anchors.pem"), &file).unwrap();
        assert_eq!(items.bash(test).0, 0, "{file}");
    }
    fs::write(items.path("anchors.pem"), &other_pem).unwrap();
    assert_ne!(items.bash(test).0, 0);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let unended = root_pem.split("-----END").next().unwrap();
    let mistyped = root_pem.replace("BEGIN CERTIFICATE", "BEGIN CERTIFICAT");
    for file in [
        String::new(),
        "\n\n".to_owned(),
        format!("{root_pem}garbage"),
        format!("garbage\n{root_pem}"),
        format!("{root_pem}garbage\n{other_pem}"),
        format!("{root_pem}{key}"),
        format!("{root_pem}{mistyped}"),
        format!("{mistyped}{root_pem}"),
        format!("{root_pem}{unended}"),
        format!("{unended}{root_pem}"),
        format!("{unended}==\n{root_pem}"),
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned(),
        format!("{root_pem}\0"),
    ] {
        assert!(count(file.as_bytes()).is_err(), "{file}");
        fs::write(items.path("anchors.pem"), &file).unwrap();
        for option in ["--trust-anchor", "--apple-anchor"] {
            let (status, out, error) = items.bash(&format!("$S verify {option} anchors.pem good"));
            assert_eq!((status, out.as_str()), (2, ""), "{file}: {error}");
            assert!(error.starts_with("sealcheck: anchors.pem: "), "{error}");
        }
    }
    // One in DER, and nothing after it.
    assert_eq!(count(root).unwrap(), 1);
    assert!(count(&[root.as_slice(), b"\n"].concat()).is_err());
    assert!(count(&[root.as_slice(), &other].concat()).is_err());
}
