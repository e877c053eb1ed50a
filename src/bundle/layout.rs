//! Where a bundle keeps its Info.plist, its main executable and its seal.
//!
//! Specification 6.2–6.4 and native observation 7.5 (`BundleDiskRep::setup`, CFBundle's search). Faults of the
//! layout that strict validation refuses are collected, not raised. Widgets and `.dist` installer bundles are
//! not recognised here.

use thiserror::Error;

use crate::blob::Slot;
use crate::plist::{Dictionary, Value};
use crate::source::{Kind, NodeId, Tree};

/// Budget for an Info.plist; the largest real ones have some 100 KiB.
const MAX_INFO_PLIST: u64 = 16 << 20;
/// Links followed on the way to a file of the bundle: the kernel's own limit.
const MAX_LINKS: usize = 32;

/// What a bundle is, from its name and its `CFBundlePackageType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BundleKind {
    /// Application.
    App,
    /// Framework.
    Framework,
    /// App extension.
    AppExtension,
    /// XPC service.
    XpcService,
    /// Plug-in.
    PlugIn,
    /// Kernel extension.
    KernelExtension,
    /// System extension.
    SystemExtension,
    /// Driver extension.
    DriverExtension,
    /// Any other bundle.
    Bundle,
}

impl BundleKind {
    /// Words for people; with hyphens, the `kind` of JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Framework => "framework",
            Self::AppExtension => "appex",
            Self::XpcService => "xpc",
            Self::PlugIn => "plug-in",
            Self::KernelExtension => "kext",
            Self::SystemExtension => "systemextension",
            Self::DriverExtension => "dext",
            Self::Bundle => "bundle",
        }
    }

    fn from_name(name: &str, is_application: bool) -> Self {
        match name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase())
            .as_deref()
        {
            Some("app") => Self::App,
            Some("framework") => Self::Framework,
            Some("appex") => Self::AppExtension,
            Some("xpc") => Self::XpcService,
            Some("plugin") => Self::PlugIn,
            Some("kext") => Self::KernelExtension,
            Some("systemextension") => Self::SystemExtension,
            Some("dext") => Self::DriverExtension,
            _ if is_application => Self::App,
            _ => Self::Bundle,
        }
    }
}

/// A directory that is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// There is neither an executable nor an Info.plist (errSecCSBadBundleFormat).
    #[error("not a bundle: neither an Info.plist nor an executable")]
    NotABundle,
    /// There is no such version (errSecCSStaticCodeNotFound).
    #[error("the framework has no such version")]
    NoSuchVersion,
}

/// A fault of the layout that strict validation refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutFault {
    /// Something beside `Contents` (errSecCSUnsealedAppRoot).
    UnsealedRoot {
        /// Name of the entry.
        name: String,
    },
    /// Something in a framework's root that does not belong there (errSecCSUnsealedFrameworkRoot).
    UnsealedFrameworkRoot {
        /// Path of the entry in the framework.
        name: String,
    },
    /// The executable or Info.plist outside and inside of a framework's version are different files
    /// (errSecCSAmbiguousBundleFormat).
    Ambiguous,
    /// The main executable or Info.plist is no regular file (errSecCSRegularFile).
    NotRegular {
        /// The link or special file.
        node: NodeId,
    },
    /// `_CodeSignature` is a file (ENOTDIR).
    MetaNotADirectory,
    /// A stranger in `_CodeSignature` (errSecCSUnsealedAppRoot).
    MetaGuest {
        /// Name of the entry.
        name: String,
    },
}

