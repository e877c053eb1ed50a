//! Rules about libraries that dyld does not find or cannot use (R192, R193, R195–R197).

use crate::remedy::{SIGN, Step, run};
use std::collections::BTreeMap;

use super::claims::list;
use super::gatekeeper_scan::{is_dangling, is_scanned};
use super::linkage::{Absolute, Anchor, Destination, Image, Linkage, Load, absolute, anchor, is_whole};
use super::{Check, Family, Rule, Scope, check::Said, linkage};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Party, Severity, Target};
use crate::macho::LinkedPathKind;
use crate::plist::Value;
use crate::verify::{CodeObject, Evidence, SliceEvidence};

const TOPIC: &str = "https://developer.apple.com/forums/thread/736719";
const RELATIVE_LOADS: &str = "com.apple.security.cs.allow-relative-library-loads";
/// Places named in one message.
const MAX_TRIED: usize = 3;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "dylib-unresolvable",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "a library is where no load command finds it",
        catalogue: "R192",
        explanation: "dyld looks for every linked library where the load commands say, with the run paths of the image and of everything that loaded it. This one is in none of these places, neither in the item nor in macOS: the program ends before its first line runs. The Mac that built it may have the library, which hides the fault there.",
        remedy: &[
            Step::Say("copy the library into Contents/Frameworks, or correct the path, then sign again"),
            run!["otool" "-l" File "|" "grep" "-A2" "-E" "DYLIB|LC_RPATH"],
            run!["install_name_tool" "-change" (Value "OLD") "@rpath/NAME" File],
            SIGN,
        ],
        apple: "dyld: \"Library not loaded: … Reason: tried: '…' (no such file)\"",
        reference: TOPIC,
        scope: Scope::Item,
        check: unresolvable,
        ..Rule::BASE
    },
    Rule {
        id: "homebrew-or-macports-path",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "a library of Homebrew or MacPorts is not in the app",
        catalogue: "R193",
        explanation: "The code links a library in a folder of a package manager. It is there on the Mac that built the app; on the users' Macs it is missing, of another version, or of another team, so that library validation keeps it out.",
        remedy: &[
            Step::Say("copy the library into the app and point to it, then sign again"),
            run!["dylibbundler" "-od" "-b" "-x" File "-d" "…/Contents/Frameworks" "-p" "@rpath"],
            Step::Say("or"),
            run!["install_name_tool" "-change" (Value "OLD") "@rpath/NAME" File],
            SIGN,
        ],
        apple: "dyld: \"Library not loaded: /opt/homebrew/… Reason: tried: '…' (no such file)\"",
        reference: TOPIC,
        check: package_managers,
        ..Rule::BASE
    },
    Rule {
        id: "relative-load-path",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "a path in a load command depends on the folder the program is started in",
        catalogue: "R195",
        explanation: "A path without a leading slash, @executable_path, @loader_path or @rpath counts from the current folder, whatever that is. Programs with the hardened runtime ignore such paths.",
        remedy: &[
            Step::Say("point to the library from the code itself, then sign again"),
            run!["install_name_tool" "-change" (Value "OLD") "@rpath/NAME" File],
            Step::Say("or, for a run path,"),
            run!["install_name_tool" "-rpath" (Value "OLD") "@loader_path/NEW" File],
        ],
        apple: "dyld: \"unsafe use of relative rpath … in … with restricted binary\"",
        reference: TOPIC,
        scope: Scope::Item,
        check: relative,
        ..Rule::BASE
    },
    Rule {
        id: "executable-path-in-shared-library",
        family: Family::Load,
        severity: Severity::Warning,
        rejected_by: &[Party::Dyld],
        title: "a library is found from one program of the app but not from another",
        catalogue: "R196",
        explanation: "A library that names another one with @executable_path works only in programs of one folder. A helper in another folder that links it as well looks in the wrong place.",
        remedy: &[
            Step::Say("name the library from the one that needs it, then sign again"),
            run!["install_name_tool" "-change" (Value "OLD") "@loader_path/NAME" File],
            SIGN,
        ],
        apple: "dyld: \"Library not loaded: @executable_path/… Reason: tried: '…' (no such file)\"",
        reference: TOPIC,
        scope: Scope::Item,
        check: from_one_program,
        ..Rule::BASE
    },
    Rule {
        id: "arch-mismatch",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "a library lacks an architecture of the code that loads it",
        catalogue: "R197",
        explanation: "dyld loads only libraries that have the architecture of the process. A universal program with a library for one architecture alone runs on half of the Macs.",
        remedy: &[
            Step::Say("build the library for all architectures of the app and sign again"),
            run!["lipo" "-create" (Value "ARM64") (Value "X86_64") "-output" File],
            SIGN,
        ],
        apple: "dyld: \"mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64')\"",
        reference: TOPIC,
        scope: Scope::Item,
        check: architectures,
        ..Rule::BASE
    },
];

