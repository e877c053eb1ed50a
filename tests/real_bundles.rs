//! Real bundles with nested frameworks and links, and an old one: the corpus, and Flet.app where somebody has fetched it
//! (`docs/corpus.md` says how).

use std::path::{Path, PathBuf};

use sealcheck::source::{DirectoryTree, Tree};
use sealcheck::verify::Nesting;

use crate::corpus::unpacked;
use crate::support::codesign::{Said, codesign};
use crate::support::judge::{Judged, judge, judge_with, lenient};
use crate::support::notice;

fn links(path: &Path) -> usize {
    let tree = DirectoryTree::open(path, &Default::default()).unwrap();
    (0..tree.len() as u32)
        .filter(|id| tree.node(sealcheck::source::NodeId(*id)).is_symlink())
        .count()
}

/// How much code seals name, without the item itself.
fn sealed(judged: &Judged) -> usize {
    let code = judged.evidence.code.iter();
    code.filter(|object| object.nesting == Nesting::Sealed).count()
}

#[test]
fn sparkle_in_two_versions() {
    let Some(folder) = unpacked() else { return };
    for (name, count, nested) in [
        ("gh-gfxcardstatus/Sparkle.framework", 8, 0),
        ("gh-scrollreverser/Sparkle.framework", 9, 4),
    ] {
        let path = folder.path().join(name);
        let judged = judge(&path);
        assert_eq!(judged.status(), 0, "{name}");
        assert_eq!(links(&path), count, "{name}");
        assert_eq!(sealed(&judged), nested, "{name}");
        // By the name of the current version, of the executable, and of its link.
        for inside in ["Versions/Current", "Sparkle", "Versions/Current/Sparkle"] {
            assert_eq!(judge(&path.join(inside)).status(), 0, "{name}/{inside}");
        }
    }
}

#[test]
fn growl_has_an_obsolete_seal() {
    let Some(folder) = unpacked() else { return };
    let path = folder.path().join("gh-blackfire/Growl.framework");
    let judged = judge(&path);
    assert_eq!(judged.verdict(), (-67007, None, None));
    assert_eq!(judged.evidence.code[0].seal.as_ref().unwrap().version, 1);
    assert_eq!(judge_with(&path, &lenient()).status(), 0);
    let said = |arguments: &[&str]| codesign(&folder.path().join("gh-blackfire"), "verify", arguments);
    assert_eq!(
        said(&["-v", "Growl.framework"]),
        Said::new(
            1,
            &[],
            &["Growl.framework: resource envelope is obsolete (version 1 signature)"]
        )
    );
    assert_eq!(
        said(&["-v", "--no-strict", "Growl.framework"]).error[0],
        "Growl.framework: valid on disk"
    );
}

#[test]
fn flet_with_its_frameworks() {
    let Some(folder) = std::env::var_os("SEALCHECK_FLET").map(PathBuf::from) else {
        notice("SEALCHECK_FLET names no folder with Flet.app, that app is not tested");
        return;
    };
    let path = folder.join("Flet.app");
    let judged = judge(&path);
    assert_eq!(judged.status(), 0);
    assert_eq!((sealed(&judged), links(&path)), (36, 108));
    // Frameworks that were built elsewhere and signed again here keep the rest of a longer signature.
    assert_eq!(judged.rules(), ["superblob-unusual"]);
    let said = codesign(&folder, "verify", &["-v", "Flet.app"]);
    assert_eq!(
        said.error,
        [
            "Flet.app: valid on disk",
            "Flet.app: satisfies its Designated Requirement"
        ]
    );
}
