//! Signs what `macho` builds: CodeDirectories of every version and hash type, entitlements, SuperBlobs.

use std::collections::BTreeMap;

use sha1::Digest as _;

use super::cms::CmsSigner;
use super::macho::{self, Thin};
use super::plist::{self, Entries};

/// Hash types by their numbers in a CodeDirectory.
pub const SHA1: u8 = 1;
pub const SHA256: u8 = 2;
pub const SHA256_TRUNCATED: u8 = 3;
pub const SHA384: u8 = 4;

pub const ADHOC: u32 = 0x2;
pub const RUNTIME: u32 = 0x1_0000;
pub const LINKER_SIGNED: u32 = 0x2_0000;

pub fn digest(hash_type: u8, data: &[u8]) -> Vec<u8> {
    match hash_type {
        SHA1 => sha1::Sha1::digest(data).to_vec(),
        SHA256 => sha2::Sha256::digest(data).to_vec(),
        SHA256_TRUNCATED => sha2::Sha256::digest(data)[..20].to_vec(),
        SHA384 => sha2::Sha384::digest(data).to_vec(),
        other => panic!("no hash type {other}"),
    }
}

pub fn blob(magic: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    bytes.extend((payload.len() as u32 + 8).to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A SuperBlob with these components in this order.
pub fn superblob(magic: u32, components: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut index = (components.len() as u32).to_be_bytes().to_vec();
    let mut body: Vec<u8> = Vec::new();
    let start = 12 + 8 * components.len();
    for (slot, bytes) in components {
        index.extend(slot.to_be_bytes());
        index.extend(((start + body.len()) as u32).to_be_bytes());
        body.extend(bytes);
    }
    index.extend(body);
    blob(magic, &index)
}

/// How to sign.
#[derive(Clone)]
pub struct Signer {
    pub identifier: String,
    pub team: Option<String>,
    pub flags: u32,
    /// Hash type of each CodeDirectory; the first goes into slot 0.
    pub hash_types: Vec<u8>,
    /// 12 for 4 KiB; 0 for a single page.
    pub page_log2: u8,
    pub version: u32,
    /// Written in both forms.
    pub entitlements: Option<Entries>,
    /// Blobs for special slots, beside those made of the fields above.
    pub special: BTreeMap<u32, Vec<u8>>,
    /// Blobs that no special slot is about, such as a ticket.
    pub unbound: BTreeMap<u32, Vec<u8>>,
    /// The payload of the CMS slot; `None` leaves the slot out.
    pub cms: Option<Vec<u8>>,
    /// Who signs with a certificate; the payload is made by it then.
    pub identity: Option<CmsSigner>,
    /// A change to each CodeDirectory before anything is made from it.
    pub patch: Option<fn(&mut Vec<u8>)>,
}

/// Signs ad hoc, as `codesign -s -` does.
pub fn adhoc(identifier: &str) -> Signer {
    Signer {
        identifier: identifier.into(),
        team: None,
        flags: ADHOC,
        hash_types: vec![SHA256],
        page_log2: 12,
        version: 0x20400,
        entitlements: None,
        special: BTreeMap::from([(2, blob(0xfade_0c01, &[0; 4]))]),
        unbound: BTreeMap::new(),
        cms: Some(Vec::new()),
        identity: None,
        patch: None,
    }
}

/// Signs with a certificate, as `codesign -s NAME` does.
pub fn certified(identifier: &str, identity: CmsSigner) -> Signer {
    Signer {
        flags: 0,
        identity: Some(identity),
        ..adhoc(identifier)
    }
}

/// Files that special slots 1 and 3 bind.
#[derive(Clone, Copy, Default)]
pub struct Bound<'a> {
    pub info: Option<&'a [u8]>,
    pub resources: Option<&'a [u8]>,
}

impl Signer {
    fn special_components(&self) -> BTreeMap<u32, Vec<u8>> {
        let mut components = self.special.clone();
        if let Some(entries) = &self.entitlements {
            components.insert(5, blob(0xfade_7171, &plist::xml(entries)));
            components.insert(7, blob(0xfade_7172, &plist::der(entries)));
        }
        components
    }

    /// One CodeDirectory over `code`.
    pub fn code_directory(&self, hash_type: u8, code: &[u8], bound: Bound<'_>) -> Vec<u8> {
        let components = self.special_components();
        let mut special: BTreeMap<u32, Vec<u8>> = components
            .iter()
            .map(|(slot, bytes)| (*slot, digest(hash_type, bytes)))
            .collect();
        for (slot, bytes) in [(1, bound.info), (3, bound.resources)] {
            if let Some(bytes) = bytes {
                special.insert(slot, digest(hash_type, bytes));
            }
        }
        let special_count = special.keys().max().copied().unwrap_or(0);
        let pages: Vec<&[u8]> = if self.page_log2 == 0 {
            vec![code]
        } else {
            code.chunks(1 << self.page_log2).collect()
        };
        let fields = [
            (0x20500, 96),
            (0x20400, 88),
            (0x20300, 64),
            (0x20200, 52),
            (0x20100, 48),
        ];
        let header = fields
            .iter()
            .find(|(since, _)| self.version >= *since)
            .map_or(44, |(_, size)| *size);
        let team_length = self.team.as_ref().map_or(0, |team| team.len() + 1);
        let hash_size = digest(hash_type, &[]).len();
        let identifier_offset = header;
        let team_offset = identifier_offset + self.identifier.len() + 1;
        let hash_offset = team_offset + team_length + special_count as usize * hash_size;
        let mut bytes = Vec::new();
        for value in [
            self.version,
            self.flags,
            hash_offset as u32,
            identifier_offset as u32,
            special_count,
            pages.len() as u32,
            code.len() as u32,
        ] {
            bytes.extend(value.to_be_bytes());
        }
        bytes.extend([hash_size as u8, hash_type, 0, self.page_log2, 0, 0, 0, 0]);
        if self.version >= 0x20100 {
            bytes.extend(0u32.to_be_bytes());
        }
        if self.version >= 0x20200 {
            let offset = if self.team.is_some() {
                team_offset as u32
            } else {
                0
            };
            bytes.extend(offset.to_be_bytes());
        }
        if self.version >= 0x20300 {
            bytes.extend([0; 12]);
        }
        if self.version >= 0x20400 {
            let (limit, is_executable) = macho::text_segment(code);
            bytes.extend(0u64.to_be_bytes());
            bytes.extend(limit.to_be_bytes());
            bytes.extend(u64::from(is_executable).to_be_bytes());
        }
        if self.version >= 0x20500 {
            bytes.extend(0x001a_0000u32.to_be_bytes());
            bytes.extend(0u32.to_be_bytes());
        }
        bytes.extend(self.identifier.as_bytes());
        bytes.push(0);
        if let Some(team) = &self.team {
            bytes.extend(team.as_bytes());
            bytes.push(0);
        }
        for slot in (1..=special_count).rev() {
            bytes.extend(special.get(&slot).cloned().unwrap_or(vec![0; hash_size]));
        }
        for page in pages {
            bytes.extend(digest(hash_type, page));
        }
        let mut directory = blob(0xfade_0c02, &bytes);
        if let Some(patch) = self.patch {
            patch(&mut directory);
            let length = directory.len() as u32;
            directory[4..8].copy_from_slice(&length.to_be_bytes());
        }
        directory
    }

    /// The whole embedded signature of `code`.
    pub fn signature(&self, code: &[u8], bound: Bound<'_>) -> Vec<u8> {
        superblob(0xfade_0cc0, &self.components(code, bound))
    }

    /// The components of that, in the order of their index.
    pub fn components(&self, code: &[u8], bound: Bound<'_>) -> Vec<(u32, Vec<u8>)> {
        let mut components = Vec::new();
        let mut alternates = Vec::new();
        let mut cdhashes = Vec::new();
        for (number, hash_type) in self.hash_types.iter().enumerate() {
            let directory = self.code_directory(*hash_type, code, bound);
            cdhashes.push((*hash_type, digest(*hash_type, &directory)));
            match number {
                0 => components.push((0, directory)),
                _ => alternates.push((0x1000 + number as u32 - 1, directory)),
            }
        }
        let cms = match &self.identity {
            Some(identity) => Some(identity.sign(&components[0].1, &cdhashes)),
            None => self.cms.clone(),
        };
        components.extend(self.special_components());
        components.extend(alternates);
        if let Some(cms) = cms {
            components.push((0x10000, blob(0xfade_0b01, &cms)));
        }
        components.extend(self.unbound.clone());
        components
    }

    /// A thin file whose signature `assemble` makes from the usual components.
    pub fn assemble(&self, thin: &Thin, assemble: impl Fn(Vec<(u32, Vec<u8>)>) -> Vec<u8>) -> Vec<u8> {
        const ROOM: usize = 32 << 10;
        let code = thin.build(Some(ROOM));
        let mut signature = assemble(self.components(&code, Bound::default()));
        assert!(signature.len() <= ROOM, "the signature does not fit");
        signature.resize(ROOM, 0);
        [code, signature].concat()
    }

    /// The identity of the strongest CodeDirectory over `code`, 20 bytes.
    pub fn cdhash(&self, code: &[u8], bound: Bound<'_>) -> Vec<u8> {
        let strength = |hash_type: &u8| {
            [SHA1, SHA256_TRUNCATED, SHA256, SHA384]
                .iter()
                .position(|t| t == hash_type)
        };
        let best = *self.hash_types.iter().max_by_key(|t| strength(t)).unwrap();
        digest(best, &self.code_directory(best, code, bound))[..20].to_vec()
    }

    /// A signed thin file, and its cdhash.
    pub fn sign(&self, thin: &Thin, bound: Bound<'_>) -> (Vec<u8>, Vec<u8>) {
        let info = thin.info_plist.as_deref();
        let bound = Bound {
            info: bound.info.or(info),
            ..bound
        };
        // ECDSA signatures differ in length.
        let slack = if self.identity.is_some() { 64 } else { 0 };
        let room = self.signature(&vec![0; thin.code_limit()], bound).len() + slack;
        let room = room.next_multiple_of(16);
        let code = thin.build(Some(room));
        let mut signature = self.signature(&code, bound);
        signature.resize(room, 0);
        let cdhash = self.cdhash(&code, bound);
        ([code, signature].concat(), cdhash)
    }

    /// A signed universal file (thin for one architecture), and the cdhashes of its slices.
    pub fn sign_all(&self, slices: &[Thin], bound: Bound<'_>) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut cdhashes = Vec::new();
        let mut signed: Vec<_> = slices
            .iter()
            .map(|thin| {
                let (bytes, cdhash) = self.sign(thin, bound);
                cdhashes.push(cdhash);
                (thin, bytes)
            })
            .collect();
        if signed.len() == 1 {
            return (signed.remove(0).1, cdhashes);
        }
        (macho::universal(&signed), cdhashes)
    }
}
