//! The special slots of one signature, and the components that they bind.

use super::examination::{Examination, length};
use super::{FaultKind, SlotEvidence, SlotProblem};
use crate::blob::{Slot, magic, unwrap};
use crate::bundle::SealError;
use crate::codedir::CodeDirectory;
use crate::entitlements::parse_der;
use crate::plist::{Value, parse_within};

impl Examination<'_> {
    /// Slots from the highest to the lowest: with several faults, Apple reports the highest.
    pub(super) fn special_slots(&mut self, best: &CodeDirectory<'_>) {
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
    pub(super) fn top_directory(&mut self, directories: usize) {
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
        match parse_within(data, &self.options.limits, &self.options.budget) {
            Ok(Value::Dictionary(entries)) => self.facts.info_plist = Some(entries),
            Err(error) if error.is_limit() => self.faults.push(FaultKind::InfoPlist(error)),
            _ => self.facts.is_info_plist_malformed = true,
        }
    }
}
