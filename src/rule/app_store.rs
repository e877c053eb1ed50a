//! Rules about uploads to the Mac App Store (R390, R391, R395, R396, R403), each from what App Store Connect answered to somebody.
//!
//! What it says of entitlements, profiles, icons and keys of Info.plist is with the rules about those. Not checked: private API,
//! and the package around the app.

use super::check::Said;
use super::claims::certificate;
use super::declared::packed;
use super::info_plist::text;
use super::profile::{leaf, short};
use super::sandbox::{is_sandboxed_app, lacks_sandbox};
use super::{Check, Family, Rule, Scope};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity, Target};
use crate::remedy::{CLAIM_INHERITANCE, CLAIM_SANDBOX, Condition, SIGN, SIGN_EDITED, Step, run};
use crate::source::NodeId;
use crate::trust::CertificateKind;
use crate::verify::{CodeKind, CodeObject};

/// macOS 12.0, packed as in load commands.
const MACOS_12: u32 = 0x000c_0000;
const RECEIPT: &str = "Contents/_MASReceipt/receipt";
const SIGN_FOR_STORE: &[Step] = &[Step::Say("sign again for upload, inner code first"), SIGN];

/// The item, where it is an app.
fn app<'a>(check: &Check<'a>) -> Option<&'a CodeObject> {
    let item = check.evidence().code.first()?;
    (item.kind == CodeKind::Bundle(BundleKind::App)).then_some(item)
}

fn sandbox(check: &mut Check<'_>) {
    // Where the app is in the sandbox, what is not is a matter of another rule.
    if app(check).is_none_or(is_sandboxed_app) {
        return;
    }
    check.each_slice(|_, object, slice, _| {
        let is_out = slice.is_for_mac() && lacks_sandbox(object, slice);
        is_out.then(|| Said::new(Severity::Error, "not sandboxed"))
    });
}

fn certificates(check: &mut Check<'_>) {
    check.each_slice(|_, _, slice, _| {
        let what = match certificate(slice)? {
            CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext => "a Developer ID",
            CertificateKind::Development => "a certificate for development",
            CertificateKind::IphoneDistribution => "a certificate for iOS alone",
            // The other kinds are no certificates for code, or Apple did not issue them: other rules say so.
            _ => return None,
        };
        let (signer, _) = leaf(slice)?;
        Some(Said::new(
            Severity::Error,
            format!("signed with \"{signer}\", {what}"),
        ))
    });
}

fn unlisted_certificates(check: &mut Check<'_>) {
    let Some(profile) = app(check)
        .and_then(|app| app.profile.as_ref())
        .and_then(|found| found.sound())
    else {
        return;
    };
    check.each_slice(|_, object, slice, _| {
        // What has a profile of its own is held against that one, the app by another rule.
        let is_nested = object.profile.is_none() && !object.path.is_empty();
        let (signer, digest) = leaf(slice).filter(|_| is_nested)?;
        let is_listed = profile.effective().lists_certificate(&digest);
        (!is_listed).then(|| {
            let message = format!(
                "signed with \"{signer}\" ({}), which the app's profile does not list",
                short(&digest)
            );
            Said::new(Severity::Error, message)
        })
    });
}

fn apple_silicon_only(check: &mut Check<'_>) {
    let Some(app) = app(check) else {
        return;
    };
    let is_arm64 = |app: &CodeObject| {
        let mut names = app.slices.iter().filter(|slice| slice.is_for_mac());
        let is_one = |name: String| name.starts_with("arm64");
        !app.slices.is_empty()
            && names.all(|slice| slice.architecture.is_some_and(|found| is_one(found.to_string())))
            && app.slices.iter().any(|slice| slice.is_for_mac())
    };
    let Some(info) = app.info_plist.as_ref().filter(|_| is_arm64(app)) else {
        return;
    };
    let declared = text(info, "LSMinimumSystemVersion");
    if declared.and_then(packed).is_none_or(|version| version < MACOS_12) {
        let message = match declared {
            Some(version) => format!("there is code for arm64 only, and the minimum system is {version}"),
            None => "there is code for arm64 only, and no minimum system".to_owned(),
        };
        check.plist_key(app, "LSMinimumSystemVersion", message);
    }
}

