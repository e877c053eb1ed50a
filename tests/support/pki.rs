//! Keys and certificates, with Apple's marker extensions, under roots of our own.
//!
//! Nothing here is random: the EC keys are small numbers, the RSA keys lie in `keys` and were made for this.

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use sha1::Digest as _;

use super::der::{
    bits, boolean, generalized_time, integer, null, octets, oid, sequence, set, tlv, unsigned, utf8,
};

/// A digest of certificates and CMS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            // Nobody computes it: policy refuses it by its name.
            Self::Md5 => vec![0x55; 16],
            Self::Sha1 => sha1::Sha1::digest(data).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(data).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(data).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(data).to_vec(),
        }
    }

    pub fn oid(self) -> &'static str {
        match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    pub fn algorithm(self) -> Vec<u8> {
        sequence(&[oid(self.oid()), null()])
    }
}

/// A private key; the numbers choose one of several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Rsa(u32),
    P256(u8),
    P384(u8),
    P521(u8),
}

impl Key {
    fn rsa(bits: u32) -> rsa::PrivateKey {
        let der: &[u8] = match bits {
            2048 => include_bytes!("keys/rsa-2048.der"),
            1024 => include_bytes!("keys/rsa-1024.der"),
            _ => include_bytes!("keys/rsa-768.der"),
        };
        rsa::PrivateKey::from_pkcs1_der(der).unwrap()
    }

    fn scalar(length: usize, number: u8) -> Vec<u8> {
        // The first bytes stay zero, so that it is smaller than the order of the curve.
        let mut bytes = vec![number; length];
        bytes[..4].fill(0);
        bytes
    }

    /// SubjectPublicKeyInfo.
    pub fn public(self) -> Vec<u8> {
        const EC: &str = "1.2.840.10045.2.1";
        let ec = |curve: &str, point: &[u8]| sequence(&[sequence(&[oid(EC), oid(curve)]), bits(point)]);
        match self {
            Self::Rsa(number) => {
                let key = Self::rsa(number);
                let numbers = [unsigned(&key.n().to_be_bytes()), unsigned(&key.e().to_be_bytes())];
                sequence(&[
                    sequence(&[oid("1.2.840.113549.1.1.1"), null()]),
                    bits(&sequence(&numbers)),
                ])
            }
            Self::P256(number) => {
                let key = p256::ecdsa::SigningKey::from_slice(&Self::scalar(32, number)).unwrap();
                ec(
                    "1.2.840.10045.3.1.7",
                    key.verifying_key().to_sec1_point(false).as_bytes(),
                )
            }
            Self::P384(number) => {
                let key = p384::ecdsa::SigningKey::from_slice(&Self::scalar(48, number)).unwrap();
                ec(
                    "1.3.132.0.34",
                    key.verifying_key().to_sec1_point(false).as_bytes(),
                )
            }
            Self::P521(number) => {
                let key = p521::ecdsa::SigningKey::from_slice(&Self::scalar(66, number)).unwrap();
                ec(
                    "1.3.132.0.35",
                    key.verifying_key().to_sec1_point(false).as_bytes(),
                )
            }
        }
    }

