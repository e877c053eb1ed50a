//! Tests of the directory tree, of lookups and of following links.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;
use crate::source::{Lookup, ResolveError};

fn tree(directory: &Path) -> DirectoryTree {
    DirectoryTree::open(directory, &Limits::default()).unwrap()
}

#[test]
fn lists_sorted_and_finds_names() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("b")).unwrap();
    fs::write(temp.path().join("b/File"), b"abc").unwrap();
    fs::write(temp.path().join("a"), b"").unwrap();
    let tree = tree(temp.path());
    let names: Vec<_> = tree
        .children(tree.root())
        .iter()
        .map(|&id| tree.path(id))
        .collect();
    assert_eq!(names, ["a", "b"]);
    let Lookup::Exact(file) = tree.lookup(tree.root(), "b/./File") else {
        panic!()
    };
    assert_eq!(tree.lookup(tree.root(), "B/file"), Lookup::Folded(file));
    assert_eq!(tree.lookup(tree.root(), "b/../a"), Lookup::Missing);
    assert_eq!(tree.path(file), "b/File");
    assert_eq!(tree.full_path(file), format!("{}/b/File", temp.path().display()));
    assert_eq!(&*tree.whole(file).unwrap(), b"abc");
    assert_eq!(tree.small(file, 3).unwrap(), b"abc");
    assert!(matches!(
        tree.small(file, 2),
        Err(SourceError::TooLarge { limit: 2, .. })
    ));
    assert_eq!(tree.head(file, 2).unwrap(), b"ab");
    assert!(tree.gaps().is_empty());
}

#[test]
fn large_files_are_mapped_and_streamed_alike() {
    let temp = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    fs::write(temp.path().join("f"), &data).unwrap();
    let tree = DirectoryTree::open(&temp.path().join("f"), &Limits::default()).unwrap();
    assert_eq!(tree.len(), 1);
    assert_eq!(&*tree.whole(tree.root()).unwrap(), &data[..]);
    let mut seen = Vec::new();
    assert_eq!(
        tree.for_each_chunk(tree.root(), &mut |part| seen.extend_from_slice(part)),
        Ok(3_000_000)
    );
    assert_eq!(seen, data);
}

#[test]
fn links_are_followed_only_inside() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    fs::create_dir_all(at("d/e")).unwrap();
    fs::write(at("d/f"), b"x").unwrap();
    symlink("d/e", at("de")).unwrap();
    symlink("/etc/passwd", at("abs")).unwrap();
    symlink("../../..", at("up")).unwrap();
    symlink("loop2", at("loop1")).unwrap();
    symlink("loop1", at("loop2")).unwrap();
    symlink("d/f/", at("slash")).unwrap();
    symlink("l0", at("l1")).unwrap();
    symlink("d/f", at("l0")).unwrap();
    for n in 1..40 {
        symlink(format!("l{n}"), at(&format!("l{}", n + 1))).unwrap();
    }
    let tree = tree(temp.path());
    let go = |path: &str| tree.resolve(tree.root(), path, 33).map(|id| tree.path(id));
    assert_eq!(go("de/../f"), Ok("d/f".to_owned()));
    assert_eq!(go(""), Ok(String::new()));
    assert_eq!(go("abs"), Err(ResolveError::Escapes));
    assert_eq!(go("up"), Err(ResolveError::Escapes));
    assert_eq!(go("loop1"), Err(ResolveError::Loop));
    assert_eq!(go("slash"), Err(ResolveError::NotDirectory));
    assert_eq!(go("d/f/g"), Err(ResolveError::NotDirectory));
    assert_eq!(go("nothing"), Err(ResolveError::Missing));
    assert_eq!(go("l32"), Ok("d/f".to_owned()));
    assert_eq!(go("l33"), Err(ResolveError::Loop));
    let link = tree.lookup(tree.root(), "abs").id().unwrap();
    assert_eq!(tree.link_target(link), Some(&b"/etc/passwd"[..]));
    assert!(matches!(tree.whole(link), Err(SourceError::NotRegular { .. })));
}