fn receipt(check: &mut Check<'_>) {
    let listing = &check.evidence().listing;
    let is_developer_id = app(check).is_some_and(|app| {
        app.slices
            .iter()
            .any(|slice| certificate(slice) == Some(CertificateKind::DeveloperIdApplication))
    });
    if is_developer_id && listing.lookup(NodeId(0), RECEIPT).id().is_some() {
        check.file(
            RECEIPT,
            "a receipt of the App Store in an app that is signed with a Developer ID",
        );
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "app-store-sandbox-missing",
        family: Family::AppStore,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "an app for the App Store without sandbox",
        catalogue: "R390",
        explanation: "Every program in an app for the Mac App Store must be in the App Sandbox. App Store Connect refuses the upload and lists those that are not.",
        remedy: &[Step::If(
            Condition::Bundle,
            &[
                Step::Say("claim com.apple.security.app-sandbox"),
                Step::Claim(&[CLAIM_SANDBOX]),
                SIGN_EDITED,
            ],
            &[
                Step::Say(
                    "claim com.apple.security.app-sandbox, and com.apple.security.inherit, since the app starts it as its child",
                ),
                Step::Claim(&[CLAIM_SANDBOX, CLAIM_INHERITANCE]),
                SIGN_EDITED,
            ],
        )],
        apple: "App Store Connect: \"ITMS-90296: App sandbox not enabled\"",
        reference: "https://developer.apple.com/documentation/security/app-sandbox",
        check: sandbox,
        ..Rule::BASE
    },
    Rule {
        id: "app-store-wrong-certificate",
        family: Family::AppStore,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "code for the App Store is not signed for upload",
        catalogue: "R391",
        explanation: "App Store Connect takes code that is signed with Apple Distribution or 3rd Party Mac Developer Application, and asks every piece of code in the app: helpers that were signed earlier with a Developer ID, such as those in frameworks of others, are the usual case.",
        remedy: SIGN_FOR_STORE,
        apple: "App Store Connect: \"ITMS-90238: Invalid Signature\"",
        reference: "https://developer.apple.com/forums/thread/733942",
        check: certificates,
        ..Rule::BASE
    },
    Rule {
        id: "app-store-certificate-not-in-profile",
        family: Family::AppStore,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "nested code is signed with a certificate that the app's profile does not list",
        catalogue: "R403",
        explanation: "App Store Connect holds the certificate of every piece of code against the app's provisioning profile, not that of the main executable alone.",
        remedy: SIGN_FOR_STORE,
        apple: "App Store Connect: \"ITMS-90284: must be signed with the certificate that is contained in the provisioning profile\"",
        reference: "https://developer.apple.com/documentation/technotes/tn3125-inside-code-signing-provisioning-profiles",
        follows_from: &["app-store-wrong-certificate", "self-signed"],
        follows_from_outer: &["profile-certificate-mismatch"],
        check: unlisted_certificates,
        ..Rule::BASE
    },
    Rule {
        id: "app-store-arm64-only",
        family: Family::AppStore,
        severity: Severity::Warning,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "an app for Apple silicon alone that does not ask for macOS 12",
        catalogue: "R395",
        explanation: "The App Store takes apps without code for Intel if they need macOS 12 or later; before that, Macs with Intel would be offered an app that they cannot run. That is what developers report, not what a document of Apple's says.",
        remedy: &[
            Step::Say("build for both architectures, or ask for macOS 12, then sign again"),
            run!["plutil" "-replace" "LSMinimumSystemVersion" "-string" "12.0" File],
            SIGN,
        ],
        scope: Scope::File,
        check: apple_silicon_only,
        ..Rule::BASE
    },
    Rule {
        id: "receipt-in-developer-id-app",
        family: Family::AppStore,
        severity: Severity::Warning,
        targets: &[Target::DeveloperId],
        title: "a receipt of the App Store outside of the App Store",
        catalogue: "R396",
        explanation: "The App Store puts a receipt into what it delivers. In an app that is signed with a Developer ID it is a leftover of another build: code that validates receipts refuses it, and macOS may ask for an Apple account.",
        remedy: &[
            Step::Say("remove the folder and sign again"),
            run!["rm" "-r" (Support "_MASReceipt")],
            SIGN,
        ],
        check: receipt,
        ..Rule::BASE
    },
];
