//! Designated requirements that code does not satisfy, or that cannot be evaluated: `SecStaticCode::designatedRequirement`
//! and `internalRequirements` of Apple's `StaticCode.cpp`, and what amfid says of such code: "Broken signature with Team ID
//! fatal".

use sealcheck::finding::{Party, Severity};
use sealcheck::requirement::RequirementSet;
use sealcheck::verify::RequirementFault;

use crate::support::codesign::{Parent, codesign};
use crate::support::judge::{Judged, judge, judge_bytes};
use crate::support::macho::{EXECUTE, Thin, arm64};
use crate::support::program::program;
use crate::support::signature::{Bound, Signer, adhoc, blob, superblob};

const RULE: &str = "designated-requirement-unsatisfied";

fn thin() -> Thin {
    Thin {
        file_type: EXECUTE,
        ..arm64(&[7; 5000])
    }
}

fn text(text: &str) -> Vec<u8> {
    RequirementSet::from_text(&format!("designated => {text}"))
        .unwrap()
        .to_blob()
}

/// A set whose designated requirement has this kind and these words.
fn binary(kind: u32, words: &[u32]) -> Vec<u8> {
    let payload: Vec<u8> = std::iter::once(&kind)
        .chain(words)
        .flat_map(|word| word.to_be_bytes())
        .collect();
    superblob(0xfade_0c01, &[(3, blob(0xfade_0c00, &payload))])
}

fn signer(set: Vec<u8>, team: Option<&str>) -> Signer {
    let mut signer = Signer {
        team: team.map(str::to_owned),
        ..adhoc("org.example.tool")
    };
    signer.special.insert(2, set);
    signer
}

fn judged(set: Vec<u8>, team: Option<&str>) -> Judged {
    judge_bytes(&signer(set, team).sign(&thin(), Bound::default()).0)
}

/// Sets whose designated requirement is broken, by what is wrong.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let mut malformed = text("always");
    malformed[16..20].copy_from_slice(&1u32.to_be_bytes());
    let mut other_magic = text("always");
    other_magic[3] = 9;
    vec![
        ("never", text("never")),
        ("another identifier", text("identifier \"org.example.other\"")),
        ("Apple's anchor", text("anchor apple generic")),
        ("an unknown kind", binary(7, &[1])),
        ("a requirement in DER", binary(2, &[1])),
        ("an unknown operation", binary(1, &[0x77])),
        ("an operation without its operand", binary(1, &[2])),
        ("a malformed set", malformed),
        ("a set with another magic", other_magic),
    ]
}

/// `rejected_by` contains amfi for code with a team identifier, and only for such.
#[test]
fn code_with_a_team_is_rejected_by_amfi() {
    for (what, set) in broken() {
        for team in [Some("ABCDE12345"), None] {
            let judged = judged(set.clone(), team);
            assert_eq!(judged.status(), 0, "{what}: codesign does not ask for it");
            assert_eq!(judged.severity(RULE), Some(Severity::Error), "{what}");
            let finding = judged.of(RULE)[0];
            let is_rejected = finding.rejected_by.contains(&Party::Amfi);
            assert_eq!(is_rejected, team.is_some(), "{what}");
            assert!(finding.rejected_by.contains(&Party::Codesign), "{what}");
            assert_ne!(
                judged.evidence.codesign.satisfies_designated_requirement(),
                Some(true),
                "{what}"
            );
        }
    }
    for good in ["always", "identifier \"org.example.tool\""] {
        assert_eq!(judged(text(good), Some("ABCDE12345")).severity(RULE), None);
    }
}

/// The same for code that is nested in an app.
#[test]
fn nested_code_with_a_team_is_rejected_by_amfi() {
    for team in [Some("ABCDE12345"), None] {
        let mut parent = Parent::new();
        parent.add_tool("Helpers/tool", &signer(text("never"), team));
        let judged = judge(&parent.seal().app());
        assert_eq!(judged.status(), 0);
        let findings = judged.of(RULE);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rejected_by.contains(&Party::Amfi), team.is_some());
    }
}

/// `internalRequirements` throws for a blob that is no set, so no default requirement takes its place.
#[test]
fn a_set_with_another_magic_is_malformed() {
    let mut set = text("always");
    set[3] = 9;
    let judged = judged(set.clone(), None);
    assert_eq!(judged.status(), 0);
    let designated = judged.evidence.code[0].slices[0].designated.as_ref().unwrap();
    assert_eq!(designated.is_satisfied, Err(RequirementFault::Set));
    assert!(judged.rules().contains(&"slot-magic-wrong"));
    let folder = tempfile::tempdir().unwrap();
    let bytes = signer(set, None).sign(&thin(), Bound::default()).0;
    std::fs::write(folder.path().join("input"), bytes).unwrap();
    let status = |arguments: &[&str]| codesign(folder.path(), "verify", arguments).status;
    assert_eq!((status(&["input"]), status(&["-v", "input"])), (0, 1));
}

/// The report for people does not mark such code as good.
#[test]
fn the_report_marks_it_as_bad() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = signer(text("never"), Some("ABCDE12345"))
        .sign(&thin(), Bound::default())
        .0;
    std::fs::write(folder.path().join("input"), bytes).unwrap();
    let output = program()
        .args(["check", "--target", "local", "--color", "never", "input"])
        .current_dir(folder.path())
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains("valid on disk")).unwrap();
    assert!(
        line.contains("does not satisfy its designated Requirement"),
        "{line}"
    );
    assert!(line.contains('✗') && !line.contains('✓'), "{line}");
    assert_eq!(output.status.code(), Some(1));
}