#[test]
fn sockets_and_pipes_are_never_opened() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("s");
    let _listener = UnixListener::bind(&path).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(temp.path().join("p"))
        .status();
    let tree = tree(temp.path());
    for &id in tree.children(tree.root()) {
        assert_eq!(tree.node(id).kind, Kind::Other);
        assert!(matches!(tree.whole(id), Err(SourceError::NotRegular { .. })));
    }
    if made.is_ok_and(|status| status.success()) {
        // A pipe that takes a file's place after the listing neither hangs nor reads.
        let pipe = temp.path().join("p");
        assert!(matches!(
            file::whole(
                Place {
                    directory: CWD,
                    path: &pipe
                },
                &|| "p".to_owned(),
                &Limits::default()
            ),
            Err(SourceError::NotRegular { .. })
        ));
    }
}

#[test]
fn budgets_and_unreadable_directories_are_gaps() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join("a/b/c")).unwrap();
    for n in 0..10 {
        fs::write(temp.path().join(format!("a/b/{n}")), b"").unwrap();
    }
    let limits = Limits {
        depth: 2,
        ..Limits::default()
    };
    let short = DirectoryTree::open(temp.path(), &limits).unwrap();
    assert_eq!(short.gaps()[0].reason, GapReason::DepthLimit(2));
    let limits = Limits {
        nodes: 5,
        ..Limits::default()
    };
    let few = DirectoryTree::open(temp.path(), &limits).unwrap();
    assert_eq!(few.len(), 5);
    assert_eq!(few.gaps()[0].reason, GapReason::NodeLimit(5));
    let locked = temp.path().join("a/b");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read_dir(&locked).is_err() {
        assert_eq!(
            tree(temp.path()).gaps()[0].reason,
            GapReason::Unreadable(Some(13))
        );
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn names_outside_utf8_are_gaps_and_operand_links_are_followed() {
    let temp = tempfile::tempdir().unwrap();
    let inside = temp.path().join("in");
    fs::create_dir(&inside).unwrap();
    if fs::write(inside.join(OsStr::from_bytes(b"\xff")), b"").is_ok() {
        assert_eq!(tree(&inside).gaps()[0].reason, GapReason::NameNotUtf8);
    }
    symlink("in", temp.path().join("link")).unwrap();
    let tree = tree(&temp.path().join("link"));
    assert_eq!(tree.len(), 2);
    assert!(tree.full_path(tree.root()).ends_with("/link"));
    assert!(DirectoryTree::open(&temp.path().join("none"), &Limits::default()).is_err());
}

#[test]
fn contents_are_added_to_what_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let long = vec![7; 600_000];
    fs::write(temp.path().join("a"), &long).unwrap();
    fs::write(temp.path().join("b"), b"").unwrap();
    fs::write(temp.path().join("c"), b"gone").unwrap();
    let tree = tree(temp.path());
    let &[a, b, c] = tree.children(tree.root()) else {
        panic!("three files");
    };
    // It grew after the listing.
    fs::write(temp.path().join("b"), b"late").unwrap();
    fs::remove_file(temp.path().join("c")).unwrap();
    let mut buffer = b"start".to_vec();
    tree.append(a, &mut buffer).unwrap();
    tree.append(b, &mut buffer).unwrap();
    let expected = [b"start".as_slice(), &long, b"late"].concat();
    assert_eq!(buffer, expected);
    assert!(matches!(
        tree.append(c, &mut buffer),
        Err(SourceError::Io {
            kind: io::ErrorKind::NotFound,
            ..
        })
    ));
    assert!(matches!(
        tree.append(tree.root(), &mut buffer),
        Err(SourceError::NotRegular { .. })
    ));
    assert_eq!(buffer, expected);
}
