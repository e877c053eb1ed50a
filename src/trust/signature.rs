//! The CMS signature of code: over which CodeDirectory, by whom, when.
//!
//! Specification 4.1–4.3 and 4.6 (`SecStaticCode::verifySignature`), in its order: the signer's cryptography with the
//! timestamp, hash agility, team identifier, certificate path, root of the timestamp. Only the first signer counts.

use std::borrow::Cow;
use std::sync::Arc;

use thiserror::Error;

use super::oid;
use super::path::Cache;
use super::policy;
use super::signer::{SignerFault, certificates, signer_certificate, signing_time, verify_signer};
use super::timestamp::{self, Timestamp, TimestampFault};
use super::{
    Anchors, Certificate, CertificateKind, MessageDigest, Path, PathFault, PathProblem, Purpose, Root,
};
use crate::asn1::tag;
use crate::budget::Budget;
use crate::cms::{Attribute, Attributes, CmsError, SignedData, SignerInfo, oid as cms_oid};
use crate::codedir::CdHash;
use crate::hash::{Digest, HashType};
use crate::limits::Limits;
use crate::time::UnixTime;

/// What a CMS signature is verified against.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The payload of the CMS slot.
    pub cms: &'a [u8],
    /// The CodeDirectory of slot 0, which the CMS signs.
    pub base: &'a [u8],
    /// Its SHA-256, where that is known already: CodeDirectories may be large.
    pub base_sha256: Option<Digest>,
    /// Every CodeDirectory: its hash type field, and its cdhash where that can be computed.
    pub directories: &'a [(u8, Option<CdHash>)],
    /// Hash type of the chosen CodeDirectory.
    pub best: HashType,
    /// Team identifier of the chosen CodeDirectory.
    pub team_id: Option<&'a [u8]>,
    /// The budget of the item.
    pub budget: &'a Budget,
}

impl Signed<'_> {
    /// A digest of the CodeDirectory that the CMS signs.
    fn digest(&self, digest: MessageDigest) -> Vec<u8> {
        match self.base_sha256 {
            Some(known) if digest == MessageDigest::Sha256 => known.as_bytes().to_vec(),
            _ => digest.of(self.base),
        }
    }
}

/// What is wrong with a signature, in Apple's order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityFault {
    /// The CMS cannot be decoded.
    #[error("the CMS signature cannot be decoded: {0}")]
    Decode(#[from] CmsError),
    /// Nobody signed.
    #[error("the CMS signature has no signer")]
    NoSigner,
    /// The signer's certificate is not there.
    #[error("the signer's certificate is not in the CMS signature")]
    NoCertificate,
    /// The CMS holds content of its own.
    #[error("the CMS signature is about content of its own, not about this CodeDirectory")]
    EmbeddedContent,
    /// Digest and signature algorithm do not fit, or are not supported.
    #[error("the CMS signature uses algorithms that macOS does not accept")]
    Algorithm,
    /// The signature is over another CodeDirectory.
    #[error("the certificate signed another CodeDirectory than this one")]
    MessageDigest,
    /// The signature itself is wrong.
    #[error("the CMS signature does not verify with the signer's key")]
    Signature,
    /// The timestamp does not count.
    #[error("{0}")]
    Timestamp(#[from] TimestampFault),
    /// A hash-agility attribute does not list the cdhashes of this code.
    #[error("the signed list of CodeDirectories (attribute 9.{version}) is not that of this code")]
    HashAgility {
        /// 1 or 2.
        version: u8,
    },
    /// There is a hash-agility attribute of version 1, and a CodeDirectory whose hash macOS cannot compute
    /// (`SecStaticCode::cdHashes`).
    #[error(
        "the signed list of CodeDirectories cannot be compared: one CodeDirectory has an unknown hash type"
    )]
    HashAgilityUnsupported,
    /// The hash-agility attribute of version 2 names a digest twice, or has a value that cannot be decoded
    /// (`SecCmsSignerInfoGetAppleCodesigningHashAgilityV2`).
    #[error("the signed list of CodeDirectories (attribute 9.2) cannot be decoded")]
    HashAgilityMalformed,
    /// The team identifier in the CodeDirectory is not UTF-8.
    #[error("the team identifier in the code is not valid UTF-8")]
    InvalidTeam,
    /// The CodeDirectory names another team than the certificate.
    #[error("the code claims team {claimed}, the certificate is of team {certificate}")]
    Team {
        /// In the CodeDirectory.
        claimed: String,
        /// In the certificate.
        certificate: String,
    },
    /// The certificate path.
    #[error("{0}")]
    Path(#[from] PathFault),
    /// The signer's root is Apple's, that of the timestamp is not.
    #[error("the timestamp is not from Apple, although the signer's certificate is")]
    TimestampNotApple,
}