/// A bundle taken apart.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The bundle's directory as it was named.
    pub root: NodeId,
    /// The directory of the selected version; the root itself without versions.
    pub version_root: NodeId,
    /// How the selected version was named: `Current`, or what the caller asked for.
    pub version: Option<String>,
    /// Directories of the framework's other versions.
    pub other_versions: Vec<NodeId>,
    /// The directory that holds `_CodeSignature`, and that the seal's paths are relative to.
    pub support: NodeId,
    /// What the bundle is.
    pub kind: BundleKind,
    /// Whether the seal and `codesign` treat it as an app.
    pub is_application: bool,
    /// Where resources lie, from the support directory: `Resources/`, or nothing in a flat bundle. Whether there
    /// are any makes no difference (`CFBundleCopyResourcesDirectoryURL`).
    pub resources_prefix: &'static str,
    /// Info.plist, links followed.
    pub info_plist: Option<NodeId>,
    /// Info.plist decoded; `None` when it is missing or malformed.
    pub info: Option<Dictionary>,
    /// Main executable, links followed.
    pub executable: Option<NodeId>,
    /// `_CodeSignature/CodeResources`.
    pub code_resources: Option<NodeId>,
    /// The other files in `_CodeSignature` by the slot that Apple's names for them stand for.
    pub signature_files: Vec<(Slot, NodeId)>,
    /// Faults under strict rules, in Apple's order.
    pub faults: Vec<LayoutFault>,
}

impl Layout {
    /// Takes the directory `root` apart; of a framework, the version that is asked for, or the current one.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn open<T: Tree + ?Sized>(tree: &T, root: NodeId, asked: Option<&str>) -> Result<Self, LayoutError> {
        let mut faults = Vec::new();
        let mut version_root = root;
        let selected = asked.unwrap_or("Current");
        if tree.lookup(root, "Contents").id().is_some() {
            check_app_root(tree, root, &mut faults);
        } else if tree.lookup(root, "Support Files").id().is_none() {
            let version = tree.resolve(root, &format!("Versions/{selected}"), MAX_LINKS);
            match version.ok().filter(|found| tree.node(*found).is_directory()) {
                Some(version) => {
                    version_root = version;
                    check_framework_root(tree, root, &mut faults);
                }
                None if asked.is_some() => return Err(LayoutError::NoSuchVersion),
                None => {}
            }
        }
        let support = support_directory(tree, version_root);
        let info_directory = info_directory(tree, version_root, support);
        let is_flat = support == version_root && info_directory == version_root;
        let resources_prefix = if is_flat { "" } else { "Resources/" };
        let info_entry = find_info(tree, info_directory);
        let follow = |entry: NodeId| follow(tree, entry);
        let info_plist = info_entry.and_then(follow);
        let info = info_plist
            .and_then(|node| tree.small(node, MAX_INFO_PLIST).ok())
            .and_then(|bytes| crate::plist::parse(&bytes).ok())
            .and_then(|value| match value {
                Value::Dictionary(entries) => Some(entries),
                _ => None,
            });
        let is_versioned = version_root != root;
        let name = tree.node(root).text().into_owned();
        let executable_entry = find_executable(
            tree,
            version_root,
            support,
            info.as_ref(),
            (!is_versioned).then_some(&name),
        );
        let executable = executable_entry.and_then(follow);
        if executable.is_none() && info_plist.is_none() {
            return Err(LayoutError::NotABundle);
        }
        for (entry, target) in [(executable_entry, executable), (info_entry, info_plist)] {
            if let (Some(entry), Some(_)) = (entry, target)
                && !tree.node(entry).is_file()
            {
                faults.push(LayoutFault::NotRegular { node: entry });
            }
        }
        let application = info.as_ref().and_then(|info| info.get("CFBundlePackageType"))
            == Some(&Value::String("APPL".into()));
        if is_versioned && asked.is_none() {
            check_moved(tree, root, (executable, info_plist), &name, &mut faults);
        }
        let signature_files = meta_directory(tree, support, &mut faults);
        let code_resources = tree
            .lookup(support, "_CodeSignature/CodeResources")
            .id()
            .filter(|id| tree.node(*id).is_file());
        let versions = tree.lookup(root, "Versions").id().filter(|_| is_versioned);
        let other_versions = versions
            .map(|versions| tree.children(versions))
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(|child| tree.node(*child).is_directory() && *child != version_root)
            .collect();
        Ok(Self {
            root,
            version_root,
            version: is_versioned.then(|| selected.to_owned()),
            other_versions,
            support,
            kind: BundleKind::from_name(&name, application),
            is_application: application && !is_versioned,
            resources_prefix,
            info_plist,
            info,
            executable,
            code_resources,
            signature_files,
            faults,
        })
    }

    /// What stands in front of the executable's format, as in `app bundle with Mach-O thin (arm64)`.
    #[must_use]
    pub fn format_prefix(&self) -> &'static str {
        match (self.executable.is_some(), self.is_application) {
            (true, true) => "app bundle with ",
            (true, false) => "bundle with ",
            (false, _) => "bundle",
        }
    }

    /// What the signature covers: the executable, or Info.plist in a bundle without code.
    #[must_use]
    pub fn main_executable(&self) -> Option<NodeId> {
        self.executable.or(self.info_plist)
    }
}

