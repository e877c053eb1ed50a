//! The facts about one item that verification gathered: owned, so that rules and reports outlive the files.

use super::{Designated, EntitlementsState, Fault, ProfileEvidence};
use crate::blob::{BlobError, Slot};
use crate::bundle::BundleKind;
use crate::codedir::{CdHash, CodeDirectoryFlags, ExecSegment};
use crate::hash::{Digest, HashType};
use crate::macho::{Architecture, BuildVersion, FileType, LinkedPath, Segment};
use crate::plist::Dictionary;
use crate::trust::{CertificateKind, Identity};

/// What kind of thing a code object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// A bare Mach-O file.
    MachO,
    /// A file that is no Mach-O.
    Generic,
    /// A bundle.
    Bundle(BundleKind),
}

impl CodeKind {
    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MachO => "mach-o",
            Self::Generic => "file",
            Self::Bundle(kind) => kind.name(),
        }
    }
}

/// How a code object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nesting {
    /// It is the item itself.
    Item,
    /// The seal of the object around it names it as code.
    Sealed,
    /// It is another version of a nested framework than the current one.
    OtherVersion,
    /// Its bytes say that it is code; for the seal it is an ordinary file, or nothing.
    Found,
}

/// How a slice is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

/// Facts about one architecture of a code object.
#[derive(Debug, Clone, Default)]
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

/// Facts about a resource seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealEvidence {
    /// 1 or 2.
    pub version: u32,
    /// Number of rules.
    pub rules: usize,
    /// Number of sealed files.
    pub files: usize,
    /// Whether it lists the place of the notarization ticket, which no seal can know.
    pub lists_ticket: bool,
}

/// The file in which a bundle keeps its Info.plist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoPlistFile {
    /// Path relative to the item, links followed.
    pub path: String,
    /// Whether it is a property list with a dictionary.
    pub is_dictionary: bool,
    /// Why it was not read, where macOS may read it.
    pub not_read: Option<String>,
    /// The lines of its keys, where it is XML.
    pub lines: Vec<(String, u64)>,
}

impl InfoPlistFile {
    /// Returns the line of a key.
    #[must_use]
    pub fn line(&self, key: &str) -> Option<u64> {
        let mut lines = self.lines.iter();
        lines.find(|(found, _)| found == key).map(|(_, line)| *line)
    }
}

/// One code object: the item itself or code nested in it.
#[derive(Debug, Clone)]
pub struct CodeObject {
    /// Path relative to the item; empty for the item itself.
    pub path: String,
    /// Path of the file that the signature covers, relative to the item.
    pub executable: Option<String>,
    /// The SHA-256 digest of that file, where the options ask for it.
    pub file_digest: Option<Digest>,
    /// Kind.
    pub kind: CodeKind,
    /// Whether that file is a script: it starts with `#!`.
    pub is_script: bool,
    /// What `codesign -d` prints after `Format=`.
    pub format: String,
    /// Whether `spctl` takes it for an app: a bundle whose package type is `APPL`, and that is no framework
    /// (specification 6.3).
    pub is_app_like: bool,
    /// The bundle's Info.plist; bound by special slot 1 only as far as there is no fault about it.
    pub info_plist: Option<Dictionary>,
    /// The file that it was read from, where the bundle has one.
    pub info_plist_file: Option<InfoPlistFile>,
    /// The folder of a bundle that its Info.plist and its seal belong to (`Contents`, the version of a framework, or the bundle
    /// itself), relative to the item.
    pub support: Option<String>,
    /// How it was found.
    pub nesting: Nesting,
    /// Whether its parent's seal demands a requirement of it that was not evaluated.
    pub requirement_pending: bool,
    /// The first slice that does not satisfy what its parent's seal demands: macOS looks no further then.
    pub unmet_slice: Option<usize>,
    /// Index of the enclosing code object.
    pub parent: Option<usize>,
    /// The provisioning profile of a bundle, where macOS looks for it.
    pub profile: Option<ProfileEvidence>,
    /// How `codesign` spells the path of the selected version of a framework: the path from the item, and the one to
    /// print in its place.
    pub spelling: Option<(String, String)>,
    /// Facts per slice, primary slice first.
    pub slices: Vec<SliceEvidence>,
    /// Architectures of the file that were not read, because the options ask for another one.
    pub unread_architectures: Vec<Architecture>,
    /// The resource seal.
    pub seal: Option<SealEvidence>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl CodeObject {
    /// One of which nothing is known but where it lies and how it was found.
    pub(super) fn new(path: String, format: &str, nesting: Nesting) -> Self {
        Self {
            path,
            executable: None,
            file_digest: None,
            kind: CodeKind::Generic,
            is_script: false,
            format: format.to_owned(),
            is_app_like: false,
            info_plist: None,
            info_plist_file: None,
            support: None,
            nesting,
            requirement_pending: nesting == Nesting::Sealed,
            unmet_slice: None,
            parent: None,
            profile: None,
            spelling: None,
            slices: Vec::new(),
            unread_architectures: Vec::new(),
            seal: None,
            faults: Vec::new(),
        }
    }

    /// Returns true if there is a file that a signature could cover: a folder without code is an object as well, and none.
    #[must_use]
    pub fn is_code(&self) -> bool {
        !self.slices.is_empty()
    }

    /// Returns true if Gatekeeper evaluates the slice of this index. It always evaluates the primary slice; of the others,
    /// it leaves out PowerPC (`SecStaticCode::staticValidate` with `kSecCSCheckGatekeeperArchitectures`) and those that
    /// macOS never sees.
    #[must_use]
    pub fn is_assessed(&self, index: usize) -> bool {
        let is_other = |slice: &SliceEvidence| {
            let is_powerpc = slice.architecture.is_some_and(Architecture::is_powerpc);
            !slice.is_duplicate && !is_powerpc
        };
        index == 0 || self.slices.get(index).is_some_and(is_other)
    }

    /// The slices that Gatekeeper evaluates, the primary one first.
    pub fn assessed_slices(&self) -> impl Iterator<Item = &SliceEvidence> {
        let slices = self.slices.iter().enumerate();
        slices
            .filter(|(index, _)| self.is_assessed(*index))
            .map(|(_, slice)| slice)
    }

    /// The path of its executable, or its own.
    #[must_use]
    pub fn main_path(&self) -> String {
        self.executable.clone().unwrap_or_else(|| self.path.clone())
    }
}
