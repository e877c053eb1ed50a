//! Where CFBundle looks for Info.plist and the executable.
//!
//! Specification 6.2 and native observation 7.5 (`_CFBundleGetBundleVersionForURL`, `_CFBundleCopyInfoDictionaryInDirectoryWithVersion`,
//! `_CFBundleCopyExecutableURLInDirectory2` of swift-corelibs-foundation). Names are paths that are put together as text before
//! anything is opened, so that `..` goes back by one name whatever links lie on the way.

use super::layout_fault::{LayoutError, LayoutFault, MAX_LINKS};
use crate::plist::Dictionary;
use crate::source::{Kind, NodeId, ResolveError, Tree};

/// What the names in its directory make of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `Contents`.
    Contents,
    /// `Support Files`.
    SupportFiles,
    /// `Resources` and nothing else: an unversioned framework, or one version of another.
    Resources,
    /// None of them.
    Flat,
}

/// A file where it is named.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The file, or a link to it.
    pub(super) entry: NodeId,
    /// Its path from the root of the tree as it was put together, which may differ from the names on disk in case.
    path: Vec<String>,
}

/// The directories of a bundle, or of one version of a framework.
#[derive(Debug)]
pub(super) struct Places {
    form: Form,
    root: NodeId,
    /// The directory that holds `_CodeSignature`, links followed.
    pub(super) support: NodeId,
    /// Its path from the root of the tree, put together as paths of files are.
    support_path: Vec<String>,
}

impl Places {
    /// Looks at the names in `root`.
    ///
    /// # Errors
    /// [`LayoutError`] where the folder that they promise is not there, or is outside of the item.
    pub(super) fn of<T: Tree + ?Sized>(tree: &T, root: NodeId) -> Result<Self, LayoutError> {
        let has = |name: &str| {
            let found = tree.lookup(root, name).id();
            found.is_some_and(|id| matches!(tree.node(id).kind, Kind::Directory | Kind::Symlink))
        };
        let is_framework = tree.node(root).text().ends_with(".framework");
        let form = if is_framework && has("Resources") {
            Form::Resources
        } else if has("Contents") {
            Form::Contents
        } else if has("Resources") {
            Form::Resources
        } else if has("Support Files") {
            Form::SupportFiles
        } else {
            Form::Flat
        };
        let mut support_path = names(tree, root);
        support_path.extend(form.support().map(str::to_owned));
        let support = match form.support() {
            Some(name) => tree.resolve(root, name, MAX_LINKS).map_err(|error| match error {
                ResolveError::Escapes => LayoutError::Outside,
                _ => LayoutError::NotABundle,
            })?,
            None => root,
        };
        if !tree.node(support).is_directory() {
            return Err(LayoutError::NotABundle);
        }
        Ok(Self {
            form,
            root,
            support,
            support_path,
        })
    }

    /// Links in the path from the root to the support directory.
    pub(super) fn links_to_support<T: Tree + ?Sized>(&self, tree: &T) -> usize {
        self.form
            .support()
            .map_or(0, |name| tree.links_on(self.root, name))
    }

    /// Whether resources lie beside everything else.
    pub(super) fn is_flat(&self) -> bool {
        self.form == Form::Flat
    }

    /// Info.plist as it is named in its directory. `Info-macos.plist` wins, unless it is a directory; names without regard to case.
    pub(super) fn info_plist<T: Tree + ?Sized>(&self, tree: &T) -> Option<Place> {
        let mut path = self.support_path.clone();
        let directory = match self.form {
            Form::Resources => {
                path.push("Resources".to_owned());
                tree.resolve(self.root, "Resources", MAX_LINKS).ok()?
            }
            // Not the innards of another bundle.
            Form::Flat if is_inner(&tree.node(self.root).text()) => return None,
            _ => self.support,
        };
        let (name, entry) = ["Info-macos.plist", "Info.plist"]
            .into_iter()
            .filter_map(|name| Some((name, tree.lookup(directory, name).id()?)))
            .find(|(_, id)| !tree.node(*id).is_directory())?;
        path.push(name.to_owned());
        Some(Place { entry, path })
    }