/// The node itself, or what its link leads to inside the tree.
fn follow<T: Tree + ?Sized>(tree: &T, entry: NodeId) -> Option<NodeId> {
    let node = tree.node(entry);
    let parent = node.parent?;
    let found = match node.kind {
        Kind::Symlink => tree.resolve(parent, &node.text(), MAX_LINKS).ok()?,
        _ => entry,
    };
    tree.node(found).is_file().then_some(found)
}

fn support_directory<T: Tree + ?Sized>(tree: &T, root: NodeId) -> NodeId {
    for name in ["Contents", "Support Files"] {
        if let Ok(found) = tree.resolve(root, name, MAX_LINKS)
            && tree.node(found).is_directory()
        {
            return found;
        }
    }
    root
}

/// Old-style bundles (a `Resources` directory and no `Contents`) keep Info.plist in it.
fn info_directory<T: Tree + ?Sized>(tree: &T, root: NodeId, support: NodeId) -> NodeId {
    if support != root {
        return support;
    }
    match tree.resolve(root, "Resources", MAX_LINKS) {
        Ok(found) if tree.node(found).is_directory() => found,
        _ => root,
    }
}

/// `Info-macos.plist` wins over `Info.plist`, unless it is a directory; names without regard to case.
fn find_info<T: Tree + ?Sized>(tree: &T, directory: NodeId) -> Option<NodeId> {
    ["Info-macos.plist", "Info.plist"]
        .iter()
        .filter_map(|name| tree.lookup(directory, name).id())
        .find(|id| !tree.node(*id).is_directory())
}

fn find_executable<T: Tree + ?Sized>(
    tree: &T,
    root: NodeId,
    support: NodeId,
    info: Option<&Dictionary>,
    bundle_name: Option<&String>,
) -> Option<NodeId> {
    let key = |key: &str| info.and_then(|info| info.get(key));
    let named = match (
        key("CFBundleExecutable-macos"),
        key("CFBundleExecutable"),
        key("NSExecutable"),
    ) {
        (Some(value), ..) | (None, Some(value), _) | (None, None, Some(value)) => value.as_str(),
        _ => None,
    };
    let stem = || bundle_name.map(|name| name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem));
    let name = named.filter(|name| !name.is_empty()).or_else(stem)?;
    let places = [
        (support, format!("MacOS/{name}")),
        (support, name.to_owned()),
        (root, name.to_owned()),
    ];
    places.into_iter().find_map(|(directory, path)| {
        let found = tree.lookup(directory, &path).id()?;
        (!tree.node(found).is_directory()).then_some(found)
    })
}

/// Specification 6.3 (2): beside `Contents`, only some well-known files that are not executable.
fn check_app_root<T: Tree + ?Sized>(tree: &T, root: NodeId, faults: &mut Vec<LayoutFault>) {
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
fn check_framework_root<T: Tree + ?Sized>(tree: &T, root: NodeId, faults: &mut Vec<LayoutFault>) {
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
}

/// `BundleDiskRep::checkMoved`: the links in a framework's root must lead to the files of the selected version.
fn check_moved<T: Tree + ?Sized>(
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
fn meta_directory<T: Tree + ?Sized>(
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
