//! Examines one slice, or a file that is no Mach-O: SuperBlob, CodeDirectories, special slots, code pages.
//!
//! Specification 3.5–3.7 and 4.1 (`SecStaticCode::loadCodeDirectories`, `validateNonResourceComponents`,
//! `validateExecutable`); the certificate signature is judged by `trust`.

use super::components::{Components, detached_superblobs};
use super::{
    BoundFiles, EmbeddedList, FaultKind, Oddity, Options, SignatureKind, SliceEvidence, SlotEvidence,
    SlotProblem, entitled, oddity,
};
use crate::blob::{Slot, SuperBlob, magic, unwrap};
use crate::bundle::SealError;
use crate::cms::{CmsError, SignedData};
use crate::codedir::{CdHash, CodeDirectory, CodeDirectoryFlags};
use crate::entitlements::parse_der;
use crate::hash::{Digest, HashType, mismatched_digests, mismatched_pages};
use crate::macho::Slice;
use crate::plist::Value;
use crate::source::{View, prefault};
use crate::timing::Phase;
use crate::trust::{self, Signed};

/// Bytes of a task whose pages are asked for together; for fewer a call of the system costs as much as it saves.
const PREFAULT_FROM: usize = 512 << 10;

/// Steps of verifying a certificate signature: less than it takes, since files of a few thousand bytes have one each, but enough to
/// notice slices that share one.
const PER_CMS: u64 = 10_000;

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// One slice of a Mach-O file.
    Slice(&'a Slice<'a>),
    /// A file that is no Mach-O, as a whole.
    File(View<'a>),
}

impl<'a> Subject<'a> {
    fn data(self) -> View<'a> {
        match self {
            Self::Slice(slice) => slice.data,
            Self::File(data) => data,
        }
    }
}

/// The facts about `subject` and its faults in the order in which macOS would meet them.
///
#[must_use]
pub fn examine<'a>(
    subject: Subject<'a>,
    files: BoundFiles<'a>,
    options: &'a Options,
) -> (SliceEvidence, Vec<FaultKind>) {
    let mut faults = Vec::new();
    let mut facts = SliceEvidence::default();
    let mut embedded_info = None;
    let mut superblob = None;
    if let Subject::Slice(slice) = subject {
        slice_facts(slice, options, &mut facts);
        if let Some(error) = slice.fault {
            faults.push(FaultKind::MachO(error));
            return (facts, faults);
        }
        faults.extend(slice.unloadable.map(FaultKind::Unloadable));
        structure(slice, &mut faults);
        embedded_info = slice.info_plist;
        if let Some(space) = slice.signature_space() {
            match SuperBlob::parse(space, magic::EMBEDDED_SIGNATURE) {
                Ok(found) => {
                    let odd = oddity::of_superblob(&found, space);
                    faults.extend(odd.into_iter().map(FaultKind::Oddity));
                    let ticket = found.component(Slot::TICKET).transpose();
                    facts.ticket = ticket.map(|ticket| ticket.map(<[u8]>::to_vec));
                    superblob = Some(found);
                }
                Err(error) => {
                    faults.push(FaultKind::SuperBlob(error));
                    return (facts, faults);
                }
            }
        }
    }
    let cpu_type = facts
        .architecture
        .map(|architecture| architecture.cpu_type.cast_unsigned());
    let detached = files.detached.map(|file| detached_superblobs(file, cpu_type));
    let detached = match detached.transpose() {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => {
            faults.push(FaultKind::Detached(error));
            return (facts, faults);
        }
    };
    let mut examination = Examination {
        subject,
        options,
        components: Components::new(detached, superblob, files, embedded_info),
        is_bundle: files.is_bundle,
        facts,
        faults,
    };
    examination.signature();
    (examination.facts, examination.faults)
}

