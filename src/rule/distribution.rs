//! Rules about what code that users download must bring: a Developer ID, a timestamp, the hardened runtime (R019, R020,
//! R050–R054, R057, R061, R063, R070, R080).
//!
//! The notary service asks all of it of every piece of code in a product, for every architecture, wherever it lies.

use super::{Check, Family, Rule};
use crate::codedir::CodeDirectoryFlags;
use crate::finding::{Finding, Party, Severity, Target};
use crate::remedy::{Condition, SIGN, Step};
use crate::trust::{CertificateKind, Identity};
use crate::verify::{CodeKind, CodeObject, Fault, FaultKind, OsStatus, SignatureKind, SliceEvidence};

const SIGN_AGAIN: &[Step] = &[Step::Say("sign with a Developer ID, nested code first"), SIGN];
const ISSUES: &str =
    "https://developer.apple.com/documentation/security/resolving-common-notarization-issues";
const NOT_DEVELOPER_ID: &str =
    "notary service: \"The binary is not signed with a valid Developer ID certificate.\"";

/// Signatures of which nobody can say who made them; what the certificate is good for follows.
const UNSOUND: &[&str] = &[
    "cms-signature-invalid",
    "intermediate-missing",
    "certificate-not-for-code",
];
/// Rules that tell that the certificate is of the wrong kind, or the timestamp broken.
const WRONG_CERTIFICATE_OR_TIMESTAMP: &[&str] = &[
    "timestamp-invalid",
    "timestamp-foreign-tsa",
    "timestamp-out-of-range",
    "cms-signature-invalid",
    "intermediate-missing",
    "certificate-not-for-code",
    "development-signed",
    "app-store-distribution-signed",
    "ios-or-enterprise-signed",
    "installer-and-application-certificates-swapped",
    "self-signed",
    "certificate-name-forged",
    "not-developer-id",
];

