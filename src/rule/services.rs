//! Rules about system extensions (R360–R362, R364, R365).

use super::claims::{app_around, is_signed_by_apple};
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::Party;
use crate::plist::{Dictionary, Value};
use crate::remedy::{SIGN, Sign, Step, Word, run};
use crate::verify::{CodeKind, CodeObject, SignatureKind, SliceEvidence};

const INSTALLING: &str =
    "https://developer.apple.com/documentation/systemextensions/installing-system-extensions-and-drivers";
const GROUPS: &str = "com.apple.security.application-groups";
const REDISTRIBUTABLE: &str = "com.apple.developer.system-extension.redistributable";

/// Where sysextd looks, from the app's folder.
const PLACE: &str = "Contents/Library/SystemExtensions";

/// Hands over every nested system or driver extension that is not Apple's own, with folder and name.
fn each_extension<'a>(
    check: &mut Check<'a>,
    visit: impl Fn(&mut Check<'a>, &'a CodeObject, &'a str, &'a str),
) {
    for object in &check.evidence().code {
        let is_extension = matches!(
            object.kind,
            CodeKind::Bundle(BundleKind::SystemExtension | BundleKind::DriverExtension)
        );
        if is_extension
            && !object.slices.iter().any(is_signed_by_apple)
            && let Some((folder, name)) = object.path.rsplit_once('/')
        {
            visit(check, object, folder, name);
        }
    }
}

fn names(check: &mut Check<'_>) {
    each_extension(check, |check, object, folder, name| {
        let info = object.info_plist.as_ref();
        let identifier = info
            .and_then(|info| info.get("CFBundleIdentifier"))
            .and_then(Value::as_str);
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "systemextension"));
        if let Some(identifier) = identifier
            && folder.ends_with(PLACE)
            && identifier != stem
        {
            let message = format!("it is named {stem}, but its bundle identifier is {identifier}");
            let right = format!("{identifier}.{extension}");
            let finding = check.plist_key(object, "CFBundleIdentifier", message);
            finding.facts.text("IDENTIFIER.systemextension", right);
        }
    });
}

fn places(check: &mut Check<'_>) {
    each_extension(check, |check, object, folder, _| {
        // An app in its usual form; those for iOS keep drivers elsewhere, and folders of build products are no app.
        let Some(app) = app_around(check.evidence(), object) else {
            return;
        };
        let inside = folder.get(app.path.len()..).unwrap_or_default();
        let inside = inside.trim_start_matches('/');
        if inside.starts_with("Contents") && inside != PLACE {
            check.within(app, &object.path, format!("it lies in {inside}"));
        }
    });
}

fn teams(check: &mut Check<'_>) {
    each_extension(check, |check, object, _, _| {
        let team_of = |object: &CodeObject| object.slices.first().and_then(|slice| slice.team_id.clone());
        let is_free = object.slices.first().is_some_and(|slice| {
            let claims = slice.entitlements.as_ref();
            claims
                .and_then(|claims| claims.get(REDISTRIBUTABLE))
                .and_then(Value::as_bool)
                == Some(true)
        });
        let app = app_around(check.evidence(), object);
        if let (Some(own), Some(hosts)) = (team_of(object), app.and_then(team_of))
            && own != hosts
            && !is_free
        {
            check.object(
                object,
                format!("signed by team {own}, the app around it by team {hosts}"),
            );
        }
    });
}

/// Whether the entitlements are what the signature says, also where it has none.
pub(super) fn claims_are_known(slice: &SliceEvidence) -> bool {
    slice.signature != SignatureKind::Unsigned && slice.entitlements_state.is_known()
}

