//! Rules about Info.plist (R250, R252, R254, R263, R264, R268, R269).
//!
//! They read the file that lies in the bundle, whether or not a signature binds it: a change is a rule of its own.

use super::claims::{app_around, is_signed_by_apple};
use super::{Check, Family, Rule};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity, Target};
use crate::plist::{Dictionary, Value};
use crate::remedy::{Condition, SIGN, Step, run};
use crate::verify::{CodeKind, CodeObject};

pub(super) const KEYS: &str =
    "https://developer.apple.com/documentation/bundleresources/information-property-list";

/// Nested arrays and dictionaries that are looked into; no honest Info.plist nests as deep.
const MAX_DEPTH: usize = 16;

/// Hands over every bundle that has an Info.plist, Apple's own left out.
pub(super) fn each_bundle<'a>(
    check: &mut Check<'a>,
    visit: impl Fn(&mut Check<'a>, &'a CodeObject, BundleKind, &'a Dictionary),
) {
    for object in &check.evidence().code {
        if let CodeKind::Bundle(kind) = object.kind
            && let Some(info) = &object.info_plist
            && !object.slices.iter().any(is_signed_by_apple)
        {
            visit(check, object, kind, info);
        }
    }
}

pub(super) fn text<'a>(info: &'a Dictionary, key: &str) -> Option<&'a str> {
    info.get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// Whether a key is what Cocoa takes for true (`-[NSString boolValue]`, `-[NSNumber boolValue]`).
pub(super) fn is_on(info: Option<&Dictionary>, key: &str) -> bool {
    match info.and_then(|info| info.get(key)) {
        Some(Value::Boolean(value)) => *value,
        Some(Value::Integer(value)) => *value != 0,
        Some(Value::String(text)) => text
            .trim_start_matches([' ', '+', '-', '0'])
            .starts_with(|first| matches!(first, 'Y' | 'y' | 'T' | 't' | '1'..='9')),
        _ => false,
    }
}

/// Whether the system looks this kind of bundle up by its identifier.
pub(super) fn needs_identifier(kind: BundleKind) -> bool {
    matches!(
        kind,
        BundleKind::App
            | BundleKind::AppExtension
            | BundleKind::XpcService
            | BundleKind::SystemExtension
            | BundleKind::DriverExtension
            | BundleKind::KernelExtension
    )
}

/// The value that the remedy of a wrong identifier needs.
const IDENTIFIER: &str = "com.example.NAME";

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.".contains(&byte)
}

fn identifiers(check: &mut Check<'_>) {
    let is_for_store = check.target() == Target::MacAppStore;
    each_bundle(check, |check, object, kind, info| {
        if !needs_identifier(kind) {
            return;
        }
        let Some(identifier) = text(info, "CFBundleIdentifier") else {
            // The signature may still know it.
            let signed = object.slices.first().and_then(|slice| slice.identifier.clone());
            let finding = check.info_plist(object, "Info.plist has no CFBundleIdentifier");
            if let Some(identifier) = signed.filter(|text| text.contains('.') && text.bytes().all(is_allowed))
            {
                finding.facts.text(IDENTIFIER, identifier);
            }
            if is_for_store {
                finding.severity = Severity::Error;
                finding.rejected_by = vec![Party::AppStore];
            }
            return;
        };
        // A build variable in it has a rule of its own.
        if variable(identifier).is_some() {
            return;
        }
        let message = if !identifier.bytes().all(is_allowed) {
            format!("CFBundleIdentifier {identifier:?} has characters other than letters, digits, - and .")
        } else if identifier.starts_with("com.apple.") {
            format!("CFBundleIdentifier {identifier} is in a name space that belongs to Apple")
        } else if identifier.starts_with("com.yourcompany.") {
            format!("CFBundleIdentifier {identifier} is that of a template")
        } else {
            return;
        };
        let finding = check.plist_key(object, "CFBundleIdentifier", message);
        if !identifier.bytes().all(is_allowed) {
            let allowed = |letter: char| u8::try_from(letter).is_ok_and(is_allowed);
            let right: String = identifier
                .chars()
                .map(|letter| if allowed(letter) { letter } else { '-' })
                .collect();
            finding.facts.text(IDENTIFIER, right);
        }
    });
}