    /// Signs `message`.
    pub fn sign(self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let digest = hash.of(message);
        match self {
            Self::Rsa(number) => {
                let info = sequence(&[hash.algorithm(), octets(&digest)]);
                let padding = rsa::Pkcs1v15Sign::new_unprefixed();
                Self::rsa(number).sign(padding, &info).unwrap()
            }
            Self::P256(number) => {
                let key = p256::ecdsa::SigningKey::from_slice(&Self::scalar(32, number)).unwrap();
                let signature: p256::ecdsa::Signature = key.sign_prehash(&padded(&digest, 32)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            Self::P384(number) => {
                let key = p384::ecdsa::SigningKey::from_slice(&Self::scalar(48, number)).unwrap();
                let signature: p384::ecdsa::Signature = key.sign_prehash(&padded(&digest, 48)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            Self::P521(number) => {
                let key = p521::ecdsa::SigningKey::from_slice(&Self::scalar(66, number)).unwrap();
                let signature: p521::ecdsa::Signature = key.sign_prehash(&padded(&digest, 66)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
        }
    }

    /// The identifier of the signature algorithm with this digest.
    pub fn algorithm(self, hash: Hash) -> Vec<u8> {
        match self {
            Self::Rsa(_) => {
                let text = match hash {
                    Hash::Md5 => "1.2.840.113549.1.1.4",
                    Hash::Sha1 => "1.2.840.113549.1.1.5",
                    Hash::Sha256 => "1.2.840.113549.1.1.11",
                    Hash::Sha384 => "1.2.840.113549.1.1.12",
                    Hash::Sha512 => "1.2.840.113549.1.1.13",
                };
                sequence(&[oid(text), null()])
            }
            _ => sequence(&[oid(match hash {
                Hash::Sha384 => "1.2.840.10045.4.3.3",
                Hash::Sha512 => "1.2.840.10045.4.3.4",
                Hash::Sha1 => "1.2.840.10045.4.1",
                _ => "1.2.840.10045.4.3.2",
            })]),
        }
    }
}

fn padded(digest: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length.saturating_sub(digest.len())];
    bytes.extend(digest);
    bytes
}

pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub const DEVELOPER_ID_APPLICATION: &str = "1.2.840.113635.100.6.1.13";
pub const DEVELOPER_ID_CA: &str = "1.2.840.113635.100.6.2.6";
pub const MAC_SUBMISSION: &str = "1.2.840.113635.100.6.1.7";
pub const MAC_APP_STORE: &str = "1.2.840.113635.100.6.1.9";
pub const MAC_DEVELOPMENT: &str = "1.2.840.113635.100.6.1.12";
pub const APPLE_SOFTWARE: &str = "1.2.840.113635.100.6.22";
const WORLDWIDE_DEVELOPER_RELATIONS: &str = "1.2.840.113635.100.6.2.1";

/// One extension.
pub fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(id)];
    if critical {
        parts.push(boolean(true));
    }
    parts.push(octets(value));
    sequence(&parts)
}

/// A marker of Apple's: critical, with NULL inside.
pub fn marker(id: &str) -> Vec<u8> {
    extension(id, true, &null())
}

pub fn basic_constraints(is_authority: bool, path_length: Option<u64>) -> Vec<u8> {
    let mut parts = Vec::new();
    if is_authority {
        parts.push(boolean(true));
    }
    parts.extend(path_length.map(integer));
    extension("2.5.29.19", true, &sequence(&parts))
}

/// keyUsage with these bits of the first octet, such as 0x80 for digitalSignature, 0x04 for keyCertSign.
pub fn key_usage(octet: u8) -> Vec<u8> {
    let unused = octet.trailing_zeros() as u8 % 8;
    extension("2.5.29.15", true, &tlv(3, &[unused, octet]))
}

pub fn purposes(ids: &[&str]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id)).collect();
    extension("2.5.29.37", true, &sequence(&ids))
}

pub fn subject_key(identifier: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", false, &octets(identifier))
}

pub fn authority_key(identifier: &[u8]) -> Vec<u8> {
    extension("2.5.29.35", false, &sequence(&[tlv(0x80, identifier)]))
}

/// A name from pairs of attribute type and text.
/// A distinguished name. A text that begins with a zero character is written as octets, which are no text.
pub fn name(attributes: &[(&str, String)]) -> Vec<u8> {
    let value = |text: &str| match text.strip_prefix('\0') {
        Some(octets_only) => octets(octets_only.as_bytes()),
        None => utf8(text),
    };
    let parts: Vec<_> = attributes
        .iter()
        .map(|(id, text)| set(&[sequence(&[oid(id), value(text)])]))
        .collect();
    sequence(&parts)
}

pub const COMMON_NAME: &str = "2.5.4.3";
pub const ORGANIZATION: &str = "2.5.4.10";
pub const UNIT: &str = "2.5.4.11";

/// A certificate to be issued.
#[derive(Clone)]
pub struct Template {
    pub subject: Vec<(&'static str, String)>,
    pub serial: u64,
    /// GeneralizedTimes.
    pub validity: (&'static str, &'static str),
    pub key: Key,
    pub extensions: Vec<Vec<u8>>,
    /// Digest of the issuer's signature.
    pub hash: Hash,
}

/// A certificate with its key and the certificates above it.
#[derive(Clone)]
pub struct Issued {
    pub der: Vec<u8>,
    pub subject: Vec<u8>,
    pub issuer: Vec<u8>,
    pub serial: u64,
    pub key: Key,
    /// Itself first.
    pub chain: Vec<Vec<u8>>,
}

pub const ALWAYS: (&str, &str) = ("20200101000000Z", "20400101000000Z");

impl Template {
    pub fn new(common_name: &str, key: Key) -> Self {
        Self {
            subject: vec![(COMMON_NAME, common_name.to_owned())],
            serial: 7,
            validity: ALWAYS,
            key,
            extensions: Vec::new(),
            hash: Hash::Sha256,
        }
    }

