//! Rules about files and folders that do not belong where they lie (R223, R230, R239, R281).
//!
//! They look at names only. What the seal says of the same files is told by rules that leave out what is explained
//! here.

use crate::remedy::{SIGN, Step, run};
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use super::bundles::Bundles;
use super::nesting::flattened;
use super::{Check, Family, Rule};
use crate::bundle::LayoutFault;
use crate::finding::{Party, Place, Severity, Target};
use crate::source::{Listing, NodeId};
use crate::verify::{CodeKind, CodeObject, Evidence, Fault, FaultKind, OsStatus};

const PLACING: &str = "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle";

/// Folders for code in Apple's own resource rules (specification 6.7).
const CODE_FOLDERS: [&str; 10] = [
    "Frameworks",
    "SharedFrameworks",
    "PlugIns",
    "Plug-ins",
    "XPCServices",
    "Helpers",
    "MacOS",
    "Library/Automator",
    "Library/Spotlight",
    "Library/LoginItems",
];

/// Extensions of folders that are bundles (catalogue R230).
const BUNDLES: [&str; 20] = [
    "action",
    "app",
    "appex",
    "bundle",
    "component",
    "dext",
    "framework",
    "kext",
    "mdimporter",
    "plugin",
    "prefPane",
    "qlgenerator",
    "saver",
    "service",
    "systemextension",
    "vst",
    "vst3",
    "wdgt",
    "workflow",
    "xpc",
];

/// Whether a Mac's archiver or a foreign volume made the file: `._NAME`, or anything in `__MACOSX`.
pub(super) fn is_apple_double(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with("._") || path.split('/').any(|name| name == "__MACOSX")
}

/// The rest of a path below a folder.
fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// Whether the rules of a seal take a folder with a dot in its name for nested code: it lies in `Contents` (or in a
/// version of a framework) or in a folder for code there, and in no other such folder.
fn is_code_place(inside: &str) -> bool {
    let support = inside.strip_prefix("Contents/").or_else(|| {
        let version = inside.strip_prefix("Versions/")?;
        version.split_once('/').map(|(_, rest)| rest)
    });
    let Some((folders, _)) = support.map(|path| path.rsplit_once('/').unwrap_or(("", path))) else {
        return false;
    };
    let is_for_code = folders.is_empty()
        || CODE_FOLDERS
            .iter()
            .any(|folder| below(folder, folders).is_some() || folders == *folder);
    // Debug symbols are sealed file by file.
    is_for_code && !folders.contains('.') && !inside.to_ascii_lowercase().ends_with(".dsym")
}

/// Whether a folder looks like a bundle: there is something that macOS would take for its Info.plist or executable.
fn is_bundle(names: &Listing, folder: NodeId) -> bool {
    let name = names.node(folder).text();
    let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    let has = |path: &str| names.resolve(folder, path, crate::source::MAX_LINKS).is_ok();
    [
        "",
        "Contents/",
        "Resources/",
        "Support Files/",
        "Versions/Current/Resources/",
    ]
    .iter()
    .any(|place| has(&format!("{place}Info.plist")) || has(&format!("{place}Info-macos.plist")))
        || ["", "Contents/", "MacOS/", "Contents/MacOS/", "Versions/Current/"]
            .iter()
            .any(|place| has(&format!("{place}{stem}")) || has(&format!("{place}{name}.dist")))
}

/// A folder that a seal takes, or would take, for code, and that is no bundle.
pub(super) struct BrokenFolder {
    /// The path of the code around it.
    code: String,
    /// Its path in the item.
    pub(super) path: String,
    /// What macOS says of it already.
    status: Option<OsStatus>,
}

/// All such folders of an item.
pub(super) fn broken_folders(evidence: &Evidence) -> Vec<BrokenFolder> {
    let names = &evidence.listing;
    let bundles = Bundles::of(evidence);
    let faults = || evidence.code.iter().flat_map(|object| &object.faults);
    let refused: HashMap<&str, Option<OsStatus>> = faults()
        .filter(|fault| matches!(fault.kind, FaultKind::Bundle(_)))
        .map(|fault| (fault.path.as_str(), fault.status()))
        .collect();
    // There may be many, and hardly any folder asks for them.
    let added: LazyCell<HashSet<&str>, _> = LazyCell::new(|| {
        let added = faults().filter_map(|fault| match &fault.kind {
            FaultKind::Resources { added, .. } => Some(added),
            _ => None,
        });
        added.flatten().map(String::as_str).collect()
    });
    let found = |object: &CodeObject, path, status| BrokenFolder {
        code: object.path.clone(),
        path,
        status,
    };
    let judge = |node: NodeId| {
        let facts = names.node(node);
        if node == NodeId(0) || !facts.is_directory() || !facts.text().contains('.') {
            return None;
        }
        let object = bundles.around_node(node)?;
        if flattened(names, node).is_some() {
            return None;
        }
        let path = names.path(node);
        if let Some(status) = refused.get(path.as_str()) {
            // Both may be where no name could be read.
            return (!evidence.may_hide_names(&path)).then(|| found(object, path, *status));
        }
        // What a good seal covers some other way is no problem.
        let may_be_broken = is_code_place(below(&object.path, &path)?)
            && !is_bundle(names, node)
            && !evidence.may_hide_names(&path);
        let is_added = may_be_broken && added.contains(path.as_str());
        let is_judged = is_added || object.seal.is_none();
        (may_be_broken && is_judged).then(|| found(object, path, is_added.then_some(OsStatus::BAD_RESOURCE)))
    };
    names.ids().filter_map(judge).collect()
}

