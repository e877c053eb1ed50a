//! The table of entitlements against the lists that it was made from.

use std::fs;

use sealcheck::entitlements::{Class, Flag, Platform, all, classify, find};

use crate::support::{notice, project};

/// "Commonly Hallucinated Entitlements" on Apple's forums, as of 2025-12-09, with the key to claim instead.
const HALLUCINATED: [(&str, Option<&str>); 21] = [
    (
        "com.apple.developer.push-notifications",
        Some("com.apple.developer.aps-environment"),
    ),
    ("com.apple.developer.in-app-purchase", None),
    ("com.apple.InAppPurchase", None),
    ("com.apple.developer.storekit", None),
    ("com.apple.developer.in-app-purchase.non-consumable", None),
    ("com.apple.developer.in-app-purchase.subscription", None),
    (
        "com.apple.developer.app-groups",
        Some("com.apple.security.application-groups"),
    ),
    ("com.apple.developer.background-modes", None),
    ("UIBackgroundModes", None),
    ("com.apple.developer.voip-push-notification", None),
    (
        "com.apple.developer.family-controls.user-authorization",
        Some("com.apple.developer.family-controls"),
    ),
    (
        "com.apple.developer.device-activity",
        Some("com.apple.developer.family-controls"),
    ),
    (
        "com.apple.developer.managed-settings",
        Some("com.apple.developer.family-controls"),
    ),
    ("com.apple.developer.callkit.call-directory", None),
    ("com.apple.developer.nearby-interaction", None),
    ("com.apple.developer.secure-enclave", None),
    (
        "com.apple.developer.networking.configuration",
        Some("com.apple.developer.networking.HotspotConfiguration"),
    ),
    ("com.apple.developer.musickit", None),
    ("com.apple.mail.extension", None),
    ("com.apple.security.accessibility", None),
    ("com.apple.developer.adservices", None),
];

#[test]
fn every_commonly_hallucinated_key_is_known() {
    for (key, replacement) in HALLUCINATED {
        let line = find(key).unwrap();
        assert_eq!(line.class, Class::Hallucinated, "{key}");
        assert_eq!(line.replacement, replacement, "{key}");
        assert!(
            line.replacement.or(line.advice).is_some(),
            "{key}: nothing to do instead"
        );
    }
    let all = all().filter(|line| line.class == Class::Hallucinated).count();
    assert_eq!(all, HALLUCINATED.len());
}

/// Keys found since: the first is in Apple's documentation, and without function on any platform (Apple's forums,
/// thread 843327), so that the driver needs none in its place.
const ADDED: [&str; 1] = ["com.apple.developer.driverkit.family.hid.virtual.device"];

/// The research that the table condenses, row by row.
#[test]
fn agrees_with_its_source() {
    let source = project().join("../shared/spec/entitlements.tsv");
    let Ok(text) = fs::read_to_string(&source) else {
        return notice(&format!(
            "no {}, its agreement with the table is not tested",
            source.display()
        ));
    };
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    let is_added = |key: &str| ADDED.contains(&key);
    assert_eq!(rows.len(), all().filter(|line| !is_added(line.key)).count());
    assert!(ADDED.iter().all(|key| find(key).is_some()));
    for row in rows {
        let [key, types, platforms, class, _, facts, replacement, ..] = row[..] else {
            panic!("{row:?}");
        };
        let line = all()
            .find(|line| line.key == key)
            .unwrap_or_else(|| panic!("{key} is missing"));
        let mut words = class.split(';');
        let (main, group) = words
            .next()
            .map(|word| word.split_once(':').unwrap_or((word, "")))
            .unwrap();
        let rest: Vec<_> = words.collect();
        let expected = match main {
            "unrestricted" => Class::Unrestricted,
            "restricted" => Class::Restricted,
            "managed" => Class::Managed,
            "apple-private" => Class::ApplePrivate,
            "hallucinated" => Class::Hallucinated,
            "suspect-unreal" => Class::Suspect,
            other => panic!("{key}: {other}"),
        };
        assert_eq!(line.class, expected, "{key}");
        for (name, flag) in [
            ("sandbox", Flag::Sandbox),
            ("hardened-runtime", Flag::HardenedRuntime),
            ("debug", Flag::Debug),
            ("identity", Flag::Identity),
        ] {
            assert_eq!(line.has(flag), group == name, "{key}: {name}");
        }
        assert_eq!(line.has(Flag::Deprecated), rest.contains(&"deprecated"), "{key}");
        let adp = facts.contains("ADP only");
        assert_eq!(line.has(Flag::NoDeveloperId), adp, "{key}");
        assert_eq!(
            line.has(Flag::Unproven),
            facts.contains("not established"),
            "{key}"
        );
        if line.class == Class::Unrestricted || line.class.needs_profile() {
            let is_on_mac = line.is_on(Platform::MacOs) || line.is_on(Platform::Catalyst);
            assert_eq!(is_on_mac, !rest.contains(&"not-macOS"), "{key}");
            // "iOS macOS (TestFlight)", "macOS (Catalyst)", "Mac Catalyst 13.0+ macOS 10.8+", "all".
            let names = platforms.replace("macOS (Catalyst)", "Mac Catalyst");
            assert_eq!(
                line.is_on(Platform::MacOs),
                names.contains("macOS") || names == "all",
                "{key}"
            );
            let ios = names.contains("iOS") || names == "all";
            assert_eq!(line.is_on(Platform::Ios), ios, "{key}");
            assert_eq!(
                line.is_on(Platform::VisionOs),
                names.contains("visionOS") || matches!(names.as_str(), "all" | "iOS family"),
                "{key}"
            );
        }
        let same = match types {
            "-" => line.types() == "-",
            "object" | "dictionary of bundle id -> array of access groups" => line.types() == "dictionary",
            "boolean/array" | "array/boolean" => line.types() == "boolean or array of strings",
            "boolean/string" => line.types() == "boolean or string",
            "array of strings or string" => line.types() == types,
            "array of strings" if facts.contains("single string tolerated") => {
                line.types() == "array of strings or string"
            }
            other => line.types() == other,
        };
        assert!(same, "{key}: {types}, but {}", line.types());
        // The source's words about a replacement begin with the key to claim, or with "none".
        let first = replacement.split([' ', ',', '(']).next().unwrap_or_default();
        if classify(first) != Class::Foreign && find(first).is_some() {
            assert_eq!(line.replacement, Some(first), "{key}");
        }
    }
}
