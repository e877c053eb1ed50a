//! What macOS demands of a path, and which of several faults it names.
//!
//! Specification 4.4 and 4.4.1 (`SecPolicyChecks.list`, `SecTrustGetCssmResultCode`): over the certificates from the
//! leaf to the root, the fault with the smallest priority number; the first one wins ties. Not evaluated: name
//! constraints (a certificate with them is refused), certificate policies, revocation.

use thiserror::Error;

use super::{Certificate, Path, Root, oid};
use crate::time::UnixTime;

/// Bits of the smallest RSA key that a leaf may have.
const MIN_RSA_BITS: u32 = 1024;

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signing code; any self-signed root will do.
    CodeSigning,
    /// Making timestamps; whether the root will do is not judged here.
    TimeStamping,
    /// Signing notarization tickets; whether the root will do is not judged here.
    TicketSigning,
    /// Signing provisioning profiles; whether the root will do is not judged here.
    Profiles,
}

/// One row of table 4.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum PathProblem {
    /// Expired or not yet valid.
    #[error("is not valid at the time of signing")]
    Expired,
    /// The issuer is missing.
    #[error("has no issuer in the signature")]
    NotTrusted,
    /// Bad signature, duplicate or malformed extensions, weak or unknown key, name constraints.
    #[error("is not a sound certificate: {0}")]
    Invalid(&'static str),
    /// An authority without `basicConstraints`.
    #[error("issued a certificate but has no basic constraints")]
    NoBasicConstraints,
    /// `basicConstraints` says that it is no authority.
    #[error("issued a certificate but is no certificate authority")]
    InvalidCa,
    /// More certificates below it than it allows.
    #[error("allows fewer certificates below it")]
    PathLength,
    /// Key identifiers of subject and issuer do not fit.
    #[error("names another key of its issuer")]
    AuthorityKeyIdentifier,
    /// A critical extension that macOS does not know.
    #[error("has a critical extension that macOS does not know")]
    UnknownCriticalExtension,
    /// No subject.
    #[error("has an empty subject")]
    EmptySubject,
    /// `keyUsage` does not allow it.
    #[error("may not be used for this by its key usage")]
    KeyUsage,
    /// `extKeyUsage` does not name the purpose.
    #[error("lacks the extended key usage for this purpose")]
    ExtendedKeyUsage,
    /// Signed with MD2, MD4 or MD5.
    #[error("is signed with a broken digest")]
    WeakDigest,
}

impl PathProblem {
    /// Apple's priority: the smallest number is reported.
    #[must_use]
    pub fn priority(self) -> u8 {
        match self {
            Self::Invalid(_)
            | Self::NoBasicConstraints
            | Self::AuthorityKeyIdentifier
            | Self::UnknownCriticalExtension
            | Self::EmptySubject => 2,
            Self::Expired => 3,
            Self::NotTrusted => 4,
            Self::InvalidCa
            | Self::PathLength
            | Self::KeyUsage
            | Self::ExtendedKeyUsage
            | Self::WeakDigest => 5,
        }
    }
}

/// The fault of a path that macOS names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the certificate \"{subject}\" {problem}")]
pub struct PathFault {
    /// What.
    pub problem: PathProblem,
    /// Which certificate, counted from the leaf.
    pub certificate: usize,
    /// Its name.
    pub subject: String,
}

impl Path {
    /// The fault of the path for this purpose at this time, if there is one.
    #[must_use]
    pub fn fault(&self, purpose: Purpose, at: UnixTime) -> Option<PathFault> {
        check(self, purpose, at, false)
    }
}

/// The fault that macOS names, if there is one. With `forgive_time`, validity in time is not looked at.
#[must_use]
pub(super) fn check(path: &Path, purpose: Purpose, at: UnixTime, forgive_time: bool) -> Option<PathFault> {
    let mut worst: Option<PathFault> = None;
    for (index, certificate) in path.certificates.iter().enumerate() {
        for problem in problems(path, index, certificate, purpose, at, forgive_time) {
            let is_worse = worst
                .as_ref()
                .is_none_or(|worst| problem.priority() < worst.problem.priority());
            if is_worse {
                worst = Some(PathFault {
                    problem,
                    certificate: index,
                    subject: certificate.summary().to_owned(),
                });
            }
        }
    }
    worst
}

