//! Rules that hold what Info.plist declares against the code beside it, and what the App Store asks for in it (R253,
//! R256, R260, R262, R266, R270–R272).
//!
//! Values are compared as they are written: what only App Store Connect knows of an app is not looked at.

use crate::remedy::{SIGN, Step, run};
use std::collections::BTreeMap;

use super::info_plist::{KEYS, each_bundle, needs_identifier, text, variable};
use super::nesting::is_in_flattened;
use super::{Check, Family, Rule, Scope};
use crate::bundle::BundleKind;
use crate::finding::{Party, Place, Severity, Target};
use crate::macho::BuildVersion;
use crate::plist::{Dictionary, Value};
use crate::verify::{CodeObject, SliceEvidence};

/// `PLATFORM_MACOS` of `LC_BUILD_VERSION`; `LC_VERSION_MIN_MACOSX` is read as it.
const MACOS: u32 = 1;

/// Parts of a version that are compared, as in 10.15.7.
const VERSION_PARTS: usize = 3;

/// A version in the form of `LC_BUILD_VERSION`, or nothing where it is no list of up to three numbers.
pub(super) fn packed(version: &str) -> Option<u32> {
    let parts: Vec<&str> = version.split('.').collect();
    if parts.len() > VERSION_PARTS {
        return None;
    }
    let mut numbers = parts.iter().map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    });
    let major = numbers.next()??;
    let minor = numbers.next().unwrap_or(Some(0))?;
    let patch = numbers.next().unwrap_or(Some(0))?;
    if major > 0xffff || minor > 0xff || patch > 0xff {
        return None;
    }
    Some(major << 16 | minor << 8 | patch)
}

fn identifiers(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let named = text(info, "CFBundleIdentifier").filter(|found| variable(found).is_none());
        let (Some(named), true) = (named, needs_identifier(kind)) else {
            return;
        };
        // Linkers name what they sign after the file; that such code was never signed is a rule of its own.
        let mut signed = object
            .slices
            .iter()
            .filter(|slice| slice.identity.is_some())
            .filter_map(|slice| slice.identifier.as_deref());
        if let Some(other) = signed.find(|signed| *signed != named) {
            let message = format!("CFBundleIdentifier is {named}, the signature says {other}");
            check.plist_key(object, "CFBundleIdentifier", message);
        }
    });
}

/// The oldest macOS that the x86-64 code is for. Other code is for 11.0 or later whatever Info.plist says.
fn oldest(slices: &[SliceEvidence]) -> Option<u32> {
    let intel = slices.iter().find(|slice| {
        slice
            .architecture
            .is_some_and(|found| found.to_string() == "x86_64")
    })?;
    let version = intel.build_version?;
    (version.platform == MACOS).then_some(version.min_os)
}

fn systems(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let by_architecture = info
            .get("LSMinimumSystemVersionByArchitecture")
            .and_then(Value::as_dictionary)
            .and_then(|found| text(found, "x86_64"));
        let key = match by_architecture {
            Some(_) => "LSMinimumSystemVersionByArchitecture.x86_64",
            None => "LSMinimumSystemVersion",
        };
        let top = key.split('.').next().unwrap_or(key);
        let declared = by_architecture.or_else(|| text(info, "LSMinimumSystemVersion"));
        let declared = declared.filter(|found| variable(found).is_none());
        // Launch Services asks about apps only.
        let (Some(declared), BundleKind::App) = (declared, kind) else {
            return;
        };
        let Some(version) = packed(declared) else {
            let message = format!("the minimum system {declared:?} is not a version such as 10.15 or 11.0");
            let finding = check.plist_key(object, top, message);
            finding.facts.text("LSMinimumSystemVersion", key);
            if let Some(oldest) = oldest(&object.slices) {
                finding.facts.text("VERSION", BuildVersion::text(oldest));
            }
            return;
        };
        if let Some(oldest) = oldest(&object.slices).filter(|oldest| version < *oldest) {
            let message = format!(
                "the minimum system is {declared}, but the code for x86_64 was built for {} or later",
                BuildVersion::text(oldest)
            );
            let finding = check.plist_key(object, top, message);
            finding.facts.text("LSMinimumSystemVersion", key);
            finding.facts.text("VERSION", BuildVersion::text(oldest));
        }
    });
}

fn is_for_macos(object: &CodeObject) -> bool {
    let mut slices = object.slices.iter();
    slices.any(|slice| slice.build_version.is_some_and(|found| found.platform == MACOS))
}

