//! The CodeDirectories of one signature, and the certificate signature over them.
//!
//! Specification 3.5–3.7 and 4.1 (`SecStaticCode::loadCodeDirectories`); the certificate signature is judged by `trust`.

use super::examination::{Examination, length};
use super::{FaultKind, SignatureKind};
use crate::blob::Slot;
use crate::cms::{CmsError, SignedData};
use crate::codedir::{CdHash, CodeDirectory, CodeDirectoryFlags};
use crate::hash::HashType;
use crate::timing::Phase;
use crate::trust::{self, Signed};

/// Steps of verifying a certificate signature: less than it takes, since files of a few thousand bytes have one each, but enough to
/// notice slices that share one.
const PER_CMS: u64 = 10_000;

impl<'a> Examination<'a> {
    /// All CodeDirectories, or `None` after a fault that ends the examination.
    pub(super) fn code_directories(&mut self) -> Option<Vec<CodeDirectory<'a>>> {
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
    pub(super) fn unloadable(&mut self, fault: FaultKind) {
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

    pub(super) fn directory_facts(
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
    pub(super) fn cms(
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
}
