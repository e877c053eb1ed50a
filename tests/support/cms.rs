//! Signs CodeDirectories: CMS SignedData in DER and BER with every variant of attributes, and RFC 3161 tokens.

use super::bundle::base64;
use super::der::{generalized_time, indefinite, integer, octets, oid, sequence, sorted, tlv, utc_time};
use super::pki::{Hash, Issued, Key};
use super::signature::{SHA1, SHA256, SHA256_TRUNCATED, SHA384};

const DATA: &str = "1.2.840.113549.1.7.1";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
const TIMESTAMP_TOKEN: &str = "1.2.840.113549.1.9.16.2.14";
const AGILITY_1: &str = "1.2.840.113635.100.9.1";
const AGILITY_2: &str = "1.2.840.113635.100.9.2";

/// What a hash-agility attribute says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agility {
    Absent,
    Right,
    /// The first digest is another one.
    Wrong,
    /// The last digest is left out.
    Short,
    /// Not of the attribute's form.
    Malformed,
}

/// How a CMS is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Der,
    /// Indefinite lengths, as Apple's signer writes.
    Ber,
}

/// How to sign a CodeDirectory with a certificate.
#[derive(Clone)]
pub struct CmsSigner {
    pub leaf: Issued,
    /// All certificates that are sent.
    pub certificates: Vec<Vec<u8>>,
    pub hash: Hash,
    /// The digest algorithm that the CMS announces, where that is another one.
    pub announced: Option<Hash>,
    /// Whether there are signed attributes.
    pub has_attributes: bool,
    pub signing_time: Option<&'static str>,
    pub agility_1: Agility,
    pub agility_2: Agility,
    pub form: Form,
    /// Whether the signer is named by its key identifier `leaf`.
    pub by_key_identifier: bool,
    pub timestamp: Option<Authority>,
    /// Further unsigned attributes.
    pub unsigned: Vec<Vec<u8>>,
    /// Further signed attributes.
    pub signed: Vec<Vec<u8>>,
    /// The values of the timestamp attribute in the order in which they are sent, made from the token.
    pub token_values: fn(Vec<u8>) -> Vec<Vec<u8>>,
    /// The signature algorithm, where it is not the usual one.
    pub algorithm: Option<Vec<u8>>,
    /// The digest of the content is that of these bytes.
    pub content: Option<Vec<u8>>,
    /// The content is sent along.
    pub embeds_content: bool,
    pub breaks_signature: bool,
    /// Signers that follow the first: their number.
    pub more_signers: usize,
}

impl CmsSigner {
    pub fn new(leaf: &Issued) -> Self {
        Self {
            leaf: leaf.clone(),
            certificates: leaf.chain.clone(),
            hash: Hash::Sha256,
            announced: None,
            has_attributes: true,
            signing_time: Some("20260601120000Z"),
            agility_1: Agility::Right,
            agility_2: Agility::Right,
            form: Form::Ber,
            by_key_identifier: false,
            timestamp: None,
            unsigned: Vec::new(),
            signed: Vec::new(),
            token_values: |token| vec![token],
            algorithm: None,
            content: None,
            embeds_content: false,
            breaks_signature: false,
            more_signers: 0,
        }
    }

