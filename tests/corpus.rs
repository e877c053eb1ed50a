//! Real signed code against what an independent program found in it (the manifest of the corpus).
//!
//! The corpus lies beside the project where it is developed; elsewhere these tests say that they were skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sealcheck::finding::{Party, Severity};
use sealcheck::gatekeeper::{assess, fitting_operation};
use sealcheck::rule::Expectations;
use sealcheck::subject::Origin;
use sealcheck::time::UnixTime;
use sealcheck::verify::{CodeObject, FaultKind, Options, SignatureKind, SuppliedTicket};

use crate::support::examined::{Examined, advise, examine, of_item};
use crate::support::{notice, package, project};

/// The corpus in a temporary folder, or `None` with a notice.
pub fn unpacked() -> Option<&'static tempfile::TempDir> {
    static FOLDER: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    FOLDER
        .get_or_init(|| of_archive("signed-samples.tar.xz"))
        .as_ref()
}

/// The containers of the corpus, likewise.
fn containers() -> Option<&'static tempfile::TempDir> {
    static FOLDER: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    FOLDER.get_or_init(|| of_archive("containers.tar.xz")).as_ref()
}

fn of_archive(name: &str) -> Option<tempfile::TempDir> {
    let archive = corpus().join(name);
    if !archive.exists() {
        notice(&format!("no {}, corpus tests are skipped", archive.display()));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("tar")
        .arg("xJf")
        .arg(&archive)
        .arg("-C")
        .arg(folder.path())
        .status()
        .expect("tar runs");
    assert!(status.success(), "tar cannot unpack {}", archive.display());
    Some(folder)
}

fn corpus() -> PathBuf {
    project().join("../shared/corpus")
}

/// The evidence about every item of the corpus on one day, by name: everything that both lists name, as `check` takes it, and the apps in
/// the installer packages, unpacked and with the ticket that is stapled to the package.
pub fn all_evidence() -> Option<Vec<(String, Examined)>> {
    let options = Options {
        at: UnixTime::from_rfc3339("2026-11-25").unwrap(),
        ..Options::default()
    };
    let (samples, containers) = (unpacked()?.path(), containers()?.path());
    let listed = manifest().into_iter().map(|row| (samples, row.path));
    let text = std::fs::read_to_string(corpus().join("CONTAINERS.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let paths: Vec<String> = rows
        .filter_map(|line| line.split('\t').next())
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    let mut found = Vec::new();
    let mut add = |root: &Path, path: &Path, prefix: &str, options: &Options| {
        for item in Origin::default().items(path, &options.search()).unwrap().items {
            let name = item.path.strip_prefix(root).unwrap().display();
            found.push((format!("{prefix}{name}"), of_item(&item, options).unwrap()));
        }
    };
    let places = listed.chain(paths.into_iter().map(|path| (containers, path)));
    for (root, path) in places {
        let place = root.join(&path);
        add(root, &place, "", &options);
        if place.extension().is_none_or(|extension| extension != "pkg") {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let ticket = package::unpack(&place, folder.path()).map(|bytes| SuppliedTicket {
            path: "the package's ticket".to_owned(),
            bytes: bytes.into(),
        });
        let with_ticket = Options {
            tickets: ticket.into_iter().collect(),
            ..options.clone()
        };
        let prefix = format!("{path}, unpacked: ");
        add(folder.path(), folder.path(), &prefix, &with_ticket);
    }
    Some(found)
}

/// Paths of all bundles and Mach-O files that the manifest lists.
pub fn items() -> Vec<String> {
    let rows = manifest().into_iter();
    rows.filter(|row| !is_container(&row.kind))
        .map(|row| row.path)
        .collect()
}

struct Row {
    path: String,
    kind: String,
    architectures: Vec<String>,
    class: String,
    team: String,
    identifier: String,
    hash_types: Vec<String>,
    version: String,
    seal: String,
    check: String,
    timestamp: String,
}

fn manifest() -> Vec<Row> {
    let text = std::fs::read_to_string(corpus().join("MANIFEST.tsv")).unwrap();
    let list = |field: &str| {
        field
            .split('+')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Row {
                path: fields[0].into(),
                kind: fields[2].into(),
                architectures: list(fields[3]),
                class: fields[4].into(),
                team: fields[5].into(),
                identifier: fields[6].into(),
                hash_types: list(fields[7]),
                version: fields[8].into(),
                seal: fields[12].into(),
                check: fields[13].into(),
                timestamp: fields[14].into(),
            }
        })
        .collect()
}

/// Kinds that a directory reader cannot judge as code; containers come later.
fn is_container(kind: &str) -> bool {
    matches!(kind, "dmg" | "pkg" | "provisioning profile")
}

/// What we found, in the words of the manifest; each line that differs is a disagreement.
fn disagreements(row: &Row, evidence: &Examined) -> Vec<String> {
    let mut out = Vec::new();
    let item = &evidence.code[0];
    let mut note = |what: &str, manifest: String, ours: String| {
        if manifest != ours {
            out.push(format!(
                "{}: {what}: manifest {manifest:?}, sealcheck {ours:?}",
                row.path
            ));
        }
    };
    let mut architectures: Vec<_> = item
        .slices
        .iter()
        .filter_map(|slice| Some(slice.architecture?.to_string()))
        .collect();
    architectures.sort();
    let mut listed = row.architectures.clone();
    listed.sort();
    note("architectures", listed.join("+"), architectures.join("+"));
    if !row.class.is_empty() {
        note("signature", class(&row.class).into(), signature(item));
    }
    let primary = item.slices.iter().find(|slice| slice.identifier.is_some());
    if !row.identifier.is_empty() {
        let identifier = primary.and_then(|slice| slice.identifier.clone());
        note(
            "identifier",
            row.identifier.clone(),
            identifier.unwrap_or_default(),
        );
        let team = primary.and_then(|slice| slice.team_id.clone());
        note("team", row.team.clone(), team.unwrap_or_default());
        let hashes: Vec<_> = primary
            .iter()
            .flat_map(|slice| &slice.cdhashes)
            .map(|cdhash| cdhash.hash_type.to_string())
            .collect();
        note("hash types", row.hash_types.join("+"), hashes.join("+"));
        let version = primary.and_then(|slice| slice.code_directory_version);
        note(
            "version",
            row.version.clone(),
            format!("{:#x}", version.unwrap_or_default()),
        );
    }
    let has = |wanted: fn(&FaultKind) -> bool| item.faults.iter().any(|fault| wanted(&fault.kind));
    if !row.check.is_empty() {
        let word = |bad: bool| if bad { "BAD" } else { "ok" };
        let listed = |key: &str| {
            if row.check.contains(&format!("{key}=ok")) {
                "ok"
            } else {
                "BAD"
            }
        };
        let pages = has(|kind| matches!(kind, FaultKind::Pages { .. }));
        note("pages", listed("pages").into(), word(pages).into());
        let special = has(|kind| matches!(kind, FaultKind::SpecialSlot { .. }));
        note("special slots", listed("special").into(), word(special).into());
    }
    let seal = row.seal.trim();
    if !seal.is_empty() {
        let broken = has(|kind| matches!(kind, FaultKind::Resources { .. } | FaultKind::Scan(_)));
        let ours = match &item.seal {
            None => "none",
            Some(_) if broken => "BROKEN",
            Some(_) => "ok",
        };
        let listed = seal.rsplit(' ').next().unwrap();
        note("seal", listed.into(), ours.into());
    }
    out
}

/// The kind of signature in the manifest's words: of the slices that have one.
fn class(text: &str) -> &'static str {
    if text == "unsigned" {
        "unsigned"
    } else if text.contains("linker-signed") {
        "linker-signed"
    } else if text.contains("adhoc") {
        "adhoc"
    } else {
        "cms"
    }
}

fn signature(item: &CodeObject) -> String {
    item.slices
        .iter()
        .map(|slice| slice.signature)
        .find(|signature| *signature != SignatureKind::Unsigned)
        .unwrap_or(SignatureKind::Unsigned)
        .name()
        .into()
}

/// Disagreements that are right as they are; each is explained in `docs/corpus.md`.
fn explained() -> Vec<String> {
    std::fs::read_to_string(project().join("docs/corpus.md"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`'))
        .map(|(disagreement, _)| disagreement.to_owned())
        .collect()
}

#[test]
fn every_item_agrees_with_the_manifest_or_is_explained() {
    let Some(folder) = unpacked() else { return };
    let mut found = Vec::new();
    let mut judged = 0;
    for row in manifest().iter().filter(|row| !is_container(&row.kind)) {
        let path = folder.path().join(&row.path);
        let evidence = examine(&path, &Options::default()).unwrap();
        let _ = crate::support::examined::advise(
            &evidence,
            Some(sealcheck::finding::Target::Local),
            &sealcheck::rule::Expectations::default(),
        )
        .findings;
        found.extend(disagreements(row, &evidence));
        judged += 1;
    }
    assert!(judged >= 30, "only {judged} items judged");
    assert_eq!(found, explained());
}

/// The notary service has accepted what its ticket lists, and macOS runs it.
#[test]
fn no_valid_and_notarized_item_has_an_error() {
    let Some(all) = all_evidence() else { return };
    let mut count = 0;
    for (name, evidence) in &all {
        let is_listed = evidence.code.first().is_some_and(|item| {
            !item.slices.is_empty() && item.assessed_slices().all(|slice| slice.notarized == Some(true))
        });
        if !is_listed || evidence.codesign.valid() != Some(true) {
            continue;
        }
        count += 1;
        let advice = advise(evidence, None, &Expectations::default());
        let errors: Vec<_> = advice
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    assert!(count >= 6, "only {count} items are valid and notarized");
}

/// The parties are those of the verdicts and of the tickets at hand.
#[test]
fn no_finding_names_a_party_that_accepted_the_item() {
    let Some(all) = all_evidence() else { return };
    let mut accepted = 0;
    for (name, evidence) in &all {
        let gatekeeper = assess(evidence, fitting_operation(evidence)).accepted() == Some(true);
        let codesign = evidence.codesign.valid() == Some(true)
            && evidence.codesign.satisfies_designated_requirement() == Some(true);
        accepted += u32::from(gatekeeper) + u32::from(codesign);
        let advice = advise(evidence, None, &Expectations::default());
        for finding in &advice.findings {
            let names = |party| finding.rejected_by.contains(&party);
            let object = evidence.code.iter().find(|object| object.path == finding.code);
            let notary = object.is_some_and(|object| {
                codesign && object.slices.iter().all(|slice| slice.notarized == Some(true))
            });
            assert!(!(gatekeeper && names(Party::Gatekeeper)), "{name}: {finding:#?}");
            assert!(!(codesign && names(Party::Codesign)), "{name}: {finding:#?}");
            assert!(!(notary && names(Party::Notary)), "{name}: {finding:#?}");
            assert!(
                finding.severity < Severity::Error || !finding.rejected_by.is_empty(),
                "{name}: {finding:#?}"
            );
        }
    }
    assert!(accepted > 30, "only {accepted} answers accept an item");
}

/// Every Mach-O file and every bundle in the corpus, listed or not: no panic, and a verdict or a reason.
#[test]
fn everything_in_the_corpus_is_judged() {
    let Some(folder) = unpacked() else { return };
    fn walk(folder: &Path, count: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_symlink() {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            if kind.is_file() || name.contains('.') {
                let evidence = examine(&path, &Options::default()).unwrap();
                let verdict = &evidence.codesign;
                let told = verdict.status().is_some()
                    || verdict.not_judged().is_some()
                    || verdict.valid() == Some(true);
                assert!(told, "{}", path.display());
                *count += 1;
            }
            if kind.is_dir() {
                walk(&path, count);
            }
        }
    }
    let mut count = 0;
    walk(folder.path(), &mut count);
    assert!(count > 100, "only {count} files and bundles");
}

/// Who signed, of which team, when, and what macOS says about it.
#[test]
fn signed_items_get_their_verdict() {
    let Some(folder) = unpacked() else { return };
    const WWDR: &str = "Apple Worldwide Developer Relations Certification Authority";
    const DEVELOPER_ID: &str = "Developer ID Certification Authority";
    let dart = "npm-sass-embedded-darwin-arm64-1.105.0/dart-sass/src/dart";
    let adb = "pypi-adbutils-1.2.15-py3-none-macosx_10_9_intel.macosx_10_9_x86_64.macosx_10_10_intel.macosx_10_10_x86_64/adbutils/binaries/adb";
    let expected = [
        (
            "gh-blackfire/Growl.framework",
            -67007,
            "3rd Party Mac Developer Application: ROMANO PFEFFERKORN",
            WWDR,
            "",
            "signed 2012-06-13T11:47:14Z",
        ),
        // The main executable stands for its framework.
        (
            "gh-blackfire/Growl.framework/Versions/A/Growl",
            -67007,
            "3rd Party Mac Developer Application: ROMANO PFEFFERKORN",
            WWDR,
            "",
            "signed 2012-06-13T11:47:14Z",
        ),
        (
            "gh-isign/Test.app",
            -67054,
            "iPhone Developer: Neil Kandalgaonkar (PJ5C3PEW8Z)",
            WWDR,
            "L37S4Z6BE9",
            "signed 2015-12-17T01:12:34Z",
        ),
        (
            "gh-isign/Test.app/Frameworks/libswiftContacts.dylib",
            0,
            "iPhone Developer: Neil Kandalgaonkar (PJ5C3PEW8Z)",
            WWDR,
            "L37S4Z6BE9",
            "signed 2015-12-17T01:12:33Z",
        ),
        (
            dart,
            0,
            "Developer ID Application: FLUTTER.IO LLC (S8QB4VV633)",
            DEVELOPER_ID,
            "S8QB4VV633",
            "stamped 2026-09-15T08:20:19Z",
        ),
        (
            adb,
            0,
            "Developer ID Application: Google LLC (EQHXZ8M8AV)",
            DEVELOPER_ID,
            "EQHXZ8M8AV",
            "stamped 2023-07-14T10:05:42Z",
        ),
        (
            "santa-testdata/testdata/signed-with-teamid",
            0,
            "Apple Development: Google Development (69FHSU289T)",
            WWDR,
            "EQHXZ8M8AV",
            "signed 2021-08-13T14:04:43Z",
        ),
        (
            "santa-testdata/testdata/yikes-universal_signed",
            0,
            "Mac Developer: Tom Burgin (QDXTTPU8MW)",
            WWDR,
            "998Z9C32TC",
            "signed 2018-04-10T18:09:17Z",
        ),
    ];
    let rows = manifest();
    let cms: Vec<_> = rows
        .iter()
        .filter(|row| !is_container(&row.kind) && !row.class.is_empty() && class(&row.class) == "cms")
        .collect();
    let listed: Vec<_> = cms.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(listed, expected.map(|(path, ..)| path));
    for (row, (path, status, leaf, authority, team, time)) in cms.iter().zip(expected) {
        let evidence = examine(&folder.path().join(path), &Options::default()).unwrap();
        let verdict = &evidence.codesign;
        let found = verdict.status().map_or(0, |status| status.0);
        assert_eq!((found, verdict.not_judged()), (status, None), "{path}");
        for slice in &evidence.code[0].slices {
            let identity = slice.identity.as_ref().unwrap();
            assert_eq!(identity.faults, Vec::new(), "{path}");
            let names: Vec<_> = identity.chain.iter().map(|found| found.summary()).collect();
            assert_eq!(names, [leaf, authority, "Apple Root CA"], "{path}");
            assert!(identity.is_apple());
            assert_eq!(slice.team_id.as_deref().unwrap_or_default(), team, "{path}");
            let stamped = identity.timestamp.as_ref().map(|stamp| stamp.time);
            let found = match (stamped, identity.signing_time) {
                (Some(time), _) => format!("stamped {time}"),
                (None, Some(time)) => format!("signed {time}"),
                (None, None) => String::new(),
            };
            assert_eq!(found, time, "{path}");
            // The manifest writes `2026-09-15 08:20:19+00:00`.
            let listed = row.timestamp.replace(' ', "T").replace("+00:00", "Z");
            assert_eq!(
                stamped.map(|time| time.to_string()).unwrap_or_default(),
                listed,
                "{path}"
            );
        }
    }
}
