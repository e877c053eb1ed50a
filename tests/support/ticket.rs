//! Makes notarization tickets in the measured layout, and breaks them in every way that a reader must notice.

use super::der::{null, sequence};
use super::pki::{
    self, COMMON_NAME, Hash, Issued, Key, ORGANIZATION, Template, authority_key, basic_constraints,
    extension, key_usage, subject_key,
};

pub const TICKET_SIGNING: &str = "1.2.840.113635.100.6.1.30";
pub const SYSTEM_INTEGRATION_CA: &str = "1.2.840.113635.100.6.2.17";

/// Seconds of 2026-06-10 12:00 UTC.
pub const ISSUED: u64 = 1_781_092_800;
/// How long Apple's certificates for tickets live: issued before `ISSUED`, expired long ago for whoever reads them.
pub const THIRTEEN_MONTHS: (&str, &str) = ("20260101000000Z", "20270201000000Z");

/// Apple's marker as tickets have it: not critical.
pub fn marker(id: &str) -> Vec<u8> {
    extension(id, false, &null())
}

fn named(name: &str, key: Key) -> Template {
    let mut template = Template::new(name, key);
    template.subject = vec![
        (COMMON_NAME, name.into()),
        (ORGANIZATION, "Apple Inc.".into()),
        ("2.5.4.6", "US".into()),
    ];
    template
}

/// The intermediate, with Apple's name and marker.
pub fn integration_ca() -> Template {
    Template {
        hash: Hash::Sha384,
        ..named("Apple System Integration CA 4", Key::P256(5)).with(&[
            basic_constraints(true, Some(0)),
            key_usage(0x06),
            subject_key(b"integration"),
            authority_key(b"root"),
            marker(SYSTEM_INTEGRATION_CA),
        ])
    }
}

/// The leaf, with Apple's name and marker.
pub fn ticket_signer() -> Template {
    Template {
        validity: THIRTEEN_MONTHS,
        ..named("Software Ticket Signing", Key::P256(6)).with(&[
            extension("2.5.29.19", true, &sequence(&[])),
            key_usage(0x80),
            authority_key(b"integration"),
            marker(TICKET_SIGNING),
        ])
    }
}

/// A notary service whose root is `pki::root`.
pub fn notary() -> Issued {
    let authority = integration_ca().issued_by(&pki::root().self_signed());
    ticket_signer().issued_by(&authority)
}

/// A ticket to be made.
#[derive(Clone)]
pub struct TicketMaker {
    pub signer: Issued,
    /// What is sent: leaf and intermediate.
    pub certificates: Vec<Vec<u8>>,
    pub envelope_magic: [u8; 4],
    pub envelope_version: u32,
    pub contents_magic: [u8; 4],
    pub version: u16,
    pub hash_length: u16,
    pub flags: u32,
    pub time: u64,
    pub records: Vec<(u8, Vec<u8>)>,
    /// Added to the true numbers.
    pub count_error: i64,
    pub certificates_length_error: i64,
    pub contents_length_error: i64,
    /// Changes the last byte of the last record after signing.
    pub alters_record: bool,
    /// Changes the last byte of the signature.
    pub breaks_signature: bool,
    /// Bytes that the signature is filled to; 0 leaves it as it is.
    pub signature_space: usize,
    pub trailing: Vec<u8>,
}

impl TicketMaker {
    /// A good ticket for these cdhashes.
    pub fn new(signer: &Issued, cdhashes: &[Vec<u8>]) -> Self {
        Self {
            signer: signer.clone(),
            certificates: signer.chain[..2].to_vec(),
            envelope_magic: *b"s8ch",
            envelope_version: 1,
            contents_magic: *b"g8tk",
            version: 2,
            hash_length: 20,
            flags: 0,
            time: ISSUED,
            records: cdhashes.iter().map(|hash| (2, hash.clone())).collect(),
            count_error: 0,
            certificates_length_error: 0,
            contents_length_error: 0,
            alters_record: false,
            breaks_signature: false,
            signature_space: 72,
            trailing: Vec::new(),
        }
    }

    fn contents(&self) -> Vec<u8> {
        let mut bytes = self.contents_magic.to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.hash_length.to_le_bytes());
        bytes.extend(((self.records.len() as i64 + self.count_error) as u32).to_le_bytes());
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.time.to_le_bytes());
        for (hash_type, hash) in &self.records {
            bytes.push(*hash_type);
            bytes.extend(hash);
        }
        bytes
    }

    pub fn build(&self) -> Vec<u8> {
        let certificates = sequence(&self.certificates);
        let contents = self.contents();
        let mut bytes = self.envelope_magic.to_vec();
        bytes.extend(self.envelope_version.to_le_bytes());
        for (length, error) in [
            (certificates.len(), self.certificates_length_error),
            (contents.len(), self.contents_length_error),
        ] {
            bytes.extend(((length as i64 + error) as u32).to_le_bytes());
        }
        bytes.extend(certificates);
        bytes.extend(contents);
        let mut signature = self.signer.key.sign(Hash::Sha256, &bytes);
        if self.alters_record {
            *bytes.last_mut().unwrap() ^= 1;
        }
        if self.breaks_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        let space = self.signature_space.max(signature.len());
        signature.resize(space, 0);
        bytes.extend(signature);
        bytes.extend(&self.trailing);
        bytes
    }
}
