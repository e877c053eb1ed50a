//! What lies in the roots of bundles and frameworks and in `_CodeSignature`, where no seal reaches.
//!
//! Specification 6.3 (2), 6.4, 6.5 and 6.11 (`DirValidator`, `BundleDiskRep::checkMoved` and `strictValidate`).

use super::layout_fault::{LayoutFault, MAX_LINKS};
use super::places::{Places, follow};
use crate::blob::Slot;
use crate::plist::Value;
use crate::source::{Kind, NodeId, ResolveError, Tree};

/// The folder of the signature (`BUNDLEDISKREP_DIRECTORY`).
const META: &str = "_CodeSignature";

/// Specification 6.3 (2): beside `Contents`, only some well-known files that are not executable.
pub(super) fn check_app_root<T: Tree + ?Sized>(tree: &T, root: NodeId, faults: &mut Vec<LayoutFault>) {
    for child in tree.children(root) {
        let node = tree.node(*child);
        let name = node.text();
        let tolerated = matches!(
            &*name,
            ".LSOverride" | ".DS_Store" | "Icon\r" | ".SoftwareDepot.tracking"
        ) && node.is_file()
            && !node.is_executable();
        if !(tolerated || (name == "Contents" && node.is_directory())) {
            faults.push(LayoutFault::UnsealedRoot {
                name: name.into_owned(),
            });
        }
    }
}

/// Specification 6.4: `Versions`, links into the current version, and little else.
pub(super) fn check_framework_root<T: Tree + ?Sized>(tree: &T, root: NodeId, faults: &mut Vec<LayoutFault>) {
    let mut fault = |name: String| faults.push(LayoutFault::UnsealedFrameworkRoot { name });
    let versions = tree.lookup(root, "Versions").id();
    let current = versions
        .and_then(|versions| tree.lookup(versions, "Current").id())
        .and_then(|link| tree.link_target(link))
        .map(|target| String::from_utf8_lossy(target).into_owned());
    let bare = current
        .as_deref()
        .map(|target| target.strip_prefix("./").unwrap_or(target));
    for child in tree.children(root) {
        let node = tree.node(*child);
        let name = node.text();
        let allowed = match node.kind {
            Kind::Directory => name == "Versions",
            Kind::File => matches!(&*name, ".DS_Store" | "module.map") && !node.is_executable(),
            Kind::Symlink => tree.link_target(*child).is_some_and(|target| {
                let target = String::from_utf8_lossy(target);
                let target = target.strip_prefix("./").unwrap_or(&target);
                let rest = target
                    .strip_prefix("Versions/")
                    .and_then(|rest| rest.strip_suffix(&*name));
                rest.and_then(|rest| rest.strip_suffix('/'))
                    .is_some_and(|version| version == "Current" || Some(version) == current.as_deref())
            }),
            Kind::Other => false,
        };
        if !allowed {
            fault(name.into_owned());
        }
    }
    for child in versions
        .map(|versions| tree.children(versions))
        .unwrap_or_default()
    {
        let node = tree.node(*child);
        let name = node.text();
        let allowed = match node.kind {
            Kind::Directory => true,
            Kind::File => name == ".DS_Store" && !node.is_executable(),
            // One path component that is neither `.` nor `..`.
            Kind::Symlink => {
                name == "Current" && bare.is_some_and(|t| !t.contains('/') && t != "." && t != "..")
            }
            Kind::Other => false,
        };
        if !allowed {
            fault(format!("Versions/{name}"));
        }
    }
    // Which version is the current one must be said by a link.
    if current.is_none() {
        fault("Versions/Current".to_owned());
    }
}

/// `BundleDiskRep::checkMoved`: the links in a framework's root must lead to the files of the selected version.
pub(super) fn check_moved<T: Tree + ?Sized>(
    tree: &T,
    root: NodeId,
    (executable, info_plist): (NodeId, Option<NodeId>),
    name: &str,
    faults: &mut Vec<LayoutFault>,
) {
    let Ok(outer) = Places::of(tree, root) else {
        return faults.push(LayoutFault::Ambiguous);
    };
    let outer_info = outer.info_plist(tree).and_then(|place| follow(tree, place.entry));
    let info = outer_info
        .and_then(|node| tree.small(node, tree.limits().info_plist).ok())
        .and_then(|bytes| crate::plist::parse_within(&bytes, tree.limits(), tree.budget()).ok());
    let info = info.as_ref().and_then(Value::as_dictionary);
    let moved = match outer.executable(tree, info, Some(name), &mut Vec::new()) {
        Ok(place) => place.is_some_and(|place| follow(tree, place.entry) != Some(executable)),
        Err(_) => true,
    };
    if moved || (outer_info.is_some() && info_plist.is_some() && outer_info != info_plist) {
        faults.push(LayoutFault::Ambiguous);
    }
}

/// The files of a signature in `_CodeSignature`, links followed (`BundleDiskRep::metaData`).
#[derive(Debug, Default)]
pub(super) struct Meta {
    /// `CodeResources`.
    pub(super) code_resources: Option<NodeId>,
    /// The other files by the slot that Apple's names for them stand for.
    pub(super) signature_files: Vec<(Slot, NodeId)>,
}

/// Specification 6.5 and 6.11: `_CodeSignature` holds the seal and signature files, nothing else. The folder may be a link, which is
/// opened like a folder (`validateMetaDirectory`); a file in it may not, but is read all the same.
pub(super) fn meta_directory<T: Tree + ?Sized>(
    tree: &T,
    support: NodeId,
    faults: &mut Vec<LayoutFault>,
) -> Meta {
    let mut found = Meta::default();
    if tree.lookup(support, META).id().is_none() {
        return found;
    }
    let meta = match tree.resolve(support, META, MAX_LINKS) {
        Ok(meta) => meta,
        Err(error) => {
            match error {
                // Nothing is there for `opendir`.
                // Without a budget nothing is said about the item.
                ResolveError::Missing | ResolveError::OverBudget => {}
                ResolveError::Loop => faults.push(LayoutFault::MetaLoop),
                ResolveError::NotDirectory => faults.push(LayoutFault::MetaNotADirectory),
                ResolveError::Escapes => faults.push(LayoutFault::MetaOutside),
            }
            return found;
        }
    };
    if !tree.node(meta).is_directory() {
        faults.push(LayoutFault::MetaNotADirectory);
    }
    let slots = (0..=Slot::MAX_SPECIAL)
        .chain(0x1000..=0x1004)
        .chain(std::iter::once(Slot::SIGNATURE.0))
        .map(Slot);
    for child in tree.children(meta) {
        let node = tree.node(*child);
        let name = node.text();
        let slot = slots
            .clone()
            .find(|slot| *slot != Slot::INFO && slot.canonical_name() == Some(&*name));
        match (slot, follow(tree, *child)) {
            (Some(Slot::RESOURCE_DIRECTORY), Some(file)) => found.code_resources = Some(file),
            (Some(slot), Some(file)) => found.signature_files.push((slot, file)),
            _ => {}
        }
        let name = name.into_owned();
        match (slot, node.is_file()) {
            (_, false) => faults.push(LayoutFault::MetaNotAFile { name }),
            (None, true) => faults.push(LayoutFault::MetaGuest { name }),
            (Some(_), true) => {}
        }
    }
    found
}
