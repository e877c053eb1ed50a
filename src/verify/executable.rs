//! Examines one file: every slice of a Mach-O file, or any other file as a whole.

use super::context::Context;
use super::universal::{compare_signers, compare_teams, fat_faults, find_architecture, format, in_order};
use super::unsealed::sideband;
use super::{
    BoundFiles, CodeKind, CodeObject, FaultKind, Nesting, Oddity, SidebandPlace, SignatureFiles,
    SliceEvidence, Subject, examine, requirements,
};
use crate::blob::Slot;
use crate::hash::HashType;
use crate::macho::{CodePlan, MACHO_HEAD, MachO, MachOError, Slice, command_bytes, is_code, is_macho};
use crate::parallel;
use crate::source::{NodeId, SourceError, Tree, View, Wants, judge_file};
use crate::timing::Phase;

/// The executable at `node`: every slice, primary first.
pub(super) fn file<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    files: BoundFiles<'_>,
    object: &mut CodeObject,
) -> Result<(), SourceError> {
    object.executable = Some(context.tree.path(node));
    let mut wants = Wants::default();
    if context.options.keeps_file_digests {
        wants.digest(HashType::Sha256);
    }
    // A large file in an archive may be read more than once: only the last time counts.
    let mut last = None;
    let options = context.options;
    let judge = |view: View<'_>| {
        if view.whole().is_some() {
            last = None;
            return contents(context, node, view, files, object);
        }
        let mut copy = object.clone();
        contents(context, node, view, files, &mut copy);
        last = Some(copy);
    };
    options.measure(Phase::Contents, || {
        let mut judge = judge;
        let judge = |view: View<'_>| options.measure(Phase::Other, || judge(view));
        let mut plan = CodePlan::pages();
        judge_file(context.tree, node, options.kernel, &wants, &mut plan, judge)
    })?;
    if let Some(last) = last {
        *object = last;
    }
    if let Some(progress) = &context.options.progress {
        progress.add_file();
    }
    Ok(())
}