/// Every slice that is signed with a certificate, with what is known about its signer.
fn each_signer(
    check: &mut Check<'_>,
    visit: impl Fn(&mut Check<'_>, &CodeObject, &SliceEvidence, &Identity),
) {
    for object in &check.evidence().code {
        for slice in &object.slices {
            if let Some(identity) = &slice.identity {
                visit(check, object, slice, identity);
            }
        }
    }
}

/// Reports every slice whose certificate is of one of these kinds.
fn each_of_kind(check: &mut Check<'_>, kinds: &[CertificateKind], what: &str) {
    each_signer(check, |check, object, slice, identity| {
        if kinds.contains(&identity.kind) {
            let who = signer(identity);
            check.slice(object, slice, format!("signed by \"{who}\", {what}"));
        }
    });
}

fn signer(identity: &Identity) -> &str {
    identity.chain.first().map_or("nobody", |leaf| leaf.summary())
}

/// A certificate that looks like one of Apple's by its name alone.
fn has_name_of_apple(identity: &Identity) -> bool {
    const NAMES: [&str; 10] = [
        "Developer ID Application: ",
        "Developer ID Installer: ",
        "Apple Development: ",
        "Apple Distribution: ",
        "Mac Developer: ",
        "3rd Party Mac Developer ",
        "iPhone Developer: ",
        "iPhone Distribution: ",
        "Software Signing",
        "Apple Mac OS Application Signing",
    ];
    NAMES.iter().any(|name| signer(identity).starts_with(name))
}

/// The notary service's demands on code that Apple signed itself were met elsewhere.
fn is_signed_by_apple(kind: CertificateKind) -> bool {
    matches!(
        kind,
        CertificateKind::AppleSoftware | CertificateKind::MacAppStore | CertificateKind::TestFlight
    )
}

fn is_linker_signed_bundle(object: &CodeObject) -> bool {
    matches!(object.kind, CodeKind::Bundle(_))
        && object
            .slices
            .first()
            .is_some_and(|slice| slice.signature == SignatureKind::LinkerSigned)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linker-signed-bundle",
        family: Family::Signature,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the bundle was never signed; its executable has the linker's signature",
        catalogue: "R020",
        explanation: "The linker signs every arm64 program ad hoc, so that it runs at all. That signature knows nothing of the bundle: it covers neither Info.plist nor resources. macOS calls such an app damaged once it has been downloaded.",
        remedy: SIGN_AGAIN,
        apple: "code has no resources but signature indicates they must be present",
        reference: ISSUES,
        check: |check| {
            for object in &check.evidence().code {
                if is_linker_signed_bundle(object) {
                    let finding: &mut Finding = check.object(
                        object,
                        "signed by the linker only; the bundle itself was never signed",
                    );
                    let is_absent = |fault: &Fault| fault.kind == FaultKind::SealAbsent;
                    if object.faults.iter().any(is_absent) {
                        finding.status = Some(OsStatus::RESOURCES_NOT_FOUND);
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "adhoc-signed",
        family: Family::Signature,
        rejected_by: &[Party::Gatekeeper, Party::Notary, Party::AppStore],
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "signed ad hoc: nobody vouches for the code",
        catalogue: "R019",
        explanation: "An ad-hoc signature has no certificate. Such code runs on the Mac that built it; downloaded by anybody else, Gatekeeper refuses it, and the notary service refuses the whole product that it is part of.",
        remedy: SIGN_AGAIN,
        apple: "syspolicy_check: \"This app is adhoc signed. While it may run locally, adhoc signed apps are not suitable for distribution.\"",
        reference: ISSUES,
        follows_from: &["linker-signed-bundle"],
        check: |check| {
            for object in &check.evidence().code {
                for slice in &object.slices {
                    match slice.signature {
                        SignatureKind::Adhoc => {
                            check.slice(object, slice, "signed ad hoc, without a certificate")
                        }
                        SignatureKind::LinkerSigned => check.slice(
                            object,
                            slice,
                            "signed ad hoc by the linker, without a certificate",
                        ),
                        SignatureKind::Unsigned | SignatureKind::Cms => continue,
                    };
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "development-signed",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        targets: &[Target::DeveloperId],
        title: "signed with a certificate for development",
        catalogue: "R051",
        explanation: "Certificates named Apple Development or Mac Developer are for the developer's own Macs. Gatekeeper refuses downloaded code that is signed so, and so does the notary service.",
        remedy: SIGN_AGAIN,
        apple: NOT_DEVELOPER_ID,
        reference: ISSUES,
        follows_from: UNSOUND,
        check: |check| {
            each_of_kind(
                check,
                &[CertificateKind::Development],
                "a certificate for development",
            )
        },
        ..Rule::BASE
    },
    Rule {
        id: "app-store-distribution-signed",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary, Party::Amfi],
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "signed for upload to the App Store; nobody can run it",
        catalogue: "R052",
        explanation: "Code signed with Apple Distribution or 3rd Party Mac Developer Application can only be uploaded to App Store Connect, where Apple signs it again. It does not run: Gatekeeper refuses it, and AMFI kills it where it claims restricted entitlements.",
        remedy: &[Step::If(
            Condition::ForStore,
            &[Step::Say(
                "upload it as it is; to try it on a Mac before, sign a copy with an Apple Development certificate",
            )],
            &[
                Step::Say("for distribution outside the store, sign with a Developer ID"),
                SIGN,
            ],
        )],
        apple: NOT_DEVELOPER_ID,
        reference: "https://developer.apple.com/forums/thread/733942",
        follows_from: UNSOUND,
        check: |check| {
            let severity = match check.target() {
                Target::MacAppStore => Severity::Note,
                Target::DeveloperId | Target::Local | Target::Ios => Severity::Error,
            };
            each_signer(check, |check, object, slice, identity| {
                // One note about the item is enough; its nested code goes with it.
                let is_news = severity == Severity::Error || object.path.is_empty();
                if identity.kind == CertificateKind::Distribution && is_news {
                    let who = signer(identity);
                    let message = format!("signed by \"{who}\", a certificate for upload to the App Store");
                    let finding = check.slice(object, slice, message);
                    finding.severity = severity;
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "ios-or-enterprise-signed",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        targets: &[Target::DeveloperId],
        title: "signed with a certificate for iOS",
        catalogue: "R053",
        explanation: "iPhone Distribution certificates are for apps on iOS. Gatekeeper and the notary service refuse Mac code that is signed with one.",
        remedy: SIGN_AGAIN,
        apple: NOT_DEVELOPER_ID,
        reference: ISSUES,
        follows_from: UNSOUND,
        check: |check| {
            each_of_kind(
                check,
                &[CertificateKind::IphoneDistribution],
                "a certificate for iOS",
            )
        },
        ..Rule::BASE
    },
    Rule {
        id: "installer-and-application-certificates-swapped",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary, Party::AppStore],
        title: "code signed with a certificate for installer packages",
        catalogue: "R054",
        explanation: "Installer certificates sign packages, Application certificates sign code. Code that is signed with the former is refused everywhere.",
        remedy: SIGN_AGAIN,
        apple: NOT_DEVELOPER_ID,
        reference: ISSUES,
        check: |check| {
            let kinds = [
                CertificateKind::DeveloperIdInstaller,
                CertificateKind::DistributionInstaller,
            ];
            each_of_kind(check, &kinds, "a certificate for installer packages");
        },
        ..Rule::BASE
    },
    Rule {
        id: "certificate-name-forged",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        title: "a certificate with a name of Apple's that Apple did not issue",
        catalogue: "R061",
        explanation: "The certificate is named like one of Apple's, but its chain does not end in a root of Apple's. codesign calls the code valid all the same, since any certificate will do; a tool that looks at the name alone is deceived.",
        remedy: SIGN_AGAIN,
        follows_from: &["cms-signature-invalid", "intermediate-missing"],
        check: |check| {
            each_signer(check, |check, object, slice, identity| {
                if identity.kind == CertificateKind::NotApple && has_name_of_apple(identity) {
                    let who = signer(identity);
                    check.slice(object, slice, format!("\"{who}\" was not issued by Apple"));
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "self-signed",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        targets: &[Target::DeveloperId, Target::MacAppStore],
        title: "signed with a certificate that Apple did not issue",
        catalogue: "R056, R057",
        explanation: "codesign accepts any certificate, also one that somebody made at home or in a company. Gatekeeper and the notary service accept only those that Apple issued.",
        remedy: SIGN_AGAIN,
        apple: NOT_DEVELOPER_ID,
        reference: ISSUES,
        follows_from: &[
            "certificate-name-forged",
            "cms-signature-invalid",
            "intermediate-missing",
            "certificate-not-for-code",
        ],
        check: |check| {
            each_of_kind(
                check,
                &[CertificateKind::NotApple],
                "a certificate that Apple did not issue",
            );
        },
        ..Rule::BASE
    },
    Rule {
        id: "not-developer-id",
        family: Family::Certificate,
        rejected_by: &[Party::Gatekeeper, Party::Notary],
        targets: &[Target::DeveloperId],
        title: "signed with a certificate of Apple's that is not for distribution",
        catalogue: "R050",
        explanation: "Code that users download must be signed with a certificate of the kind Developer ID Application: the marker of Apple's in the certificate says so, not its name. Every piece of code in the product needs it.",
        remedy: SIGN_AGAIN,
        apple: NOT_DEVELOPER_ID,
        reference: ISSUES,
        follows_from: UNSOUND,
        check: |check| {
            each_of_kind(
                check,
                &[CertificateKind::OtherApple],
                "which is no Developer ID certificate",
            )
        },
        ..Rule::BASE
    },
    Rule {
        id: "kext-certificate",
        family: Family::Certificate,
        rejected_by: &[Party::Amfi],
        title: "a kernel extension signed with a certificate that is not for kernel extensions",
        catalogue: "R063",
        explanation: "Kernel extensions need a Developer ID certificate that Apple marked for them, which a team has to ask for. codesign and the notary service accept the usual one; kernelmanagerd does not load the extension.",
        remedy: &[
            Step::Say(
                "ask Apple for a certificate for kernel extensions, or move to a system extension; then sign again",
            ),
            SIGN,
        ],
        reference: "https://developer.apple.com/developer-id/",
        follows_from: UNSOUND,
        check: |check| {
            each_signer(check, |check, object, slice, identity| {
                let is_kext = slice.file_type.is_some_and(|found| found.is_kext_bundle());
                if is_kext && identity.kind == CertificateKind::DeveloperIdApplication {
                    let who = signer(identity);
                    check.slice(
                        object,
                        slice,
                        format!("signed by \"{who}\", which is not for kernel extensions"),
                    );
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "no-secure-timestamp",
        family: Family::Time,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "the signature has no secure timestamp",
        catalogue: "R070",
        explanation: "A secure timestamp of Apple's server proves when the code was signed, so that the signature outlives its certificate. The notary service demands one for every architecture of every piece of code. codesign adds it only with --timestamp.",
        remedy: &[
            Step::Say("sign again with a connection to Apple's timestamp server"),
            SIGN,
        ],
        apple: "notary service: \"The signature does not include a secure timestamp.\"",
        reference: ISSUES,
        follows_from: WRONG_CERTIFICATE_OR_TIMESTAMP,
        check: |check| {
            each_signer(check, |check, object, slice, identity| {
                if identity.is_timestamp_root_unknown {
                    let path = object.main_path();
                    check.unknown(&path, "the root of the timestamp's authority is not at hand");
                } else if identity.timestamp.is_none() && !is_signed_by_apple(identity.kind) {
                    check.slice(object, slice, "no secure timestamp");
                }
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "hardened-runtime-missing",
        family: Family::HardenedRuntime,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "a program without the hardened runtime",
        catalogue: "R080",
        explanation: "The notary service demands the hardened runtime of every program in a product, main or helper, for every architecture. Libraries do not need it. codesign sets it only with --options runtime.",
        remedy: &[
            Step::Say("sign the program again with the hardened runtime"),
            SIGN,
        ],
        apple: "notary service: \"The executable does not have the hardened runtime enabled.\"",
        reference: ISSUES,
        follows_from: &["unsigned-code", "adhoc-signed", "linker-signed-bundle"],
        check: |check| {
            for object in &check.evidence().code {
                for slice in &object.slices {
                    let is_program = slice.file_type.is_some_and(|found| found.is_execute());
                    let is_apples = slice
                        .identity
                        .as_ref()
                        .is_some_and(|found| is_signed_by_apple(found.kind));
                    // Code without any CodeDirectory is reported as unsigned.
                    let has_directory = slice.hash_type.is_some();
                    if is_program
                        && has_directory
                        && !is_apples
                        && !slice.flags.contains(CodeDirectoryFlags::RUNTIME)
                    {
                        let flags = slice.flags.0;
                        check.slice(object, slice, format!("flags {flags:#x}: no hardened runtime"));
                    }
                }
            }
        },
        ..Rule::BASE
    },
];
