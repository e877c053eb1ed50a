//! Examines one slice: SuperBlob, CodeDirectories, special slots, code pages.
//!
//! Specification 3.5–3.7 and 4.1 (`SecStaticCode::loadCodeDirectories`, `validateNonResourceComponents`,
//! `validateExecutable`). The CMS signature is carried along as bytes and not judged.

use super::{FaultKind, SignatureKind, SliceEvidence, SlotEvidence, SlotProblem};
use crate::blob::{Slot, SuperBlob, magic, unwrap};
use crate::codedir::{CodeDirectory, CodeDirectoryFlags};
use crate::entitlements;
use crate::hash::{HashType, mismatched_pages};
use crate::macho::Slice;

/// Components that lie outside the executable: files of the bundle around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct BoundFiles<'a> {
    /// Whether the code is a bundle, whose Info.plist and CodeResources are files.
    pub is_bundle: bool,
    /// The bundle's Info.plist.
    pub info_plist: Option<&'a [u8]>,
    /// The bundle's `_CodeSignature/CodeResources`.
    pub code_resources: Option<&'a [u8]>,
}

/// The facts about `slice` and its faults in the order in which macOS would meet them.
#[must_use]
pub fn examine<'a: 's, 's>(slice: &'s Slice<'a>, files: BoundFiles<'s>) -> (SliceEvidence, Vec<FaultKind>) {
    let mut examination = Examination {
        slice,
        files,
        facts: empty_facts(slice),
        faults: Vec::new(),
    };
    examination.structure();
    match slice.signature_space() {
        None => examination.faults.push(FaultKind::Unsigned),
        Some(space) => match SuperBlob::parse(space, magic::EMBEDDED_SIGNATURE) {
            Err(error) => examination.faults.push(FaultKind::SuperBlob(error)),
            Ok(superblob) => examination.signature(&superblob),
        },
    }
    (examination.facts, examination.faults)
}

fn empty_facts(slice: &Slice<'_>) -> SliceEvidence {
    SliceEvidence {
        architecture: Some(slice.architecture),
        file_type: Some(slice.file_type),
        signature: SignatureKind::Unsigned,
        identifier: None,
        team_id: None,
        flags: CodeDirectoryFlags::default(),
        code_directory_version: None,
        code_directory_length: 0,
        cdhashes: Vec::new(),
        hash_type: None,
        page_size: None,
        pages: 0,
        pages_bad: 0,
        bytes_hashed: 0,
        special_slots: 0,
        platform: 0,
        exec_segment: None,
        runtime_version: None,
        build_version: slice.build_version,
        linked_paths: slice.linked_paths.clone(),
        slots: Vec::new(),
        entitlements_xml: None,
        entitlements_der: None,
        entitlements: None,
        requirements: None,
        cms: None,
    }
}

struct Examination<'s, 'a> {
    slice: &'s Slice<'a>,
    files: BoundFiles<'s>,
    facts: SliceEvidence,
    faults: Vec<FaultKind>,
}