fn folders(check: &mut Check<'_>, is_known: bool) {
    for BrokenFolder { code, path, status } in check.broken_folders() {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        if BUNDLES.iter().any(|known| known.eq_ignore_ascii_case(extension)) != is_known {
            continue;
        }
        let message = if is_known {
            "this folder has neither an Info.plist nor an executable"
        } else {
            "a folder with a dot in its name lies among code"
        };
        check.at(code, path, message).status = *status;
    }
}

fn apple_doubles(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let bundles = Bundles::of(evidence);
    let is_inside = |path: &str| {
        path.rsplit_once('/')
            .is_some_and(|(folders, _)| folders.split('/').any(|name| name == "__MACOSX"))
    };
    let mut found: HashMap<&str, Vec<Place>> = HashMap::new();
    for node in names.ids() {
        let name = names.node(node);
        let is_of_attributes = name.name.starts_with(b"._") && name.is_file();
        if !is_of_attributes && &*name.name != b"__MACOSX" {
            continue;
        }
        let Some(owner) = bundles.around_node(node) else {
            continue;
        };
        let path = names.kept_path(node);
        if !is_inside(&path) {
            let note = "AppleDouble";
            found.entry(&owner.path).or_default().push(Place { path, note });
        }
    }
    for object in &evidence.code {
        let is_bundle = matches!(object.kind, CodeKind::Bundle(_));
        let places = found
            .remove(object.path.as_str())
            .filter(|_| is_bundle)
            .unwrap_or_default();
        let Some(first) = places.first().map(|place| place.path.clone()) else {
            continue;
        };
        let (consequences, statuses): (Vec<_>, Vec<_>) =
            object.faults.iter().filter_map(breaks_by_apple_double).unzip();
        let message = match places.len() {
            1 => "1 file holds nothing but attributes of another".to_owned(),
            count => format!("{count} files hold nothing but attributes of others"),
        };
        let finding = check.within(object, &first, message);
        finding.places = places;
        finding.consequences = consequences;
        finding.consequences.dedup();
        finding.status = statuses.first().copied().flatten();
        if finding.status.is_none() {
            finding.severity = Severity::Warning;
            finding.rejected_by = Vec::new();
        }
    }
}

/// Which rule is silent about a fault, or a part of one, because of such files.
fn breaks_by_apple_double(fault: &Fault) -> Option<(&'static str, Option<OsStatus>)> {
    let rule = match &fault.kind {
        FaultKind::Resources { added, .. } if added.iter().any(|path| is_apple_double(path)) => {
            "sealed-resource-broken"
        }
        FaultKind::Layout(
            LayoutFault::UnsealedRoot { name }
            | LayoutFault::UnsealedFrameworkRoot { name }
            | LayoutFault::MetaNotAFile { name }
            | LayoutFault::MetaGuest { name },
        ) if is_apple_double(name) => "bundle-root-unsealed",
        _ => return None,
    };
    Some((rule, fault.status()))
}

/// Whether nobody needs this in a product that users get; the note says what it is.
fn leftover(name: &str, is_directory: bool) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if is_directory
        && (name.ends_with(".xctest") || matches!(&*name, "xctest.framework" | "testing.framework"))
    {
        return Some("tests");
    }
    let is_library = !is_directory && name.ends_with(".dylib");
    match &*name {
        "libxctestswiftsupport.dylib" => Some("tests"),
        "__preview.dylib" => Some("Xcode's preview"),
        _ if is_library && name.ends_with(".debug.dylib") => Some("the code of a debug build"),
        _ => None,
    }
}

