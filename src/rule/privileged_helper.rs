//! Rules about privileged helpers that `SMJobBless` installs (R368–R370).
//!
//! `SMJobBless` copies `Contents/Library/LaunchServices/LABEL` to `/Library/PrivilegedHelperTools`, if the helper satisfies
//! the requirement that the app has for it in `SMPrivilegedExecutables`, and the app one of those in the helper's
//! `SMAuthorizedClients` (ServiceManagement/SMJobBless.h). Both lists are property lists that the linker put into the
//! helper. Whether the user allows it, and what another version installed before, is not known here.

use super::claims::is_signed_by_apple;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity};
use crate::plist::{Dictionary, Value};
use crate::remedy::{SIGN, Step, run};
use crate::requirement::{Requirement, SyntaxError};
use crate::source::NodeId;
use crate::verify::{CodeKind, CodeObject, EmbeddedList, SliceEvidence, every_slice_satisfies};

const PAGE: &str = "https://developer.apple.com/documentation/servicemanagement/smjobbless(_:_:_:_:)";
const FOLDER: &str = "Contents/Library/LaunchServices";

/// A helper that an app names.
struct Named<'a> {
    app: &'a CodeObject,
    label: &'a str,
    /// What the app demands of it.
    requirement: &'a Value,
    /// Its path relative to the item.
    path: String,
}

/// Hands over every helper that an app names.
fn each_named<'a>(check: &mut Check<'a>, visit: impl Fn(&mut Check<'a>, Named<'a>)) {
    for app in &check.evidence().code {
        let labels = app
            .info_plist
            .as_ref()
            .filter(|_| app.kind == CodeKind::Bundle(BundleKind::App))
            .and_then(|info| info.get("SMPrivilegedExecutables"))
            .and_then(Value::as_dictionary);
        for (label, requirement) in labels.iter().flat_map(|labels| labels.iter()) {
            let path = match app.path.as_str() {
                "" => format!("{FOLDER}/{label}"),
                outer => format!("{outer}/{FOLDER}/{label}"),
            };
            let named = Named {
                app,
                label,
                requirement,
                path,
            };
            visit(check, named);
        }
    }
}

/// The same, as far as the helper is there and is a program.
fn each<'a>(check: &mut Check<'a>, visit: impl Fn(&mut Check<'a>, &Named<'a>, &'a CodeObject)) {
    each_named(check, |check, named| {
        let helper = check
            .evidence()
            .searched()
            .iter()
            .find(|object| object.path == named.path || object.executable.as_ref() == Some(&named.path));
        if let Some(helper) = helper
            && !helper.slices.iter().any(is_signed_by_apple)
            && helper.slices.iter().any(is_program)
        {
            visit(check, &named, helper);
        }
    });
}

fn is_program(slice: &SliceEvidence) -> bool {
    slice.file_type.is_some_and(|found| found.is_execute())
}

fn missing(check: &mut Check<'_>) {
    each_named(check, |check, named| {
        let listing = &check.evidence().listing;
        if listing.lookup(NodeId(0), &named.path).id().is_none() {
            let label = named.label;
            check.plist_key(
                named.app,
                "SMPrivilegedExecutables",
                format!("SMPrivilegedExecutables names {label}, and there is no {FOLDER}/{label}"),
            );
        }
    });
}

/// Whether code satisfies a requirement in a property list; `None` where that is not known.
fn answer(code: &CodeObject, requirement: &Value) -> Result<Option<bool>, String> {
    let Some(text) = requirement.as_str() else {
        return Err(format!("it is of type {}", requirement.kind()));
    };
    let on_one_line = |error: SyntaxError| error.to_string().trim().replace('\n', "; ");
    let requirement = Requirement::from_text(text).map_err(on_one_line)?;
    every_slice_satisfies(code, &requirement).map_err(|error| error.to_string())
}

/// Both directions.
fn requirements(check: &mut Check<'_>) {
    each(check, |check, named, helper| {
        let label = named.label;
        match answer(helper, named.requirement) {
            Ok(Some(true)) => {}
            Ok(None) => check.unknown(
                &named.path,
                format!("whether it satisfies what the app's Info.plist demands of {label}"),
            ),
            Ok(Some(false)) => {
                let text = named.requirement.as_str().unwrap_or_default().to_owned();
                let finding = check.plist_key(
                    named.app,
                    "SMPrivilegedExecutables",
                    format!("{label} does not satisfy the requirement in SMPrivilegedExecutables"),
                );
                finding.details.push(("requirement", text));
            }
            Err(reason) => {
                check.plist_key(
                    named.app,
                    "SMPrivilegedExecutables",
                    format!(
                        "the requirement for {label} in SMPrivilegedExecutables cannot be used: {reason}"
                    ),
                );
            }
        }
        clients(check, named, helper);
    });
}

/// The app against the helper's list; the slices of a helper mostly have the same.
fn clients(check: &mut Check<'_>, named: &Named<'_>, helper: &CodeObject) {
    let mut said: Vec<String> = Vec::new();
    for slice in &helper.slices {
        // A helper without the section has another finding.
        let Some(info) = slice.embedded_info_plist.dictionary() else {
            continue;
        };
        let Some(list) = info.get("SMAuthorizedClients") else {
            said.push("its Info.plist has no SMAuthorizedClients".to_owned());
            continue;
        };
        let Some(list) = list.as_array() else {
            said.push(format!("SMAuthorizedClients is of type {}", list.kind()));
            continue;
        };
        let answers: Vec<_> = list.iter().map(|one| answer(named.app, one)).collect();
        if answers.contains(&Ok(Some(true))) {
            continue;
        }
        if answers.contains(&Ok(None)) {
            check.unknown(
                &named.app.path,
                format!("whether it is one of the SMAuthorizedClients of {}", named.label),
            );
            continue;
        }
        let broken = answers.into_iter().find_map(Result::err);
        said.push(match broken {
            Some(reason) => {
                format!("no requirement in SMAuthorizedClients allows this app; one cannot be used: {reason}")
            }
            None => "no requirement in SMAuthorizedClients allows this app".to_owned(),
        });
    }
    said.dedup();
    for message in said {
        check.object(helper, message);
    }
}

