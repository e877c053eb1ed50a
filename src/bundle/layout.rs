//! Where a bundle keeps its Info.plist, its main executable and its seal.
//!
//! Specification 6.3 and native observation 7.5 (`BundleDiskRep::setup`). Where CFBundle looks is in `places`. Faults of the
//! layout that strict validation refuses are collected, not raised.

use super::layout_fault::{LayoutError, LayoutFault, MAX_LINKS};
use super::places::{Places, follow};
use super::roots::{check_app_root, check_framework_root, check_moved, meta_directory};
use crate::blob::Slot;
use crate::plist::{Dictionary, PlistError, Value};
use crate::source::{NodeId, ResolveError, Tree};

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
    /// XCFramework: libraries for several systems, for developers.
    XcFramework,
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
            Self::XcFramework => "xcframework",
            Self::Bundle => "bundle",
        }
    }

    /// What a folder of this name is, whatever is in it; `None` where the name does not say.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "app" => Some(Self::App),
            "framework" => Some(Self::Framework),
            "appex" => Some(Self::AppExtension),
            "xpc" => Some(Self::XpcService),
            "plugin" => Some(Self::PlugIn),
            "kext" => Some(Self::KernelExtension),
            "systemextension" => Some(Self::SystemExtension),
            "dext" => Some(Self::DriverExtension),
            "xcframework" => Some(Self::XcFramework),
            "bundle" => Some(Self::Bundle),
            _ => None,
        }
    }
}

