//! Takes a ticket apart. All numbers are little-endian.
//!
//! ```text
//! "s8ch"  u32 version 1  u32 length of certificates  u32 length of contents
//! certificates: DER SEQUENCE OF Certificate: leaf, intermediate
//! contents: "g8tk"  u16 version 2  u16 20  u32 count  u32 flags  u64 time  count × { u8 hash type, 20 bytes of cdhash }
//! signature: DER SEQUENCE { r, s } of ECDSA, filled with zeros to 72 bytes
//! ```

use std::sync::Arc;

use thiserror::Error;

use crate::asn1::{Asn1Error, Reader, tag};
use crate::hash::HashType;
use crate::octets::{Endian, range};
use crate::time::UnixTime;
use crate::trust::{Certificate, CertificateError};

const MAGIC: [u8; 4] = *b"s8ch";
const CONTENTS_MAGIC: [u8; 4] = *b"g8tk";
/// The only version of the envelope that was ever seen.
const ENVELOPE_VERSION: u32 = 1;
/// The only version of the contents that was ever seen.
const CONTENTS_VERSION: u16 = 2;
/// Bytes in front of the certificates.
const HEADER: u64 = 16;
/// Bytes in front of the records.
const CONTENTS_HEADER: u64 = 24;
/// Bytes of a hash in a record; the field that holds this number may also mean something else.
const HASH_LENGTH: u16 = 20;
/// Bytes of one record.
const RECORD: usize = 21;
/// Room for a signature: the longest DER that two numbers of 32 bytes can take.
const SIGNATURE_SPACE: u64 = 72;
/// Certificates in a ticket: all real ones have two.
const MAX_CERTIFICATES: usize = 8;

/// Why bytes are no ticket. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// It does not begin like a ticket.
    #[error("not a notarization ticket: it begins with \"{}\", not with \"s8ch\"", found.escape_ascii())]
    Magic {
        /// Its first four bytes.
        found: [u8; 4],
    },
    /// It ends too early.
    #[error("the ticket has {available} bytes, but its header promises at least {needed}")]
    Truncated {
        /// The length that the header asks for.
        needed: u64,
        /// The length of the file.
        available: u64,
    },
    /// A newer kind of envelope.
    #[error("the ticket's envelope is of version {version}, which is not known here")]
    EnvelopeVersion {
        /// The version field.
        version: u32,
    },
    /// The certificates are no SEQUENCE of certificates.
    #[error("the ticket's certificates are malformed: {0}")]
    Certificates(Asn1Error),
    /// One certificate cannot be decoded.
    #[error("certificate {index} of the ticket: {error}")]
    Certificate {
        /// Its place, the leaf is 0.
        index: usize,
        /// Why.
        error: CertificateError,
    },
    /// None at all, or more than the budget.
    #[error("the ticket has {count} certificates, where 1 to {MAX_CERTIFICATES} belong")]
    CertificateCount {
        /// How many there are; reading ends behind the budget.
        count: usize,
    },
    /// The contents are shorter than their own header.
    #[error("the ticket's contents have {length} bytes, fewer than their header of {CONTENTS_HEADER}")]
    ContentsTooShort {
        /// Their length.
        length: u32,
    },
    /// The contents do not begin as they must.
    #[error("the ticket's contents begin with \"{}\", not with \"g8tk\"", found.escape_ascii())]
    ContentsMagic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// A newer kind of contents.
    #[error("the ticket's contents are of version {version}, which is not known here")]
    ContentsVersion {
        /// The version field.
        version: u16,
    },
    /// Records of another length, or a field of another meaning.
    #[error("the ticket's contents have a length field of {length}, where only 20 is known")]
    HashLength {
        /// The field.
        length: u16,
    },
    /// Count and length contradict each other.
    #[error("the ticket announces {count} records, which do not take {length} bytes")]
    Count {
        /// The count field.
        count: u32,
        /// Length of the contents.
        length: u32,
    },
    /// The signature is no DER SEQUENCE.
    #[error("the ticket's signature is malformed: {0}")]
    Signature(Asn1Error),
    /// Something follows the signature that is not its filling.
    #[error("{count} bytes follow the ticket's signature that do not belong to it")]
    TrailingBytes {
        /// How many.
        count: u64,
    },
}

impl TicketError {
    /// Whether the ticket is of a kind that is not known here, so that nothing follows for the code.
    #[must_use]
    pub fn is_unknown_kind(&self) -> bool {
        matches!(
            self,
            Self::EnvelopeVersion { .. } | Self::ContentsVersion { .. } | Self::HashLength { .. }
        )
    }

    /// Whether the bytes are a property list: a resource seal where a ticket belongs.
    #[must_use]
    pub fn is_property_list(&self) -> bool {
        matches!(self, Self::Magic { found } if found == b"<?xm" || found == b"bpli")
    }
}

/// One line of a ticket: the identity of one slice, or of a package's table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The number of the hash type, as in a CodeDirectory: 2 is SHA-256.
    pub hash_type: u8,
    /// The first 20 bytes of the hash.
    pub hash: [u8; 20],
}

