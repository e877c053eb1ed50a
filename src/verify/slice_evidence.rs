//! The facts about one architecture of a code object: owned, so that rules and reports outlive the files.

use super::Designated;
use crate::blob::{BlobError, Slot};
use crate::codedir::{CdHash, CodeDirectoryFlags, ExecSegment};
use crate::hash::{Digest, HashType};
use crate::macho::{Architecture, BuildVersion, FileType, LinkedPath, Segment};
use crate::plist::Dictionary;
use crate::trust::{CertificateKind, Identity};

/// How a slice is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SignatureKind {
    /// Not at all, or not readable.
    #[default]
    Unsigned,
    /// Without identity, by `codesign`.
    Adhoc,
    /// Without identity, by the linker.
    LinkerSigned,
    /// With a certificate.
    Cms,
}

impl SignatureKind {
    /// The word in JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Adhoc => "adhoc",
            Self::LinkerSigned => "linker-signed",
            Self::Cms => "cms",
        }
    }
}

/// A component of a signature and whether a special slot binds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotEvidence {
    /// The slot.
    pub slot: Slot,
    /// Length of the component in bytes; `None` when it is absent.
    pub length: Option<u64>,
    /// Whether the chosen CodeDirectory holds a digest for it.
    pub bound: bool,
    /// That digest.
    pub digest: Option<Digest>,
}

/// A property list in a section of `__TEXT`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum EmbeddedList {
    /// There is no such section.
    #[default]
    Absent,
    /// It does not hold a property list with a dictionary.
    Malformed,
    /// Why it was not read, where macOS may read it.
    NotRead(String),
    /// What it says.
    Dictionary(Dictionary),
}

impl EmbeddedList {
    /// The dictionary, if there is one.
    #[must_use]
    pub fn dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(entries) => Some(entries),
            Self::Absent | Self::Malformed | Self::NotRead(_) => None,
        }
    }

    /// The reason, if it was not read.
    #[must_use]
    pub fn not_read(&self) -> Option<&String> {
        match self {
            Self::NotRead(reason) => Some(reason),
            Self::Absent | Self::Malformed | Self::Dictionary(_) => None,
        }
    }
}

/// What became of the entitlements of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EntitlementsState {
    /// The signature has none.
    #[default]
    None,
    /// They were read.
    Known,
    /// There are some, but macOS reads none: no special slot covers them, they have another magic number, a DER form of that
    /// kind hides them, or they are a property list with values that the DER form does not have.
    Ignored,
    /// The property list counts and cannot be decoded, so macOS reads none.
    XmlMalformed,
    /// The DER form cannot be decoded, and neither can any requirement be evaluated (errSecDecode).
    DerMalformed,
    /// They changed after signing, or are gone.
    Changed,
    /// They do not come from where the CodeDirectory comes from (errSecCSSignatureFailed).
    OtherSource,
}

impl EntitlementsState {
    /// Returns true if it is known what the code claims, also where that is nothing.
    #[must_use]
    pub fn is_known(self) -> bool {
        matches!(self, Self::None | Self::Known | Self::Ignored)
    }
}