/// What the signature of a bundle covers (specification 6.3 (6)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MainFile {
    /// The executable.
    Executable,
    /// The page of a Dashboard widget (`MainHTML`).
    Widget,
    /// Info.plist: there is no code.
    InfoPlist,
    /// Info.plist of an installer package (`IFMajorVersion`).
    Installer,
    /// The distribution script of an installer package, `NAME.dist`.
    Distribution,
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
    /// Links in the path from `root` to `support` as macOS puts it together, such as `Versions/Current`.
    pub links_to_support: usize,
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
    /// The lines of its keys, where it is XML.
    pub info_lines: Vec<(String, u64)>,
    /// The budget of ours that Info.plist is beyond, so that what it says is not known.
    pub info_limit: Option<PlistError>,
    /// Whether Info.plist is there and could not be read.
    pub is_info_unread: bool,
    /// Main executable, links followed.
    pub executable: Option<NodeId>,
    /// What the signature covers, links followed.
    pub main: NodeId,
    /// The path from the support directory under which the seal leaves it out, in the spelling that macOS arrives at; nothing where
    /// the main file lies elsewhere.
    pub main_path: Option<String>,
    /// What that is.
    pub main_kind: MainFile,
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
        Self::open_noting(tree, root, asked, &mut Vec::new())
    }

    /// The same; where the directory cannot be taken apart, `noted` holds the faults of its layout that were met before.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn open_noting<T: Tree + ?Sized>(
        tree: &T,
        root: NodeId,
        asked: Option<&str>,
        noted: &mut Vec<LayoutFault>,
    ) -> Result<Self, LayoutError> {
        let mut layout = Self::taken_apart(tree, root, asked, noted)?;
        layout.faults = std::mem::take(noted);
        Ok(layout)
    }

    fn taken_apart<T: Tree + ?Sized>(
        tree: &T,
        root: NodeId,
        asked: Option<&str>,
        faults: &mut Vec<LayoutFault>,
    ) -> Result<Self, LayoutError> {
        let mut version_root = root;
        let selected = asked.unwrap_or("Current");
        if tree.lookup(root, "Contents").id().is_some() {
            check_app_root(tree, root, faults);
        } else if tree.lookup(root, "Support Files").id().is_none() {
            let version = tree.resolve(root, &format!("Versions/{selected}"), MAX_LINKS);
            // Its root is judged by the texts of its links, wherever they lead.
            if version == Err(ResolveError::Escapes) {
                check_framework_root(tree, root, faults);
                return Err(LayoutError::Outside);
            }
            match version.ok().filter(|found| tree.node(*found).is_directory()) {
                Some(version) => {
                    version_root = version;
                    check_framework_root(tree, root, faults);
                }
                None if asked.is_some() => return Err(LayoutError::NoSuchVersion),
                None => {}
            }
        }
        let is_versioned = version_root != root;
        if let (Some(bundle), false) = (wrapped(tree, root), is_versioned) {
            version_root = bundle;
        }
        let places = Places::of(tree, version_root)?;
        let support = places.support;
        let resources_prefix = if places.is_flat() { "" } else { "Resources/" };
        let info_place = places.info_plist(tree);
        let info_plist = info_place.as_ref().and_then(|place| follow(tree, place.entry));
        let read = info_plist.map(|node| tree.small(node, tree.limits().info_plist));
        let is_info_unread = matches!(read, Some(Err(_)));
        let bytes = read.and_then(Result::ok);
        let bytes = bytes.as_ref();
        let parsed = bytes.map(|bytes| crate::plist::parse_within(bytes, tree.limits(), tree.budget()));
        let info_lines = bytes.map(|bytes| crate::plist::key_lines(bytes, tree.limits(), tree.budget()));
        let (info, info_limit) = match parsed {
            Some(Ok(Value::Dictionary(entries))) => (Some(entries), None),
            Some(Err(error)) if error.is_limit() => (None, Some(error)),
            _ => (None, None),
        };
        let name = tree.node(root).text().into_owned();
        let has = |key: &str| info.as_ref().and_then(|info| info.get(key));
        let stem = (!is_versioned).then_some(&*name);
        let (main_kind, main_place) = if let Some(page) = has("MainHTML") {
            let page = page.as_str().ok_or(LayoutError::NotABundle)?;
            (MainFile::Widget, places.in_support(tree, page, faults)?)
        } else if let Some(place) = places.executable(tree, info.as_ref(), stem, faults)? {
            (MainFile::Executable, Some(place))
        } else if info_plist.is_some() {
            let kind = match has("IFMajorVersion") {
                Some(_) => MainFile::Installer,
                None => MainFile::InfoPlist,
            };
            (kind, info_place.clone())
        } else {
            (MainFile::Distribution, places.distribution(tree))
        };
        let main_place = main_place.ok_or(LayoutError::NotABundle)?;
        let main = follow(tree, main_place.entry).ok_or(LayoutError::NotABundle)?;
        let executable = (main_kind == MainFile::Executable).then_some(main);
        let mut plain = vec![main_place.entry];
        plain.extend(
            info_place
                .filter(|_| info_plist.is_some())
                .map(|place| place.entry),
        );
        plain.dedup();
        for node in plain {
            if !tree.node(node).is_file() {
                faults.push(LayoutFault::NotRegular { node });
            }
        }
        let application = has("CFBundlePackageType") == Some(&Value::String("APPL".into()));
        if let (Some(executable), true, None) = (executable, is_versioned, asked) {
            check_moved(tree, root, (executable, info_plist), &name, faults);
        }
        let meta = meta_directory(tree, support, faults);
        let to_version = match (is_versioned, version_root == root) {
            (true, _) => tree.links_on(root, &format!("Versions/{selected}")),
            (false, false) => tree.links_on(root, "WrappedBundle"),
            (false, true) => 0,
        };
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
            links_to_support: to_version.saturating_add(places.links_to_support(tree)),
            kind: match BundleKind::of_name(&name) {
                None | Some(BundleKind::Bundle) if application => BundleKind::App,
                kind => kind.unwrap_or(BundleKind::Bundle),
            },
            is_application: application && !is_versioned,
            resources_prefix,
            info_plist,
            info,
            info_limit,
            info_lines: info_lines.unwrap_or_default(),
            is_info_unread,
            executable,
            main,
            main_path: places.below_support(&main_place),
            main_kind,
            code_resources: meta.code_resources,
            signature_files: meta.signature_files,
            faults: Vec::new(),
        })
    }

    /// Whether macOS takes the file `executable` for this bundle: it is the main executable by its own name, and a flat bundle needs an
    /// Info.plist with something in it (`_CFBundleCreateWithExecutableURLIfMightBeBundle`).
    #[must_use]
    pub fn is_around<T: Tree + ?Sized>(&self, tree: &T, executable: NodeId) -> bool {
        let is_flat = self.resources_prefix.is_empty();
        let has_info = self.info.as_ref().is_some_and(|info| !info.is_empty());
        self.executable == Some(executable)
            && self.main_path.as_deref() == Some(&*tree.path_from(self.support, executable))
            && (has_info || !is_flat)
    }

    /// The folder that counts as the bundle's own: of a framework, that of the selected version (`BundleDiskRep::setup`).
    #[must_use]
    pub fn code_root(&self) -> NodeId {
        match self.version {
            Some(_) => self.version_root,
            None => self.root,
        }
    }

    /// What stands in front of the executable's format, as in `app bundle with Mach-O thin (arm64)`, or alone where
    /// there is no executable.
    #[must_use]
    pub fn format_prefix(&self) -> &'static str {
        match self.main_kind {
            MainFile::Executable if self.is_application => "app bundle with ",
            MainFile::Executable => "bundle with ",
            MainFile::Widget => "widget bundle",
            MainFile::InfoPlist => "bundle",
            MainFile::Installer | MainFile::Distribution => "installer package bundle",
        }
    }
}

/// An iOS app on a Mac: a link `WrappedBundle` leads to the real bundle in `Wrapper`.
fn wrapped<T: Tree + ?Sized>(tree: &T, root: NodeId) -> Option<NodeId> {
    let link = tree.lookup(root, "WrappedBundle").id()?;
    let folder = tree.lookup(root, "Wrapper").id()?;
    if !tree.node(link).is_symlink() || !tree.node(folder).is_directory() {
        return None;
    }
    let bundle = tree.resolve(root, "WrappedBundle", MAX_LINKS).ok()?;
    tree.node(bundle).is_directory().then_some(bundle)
}
