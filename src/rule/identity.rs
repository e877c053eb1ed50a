//! Rules about the certificate signature (R003, R004, R025, R055–R059, R064, R067).

use super::{Family, Rule};
use crate::finding::{Party, Severity};
use crate::remedy::{SIGN, Step};
use crate::trust::{IdentityFault, PathProblem};
use crate::verify::FaultKind;

const SIGN_AGAIN: &[Step] = &[Step::Say("sign again, last of all build steps"), SIGN];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cms-signature-invalid",
        family: Family::Certificate,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "the certificate signature does not cover this code",
        catalogue: "R003",
        explanation: "The CMS signature binds the CodeDirectory, and through it the whole code, to a certificate. Here it cannot be decoded, was made over other code, or does not verify. Either the signature was patched after signing, or it was taken from somewhere else.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(
                    found @ (IdentityFault::Decode(_)
                    | IdentityFault::NoSigner
                    | IdentityFault::NoCertificate
                    | IdentityFault::EmbeddedContent
                    | IdentityFault::Algorithm
                    | IdentityFault::MessageDigest
                    | IdentityFault::Signature),
                ) => Some(found.to_string()),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "cms-cdhashes-mismatch",
        family: Family::Certificate,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "the signed list of CodeDirectories is not that of this code",
        catalogue: "R004",
        explanation: "Code with several CodeDirectories lists all their digests in the certificate signature, so that none can be exchanged. The list here does not match or cannot be read: a CodeDirectory was added, removed or replaced after signing, or the signing tool wrote a wrong list.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(
                    found @ (IdentityFault::HashAgility { .. }
                    | IdentityFault::HashAgilityUnsupported
                    | IdentityFault::HashAgilityMalformed),
                ) => Some(found.to_string()),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "team-id-vs-certificate",
        family: Family::Certificate,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary, Party::Amfi],
        title: "the code claims another team than its certificate",
        catalogue: "R025",
        explanation: "The team identifier in the CodeDirectory must be the organisational unit of the signing certificate. A difference means that a signing tool wrote the wrong team, or that the CodeDirectory was forged.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(found @ (IdentityFault::Team { .. } | IdentityFault::InvalidTeam)) => {
                    Some(found.to_string())
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "intermediate-missing",
        family: Family::Certificate,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "the chain of certificates is incomplete",
        catalogue: "R055, R056",
        explanation: "The signature must hold the certificates from the signer's up to a root. Without the intermediate, a Mac that does not happen to have it cannot follow the chain. The signing machine lacked Apple's intermediate certificate.",
        remedy: &[
            Step::Say(
                "install the intermediate from https://www.apple.com/certificateauthority/ on the signing machine, then sign again",
            ),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(IdentityFault::Path(found))
                    if found.problem == PathProblem::NotTrusted =>
                {
                    Some(found.to_string())
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "certificate-invalid-at-signing",
        family: Family::Time,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "a certificate was not valid when the code was signed",
        catalogue: "R059",
        explanation: "The secure timestamp lies outside the validity of a certificate in the chain. macOS forgives expiry only where nobody can prove the time; here the timestamp proves it.",
        remedy: &[Step::Say("get a current certificate and sign again"), SIGN],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(IdentityFault::Path(found)) if found.problem == PathProblem::Expired => {
                    Some(found.to_string())
                }
                FaultKind::Expired => Some("certificates have expired, and expiry was asked for".to_owned()),
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "certificate-not-for-code",
        family: Family::Certificate,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
        title: "a certificate in the chain does not fulfil Apple's policy",
        catalogue: "R062, R064",
        explanation: "macOS demands of the signer's certificate that it may sign code (extended key usage), of every issuer that it is a certificate authority, and of all that they are sound and fit together. Certificates of Apple do; home-made ones often lack an extension.",
        remedy: &[
            Step::Say(
                "sign with a certificate that Apple issued, or make the private one with keyUsage digitalSignature and extendedKeyUsage codeSigning",
            ),
            SIGN,
        ],
        check: |check| {
            check.each_fault(|fault, _| match &fault.kind {
                FaultKind::Identity(IdentityFault::Path(found))
                    if !matches!(found.problem, PathProblem::NotTrusted | PathProblem::Expired) =>
                {
                    Some(found.to_string())
                }
                _ => None,
            });
        },
        ..Rule::BASE
    },
    Rule {
        id: "certificate-expired-without-timestamp",
        family: Family::Time,
        severity: Severity::Note,
        rejected_by: &[],
        title: "the certificate has expired and nothing proves that the code is older",
        catalogue: "R058",
        explanation: "Without a secure timestamp it is not known whether the code was signed before the certificate expired. Neither codesign nor Gatekeeper rejects the code for that: both verify certificates for the time of the signature, and ignore that they have expired since. Only codesign --verify --check-expiration fails. The notary service demands a timestamp, which no-secure-timestamp reports.",
        remedy: &[
            Step::Say("get a current certificate and sign again with a timestamp"),
            SIGN,
        ],
        check: |check| {
            let at = check.evidence().at;
            for object in &check.evidence().code {
                for slice in &object.slices {
                    let Some(identity) = slice.identity.as_ref().filter(|found| found.timestamp.is_none())
                    else {
                        continue;
                    };
                    let expired = identity
                        .chain
                        .iter()
                        .find(|certificate| certificate.not_after < at);
                    if let Some(certificate) = expired {
                        let message = format!(
                            "the certificate \"{}\" expired on {}, and there is no timestamp",
                            certificate.summary(),
                            certificate.not_after
                        );
                        check.slice(object, slice, message);
                    }
                }
            }
        },
        ..Rule::BASE
    },
    Rule {
        id: "multiple-signers",
        family: Family::Certificate,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "several signers; macOS looks at the first only",
        catalogue: "R067",
        explanation: "The CMS signature has more than one signer. macOS evaluates the first and ignores the others, so they prove nothing.",
        remedy: SIGN_AGAIN,
        check: |check| {
            for object in &check.evidence().code {
                let signers = object.slices.iter().filter_map(|slice| slice.identity.as_ref());
                if let Some(found) = signers.map(|identity| identity.signers).find(|count| *count > 1) {
                    let message = format!("the CMS signature has {found} signers");
                    check.object(object, message);
                }
            }
        },
        ..Rule::BASE
    },
];
