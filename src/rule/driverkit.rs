//! Rules about the entitlements of drivers and of apps that install system extensions (R125–R127, R130).
//!
//! That a driver's claims repeat its profile word by word (R128) is for `profile_grant`.

use super::claims::{self, Claimant, Role, is_signed_by_apple, list};
use super::{Check, Family, Rule, Scope};
use crate::bundle::BundleKind;
use crate::finding::{Party, Severity};
use crate::plist::Value;
use crate::remedy::{Edit, Kind, SIGN_EDITED, Step, Word, run};
use crate::verify::CodeKind;

const BASE_KEY: &str = "com.apple.developer.driverkit";
const TRANSPORT: &str = "com.apple.developer.driverkit.transport.";
const FAMILY: &str = "com.apple.developer.driverkit.family.";
const PCI: &str = "com.apple.developer.driverkit.transport.pci";
const USB: &str = "com.apple.developer.driverkit.transport.usb";
const INSTALL: &str = "com.apple.developer.system-extension.install";
const REQUESTING: &str =
    "https://developer.apple.com/documentation/driverkit/requesting-entitlements-for-driverkit-development";
const PCI_PAGE: &str = "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.driverkit.transport.pci";

/// Keys of a dictionary that matches PCI devices (IOPCIFamily).
const PCI_KEYS: [&str; 4] = [
    "IOPCIMatch",
    "IOPCIPrimaryMatch",
    "IOPCISecondaryMatch",
    "IOPCIClassMatch",
];
/// Keys of a dictionary that matches USB devices and interfaces (IOUSBHostFamily).
const USB_KEYS: [&str; 16] = [
    "idVendor",
    "idProduct",
    "idProductMask",
    "idProductArray",
    "bcdDevice",
    "bDeviceClass",
    "bDeviceSubClass",
    "bDeviceProtocol",
    "bConfigurationValue",
    "bInterfaceNumber",
    "bInterfaceClass",
    "bInterfaceSubClass",
    "bInterfaceProtocol",
    "bAlternateSetting",
    "USBPortType",
    "USBSpeed",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "driverkit-base-missing",
        family: Family::Entitlements,
        rejected_by: &[Party::Amfi],
        title: "a driver without com.apple.developer.driverkit, or its keys on something else",
        catalogue: "R125",
        explanation: "Every driver extension claims com.apple.developer.driverkit, beside the keys of its transport and family. Those belong to the driver only; the app that brings it claims com.apple.developer.system-extension.install.",
        remedy: &[
            Step::Say("put the keys into the entitlements of the driver and sign it again, then the app"),
            SIGN_EDITED,
        ],
        reference: REQUESTING,
        check: |check| {
            let evidence = check.evidence();
            for object in &evidence.code {
                let is_driver = object.kind == CodeKind::Bundle(BundleKind::DriverExtension);
                for slice in &object.slices {
                    let is_program = slice.file_type.is_some_and(|found| found.is_execute());
                    // Entitlements that cannot be decoded are another problem.
                    let is_known = slice.hash_type.is_some() && slice.entitlements_state.is_known();
                    if !is_program || !is_known || is_signed_by_apple(slice) {
                        continue;
                    }
                    let claims = slice.entitlements.as_ref();
                    let keys: Vec<_> =
                        claims.map_or_else(Vec::new, |claims| claims.iter().map(|(key, _)| key).collect());
                    let own: Vec<_> = keys
                        .iter()
                        .filter(|key| key.starts_with(TRANSPORT) || key.starts_with(FAMILY))
                        .collect();
                    if is_driver && !keys.contains(&BASE_KEY) {
                        check.slice(object, slice, format!("a driver that does not claim {BASE_KEY}"));
                    } else if !is_driver
                        && !own.is_empty()
                        && claims::platform(slice) == Some(crate::entitlements::Platform::MacOs)
                    {
                        check.slice(object, slice, format!("no driver, but claims {}", list(&own)));
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "driverkit-match-syntax",
        family: Family::Entitlements,
        severity: Severity::Warning,
        rejected_by: &[Party::Amfi],
        title: "a driver's match of devices that is malformed",
        catalogue: "R126",
        explanation: "The entitlements for PCI and USB name the devices that the driver may match, word by word as the profile does. For PCI the text is 0xVALUE or 0xVALUE&0xMASK, several separated by spaces, the device in the upper half and the vendor in the lower. What is malformed matches nothing, and kernelmanagerd does not start the driver.",
        remedy: &[
            Step::Say(
                "copy the value from the profile (security cms -D -i NAME.provisionprofile) and sign again",
            ),
            SIGN_EDITED,
        ],
        apple: "kernelmanagerd: \"Exec format error\"",
        reference: PCI_PAGE,
        check: |check| {
            claims::each(check, |check, claimant| {
                for (text, is_type) in malformed(claimant) {
                    let finding = check.slice(claimant.object, claimant.slice, text);
                    if is_type {
                        finding.severity = Severity::Error;
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "driverkit-mask-swapped",
        family: Family::Entitlements,
        severity: Severity::Warning,
        title: "value and mask of a PCI match look swapped",
        catalogue: "R127",
        explanation: "In 0xVALUE&0xMASK the value comes first. The device's identifier is masked and compared with it: bits of the value that the mask leaves out can never be equal, so the driver is never assigned. A working example is 0x000010ec&0x0000FFFF, all devices of vendor 0x10ec.",
        remedy: &[
            Step::Say("write the value in front of the mask, as the profile has it, and sign again"),
            SIGN_EDITED,
        ],
        reference: PCI_PAGE,
        follows_from: &["driverkit-match-syntax"],
        check: |check| {
            claims::each(check, |check, claimant| {
                for text in pci_texts(claimant) {
                    for word in text.split(' ').filter(|word| !word.is_empty()) {
                        if let Some((value, Some(mask))) = pci_match(word)
                            && is_swapped(value, mask)
                        {
                            check.slice(
                                claimant.object,
                                claimant.slice,
                                format!("{word} matches no device"),
                            );
                        }
                    }
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "sysext-install-missing",
        family: Family::Entitlements,
        rejected_by: &[Party::MacOs],
        title: "an app with a system extension that it may not install",
        catalogue: "R130",
        explanation: "The program that asks the system to activate a system extension or driver must claim com.apple.developer.system-extension.install, with a profile that grants it; otherwise sysextd answers OSSystemExtensionErrorMissingEntitlement (2). No program in this app claims it.",
        remedy: &[
            Step::Say("claim the capability, embed a profile that grants it, and sign again"),
            Step::Claim(&[Edit::Set(Word::Text(INSTALL), Kind::Bool, Word::Text("true"))]),
            run!["cp" "NAME.provisionprofile" Profile],
            SIGN_EDITED,
        ],
        reference: "https://developer.apple.com/documentation/bundleresources/entitlements/com.apple.developer.system-extension.install",
        scope: Scope::Item,
        check: install_missing,
        // What the program claims cannot be read then.
        follows_from: &["macho-malformed", "bundle-executable-missing"],
        ..Rule::BASE
    },
];

fn install_missing(check: &mut Check<'_>) {
    const PLACE: &str = "Contents/Library/SystemExtensions/";
    let evidence = check.evidence();
    for (index, app) in evidence.code.iter().enumerate() {
        let is_app = app.kind == CodeKind::Bundle(BundleKind::App);
        if !is_app || app.slices.iter().any(is_signed_by_apple) {
            continue;
        }
        let base = if app.path.is_empty() {
            String::new()
        } else {
            format!("{}/", app.path)
        };
        let inside = |path: &str| path.strip_prefix(base.as_str()).is_some();
        let extension = evidence.searched().iter().find(|object| {
            matches!(
                object.kind,
                CodeKind::Bundle(BundleKind::SystemExtension | BundleKind::DriverExtension)
            ) && object
                .path
                .strip_prefix(base.as_str())
                .is_some_and(|rest| rest.starts_with(PLACE))
        });
        let Some(extension) = extension else { continue };
        let programs = evidence
            .searched()
            .iter()
            .enumerate()
            .filter(|(other, object)| *other == index || inside(&object.path));
        let mut slices = programs.flat_map(|(_, object)| &object.slices);
        // What cannot be decoded may claim it.
        let may_install = slices.any(|slice| match &slice.entitlements {
            Some(claims) => claims.get(INSTALL).is_some(),
            None => !slice.entitlements_state.is_known(),
        });
        if !may_install {
            let name = extension.path.rsplit('/').next().unwrap_or_default();
            check.object(app, format!("brings {name}, but nothing in it claims {INSTALL}"));
        }
    }
}

/// What is malformed in a driver's matches, and whether that is a type.
fn malformed(claimant: Claimant<'_>) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    if claimant.role() != Role::Main(BundleKind::DriverExtension) {
        return found;
    }
    for (key, known) in [(PCI, &PCI_KEYS[..]), (USB, &USB_KEYS[..])] {
        let Some(value) = claimant.get(key) else { continue };
        let Some(matches) = value.as_array() else {
            // The rule about types has it.
            continue;
        };
        for entries in matches.iter().filter_map(Value::as_dictionary) {
            for (name, value) in entries.iter() {
                let is_right = match (key, value) {
                    (PCI, Value::String(text)) => {
                        let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
                        if words.peek().is_none() || !words.all(|word| pci_match(word).is_some()) {
                            found.push((
                                format!("{name} is \"{text}\", not 0xVALUE or 0xVALUE&0xMASK"),
                                false,
                            ));
                        }
                        true
                    }
                    // A profile for development may have "*", which a claim repeats.
                    (USB, Value::Integer(_) | Value::String(_)) => true,
                    (USB, Value::Array(elements)) => elements.iter().all(|one| one.as_integer().is_some()),
                    _ => false,
                };
                if !is_right {
                    found.push((format!("{name} in {key} is of type {}", value.kind()), true));
                } else if !known.contains(&name) {
                    found.push((format!("{name} is not known in {key}"), false));
                }
            }
        }
    }
    found
}

fn pci_texts(claimant: Claimant<'_>) -> Vec<&str> {
    let matches = claimant.get(PCI).and_then(Value::as_array).unwrap_or_default();
    matches
        .iter()
        .filter_map(Value::as_dictionary)
        .flat_map(|entries| entries.iter().filter_map(|(_, value)| value.as_str()))
        .collect()
}

/// `0xVALUE` or `0xVALUE&0xMASK`.
fn pci_match(word: &str) -> Option<(u32, Option<u32>)> {
    let number = |text: &str| {
        let digits = text.strip_prefix("0x")?;
        let is_hex = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    match word.split_once('&') {
        None => Some((number(word)?, None)),
        Some((value, mask)) => Some((number(value)?, Some(number(mask)?))),
    }
}

/// Whether no device can match, except with the mask zero, which grants for development have.
fn is_swapped(value: u32, mask: u32) -> bool {
    mask != 0 && value & !mask != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_of_pci() {
        assert_eq!(pci_match("0x000010ec&0x0000FFFF"), Some((0x10ec, Some(0xffff))));
        assert_eq!(pci_match("0x1"), Some((1, None)));
        for word in [
            "",
            "0x",
            "10ec",
            "0x123456789",
            "0x10ec&",
            "0x10ec&ffff",
            "0x1&0x2&0x3",
            "0xg",
        ] {
            assert_eq!(pci_match(word), None, "{word}");
        }
        // The founding case, the working example, and a grant for development.
        assert!(is_swapped(0xffff_ffff, 0x0016_1916));
        assert!(!is_swapped(0x0000_10ec, 0x0000_ffff));
        assert!(!is_swapped(0xffff_ffff, 0));
    }
}
