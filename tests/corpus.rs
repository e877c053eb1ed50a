//! Real signed code against what an independent program found in it (the manifest of the corpus).
//!
//! The corpus lies beside the project where it is developed; elsewhere these tests say that they were skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sealcheck::verify::{CodeObject, Evidence, FaultKind, Options, SignatureKind, verify};

use crate::support::{notice, project};

/// The corpus in a temporary folder, or `None` with a notice.
pub fn unpacked() -> Option<&'static tempfile::TempDir> {
    static FOLDER: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let archive = corpus().join("signed-samples.tar.xz");
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
        })
        .as_ref()
}

fn corpus() -> PathBuf {
    project().join("../shared/corpus")
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
            }
        })
        .collect()
}

/// Kinds that a directory reader cannot judge as code; containers come later.
fn is_container(kind: &str) -> bool {
    matches!(kind, "dmg" | "pkg" | "provisioning profile")
}

/// What we found, in the words of the manifest; each line that differs is a disagreement.
fn disagreements(row: &Row, evidence: &Evidence) -> Vec<String> {
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
        let evidence = verify(&path, &Options::default()).unwrap();
        let _ = sealcheck::rule::check(&evidence);
        found.extend(disagreements(row, &evidence));
        judged += 1;
    }
    assert!(judged >= 30, "only {judged} items judged");
    assert_eq!(found, explained());
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
                let evidence = verify(&path, &Options::default()).unwrap();
                let verdict = &evidence.codesign;
                let told =
                    verdict.status.is_some() || verdict.not_judged.is_some() || verdict.valid == Some(true);
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
