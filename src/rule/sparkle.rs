//! Rules about Sparkle, the framework with which apps update themselves, in apps with a sandbox (R375).
//!
//! They hold the app against Sparkle's guide for sandboxed apps and its source (2.6: `SPUUpdater.m`, `SPUInstallerDriver.m`,
//! `SPUMessageTypes.m`). That each of its programs is signed, hardened, timestamped and of the app's team is said by the
//! rules about all code. Feeds, keys and updates are not looked at.

use super::claims::{is_signed_by_apple, strings};
use super::info_plist::{is_on, text};
use super::sandbox::is_sandboxed_app;
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Severity, Target};
use crate::plist::{Dictionary, Value};
use crate::remedy::{SIGN_EDITED, Step};
use crate::verify::{CodeKind, CodeObject};

const SANDBOX: &str = "com.apple.security.app-sandbox";
const CLIENT: &str = "com.apple.security.network.client";
const GROUPS: &str = "com.apple.security.application-groups";
const LOOKUP: &str = "com.apple.security.temporary-exception.mach-lookup.global-name";
/// What Sparkle appends to the identifier of the app for the two services of its installer.
const TAGS: [&str; 2] = ["-spks", "-spki"];
/// Characters of such a name; the first ones of a longer name are left out.
const MAX_NAME: usize = 127;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "sparkle-in-sandbox",
    family: Family::Services,
    severity: Severity::Warning,
    targets: &[Target::DeveloperId],
    title: "a sandboxed app whose updater Sparkle cannot install updates",
    catalogue: "R375",
    explanation: "Out of the sandbox, Sparkle installs updates only through its service Installer.xpc, which the app's Info.plist has to switch on, and which runs without a sandbox itself. The app reaches the installer by two names of launchd that its entitlements have to list. Otherwise the app finds an update, downloads it, and reports an error; the users have to fetch the next version by hand.",
    remedy: &[
        Step::Say(
            "set up app and framework as Sparkle's guide for sandboxed apps says, then sign the services, the framework and the app, each with its own entitlements and without --deep",
        ),
        SIGN_EDITED,
    ],
    reference: "https://sparkle-project.org/documentation/sandboxing/",
    check: updaters,
    ..Rule::BASE
}];

/// Whether the program links Sparkle; an app may also bring it for a helper outside of the sandbox.
fn links_sparkle(app: &CodeObject) -> bool {
    let mut paths = app.slices.iter().flat_map(|slice| &slice.linked_paths);
    paths.any(|linked| linked.path.contains("/Sparkle.framework/"))
}

/// Whether the sandbox lets code with these entitlements look a name up: by an exception, or because it lies in an app
/// group.
fn may_look_up(claims: &Dictionary, name: &str) -> bool {
    let is_named = |exception: &str| match exception.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => exception == name,
    };
    let is_of_group = |group: &str| name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'));
    strings(claims, LOOKUP).into_iter().any(is_named) || strings(claims, GROUPS).into_iter().any(is_of_group)
}

/// The name of a service of the installer (`SPUServiceNameWithTag`).
fn service_name(identifier: &str, tag: &str) -> String {
    let name = format!("{identifier}{tag}");
    let extra = name.chars().count().saturating_sub(MAX_NAME);
    name.chars().skip(extra).collect()
}

/// Whether any slice is known to claim this.
fn claims(object: &CodeObject, key: &str) -> bool {
    let mut claims = object
        .slices
        .iter()
        .filter_map(|slice| slice.entitlements.as_ref());
    claims.any(|claims| claims.get(key) == Some(&Value::Boolean(true)))
}

fn updaters(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for app in evidence.code.iter().filter(|object| is_sandboxed_app(object)) {
        let base = match app.path.as_str() {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let place = format!("{base}Contents/Frameworks/Sparkle.framework");
        let framework = evidence.searched().iter().find(|object| object.path == place);
        if let Some(framework) = framework.filter(|_| links_sparkle(app)) {
            updater(check, app, framework, &base);
        }
    }
}

fn updater(check: &mut Check<'_>, app: &CodeObject, framework: &CodeObject, base: &str) {
    let evidence = check.evidence();
    // Before Sparkle 2.2 a service was named after its identifier; before 2.0 it lay in the app.
    let service = |word: &str| {
        evidence.searched().iter().find(|object| {
            let name = object.path.rsplit('/').next().unwrap_or_default();
            object.kind == CodeKind::Bundle(BundleKind::XpcService)
                && object.path.starts_with(base)
                && name.contains(word)
                && !["Connection", "Status"].iter().any(|other| name.contains(other))
        })
    };
    let info = app.info_plist.as_ref();
    let version = framework
        .info_plist
        .as_ref()
        .and_then(|info| text(info, "CFBundleShortVersionString"));
    let Some(installer) = service("Installer") else {
        if evidence.may_hide_names(&app.path) {
            check.unknown(&app.path, "not all names of the app could be read");
        } else if let Some(version) = version.filter(|version| version.starts_with("1.")) {
            let message = format!("Sparkle {version} updates no sandboxed apps; Sparkle 2 does");
            check.object(app, message);
        } else {
            check.object(
                app,
                "the app is sandboxed, and Sparkle's Installer.xpc is not there",
            );
        }
        return;
    };
    let is_in_framework = installer.path.starts_with(&format!("{}/", framework.path));
    if is_in_framework && info.is_some() && !is_on(info, "SUEnableInstallerLauncherService") {
        check.info_plist(
            app,
            "the app is sandboxed, and SUEnableInstallerLauncherService is not set",
        );
    }
    if claims(installer, SANDBOX) {
        check.object(
            installer,
            "Sparkle's service that installs updates is sandboxed itself",
        );
    }
    if let Some(downloader) = service("Downloader")
        && is_on(info, "SUEnableDownloaderService")
        && claims(downloader, SANDBOX)
        && !claims(downloader, CLIENT)
    {
        let message = format!("Sparkle's service that downloads updates is sandboxed without {CLIENT}");
        check.object(downloader, message);
    }
    names(check, app);
}

/// The names of the installer's services, where no services of the framework's own stand between.
fn names(check: &mut Check<'_>, app: &CodeObject) {
    let info = app.info_plist.as_ref();
    let stand_between = [
        "SUEnableInstallerConnectionService",
        "SUEnableInstallerStatusService",
    ];
    let Some(identifier) = info.and_then(|info| text(info, "CFBundleIdentifier")) else {
        return;
    };
    if stand_between.iter().all(|key| is_on(info, key)) {
        return;
    }
    for slice in app.slices.iter().filter(|slice| !is_signed_by_apple(slice)) {
        let Some(claims) = slice.entitlements.as_ref() else {
            continue;
        };
        let names = TAGS.map(|tag| service_name(identifier, tag));
        let missing: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !may_look_up(claims, name))
            .collect();
        if !missing.is_empty() {
            let message = format!("{LOOKUP} does not list {}", missing.join(" and "));
            check.object(app, message);
            // The same of all architectures, but for a mistake that is reported elsewhere.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::service_name;

    #[test]
    fn long_names_lose_their_beginning() {
        assert_eq!(service_name("com.example.acme", "-spki"), "com.example.acme-spki");
        let long = "a".repeat(122);
        assert_eq!(service_name(&long, "-spki"), format!("{long}-spki"));
        assert_eq!(service_name(&format!("b{long}"), "-spki"), format!("{long}-spki"));
    }
}
