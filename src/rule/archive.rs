//! Rules about archives in the item, which the notary service unpacks (R225, R244, R247).

use super::claims::list;
use super::{Check, Family, Rule};
use crate::container::ArchiveFormat;
use crate::finding::{Party, Place, Severity, Target};
use crate::remedy::{Sign, Step, Word};
use crate::survey::{ArchiveEvidence, ArchivedCode, ArchivedSignature};

const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";
/// Members that are named in one finding.
const MAX_PLACES: usize = 20;

/// What archives hold that is not signed with a certificate, and what could not be looked into, of the kinds that are asked for.
pub(super) fn unsigned(
    check: &mut Check<'_>,
    is_asked: fn(ArchiveFormat) -> bool,
    said: impl Fn(&[&ArchivedCode]) -> String,
    severity: impl Fn(&ArchiveEvidence, &[&ArchivedCode]) -> Severity,
) {
    for archive in &check.survey().archives {
        let bad: Vec<&ArchivedCode> = archive
            .code
            .iter()
            .filter(|code| is_asked(code.format) && code.signed != ArchivedSignature::Certificate)
            .collect();
        if !bad.is_empty() {
            let finding = check.file(&archive.path, said(&bad));
            finding.severity = severity(archive, &bad);
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
        let mut unread = archive.unread.iter().filter(|unread| is_asked(unread.format));
        if let Some(first) = unread.next() {
            let name = first.name.to_string();
            let place = if name.is_empty() {
                first.reason.clone()
            } else {
                format!("{name}: {}", first.reason)
            };
            let reason = match unread.count() {
                0 => place,
                others => format!("{place}; and {others} more members could not be looked into"),
            };
            check.unknown(&archive.path, reason);
        }
    }
}

/// Whether public logs show that the notary service looks into archives of such a name.
fn is_proven(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ![".egg", ".nupkg", ".tar"].iter().any(|end| name.ends_with(end))
}

fn unsigned_in_archive(check: &mut Check<'_>) {
    let said = |bad: &[&ArchivedCode]| {
        let Some(first) = bad.first() else {
            return String::new();
        };
        let how = match first.signed {
            ArchivedSignature::AdHoc => "is signed without a certificate",
            _ => "is not signed",
        };
        match bad.len().saturating_sub(1) {
            0 => format!("{} in this archive {how}", first.name),
            _ => format!(
                "{} pieces of code in this archive have no signature with a certificate, {} among them",
                bad.len(),
                first.name
            ),
        }
    };
    let severity = |archive: &ArchiveEvidence, bad: &[&ArchivedCode]| {
        let is_seen = |code: &&ArchivedCode| code.name.within.iter().all(|name| is_proven(name));
        if is_proven(&archive.path) && bad.iter().any(is_seen) {
            Severity::Error
        } else {
            Severity::Warning
        }
    };
    unsigned(check, |format| format != ArchiveFormat::Asar, said, severity);
    for archive in &check.survey().archives {
        if !archive.encrypted.is_empty() {
            check.unknown(&archive.path, "members are encrypted");
        }
    }
}

fn encrypted(check: &mut Check<'_>) {
    for archive in &check.survey().archives {
        if !archive.encrypted.is_empty() {
            let names: Vec<String> = archive.encrypted.iter().map(ToString::to_string).collect();
            check.file(&archive.path, format!("a password protects {}", list(&names)));
        }
    }
}

fn misnamed(check: &mut Check<'_>) {
    for archive in &check.survey().archives {
        let kind = match archive.format {
            _ if !archive.is_misnamed => continue,
            ArchiveFormat::Gzip => "compressed with gzip",
            ArchiveFormat::Tar => "a tar archive",
            _ => "an archive in ZIP form",
        };
        check.file(&archive.path, format!("by its name it is {kind}, and it is none"));
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
        explanation: "The notary service unpacks archives and asks every Mach-O file in them for a signature, as it asks those that lie in the open. Signing tools do not look into archives: libraries in jars and wheels are the usual case. sealcheck looks into zip, jar, war, ear, jmod, whl, egg and nupkg files, tar archives and what is compressed with gzip, also into archives in archives, and asks whether a certificate signed what is in them, not whether the signature holds. It does not open disk images, packages, and what is compressed with xz, bzip2, zstd or 7-Zip: whether there is code in those is not known. That the service unpacks egg and nupkg files and tar archives that are not compressed is not proven.",
        remedy: &[
            Step::Say(
                "unpack PLACE, sign the code in it, pack it again, and sign what is around the archive",
            ),
            Step::Sign(Sign {
                at: Word::Value("MEMBER"),
                ..Sign::KEPT
            }),
            Step::Say("A single compressed file is best shipped as it is."),
        ],
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
        remedy: &[Step::Say(
            "ship the archive without a password, or let the program fetch it when it is first needed",
        )],
        reference: ISSUES,
        check: encrypted,
        ..Rule::BASE
    },
    Rule {
        id: "misnamed-archive",
        family: Family::Nesting,
        severity: Severity::Note,
        targets: &[Target::DeveloperId],
        title: "a file has the name of an archive and is something else",
        catalogue: "R247",
        explanation: "The notary service unpacks archives by their names, and its log has a warning for each that cannot be unpacked. It rejects nothing for that alone. Mostly it is test data that came along with a library.",
        remedy: &[Step::Say(
            "leave PLACE out of the product, or name it for what it is; then sign again what is around it",
        )],
        apple: "notary service: \"gunzip: …: not in gzip format\"",
        reference: ISSUES,
        check: misnamed,
        ..Rule::BASE
    },
];
