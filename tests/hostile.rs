//! Operands that are no signed code at all: a clear message, a status, and never a hang.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealcheck::source::{Content, DirectoryTree, Listing, NodeId, SourceError, Tree};
use sealcheck::survey::examine_tree;
use sealcheck::verify::NotJudged;

use crate::command_line::{sealcheck, stdout};
use crate::support::bundle::{acme, contents_bundle};
use crate::support::macho::arm64;
use crate::support::signature::{Bound, adhoc};
use crate::support::{flat, notice, real_app};

/// Runs the program; the statuses are those that bad input may have.
fn judged(path: &Path) -> (Output, String) {
    let start = Instant::now();
    let output = sealcheck(&[OsStr::new("--target"), OsStr::new("local"), path.as_os_str()]);
    assert!(
        start.elapsed() < Duration::from_secs(120),
        "{} took too long",
        path.display()
    );
    let text = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    assert!(
        matches!(output.status.code(), Some(1 | 4)),
        "{:?}: {text}",
        output.status
    );
    (output, text)
}

/// The first line that says what is wrong.
fn complaint(text: &str) -> &str {
    text.lines()
        .find(|line| line.starts_with("error[") || line.starts_with("sealcheck: "))
        .unwrap_or_else(|| panic!("no complaint in {text}"))
}

#[test]
fn things_that_are_no_code() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("text"), "no code\n").unwrap();
    fs::write(place("empty"), "").unwrap();
    fs::create_dir(place("folder")).unwrap();
    fs::write(place("folder/a"), "a").unwrap();
    // A Java class file has the magic number of a universal file.
    fs::write(place("Main.class"), [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 1]).unwrap();
    for (name, message) in [
        (
            "text",
            "error[unsigned-code] this is not Mach-O code, and there is no signature for it",
        ),
        (
            "empty",
            "error[unsigned-code] this is not Mach-O code, and there is no signature for it",
        ),
        (
            "Main.class",
            "error[unsigned-code] this is not Mach-O code, and there is no signature for it",
        ),
        (
            "folder",
            "error[not-a-bundle] this is a folder in which no signed code was found",
        ),
    ] {
        let (output, text) = judged(&place(name));
        assert_eq!(complaint(&text), message);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn special_files_and_loops() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (output, text) = judged(&pipe);
    assert!(complaint(&text).ends_with("pipe: not a regular file"), "{text}");
    assert_eq!(output.status.code(), Some(4));
    let knot = folder.path().join("knot");
    symlink("knot", &knot).unwrap();
    let (output, text) = judged(&knot);
    assert!(
        flat(&text).contains("Too many levels of symbolic links"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(4));
    // Links in a bundle that lead in a circle are compared as text, never followed.
    let app = acme(folder.path());
    symlink("Resources", app.join("Contents/Resources/circle")).unwrap();
    symlink("..", app.join("Contents/Resources/up")).unwrap();
    let (_, text) = judged(&app);
    assert!(text.contains("Contents/Resources/circle  added"), "{text}");
}

#[test]
fn unreadable_files() {
    // Reading this file fails for every user.
    let memory = Path::new("/proc/self/mem");
    if memory.exists() {
        let (output, text) = judged(memory);
        assert_eq!(
            complaint(&text),
            "sealcheck: /proc/self/mem: cannot be read: Input/output error (os error 5)"
        );
        assert_eq!(output.status.code(), Some(4));
    } else {
        notice("no /proc, unreadable operand not tested");
    }
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    let secret = app.join("Contents/Resources/config.json");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&secret).is_ok() {
        notice("this user may read everything, unreadable sealed file not tested");
        return;
    }
    let (output, text) = judged(&app);
    assert!(
        text.contains("warning[not-fully-read] cannot be read: Permission denied"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(4));
}

/// A tree in which one file cannot be read, whoever asks.
#[derive(Debug)]
struct Failing {
    inner: DirectoryTree,
    path: &'static str,
}

impl Failing {
    fn check(&self, id: NodeId) -> Result<(), SourceError> {
        if self.inner.path(id) != self.path {
            return Ok(());
        }
        Err(SourceError::Io {
            path: self.full_path(id),
            kind: std::io::ErrorKind::PermissionDenied,
            errno: Some(13),
        })
    }
}

impl Tree for Failing {
    fn limits(&self) -> &sealcheck::limits::Limits {
        self.inner.limits()
    }

    fn listing(&self) -> &Arc<Listing> {
        self.inner.listing()
    }
    fn full_path(&self, id: NodeId) -> String {
        self.inner.full_path(id)
    }
    fn open(&self, id: NodeId) -> Result<Content<'_>, SourceError> {
        self.check(id).and_then(|()| self.inner.open(id))
    }
    fn small(&self, id: NodeId, limit: u64) -> Result<Vec<u8>, SourceError> {
        self.check(id).and_then(|()| self.inner.small(id, limit))
    }
    fn head(&self, id: NodeId, count: usize) -> Result<Vec<u8>, SourceError> {
        self.check(id).and_then(|()| self.inner.head(id, count))
    }
    fn for_each_chunk(&self, id: NodeId, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<u64, SourceError> {
        self.check(id).and_then(|()| self.inner.for_each_chunk(id, visit))
    }
}

/// What cannot be read never reads as passed, and never hides a failure that is proven.
#[test]
fn what_cannot_be_read_is_not_judged() {
    let judge = |app: &Path, path: &'static str| {
        let inner = DirectoryTree::open(app, &Default::default()).unwrap();
        examine_tree(&Failing { inner, path }, &Default::default())
    };
    for path in [
        "Contents/Resources/config.json",
        "Contents/Frameworks/Inner.framework/Versions/A/Inner",
        "Contents/Frameworks/Inner.framework/Versions/A/_CodeSignature/CodeResources",
        "Contents/PkgInfo",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let app = acme(folder.path());
        let (evidence, survey) = judge(&app, path).unwrap();
        assert_eq!(evidence.codesign.not_judged(), Some(NotJudged::Gap), "{path}");
        let findings = sealcheck::rule::advise(
            &evidence,
            &survey,
            Some(sealcheck::finding::Target::Local),
            &sealcheck::rule::Expectations::default(),
        )
        .findings;
        assert_eq!(findings.len(), 1, "{path}: {findings:#?}");
        assert_eq!(findings[0].rule, "not-fully-read");
        assert_eq!(
            findings[0].message,
            "cannot be read: Permission denied (os error 13)"
        );
        fs::write(app.join("Contents/Resources/sub/deep.txt"), "changed").unwrap();
        assert_eq!(
            judge(&app, path).unwrap().0.codesign.valid(),
            Some(false),
            "{path}"
        );
    }
    // Without the main executable there is nothing to say.
    let folder = tempfile::tempdir().unwrap();
    let app = acme(folder.path());
    assert!(judge(&app, "Contents/MacOS/Acme").is_err());
}

