//! Rules about archives in the item, which the notary service unpacks (R225, R244).

use super::claims::list;
use super::{Check, Family, Rule};
use crate::finding::{Party, Place, Severity, Target};
use crate::verify::{ArchivedCode, ArchivedSignature};

const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";
/// Members that are named in one finding.
const MAX_PLACES: usize = 20;

fn unsigned_in_archive(check: &mut Check<'_>) {
    for archive in &check.evidence().archives {
        let bad: Vec<&ArchivedCode> = archive
            .code
            .iter()
            .filter(|code| code.signed != ArchivedSignature::Certificate)
            .collect();
        if let Some(first) = bad.first() {
            let how = match first.signed {
                ArchivedSignature::AdHoc => "is signed without a certificate",
                _ => "is not signed",
            };
            let message = match bad.len().saturating_sub(1) {
                0 => format!("{} in this archive {how}", first.name),
                _ => format!(
                    "{} pieces of code in this archive have no signature with a certificate, {} among them",
                    bad.len(),
                    first.name
                ),
            };
            let finding = check.file(&archive.path, message);
            // Apple's logs show that the service looks into the others.
            let lower = archive.path.to_ascii_lowercase();
            if lower.ends_with(".egg") || lower.ends_with(".nupkg") {
                finding.severity = Severity::Warning;
            }
            finding.places = bad
                .iter()
                .take(MAX_PLACES)
                .map(|code| Place {
                    path: format!("{}/{}", archive.path, code.name),
                    note: match code.signed {
                        ArchivedSignature::AdHoc => "signed without a certificate",
                        _ => "not signed",
                    },
                })
                .collect();
        }
        if let Some((name, reason)) = archive.unread.first() {
            let place = if name.is_empty() {
                reason.clone()
            } else {
                format!("{name}: {reason}")
            };
            let reason = match archive.unread.len().saturating_sub(1) {
                0 => place,
                others => format!("{place}; and {others} more members could not be looked into"),
            };
            check.unknown(&archive.path, reason);
        }
        if !archive.encrypted.is_empty() {
            check.unknown(&archive.path, "members are encrypted");
        }
    }
}

fn encrypted(check: &mut Check<'_>) {
    for archive in &check.evidence().archives {
        if !archive.encrypted.is_empty() {
            let message = format!("a password protects {}", list(&archive.encrypted));
            check.file(&archive.path, message);
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unsigned-code-in-archive",
        family: Family::Nesting,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "code in an archive inside of the product carries no certificate's signature",
        catalogue: "R225",
        explanation: "The notary service unpacks archives and asks every Mach-O file in them for a signature, as it asks those that lie in the open. Signing tools do not look into archives: libraries in jars and wheels are the usual case. sealcheck looks into zip, jar, war, ear, jmod, whl, egg and nupkg files, and asks whether a certificate signed what is in them, not whether the signature holds. It does not open archives in archives, tar, asar, disk images and packages. That the service unpacks egg and nupkg files is not proven.",
        remedy: "take the code out, sign it, put it back, and sign what is around the archive again:  unzip PLACE MEMBER && codesign -f -s \"Developer ID Application: NAME\" --options runtime --timestamp MEMBER && zip PLACE MEMBER",
        apple: "notary service: \"The binary is not signed.\"",
        reference: ISSUES,
        check: unsigned_in_archive,
        ..Rule::BASE
    },
    Rule {
        id: "encrypted-archive",
        family: Family::Nesting,
        severity: Severity::Warning,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "a password protects an archive inside of the product",
        catalogue: "R244",
        explanation: "The notary service cannot look into what is encrypted, and may warn about it or refuse the product. Neither can sealcheck: whether there is code in it is not known.",
        remedy: "ship the archive without a password, or let the program fetch it when it is first needed",
        reference: ISSUES,
        check: encrypted,
        ..Rule::BASE
    },
];
