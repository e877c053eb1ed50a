//! Paths in load commands: what they begin with, and where they lead.
//!
//! dyld expands `@executable_path`, `@loader_path` and `@rpath` and nothing else (`man dyld`; dyld's `Loader.cpp`,
//! `Loader::expandAtExecutablePath`, `expandAtLoaderPath`). Paths without any of them belong to the Mac, not to the
//! item: whether something lies there is a matter of what macOS brings.

use crate::source::{Listing, MAX_LINKS, NodeId, ResolveError};

/// Where a path of the Mac's leads, by its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rule) enum Absolute {
    /// macOS brings it.
    System,
    /// It was part of macOS once.
    Removed,
    /// A package manager puts things there, on Macs that have one.
    PackageManager,
    /// An installer may have put something there.
    Installed,
    /// Nobody has it but the Mac on which the code was built.
    Foreign,
}

/// Folders of Homebrew, MacPorts and Fink.
const PACKAGE_MANAGERS: [&str; 6] = [
    "/usr/local/opt/",
    "/usr/local/Cellar/",
    "/usr/local/lib/",
    "/opt/homebrew/",
    "/opt/local/",
    "/sw/",
];

/// Libraries that macOS had once; the shared cache has no list that outlives a release, so everything else in its
/// folders counts as present (catalogue R192).
const REMOVED: [&str; 4] = [
    "/usr/lib/libcrypto.0.9",
    "/usr/lib/libssl.0.9",
    "/System/Library/Frameworks/Python.framework/",
    "/System/Library/Java/",
];

/// Libraries of /usr/lib that are often asked for by their name alone: it is the last place where dyld looks.
const FALLBACK: [&str; 20] = [
    "libSystem.B.dylib",
    "libarchive.2.dylib",
    "libbz2.1.0.dylib",
    "libc++.1.dylib",
    "libc++abi.dylib",
    "libcharset.1.dylib",
    "libcups.2.dylib",
    "libcurl.4.dylib",
    "libedit.3.dylib",
    "libexpat.1.dylib",
    "libffi.dylib",
    "libiconv.2.dylib",
    "liblzma.5.dylib",
    "libncurses.5.4.dylib",
    "libobjc.A.dylib",
    "libresolv.9.dylib",
    "libsqlite3.dylib",
    "libxml2.2.dylib",
    "libxslt.1.dylib",
    "libz.1.dylib",
];

/// Folders in which only the Mac has anything that built the code.
const BUILD_FOLDERS: [&str; 9] = [
    "/Users/",
    "/home/",
    "/Volumes/",
    "/private/tmp/",
    "/tmp/",
    "/private/var/folders/",
    "/var/folders/",
    "/nix/store/",
    "/opt/hostedtoolcache/",
];