fn platforms(check: &mut Check<'_>) {
    each_bundle(check, |check, object, _, info| {
        if !is_for_macos(object) {
            return;
        }
        let declared = info.get("CFBundleSupportedPlatforms").and_then(Value::as_array);
        let named: Vec<&str> = declared.into_iter().flatten().filter_map(Value::as_str).collect();
        if !named.is_empty() && !named.iter().any(|name| name.eq_ignore_ascii_case("MacOSX")) {
            let message = format!(
                "CFBundleSupportedPlatforms is {}, and the code is for macOS",
                named.join(", ")
            );
            check.plist_key(object, "CFBundleSupportedPlatforms", message);
        }
    });
}

fn architectures(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let present: Vec<String> = object
            .slices
            .iter()
            .filter_map(|slice| Some(slice.architecture?.to_string()))
            .collect();
        if kind != BundleKind::App || present.is_empty() {
            return;
        }
        // `arm64` stands for `arm64e` as well, and `x86_64` for `x86_64h`.
        let is_absent = |name: &&str| !present.iter().any(|found| found.starts_with(*name));
        let declared = info.get("LSArchitecturePriority").and_then(Value::as_array);
        let absent: Vec<&str> = declared
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(is_absent)
            .collect();
        if !absent.is_empty() {
            let message = format!(
                "LSArchitecturePriority names {}, the code has {}",
                absent.join(", "),
                present.join(", ")
            );
            check.plist_key(object, "LSArchitecturePriority", message);
        }
    });
}

fn duplicates(check: &mut Check<'_>) {
    let mut by_identifier: BTreeMap<&str, Vec<&CodeObject>> = BTreeMap::new();
    let evidence = check.evidence();
    for object in &evidence.code {
        let crate::verify::CodeKind::Bundle(kind) = object.kind else {
            continue;
        };
        // The copies go when the links come back.
        if is_in_flattened(evidence, &object.path) {
            continue;
        }
        let Some(info) = object.info_plist.as_ref().filter(|_| needs_identifier(kind)) else {
            continue;
        };
        if let Some(identifier) = text(info, "CFBundleIdentifier").filter(|found| variable(found).is_none()) {
            by_identifier.entry(identifier).or_default().push(object);
        }
    }
    for (identifier, objects) in by_identifier {
        // The outer bundle keeps its identifier.
        let [_, second, ..] = objects[..] else { continue };
        let message = format!("{} bundles have the identifier {identifier}", objects.len());
        check.plist_key(second, "CFBundleIdentifier", message).places = objects
            .iter()
            .filter_map(|object| object.info_plist_file.as_ref())
            .map(|file| Place {
                path: file.path.clone(),
                note: "the same identifier",
            })
            .collect();
    }
}

/// Hands over the app that is to be uploaded, where it is one for Macs.
fn uploaded_app(check: &mut Check<'_>, visit: impl Fn(&mut Check<'_>, &CodeObject, &Dictionary)) {
    each_bundle(check, |check, object, kind, info| {
        let is_for_mac = object.slices.first().is_some_and(SliceEvidence::is_for_mac);
        if object.path.is_empty() && kind == BundleKind::App && is_for_mac {
            visit(check, object, info);
        }
    });
}

fn categories(check: &mut Check<'_>) {
    uploaded_app(check, |check, object, info| {
        if text(info, "LSApplicationCategoryType").is_none() {
            check.info_plist(object, "Info.plist has no LSApplicationCategoryType");
        }
    });
}

fn icons(check: &mut Check<'_>) {
    uploaded_app(check, |check, object, info| {
        let has_list = ["CFBundleIcons", "CFBundleIconFiles"]
            .iter()
            .any(|key| info.get(key).is_some());
        let has_name = ["CFBundleIconFile", "CFBundleIconName"]
            .iter()
            .any(|key| text(info, key).is_some());
        if !has_list && !has_name {
            check.info_plist(
                object,
                "Info.plist has neither CFBundleIconFile nor CFBundleIconName",
            );
        }
    });
}