impl<'a> Examination<'_, 'a> {
    /// Where the signature lies in the slice (specification 2.4–2.6).
    fn structure(&mut self) {
        let length = self.slice.length();
        if !self.slice.linkedit_is_last() {
            self.faults.push(FaultKind::LinkeditEnd {
                end: self.slice.linkedit_end,
                length,
            });
        }
        let count = self.slice.code_signature_count;
        if count > 1 {
            self.faults.push(FaultKind::SecondCodeSignature { count });
        }
        if let Some(place) = self.slice.code_signature {
            let end = u64::from(place.offset).saturating_add(u64::from(place.size));
            if end > length {
                self.faults.push(FaultKind::SignatureOutsideSlice);
            } else if end < length {
                self.faults.push(FaultKind::BytesAfterSignature {
                    count: length.saturating_sub(end),
                });
            }
        }
    }

    fn signature(&mut self, superblob: &SuperBlob<'a>) {
        let has_cms = superblob.find(Slot::SIGNATURE).is_some();
        let Some(directories) = self.code_directories(superblob, has_cms) else {
            return;
        };
        let best = directories
            .iter()
            .filter_map(|directory| directory.hash_type().map(|hash_type| (hash_type, directory)))
            .max_by_key(|(hash_type, _)| *hash_type);
        let Some((_, best)) = best else {
            self.faults.push(FaultKind::NoUsableHashType);
            return;
        };
        self.directory_facts(best, &directories);
        self.cms(superblob, best);
        self.special_slots(superblob, best);
        self.entitlements();
        self.pages(best, &directories);
        let extent = self.slice.signing_extent();
        if best.code_limit != extent {
            self.faults.push(FaultKind::CodeLimit {
                limit: best.code_limit,
                extent,
            });
        }
    }

    /// All CodeDirectories, or `None` after a fault that ends the examination.
    fn code_directories(
        &mut self,
        superblob: &SuperBlob<'a>,
        has_cms: bool,
    ) -> Option<Vec<CodeDirectory<'a>>> {
        let mut directories: Vec<CodeDirectory<'a>> = Vec::new();
        let alternates = (0..Slot::MAX_ALTERNATES)
            .map(|number| Slot(Slot::ALTERNATE_CODE_DIRECTORY.0.saturating_add(number)));
        for slot in std::iter::once(Slot::CODE_DIRECTORY).chain(alternates) {
            let Some(data) = superblob.find(slot) else {
                if slot == Slot::CODE_DIRECTORY {
                    self.faults.push(FaultKind::Unsigned);
                    return None;
                }
                // The first gap ends the list; later alternates do not count.
                break;
            };
            match CodeDirectory::parse(data) {
                Ok(directory) => {
                    if directories
                        .iter()
                        .any(|other| other.hash_type_raw == directory.hash_type_raw)
                    {
                        self.faults.push(FaultKind::DuplicateHashType);
                        return None;
                    }
                    directories.push(directory);
                }
                Err(error) => {
                    self.faults
                        .push(FaultKind::CodeDirectory { slot, error, has_cms });
                    return None;
                }
            }
        }
        Some(directories)
    }

    fn directory_facts(&mut self, best: &CodeDirectory<'_>, directories: &[CodeDirectory<'_>]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut cdhashes: Vec<_> = directories.iter().filter_map(CodeDirectory::cdhash).collect();
        cdhashes.sort_by_key(|cdhash| cdhash.hash_type);
        let geometry = best.geometry();
        if directories.iter().any(|other| other.geometry() != geometry) {
            self.faults.push(FaultKind::AlternatesDisagree);
        }
        let facts = &mut self.facts;
        facts.identifier = Some(text(best.identifier));
        facts.team_id = best.team_id.map(text);
        facts.flags = best.flags;
        facts.code_directory_version = Some(best.version);
        facts.code_directory_length = u64::try_from(best.data().len()).unwrap_or(u64::MAX);
        facts.cdhashes = cdhashes;
        facts.hash_type = best.hash_type();
        facts.page_size = geometry.page_size;
        facts.pages = geometry.count;
        facts.special_slots = best.special_slots;
        facts.platform = best.platform;
        facts.exec_segment = best.exec_segment;
        facts.runtime_version = best.runtime.filter(|version| *version != 0);
    }

    fn cms(&mut self, superblob: &SuperBlob<'a>, best: &CodeDirectory<'_>) {
        if best.flags.contains(CodeDirectoryFlags::ADHOC) {
            let linker = best.flags.contains(CodeDirectoryFlags::LINKER_SIGNED);
            self.facts.signature = if linker {
                SignatureKind::LinkerSigned
            } else {
                SignatureKind::Adhoc
            };
            return;
        }
        match superblob.component(Slot::SIGNATURE) {
            Ok(Some(cms)) => {
                self.facts.signature = SignatureKind::Cms;
                self.facts.cms = Some(cms.to_vec());
            }
            Ok(None) => self.faults.push(FaultKind::Unsigned),
            Err(error) => self.faults.push(FaultKind::Component {
                slot: Slot::SIGNATURE,
                error,
            }),
        }
    }

    /// Slots from the highest to the lowest: with several faults, Apple reports the highest.
    fn special_slots(&mut self, superblob: &SuperBlob<'a>, best: &CodeDirectory<'_>) {
        let Some(hash_type) = best.hash_type() else { return };
        for slot in (1..=Slot::MAX_SPECIAL).rev().map(Slot) {
            let component = match component(self.slice, self.files, superblob, slot) {
                Ok(component) => component,
                Err(error) => {
                    self.faults.push(FaultKind::Component { slot, error });
                    continue;
                }
            };
            let expected = best.special_slot(slot);
            if component.is_none() && expected.is_none() {
                continue;
            }
            self.facts.slots.push(SlotEvidence {
                slot,
                length: component.and_then(|data| u64::try_from(data.len()).ok()),
                bound: expected.is_some(),
            });
            match (component, expected) {
                (Some(data), Some(digest)) if hash_type.digest(data) == digest => {
                    self.bound_component(slot, data);
                }
                (Some(_), Some(_)) => {
                    self.faults.push(FaultKind::SpecialSlot {
                        slot,
                        problem: SlotProblem::Modified,
                    });
                }
                (None, Some(_)) => {
                    self.faults.push(FaultKind::SpecialSlot {
                        slot,
                        problem: SlotProblem::Missing,
                    });
                }
                (Some(_), None) => self.faults.push(FaultKind::SlotUnbound { slot }),
                (None, None) => {}
            }
        }
        self.facts.slots.reverse();
    }

    /// Keeps what later steps read, and notices a magic that the kernel would refuse.
    fn bound_component(&mut self, slot: Slot, data: &[u8]) {
        let expected = match slot {
            Slot::REQUIREMENTS => magic::REQUIREMENTS,
            Slot::ENTITLEMENTS => magic::ENTITLEMENTS,
            Slot::ENTITLEMENTS_DER => magic::ENTITLEMENTS_DER,
            Slot(8..=11) => magic::CONSTRAINT,
            _ => return,
        };
        let payload = match unwrap(data, expected) {
            Ok(payload) => payload,
            Err(_) => {
                let found = crate::octets::u32_be(data, 0).unwrap_or_default();
                self.faults.push(FaultKind::SlotMagic { slot, found });
                return;
            }
        };
        match slot {
            Slot::REQUIREMENTS => self.facts.requirements = Some(data.to_vec()),
            Slot::ENTITLEMENTS => self.facts.entitlements_xml = Some(payload.to_vec()),
            Slot::ENTITLEMENTS_DER => self.facts.entitlements_der = Some(payload.to_vec()),
            _ => {}
        }
    }

    /// Decodes both forms and compares them; macOS does neither of the two when it verifies.
    fn entitlements(&mut self) {
        let mut malformed = |slot, error| self.faults.push(FaultKind::EntitlementsMalformed { slot, error });
        let xml = self.facts.entitlements_xml.as_deref().and_then(|payload| {
            let parsed = entitlements::parse_xml(payload);
            parsed.map_err(|error| malformed(Slot::ENTITLEMENTS, error)).ok()
        });
        let der = self.facts.entitlements_der.as_deref().and_then(|payload| {
            let parsed = entitlements::parse_der(payload);
            parsed
                .map_err(|error| malformed(Slot::ENTITLEMENTS_DER, error.into()))
                .ok()
        });
        if let (Some((xml, _)), Some(der)) = (&xml, &der) {
            let differences = entitlements::compare(xml, der);
            if !differences.is_empty() {
                self.faults.push(FaultKind::EntitlementsDiffer(differences));
            }
        }
        self.facts.entitlements = der.or(xml.map(|(entries, _)| entries));
    }

    /// Pages against every CodeDirectory, cut as the best one says.
    fn pages(&mut self, best: &CodeDirectory<'_>, directories: &[CodeDirectory<'_>]) {
        let geometry = best.geometry();
        let tables: Vec<(HashType, &[u8])> = directories
            .iter()
            .filter_map(|directory| Some((directory.hash_type()?, directory.code_slot_table())))
            .collect();
        let bad = mismatched_pages(self.slice.data, geometry, &tables);
        self.facts.bytes_hashed = geometry.limit.min(self.slice.length());
        self.facts.pages_bad = u64::try_from(bad.len()).unwrap_or(u64::MAX);
        if let Some(first) = bad.first() {
            self.faults.push(FaultKind::Pages {
                bad: self.facts.pages_bad,
                total: geometry.count,
                first: *first,
                offset: first.saturating_mul(geometry.page_size.unwrap_or_default()),
            });
        }
    }
}

/// The bytes that the special slot `slot` is about: from the bundle, from the slice, or from the SuperBlob.
fn component<'a: 's, 's>(
    slice: &Slice<'a>,
    files: BoundFiles<'s>,
    superblob: &SuperBlob<'a>,
    slot: Slot,
) -> Result<Option<&'s [u8]>, crate::blob::BlobError> {
    match slot {
        Slot::INFO if files.is_bundle => Ok(files.info_plist),
        Slot::INFO => Ok(slice.info_plist),
        Slot::RESOURCE_DIRECTORY if files.is_bundle => Ok(files.code_resources),
        _ => superblob.component(slot),
    }
}