    /// The executable that Info.plist names, else the one that is called like the bundle, `stem` being that with its extension.
    ///
    /// # Errors
    /// [`LayoutError`], where macOS would take for the executable what cannot be one here.
    pub(super) fn executable<T: Tree + ?Sized>(
        &self,
        tree: &T,
        info: Option<&Dictionary>,
        stem: Option<&str>,
        faults: &mut Vec<LayoutFault>,
    ) -> Result<Option<Place>, LayoutError> {
        let key = |key: &str| info.and_then(|info| info.get(key));
        let named = match (
            key("CFBundleExecutable-macos"),
            key("CFBundleExecutable"),
            key("NSExecutable"),
        ) {
            (Some(value), ..) | (None, Some(value), _) | (None, None, Some(value)) => value.as_str(),
            _ => None,
        };
        let stem = || stem.map(|name| name.rsplit_once('.').map_or(name, |(stem, _)| stem));
        let name = named.filter(|name| !name.is_empty()).or_else(stem);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let root = names(tree, self.root);
        let mac = || [&self.support_path[..], &["MacOS".to_owned()]].concat();
        let places = match self.form {
            Form::Resources => vec![root],
            Form::Flat => vec![mac(), root],
            Form::Contents | Form::SupportFiles => vec![mac(), self.support_path.clone(), root],
        };
        for place in places {
            if let Some(found) = find(tree, place, name, faults)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A file by its path from the support directory.
    ///
    /// # Errors
    /// [`LayoutError::Outside`] and [`LayoutError::ExecutableIsDirectory`]
    pub(super) fn in_support<T: Tree + ?Sized>(
        &self,
        tree: &T,
        path: &str,
        faults: &mut Vec<LayoutFault>,
    ) -> Result<Option<Place>, LayoutError> {
        find(tree, self.support_path.clone(), path, faults)
    }

    /// The only file whose name ends in `.dist` (`findDistFile`).
    pub(super) fn distribution<T: Tree + ?Sized>(&self, tree: &T) -> Option<Place> {
        let mut found = tree
            .children(self.support)
            .iter()
            .copied()
            .filter(|child| tree.node(*child).is_file() && tree.node(*child).text().ends_with(".dist"));
        let first = found.next()?;
        let mut path = self.support_path.clone();
        path.push(tree.node(first).text().into_owned());
        found.next().is_none().then_some(Place { entry: first, path })
    }

    /// The path of a file from the support directory, if it lies in it by its text (`BundleDiskRep::adjustResources`).
    pub(super) fn below_support(&self, place: &Place) -> Option<String> {
        let rest = place.path.strip_prefix(&self.support_path[..])?;
        (!rest.is_empty()).then(|| rest.join("/"))
    }
}

impl Form {
    fn support(self) -> Option<&'static str> {
        match self {
            Self::Contents => Some("Contents"),
            Self::SupportFiles => Some("Support Files"),
            Self::Resources | Self::Flat => None,
        }
    }
}

/// Names on the way to a directory.
fn names<T: Tree + ?Sized>(tree: &T, directory: NodeId) -> Vec<String> {
    let path = tree.path(directory);
    path.split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether CFBundle takes a flat directory of this name for a part of a bundle.
fn is_inner(name: &str) -> bool {
    ["Support Files", "Contents", "Resources"]
        .iter()
        .any(|inner| name.ends_with(inner))
}

/// The file `name` from a directory whose path is given; `None` if there is none. A link out of the item is noted: macOS wants a plain
/// file there, whatever it leads to (`BundleDiskRep::checkPlainFile`).
fn find<T: Tree + ?Sized>(
    tree: &T,
    mut path: Vec<String>,
    name: &str,
    faults: &mut Vec<LayoutFault>,
) -> Result<Option<Place>, LayoutError> {
    if name.starts_with('/') {
        return Err(LayoutError::Outside);
    }
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop().ok_or(LayoutError::Outside)?;
            }
            _ => path.push(part.to_owned()),
        }
    }
    let entry = || {
        let (last, above) = path.split_last()?;
        let directory = tree.resolve(tree.root(), &above.join("/"), MAX_LINKS).ok()?;
        tree.lookup(directory, last).id()
    };
    let target = match tree.resolve(tree.root(), &path.join("/"), MAX_LINKS) {
        Ok(target) => target,
        Err(ResolveError::Escapes) => {
            faults.extend(entry().map(|node| LayoutFault::NotRegular { node }));
            return Err(LayoutError::Outside);
        }
        Err(_) => return Ok(None),
    };
    match tree.node(target).kind {
        Kind::File => {}
        Kind::Directory => return Err(LayoutError::ExecutableIsDirectory),
        _ => return Err(LayoutError::NotABundle),
    }
    let entry = entry();
    Ok(entry.map(|entry| Place { entry, path }))
}

/// The node itself, or what its link leads to inside the tree.
pub(super) fn follow<T: Tree + ?Sized>(tree: &T, entry: NodeId) -> Option<NodeId> {
    let node = tree.node(entry);
    let parent = node.parent?;
    let found = match node.kind {
        Kind::Symlink => tree.resolve(parent, &node.text(), MAX_LINKS).ok()?,
        _ => entry,
    };
    tree.node(found).is_file().then_some(found)
}