fn unreadable(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for object in &evidence.code {
        // Frameworks and plug-ins of other makes do without.
        let CodeKind::Bundle(kind) = object.kind else {
            continue;
        };
        if object.faults.iter().any(|fault| fault.unread().is_some()) {
            check.unknown(&object.path, "part of the bundle was not read");
            continue;
        }
        let not_read = object
            .info_plist_file
            .as_ref()
            .and_then(|file| file.not_read.clone());
        let message = match (&object.info_plist_file, not_read) {
            (_, Some(reason)) => {
                check.unknown(&object.path, format!("Info.plist was not read: {reason}"));
                continue;
            }
            (Some(file), _) if file.is_dictionary => continue,
            (Some(_), _) => "this is not a property list with a dictionary",
            (None, _) if !needs_identifier(kind) => continue,
            (None, _) if evidence.may_hide_names(&object.path) => {
                check.unknown(&object.path, "not all names of the bundle could be read");
                continue;
            }
            (None, _) => "the bundle has no Info.plist",
        };
        let finding = check.info_plist(object, message);
        if !needs_identifier(kind) {
            // macOS neither registers nor starts it; code that uses the bundle may need no more than its files.
            finding.severity = Severity::Warning;
            finding.rejected_by = Vec::new();
        }
    }
}

fn prefixes(check: &mut Check<'_>) {
    let target = check.target();
    each_bundle(check, |check, object, kind, info| {
        // Services of other makes keep their names.
        let is_bound = matches!(kind, BundleKind::AppExtension | BundleKind::SystemExtension);
        let identifier_of = |info| text(info, "CFBundleIdentifier").filter(|found| variable(found).is_none());
        let app = app_around(check.evidence(), object).and_then(|app| app.info_plist.as_ref());
        let (Some(own), Some(outer), true) = (identifier_of(info), app.and_then(identifier_of), is_bound)
        else {
            return;
        };
        if own.strip_prefix(outer).is_none_or(|rest| !rest.starts_with('.')) {
            let message =
                format!("CFBundleIdentifier {own} does not begin with {outer}. of the app around it");
            let finding = check.plist_key(object, "CFBundleIdentifier", message);
            let name = own.rsplit('.').next().unwrap_or(own);
            finding.facts.text("APP.NAME", format!("{outer}.{name}"));
            if target != Target::MacAppStore {
                finding.severity = Severity::Warning;
                finding.rejected_by = Vec::new();
            }
        }
    });
}

fn extension_points(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        let has_point = |dictionary: &str, key: &str| {
            info.get(dictionary)
                .and_then(Value::as_dictionary)
                .is_some_and(|found| text(found, key).is_some())
        };
        if kind == BundleKind::AppExtension
            && !has_point("NSExtension", "NSExtensionPointIdentifier")
            && !has_point("EXAppExtensionAttributes", "EXExtensionPointIdentifier")
        {
            check.info_plist(
                object,
                "Info.plist has neither NSExtension/NSExtensionPointIdentifier nor EXAppExtensionAttributes/EXExtensionPointIdentifier",
            );
        }
    });
}

fn services(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        if kind != BundleKind::XpcService {
            return;
        }
        if info.get("XPCService").and_then(Value::as_dictionary).is_none() {
            // launchd has defaults for all that may stand in it (xpcservice.plist(5)).
            let finding = check.info_plist(object, "Info.plist has no XPCService dictionary");
            finding.severity = Severity::Warning;
            finding.facts.text("SERVICE", r#"{"ServiceType":"Application"}"#);
        } else if !text(info, "CFBundlePackageType")
            .is_some_and(|found| found == "XPC!" || variable(found).is_some())
        {
            check.plist_key(object, "CFBundlePackageType", "CFBundlePackageType is not XPC!");
        }
    });
}

