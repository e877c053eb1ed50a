//! Rules about exceptions from the hardened runtime and access to resources under it (R082, R085, R086, R088–R090).

use super::claims::{self, Claimant, Role, is_signed_by_apple, list};
use super::{Check, Family, Rule, Scope};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Party, Severity, Target};
use crate::plist::{Dictionary, Value};
use crate::remedy::{Edit, Kind, SIGN, SIGN_EDITED, Step, Word, run};
use crate::verify::CodeObject;

const RUNTIME: &str = "https://developer.apple.com/documentation/security/hardened-runtime";
const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";

const GET_TASK_ALLOW: &str = "com.apple.security.get-task-allow";
const DISABLE_LIBRARY_VALIDATION: &str = "com.apple.security.cs.disable-library-validation";
const DYLD_VARIABLES: &str = "com.apple.security.cs.allow-dyld-environment-variables";

/// A resource of the user's: the entitlements of which one opens it, and how the keys of Info.plist begin of which one
/// must explain it.
struct Resource {
    entitlements: &'static [&'static str],
    /// Keys that ask for the entitlement.
    usage: &'static [&'static str],
    /// Keys that explain the entitlement.
    explains: &'static [&'static str],
}

const RESOURCES: [Resource; 7] = [
    Resource {
        entitlements: &[
            "com.apple.security.device.audio-input",
            "com.apple.security.device.microphone",
        ],
        usage: &["NSMicrophoneUsageDescription"],
        explains: &["NSMicrophoneUsageDescription"],
    },
    Resource {
        entitlements: &["com.apple.security.device.camera"],
        usage: &["NSCameraUsageDescription"],
        explains: &["NSCamera"],
    },
    Resource {
        entitlements: &["com.apple.security.personal-information.location"],
        usage: &[
            "NSLocationUsageDescription",
            "NSLocationWhenInUseUsageDescription",
            "NSLocationAlwaysUsageDescription",
            "NSLocationAlwaysAndWhenInUseUsageDescription",
        ],
        explains: &["NSLocation"],
    },
    Resource {
        entitlements: &["com.apple.security.personal-information.addressbook"],
        usage: &["NSContactsUsageDescription"],
        explains: &["NSContacts"],
    },
    Resource {
        entitlements: &["com.apple.security.personal-information.calendars"],
        usage: &[
            "NSCalendarsUsageDescription",
            "NSCalendarsFullAccessUsageDescription",
            "NSCalendarsWriteOnlyAccessUsageDescription",
        ],
        // Reminders go by the same entitlement.
        explains: &["NSCalendars", "NSReminders"],
    },
    Resource {
        entitlements: &["com.apple.security.personal-information.photos-library"],
        usage: &["NSPhotoLibraryUsageDescription"],
        explains: &["NSPhotoLibrary"],
    },
    Resource {
        entitlements: &[
            "com.apple.security.automation.apple-events",
            "com.apple.security.scripting-targets",
            "com.apple.security.temporary-exception.apple-events",
        ],
        usage: &["NSAppleEventsUsageDescription"],
        explains: &["NSAppleEventsUsageDescription"],
    },
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "get-task-allow",
        family: Family::HardenedRuntime,
        rejected_by: &[Party::Notary, Party::AppStore],
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "the program lets debuggers attach",
        catalogue: "R082, R392",
        explanation: "com.apple.security.get-task-allow opens a process to every program of the user, for debugging. Xcode adds it to what it builds for development; the notary service and the App Store refuse it. Only hosts of plug-ins that also disable library validation may keep it.",
        remedy: &[
            Step::Say(
                "export the app with Xcode's Distribute App, or build with CODE_SIGN_INJECT_BASE_ENTITLEMENTS=NO; for this build, sign without the key",
            ),
            Step::Claim(&[Edit::Remove(Word::Text("com.apple.security.get-task-allow"))]),
            SIGN_EDITED,
        ],
        apple: "notary service: \"The executable requests the com.apple.security.get-task-allow entitlement.\"",
        reference: ISSUES,
        check: |check| {
            let is_store = check.target() == Target::MacAppStore;
            claims::each(check, |check, claimant| {
                let Some(value) = claimant.get(GET_TASK_ALLOW).filter(|value| is_any_true(value)) else {
                    return;
                };
                let is_host = claimant.is_true(DISABLE_LIBRARY_VALIDATION) && !is_store;
                let how = match value {
                    Value::Boolean(_) => String::new(),
                    other => format!(", as {}", other.kind()),
                };
                let finding = check.slice(
                    claimant.object,
                    claimant.slice,
                    format!("claims {GET_TASK_ALLOW}{how}"),
                );
                if is_host {
                    finding
                        .message
                        .push_str(" beside disabled library validation, as hosts of plug-ins do");
                    finding.severity = Severity::Warning;
                    finding.rejected_by = Vec::new();
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "injection-combo",
        family: Family::HardenedRuntime,
        severity: Severity::Warning,
        title: "anybody's code can be loaded into the program",
        catalogue: "R085",
        explanation: "With com.apple.security.cs.allow-dyld-environment-variables, DYLD_INSERT_LIBRARIES names a library to load; with com.apple.security.cs.disable-library-validation it may be anybody's. Together any program of the user can run code under this one's name, with its permissions.",
        remedy: &[
            Step::Say("do without the variables of dyld"),
            Step::Claim(&[Edit::Remove(Word::Text(
                "com.apple.security.cs.allow-dyld-environment-variables",
            ))]),
            SIGN_EDITED,
        ],
        reference: RUNTIME,
        check: |check| {
            claims::each(check, |check, claimant| {
                if claimant.is_true(DYLD_VARIABLES) && claimant.is_true(DISABLE_LIBRARY_VALIDATION) {
                    let message =
                        "environment variables of dyld are allowed, and library validation is disabled";
                    check.slice(claimant.object, claimant.slice, message);
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "executable-page-protection-disabled",
        family: Family::HardenedRuntime,
        severity: Severity::Warning,
        title: "the program switches off all protection of its code",
        catalogue: "R086",
        explanation: "com.apple.security.cs.disable-executable-page-protection lets the program change its own code in memory, and switches off the checks of the signature while it runs. Nearly always com.apple.security.cs.allow-jit is enough.",
        remedy: &[
            Step::Say("claim com.apple.security.cs.allow-jit in its place and sign again"),
            Step::Claim(&[
                Edit::Remove(Word::Text(
                    "com.apple.security.cs.disable-executable-page-protection",
                )),
                Edit::Set(
                    Word::Text("com.apple.security.cs.allow-jit"),
                    Kind::Bool,
                    Word::Text("true"),
                ),
            ]),
            SIGN_EDITED,
        ],
        reference: RUNTIME,
        check: |check| {
            claims::each(check, |check, claimant| {
                let key = "com.apple.security.cs.disable-executable-page-protection";
                if claimant.is_true(key) {
                    check.slice(claimant.object, claimant.slice, format!("claims {key}"));
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "library-validation-disabled",
        family: Family::HardenedRuntime,
        severity: Severity::Note,
        title: "the program may load libraries of anybody",
        catalogue: "R088",
        explanation: "com.apple.security.cs.disable-library-validation is for programs that load plug-ins of others. It costs: Gatekeeper then scans the load commands of the app and refuses it for run paths and libraries that lead out of it.",
        remedy: &[
            Step::Say(
                "if all libraries are your own, sign them with one team, and the program without the key",
            ),
            Step::Claim(&[Edit::Remove(Word::Text(
                "com.apple.security.cs.disable-library-validation",
            ))]),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/forums/thread/706414",
        follows_from: &["injection-combo"],
        scope: Scope::Item,
        check: |check| {
            claims::each(check, |check, claimant| {
                if !claimant.is_true(DISABLE_LIBRARY_VALIDATION) {
                    return;
                }
                match libraries_of_own_team(claimant) {
                    Some(count) if !is_host(claimant) => {
                        let message = format!(
                            "library validation is disabled, but all {count} libraries are of its own team"
                        );
                        check.slice(claimant.object, claimant.slice, message).severity = Severity::Warning;
                    }
                    _ => {
                        check.slice(claimant.object, claimant.slice, "library validation is disabled");
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "resource-access-entitlement-missing",
        family: Family::HardenedRuntime,
        severity: Severity::Warning,
        title: "Info.plist explains an access that the entitlements do not ask for",
        catalogue: "R089",
        explanation: "Under the hardened runtime, microphone, camera, location, contacts, calendars, photos and other apps are open only to programs that claim the entitlement for it. Without it macOS refuses silently and never asks the user.",
        remedy: &[
            Step::Say(
                "claim the entitlement, or remove the text from Info.plist if the app does not do that",
            ),
            Step::Claim(&[Edit::Set(Word::Value("KEY"), Kind::Bool, Word::Text("true"))]),
            SIGN_EDITED,
        ],
        reference: RUNTIME,
        scope: Scope::Item,
        check: entitlement_missing,
        ..Rule::BASE
    },
    Rule {
        id: "resource-access-usage-missing",
        family: Family::HardenedRuntime,
        severity: Severity::Warning,
        title: "an access that Info.plist does not explain",
        catalogue: "R090",
        explanation: "A program that asks for microphone, camera, location, contacts, calendars, photos or other apps needs a text in Info.plist that macOS shows to the user. Without it the program is killed when it first asks.",
        remedy: &[
            Step::Say("add the text that macOS shows to the user, and sign again"),
            run!["plutil" "-insert" (Value "KEY") "-string" (Value "TEXT") (Support "Info.plist")],
            SIGN,
        ],
        apple: "crash report: \"This app has crashed because it attempted to access privacy-sensitive data without a usage description.\"",
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/protected-resources",
        check: usage_missing,
        ..Rule::BASE
    },
];

fn is_any_true(value: &Value) -> bool {
    match value {
        Value::Boolean(value) => *value,
        Value::Integer(value) => *value != 0,
        Value::String(text) => ["true", "yes", "1"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// The number of libraries in the item, if there are some and all have the team of the program.
fn libraries_of_own_team(claimant: Claimant<'_>) -> Option<usize> {
    let team = claimant.slice.team_id.as_deref()?;
    let mut count = 0_usize;
    for object in claimant.evidence.searched() {
        let mut slices = object.slices.iter().peekable();
        let is_library = slices
            .peek()
            .is_some_and(|slice| slice.file_type.is_some_and(|found| !found.is_execute()));
        if is_library {
            if !slices.all(|slice| slice.team_id.as_deref() == Some(team)) {
                return None;
            }
            count = count.saturating_add(1);
        }
    }
    (count > 0).then_some(count)
}

/// Whether something says that the program loads code which is not in the item: plug-ins, or a language that has them.
fn is_host(claimant: Claimant<'_>) -> bool {
    const SIGNS: [&str; 12] = [
        "plugins",
        "plug-ins",
        "extensions",
        "electron framework.framework",
        "chromium embedded framework.framework",
        "python",
        "python.framework",
        "libjvm.dylib",
        "jre",
        "libcoreclr.dylib",
        "lua",
        "vst",
    ];
    let keys = [
        DYLD_VARIABLES,
        "com.apple.security.temporary-exception.audio-unit-host",
    ];
    let listing = &claimant.evidence.listing;
    keys.iter().any(|key| claimant.get(key).is_some())
        || listing.ids().any(|id| {
            // Every program is asked.
            if listing.budget().step(4).is_err() {
                return true;
            }
            let name = listing.node(id).text().to_ascii_lowercase();
            SIGNS.contains(&name.as_str()) || name.starts_with("libpython") || name.starts_with("libmono")
        })
}

fn has_key(info: Option<&Dictionary>, prefixes: &[&str]) -> bool {
    info.is_some_and(|info| {
        info.iter()
            .any(|(key, _)| prefixes.iter().any(|prefix| key.starts_with(prefix)))
    })
}

fn claims_one(object: &CodeObject, resource: &Resource) -> bool {
    let mut claims = object
        .slices
        .iter()
        .filter_map(|slice| slice.entitlements.as_ref());
    claims.any(|claims| resource.entitlements.iter().any(|key| claims.get(key).is_some()))
}

fn entitlement_missing(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for object in &evidence.code {
        for slice in &object.slices {
            let is_program = slice.file_type.is_some_and(|found| found.is_execute());
            let is_hard = slice.flags.contains(CodeDirectoryFlags::RUNTIME);
            let is_mac = claims::platform(slice) == Some(crate::entitlements::Platform::MacOs);
            if !is_program || !is_hard || !is_mac || is_signed_by_apple(slice) {
                continue;
            }
            let info = object.info_plist.as_ref().or(slice.info_plist.as_ref());
            let mut missing = Vec::new();
            let mut keys = Vec::new();
            for resource in &RESOURCES {
                let used = resource
                    .usage
                    .iter()
                    .find(|key| info.is_some_and(|info| info.get(key).is_some()));
                // Whoever claims it somewhere in the item has thought of it.
                if let (Some(used), Some(key)) = (used, resource.entitlements.first())
                    && !evidence
                        .searched()
                        .iter()
                        .any(|object| claims_one(object, resource))
                {
                    missing.push(format!("{used} without {key}"));
                    keys.push(*key);
                }
            }
            if !missing.is_empty() {
                check.slice(object, slice, list(&missing)).facts.keys(keys);
            }
        }
    }
}

fn usage_missing(check: &mut Check<'_>) {
    claims::each(check, |check, claimant| {
        // Helpers ask in the name of the app around them, by its Info.plist; and theirs may be any of those above.
        let code = &claimant.evidence.code;
        let mut around: Vec<&CodeObject> = vec![claimant.object];
        while let Some(parent) = around.last().and_then(|object| code.get(object.parent?)) {
            if around.len() > code.len() {
                break;
            }
            around.push(parent);
        }
        if claimant.role() == Role::Standalone && claimant.slice.info_plist.is_none() {
            // A tool without Info.plist asks in the name of the terminal that starts it.
            return;
        }
        let mut missing = Vec::new();
        let mut keys = Vec::new();
        for resource in &RESOURCES {
            let claimed = resource.entitlements.iter().find(|key| claimant.is_true(key));
            let is_explained = has_key(claimant.slice.info_plist.as_ref(), resource.explains)
                || around
                    .iter()
                    .any(|object| has_key(object.info_plist.as_ref(), resource.explains));
            if let (Some(key), Some(text), false) = (claimed, resource.usage.first(), is_explained) {
                missing.push(format!("{key} without {text}"));
                keys.push(*text);
            }
        }
        if !missing.is_empty() {
            let finding = check.slice(claimant.object, claimant.slice, list(&missing));
            finding.facts.keys(keys);
        }
    });
}
