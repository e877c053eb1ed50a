//! Rules about where code lies and what became of it on the way (R012, R220, R221, R228, R280).
//!
//! They look at every piece of code in the item, whether a seal names it or only its first bytes tell what it is.

use crate::remedy::{Condition, Fact, Facts, SIGN, Step, run};
use std::collections::HashMap;

use super::check::above;
use super::modes::UNKNOWN_MODES;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Party, Place, Severity};
use crate::source::{Kind, Listing, NodeId};
use crate::verify::{CodeKind, CodeObject, Evidence, FaultKind, Nesting};

const PLACING: &str = "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle";
const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";

/// Whether a file is code for the notary service: object files and debug symbols are not.
fn is_code(object: &CodeObject) -> bool {
    object.kind != CodeKind::Generic
        || object.nesting == Nesting::Sealed
        || object
            .slices
            .iter()
            .any(|slice| slice.file_type.is_some_and(|found| found.is_code()))
}

/// Whether one of the folders above the file is named `Resources`, as in `Contents/Resources/bin/tool`.
fn is_among_resources(path: &str) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(folders, _)| folders.split('/').any(|name| name == "Resources"))
}

fn unsigned_nested(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        if object.path.is_empty() || !is_code(object) {
            continue;
        }
        // A signature may be where no name could be read.
        if check.evidence().may_hide_names(&object.path) {
            continue;
        }
        for fault in &object.faults {
            if fault.kind != FaultKind::Unsigned {
                continue;
            }
            let slice = fault.slice.and_then(|index| object.slices.get(index));
            let architecture = slice.and_then(|slice| slice.architecture);
            let message = match architecture {
                Some(_) => "the code is not signed",
                None if matches!(object.kind, CodeKind::Bundle(_)) => {
                    "a bundle that lies among code must be signed as code, also without an executable, and this one is not signed"
                }
                None => "the seal takes this for code, but it is no Mach-O, and there is no signature for it",
            };
            let finding = check.object(object, message);
            finding.architecture = architecture.map(|found| found.to_string());
            if object.nesting == Nesting::Sealed {
                finding.status = fault.status();
            } else {
                // For the seal it is a file like any other.
                finding.rejected_by = vec![Party::Gatekeeper, Party::Notary, Party::Amfi];
            }
        }
    }
}

fn code_in_resources(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let places: Vec<Place> = evidence
        .code
        .iter()
        // Bundles among the resources have a rule of their own.
        .filter(|object| object.kind == CodeKind::MachO && is_code(object))
        .map(CodeObject::main_path)
        .filter(|path| is_among_resources(path))
        .map(|path| Place { path, note: "code" })
        .collect();
    let Some(first) = places.first() else { return };
    let at = first.path.find("Resources/").unwrap_or_default();
    let folder = first
        .path
        .get(..at.saturating_add("Resources".len()))
        .unwrap_or_default()
        .to_owned();
    let message = match places.len() {
        1 => "1 piece of code lies among the resources".to_owned(),
        count => format!("{count} pieces of code lie among the resources"),
    };
    check.file(&folder, message).places = places;
}

/// What a copy has done to the links of a framework.
pub(super) fn flattened(names: &Listing, framework: NodeId) -> Option<String> {
    let versions = names.lookup(framework, "Versions").id()?;
    if !names.node(versions).is_directory() {
        return None;
    }
    let current = names.lookup(versions, "Current").id();
    match current.map(|current| names.node(current).kind) {
        Some(Kind::Directory) => {
            return Some("Versions/Current is a folder, where a link belongs".to_owned());
        }
        Some(Kind::File) => return Some("Versions/Current is a file, where a link belongs".to_owned()),
        None => {
            let has_version = names
                .children(versions)
                .iter()
                .any(|child| names.node(*child).is_directory());
            return has_version.then(|| "Versions/Current is gone".to_owned());
        }
        Some(Kind::Symlink | Kind::Other) => {}
    }
    // A copy in the root of what the version holds as well.
    let is_in_version = |name: &str| {
        names
            .children(versions)
            .iter()
            .any(|version| names.node(*version).is_directory() && names.lookup(*version, name).id().is_some())
    };
    names.children(framework).iter().find_map(|child| {
        let node = names.node(*child);
        let name = node.text();
        let is_copy = matches!(node.kind, Kind::File | Kind::Directory) && *child != versions;
        (is_copy && is_in_version(&name)).then(|| format!("{name} is a copy, where a link belongs"))
    })
}