/// Facts about one architecture of a code object.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SliceEvidence {
    /// CPU type and subtype; `None` for code that is no Mach-O.
    pub architecture: Option<Architecture>,
    /// Mach-O file type.
    pub file_type: Option<FileType>,
    /// How it is signed.
    pub signature: SignatureKind,
    /// Identifier of the chosen CodeDirectory, as text.
    pub identifier: Option<String>,
    /// The bytes of that identifier, which need not be UTF-8; requirements compare them.
    pub identifier_bytes: Vec<u8>,
    /// Team identifier of the chosen CodeDirectory, as text.
    pub team_id: Option<String>,
    /// The bytes of that team identifier, which need not be UTF-8; slices are compared by them.
    pub team_id_bytes: Option<Vec<u8>>,
    /// Flags of the chosen CodeDirectory.
    pub flags: CodeDirectoryFlags,
    /// Version of the chosen CodeDirectory.
    pub code_directory_version: Option<u32>,
    /// Length of the chosen CodeDirectory in bytes.
    pub code_directory_length: u64,
    /// Identities of all CodeDirectories, weakest hash type first.
    pub cdhashes: Vec<CdHash>,
    /// Hash type of the chosen CodeDirectory.
    pub hash_type: Option<HashType>,
    /// Page size in bytes; `None` for a single page.
    pub page_size: Option<u64>,
    /// Number of code pages.
    pub pages: u64,
    /// The chosen CodeDirectory's digest of each page, if they were asked for.
    pub page_digests: Vec<Digest>,
    /// Number of pages that differ from their digest.
    pub pages_bad: u64,
    /// Bytes that were hashed as code.
    pub bytes_hashed: u64,
    /// Number of special slots.
    pub special_slots: u32,
    /// Whether the CodeDirectory has a scatter vector, which nothing uses any more.
    pub has_scatter: bool,
    /// Whether the signature lies in files of `_CodeSignature` or in attributes of the file.
    pub is_signed_beside: bool,
    /// Whether another slice of the same architecture stands in front of this one, so that macOS never looks at it
    /// (specification 2.3).
    pub is_duplicate: bool,
    /// SHA-256 of the CodeDirectory in slot 0, which the CMS signs; that digest whatever the hash types
    /// (`SecStaticCode::createCmsDigest`).
    pub cms_digest: Option<Digest>,
    /// Length of the CMS in bytes.
    pub cms_length: Option<u64>,
    /// Platform identifier of the CodeDirectory.
    pub platform: u8,
    /// Executable segment.
    pub exec_segment: Option<ExecSegment>,
    /// Hardened runtime version, 0x00AABBCC.
    pub runtime_version: Option<u32>,
    /// Platform, minimum system, SDK.
    pub build_version: Option<BuildVersion>,
    /// `MH_` flags of the header.
    pub header_flags: u32,
    /// Segments in the order of their commands.
    pub segments: Vec<Segment>,
    /// `cryptid` of `LC_ENCRYPTION_INFO`.
    pub encryption: Option<u32>,
    /// Libraries and run paths.
    pub linked_paths: Vec<LinkedPath>,
    /// `LC_UUID`.
    pub uuid: Option<[u8; 16]>,
    /// Components with their slots.
    pub slots: Vec<SlotEvidence>,
    /// What macOS makes of the entitlements in the signature.
    pub entitlements_state: EntitlementsState,
    /// Payload of the entitlements blob, bound and unmodified, unless macOS ignores it.
    pub entitlements_xml: Option<Vec<u8>>,
    /// Payload of the DER entitlements blob, bound and unmodified.
    pub entitlements_der: Option<Vec<u8>>,
    /// The entitlements that macOS reads: from DER, or from XML where there is no DER form.
    pub entitlements: Option<Dictionary>,
    /// Info.plist of the bundle or of the slice, bound and unmodified.
    pub info_plist: Option<Dictionary>,
    /// Section `__info_plist`, bound or not.
    pub embedded_info_plist: EmbeddedList,
    /// Section `__launchd_plist`.
    pub launchd_plist: EmbeddedList,
    /// Whether the bound Info.plist is no dictionary.
    pub is_info_plist_malformed: bool,
    /// What the code must satisfy to be the same code.
    pub designated: Option<Designated>,
    /// Launch and library constraints by slot, decoded where that is possible.
    pub constraints: Vec<(Slot, Option<Dictionary>)>,
    /// The requirement set blob, bound and unmodified.
    pub requirements: Option<Vec<u8>>,
    /// Who signed, where a certificate did.
    pub identity: Option<Identity>,
    /// `Some(true)`: a valid notarization ticket at hand lists the chosen CodeDirectory. `None`: none does, which proves
    /// nothing, since Apple's servers may hold one. Never `Some(false)`.
    pub notarized: Option<bool>,
    /// The ticket in slot 0x10002 of the signature, which nothing covers.
    pub ticket: Option<Result<Vec<u8>, BlobError>>,
}

impl SliceEvidence {
    /// What macOS calls the cdhash: the first 20 bytes of the identity of the chosen CodeDirectory.
    #[must_use]
    pub fn cdhash(&self) -> Option<Digest> {
        self.cdhashes.last().map(CdHash::truncated)
    }

    /// The team for which Apple vouches: by the developer's certificate, or by signing itself, as its store does
    /// (specification 4.6). What the CodeDirectory alone says is a claim, and counts for nothing if it says otherwise;
    /// signatures of before 2014 claim no team.
    #[must_use]
    pub fn vouched_team(&self) -> Option<&str> {
        let identity = self.identity.as_ref().filter(|found| found.faults.is_empty())?;
        let claimed = self.team_id.as_deref();
        let vouched = match identity.kind {
            CertificateKind::AppleSoftware | CertificateKind::MacAppStore | CertificateKind::TestFlight => {
                claimed
            }
            _ => identity.team(),
        };
        vouched.filter(|team| claimed.is_none_or(|claimed| claimed == *team))
    }
}
