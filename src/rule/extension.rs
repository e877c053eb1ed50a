//! Rules about app extensions, XPC services and login items (R367, R372, R374).
//!
//! That they are signed, sandboxed, of the app's team and declare what they are is said by rules about nested code, the sandbox
//! and Info.plist. Identifiers of login items need not begin with the app's: those of known apps begin with a team.

use super::claims::{app_around, is_signed_by_apple};
use super::info_plist::{each_bundle, is_on};
use super::services::claims_are_known;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity};
use crate::plist::{Dictionary, Value};
use crate::remedy::{SIGN, SIGN_EDITED, Step, run};
use crate::verify::{CodeKind, CodeObject};

const NETWORK: &str = "com.apple.developer.networking.networkextension";

/// An extension point that only code with an entitlement may fill.
struct Point {
    name: &'static str,
    key: &'static str,
    /// What the entitlement must contain, or a longer word that begins so; empty for an entitlement that must be true.
    value: &'static str,
}

const fn network(name: &'static str, value: &'static str) -> Point {
    Point {
        name,
        key: NETWORK,
        value,
    }
}

const fn plain(name: &'static str, key: &'static str) -> Point {
    Point { name, key, value: "" }
}

/// The points of Apple's documentation of each entitlement (NetworkExtension, FSKit, MediaExtension, AuthenticationServices).
const POINTS: [Point; 9] = [
    network(
        "com.apple.networkextension.packet-tunnel",
        "packet-tunnel-provider",
    ),
    network("com.apple.networkextension.app-proxy", "app-proxy-provider"),
    network(
        "com.apple.networkextension.filter-data",
        "content-filter-provider",
    ),
    network(
        "com.apple.networkextension.filter-control",
        "content-filter-provider",
    ),
    network("com.apple.networkextension.dns-proxy", "dns-proxy"),
    plain("com.apple.fskit.fsmodule", "com.apple.developer.fskit.fsmodule"),
    plain(
        "com.apple.mediaextension.formatreader",
        "com.apple.developer.mediaextension.formatreader",
    ),
    plain(
        "com.apple.mediaextension.videodecoder",
        "com.apple.developer.mediaextension.videodecoder",
    ),
    plain(
        "com.apple.authentication-services-credential-provider-ui",
        "com.apple.developer.authentication-services.autofill-credential-provider",
    ),
];

impl Point {
    fn is_met(&self, claims: Option<&Dictionary>) -> bool {
        let Some(value) = claims.and_then(|claims| claims.get(self.key)) else {
            return false;
        };
        if self.value.is_empty() {
            return *value != Value::Boolean(false);
        }
        // Another rule tells which form of the word the certificate demands; a claim of another type has one as well.
        value.as_array().is_none_or(|elements| {
            elements
                .iter()
                .filter_map(Value::as_str)
                .any(|found| found.starts_with(self.value))
        })
    }
}

fn point(info: &Dictionary) -> Option<&str> {
    [
        ("NSExtension", "NSExtensionPointIdentifier"),
        ("EXAppExtensionAttributes", "EXExtensionPointIdentifier"),
    ]
    .iter()
    .find_map(|(outer, key)| info.get(outer)?.as_dictionary()?.get(key)?.as_str())
}

fn points(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        let found = object
            .info_plist
            .as_ref()
            .filter(|_| object.kind == CodeKind::Bundle(BundleKind::AppExtension))
            .and_then(point);
        let Some(point) = found.and_then(|found| POINTS.iter().find(|point| point.name == found)) else {
            continue;
        };
        let lacks = object.slices.iter().any(|slice| {
            // What an unsigned or damaged signature would claim is not known.
            !is_signed_by_apple(slice)
                && claims_are_known(slice)
                && !point.is_met(slice.entitlements.as_ref())
        });
        if lacks {
            let (name, key) = (point.name, point.key);
            check.object(
                object,
                match point.value {
                    "" => format!("it extends {name}, and does not claim {key}"),
                    value => format!("it extends {name}, and does not claim {value} in {key}"),
                },
            );
        }
    }
}

fn xpc_places(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        let is_service = object.kind == CodeKind::Bundle(BundleKind::XpcService);
        if !is_service || object.slices.iter().any(is_signed_by_apple) {
            continue;
        }
        let Some(app) = app_around(check.evidence(), object) else {
            continue;
        };
        let Some((folder, _)) = inside(app, object) else {
            continue;
        };
        let parent = folder.rsplit('/').next().unwrap_or_default();
        // Apps for iOS have neither Contents nor services of their own.
        if parent == "XPCServices" || !folder.starts_with("Contents") {
            continue;
        }
        // From there it may be copied to where it is of use.
        let is_data = folder.split('/').any(|name| name == "Resources");
        let finding = check.within(app, &object.path, format!("it lies in {folder}"));
        if is_data {
            finding.severity = Severity::Warning;
        }
    }
}

/// Folder and name of nested code, from the app around it.
fn inside<'a>(app: &CodeObject, object: &'a CodeObject) -> Option<(&'a str, &'a str)> {
    let path = object.path.get(app.path.len()..)?;
    path.trim_start_matches('/').rsplit_once('/')
}

fn login_items(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let app = app_around(check.evidence(), object).filter(|_| kind == BundleKind::App);
        let folder = app.and_then(|app| inside(app, object)).map(|(folder, _)| folder);
        let is_in_background = ["LSUIElement", "LSBackgroundOnly"]
            .iter()
            .any(|key| is_on(Some(info), key));
        if folder == Some("Contents/Library/LoginItems") && !is_in_background {
            check.info_plist(object, "Info.plist sets neither LSUIElement nor LSBackgroundOnly");
        }
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "extension-point-entitlement",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "an app extension without the entitlement that its extension point demands",
        catalogue: "R367",
        explanation: "Some extension points are open only to extensions with an entitlement: providers of networks and file systems, media extensions, providers of passwords. Without it the system does not list or start the extension. The entitlement is the extension's, not the app's, and a profile in the extension must grant it.",
        remedy: &[
            Step::Say(
                "add the capability to the target of the extension, embed its profile, and sign the extension, then the app",
            ),
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements",
        check: points,
        ..Rule::BASE
    },
    Rule {
        id: "xpc-service-misplaced",
        family: Family::Services,
        rejected_by: &[Party::MacOs],
        title: "an XPC service where nothing looks for it",
        catalogue: "R374",
        explanation: "launchd knows the XPC services in Contents/XPCServices of an app or extension, and in XPCServices of the frameworks that it links. A service elsewhere is never started.",
        remedy: &[
            Step::Say("move it, then sign the app"),
            run!["mkdir" "-p" (Support "XPCServices")],
            run!["mv" File (Support "XPCServices/")],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle",
        check: xpc_places,
        ..Rule::BASE
    },
    Rule {
        id: "login-item-in-dock",
        family: Family::Services,
        severity: Severity::Note,
        title: "a login item that shows itself in the Dock",
        catalogue: "R372",
        explanation: "Apps in Contents/Library/LoginItems are started when the user logs in. Apple asks for LSUIElement or LSBackgroundOnly in their Info.plist; without, an icon comes up in the Dock and a menu bar at every login, unless the program takes them away itself.",
        remedy: &[
            Step::Say("set the key, then sign the login item and the app"),
            run!["plutil" "-insert" "LSUIElement" "-bool" "true" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/library/archive/documentation/MacOSX/Conceptual/BPSystemStartup/Chapters/CreatingLoginItems.html",
        check: login_items,
        ..Rule::BASE
    },
];