/// Whether a dependency is in no place at all for some program that cannot start without it.
pub(super) fn is_fatal(evidence: &Evidence, linkage: &Linkage, image: Image, index: usize) -> bool {
    let kind = linkage::slice(evidence, image)
        .and_then(|slice| slice.linked_paths.get(index))
        .map(|path| path.kind);
    let is_optional = matches!(
        kind,
        None | Some(LinkedPathKind::WeakLibrary | LinkedPathKind::LazyLibrary)
    );
    !is_optional
        && linkage.with(image).any(|(process, loaded)| {
            process.program.is_some()
                && loaded.is_required
                && loaded
                    .loads
                    .iter()
                    .any(|load| load.index == index && load.destination == Destination::Missing)
        })
}

/// Every load of an image in every process, by the index of its command.
fn loads(linkage: &Linkage, image: Image) -> BTreeMap<usize, Vec<&Load>> {
    let mut all: BTreeMap<usize, Vec<&Load>> = BTreeMap::new();
    for (_, loaded) in linkage.with(image) {
        for load in &loaded.loads {
            all.entry(load.index).or_default().push(load);
        }
    }
    all
}

/// Whether some program finds the library, which is code of its own folder only.
fn is_program_dependent(path: &str, loads: &[&Load]) -> bool {
    let is_found = |load: &&Load| {
        matches!(
            load.destination,
            Destination::Image(_) | Destination::File | Destination::OtherArchitecture { .. }
        )
    };
    matches!(anchor(path), Anchor::Executable(_)) && loads.iter().any(is_found)
}

fn unresolvable(check: &mut Check<'_>) {
    let target = check.target();
    check.each_slice(|check, object, slice, image| {
        let (evidence, linkage) = (check.evidence(), check.linkage());
        let mut fatal = Vec::new();
        let mut other = Vec::new();
        let mut is_gatekeepers = false;
        for (index, loads) in loads(linkage, image) {
            let path = slice.linked_paths.get(index)?;
            let missing = loads.iter().find(|load| load.destination == Destination::Missing);
            let installed = Destination::Installed(Absolute::Installed);
            let is_weak = path.kind == LinkedPathKind::WeakLibrary;
            let is_absolute = anchor(&path.path) == Anchor::Absolute;
            if let Some(load) = missing {
                let is_dangling = is_dangling(evidence, object, slice, &path.path);
                let is_said = (target == Target::DeveloperId && is_dangling && is_scanned(evidence))
                    || (target == Target::Local && is_absolute && is_dangling)
                    || is_program_dependent(&path.path, &loads);
                if is_said {
                    continue;
                }
                is_gatekeepers |= target == Target::DeveloperId && is_dangling;
                if is_fatal(evidence, linkage, image, index) {
                    fatal.push(described(&path.path, load));
                } else if is_weak {
                    other.push(format!("{}, which may be missing", described(&path.path, load)));
                } else {
                    other.push(described(&path.path, load));
                }
            } else if !is_weak && loads.iter().any(|load| load.destination == installed) {
                other.push(format!("{}, where an installer may have put it", path.path));
            }
        }
        let (severity, paths) = if fatal.is_empty() {
            (Severity::Warning, other)
        } else {
            (Severity::Error, fatal)
        };
        let mut said = Said::new(severity, format!("not found: {}", list(&paths)));
        if is_gatekeepers {
            said.consequences.push("gatekeeper-dangling-load-command");
        }
        (!paths.is_empty()).then_some(said)
    });
    outside(check);
    if !check.linkage().is_complete {
        check.unknown("", "the item has too many load commands to follow them all");
    }
}