impl From<SignerFault> for IdentityFault {
    fn from(fault: SignerFault) -> Self {
        match fault {
            SignerFault::Algorithm => Self::Algorithm,
            SignerFault::MessageDigest => Self::MessageDigest,
            SignerFault::Signature => Self::Signature,
        }
    }
}

/// Who signed, as far as it was found out; with everything that is wrong about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Identity {
    /// The chain, the signer's certificate first.
    pub chain: Vec<Arc<Certificate>>,
    /// What the chain ends in, with sound links.
    pub root: Root,
    /// What Apple issued the certificate for.
    pub kind: CertificateKind,
    /// The digest that the signer used.
    pub digest: Option<MessageDigest>,
    /// The signer's claim about the time.
    pub signing_time: Option<UnixTime>,
    /// The verified timestamp.
    pub timestamp: Option<Timestamp>,
    /// Whether the signature holds although certificates are not valid at the time that it claims, or now, where it
    /// claims none (`mValidationExpired`).
    pub is_expired: bool,
    /// Whether the timestamp's root is unknown here; a Mac may or may not trust it.
    pub is_timestamp_root_unknown: bool,
    /// Whether a signed attribute lists all CodeDirectories.
    pub has_hash_agility: bool,
    /// Number of signers.
    pub signers: usize,
    /// What is wrong; the first one decides.
    pub faults: Vec<IdentityFault>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            chain: Vec::new(),
            root: Root::Missing,
            kind: CertificateKind::NotApple,
            digest: None,
            signing_time: None,
            timestamp: None,
            is_expired: false,
            is_timestamp_root_unknown: false,
            has_hash_agility: false,
            signers: 0,
            faults: Vec::new(),
        }
    }
}

impl Identity {
    /// Whether the signer's cryptography holds, whatever is to be said about the certificates.
    #[must_use]
    pub fn is_signature_sound(&self) -> bool {
        !self.faults.iter().any(|fault| {
            !matches!(
                fault,
                IdentityFault::Path(_)
                    | IdentityFault::Team { .. }
                    | IdentityFault::InvalidTeam
                    | IdentityFault::TimestampNotApple
            )
        })
    }

    /// The team of the developer to whom Apple issued the certificate, whatever the code claims.
    #[must_use]
    pub fn team(&self) -> Option<&str> {
        let is_developer = matches!(
            self.kind,
            CertificateKind::DeveloperIdApplication
                | CertificateKind::DeveloperIdKext
                | CertificateKind::Development
                | CertificateKind::Distribution
                | CertificateKind::IphoneDistribution
        );
        let leaf = self.chain.first().filter(|_| is_developer && self.is_apple())?;
        leaf.subject.first(oid::ORGANIZATIONAL_UNIT).flatten()
    }

    /// The name in the signer's certificate, whoever issued it.
    #[must_use]
    pub fn signer(&self) -> Option<&str> {
        self.chain.first().map(|leaf| leaf.summary())
    }

    /// Whether the chain is sound and ends in a root of Apple's.
    #[must_use]
    pub fn is_apple(&self) -> bool {
        self.root == Root::Apple
    }
}

/// Evaluates the signature at the time `now`, which counts only where the signature names no time itself.
#[must_use]
pub fn evaluate(signed: Signed<'_>, anchors: &Anchors, cache: &Cache, now: UnixTime) -> Identity {
    let mut identity = Identity::default();
    let data = match SignedData::parse(signed.cms) {
        Ok(data) => data,
        Err(error) => {
            identity.faults.push(error.into());
            return identity;
        }
    };
    identity.signers = data.signers.len();
    let Some(signer) = data.signers.first() else {
        identity.faults.push(IdentityFault::NoSigner);
        return identity;
    };
    let pool = certificates(&data);
    let Some(leaf) = signer_certificate(signer, &pool) else {
        identity.faults.push(IdentityFault::NoCertificate);
        return identity;
    };
    let path = Path::build(leaf, &pool, anchors, cache);
    identity.digest = MessageDigest::from_oid(signer.digest_algorithm);
    identity.chain.clone_from(&path.certificates);
    if path.bad_signature.is_none() {
        identity.root = path.root;
    }
    identity.kind = CertificateKind::of(&path.certificates, path.is_apple());
    if data.content.is_some() {
        identity.faults.push(IdentityFault::EmbeddedContent);
    } else if let Err(fault) = verify_signer(signer, &data, leaf, |digest| signed.digest(digest)) {
        identity.faults.push(fault.into());
    }
    match timestamp(signer, anchors, cache) {
        Ok(found) => identity.timestamp = found,
        Err(fault) => identity.faults.push(fault.into()),
    }
    if let Some(attributes) = &signer.signed_attributes {
        identity.has_hash_agility = hash_agility(attributes, signed, &mut identity.faults);
        identity.signing_time = signing_time(attributes);
    }
    team(signed, &path, &mut identity.faults);
    trust(&path, now, &mut identity);
    timestamp_root(&path, &mut identity);
    identity
}

