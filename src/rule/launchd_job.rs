//! Rules about the property lists of agents and daemons in an app (R371, R373, R381).
//!
//! `SMAppService` registers them from `Contents/Library/LaunchAgents` and `LaunchDaemons`; launchd.plist(5) says what the keys
//! mean. That the seal covers a list is the codesign verdict's; what packages install elsewhere is not looked at.

use super::claims::is_signed_by_apple;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Party, Severity};
use crate::plist::{Dictionary, Value};
use crate::remedy::{Claims, SIGN, Sign, Step, Word, run};
use crate::source::{MAX_LINKS, NodeId};
use crate::survey::LaunchdJob;
use crate::verify::{CodeKind, CodeObject, Evidence};

const PAGE: &str = "https://developer.apple.com/documentation/servicemanagement/updating-helper-executables-from-earlier-versions-of-macos";
const SANDBOX: &str = "com.apple.security.app-sandbox";

/// Kinds of login sessions (launchctl(1)).
const SESSIONS: [&str; 5] = ["Aqua", "Background", "LoginWindow", "StandardIO", "System"];

/// A job with the app that brings it.
pub(super) struct Job<'a> {
    pub(super) job: &'a LaunchdJob,
    pub(super) app: &'a CodeObject,
    pub(super) list: &'a Dictionary,
}

impl<'a> Job<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.list.get(key).and_then(Value::as_str)
    }

    /// `BundleProgram` as a path relative to the item, and what it leads to.
    fn program(&self, evidence: &Evidence) -> Option<(&'a str, Option<NodeId>)> {
        let program = self.text("BundleProgram")?;
        let listing = &evidence.listing;
        let bundle = listing.lookup(NodeId(0), &self.app.path).id()?;
        let relative = program.trim_start_matches('/');
        // A usual volume finds names in another case as well.
        let found = listing.resolve(bundle, relative, MAX_LINKS).ok();
        Some((program, found.or_else(|| listing.lookup(bundle, relative).id())))
    }

    /// The code that it starts, if that is in the item.
    pub(super) fn code(&self, evidence: &'a Evidence) -> Option<&'a CodeObject> {
        let path = evidence.listing.path(self.program(evidence)?.1?);
        evidence
            .searched()
            .iter()
            .find(|object| object.executable.as_ref() == Some(&path))
    }
}

/// The app whose list this is, unless Apple signed it itself.
fn app_of<'a>(evidence: &'a Evidence, job: &LaunchdJob) -> Option<&'a CodeObject> {
    evidence
        .searched()
        .iter()
        .find(|object| object.path == job.bundle && object.kind == CodeKind::Bundle(BundleKind::App))
        .filter(|app| !app.slices.iter().any(is_signed_by_apple))
}

/// Hands over every list that could be read.
pub(super) fn each<'a>(check: &mut Check<'a>, visit: impl Fn(&mut Check<'a>, Job<'a>)) {
    let evidence = check.evidence();
    for job in &check.survey().launchd_jobs {
        if let (Some(app), Ok(Some(list))) = (app_of(evidence, job), &job.list) {
            visit(check, Job { job, app, list });
        }
    }
}

fn lists(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for job in &check.survey().launchd_jobs {
        let Some(app) = app_of(evidence, job) else {
            continue;
        };
        match &job.list {
            Ok(Some(_)) => {}
            Ok(None) => {
                check.within(app, &job.path, "it is no property list with a dictionary");
            }
            Err(unread) => check.unknown(&job.path, unread.reason.clone()),
        }
    }
    each(check, |check, job| {
        for (severity, message) in faults(check.evidence(), &job) {
            check.within(job.app, &job.job.path, message).severity = severity;
        }
    });
}

/// What launchd or ServiceManagement would not take, and what they would pass over.
fn faults(evidence: &Evidence, job: &Job<'_>) -> Vec<(Severity, String)> {
    let mut said = Vec::new();
    if job.text("Label").is_none_or(str::is_empty) {
        said.push((Severity::Error, "it has no Label".to_owned()));
    }
    match job.list.get("BundleProgram") {
        Some(Value::String(_)) => {
            let Some((program, found)) = job.program(evidence) else {
                return said;
            };
            match found {
                // It may lie where no name could be read.
                None if evidence.may_hide_names(&job.app.path) => {}
                None => said.push((
                    Severity::Error,
                    format!("BundleProgram is {program}, and there is no such file in the app"),
                )),
                Some(found) if evidence.listing.node(found).is_directory() => said.push((
                    Severity::Error,
                    format!("BundleProgram is {program}, which is a folder"),
                )),
                Some(_) => {}
            }
        }
        Some(other) => said.push((
            Severity::Error,
            format!("BundleProgram is of type {}", other.kind()),
        )),
        // Programs outside of the app are started as well.
        None if ["Program", "ProgramArguments"]
            .iter()
            .all(|key| job.list.get(key).is_none()) =>
        {
            said.push((
                Severity::Error,
                "it names no program: it has no BundleProgram".to_owned(),
            ));
        }
        None => {}
    }
    let is_text = |value: &Value| value.as_str().is_some();
    let associated = job.list.get("AssociatedBundleIdentifiers");
    let is_wrong = |value: &Value| match value {
        Value::String(_) => false,
        Value::Array(elements) => !elements.iter().all(is_text),
        _ => true,
    };
    if associated.is_some_and(is_wrong) {
        said.push((
            Severity::Warning,
            "AssociatedBundleIdentifiers is neither a text nor a list of texts".to_owned(),
        ));
    }
    if let Some(services) = job.list.get("MachServices")
        && services.as_dictionary().is_none()
    {
        said.push((
            Severity::Warning,
            format!(
                "MachServices is of type {}, where a dictionary belongs",
                services.kind()
            ),
        ));
    }
    said
}