/// Returns true if code is in a framework that has copies in the place of its links.
pub(super) fn is_in_flattened(evidence: &Evidence, path: &str) -> bool {
    let names = &evidence.listing;
    std::iter::once(path)
        .chain(above(path))
        .filter(|outer| outer.ends_with(".framework"))
        .filter_map(|outer| names.lookup(NodeId(0), outer).id())
        .any(|framework| flattened(names, framework).is_some())
}

/// Collects the links that a framework needs and the copies that are in their places.
fn links(names: &Listing, framework: NodeId, path: &str, facts: &mut Facts) {
    let Some(versions) = names.lookup(framework, "Versions").id() else {
        return;
    };
    let name = |id: NodeId| names.node(id).text().into_owned();
    let is_version = |id: &NodeId| names.node(*id).is_directory() && names.node(*id).text() != "Current";
    let found: Vec<NodeId> = names
        .children(versions)
        .iter()
        .copied()
        .filter(is_version)
        .collect();
    let inside = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    };
    let mut link = |place: String, target: String, is_copy: bool| {
        let mut record = vec![
            ("LINK", Fact::Path(place.clone())),
            ("TARGET", Fact::Text(target)),
        ];
        if is_copy {
            record.push(("COPY", Fact::Path(place)));
        }
        facts.record(record);
    };
    let current = names.lookup(versions, "Current").id();
    let is_copy = current.is_some_and(|id| names.node(id).kind != Kind::Symlink);
    if is_copy || current.is_none() {
        // With several, only the build knows which one is current.
        let version = match found.as_slice() {
            [only] => name(*only),
            _ => "VERSION".to_owned(),
        };
        link(inside("Versions/Current"), version, is_copy);
    }
    let mut contents: Vec<String> = found
        .iter()
        .flat_map(|version| names.children(*version))
        .map(|child| name(*child))
        .filter(|name| name != "_CodeSignature")
        .collect();
    contents.sort();
    contents.dedup();
    for name in contents {
        let kind = names.lookup(framework, &name).id().map(|id| names.node(id).kind);
        let is_copy = matches!(kind, Some(Kind::File | Kind::Directory));
        if is_copy || (kind.is_none() && current.is_none()) {
            link(inside(&name), format!("Versions/Current/{name}"), is_copy);
        }
    }
}

fn flattened_frameworks(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let by_path: HashMap<&str, &CodeObject> = evidence
        .code
        .iter()
        .rev()
        .map(|object| (object.path.as_str(), object))
        .collect();
    for node in names.ids() {
        let facts = names.node(node);
        let is_framework = facts.is_directory() && facts.text().ends_with(".framework");
        let Some(message) = is_framework.then(|| flattened(names, node)).flatten() else {
            continue;
        };
        let path = names.path(node);
        let finding = match by_path.get(path.as_str()) {
            Some(object) => check.object(object, message),
            None => check.file(&path, message),
        };
        finding.path.clone_from(&path);
        links(names, node, &path, &mut finding.facts);
    }
}

fn framework_versions(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    for object in &evidence.code {
        if object.kind != CodeKind::Bundle(BundleKind::Framework) {
            continue;
        }
        let framework = names.lookup(NodeId(0), &object.path).id();
        let Some(versions) = framework.and_then(|node| names.lookup(node, "Versions").id()) else {
            continue;
        };
        let folders: Vec<String> = names
            .children(versions)
            .iter()
            .map(|child| names.node(*child))
            .filter(|node| node.is_directory() && node.text() != "Current")
            .map(|node| node.text().into_owned())
            .collect();
        if folders.len() > 1 {
            let message = format!("{} versions: {}", folders.len(), folders.join(", "));
            check.within(object, &object.path, message);
        }
    }
}