/// The timestamp. Unsigned attributes without exactly one timestamp attribute are at fault
/// (`SecCmsSignerInfoVerifyUnAuthAttrsWithPolicy`).
fn timestamp(
    signer: &SignerInfo<'_>,
    anchors: &Anchors,
    cache: &Cache,
) -> Result<Option<Timestamp>, TimestampFault> {
    let Some(attributes) = signer
        .unsigned_attributes
        .as_ref()
        .filter(|found| !found.is_empty())
    else {
        return Ok(None);
    };
    let token = attributes.timestamp_token().ok_or(TimestampFault::NotOne)?;
    timestamp::evaluate(token.whole, &signer.signature, anchors, cache).map(Some)
}

/// Compares both hash-agility attributes; returns true if there is one. An attribute that occurs twice counts as absent,
/// and so does one of version 1 that has several values or an empty one.
fn hash_agility(attributes: &Attributes<'_>, signed: Signed<'_>, faults: &mut Vec<IdentityFault>) -> bool {
    let mut found = false;
    let mut sorted: Vec<_> = signed.directories.to_vec();
    sorted.sort_by_key(|(hash_type, _)| *hash_type);
    let version_1 = attributes.value(cms_oid::HASH_AGILITY);
    let version_1 = version_1.and_then(|value| value.octets().ok());
    if let Some(list) = version_1.filter(|list| !list.is_empty()) {
        found = true;
        let expected: Option<Vec<Vec<u8>>> = sorted
            .iter()
            .map(|(_, cdhash)| cdhash.map(|cdhash| cdhash.truncated().as_bytes().to_vec()))
            .collect();
        match expected {
            None => faults.push(IdentityFault::HashAgilityUnsupported),
            Some(expected) if cdhashes_of(&list, signed.budget).is_some_and(|listed| listed == expected) => {}
            Some(_) => faults.push(IdentityFault::HashAgility { version: 1 }),
        }
    }
    if let Some(attribute) = attributes.only(cms_oid::HASH_AGILITY_V2) {
        found = true;
        match agile_hashes(attribute) {
            None => faults.push(IdentityFault::HashAgilityMalformed),
            Some(listed) if agrees(&listed, &sorted, signed.best) => {}
            Some(_) => faults.push(IdentityFault::HashAgility { version: 2 }),
        }
    }
    found
}

/// One entry of a hash-agility attribute of version 2: content octets of the algorithm's identifier, and the digest.
type AgileHash<'a> = (&'a [u8], Cow<'a, [u8]>);

/// The digests in a hash-agility attribute of version 2 by the identifier of their algorithm
/// (`CMSAddAgileHashToDictionary`); `None` if a value cannot be decoded or does not get an entry of its own.
fn agile_hashes<'a>(attribute: &Attribute<'a>) -> Option<Vec<AgileHash<'a>>> {
    let mut listed: Vec<AgileHash<'_>> = Vec::new();
    for value in &attribute.values {
        if value.tag != tag::SEQUENCE {
            return None;
        }
        let mut fields = value.reader();
        let oid = fields.expect(tag::OBJECT_IDENTIFIER).ok()?.content;
        let digest = fields.next_element().ok()??.octets().ok()?;
        fields.finish().ok()?;
        // All identifiers that Apple's table does not know share one entry.
        let is_known = MessageDigest::is_known_oid(oid);
        let is_same = |known: &[u8]| known == oid || !(is_known || MessageDigest::is_known_oid(known));
        if listed.iter().any(|(known, _)| is_same(known)) {
            return None;
        }
        listed.push((oid, digest));
    }
    Some(listed)
}

