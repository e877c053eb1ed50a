//! Rules about what load commands tell of the build, and about settings for dyld (R194, R198–R201).

use super::claims::list;
use super::gatekeeper_scan::run_paths;
use super::linkage::{Absolute, Anchor, absolute, anchor, is_in_build_folder};
use super::{Check, Family, Rule, check::Said};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Party, Severity, Target};
use crate::macho::LinkedPathKind;
use crate::plist::Value;
use crate::remedy::{Condition, Fact, SIGN, Step, run};
use crate::verify::SliceEvidence;

const VARIABLES: &str = "com.apple.security.cs.allow-dyld-environment-variables";
const VARIABLES_PAGE: &str = "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.security.cs.allow-dyld-environment-variables";
/// The first SDK whose code dyld refuses for a run path that is there twice: dyld's `Policy.cpp`,
/// `enforceNoDuplicateRPaths`, in macOS 15.0 to 15.3; from 15.4 on it takes 15.4 in its place.
const NO_DUPLICATES_SINCE: u32 = 15 << 16;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "build-path-leak",
        family: Family::Load,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "load commands name folders of the Mac that built the code",
        catalogue: "R194",
        explanation: "A run path or the library's own name leads into somebody's home folder, a volume, a temporary folder or a package store. Nothing is there on the users' Macs, unless somebody puts it there; and it tells everybody how the build machine is laid out.",
        remedy: &[
            Step::Say("remove or rename it, then sign again"),
            Step::If(
                Condition::Knows("FOLDER"),
                &[run!["install_name_tool" "-delete_rpath" (Value "FOLDER") File]],
                &[],
            ),
            Step::If(
                Condition::Knows(RENAMED),
                &[run!["install_name_tool" "-id" (Value "@rpath/NAME") File]],
                &[],
            ),
            SIGN,
        ],
        reference: "https://developer.apple.com/forums/thread/736719",
        check: build_paths,
        ..Rule::BASE
    },
    Rule {
        id: "duplicate-rpath",
        family: Family::Load,
        rejected_by: &[Party::Dyld],
        title: "the same run path twice in one image",
        catalogue: "R198",
        explanation: "Since macOS 15, dyld refuses code that was built with the SDK of macOS 15 or later and has the same LC_RPATH twice. Tools that rewrite load commands, such as dylibbundler, conda or Homebrew's, add run paths without looking.",
        remedy: &[
            Step::Say("remove it until one is left, then sign again"),
            run!["install_name_tool" "-delete_rpath" (Value "FOLDER") File],
            SIGN,
        ],
        apple: "dyld: \"Library not loaded: … Reason: tried: '…' (duplicate LC_RPATH '…')\"",
        reference: "https://developer.apple.com/forums/thread/736719",
        check: duplicates,
        ..Rule::BASE
    },
    Rule {
        id: "install-name-absolute",
        family: Family::Load,
        severity: Severity::Note,
        title: "a library in the app calls itself by an absolute path",
        catalogue: "R199",
        explanation: "Whatever is linked with the library will look for it at the path that it calls itself by, which is not where it lies now.",
        remedy: &[
            Step::Say("rename it before others are linked with it, then sign again"),
            run!["install_name_tool" "-id" (Value "@rpath/NAME") File],
            SIGN,
        ],
        check: |check| {
            check.each_slice(|_, object, slice, _| {
                let mut names = identities(slice).filter(|name| {
                    let is_news = matches!(absolute(name), Absolute::Foreign | Absolute::Installed);
                    anchor(name) == Anchor::Absolute && is_news && !is_in_build_folder(name)
                });
                let name = names.next().filter(|_| !object.path.is_empty())?;
                let mut said = Said::new(Severity::Note, format!("calls itself {name}"));
                said.facts.text(RENAMED, renamed(name));
                Some(said)
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "dyld-environment-command",
        family: Family::Load,
        severity: Severity::Warning,
        title: "settings for dyld in a load command that the hardened runtime ignores",
        catalogue: "R200",
        explanation: "LC_DYLD_ENVIRONMENT sets variables such as DYLD_FRAMEWORK_PATH for the program. In programs with the hardened runtime, dyld ignores it.",
        remedy: &[Step::Say(
            "link with run paths in its place (-Wl,-rpath,@executable_path/../Frameworks instead of -Wl,-dyld_env,…) and sign again",
        )],
        reference: VARIABLES_PAGE,
        check: |check| {
            check.each_slice(|_, _, slice, _| {
                let settings: Vec<&str> = slice
                    .linked_paths
                    .iter()
                    .filter(|path| path.kind == LinkedPathKind::LinkerEnvironment)
                    .map(|path| path.path.as_str())
                    .collect();
                let is_ignored = is_program(slice) && ignores_variables(slice);
                (is_ignored && !settings.is_empty())
                    .then(|| Said::new(Severity::Warning, format!("{} is ignored", list(&settings))))
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "dyld-variables-in-plist",
        family: Family::Load,
        severity: Severity::Warning,
        title: "Info.plist sets variables of dyld's that the hardened runtime ignores",
        catalogue: "R201, R261",
        explanation: "LSEnvironment in Info.plist sets DYLD_… variables for the app. A program with the hardened runtime never sees them, unless it claims com.apple.security.cs.allow-dyld-environment-variables.",
        remedy: &[
            Step::Say("link with run paths in their place, and remove the variables"),
            run!["plutil" "-remove" "LSEnvironment" (Support "Info.plist")],
            SIGN,
        ],
        reference: VARIABLES_PAGE,
        check: |check| {
            for object in &check.evidence().code {
                let Some(Value::Dictionary(environment)) = object
                    .info_plist
                    .as_ref()
                    .and_then(|info| info.get("LSEnvironment"))
                else {
                    continue;
                };
                let names: Vec<&str> = environment
                    .iter()
                    .map(|(name, _)| name)
                    .filter(|name| name.starts_with("DYLD_"))
                    .collect();
                let is_ignored = object
                    .slices
                    .iter()
                    .any(|slice| is_program(slice) && ignores_variables(slice));
                if is_ignored && !names.is_empty() {
                    check.object(
                        object,
                        format!("LSEnvironment sets {}, which dyld does not see", list(&names)),
                    );
                }
            }
        },
        ..Rule::BASE
    },
];

fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

fn ignores_variables(program: &SliceEvidence) -> bool {
    let is_allowed = program
        .entitlements
        .as_ref()
        .is_some_and(|claims| claims.get(VARIABLES) == Some(&Value::Boolean(true)));
    program.flags.contains(CodeDirectoryFlags::RUNTIME) && !is_allowed
}

fn identities(slice: &SliceEvidence) -> impl Iterator<Item = &str> {
    slice
        .linked_paths
        .iter()
        .filter(|path| path.kind == LinkedPathKind::Identity)
        .map(|path| path.path.as_str())
}

/// The name of the value that a library is to call itself by.
const RENAMED: &str = "@rpath/NAME";

/// The name of a library by which programs find it through their run paths.
fn renamed(name: &str) -> String {
    format!("@rpath/{}", name.rsplit('/').next().unwrap_or(name))
}

/// Lets the remedy remove these run paths, each once.
pub(super) fn remove_run_paths<'p>(said: &mut Said, paths: impl IntoIterator<Item = &'p str>) {
    for path in paths {
        said.facts.record(vec![("FOLDER", Fact::Text(path.to_owned()))]);
    }
}

fn build_paths(check: &mut Check<'_>) {
    let target = check.target();
    check.each_slice(|_, _, slice, _| {
        let has_dependencies = slice
            .linked_paths
            .iter()
            .any(|path| path.kind.is_dependency() && matches!(anchor(&path.path), Anchor::RunPath(_)));
        // Where libraries are looked for behind it, the rules about that speak.
        let is_said = target == Target::DeveloperId && has_dependencies;
        let folders = run_paths(slice).filter(|path| !is_said && is_in_build_folder(path));
        let folders: Vec<&str> = folders.collect();
        let names: Vec<&str> = identities(slice)
            .filter(|name| is_in_build_folder(name))
            .collect();
        let of_folders = folders.iter().map(|path| format!("run path {path}"));
        let of_names = names.iter().map(|name| format!("its own name {name}"));
        let found: Vec<String> = of_folders.chain(of_names).collect();
        (!found.is_empty()).then(|| {
            let mut said = Said::new(Severity::Warning, list(&found));
            remove_run_paths(&mut said, folders);
            if let Some(name) = names.first() {
                said.facts.text(RENAMED, renamed(name));
            }
            said
        })
    });
}

fn duplicates(check: &mut Check<'_>) {
    check.each_slice(|check, _, slice, image| {
        let mut seen: Vec<&str> = Vec::new();
        let mut exact: Vec<&str> = Vec::new();
        let mut similar: Vec<&str> = Vec::new();
        for path in run_paths(slice) {
            let is_same = |other: &&str| other.trim_end_matches('/') == path.trim_end_matches('/');
            if seen.contains(&path) {
                exact.push(path);
            } else if seen.iter().any(is_same) {
                // dyld compares them as they are (`Header::validSemanticsRPath`); others were seen to take them for one.
                similar.push(path);
            } else {
                // A new one.
            }
            // Bounded by what dyld itself remembers: it compares the first 64.
            if seen.len() < 64 {
                seen.push(path);
            }
        }
        let each = exact.clone();
        exact.sort_unstable();
        exact.dedup();
        let is_enforced = slice
            .build_version
            .is_some_and(|version| version.sdk >= NO_DUPLICATES_SINCE);
        if exact.is_empty() {
            return (!similar.is_empty()).then(|| {
                let message = format!("run path {} again, but for a slash", list(&similar));
                let mut said = Said::new(Severity::Warning, message);
                remove_run_paths(&mut said, similar);
                said
            });
        }
        let severity = if is_enforced && check.linkage().is_linked(image) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let mut said = Said::new(severity, format!("run path {} more than once", list(&exact)));
        remove_run_paths(&mut said, each);
        Some(said)
    });
}