/// A name for launchd that has to begin with one of the extension's app groups.
fn mach_service(check: &mut Check<'_>, dictionary: &str, key: &str, is_required: bool) {
    for object in &check.evidence().code {
        let Some(declared) = object
            .info_plist
            .as_ref()
            .filter(|_| object.kind == CodeKind::Bundle(BundleKind::SystemExtension))
            .and_then(|info| info.get(dictionary))
            .and_then(Value::as_dictionary)
        else {
            continue;
        };
        let Some(name) = declared.get(key).and_then(Value::as_str) else {
            // Providers without a name for launchd are started all the same (measured: mitmproxy's).
            if is_required {
                check.info_plist(object, format!("Info.plist has no {dictionary}/{key}"));
            }
            continue;
        };
        let groups = |claims: &Dictionary| -> Vec<String> {
            let groups = claims.get(GROUPS).and_then(Value::as_array).unwrap_or_default();
            groups
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        // What an unsigned or damaged signature would claim is not known.
        let Some(slice) = object.slices.first().filter(|slice| claims_are_known(slice)) else {
            continue;
        };
        let claims = slice.entitlements.as_ref();
        let groups = claims.map(groups).unwrap_or_default();
        // The group itself, or something below it.
        let is_below = |group: &String| {
            name.strip_prefix(group.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !groups.iter().any(is_below) {
            let last = name.rsplit('.').next().unwrap_or(name);
            let right = groups.first().map(|group| format!("{group}.{last}"));
            let groups = match groups.as_slice() {
                [] => "it claims none".to_owned(),
                groups => groups.join(", "),
            };
            let message =
                format!("{key} {name} does not begin with an app group of the extension ({groups})");
            let finding = check.plist_key(object, dictionary, message);
            if let Some(right) = right {
                finding.facts.text("GROUP.NAME", right);
            }
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "system-extension-name",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a system extension whose file name is not its identifier",
        catalogue: "R360",
        explanation: "sysextd looks for Contents/Library/SystemExtensions/IDENTIFIER.systemextension (or .dext) and finds nothing under another name.",
        remedy: &[
            Step::Say("rename the folder, then sign it"),
            run!["mv" Code (Beside "IDENTIFIER.systemextension")],
            Step::Sign(Sign {
                at: Word::Beside("IDENTIFIER.systemextension"),
                ..Sign::KEPT
            }),
        ],
        reference: INSTALLING,
        check: names,
        ..Rule::BASE
    },
    Rule {
        id: "system-extension-misplaced",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a system extension where nothing looks for it",
        catalogue: "R361",
        explanation: "System extensions and drivers are activated from Contents/Library/SystemExtensions of the app, and from nowhere else.",
        remedy: &[
            Step::Say("move it, then sign the app"),
            run!["mkdir" "-p" (Support "Library/SystemExtensions")],
            run!["mv" File (Support "Library/SystemExtensions/")],
            SIGN,
        ],
        reference: INSTALLING,
        check: places,
        ..Rule::BASE
    },
    Rule {
        id: "system-extension-team",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a system extension of another team than its app",
        catalogue: "R362",
        explanation: "An app may activate extensions of its own team only, unless the extension claims com.apple.developer.system-extension.redistributable.",
        remedy: &[
            Step::Say("sign the extension with the certificate of the app's team"),
            SIGN,
        ],
        reference: INSTALLING,
        check: teams,
        ..Rule::BASE
    },
    Rule {
        id: "network-extension-mach-service",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a network extension whose service name is outside of its app groups",
        catalogue: "R364",
        explanation: "NetworkExtension/NEMachServiceName is the name under which launchd knows the provider. It must begin with one of the app groups that the extension claims, or the app cannot connect to it.",
        remedy: &[
            Step::Say("let the name begin with an app group, then sign again"),
            run!["plutil" "-replace" "NetworkExtension.NEMachServiceName" "-string" (Value "GROUP.NAME") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/networkextension",
        check: |check| mach_service(check, "NetworkExtension", "NEMachServiceName", false),
        ..Rule::BASE
    },
    Rule {
        id: "camera-extension-mach-service",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "a camera extension whose service name is outside of its app groups",
        catalogue: "R365",
        explanation: "CMIOExtension/CMIOExtensionMachServiceName must begin with one of the app groups that the extension claims, or the camera does not appear.",
        remedy: &[
            Step::Say("let the name begin with an app group, then sign again"),
            run!["plutil" "-replace" "CMIOExtension.CMIOExtensionMachServiceName" "-string" (Value "GROUP.NAME") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/coremediaio/creating-a-camera-extension-with-core-media-i-o",
        check: |check| mach_service(check, "CMIOExtension", "CMIOExtensionMachServiceName", true),
        ..Rule::BASE
    },
];
