//! Rules about modes and names of files (R288, R293, R294, R297).
//!
//! Modes are those of the file system that the item lies on, and no part of the signature. Where all files have the same
//! defect, it is more likely that the file system keeps no modes, or that whoever unpacked the item gave them: the answer is
//! *unknown* then, as it is where there are no modes (disks of Windows, bytes in memory). Owners and groups are not looked at.

use super::{Check, Family, Rule};
use crate::finding::{Place, Severity};
use crate::remedy::{SIGN, Step, run};
use crate::source::NodeId;

/// Why nothing is said about modes of files.
pub(super) const UNKNOWN_MODES: &str = "the modes of the files are not known here";
/// Bytes of one name on HFS+ and APFS (`NAME_MAX`).
const MAX_NAME: usize = 255;
/// The file in which the Finder keeps a folder's own icon.
const ICON: &str = "Icon\r";
/// Bytes of a path (`PATH_MAX`).
const MAX_PATH: usize = 1024;

/// One finding about all files that are so, unless all are.
fn report(
    check: &mut Check<'_>,
    note: &'static str,
    is_so: impl Fn(u32) -> bool,
    message: impl Fn(usize) -> String,
) {
    let names = &check.evidence().listing;
    // A file by itself has the mode that whoever fetched it gave it.
    if !names.node(NodeId(0)).is_directory() {
        return;
    }
    let files: Vec<NodeId> = names.ids().filter(|id| names.node(*id).is_file()).collect();
    if files.iter().any(|id| names.node(*id).mode.is_none()) {
        check.unknown("", UNKNOWN_MODES);
    }
    let found: Vec<NodeId> = files
        .iter()
        .copied()
        .filter(|id| names.node(*id).mode.is_some_and(&is_so))
        .collect();
    let Some(first) = found.first() else { return };
    if found.len() == files.len() {
        check.unknown(
            "",
            format!("every file is {note}, so these are not the modes that the item has elsewhere"),
        );
        return;
    }
    let places = found
        .iter()
        .map(|id| Place {
            path: names.kept_path(*id),
            note,
        })
        .collect();
    check.file(&names.path(*first), message(found.len())).places = places;
}

fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 file {what}"),
        count => format!("{count} files {what}"),
    }
}

fn writable(check: &mut Check<'_>) {
    report(
        check,
        "writable",
        |mode| mode & 0o002 != 0,
        |found| count(found, "may be changed by every user"),
    );
}

fn setuid(check: &mut Check<'_>) {
    report(
        check,
        "setuid",
        |mode| mode & 0o6000 != 0,
        |found| count(found, "with a setuid or setgid bit"),
    );
}

fn unreadable(check: &mut Check<'_>) {
    report(
        check,
        "private",
        |mode| mode & 0o004 == 0,
        |found| count(found, "cannot be read by other users"),
    );
}

/// What is the matter with a name.
fn fault(name: &str, path_length: usize) -> Option<&'static str> {
    if name.contains(':') {
        Some("colon")
    } else if name != ICON && name.chars().any(char::is_control) {
        Some("control character")
    } else if name.len() > MAX_NAME {
        Some("long name")
    } else if path_length > MAX_PATH {
        Some("long path")
    } else {
        None
    }
}

fn names(check: &mut Check<'_>) {
    let names = &check.evidence().listing;
    let lengths = names.path_lengths();
    let length_of = |id: NodeId| usize::try_from(id.0).ok().and_then(|id| lengths.get(id));
    let places: Vec<Place> = names
        .ids()
        .filter(|id| *id != NodeId(0))
        .filter_map(|id| {
            let node = names.node(id);
            // What is in a folder whose path is too long has a path that is too long as well.
            let folder = node.parent.and_then(length_of);
            let length = length_of(id).filter(|_| folder.is_none_or(|length| *length <= MAX_PATH));
            let note = fault(&node.text(), length.copied().unwrap_or_default())?;
            let path = names.kept_path(id);
            Some(Place { path, note })
        })
        .collect();
    if let Some(first) = places.first().map(|place| place.path.clone()) {
        let message = match places.as_slice() {
            [place] => format!("a name that does not travel well ({})", place.note),
            places => format!("{} names that do not travel well", places.len()),
        };
        check.file(&first, message).places = places;
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "world-writable",
        family: Family::Files,
        severity: Severity::Warning,
        title: "files that every user may change",
        catalogue: "R288",
        explanation: "Modes are not part of the signature and travel with archives, images and packages. Whoever can write to a file of an app can break its signature for all users, and launchd refuses programs of daemons with such modes.",
        remedy: &[
            Step::Say("take the permission away before packing"),
            run!["chmod" "-R" "o-w" Code],
        ],
        check: writable,
        ..Rule::BASE
    },
    Rule {
        id: "setuid-bits",
        family: Family::Files,
        severity: Severity::Warning,
        title: "files with a setuid or setgid bit",
        catalogue: "R293",
        explanation: "Copies, archives and Archive Utility drop these bits, so the program does not get the rights that it counts on; dyld restricts it where they stay. Apple's way to more rights is a daemon that SMAppService registers.",
        remedy: &[
            Step::Say("remove the bits, and put what needs root into a daemon"),
            run!["chmod" "-R" "ug-s" Code],
        ],
        reference: "https://developer.apple.com/documentation/servicemanagement/smappservice",
        check: setuid,
        ..Rule::BASE
    },
    Rule {
        id: "unreadable-files",
        family: Family::Files,
        severity: Severity::Warning,
        title: "files that other users cannot read",
        catalogue: "R294",
        explanation: "Modes travel with archives, images and packages. On a Mac with several users the signature cannot be verified by those who may not read all files, and the app does not start for them.",
        remedy: &[
            Step::Say("make all files readable before packing"),
            run!["chmod" "-R" "u+rX,go+rX" Code],
        ],
        check: unreadable,
        ..Rule::BASE
    },
    Rule {
        id: "path-names",
        family: Family::Files,
        severity: Severity::Warning,
        title: "names that archives or volumes change",
        catalogue: "R297",
        explanation: "The Finder shows a colon as a slash and some archivers replace it; control characters are lost in many; names of more than 255 bytes and paths of more than 1024 cannot be stored or opened. A seal names files by their exact names, so it breaks with them.",
        remedy: &[
            Step::Say("give the files other names, then sign"),
            run!["mv" File (Value "NAME")],
            SIGN,
        ],
        check: names,
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names() {
        for (name, expected) in [
            ("a.txt", None),
            ("ü — ☃", None),
            ("a:b", Some("colon")),
            ("a\nb", Some("control character")),
            ("Icon\r", None),
            ("Icon\n", Some("control character")),
        ] {
            assert_eq!(fault(name, name.len()), expected, "{name:?}");
        }
        let name = "a".repeat(255);
        assert_eq!(fault(&name, name.len()), None);
        assert_eq!(fault(&format!("{name}a"), 255), Some("long name"));
        assert_eq!(fault("a", 1024), None);
        assert_eq!(fault("a", 1026), Some("long path"));
    }
}