fn keys(check: &mut Check<'_>) {
    each(check, |check, job| {
        let sessions = match job.list.get("LimitLoadToSessionType") {
            Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(session)) => vec![session.as_str()],
            _ => Vec::new(),
        };
        for session in sessions.into_iter().filter(|session| !SESSIONS.contains(session)) {
            check.within(
                job.app,
                &job.job.path,
                format!(
                    "LimitLoadToSessionType is {session}, which is none of {}",
                    SESSIONS.join(", ")
                ),
            );
        }
        let variables = job
            .list
            .get("EnvironmentVariables")
            .and_then(Value::as_dictionary);
        for (name, _) in variables.iter().flat_map(|variables| variables.iter()) {
            // The hardened runtime removes them, unless the program claims the exception for them.
            if name.starts_with("DYLD_") && !may_be_told(job.code(check.evidence())) {
                check.within(
                    job.app,
                    &job.job.path,
                    format!("it sets {name}, which the hardened runtime takes away"),
                );
            }
        }
    });
}

/// Whether dyld may listen to variables when it starts this code; also where that is not known.
fn may_be_told(code: Option<&CodeObject>) -> bool {
    const KEY: &str = "com.apple.security.cs.allow-dyld-environment-variables";
    let Some(slice) = code.and_then(|code| code.slices.first()) else {
        return true;
    };
    let is_hardened = slice.flags.contains(CodeDirectoryFlags::RUNTIME);
    let claims = slice.entitlements.as_ref();
    !is_hardened || claims.and_then(|claims| claims.get(KEY)).and_then(Value::as_bool) == Some(true)
}

fn sandboxed_daemons(check: &mut Check<'_>) {
    each(check, |check, job| {
        let Some(code) = job.code(check.evidence()).filter(|_| job.job.is_daemon) else {
            return;
        };
        let is_sandboxed = code.slices.iter().any(|slice| {
            let claims = slice.entitlements.as_ref();
            claims
                .and_then(|claims| claims.get(SANDBOX))
                .and_then(Value::as_bool)
                == Some(true)
        });
        if is_sandboxed {
            let list = job.job.path.clone();
            let finding = check.object(
                code,
                format!("{list} starts it as a daemon, and it claims {SANDBOX}"),
            );
            finding.details.push(("list", list));
        }
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "launchd-list",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "an agent or daemon that cannot be registered",
        catalogue: "R371",
        explanation: "SMAppService registers agents and daemons from the property lists in Contents/Library/LaunchAgents and LaunchDaemons. Each needs a Label, and a program: BundleProgram is its path relative to the app, such as Contents/MacOS/NAME. A program that was renamed, or that the build did not copy, is the usual cause.",
        remedy: &[
            Step::Say("correct the list, then sign the app"),
            run!["plutil" "-replace" "BundleProgram" "-string" "Contents/MacOS/NAME" File],
            SIGN,
        ],
        reference: PAGE,
        check: lists,
        ..Rule::BASE
    },
    Rule {
        id: "launchd-list-key",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a setting for launchd that has no effect",
        catalogue: "R373",
        explanation: "A session type that launchd does not know keeps the job from being loaded in any session. Variables for dyld never arrive in a program with the hardened runtime, unless it claims com.apple.security.cs.allow-dyld-environment-variables.",
        remedy: &[
            Step::Say("correct the list, then sign the app"),
            run!["plutil" "-replace" "LimitLoadToSessionType" "-string" "Aqua" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/library/archive/documentation/MacOSX/Conceptual/BPSystemStartup/Chapters/CreatingLaunchdJobs.html",
        check: keys,
        ..Rule::BASE
    },
    Rule {
        id: "sandboxed-daemon",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a daemon in the App Sandbox",
        catalogue: "R381",
        explanation: "Daemons run as root and belong to no user, and the App Sandbox makes a container in a user's home folder. Apple does not support it for daemons; agents may be sandboxed.",
        remedy: &[
            Step::Say(
                "sign the daemon without com.apple.security.app-sandbox, or make an agent of it, then sign the app",
            ),
            Step::Sign(Sign {
                at: Word::File,
                claims: Claims::File,
                ..Sign::KEPT
            }),
        ],
        reference: "https://developer.apple.com/documentation/xcode/signing-a-daemon-with-a-restricted-entitlement",
        check: sandboxed_daemons,
        ..Rule::BASE
    },
];