    /// The CMS over the CodeDirectory of slot 0; `cdhashes` are hash type and full digest of all of them.
    pub fn sign(&self, base: &[u8], cdhashes: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let content = self.content.as_deref().unwrap_or(base);
        let attributes = self.attributes(content, cdhashes);
        let message = match &attributes {
            Some(attributes) => tlv(0x31, attributes),
            None => content.to_vec(),
        };
        let mut signature = self.leaf.key.sign(self.hash, &message);
        if self.breaks_signature {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let mut unsigned = self.unsigned.clone();
        if let Some(authority) = &self.timestamp {
            let values = (self.token_values)(authority.token(&signature));
            unsigned.push(sequence(&[oid(TIMESTAMP_TOKEN), tlv(0x31, &values.concat())]));
        }
        let signer = self.signer_info(&attributes, &signature, &unsigned);
        let others = (0..self.more_signers).map(|_| self.signer_info(&None, &[0; 64], &[]));
        let signers: Vec<u8> = std::iter::once(signer.clone()).chain(others).flatten().collect();
        let embedded = self.embeds_content.then_some(base);
        let announced = self.announced.unwrap_or(self.hash);
        signed_data(self.form, announced, DATA, embedded, &self.certificates, &signers)
    }

    /// The content octets of the signed attributes, sorted as DER wants.
    fn attributes(&self, content: &[u8], cdhashes: &[(u8, Vec<u8>)]) -> Option<Vec<u8>> {
        if !self.has_attributes {
            return None;
        }
        let mut parts = vec![
            attribute(CONTENT_TYPE, &[oid(DATA)]),
            attribute(MESSAGE_DIGEST, &[octets(&self.hash.of(content))]),
        ];
        if let Some(time) = self.signing_time {
            parts.push(attribute(SIGNING_TIME, &[utc_time(time)]));
        }
        let mut listed = cdhashes.to_vec();
        listed.sort();
        if let Some(changed) = changed(self.agility_1, &listed) {
            let hashes: String = changed
                .iter()
                .map(|(_, digest)| format!("<data>{}</data>", base64(&digest[..20])))
                .collect();
            let plist = format!(
                "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>cdhashes</key><array>{hashes}</array></dict></plist>"
            );
            let value = if self.agility_1 == Agility::Malformed {
                octets(b"no list")
            } else {
                octets(plist.as_bytes())
            };
            parts.push(attribute(AGILITY_1, &[value]));
        }
        if let Some(changed) = changed(self.agility_2, &listed) {
            let values: Vec<_> = changed
                .iter()
                .map(|(hash_type, digest)| {
                    let digest = if *hash_type == SHA256_TRUNCATED {
                        &digest[..20]
                    } else {
                        digest
                    };
                    sequence(&[oid(digest_oid(*hash_type)), octets(digest)])
                })
                .collect();
            parts.push(if self.agility_2 == Agility::Malformed {
                attribute(AGILITY_2, &[octets(b"no sequence")])
            } else {
                attribute(AGILITY_2, &values)
            });
        }
        parts.extend(self.signed.iter().cloned());
        Some(sorted(&parts))
    }

    fn signer_info(&self, attributes: &Option<Vec<u8>>, signature: &[u8], unsigned: &[Vec<u8>]) -> Vec<u8> {
        let identifier = if self.by_key_identifier {
            tlv(0x80, b"leaf")
        } else {
            sequence(&[self.leaf.issuer.clone(), integer(self.leaf.serial)])
        };
        let algorithm = self.algorithm.clone().unwrap_or(match self.leaf.key {
            Key::Rsa(_) => sequence(&[oid("1.2.840.113549.1.1.1"), vec![5, 0]]),
            key => key.algorithm(self.hash),
        });
        let mut parts = vec![
            integer(if self.by_key_identifier { 3 } else { 1 }),
            identifier,
            self.hash.algorithm(),
        ];
        parts.extend(attributes.as_ref().map(|content| tlv(0xa0, content)));
        parts.extend([algorithm, octets(signature)]);
        if !unsigned.is_empty() {
            parts.push(tlv(0xa1, &sorted(unsigned)));
        }
        sequence(&parts)
    }
}

fn changed(agility: Agility, right: &[(u8, Vec<u8>)]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut list = right.to_vec();
    match agility {
        Agility::Absent => return None,
        Agility::Right | Agility::Malformed => {}
        Agility::Wrong => list[0].1[0] ^= 1,
        Agility::Short => {
            list.pop();
        }
    }
    Some(list)
}

fn digest_oid(hash_type: u8) -> &'static str {
    match hash_type {
        SHA1 => Hash::Sha1.oid(),
        SHA256 | SHA256_TRUNCATED => Hash::Sha256.oid(),
        SHA384 => Hash::Sha384.oid(),
        other => panic!("no hash type {other}"),
    }
}