fn leftovers(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let bundles = Bundles::of(evidence);
    let places: Vec<Place> = names
        .ids()
        .filter(|node| *node != NodeId(0))
        .filter_map(|node| {
            let facts = names.node(node);
            let note = leftover(&facts.text(), facts.is_directory())?;
            bundles.around_node(node)?;
            let path = names.kept_path(node);
            Some(Place { path, note })
        })
        .collect();
    if let Some(first) = places.first().map(|place| place.path.clone()) {
        let message = match places.as_slice() {
            [place] => format!("{} in the product", place.note),
            places => format!("{} files and folders of development in the product", places.len()),
        };
        let finding = check.file(&first, message);
        finding
            .facts
            .places(places.iter().map(|place| place.path.as_str()));
        finding.places = places;
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "nested-bundle-malformed",
        family: Family::Nesting,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "a nested bundle has neither an Info.plist nor an executable",
        catalogue: "R230",
        explanation: "A folder with the extension of a bundle lies where code belongs. codesign wants to verify it as code and finds neither an Info.plist nor an executable. A copy that left files out, an empty folder of a template, or data under such a name are the usual causes.",
        remedy: &[
            Step::Say("restore the bundle, remove it, or move it to Contents/Resources, then sign"),
            run!["rm" "-R" File],
            SIGN,
        ],
        apple: "codesign: \"bundle format unrecognized, invalid, or unsuitable\"",
        reference: PLACING,
        check: |check| folders(check, true),
        ..Rule::BASE
    },
    Rule {
        id: "dotted-folder-among-code",
        family: Family::Nesting,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "a folder that codesign takes for a bundle because of the dot in its name",
        catalogue: "R223",
        explanation: "In MacOS, Frameworks, PlugIns and the other folders for code, codesign takes every folder with a dot in its name for a bundle: python3.12, libs.d. It is none, so the code around it can be neither signed nor verified.",
        remedy: &[
            Step::Say("rename the folder, or move it to Contents/Resources and leave a link, then sign"),
            run!["mv" File (Support "Resources/")],
            SIGN,
        ],
        apple: "codesign: \"bundle format unrecognized, invalid, or unsuitable\"",
        reference: PLACING,
        check: |check| folders(check, false),
        ..Rule::BASE
    },
    Rule {
        id: "apple-double-files",
        family: Family::Files,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "files that a Mac's archiver made for attributes",
        catalogue: "R281",
        explanation: "tar and the Finder write attributes of NAME as ._NAME or below __MACOSX where a file system or an archive has no place for them. Unpacked by anything but a Mac's tools they stay, and in a bundle they are files that nobody has signed.",
        remedy: &[
            Step::Say("remove them, and pack without them (COPYFILE_DISABLE=1 tar, ditto --norsrc)"),
            run!["find" Code "(" "-name" "._*" "-o" "-name" "__MACOSX" ")" "-exec" "rm" "-R" "{}" "+"],
        ],
        apple: "codesign: \"a sealed resource is missing or invalid\"",
        reference: PLACING,
        check: apple_doubles,
        ..Rule::BASE
    },
    Rule {
        id: "development-leftovers",
        family: Family::Nesting,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "parts of a debug build in the product",
        catalogue: "R239",
        explanation: "Frameworks for tests, Xcode's previews, and the library NAME.debug.dylib that holds the code of a debug build are of no use to users. They tell about the source, and mostly mean that the wrong build was packed.",
        remedy: &[
            Step::Say(
                "build for release (xcodebuild archive; ENABLE_DEBUG_DYLIB=NO), or remove the files and sign again",
            ),
            run!["rm" "-R" (Value "PLACE")],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/xcode/build-settings-reference",
        check: leftovers,
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::{is_apple_double, is_code_place, leftover};

    #[test]
    fn places_for_code() {
        for path in [
            "Contents/MacOS/python3.12",
            "Contents/Helpers/a/b.d",
            "Contents/x.d",
            "Versions/A/Helpers/x.d",
        ] {
            assert!(is_code_place(path), "{path}");
        }
        for path in [
            "Contents/Resources/x.d",
            "Contents/MacOS/a.app/Contents/x.d",
            "Contents/MacOSX/x.d",
            "Contents/Library/x.d",
            "Frameworks/x.d",
        ] {
            assert!(!is_code_place(path), "{path}");
        }
    }

    #[test]
    fn names() {
        assert!(is_apple_double("a/._b") && is_apple_double("__MACOSX/a/b"));
        assert!(!is_apple_double("a/._/b") && !is_apple_double("a/.b"));
        assert_eq!(
            leftover("Acme.debug.dylib", false),
            Some("the code of a debug build")
        );
        assert_eq!(leftover("libdebug.dylib", false), None);
        assert_eq!(leftover("A.xctest", false), None);
    }
}
