//! Gatekeeper's scan of load commands (R190, R191; catalogue 8.0).
//!
//! Since OS X 10.10.4 (CVE-2015-3715) XprotectService looks at the load commands of every image of a downloaded app
//! (`XprotectDylibCheck`, known from disassembly and its messages): none may lead out of the app to a place where
//! anybody can put a library. DTS: it runs only where library validation is off. What `dlopen` is asked for is not
//! looked at. The list of safe places was read from memory in 2015; that `/nix/store` is still outside is measured.

use super::claims::{is_signed_by_apple, list};
use super::install_names::remove_run_paths;
use super::library_validation::is_validating;
use super::linkage::{Anchor, anchor, folder_of, is_whole, normalized};
use super::load::is_fatal;
use super::{Check, Family, Rule, check::Said, linkage};
use crate::finding::{Party, Severity, Target};
use crate::macho::LinkedPathKind;
use crate::remedy::{SIGN, Step, run};
use crate::verify::{CodeObject, Evidence, SliceEvidence};

const TOPIC: &str = "https://developer.apple.com/forums/thread/706442";

/// Places where only macOS, its administrator or Apple put libraries (catalogue 8.0, step 2).
const SAFE: [&str; 8] = [
    "/usr/",
    "/opt",
    "/System/",
    "/Library/",
    "/Network/",
    "/AppleInternal/",
    "/Developer",
    "/build",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "gatekeeper-dangling-load-command",
        family: Family::Load,
        rejected_by: &[Party::MacOs],
        targets: &[Target::DeveloperId],
        title: "a load command leads out of the app, where Gatekeeper lets nothing load from",
        catalogue: "R190",
        explanation: "Where library validation is off, Gatekeeper reads the load commands of every program and library in a downloaded app, used or not. A library named by a path out of the app, such as one of the build machine's, is refused, whether it exists or not, weak or not. The user is told that the app is damaged or from an unidentified developer; codesign, spctl and the notary service accept it.",
        remedy: &[
            Step::Say(
                "copy the library into the app and point to it, or remove the file if nothing uses it, then sign again",
            ),
            run!["install_name_tool" "-change" (Value "OLD") "@rpath/NAME" File],
            SIGN,
        ],
        apple: "XprotectService: \"File … failed on loadCmd … (loadCmd resolved to: (path not found), bundleURL: …)\"",
        reference: TOPIC,
        check: |check| {
            let evidence = check.evidence();
            if !is_scanned(evidence) {
                // Where library validation is on, nobody scans; dyld finds nothing there, which dylib-unresolvable says.
                return;
            }
            for object in &evidence.code {
                let said = object.slices.iter().map(|slice| {
                    let found: Vec<&str> = slice
                        .linked_paths
                        .iter()
                        .filter(|path| path.kind.is_dependency())
                        .map(|path| path.path.as_str())
                        .filter(|path| is_dangling(evidence, object, slice, path))
                        .collect();
                    let mut said = Said::new(
                        Severity::Error,
                        format!("loads {} from out of the app", list(&found)),
                    );
                    said.consequences.push("dylib-unresolvable");
                    (!found.is_empty()).then_some(said)
                });
                let said = said.collect();
                check.slices(object, said);
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "gatekeeper-dangling-rpath",
        family: Family::Load,
        rejected_by: &[Party::MacOs],
        targets: &[Target::DeveloperId],
        title: "a run path leads out of the app, where Gatekeeper lets nothing load from",
        catalogue: "R191",
        explanation: "Where library validation is off, Gatekeeper puts every library that is named with @rpath behind every run path of the image. If one of the results lies out of the app, the app is refused, even where another run path finds the library. Such run paths come from build trees: the Swift toolchain in Xcode, CMake, conda, Nix. With library validation on they are only untidy: they tell the layout of the build machine.",
        remedy: &[
            Step::Say("remove the run path and sign again"),
            run!["install_name_tool" "-delete_rpath" (Value "FOLDER") File],
            SIGN,
            Step::Say(
                "(swift build: -Xswiftc -no-toolchain-stdlib-rpath; CMake: set CMAKE_INSTALL_RPATH and use cmake --install)",
            ),
        ],
        apple: "XprotectService: \"File … failed on rPathCmd … (rpath resolved to: (path not found), bundleURL: …)\"",
        reference: TOPIC,
        check: dangling_run_paths,
        ..Rule::BASE
    },
];

/// Whether Gatekeeper scans the load commands of the item: its main executable does not validate its libraries.
pub(super) fn is_scanned(evidence: &Evidence) -> bool {
    evidence.code.first().is_some_and(|item| {
        let mut programs = item
            .slices
            .iter()
            .filter(|slice| slice.file_type.is_some_and(|found| found.is_execute()));
        programs.any(|slice| !is_validating(slice) && !is_signed_by_apple(slice))
    })
}

/// Whether the scan refuses a library's path; those with `@rpath` are a matter of the run paths.
pub(super) fn is_dangling(
    evidence: &Evidence,
    object: &CodeObject,
    slice: &SliceEvidence,
    path: &str,
) -> bool {
    // What a package manager has is a rule of its own.
    let is_packaged = linkage::absolute(path) == linkage::Absolute::PackageManager;
    !is_signed_by_apple(slice)
        && !is_packaged
        && !matches!(anchor(path), Anchor::RunPath(_) | Anchor::Relative)
        && is_outside(evidence, object, slice, path)
}

/// Whether a path leads to a place that is neither in the app nor safe.
fn is_outside(evidence: &Evidence, object: &CodeObject, slice: &SliceEvidence, path: &str) -> bool {
    let own = object.main_path();
    let is_program = slice.file_type.is_some_and(|found| found.is_execute());
    let program = match evidence.code.first() {
        Some(item) if !is_program => item.main_path(),
        _ => own.clone(),
    };
    let leaves = |file: &str, rest: &str| {
        // What lies around a tool or a part of an app belongs to it, perhaps.
        is_whole(evidence) && normalized(folder_of(file), rest).is_none()
    };
    match anchor(path) {
        Anchor::Absolute => !SAFE.iter().any(|prefix| path.starts_with(prefix)),
        Anchor::Executable(rest) => leaves(&program, rest),
        Anchor::Loader(rest) => leaves(&own, rest),
        Anchor::RunPath(_) | Anchor::Relative => false,
    }
}

fn dangling_run_paths(check: &mut Check<'_>) {
    check.each_slice(|check, object, slice, image| {
        let (evidence, linkage) = (check.evidence(), check.linkage());
        let mut outside: Vec<&str> = run_paths(slice)
            .filter(|path| is_outside(evidence, object, slice, path))
            .collect();
        let mut dependencies = slice
            .linked_paths
            .iter()
            .enumerate()
            .filter(|(_, path)| path.kind.is_dependency() && matches!(anchor(&path.path), Anchor::RunPath(_)))
            .peekable();
        if dependencies.peek().is_none() {
            // Nothing asks for them; those of the build have a rule of their own.
            outside.retain(|path| !linkage::is_in_build_folder(path));
            let message = format!(
                "run path {} leads out of the app; no library needs it",
                list(&outside)
            );
            return (!outside.is_empty()).then(|| {
                let mut said = Said::new(Severity::Note, message);
                remove_run_paths(&mut said, outside);
                said
            });
        }
        // A library that is nowhere is reported with every place where it was looked for.
        let (_, found) = dependencies.find(|(index, _)| !is_fatal(evidence, linkage, image, *index))?;
        let severity = if is_scanned(evidence) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let message = format!(
            "run path {} leads out of the app, and {} is looked for there too",
            list(&outside),
            found.path
        );
        (!outside.is_empty()).then(|| {
            let mut said = Said::new(severity, message);
            remove_run_paths(&mut said, outside);
            said
        })
    });
}

/// The run paths of a slice.
pub(super) fn run_paths(slice: &SliceEvidence) -> impl Iterator<Item = &str> {
    slice
        .linked_paths
        .iter()
        .filter(|path| path.kind == LinkedPathKind::RunPath)
        .map(|path| path.path.as_str())
}