/// One attribute.
pub fn attribute(id: &str, values: &[Vec<u8>]) -> Vec<u8> {
    sequence(&[oid(id), tlv(0x31, &sorted(values))])
}

/// ContentInfo of type `data` with this content.
pub fn plain_data(content: &[u8]) -> Vec<u8> {
    sequence(&[oid(DATA), tlv(0xa0, content)])
}

/// ContentInfo with SignedData; `signers` is the content of the set.
pub fn signed_data(
    form: Form,
    hash: Hash,
    content_type: &str,
    content: Option<&[u8]>,
    certificates: &[Vec<u8>],
    signers: &[u8],
) -> Vec<u8> {
    let constructed = |tag: u8, content: &[u8]| match form {
        Form::Der => tlv(tag, content),
        Form::Ber => indefinite(tag, content),
    };
    let mut encapsulated = oid(content_type);
    if let Some(content) = content {
        let octets = match form {
            Form::Der => octets(content),
            // A constructed string of two parts.
            Form::Ber => {
                let (first, second) = content.split_at(content.len() / 2);
                indefinite(0x24, &[octets(first), octets(second)].concat())
            }
        };
        encapsulated.extend(constructed(0xa0, &octets));
    }
    let mut body = integer(1);
    body.extend(tlv(0x31, &hash.algorithm()));
    body.extend(constructed(0x30, &encapsulated));
    if !certificates.is_empty() {
        body.extend(constructed(0xa0, &certificates.concat()));
    }
    body.extend(tlv(0x31, signers));
    let inner = constructed(0xa0, &constructed(0x30, &body));
    constructed(0x30, &[oid(SIGNED_DATA), inner].concat())
}

/// A timestamp authority.
#[derive(Clone)]
pub struct Authority {
    pub issued: Issued,
    pub time: &'static str,
    pub imprint: Hash,
    pub version: u64,
    /// Whether the imprint is of another signature.
    pub stamps_other: bool,
    pub breaks_signature: bool,
    pub has_certificates: bool,
    pub form: Form,
}

impl Authority {
    pub fn new(issued: &Issued) -> Self {
        Self {
            issued: issued.clone(),
            time: "20260601120100Z",
            imprint: Hash::Sha256,
            version: 1,
            stamps_other: false,
            breaks_signature: false,
            has_certificates: true,
            form: Form::Der,
        }
    }

    /// TSTInfo (RFC 3161 2.4.2).
    pub fn info(&self, signature: &[u8]) -> Vec<u8> {
        let mut imprint = self.imprint.of(signature);
        if self.stamps_other {
            imprint[0] ^= 1;
        }
        sequence(&[
            integer(self.version),
            oid("1.2.840.113635.100.4.14"),
            sequence(&[self.imprint.algorithm(), octets(&imprint)]),
            integer(4711),
            generalized_time(self.time),
        ])
    }

    pub fn token(&self, signature: &[u8]) -> Vec<u8> {
        let info = self.info(signature);
        let hash = Hash::Sha256;
        let attributes = sorted(&[
            attribute(CONTENT_TYPE, &[oid(TST_INFO)]),
            attribute(MESSAGE_DIGEST, &[octets(&hash.of(&info))]),
        ]);
        let mut signature = self.issued.key.sign(hash, &tlv(0x31, &attributes));
        if self.breaks_signature {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let signer = sequence(&[
            integer(1),
            sequence(&[self.issued.issuer.clone(), integer(self.issued.serial)]),
            hash.algorithm(),
            tlv(0xa0, &attributes),
            self.issued.key.algorithm(hash),
            octets(&signature),
        ]);
        let certificates = if self.has_certificates {
            self.issued.chain.clone()
        } else {
            Vec::new()
        };
        signed_data(self.form, hash, TST_INFO, Some(&info), &certificates, &signer)
    }
}