fn slice_facts(slice: &Slice<'_>, options: &Options, facts: &mut SliceEvidence) {
    facts.architecture = Some(match slice.fault {
        // Its header is not known.
        Some(_) => slice.entry,
        None => slice.architecture,
    });
    facts.file_type = Some(slice.file_type);
    facts.build_version = slice.build_version;
    facts.header_flags = slice.flags;
    facts.segments.clone_from(&slice.segments);
    facts.encryption = slice.encryption;
    facts.linked_paths.clone_from(&slice.linked_paths);
    facts.uuid = slice.uuid;
    facts.embedded_info_plist = embedded_list(slice.info_plist, options);
    facts.launchd_plist = embedded_list(slice.launchd_plist, options);
}

/// Linkers pad the section with zeros.
fn embedded_list(section: Option<&[u8]>, options: &Options) -> EmbeddedList {
    let Some(section) = section else {
        return EmbeddedList::Absent;
    };
    let end = section.iter().rposition(|byte| *byte != 0);
    let text = end.and_then(|end| section.get(..=end)).unwrap_or_default();
    match crate::plist::parse_within(text, &options.limits, &options.budget) {
        Ok(Value::Dictionary(entries)) => EmbeddedList::Dictionary(entries),
        Err(error) if error.is_limit() => EmbeddedList::NotRead(error.to_string()),
        _ => EmbeddedList::Malformed,
    }
}

/// Where the signature lies in the slice (specification 2.4–2.6).
fn structure(slice: &Slice<'_>, faults: &mut Vec<FaultKind>) {
    let length = slice.size;
    if !slice.linkedit_is_last() {
        faults.push(FaultKind::LinkeditEnd {
            end: slice.linkedit_end,
            length,
        });
    }
    let count = slice.code_signature_count;
    if count > 1 {
        faults.push(FaultKind::SecondCodeSignature { count });
    }
    if let Some(place) = slice.code_signature {
        if place.size == 0 {
            faults.push(FaultKind::Oddity(Oddity::NoSignatureSize));
        }
        let end = u64::from(place.offset).saturating_add(u64::from(place.size));
        if end > length {
            faults.push(FaultKind::SignatureOutsideSlice);
        } else if end < length {
            faults.push(FaultKind::BytesAfterSignature {
                count: length.saturating_sub(end),
            });
        }
    }
}

struct Examination<'a> {
    subject: Subject<'a>,
    options: &'a Options,
    components: Components<'a>,
    is_bundle: bool,
    facts: SliceEvidence,
    faults: Vec<FaultKind>,
}

impl<'a> Examination<'a> {
    fn signature(&mut self) {
        let Some(directories) = self.code_directories() else {
            return;
        };
        let best = directories
            .iter()
            .filter_map(|directory| directory.hash_type().map(|hash_type| (hash_type, directory)))
            .max_by_key(|(hash_type, _)| *hash_type);
        let Some((_, best)) = best else {
            return self.unloadable(FaultKind::NoUsableHashType);
        };
        let cdhashes: Vec<_> = directories.iter().map(CodeDirectory::cdhash).collect();
        self.directory_facts(best, &directories, &cdhashes);
        self.cms(best, &directories, &cdhashes);
        let is_adhoc = best.flags.contains(CodeDirectoryFlags::ADHOC);
        let cms = self.components.get(Slot::SIGNATURE);
        let is_ignored = is_adhoc && cms.is_ok_and(|cms| cms.is_some_and(|cms| !cms.is_empty()));
        let mut odd = oddity::of_directories(&self.facts, best, &directories, is_ignored);
        if let Subject::Slice(slice) = self.subject {
            odd.extend(oddity::of_segments(slice, best));
        }
        self.faults.extend(odd.into_iter().map(FaultKind::Oddity));
        self.special_slots(best);
        self.top_directory(directories.len());
        entitled::read(&mut self.facts, &self.components, &mut self.faults, self.options);
        self.pages(best, &directories);
        let extent = match self.subject {
            Subject::Slice(slice) => slice.signing_extent(),
            Subject::File(data) => data.len(),
        };
        if best.code_limit != extent {
            self.faults.push(FaultKind::CodeLimit {
                limit: best.code_limit,
                extent,
            });
        }
    }