fn problems(
    path: &Path,
    index: usize,
    certificate: &Certificate,
    purpose: Purpose,
    at: UnixTime,
    forgive_time: bool,
) -> Vec<PathProblem> {
    let mut found = Vec::new();
    if !forgive_time && !certificate.is_valid_at(at) {
        found.push(PathProblem::Expired);
    }
    let is_last = index.saturating_add(1) == path.certificates.len();
    if is_last && path.root == Root::Missing {
        found.push(PathProblem::NotTrusted);
    }
    if certificate.has_weak_digest() {
        found.push(PathProblem::WeakDigest);
    } else if path.bad_signature == Some(index) {
        found.push(PathProblem::Invalid("its signature does not verify"));
    }
    if certificate.has_duplicate_extension() {
        found.push(PathProblem::Invalid("an extension occurs twice"));
    }
    match &certificate.key {
        None => found.push(PathProblem::Invalid(
            "its key is of a kind that macOS does not use",
        )),
        Some(key) if index == 0 && key.is_rsa() && key.bits() < MIN_RSA_BITS => {
            found.push(PathProblem::Invalid("its key is too short"));
        }
        Some(_) => {}
    }
    if certificate.subject.is_empty() {
        found.push(PathProblem::EmptySubject);
    }
    if certificate
        .extensions
        .iter()
        .any(|extension| extension.critical && !is_known(extension))
    {
        found.push(PathProblem::UnknownCriticalExtension);
    }
    let issuer = index.checked_add(1).and_then(|next| path.certificates.get(next));
    if let Some(issuer) = issuer
        && let (Some(wanted), Some(has)) = (
            certificate.authority_key_identifier(),
            issuer.subject_key_identifier(),
        )
        && wanted != has
    {
        found.push(PathProblem::AuthorityKeyIdentifier);
    }
    if index == 0 {
        leaf(certificate, purpose, &mut found);
    } else {
        authority(certificate, index, &mut found);
    }
    found
}

fn leaf(certificate: &Certificate, purpose: Purpose, found: &mut Vec<PathProblem>) {
    const DIGITAL_SIGNATURE_OR_NON_REPUDIATION: u16 = 0b11;
    let minds_key_usage = purpose != Purpose::TimeStamping;
    if minds_key_usage
        && certificate
            .key_usage()
            .is_some_and(|usage| usage & DIGITAL_SIGNATURE_OR_NON_REPUDIATION == 0)
    {
        found.push(PathProblem::KeyUsage);
    }
    let wanted = match purpose {
        Purpose::CodeSigning => oid::CODE_SIGNING,
        Purpose::TimeStamping => oid::TIME_STAMPING,
        // Apple's certificates for tickets name no purpose; a marker stands for it.
        Purpose::TicketSigning => return,
        // Apple's signers of profiles have no extended key usage, and the policy asks for none.
        Purpose::Profiles => return,
    };
    let purposes = certificate.extended_key_usage().unwrap_or_default();
    if !purposes.iter().any(|purpose| purpose == wanted.as_bytes()) {
        found.push(PathProblem::ExtendedKeyUsage);
    }
}

fn authority(certificate: &Certificate, index: usize, found: &mut Vec<PathProblem>) {
    const KEY_CERT_SIGN: u16 = 1 << 5;
    match certificate.basic_constraints() {
        None => found.push(PathProblem::NoBasicConstraints),
        Some(None) => found.push(PathProblem::Invalid("its basic constraints are malformed")),
        Some(Some((false, _))) => found.push(PathProblem::InvalidCa),
        // Authorities between it and the leaf count, the leaf does not.
        Some(Some((true, Some(length))))
            if u64::try_from(index.saturating_sub(1)).is_ok_and(|below| below > length) =>
        {
            found.push(PathProblem::PathLength);
        }
        Some(Some((true, _))) => {}
    }
    if certificate
        .key_usage()
        .is_some_and(|usage| usage & KEY_CERT_SIGN == 0)
    {
        found.push(PathProblem::KeyUsage);
    }
    if certificate.has_extension(oid::NAME_CONSTRAINTS) {
        found.push(PathProblem::Invalid("its name constraints are not evaluated"));
    }
}

/// Extensions of RFC 5280 and all of Apple's own.
fn is_known(extension: &super::Extension) -> bool {
    let known = [
        "2.5.29.9",
        "2.5.29.14",
        "2.5.29.15",
        "2.5.29.16",
        "2.5.29.17",
        "2.5.29.18",
        "2.5.29.19",
        "2.5.29.30",
        "2.5.29.31",
        "2.5.29.32",
        "2.5.29.33",
        "2.5.29.35",
        "2.5.29.36",
        "2.5.29.37",
        "2.5.29.54",
        "1.3.6.1.5.5.7.1.1",
    ];
    let text = extension.oid.to_string();
    known.contains(&text.as_str()) || extension.oid.as_bytes().starts_with(oid::APPLE_ARC.as_bytes())
}
