//! Rules about the form of system extensions, drivers, kernel extensions and old plug-ins (R363, R366, R376, R377).
//!
//! Names, places and teams of system extensions are rules of their own; so are the entitlements of drivers.

use super::claims::{app_around, is_signed_by_apple};
use super::info_plist::{each_bundle, text};
use super::{Check, Family, Rule, Scope};
use crate::bundle::BundleKind;
use crate::finding::Severity;
use crate::remedy::{SIGN, Step, run};
use crate::verify::{CodeKind, CodeObject, SliceEvidence};

/// `PLATFORM_DRIVERKIT` of `LC_BUILD_VERSION`.
const DRIVERKIT: u32 = 10;

/// Hands over every bundle of this kind that Apple did not sign, also without an Info.plist.
fn each<'a>(check: &mut Check<'a>, kind: BundleKind, visit: impl Fn(&mut Check<'a>, &'a CodeObject)) {
    for object in &check.evidence().code {
        if object.kind == CodeKind::Bundle(kind) && !object.slices.iter().any(is_signed_by_apple) {
            visit(check, object);
        }
    }
}

fn descriptions(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let key = match kind {
            BundleKind::SystemExtension => "NSSystemExtensionUsageDescription",
            BundleKind::DriverExtension => "OSBundleUsageDescription",
            _ => return,
        };
        if text(info, key).is_none() {
            let finding = check.info_plist(object, format!("Info.plist has no {key}"));
            finding.facts.text("NSSystemExtensionUsageDescription", key);
        }
    });
}

fn architecture(slice: &SliceEvidence) -> String {
    slice
        .architecture
        .map(|found| found.to_string())
        .unwrap_or_default()
}

fn platforms(check: &mut Check<'_>) {
    each(check, BundleKind::DriverExtension, |check, object| {
        let programs = || {
            object
                .slices
                .iter()
                .filter(|slice| slice.file_type.is_some_and(|found| found.is_execute()))
        };
        let is_foreign =
            |slice: &SliceEvidence| slice.build_version.map(|version| version.platform) != Some(DRIVERKIT);
        if programs().any(is_foreign) {
            check.object(object, "the driver is not built for DriverKit");
        }
        let is_for_arm = |slice: &SliceEvidence| architecture(slice).starts_with("arm64");
        if programs().next().is_some() && !programs().any(is_for_arm) {
            check.object(object, "the driver has no code for Macs with Apple silicon");
        }
    });
}

fn kernel_extensions(check: &mut Check<'_>) {
    each(check, BundleKind::KernelExtension, |check, object| {
        let has_code = object.slices.iter().any(|slice| slice.architecture.is_some());
        let is_for_arm = object.slices.iter().any(|slice| architecture(slice) == "arm64e");
        if has_code && !is_for_arm {
            check.object(
                object,
                "the kernel extension has no arm64e code, so Macs with Apple silicon do not load it",
            );
        }
    });
}

fn quick_look_generators(check: &mut Check<'_>) {
    for object in &check.evidence().code {
        let is_generator =
            object.path.ends_with(".qlgenerator") && matches!(object.kind, CodeKind::Bundle(_));
        if is_generator && !object.slices.iter().any(is_signed_by_apple) {
            let around = app_around(check.evidence(), object).unwrap_or(object);
            check.within(around, &object.path, "a Quick Look generator");
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "system-extension-description",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a system extension that does not say what it is for",
        catalogue: "R363",
        explanation: "macOS asks the user whether a system extension or driver may be installed, and shows the description in its Info.plist: NSSystemExtensionUsageDescription, for drivers OSBundleUsageDescription.",
        remedy: &[
            Step::Say("write the description, then sign the extension and the app"),
            run!["plutil" "-replace" (Value "NSSystemExtensionUsageDescription") "-string" (Value "TEXT") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/nssystemextensionusagedescription",
        check: descriptions,
        ..Rule::BASE
    },
    Rule {
        id: "driver-platform",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a driver for another platform or other Macs",
        catalogue: "R366",
        explanation: "A driver extension is a program for the platform DriverKit, in the architecture of the Mac. One for macOS, or without code for the Mac's processor, is installed and never starts; the log says \"Exec format error\".",
        remedy: &[
            Step::Say("build it with the DriverKit SDK for both architectures, sign it, then the app"),
            run!["xcodebuild" "-sdk" "driverkit" "ARCHS=arm64 x86_64"],
        ],
        reference: "https://developer.apple.com/documentation/driverkit",
        scope: Scope::File,
        check: platforms,
        ..Rule::BASE
    },
    Rule {
        id: "kernel-extension-architecture",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a kernel extension without code for Apple silicon",
        catalogue: "R376",
        explanation: "The kernel of Macs with Apple silicon is arm64e, and loads no other extensions. Kernel extensions are deprecated; users must lower the security of their Mac to load one.",
        remedy: &[
            Step::Say(
                "make a system extension or driver of it; until then build it for arm64e as well, and sign it",
            ),
            run!["xcodebuild" "ARCHS=arm64e x86_64"],
        ],
        reference: "https://developer.apple.com/documentation/apple-silicon/installing-a-custom-kernel-extension",
        scope: Scope::File,
        check: kernel_extensions,
        ..Rule::BASE
    },
    Rule {
        id: "legacy-plugins",
        family: Family::Services,
        severity: Severity::Warning,
        title: "a plug-in of a kind that macOS no longer loads",
        catalogue: "R377",
        explanation: "macOS 15 removed Quick Look generators. Previews and thumbnails come from app extensions.",
        remedy: &[
            Step::Say(
                "make a Quick Look preview extension of it (com.apple.quicklook.preview), or remove it before signing the app",
            ),
            run!["rm" "-R" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/quicklookui",
        check: quick_look_generators,
        ..Rule::BASE
    },
];