/// A ticket. Nothing in it is verified.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Certificates as sent: the leaf, then its issuer.
    pub certificates: Vec<Arc<Certificate>>,
    /// When it was issued.
    pub time: UnixTime,
    /// 2 in tickets of 2019, 0 in all later ones; the meaning is not known.
    pub flags: u32,
    /// Records in the order of the file.
    pub records: Vec<Record>,
    /// Length of the whole ticket in bytes.
    pub length: u64,
    sorted: Vec<Record>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Ticket {
    /// Flags that were seen in real tickets.
    pub const KNOWN_FLAGS: [u32; 2] = [0, 2];

    /// Whether bytes begin like a ticket.
    #[must_use]
    pub fn is_ticket(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Reads a ticket that takes all of `bytes`.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TicketError> {
        let available = length(bytes);
        let truncated = |needed| TicketError::Truncated { needed, available };
        let found = magic(bytes, 0).ok_or(truncated(HEADER))?;
        if found != MAGIC {
            return Err(TicketError::Magic { found });
        }
        let header = |offset| Endian::Little.u32(bytes, offset).ok_or(truncated(HEADER));
        let (version, certificates, contents) = (header(4)?, header(8)?, header(12)?);
        if version != ENVELOPE_VERSION {
            return Err(TicketError::EnvelopeVersion { version });
        }
        let contents_start = HEADER.saturating_add(certificates.into());
        let end = contents_start.saturating_add(contents.into());
        let piece = |start, length| range(bytes, start, length).ok_or(truncated(end));
        let certificates = read_certificates(piece(HEADER, certificates.into())?)?;
        let (time, flags, records) = read_contents(piece(contents_start, contents.into())?, contents)?;
        let signature = read_signature(piece(end, available.saturating_sub(end))?)?;
        let mut sorted = records.clone();
        sorted.sort_unstable();
        Ok(Self {
            certificates,
            time,
            flags,
            records,
            length: available,
            sorted,
            signed: piece(0, end)?.to_vec(),
            signature,
        })
    }

    /// All bytes that the signature is over.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed
    }

    /// The signature in DER, without its filling.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether a record lists this cdhash with this hash type; `None` where none does but some are of a type that is
    /// not known here.
    #[must_use]
    pub fn covers(&self, cdhash: &[u8], hash_type: HashType) -> Option<bool> {
        let listed = <[u8; 20]>::try_from(cdhash).is_ok_and(|hash| {
            let hash_type = hash_type.raw();
            self.sorted.binary_search(&Record { hash_type, hash }).is_ok()
        });
        match listed {
            true => Some(true),
            false if self.has_unknown_hash_type() => None,
            false => Some(false),
        }
    }

    /// Whether a record is of a hash type that CodeDirectories do not have today.
    #[must_use]
    pub fn has_unknown_hash_type(&self) -> bool {
        self.records
            .iter()
            .any(|record| HashType::from_raw(record.hash_type).is_none())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn magic(bytes: &[u8], offset: u64) -> Option<[u8; 4]> {
    range(bytes, offset, 4)?.try_into().ok()
}

fn read_certificates(bytes: &[u8]) -> Result<Vec<Arc<Certificate>>, TicketError> {
    let mut outer = Reader::new(bytes);
    let list = outer.expect(tag::SEQUENCE).map_err(TicketError::Certificates)?;
    outer.finish().map_err(TicketError::Certificates)?;
    let mut reader = list.reader();
    let mut certificates = Vec::new();
    while let Some(element) = reader.next_element().map_err(TicketError::Certificates)? {
        let index = certificates.len();
        if index == MAX_CERTIFICATES {
            let count = index.saturating_add(1);
            return Err(TicketError::CertificateCount { count });
        }
        let certificate = Certificate::parse(element.whole);
        let certificate = certificate.map_err(|error| TicketError::Certificate { index, error })?;
        certificates.push(Arc::new(certificate));
    }
    if certificates.is_empty() {
        return Err(TicketError::CertificateCount { count: 0 });
    }
    Ok(certificates)
}

fn read_contents(bytes: &[u8], stated: u32) -> Result<(UnixTime, u32, Vec<Record>), TicketError> {
    let little = Endian::Little;
    let too_short = TicketError::ContentsTooShort { length: stated };
    let found = magic(bytes, 0).ok_or(too_short)?;
    if found != CONTENTS_MAGIC {
        return Err(TicketError::ContentsMagic { found });
    }
    let version = little.u16(bytes, 4).ok_or(too_short)?;
    if version != CONTENTS_VERSION {
        return Err(TicketError::ContentsVersion { version });
    }
    let hash_length = little.u16(bytes, 6).ok_or(too_short)?;
    if hash_length != HASH_LENGTH {
        return Err(TicketError::HashLength { length: hash_length });
    }
    let count = little.u32(bytes, 8).ok_or(too_short)?;
    let flags = little.u32(bytes, 12).ok_or(too_short)?;
    let time = little.u64(bytes, 16).ok_or(too_short)?;
    let records = usize::try_from(CONTENTS_HEADER)
        .ok()
        .and_then(|start| bytes.get(start..))
        .ok_or(too_short)?;
    if usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(RECORD))
        != Some(records.len())
    {
        return Err(TicketError::Count {
            count,
            length: stated,
        });
    }
    let records = records
        .chunks_exact(RECORD)
        .filter_map(|record| {
            let (hash_type, hash) = record.split_first()?;
            Some(Record {
                hash_type: *hash_type,
                hash: hash.try_into().ok()?,
            })
        })
        .collect();
    // Later than any date is still only later than now.
    Ok((UnixTime(i64::try_from(time).unwrap_or(i64::MAX)), flags, records))
}

/// The signature fills its space with zeros. Every real ticket has 72 bytes there; fewer hold as much.
fn read_signature(space: &[u8]) -> Result<Vec<u8>, TicketError> {
    let mut reader = Reader::new(space);
    let signature = reader.expect(tag::SEQUENCE).map_err(TicketError::Signature)?;
    let filling = reader.rest();
    let excess = length(space).saturating_sub(SIGNATURE_SPACE);
    let foreign = filling
        .iter()
        .position(|byte| *byte != 0)
        .map_or(0, |start| length(filling.get(start..).unwrap_or_default()));
    match excess.max(foreign) {
        0 => Ok(signature.whole.to_vec()),
        count => Err(TicketError::TrailingBytes { count }),
    }
}
