//! The files of a bundle that its signature consists of or binds, and the faults of its layout.

use super::code_object::below;
use super::{CodeObject, FaultKind, SignatureFiles};
use crate::blob::Slot;
use crate::bundle::{Layout, LayoutError, LayoutFault, MainFile};
use crate::source::{NodeId, SourceError, Tree};

/// Why it is not known which file the signature of a bundle covers, where that is so: what Info.plist says is beyond a
/// limit, or the executable may be where no name could be read.
pub(super) fn unknown<T: Tree + ?Sized>(tree: &T, layout: &Layout) -> Option<FaultKind> {
    if let Some(error) = &layout.info_limit {
        return Some(FaultKind::InfoPlist(error.clone()));
    }
    let is_hidden = || tree.listing().may_hide_names(&tree.path(layout.root));
    let is_open = layout.main_kind != MainFile::Executable && !layout.is_info_unread && is_hidden();
    is_open.then_some(FaultKind::Bundle(LayoutError::NotABundle))
}

/// The files of a bundle that its signature consists of or binds.
pub(super) struct OwnFiles {
    pub(super) info_plist: Option<Vec<u8>>,
    pub(super) code_resources: Option<Vec<u8>>,
    pub(super) signature_files: SignatureFiles,
}

impl OwnFiles {
    /// Reads them, or gives the one that cannot be read.
    pub(super) fn read<T: Tree + ?Sized>(tree: &T, layout: &Layout) -> Result<Self, (NodeId, SourceError)> {
        let limits = tree.limits();
        let small = |node, limit, name| {
            let read = tree.small(node, limit);
            read.map_err(|error| (node, error.named(name)))
        };
        let info_plist = layout
            .info_plist
            .map(|node| small(node, limits.info_plist, "info-plist"))
            .transpose()?;
        let code_resources = layout
            .code_resources
            .map(|node| small(node, limits.code_resources, "code-resources"))
            .transpose()?;
        let signature_files = layout
            .signature_files
            .iter()
            .map(|(slot, node)| Ok((*slot, small(*node, limits.signature_file, "signature-file")?)));
        Ok(Self {
            info_plist,
            code_resources,
            signature_files: signature_files.collect::<Result<_, _>>()?,
        })
    }
}

/// Records faults of a layout, each at its place.
pub(super) fn layout_faults<T: Tree + ?Sized>(
    tree: &T,
    root: NodeId,
    faults: &[LayoutFault],
    object: &mut CodeObject,
) {
    for fault in faults {
        let place = match fault {
            LayoutFault::NotRegular { node } => *node,
            _ => root,
        };
        object.push(FaultKind::Layout(fault.clone()), tree.path(place), None);
    }
}

/// Faults about special slots 1 and 3 of a bundle belong to the files that these bind.
pub(super) fn name_the_files<T: Tree + ?Sized>(tree: &T, layout: &Layout, object: &mut CodeObject) {
    let support = tree.path(layout.support);
    for fault in &mut object.faults {
        let found = match &fault.kind {
            FaultKind::SpecialSlot { slot: Slot::INFO, .. } => (layout.info_plist, "Info.plist"),
            FaultKind::SpecialSlot {
                slot: Slot::RESOURCE_DIRECTORY,
                ..
            } => (layout.code_resources, "_CodeSignature/CodeResources"),
            _ => continue,
        };
        fault.path = match found {
            (Some(node), _) => tree.path(node),
            (None, name) => below(&support, name),
        };
    }
}
