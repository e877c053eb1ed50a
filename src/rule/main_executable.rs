//! Rules about the main executable that Info.plist names (R251, R265).

use super::claims::is_signed_by_apple;
use super::info_plist::{text, variable};
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity, Target};
use crate::remedy::{Condition, SIGN, Step, run};
use crate::source::{Lookup, NodeId, differs_in_form_only};
use crate::verify::{CodeKind, CodeObject, Evidence, FaultKind, SliceEvidence};

/// Whether the system starts this kind of bundle by its main executable. Kernel extensions and plug-ins may be without
/// code.
fn is_started(object: &CodeObject) -> bool {
    matches!(
        object.kind,
        CodeKind::Bundle(
            BundleKind::App
                | BundleKind::AppExtension
                | BundleKind::XpcService
                | BundleKind::SystemExtension
                | BundleKind::DriverExtension
        )
    ) && !object.slices.iter().any(is_signed_by_apple)
}

/// The file that a name leads to, where macOS looks for it (`CFBundleCopyExecutableURL`).
fn place(evidence: &Evidence, info_plist: &str, name: &str) -> Lookup {
    let folder = info_plist.rsplit_once('/').map_or("", |(folder, _)| folder);
    [format!("{folder}/MacOS/{name}"), format!("{folder}/{name}")]
        .iter()
        .map(|path| evidence.listing.lookup(NodeId(0), path.trim_start_matches('/')))
        .find(|found| found.id().is_some())
        .unwrap_or(Lookup::Missing)
}

/// The name of the program of a bundle: of the file that is found in spite of another name, or of the only program in its folder.
fn program_name(
    evidence: &Evidence,
    object: &CodeObject,
    info_plist: &str,
    named: Option<&str>,
) -> Option<String> {
    if let Some(Lookup::Folded(found)) = named.map(|name| place(evidence, info_plist, name)) {
        return Some(evidence.listing.node(found).text().into_owned());
    }
    if let Some(main) = object.executable.as_ref().filter(|main| *main != info_plist) {
        return Some(last(main).to_owned());
    }
    let folder = info_plist.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = format!("{folder}/MacOS");
    let is_program = |other: &&CodeObject| {
        let is_execute = |slice: &SliceEvidence| slice.file_type.is_some_and(|found| found.is_execute());
        let is_here = other
            .path
            .rsplit_once('/')
            .is_some_and(|(at, _)| at == folder.trim_start_matches('/'));
        is_here && other.slices.iter().any(is_execute)
    };
    let mut programs = evidence.searched().iter().filter(is_program);
    let only = programs.next()?;
    programs.next().is_none().then(|| last(&only.path).to_owned())
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn executables(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for object in evidence.code.iter().filter(|object| is_started(object)) {
        let (Some(file), Some(info)) = (&object.info_plist_file, &object.info_plist) else {
            continue;
        };
        let keys = ["CFBundleExecutable-macos", "CFBundleExecutable", "NSExecutable"];
        let name = keys.into_iter().find_map(|key| text(info, key));
        // Widgets and installer packages have no executable; a build variable has a rule of its own.
        let is_codeless = ["MainHTML", "IFMajorVersion"]
            .iter()
            .any(|key| info.get(key).is_some());
        if is_codeless || !file.is_dictionary || name.is_some_and(|name| variable(name).is_some()) {
            continue;
        }
        let has_executable = object.executable.as_ref().is_some_and(|main| *main != file.path);
        if !has_executable && evidence.may_hide_names(&object.path) {
            check.unknown(&object.path, "not all names of the bundle could be read");
            continue;
        }
        let (severity, message) = match name {
            Some(name) if !has_executable => (
                Severity::Error,
                format!("CFBundleExecutable is {name:?}, and there is no such file"),
            ),
            None if !has_executable => (
                Severity::Error,
                "Info.plist has no CFBundleExecutable, and no file is named like the bundle".to_owned(),
            ),
            Some(name) => match place(evidence, &file.path, name) {
                // Its Unicode form makes no difference.
                Lookup::Folded(found) if differs_in_form_only(last(name), &evidence.listing.node(found).text()) => {
                    continue;
                }
                Lookup::Folded(found) => (
                    Severity::Error,
                    format!(
                        "CFBundleExecutable is {name}, the file is {}",
                        evidence.listing.path(found)
                    ),
                ),
                Lookup::Exact(_) | Lookup::Missing => continue,
            },
            None => (
                Severity::Warning,
                "Info.plist has no CFBundleExecutable; the file is found only because it is named like the bundle"
                    .to_owned(),
            ),
        };
        let is_unsigned = object
            .faults
            .iter()
            .any(|fault| fault.kind == FaultKind::Unsigned);
        let right = program_name(evidence, object, &file.path, name);
        let finding = check.plist_key(object, "CFBundleExecutable", message);
        finding.severity = severity;
        if let Some(right) = right {
            let folder = object
                .info_plist_file
                .as_ref()
                .and_then(|file| file.path.rsplit_once('/'));
            finding.facts.like = folder.map(|(folder, _)| format!("{folder}/MacOS/{right}"));
            finding.facts.text("NAME", right);
        }
        // Without executable, Info.plist is what the signature would have to cover, and there is none.
        if severity < Severity::Error || !(is_unsigned || has_executable) {
            finding.rejected_by = Vec::new();
        }
    }
}

fn scripts(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        if object.is_script && is_started(object) {
            check.object(object, "the main executable is a script");
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "bundle-executable-missing",
        family: Family::InfoPlist,
        rejected_by: &[Party::Codesign, Party::Gatekeeper],
        title: "the main executable is not where Info.plist says",
        catalogue: "R251",
        explanation: "CFBundleExecutable names the program of the bundle, a file in Contents/MacOS (in the bundle itself, where there is no Contents). Without the file nothing can be started, and the signature, which lies in that file, is gone with it. Under a name in another case the file is found on usual Mac volumes, but the seal leaves out only a file of exactly the name in Info.plist, so that codesign takes the program for a file that was added.",
        remedy: &[Step::If(
            Condition::Knows("NAME"),
            &[
                Step::Say("name the program that is there, then sign"),
                run!["plutil" "-replace" "CFBundleExecutable" "-string" (Value "NAME") File],
                SIGN,
            ],
            &[
                Step::Say("put the program in its place, or set CFBundleExecutable to its name, then sign"),
                SIGN,
            ],
        )],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleexecutable",
        follows_from: &["symlink-escapes-bundle", "unsupported-file-in-bundle"],
        check: executables,
        ..Rule::BASE
    },
    Rule {
        id: "script-as-main-executable",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "the main executable is a script",
        catalogue: "R265",
        explanation: "The system runs the interpreter, which is other code than what was signed: the app has neither the hardened runtime nor entitlements of its own, and privacy settings belong to the interpreter. The signature lies in files beside the seal, where copies lose it.",
        remedy: &[
            Step::Say(
                "start the script from a small program of your own in Contents/MacOS, move the script to Contents/Resources, and sign",
            ),
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle",
        check: scripts,
        ..Rule::BASE
    },
];