/// What is wrong with the property lists in one slice.
fn sections(label: &str, slice: &SliceEvidence) -> Vec<(Severity, String)> {
    let mut said = Vec::new();
    for (name, list) in [
        ("__info_plist", &slice.embedded_info_plist),
        ("__launchd_plist", &slice.launchd_plist),
    ] {
        match list {
            EmbeddedList::Absent => said.push((Severity::Error, format!("it has no section __TEXT,{name}"))),
            EmbeddedList::Malformed => said.push((
                Severity::Error,
                format!("its section __TEXT,{name} holds no property list with a dictionary"),
            )),
            EmbeddedList::Dictionary(_) | EmbeddedList::NotRead(_) => {}
        }
    }
    let named = |list: &Dictionary, key: &str| list.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(job) = slice.launchd_plist.dictionary() {
        match named(job, "Label") {
            None => said.push((
                Severity::Error,
                "its launchd property list has no Label".to_owned(),
            )),
            Some(found) if found != label => said.push((
                Severity::Error,
                format!("the Label of its launchd property list is {found}, its name is {label}"),
            )),
            Some(_) => {}
        }
        // launchd would start that in its place; SMJobBless fills the key in itself.
        for key in ["Program", "ProgramArguments"] {
            if job.get(key).is_some() {
                said.push((
                    Severity::Warning,
                    format!("its launchd property list has {key}, which SMJobBless sets"),
                ));
            }
        }
    }
    if let Some(info) = slice.embedded_info_plist.dictionary()
        && let found = named(info, "CFBundleIdentifier")
        && found.as_deref() != Some(label)
    {
        // Requirements name the identifier of the signature, which comes from here.
        said.push((
            Severity::Warning,
            match found {
                Some(found) => {
                    format!("CFBundleIdentifier in its Info.plist is {found}, its name is {label}")
                }
                None => "its Info.plist has no CFBundleIdentifier".to_owned(),
            },
        ));
    }
    said
}

fn embedded_lists(check: &mut Check<'_>) {
    each(check, |check, named, helper| {
        let mut said: Vec<_> = helper
            .slices
            .iter()
            .flat_map(|slice| sections(named.label, slice))
            .collect();
        let lists = helper
            .slices
            .iter()
            .flat_map(|slice| [&slice.embedded_info_plist, &slice.launchd_plist]);
        let mut not_read: Vec<&String> = lists.filter_map(EmbeddedList::not_read).collect();
        not_read.dedup();
        for reason in not_read {
            check.unknown(&helper.path, format!("a list in it was not read: {reason}"));
        }
        said.sort();
        said.dedup();
        for (severity, message) in said {
            check.object(helper, message).severity = severity;
        }
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "privileged-helper-missing",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a privileged helper that the app names and does not have",
        catalogue: "R370",
        explanation: "SMJobBless installs the helper from Contents/Library/LaunchServices, under the name that is its key in SMPrivilegedExecutables. It is not there.",
        remedy: &[
            Step::Say("copy the helper to its place, sign it, then the app"),
            run!["cp" (Value "HELPER") (Support "Library/LaunchServices/")],
            SIGN,
        ],
        reference: PAGE,
        check: missing,
        ..Rule::BASE
    },
    Rule {
        id: "privileged-helper-requirement",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "app and privileged helper do not accept each other's signature",
        catalogue: "R368",
        explanation: "SMJobBless installs a helper only if it satisfies the requirement in the app's SMPrivilegedExecutables, and the app satisfies one in the helper's SMAuthorizedClients. Both were evaluated on the real signatures. SMJobBless answers with error 8 of CFErrorDomainLaunchd and says no more. A certificate of another kind or team than the one that the requirements were written for is the usual cause: they name a development certificate, and the release has a Developer ID.",
        remedy: &[
            Step::Say("write requirements that name identifier and team, build again and sign both"),
            run!["identifier" (Value "ID") "and" "anchor" "apple" "generic" "and" "certificate" "leaf[field.1.2.840.113635.100.6.1.13]" "and" "certificate" "leaf[subject.OU]" "=" (Value "TEAM")],
            Step::Say("to try one"),
            run!["sealcheck" "verify" "-R" "=REQUIREMENT" Code],
        ],
        reference: PAGE,
        follows_from: &["unsigned-nested-code", "privileged-helper-sections"],
        check: requirements,
        ..Rule::BASE
    },
    Rule {
        id: "privileged-helper-sections",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a privileged helper without the property lists that SMJobBless reads",
        catalogue: "R369",
        explanation: "A privileged helper is a single file. Its Info.plist and its property list for launchd lie in the sections __info_plist and __launchd_plist of __TEXT. The Label of the latter must be the name of the file, which is the key in the app's SMPrivilegedExecutables.",
        remedy: &[
            Step::Say(
                "let the linker put both lists into the helper (-sectcreate __TEXT __info_plist FILE -sectcreate __TEXT __launchd_plist FILE), then sign it and the app",
            ),
            SIGN,
        ],
        reference: PAGE,
        check: embedded_lists,
        ..Rule::BASE
    },
];