/// The same with what is at hand of the file.
fn contents<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    node: NodeId,
    bytes: View<'_>,
    files: BoundFiles<'_>,
    object: &mut CodeObject,
) {
    let path = context.tree.path(node);
    context.heads.remember(node, bytes.head(MACHO_HEAD), bytes.len());
    object.is_script = bytes.head(2) == b"#!";
    if context.options.keeps_file_digests {
        object.file_digest = bytes.digest(HashType::Sha256);
    }
    let commands = usize::try_from(command_bytes(bytes)).unwrap_or(usize::MAX);
    // Object files, debug symbols and 64-bit universal files are generic files to `codesign`.
    let is_code = is_code(bytes);
    let is_macho = is_code || is_macho(bytes);
    if is_macho {
        // Commands are kept as paths and segments, which take more room.
        let budget = context.tree.budget();
        let paid = budget.scan(commands.saturating_mul(2));
        if paid
            .and_then(|()| budget.retain(commands.saturating_mul(2)))
            .is_err()
        {
            return;
        }
    }
    let macho = match is_macho.then(|| MachO::parse(bytes)).transpose() {
        Ok(macho) => macho,
        // Where nothing seals it as code, what it might have been is all there is to say.
        Err(error) if is_code || object.nesting == Nesting::Found => {
            object.kind = CodeKind::MachO;
            object.push(FaultKind::MachO(error), path, None);
            return;
        }
        Err(error) => {
            object.push(FaultKind::Unloadable(error), path.clone(), None);
            None
        }
    };
    object
        .faults
        .extend(sideband(context, node, SidebandPlace::Executable));
    let options = context.options;
    let asked = options.flags.architecture.as_deref();
    let asked = asked.filter(|_| object.nesting == Nesting::Item);
    let mut entries = Vec::new();
    let examined: Vec<_> = match macho.as_ref().filter(|_| is_code) {
        Some(macho) => {
            object.kind = CodeKind::MachO;
            object.format = format(macho);
            if asked.is_none() {
                fat_faults(macho, object, &path);
            }
            if macho.fat.as_ref().is_some_and(|fat| fat.has_swapped_magic) {
                let kind = FaultKind::Unloadable(MachOError::SwappedMagic);
                object.push(kind, path.clone(), None);
            }
            let mut slices = in_order(macho, context.options.host_architecture);
            if let Some(name) = asked {
                let all = std::mem::take(&mut slices);
                slices = Vec::from_iter(find_architecture(&all, name));
                let is_read = |slice: &&Slice<'_>| slices.iter().any(|read| std::ptr::eq(*read, *slice));
                let unread = all.into_iter().filter(|slice| !is_read(slice));
                object.unread_architectures = unread.map(|slice| slice.entry).collect();
                if slices.is_empty() {
                    object.push(FaultKind::NoSuchArchitecture, path.clone(), None);
                }
            }
            entries.extend(slices.iter().map(|slice| slice.entry));
            parallel::map(&slices, 1, |slice| {
                options.measure(Phase::Other, || examine(Subject::Slice(slice), files, options))
            })
        }
        None => match attributes(context.tree, node) {
            Ok(attributes) => {
                let has_own = !attributes.is_empty();
                let files = BoundFiles {
                    signature_files: if has_own {
                        Some(&attributes)
                    } else {
                        files.signature_files
                    },
                    ..files
                };
                vec![examine(Subject::File(bytes), files, context.options)]
            }
            // Whether it is signed is not known.
            Err(error) => {
                let kind = FaultKind::Unreadable(error);
                // In an archive all attributes lie in one file, about which that was said.
                if object.faults.iter().all(|fault| fault.kind != kind) {
                    object.push(kind, path.clone(), None);
                }
                Vec::new()
            }
        },
    };
    for (index, (mut facts, faults)) in examined.into_iter().enumerate() {
        facts.notarized = context.tickets.is_notarized(&facts);
        // The next charge says so, if that was too much.
        let _ = context.tree.budget().retain(size(&facts));
        for kind in faults {
            object.push(kind, path.clone(), Some(index));
        }
        let is_duplicate = entries
            .get(index)
            .is_some_and(|entry| entries.iter().take(index).any(|other| other == entry));
        object.slices.push(SliceEvidence {
            is_duplicate,
            ..facts
        });
    }
    compare_teams(object, &path);
    compare_signers(object, &path);
    if macho
        .as_ref()
        .and_then(|macho| macho.fat.as_ref())
        .is_some_and(|fat| fat.is_fat64)
    {
        object.push(FaultKind::Oddity(Oddity::Fat64), path.clone(), None);
    }
    requirements::designate(object);
    if object.info_plist.is_none() {
        object.info_plist = object.slices.first().and_then(|slice| slice.info_plist.clone());
    }
}

/// Bytes of what is kept about a slice, property lists and load commands left out, which are charged where they are read.
fn size(facts: &SliceEvidence) -> usize {
    let payloads = [
        &facts.entitlements_xml,
        &facts.entitlements_der,
        &facts.requirements,
    ];
    payloads
        .into_iter()
        .flatten()
        .map(Vec::len)
        .fold(size_of::<SliceEvidence>(), usize::saturating_add)
}

/// The components that a file which is no Mach-O carries in extended attributes (specification 7.1).
fn attributes<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<SignatureFiles, SourceError> {
    let slots = (0..=Slot::MAX_SPECIAL)
        .chain(0x1000..=0x1004)
        .chain(std::iter::once(Slot::SIGNATURE.0))
        .map(Slot);
    slots
        .filter_map(|slot| {
            let name = format!("com.apple.cs.{}", slot.canonical_name()?);
            let value = tree.attribute(node, &name).transpose()?;
            Some(value.map(|value| (slot, value)))
        })
        .collect()
}
