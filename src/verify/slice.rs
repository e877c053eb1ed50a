//! Examines one slice, or a file that is no Mach-O: SuperBlob, CodeDirectories, special slots, code pages.
//!
//! Specification 3.5–3.7 and 4.1 (`SecStaticCode::loadCodeDirectories`, `validateNonResourceComponents`,
//! `validateExecutable`); the certificate signature is judged by `trust`.

use super::components::{Components, detached_superblobs};
use super::examination::Examination;
use super::{
    BoundFiles, EmbeddedList, FaultKind, Oddity, Options, SliceEvidence, Subject, entitled, oddities,
};
use crate::blob::{Slot, SuperBlob, magic};
use crate::codedir::{CodeDirectory, CodeDirectoryFlags};
use crate::macho::Slice;
use crate::plist::{Value, parse_within};

/// The facts about `subject` and its faults in the order in which macOS would meet them.
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
                    let odd = oddities::of_superblob(&found, space);
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
    match parse_within(text, &options.limits, &options.budget) {
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

impl Examination<'_> {
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
        let mut odd = oddities::of_directories(&self.facts, best, &directories, is_ignored);
        if let Subject::Slice(slice) = self.subject {
            odd.extend(oddities::of_segments(slice, best));
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
}