/// What an app inside of other code loads from around itself is not decided.
fn outside(check: &mut Check<'_>) {
    let evidence = check.evidence();
    if is_whole(evidence) || !evidence.code.first().is_some_and(|item| item.is_app_like) {
        return;
    }
    let mut open = BTreeMap::new();
    let images = check
        .linkage()
        .processes
        .iter()
        .flat_map(|process| &process.images);
    for (image, loaded) in images {
        let leaving = loaded
            .loads
            .iter()
            .find(|load| load.destination == Destination::Unknown && !load.tried.is_empty());
        let path = leaving.and_then(|load| linkage::slice(evidence, *image)?.linked_paths.get(load.index));
        if let (Some(path), Some(object)) = (path, evidence.code.get(image.object)) {
            open.entry(object.main_path())
                .or_insert_with(|| path.path.clone());
        }
    }
    for (object, path) in open {
        check.unknown(&object, format!("{path} leads out of the item"));
    }
}

/// A path, and where it was looked for.
fn described(path: &str, load: &Load) -> String {
    let mut tried: Vec<&str> = load.tried.iter().map(String::as_str).collect();
    tried.dedup();
    match tried.len() {
        0 if matches!(anchor(path), Anchor::RunPath(_)) => format!("{path} (there are no run paths)"),
        0 => path.to_owned(),
        count => {
            let shown = tried
                .iter()
                .take(MAX_TRIED)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            match count.saturating_sub(MAX_TRIED) {
                0 => format!("{path} (tried {shown})"),
                more => format!("{path} (tried {shown} and {more} more)"),
            }
        }
    }
}

fn package_managers(check: &mut Check<'_>) {
    check.each_slice(|_, _, slice, _| {
        let is_packaged = |path: &str| absolute(path) == Absolute::PackageManager;
        let of = |is_wanted: fn(LinkedPathKind) -> bool| -> Vec<&str> {
            slice
                .linked_paths
                .iter()
                .filter(|path| is_wanted(path.kind) && is_packaged(&path.path))
                .map(|path| path.path.as_str())
                .collect()
        };
        let libraries = of(LinkedPathKind::is_dependency);
        if !libraries.is_empty() {
            return Some(Said::new(
                Severity::Error,
                format!("loads {} of a package manager", list(&libraries)),
            ));
        }
        let names = of(|kind| kind == LinkedPathKind::Identity);
        let name = names.first()?;
        Some(Said::new(
            Severity::Note,
            format!("calls itself {name}, which is a path of a package manager"),
        ))
    });
}

fn relative(check: &mut Check<'_>) {
    check.each_slice(|check, _, slice, image| {
        let (evidence, linkage) = (check.evidence(), check.linkage());
        let paths: Vec<&str> = slice
            .linked_paths
            .iter()
            .filter(|path| path.kind.is_dependency() || path.kind == LinkedPathKind::RunPath)
            .map(|path| path.path.as_str())
            .filter(|path| anchor(path) == Anchor::Relative)
            .collect();
        let is_ignored = linkage.with(image).any(|(process, _)| {
            let program = process
                .program
                .and_then(|program| linkage::slice(evidence, program));
            program.is_some_and(|program| {
                let is_allowed = program
                    .entitlements
                    .as_ref()
                    .is_some_and(|claims| claims.get(RELATIVE_LOADS) == Some(&Value::Boolean(true)));
                program.flags.contains(CodeDirectoryFlags::RUNTIME) && !is_allowed
            })
        });
        let severity = if !is_relative_needed(evidence, linkage, slice, image) {
            Severity::Note
        } else if is_ignored {
            Severity::Error
        } else {
            Severity::Warning
        };
        let message = format!(
            "{} counts from the folder that the program is started in",
            list(&paths)
        );
        (!paths.is_empty()).then(|| Said::new(severity, message))
    });
}