fn executable_bits(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let files = || names.ids().map(|id| names.node(id)).filter(|node| node.is_file());
    // A file by itself has the mode that whoever fetched it gave it.
    if !names.node(NodeId(0)).is_directory() {
        return;
    }
    // Where every file is executable, also Info.plist, nobody keeps modes.
    if files().all(crate::source::Node::is_executable) {
        if files().next().is_none() {
            return;
        }
        check.unknown(
            "",
            "every file is executable, so this file system does not keep modes",
        );
        return;
    }
    let mut is_unknown = false;
    for object in &evidence.code {
        let is_program = object
            .slices
            .iter()
            .any(|slice| slice.file_type.is_some_and(|found| found.is_execute()));
        // A script may be the main executable as well.
        let runs = match object.kind {
            CodeKind::Bundle(BundleKind::App | BundleKind::AppExtension | BundleKind::XpcService) => {
                is_program || object.format.ends_with("generic")
            }
            _ => is_program,
        };
        let Some(executable) = object.executable.as_ref().filter(|_| runs) else {
            continue;
        };
        let Some(node) = names.lookup(NodeId(0), executable).id() else {
            continue;
        };
        match names.node(node).mode {
            _ if !names.node(node).is_file() => {}
            None => is_unknown = true,
            Some(mode) if mode & 0o111 == 0 => {
                check.object(
                    object,
                    format!("nobody may execute this program (mode {mode:04o})"),
                );
            }
            Some(_) => {}
        }
    }
    if is_unknown {
        check.unknown("", UNKNOWN_MODES);
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unsigned-nested-code",
        family: Family::Nesting,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "code inside of the product carries no signature",
        catalogue: "R220, R001, R036, R241, R246",
        explanation: "Every program, library and plug-in needs a signature of its own, wherever it lies: also among resources, in unpacked archives of scripts, and under names that look like data. The notary service finds them by their first bytes. codesign --deep does not sign what lies among resources.",
        remedy: &[Step::Say("sign it, then everything around it"), SIGN],
        apple: "notary service: \"The binary is not signed.\"",
        follows_from: &["bundle-executable-missing"],
        reference: ISSUES,
        check: unsigned_nested,
        ..Rule::BASE
    },
    Rule {
        id: "code-in-resources",
        family: Family::Nesting,
        severity: Severity::Warning,
        title: "code lies among the resources",
        catalogue: "R221",
        explanation: "Code belongs in MacOS, Frameworks, Helpers, PlugIns, XPCServices or Library. Among resources it is sealed as data: it works as long as each piece is signed, but signing tools pass it by, and its own seal is not checked.",
        remedy: &[
            Step::Say(
                "move it to Contents/Helpers or Contents/Frameworks, leave a link where it was looked for, and sign from the inside out",
            ),
            SIGN,
        ],
        apple: "syspolicy_check: \"Resources directory contains Mach-o binaries.\"",
        reference: PLACING,
        check: code_in_resources,
        ..Rule::BASE
    },
    Rule {
        id: "framework-flattened",
        family: Family::Nesting,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the links of a framework were lost in a copy",
        catalogue: "R012, R227",
        explanation: "A framework consists of a version folder and links to it. A copy that follows links, or leaves them out, makes another bundle of it, which nobody has signed: zip without -y, scp -r, npm packages, wheels and uploads of build artifacts do so.",
        remedy: &[
            Step::Say(
                "remove the copies and make the links again; the signature is still the old one, do not sign",
            ),
            Step::If(Condition::Knows("COPY"), &[run!["rm" "-R" (Value "COPY")]], &[]),
            run!["ln" "-s" (Value "TARGET") (Value "LINK")],
            Step::Say(
                "from now on, copy and pack with tools that keep links: ditto -c -k --keepParent, zip -y, tar",
            ),
        ],
        apple: "bundle format is ambiguous (could be app or framework)",
        reference: PLACING,
        check: flattened_frameworks,
        ..Rule::BASE
    },
    Rule {
        id: "framework-multiple-versions",
        family: Family::Nesting,
        severity: Severity::Note,
        title: "a framework with more than one version",
        catalogue: "R228",
        explanation: "macOS uses and verifies the version that Versions/Current names; the others are signed and verified each by itself, and often nothing loads them. One that an update left behind makes the product larger, and its old code must still be signed and notarized.",
        remedy: &[
            Step::Say("delete the version folders that nothing loads, then sign from the inside out"),
            SIGN,
        ],
        reference: PLACING,
        check: framework_versions,
        ..Rule::BASE
    },
    Rule {
        id: "executable-bit-lost",
        family: Family::Files,
        rejected_by: &[Party::MacOs],
        title: "a program may not be executed",
        catalogue: "R280",
        explanation: "The mode of the file has no execute bit, so macOS cannot start it, and the Finder says that the application can't be opened. Modes are not part of the signature: they were lost in transport, in a zip made on Windows, an upload of build artifacts or a checkout.",
        remedy: &[
            Step::Say("make it executable, and pack with a tool that keeps modes (ditto, tar)"),
            run!["chmod" "+x" File],
        ],
        reference: PLACING,
        check: executable_bits,
        ..Rule::BASE
    },
];