/// Whether the path leads into a folder of the Mac that built the code.
pub(in crate::rule) fn is_in_build_folder(path: &str) -> bool {
    BUILD_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// Where a path leads that a load command names as it is.
pub(in crate::rule) fn absolute(path: &str) -> Absolute {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if begins(&REMOVED) {
        Absolute::Removed
    } else if begins(&["/usr/lib/", "/System/"]) {
        Absolute::System
    } else if begins(&PACKAGE_MANAGERS) {
        Absolute::PackageManager
    } else if begins(&["/Library/"]) {
        Absolute::Installed
    } else {
        Absolute::Foreign
    }
}

/// Whether macOS has a library that is looked for in this folder of the Mac's for want of a better one. Nearly every
/// program has /usr/lib/swift among its run paths, which does not mean that everything is there.
pub(super) fn is_there(folder: &str, name: &str) -> bool {
    match folder.trim_end_matches('/') {
        "/usr/lib" => FALLBACK.contains(&name),
        "/usr/lib/swift" => name.starts_with("libswift") && !name.contains('/'),
        folder => absolute(&format!("{folder}/{name}")) == Absolute::System,
    }
}

/// The name under which dyld looks in /usr/lib at last.
pub(super) fn last_resort(name: &str) -> bool {
    is_there("/usr/lib", name.rsplit('/').next().unwrap_or(name))
}

/// What a path begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rule) enum Anchor<'p> {
    /// `@executable_path`, and what follows.
    Executable(&'p str),
    /// `@loader_path`, and what follows.
    Loader(&'p str),
    /// `@rpath`, and what follows.
    RunPath(&'p str),
    /// A path from the root of the Mac's file system.
    Absolute,
    /// None of these.
    Relative,
}

/// Takes a path apart.
pub(in crate::rule) fn anchor(path: &str) -> Anchor<'_> {
    let after = |prefix: &str| {
        let rest = path.strip_prefix(prefix)?;
        if rest.is_empty() {
            Some(rest)
        } else {
            rest.strip_prefix('/')
        }
    };
    if let Some(rest) = after("@executable_path") {
        Anchor::Executable(rest)
    } else if let Some(rest) = after("@loader_path") {
        Anchor::Loader(rest)
    } else if let Some(rest) = after("@rpath") {
        Anchor::RunPath(rest)
    } else if path.starts_with('/') {
        Anchor::Absolute
    } else {
        Anchor::Relative
    }
}

/// A path from a folder of the item, with `.` and `..` taken out; `None` if it leads out of the item. Whether something
/// lies there does not matter.
pub(in crate::rule) fn normalized(folder: &str, rest: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in folder.split('/').chain(rest.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// The folder of a file, by its path.
pub(in crate::rule) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What a path from a folder of the item leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// A file of the item.
    File(NodeId),
    /// Nothing in the item, where it should be.
    Missing(String),
    /// Out of the item.
    Outside(String),
}

/// Follows a path from a folder of the item and every link on it.
pub(super) fn follow(listing: &Listing, folder: Option<NodeId>, rest: &str) -> Spot {
    let Some(folder) = folder else {
        return Spot::Outside(rest.to_owned());
    };
    let base = listing.path(folder);
    let named = || normalized(&base, rest).unwrap_or_else(|| format!("{base}/{rest}"));
    match listing.resolve(folder, rest, MAX_LINKS) {
        Ok(node) if listing.node(node).is_file() => Spot::File(node),
        Err(ResolveError::Escapes) => Spot::Outside(named()),
        // A folder on the way may be missing before the path leaves the item.
        Err(_) if normalized(&base, rest).is_none() => Spot::Outside(named()),
        Ok(_) | Err(_) => Spot::Missing(named()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_mac() {
        assert_eq!(absolute("/usr/lib/libSystem.B.dylib"), Absolute::System);
        assert_eq!(absolute("/usr/lib/libcrypto.0.9.8.dylib"), Absolute::Removed);
        assert_eq!(absolute("/opt/homebrew/lib/libz.dylib"), Absolute::PackageManager);
        assert_eq!(absolute("/opt/vendor/lib/libz.dylib"), Absolute::Foreign);
        assert_eq!(absolute("/Library/Frameworks/R.framework/R"), Absolute::Installed);
        assert!(is_there("/usr/lib/swift", "libswiftCore.dylib"));
        assert!(!is_there(
            "/usr/lib/swift",
            "Sparkle.framework/Versions/B/Sparkle"
        ));
        assert!(!is_there("/usr/lib", "libacme.dylib"));
    }

    #[test]
    fn what_paths_begin_with() {
        assert_eq!(anchor("@rpath/a/b"), Anchor::RunPath("a/b"));
        assert_eq!(anchor("@loader_path"), Anchor::Loader(""));
        assert_eq!(anchor("@rpathological"), Anchor::Relative);
        assert_eq!(
            normalized("Contents/MacOS", "../a/./b"),
            Some("Contents/a/b".into())
        );
        assert_eq!(normalized("Contents", "../../a"), None);
    }
}