/// Returns true if a relative path has an effect: it names a library, or is a run path in a process that looks for one with `@rpath`.
fn is_relative_needed(evidence: &Evidence, linkage: &Linkage, slice: &SliceEvidence, image: Image) -> bool {
    let asks = |slice: &SliceEvidence, is_wanted: fn(&Anchor<'_>) -> bool| {
        let mut paths = slice.linked_paths.iter();
        paths.any(|path| path.kind.is_dependency() && is_wanted(&anchor(&path.path)))
    };
    let is_run_path: fn(&Anchor<'_>) -> bool = |found| matches!(found, Anchor::RunPath(_));
    asks(slice, |found| *found == Anchor::Relative)
        || asks(slice, is_run_path)
        || linkage.with(image).any(|(process, _)| {
            let mut images = process.images.keys();
            images.any(|other| {
                let budget = evidence.budget().step(1);
                budget.is_err()
                    || linkage::slice(evidence, *other).is_some_and(|other| asks(other, is_run_path))
            })
        })
}

fn from_one_program(check: &mut Check<'_>) {
    check.each_slice(|check, _, slice, image| {
        let (evidence, linkage) = (check.evidence(), check.linkage());
        let mut said = None;
        for (index, loads) in loads(linkage, image) {
            let path = slice.linked_paths.get(index)?;
            if !is_program_dependent(&path.path, &loads) {
                continue;
            }
            let failing = linkage.with(image).find_map(|(process, loaded)| {
                let program = evidence.code.get(process.program?.object)?;
                let is_missing =
                    |load: &Load| load.index == index && load.destination == Destination::Missing;
                loaded.loads.iter().any(is_missing).then(|| program.main_path())
            });
            if let Some(program) = failing {
                let message = format!("{} is not found from {program}", path.path);
                said.get_or_insert(Said::new(Severity::Warning, message));
            }
        }
        said
    });
}

fn architectures(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let linkage = check.linkage();
    // Library, and who needs which architecture of it.
    let mut lacking: BTreeMap<usize, (Severity, Vec<String>)> = BTreeMap::new();
    for process in &linkage.processes {
        for (image, loaded) in &process.images {
            let loader = evidence.code.get(image.object).map(CodeObject::main_path);
            let needed = linkage::slice(evidence, *image).and_then(|slice| slice.architecture);
            for load in &loaded.loads {
                let (Destination::OtherArchitecture { object }, Some(loader), Some(needed)) =
                    (load.destination, loader.as_ref(), needed)
                else {
                    continue;
                };
                let is_fatal = process.program.is_some() && is_mandatory(evidence, *image, load);
                let severity = if is_fatal && loaded.is_required {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                let (worst, who) = lacking.entry(object).or_insert((severity, Vec::new()));
                *worst = severity.max(*worst);
                let text = format!("{needed} for {loader}");
                if !who.contains(&text) {
                    who.push(text);
                }
            }
        }
    }
    for (object, (severity, who)) in lacking {
        if let Some(object) = evidence.code.get(object) {
            let finding = check.object(object, format!("lacks {}", list(&who)));
            finding.severity = severity;
        }
    }
}

fn is_mandatory(evidence: &Evidence, image: Image, load: &Load) -> bool {
    linkage::slice(evidence, image)
        .and_then(|slice| slice.linked_paths.get(load.index))
        .is_some_and(|path| {
            !matches!(
                path.kind,
                LinkedPathKind::WeakLibrary | LinkedPathKind::LazyLibrary
            )
        })
}