fn package_types(check: &mut Check<'_>) {
    each_bundle(check, |check, object, kind, info| {
        if kind != BundleKind::App
            || !object
                .executable
                .as_deref()
                .unwrap_or_default()
                .contains("MacOS/")
        {
            return;
        }
        let message = match text(info, "CFBundlePackageType") {
            // The Finder is the one app of another type.
            Some("APPL" | "FNDR") => return,
            Some(other) if variable(other).is_some() => return,
            Some(other) => format!("CFBundlePackageType is {other:?}, not APPL"),
            None => "Info.plist has no CFBundlePackageType".to_owned(),
        };
        check.plist_key(object, "CFBundlePackageType", message);
    });
}

/// `$(NAME)`, `${NAME}`, with a modifier such as `:rfc1034identifier` as well.
pub(super) fn variable(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = rest.get(at..)?;
        let end = match rest.as_bytes().get(1) {
            Some(b'(') => rest.find(')'),
            Some(b'{') => rest.find('}'),
            _ => None,
        };
        let name = end.and_then(|end| rest.get(2..end)).unwrap_or_default();
        let word = name.split(':').next().unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if word.len() > 2 && word.bytes().all(is_name) {
            return rest.get(..=end?);
        }
        rest = rest.get(1..)?;
    }
    None
}

/// The first build variable in a value.
fn variable_in(value: &Value, depth: usize) -> Option<&str> {
    let depth = depth.checked_sub(1)?;
    if let Some(text) = value.as_str() {
        return variable(text);
    }
    if let Some(values) = value.as_array() {
        return values.iter().find_map(|value| variable_in(value, depth));
    }
    let entries = value.as_dictionary()?;
    entries.iter().find_map(|(_, value)| variable_in(value, depth))
}