    /// All CodeDirectories, or `None` after a fault that ends the examination.
    fn code_directories(&mut self) -> Option<Vec<CodeDirectory<'a>>> {
        let mut directories: Vec<CodeDirectory<'a>> = Vec::new();
        let alternates = (0..Slot::MAX_ALTERNATES)
            .map(|number| Slot(Slot::ALTERNATE_CODE_DIRECTORY.0.saturating_add(number)));
        for slot in std::iter::once(Slot::CODE_DIRECTORY).chain(alternates) {
            let data = match self.components.get(slot) {
                Ok(Some(data)) => data,
                Ok(None) if slot == Slot::CODE_DIRECTORY => {
                    self.faults.push(FaultKind::Unsigned);
                    return None;
                }
                // The first gap ends the list; later alternates do not count.
                Ok(None) => break,
                Err(error) => {
                    self.faults.push(FaultKind::Component { slot, error });
                    return None;
                }
            };
            match CodeDirectory::parse(data) {
                Ok(directory) => {
                    if directories
                        .iter()
                        .any(|other| other.hash_type_raw == directory.hash_type_raw)
                    {
                        self.unloadable(FaultKind::DuplicateHashType);
                        return None;
                    }
                    directories.push(directory);
                }
                Err(error) => {
                    let has_cms = self.components.has_cms();
                    self.unloadable(FaultKind::CodeDirectory { slot, error, has_cms });
                    return None;
                }
            }
        }
        Some(directories)
    }

    /// A fault of the CodeDirectories. Their flags count as unset then, so macOS asks for a CMS first and complains about
    /// that one, if it can (specification 4.1). What it says of an empty one is not known.
    fn unloadable(&mut self, fault: FaultKind) {
        match self.components.get(Slot::SIGNATURE) {
            Ok(None) if !matches!(fault, FaultKind::CodeDirectory { .. }) => {
                self.faults.push(FaultKind::Unsigned);
            }
            Ok(Some(cms)) if !cms.is_empty() => match SignedData::parse(cms) {
                // Plain data can be decoded; that nobody signed is noticed after the CodeDirectories.
                Ok(_) | Err(CmsError::PlainData) => {}
                Err(error) => self.faults.push(FaultKind::Identity(error.into())),
            },
            Err(error) => {
                let slot = Slot::SIGNATURE;
                self.faults.push(FaultKind::Component { slot, error });
            }
            _ => {}
        }
        self.faults.push(fault);
    }

    fn directory_facts(
        &mut self,
        best: &CodeDirectory<'_>,
        directories: &[CodeDirectory<'_>],
        cdhashes: &[Option<CdHash>],
    ) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // The same digest, where the hash type is that one.
        let known = cdhashes.first().copied().flatten();
        let known = known.filter(|cdhash| cdhash.hash_type == HashType::Sha256);
        let base = directories.first();
        let cms_digest =
            base.map(|base| known.map_or_else(|| HashType::Sha256.digest(base.data()), |known| known.full));
        let mut cdhashes: Vec<_> = cdhashes.iter().copied().flatten().collect();
        cdhashes.sort_by_key(|cdhash| cdhash.hash_type);
        let geometry = best.geometry();
        if directories.iter().any(|other| other.geometry() != geometry) {
            self.faults.push(FaultKind::AlternatesDisagree);
        }
        let facts = &mut self.facts;
        facts.is_signed_beside = self.components.is_beside();
        facts.identifier = Some(text(best.identifier));
        facts.identifier_bytes = best.identifier.to_vec();
        facts.team_id = best.team_id.map(text);
        facts.team_id_bytes = best.team_id.map(<[u8]>::to_vec);
        facts.flags = best.flags;
        facts.code_directory_version = Some(best.version);
        facts.code_directory_length = length(best.data());
        facts.cdhashes = cdhashes;
        facts.hash_type = best.hash_type();
        facts.page_size = geometry.page_size;
        facts.pages = geometry.count;
        facts.special_slots = best.special_slots;
        facts.has_scatter = !best.scatter.is_empty();
        facts.cms_digest = cms_digest;
        facts.platform = best.platform;
        facts.exec_segment = best.exec_segment;
        facts.runtime_version = best.runtime.filter(|version| *version != 0);
    }

    /// Specification 4.1: ad-hoc code is not asked for a certificate, whatever lies in its CMS slot.
    fn cms(
        &mut self,
        best: &CodeDirectory<'_>,
        directories: &[CodeDirectory<'_>],
        cdhashes: &[Option<CdHash>],
    ) {
        if best.flags.contains(CodeDirectoryFlags::ADHOC) {
            let linker = best.flags.contains(CodeDirectoryFlags::LINKER_SIGNED);
            self.facts.signature = if linker {
                SignatureKind::LinkerSigned
            } else {
                SignatureKind::Adhoc
            };
            return;
        }
        let cms = match self.components.get(Slot::SIGNATURE) {
            Ok(Some(cms)) => cms,
            Ok(None) => return self.faults.push(FaultKind::Unsigned),
            Err(error) => {
                let slot = Slot::SIGNATURE;
                return self.faults.push(FaultKind::Component { slot, error });
            }
        };
        self.facts.signature = SignatureKind::Cms;
        self.facts.cms_length = Some(length(cms));
        let (Some(base), Some(hash_type)) = (directories.first(), best.hash_type()) else {
            return;
        };
        let all: Vec<_> = directories
            .iter()
            .zip(cdhashes)
            .map(|(directory, cdhash)| (directory.hash_type_raw, *cdhash))
            .collect();
        let signed = Signed {
            cms,
            base: base.data(),
            base_sha256: self.facts.cms_digest,
            directories: &all,
            best: hash_type,
            team_id: best.team_id,
            budget: &self.options.budget,
        };
        let options = self.options;
        if options.budget.step(PER_CMS).is_err() {
            return;
        }
        let identity = options.measure(Phase::Certificates, || {
            trust::evaluate(signed, &options.anchors, &options.cache, options.at)
        });
        self.faults
            .extend(identity.faults.iter().cloned().map(FaultKind::Identity));
        let minds = options.check_expiration || best.flags.contains(CodeDirectoryFlags::EXPIRES);
        if identity.is_expired && minds {
            self.faults.push(FaultKind::Expired);
        }
        self.facts.identity = Some(identity);
    }

    /// Slots from the highest to the lowest: with several faults, Apple reports the highest.
    fn special_slots(&mut self, best: &CodeDirectory<'_>) {
        let Some(hash_type) = best.hash_type() else { return };
        // Validation does not ask for what has no slot (`maxSpecialSlot`).
        let is_asked_for = |slot: Slot| slot.0 <= best.special_slots;
        for slot in (1..=Slot::MAX_SPECIAL).rev().map(Slot) {
            let component = match self.components.get(slot) {
                Ok(component) => component,
                Err(_) if !is_asked_for(slot) => {
                    // Validation does not ask for it, and whoever asks for a requirement fails.
                    if slot == Slot::REQUIREMENTS {
                        self.facts.requirements = Some(Vec::new());
                    }
                    continue;
                }
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
                digest: expected,
            });
            if component.is_some_and(|data| self.options.budget.hash(length(data)).is_err()) {
                return;
            }
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

    /// Where a list of the signature's components is sealed, it must be that of those which are there (specification 1.6).
    fn top_directory(&mut self, directories: usize) {
        let sealed = |slot: &&SlotEvidence| slot.bound && slot.length.is_some();
        if !self
            .facts
            .slots
            .iter()
            .filter(sealed)
            .any(|slot| slot.slot == Slot::TOP_DIRECTORY)
        {
            return;
        }
        let Ok(Some(list)) = self.components.get(Slot::TOP_DIRECTORY) else {
            return;
        };
        let alternates = (Slot::ALTERNATE_CODE_DIRECTORY.0..).take(directories.saturating_sub(1));
        let found = std::iter::once(Slot::CODE_DIRECTORY.0)
            .chain(self.facts.slots.iter().filter(sealed).map(|slot| slot.slot.0))
            .chain(alternates)
            .chain(std::iter::once(Slot::SIGNATURE.0));
        // Bytes behind the last whole number do not count.
        let listed = list
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_be_bytes(*word));
        if !listed.eq(found) {
            self.faults.push(FaultKind::SpecialSlot {
                slot: Slot::TOP_DIRECTORY,
                problem: SlotProblem::OtherList,
            });
        }
    }

    /// Keeps what later steps read, and notices a magic that the kernel would refuse.
    fn bound_component(&mut self, slot: Slot, data: &[u8]) {
        let expected = match slot {
            Slot::INFO => return self.info_plist(data),
            // A file by itself has no resources (specification 6.6).
            Slot::RESOURCE_DIRECTORY if !self.is_bundle => {
                return self.faults.push(FaultKind::Seal(SealError::NoBundle));
            }
            Slot::REQUIREMENTS => {
                // Whatever it is: a set that cannot be read is malformed, not absent (`internalRequirements`).
                self.facts.requirements = Some(data.to_vec());
                magic::REQUIREMENTS
            }
            Slot::ENTITLEMENTS => magic::ENTITLEMENTS,
            Slot::ENTITLEMENTS_DER => magic::ENTITLEMENTS_DER,
            Slot(8..=11) => magic::CONSTRAINT,
            _ => return,
        };
        let payload = match unwrap(data, expected) {
            Ok(payload) => payload,
            Err(error) => {
                self.faults.push(FaultKind::SlotMagic { slot, error });
                return;
            }
        };
        match slot {
            Slot::ENTITLEMENTS => self.facts.entitlements_xml = Some(payload.to_vec()),
            Slot::ENTITLEMENTS_DER => self.facts.entitlements_der = Some(payload.to_vec()),
            Slot(8..=11) => {
                let decoded = parse_der(payload).ok();
                self.facts.constraints.push((slot, decoded));
            }
            _ => {}
        }
    }

    fn info_plist(&mut self, data: &[u8]) {
        match crate::plist::parse_within(data, &self.options.limits, &self.options.budget) {
            Ok(Value::Dictionary(entries)) => self.facts.info_plist = Some(entries),
            Err(error) if error.is_limit() => self.faults.push(FaultKind::InfoPlist(error)),
            _ => self.facts.is_info_plist_malformed = true,
        }
    }

    /// Pages against every CodeDirectory, cut as the best one says.
    fn pages(&mut self, best: &CodeDirectory<'_>, directories: &[CodeDirectory<'_>]) {
        let options = self.options;
        let around = |bytes: &[u8], work: &mut dyn FnMut()| {
            options.measure(Phase::Contents, || {
                if bytes.len() >= PREFAULT_FROM {
                    prefault(bytes);
                }
                options.add_bytes(length(bytes));
                work();
            });
        };
        let geometry = best.geometry();
        let tables: Vec<(HashType, &[u8])> = directories
            .iter()
            .filter_map(|directory| Some((directory.hash_type()?, directory.code_slot_table())))
            .collect();
        if self.options.keeps_page_digests {
            let kept = best.code_slot_table().len().saturating_mul(2);
            if self.options.budget.retain(kept).is_err() {
                return;
            }
            let table = best.code_slot_table();
            self.facts.page_digests = table
                .chunks_exact(usize::from(best.hash_size).max(1))
                .map(Digest::new)
                .collect();
        }
        let data = self.subject.data();
        let hashed = geometry.limit.min(data.len());
        let each = hashed.saturating_add(geometry.count);
        if self
            .options
            .budget
            .hash(each.saturating_mul(count(&tables)))
            .is_err()
        {
            return;
        }
        let bad = match data.whole() {
            Some(bytes) => mismatched_pages(options.kernel, bytes, geometry, &tables, &around),
            None => {
                let digests: Vec<_> = tables
                    .iter()
                    .map(|(hash_type, _)| data.page_digests(geometry, *hash_type))
                    .collect();
                // All are asked for before the first that is missing: then nothing is known.
                let digests: Option<Vec<&[u8]>> = digests.into_iter().collect();
                let Some(digests) = digests else { return };
                options.add_bytes(hashed);
                mismatched_digests(geometry.count, &tables, &digests)
            }
        };
        self.facts.bytes_hashed = hashed;
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

fn count<T>(things: &[T]) -> u64 {
    u64::try_from(things.len()).unwrap_or(u64::MAX)
}

fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