#[test]
fn truncated_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let (bytes, _) = adhoc("tool").sign(&arm64(&[7; 5000]), Bound::default());
    for length in (0..bytes.len()).step_by(97).chain(0..200) {
        fs::write(&path, &bytes[..length]).unwrap();
        let evidence = crate::support::examined::examine(&path, &Default::default()).unwrap();
        assert_eq!(evidence.codesign.valid(), Some(false), "{length} bytes");
        assert!(
            !crate::support::examined::advise(
                &evidence,
                Some(sealcheck::finding::Target::Local),
                &sealcheck::rule::Expectations::default()
            )
            .findings
            .is_empty(),
            "{length} bytes"
        );
    }
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let (output, text) = judged(&path);
    assert!(complaint(&text).starts_with("error["), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_sparse_file_of_four_gigabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse");
    File::create(&path).unwrap().set_len(4 << 30).unwrap();
    let (_, text) = judged(&path);
    assert!(complaint(&text).starts_with("error[unsigned-code]"), "{text}");
    // The same with a Mach-O at its start, whose signature covers a few pages.
    let (bytes, _) = adhoc("tool").sign(&arm64(b"code"), Bound::default());
    fs::write(&path, bytes).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4 << 30)
        .unwrap();
    let (_, text) = judged(&path);
    assert!(
        complaint(&text).starts_with("error[trailing-data-or-misplaced-signature]"),
        "{text}"
    );
}

#[test]
fn bundles_nested_too_deep_for_us() {
    let folder = tempfile::tempdir().unwrap();
    let mut place = folder.path().join("A.app");
    let root = place.clone();
    // Every level is a bundle found by its executable; none is sealed by the one above it.
    for _ in 0..80 {
        contents_bundle(&place, "A", "APPL", &adhoc("a"));
        place = place.join("Contents/Resources/A.app");
    }
    let (output, _) = judged(&root);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn random_bytes_never_panic() {
    use proptest::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    let (bytes, _) = adhoc("tool").sign(&arm64(&[7; 3000]), Bound::default());
    let signature = bytes.len() - 700;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    // Changes in the load commands and in the signature, where the readers are.
    let places = prop_oneof![0..600usize, signature..bytes.len()];
    runner
        .run(
            &proptest::collection::vec((places, any::<u8>()), 1..6),
            |changes| {
                let mut changed = bytes.clone();
                for (at, value) in changes {
                    changed[at] = value;
                }
                fs::write(&path, &changed).unwrap();
                let evidence = crate::support::examined::examine(&path, &Default::default()).unwrap();
                let _ = crate::support::examined::advise(
                    &evidence,
                    Some(sealcheck::finding::Target::Local),
                    &sealcheck::rule::Expectations::default(),
                )
                .findings;
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn a_trailing_slash_and_dot_are_the_same_app() {
    let app = real_app();
    let output = sealcheck(&[format!("{}/", app.display())]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("problems    none"));
}