fn variables(check: &mut Check<'_>) {
    let is_for_store = check.target() == Target::MacAppStore;
    each_bundle(check, |check, object, _, info| {
        for (key, value) in info.iter() {
            if let Some(found) = variable_in(value, MAX_DEPTH) {
                let finding = check.plist_key(object, key, format!("{key} holds {found}"));
                let party = match key {
                    "CFBundleExecutable" => Party::MacOs,
                    "CFBundleIdentifier" if is_for_store => Party::AppStore,
                    _ => continue,
                };
                finding.severity = Severity::Error;
                finding.rejected_by = vec![party];
            }
        }
    });
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "info-plist-invalid",
        family: Family::InfoPlist,
        rejected_by: &[Party::MacOs],
        title: "the bundle's Info.plist is missing or cannot be read",
        catalogue: "R250",
        explanation: "Info.plist is a property list with a dictionary, in Contents, in Resources of a framework's version, or in the bundle itself. Without it macOS knows neither the kind of the bundle nor its identifier nor its executable, and no requirement can be evaluated on its code.",
        remedy: &[
            Step::Say("restore or correct it, then sign"),
            run!["plutil" "-lint" File],
            SIGN,
        ],
        reference: KEYS,
        follows_from: &[
            "info-plist-changed",
            "requirement-cannot-be-evaluated",
            "framework-flattened",
        ],
        check: unreadable,
        ..Rule::BASE
    },
    Rule {
        id: "bundle-identifier-invalid",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "the bundle identifier is missing or not a proper one",
        catalogue: "R252",
        explanation: "macOS knows apps, extensions and services by CFBundleIdentifier: Launch Services, privacy settings, profiles and launchd look them up by it. It may hold letters, digits, hyphens and periods only; names under com.apple are Apple's.",
        remedy: &[
            Step::Say("set CFBundleIdentifier, then sign"),
            run!["plutil" "-replace" "CFBundleIdentifier" "-string" (Value "com.example.NAME") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleidentifier",
        check: identifiers,
        ..Rule::BASE
    },
    Rule {
        id: "nested-identifier-prefix",
        family: Family::InfoPlist,
        rejected_by: &[Party::AppStore],
        title: "a nested bundle whose identifier does not begin with that of its app",
        catalogue: "R268",
        explanation: "The identifier of an app extension or a system extension is that of the app, a period, and a name. App Store Connect and Xcode refuse others.",
        remedy: &[
            Step::Say("name it after the app, then sign again"),
            run!["plutil" "-replace" "CFBundleIdentifier" "-string" (Value "APP.NAME") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundleidentifier",
        check: prefixes,
        ..Rule::BASE
    },
    Rule {
        id: "package-type-wrong",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "an app that does not say that it is one",
        catalogue: "R254",
        explanation: "Gatekeeper takes a bundle for an app by CFBundlePackageType APPL. Without it the bundle is assessed as something else, and people see another dialog than that for a notarized app.",
        remedy: &[
            Step::Say("set it, then sign again"),
            run!["plutil" "-replace" "CFBundlePackageType" "-string" (Value "APPL") File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/cfbundlepackagetype",
        check: package_types,
        ..Rule::BASE
    },
    Rule {
        id: "extension-point-missing",
        family: Family::InfoPlist,
        rejected_by: &[Party::MacOs],
        title: "an app extension that does not say what it extends",
        catalogue: "R263",
        explanation: "macOS finds an extension by the extension point in its Info.plist. Without one, pluginkit ignores the bundle, whatever its signature.",
        remedy: &[
            Step::Say("declare the extension point, then sign again"),
            run!["plutil" "-insert" "NSExtension" "-json" "{\"NSExtensionPointIdentifier\":\"POINT\",\"NSExtensionPrincipalClass\":\"CLASS\"}" File],
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/nsextension",
        check: extension_points,
        ..Rule::BASE
    },
    Rule {
        id: "xpc-service-undeclared",
        family: Family::InfoPlist,
        rejected_by: &[Party::MacOs],
        title: "an XPC service that does not say that it is one",
        catalogue: "R264",
        explanation: "launchd finds an XPC service by the package type XPC!, and reads from the XPCService dictionary in Info.plist how to run it. Without the former, connections to it fail; without the latter, its defaults apply.",
        remedy: &[
            Step::Say("set what is missing, then sign again"),
            run!["plutil" "-replace" "CFBundlePackageType" "-string" "XPC!" File],
            Step::If(
                Condition::Knows("SERVICE"),
                &[run!["plutil" "-replace" "XPCService" "-json" (Value "SERVICE") File]],
                &[],
            ),
            SIGN,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/information-property-list/xpcservice",
        check: services,
        ..Rule::BASE
    },
    Rule {
        id: "unexpanded-plist-variable",
        family: Family::InfoPlist,
        severity: Severity::Warning,
        title: "a build variable in Info.plist that nobody filled in",
        catalogue: "R269",
        explanation: "Xcode fills in variables such as $(PRODUCT_BUNDLE_IDENTIFIER) when it builds. A script that copies the template ships the variable itself, and macOS takes it literally.",
        remedy: &[
            Step::Say("write the real value, then sign again"),
            run!["plutil" "-replace" (Value "KEY") "-string" (Value "VALUE") File],
            SIGN,
        ],
        reference: KEYS,
        check: variables,
        ..Rule::BASE
    },
];

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn variables_have_names() {
        assert_eq!(variable("a $(EXECUTABLE_NAME) b"), Some("$(EXECUTABLE_NAME)"));
        assert_eq!(
            variable("${PRODUCT_NAME:rfc1034identifier}"),
            Some("${PRODUCT_NAME:rfc1034identifier}")
        );
        for text in ["costs $(5)", "$", "$(", "${name}", "$(EXECUTABLE_NAME", "US$ (A)"] {
            assert_eq!(variable(text), None, "{text}");
        }
    }
}