/// `{cdhashes = [data, …]}`.
fn cdhashes_of(plist: &[u8], budget: &Budget) -> Option<Vec<Vec<u8>>> {
    let value = crate::plist::parse_within(plist, &Limits::default(), budget).ok()?;
    let list = value.as_dictionary()?.get("cdhashes")?.as_array()?;
    list.iter()
        .map(|value| value.as_data().map(<[u8]>::to_vec))
        .collect()
}

/// Specification 4.2: as many entries as CodeDirectories; each CodeDirectory of a known type must be listed, and the
/// chosen one among them.
fn agrees(listed: &[AgileHash<'_>], directories: &[(u8, Option<CdHash>)], best: HashType) -> bool {
    let mut covers_best = false;
    for (_, cdhash) in directories {
        let Some(cdhash) = cdhash else { continue };
        let tag = match cdhash.hash_type {
            HashType::Sha1 => MessageDigest::Sha1,
            HashType::Sha256 | HashType::Sha256Truncated => MessageDigest::Sha256,
            HashType::Sha384 => MessageDigest::Sha384,
        };
        let entry = listed.iter().find(|(oid, _)| *oid == tag.oid());
        let expected = match cdhash.hash_type {
            HashType::Sha256Truncated => cdhash.truncated(),
            _ => cdhash.full,
        };
        if entry.is_none_or(|(_, digest)| **digest != *expected.as_bytes()) {
            return false;
        }
        covers_best |= cdhash.hash_type == best;
    }
    covers_best && listed.len() == directories.len()
}

/// Specification 4.6: developers' code must claim the team of its certificate.
fn team(signed: Signed<'_>, path: &Path, faults: &mut Vec<IdentityFault>) {
    let (Some(claimed), Some(leaf)) = (signed.team_id, path.certificates.first()) else {
        return;
    };
    let developer_id = path
        .certificates
        .get(1)
        .is_some_and(|issuer| issuer.has_extension(oid::DEVELOPER_ID_CA))
        && leaf.has_extension(oid::DEVELOPER_ID_APPLICATION);
    let is_developer = developer_id
        || [
            oid::APPLE_DEVELOPMENT,
            oid::MAC_DEVELOPMENT,
            oid::MAC_SUBMISSION,
            oid::IPHONE_DISTRIBUTION,
        ]
        .iter()
        .any(|marker| leaf.has_extension(*marker));
    if !(path.is_apple() && is_developer) {
        return;
    }
    // One unit that is no text hides all of them, and then there is nothing to compare
    // (`SecCertificateCopyOrganizationalUnit`).
    let Some(team) = leaf.subject.first_of_all(oid::ORGANIZATIONAL_UNIT) else {
        return;
    };
    match std::str::from_utf8(claimed) {
        Err(_) => faults.push(IdentityFault::InvalidTeam),
        Ok(claimed) if claimed == team => {}
        Ok(claimed) => faults.push(IdentityFault::Team {
            claimed: claimed.to_owned(),
            certificate: team.to_owned(),
        }),
    }
}

/// The path's own faults at the time of signing; without timestamp, validity in time is forgiven (specification 4.3).
fn trust(path: &Path, now: UnixTime, identity: &mut Identity) {
    let stamped = identity.timestamp.as_ref().map(|timestamp| timestamp.time);
    let at = stamped.or(identity.signing_time).unwrap_or(now);
    let Some(fault) = policy::check(path, Purpose::CodeSigning, at, false) else {
        return;
    };
    if fault.problem == PathProblem::Expired && stamped.is_none() {
        match policy::check(path, Purpose::CodeSigning, at, true) {
            None => identity.is_expired = true,
            Some(other) => identity.faults.push(other.into()),
        }
    } else {
        identity.faults.push(fault.into());
    }
}

/// What the timestamp's root must be depends on the signer's (specification 4.3).
fn timestamp_root(path: &Path, identity: &mut Identity) {
    let Some(timestamp) = &identity.timestamp else {
        return;
    };
    match (path.is_apple(), timestamp.root) {
        (_, Root::Apple) | (false, Root::Trusted) => {}
        // No public roots are at hand: whichever it is, macOS refuses it beside a signer of Apple's.
        (true, _) => identity.faults.push(IdentityFault::TimestampNotApple),
        (false, Root::Missing | Root::Implicit) => identity.is_timestamp_root_unknown = true,
    }
}