fn export(check: &mut Check<'_>) {
    uploaded_app(check, |check, object, info| {
        if info.get("ITSAppUsesNonExemptEncryption").is_none() {
            check.info_plist(object, "Info.plist has no ITSAppUsesNonExemptEncryption");
        }
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "identifier-differs-from-signature",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "a bundle with one identifier in Info.plist and another in its signature",
        catalogue: "R253",
        explanation: "codesign does not mind, but macOS uses now the one, now the other: profiles and privacy settings, requirements of helpers and system extensions compare the signature's, Launch Services the one in Info.plist. Signing with -i, or a change of Info.plist before a signature that kept the old identifier, causes this.",
        remedy: &[
            Step::Say(
                "sign without -i and without --preserve-metadata=identifier, so that codesign takes the identifier of Info.plist",
            ),
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleidentifier",
        follows_from: &["info-plist-changed"],
        check: identifiers,
        ..Rule::BASE
    },
    Rule {
        id: "minimum-system-too-low",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "an app that claims to run on older systems than its code was built for",
        catalogue: "R256, R203",
        explanation: "Launch Services tells people by LSMinimumSystemVersion that an app needs a newer macOS. Where the code was built for a newer one than that says, they see a crash in dyld in place of the dialog. Code for Apple silicon is for 11.0 or later in any case and is not compared.",
        remedy: &[
            Step::Say("set it to what the code was built for, then sign again"),
            run!["plutil" "-replace" (Value "LSMinimumSystemVersion") "-string" (Value "VERSION") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/lsminimumsystemversion",
        check: systems,
        ..Rule::BASE
    },
    Rule {
        id: "supported-platforms-wrong",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "code for macOS whose Info.plist names other platforms only",
        catalogue: "R260",
        explanation: "CFBundleSupportedPlatforms comes from the SDK that the bundle was built with. One that names no MacOSX was copied from a build for another platform, and tools that go by it take the bundle for code for that one.",
        remedy: &[
            Step::Say("take the Info.plist of the build for macOS, or correct it, then sign again"),
            run!["plutil" "-replace" "CFBundleSupportedPlatforms" "-json" "[\"MacOSX\"]" File],
            SIGN,
        ],
        reference: KEYS,
        check: platforms,
        ..Rule::BASE
    },
    Rule {
        id: "duplicate-bundle-identifier",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "several programs in one product have the same bundle identifier",
        catalogue: "R266",
        explanation: "Launch Services, launchd and privacy settings know apps, extensions and services by their identifier. Of two with the same one they find now this, now that.",
        remedy: &[
            Step::Say("give each its own identifier, then sign from the inside out"),
            run!["plutil" "-replace" "CFBundleIdentifier" "-string" "com.example.NAME" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleidentifier",
        check: duplicates,
        ..Rule::BASE
    },
    Rule {
        id: "architecture-priority-without-code",
        family: Family::InfoPlist,
        severity: Severity::Note,
        title: "Info.plist prefers an architecture that the program does not have",
        catalogue: "R262",
        explanation: "LSArchitecturePriority is the order in which Launch Services tries the architectures of an app. It passes by one for which there is no code, so the entry does nothing; perhaps a slice was lost in the build.",
        remedy: &[
            Step::Say("build that architecture as well, or take the entry out, then sign again"),
            run!["plutil" "-remove" "LSArchitecturePriority" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/lsarchitecturepriority",
        scope: Scope::File,
        check: architectures,
        ..Rule::BASE
    },
    Rule {
        id: "app-category-missing",
        family: Family::InfoPlist,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "an app for the App Store without a category",
        catalogue: "R270",
        explanation: "App Store Connect refuses the upload of an app for macOS that has no LSApplicationCategoryType in its Info.plist.",
        remedy: &[
            Step::Say("set a category, then sign again"),
            run!["plutil" "-replace" "LSApplicationCategoryType" "-string" "public.app-category.utilities" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/lsapplicationcategorytype",
        check: categories,
        ..Rule::BASE
    },
    Rule {
        id: "app-icon-missing",
        family: Family::InfoPlist,
        rejected_by: &[Party::AppStore],
        targets: &[Target::MacAppStore],
        title: "an app for the App Store without an icon",
        catalogue: "R272",
        explanation: "App Store Connect refuses the upload of an app for macOS whose Info.plist names no icon, neither a file (CFBundleIconFile) nor one of the asset catalogue (CFBundleIconName). Whether the icon is there is not looked at.",
        remedy: &[
            Step::Say("add the icon to Contents/Resources and name it, then sign again"),
            run!["plutil" "-replace" "CFBundleIconFile" "-string" "AppIcon" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleiconfile",
        check: icons,
        ..Rule::BASE
    },
    Rule {
        id: "export-compliance-undeclared",
        family: Family::InfoPlist,
        severity: Severity::Note,
        targets: &[Target::MacAppStore],
        title: "an app for the App Store that does not say whether it encrypts",
        catalogue: "R271",
        explanation: "Without ITSAppUsesNonExemptEncryption, App Store Connect asks about encryption by hand for every upload, and the build waits for the answer.",
        remedy: &[
            Step::Say("declare it, then sign again"),
            run!["plutil" "-replace" "ITSAppUsesNonExemptEncryption" "-bool" "NO" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/itsappusesnonexemptencryption",
        check: export,
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::packed;

    #[test]
    fn versions_are_up_to_three_numbers() {
        assert_eq!(packed("10.15"), Some(0x000a_0f00));
        assert_eq!(packed("10.15.7"), Some(0x000a_0f07));
        assert_eq!(packed("11"), Some(0x000b_0000));
        for text in ["10.15.x", "", "10.", "1.2.3.4", "70000", "10.300", "+10.1"] {
            assert_eq!(packed(text), None, "{text}");
        }
    }
}
