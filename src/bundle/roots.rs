//! What lies in the roots of bundles and frameworks and in `_CodeSignature`, where no seal reaches.
//!
//! Specification 6.3 (2), 6.4, 6.5 and 6.11 (`DirValidator`, `BundleDiskRep::checkMoved` and `strictValidate`).

use super::layout::{LayoutFault, find_info, follow, info_directory, support_directory};
use crate::blob::Slot;
use crate::source::{Kind, NodeId, Tree};

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
                    .is_some_and(|version| version == "Current" || Some(version) == bare)
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
    (executable, info_plist): (Option<NodeId>, Option<NodeId>),
    name: &str,
    faults: &mut Vec<LayoutFault>,
) {
    let support = support_directory(tree, root);
    let outer_info =
        find_info(tree, info_directory(tree, root, support)).and_then(|entry| follow(tree, entry));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let outer_executable = tree
        .lookup(root, stem)
        .id()
        .filter(|id| !tree.node(*id).is_directory())
        .and_then(|entry| follow(tree, entry));
    let differ = |outer: Option<NodeId>, inner: Option<NodeId>| outer.is_some() && outer != inner;
    if differ(outer_info, info_plist) || (executable.is_some() && differ(outer_executable, executable)) {
        faults.push(LayoutFault::Ambiguous);
    }
}

/// Specification 6.5 and 6.11: `_CodeSignature` holds the seal and signature files, nothing else.
pub(super) fn meta_directory<T: Tree + ?Sized>(
    tree: &T,
    support: NodeId,
    faults: &mut Vec<LayoutFault>,
) -> Vec<(Slot, NodeId)> {
    let Some(meta) = tree.lookup(support, "_CodeSignature").id() else {
        return Vec::new();
    };
    if !tree.node(meta).is_directory() {
        faults.push(LayoutFault::MetaNotADirectory);
    }
    let slots = (0..=Slot::MAX_SPECIAL)
        .chain(0x1000..=0x1004)
        .chain(std::iter::once(Slot::SIGNATURE.0))
        .map(Slot);
    let mut found = Vec::new();
    for child in tree.children(meta) {
        let node = tree.node(*child);
        let name = node.text();
        let slot = slots
            .clone()
            .find(|slot| *slot != Slot::INFO && slot.canonical_name() == Some(&*name));
        match slot {
            Some(Slot::RESOURCE_DIRECTORY) if node.is_file() => {}
            Some(slot) if node.is_file() => found.push((slot, *child)),
            _ => faults.push(LayoutFault::MetaGuest {
                name: name.into_owned(),
            }),
        }
    }
    found
}