    pub fn with(mut self, extensions: &[Vec<u8>]) -> Self {
        self.extensions.extend_from_slice(extensions);
        self
    }

    fn sign(&self, issuer: &[u8], key: Key, above: &[Vec<u8>]) -> Issued {
        let subject = name(&self.subject);
        let mut parts = vec![
            tlv(0xa0, &integer(2)),
            integer(self.serial),
            key.algorithm(self.hash),
            issuer.to_vec(),
            sequence(&[
                generalized_time(self.validity.0),
                generalized_time(self.validity.1),
            ]),
            subject.clone(),
            self.key.public(),
        ];
        if !self.extensions.is_empty() {
            parts.push(tlv(0xa3, &sequence(&self.extensions)));
        }
        let body = sequence(&parts);
        let signature = key.sign(self.hash, &body);
        let der = sequence(&[body, key.algorithm(self.hash), bits(&signature)]);
        let mut chain = vec![der.clone()];
        chain.extend_from_slice(above);
        Issued {
            der,
            subject,
            issuer: issuer.to_vec(),
            serial: self.serial,
            key: self.key,
            chain,
        }
    }

    pub fn self_signed(&self) -> Issued {
        self.sign(&name(&self.subject), self.key, &[])
    }

    pub fn issued_by(&self, issuer: &Issued) -> Issued {
        self.sign(&issuer.subject, issuer.key, &issuer.chain)
    }
}

/// A root like Apple's.
pub fn root() -> Template {
    Template::new("Test Root CA", Key::P256(1)).with(&[
        basic_constraints(true, None),
        key_usage(0x06),
        subject_key(b"root"),
    ])
}

/// An intermediate like that of Developer ID.
pub fn developer_id_ca() -> Template {
    Template::new("Test Developer ID Certification Authority", Key::P256(2)).with(&[
        basic_constraints(true, None),
        key_usage(0x06),
        subject_key(b"ca"),
        authority_key(b"root"),
        marker(DEVELOPER_ID_CA),
    ])
}

/// An intermediate for development and the App Store.
pub fn worldwide_developer_relations() -> Template {
    Template::new(
        "Test Worldwide Developer Relations Certification Authority",
        Key::P256(10),
    )
    .with(&[
        basic_constraints(true, None),
        key_usage(0x06),
        subject_key(b"ca"),
        authority_key(b"root"),
        marker(WORLDWIDE_DEVELOPER_RELATIONS),
    ])
}

/// A certificate for code, as Apple issues it to a team, with the marker that says what it is for.
pub fn leaf(name: &str, team: &str, kind: &str) -> Template {
    let name = format!("{name}: Example ({team})");
    let mut template = Template::new(&name, Key::P256(3)).with(&[
        extension("2.5.29.19", true, &sequence(&[])),
        key_usage(0x80),
        purposes(&[CODE_SIGNING]),
        authority_key(b"ca"),
        subject_key(b"leaf"),
        marker(kind),
    ]);
    template.subject = vec![
        ("0.9.2342.19200300.100.1.1", team.to_owned()),
        (COMMON_NAME, name),
        (UNIT, team.to_owned()),
        (ORGANIZATION, "Example".into()),
        ("2.5.4.6", "US".into()),
    ];
    template
}

/// A certificate like Developer ID Application, of the team `ABCDE12345`.
pub fn developer_id(key: Key) -> Template {
    Template {
        key,
        ..leaf("Developer ID Application", "ABCDE12345", DEVELOPER_ID_APPLICATION)
    }
}

/// A timestamp authority's certificate.
pub fn timestamp_authority() -> Template {
    Template::new("Test Timestamp Signer", Key::P256(9)).with(&[key_usage(0x80), purposes(&[TIME_STAMPING])])
}

/// A self-signed certificate for code, as the keychain's assistant makes it.
pub fn self_signed(key: Key) -> Template {
    Template::new("Self", key).with(&[key_usage(0x80), purposes(&[CODE_SIGNING])])
}
