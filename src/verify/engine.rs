//! Looks at one operand and gathers its evidence: the item, the code that its seals name, and code that merely
//! lies in it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::code::{self, Context};
use super::files::Heads;
use super::item_entry::{Entry, entry};
use super::main_executable;
use super::mains::{Mains, bundle_of};
use super::tickets::TicketStore;
use super::{
    ArchiveEvidence, CodeKind, CodeObject, CodesignFlags, CodesignVerdict, Fault, FaultKind, Gaps,
    HostArchitecture, Item, LaunchdJob, Nesting, Oddity, OsStatus, ProfileEvidence, Progress, SuppliedTicket,
    TicketEvidence, Unopened, archives, fold, launchd, profiles, resources,
};
use crate::archive::ContainerFormat;
use crate::budget::{Budget, OverBudget};
use crate::hash::Kernel;
use crate::limits::Limits;
use crate::macho::{MACHO_HEAD, begins_as_macho, needs_macho_head};
use crate::parallel;
#[cfg(feature = "fs")]
use crate::source::DirectoryTree;
use crate::source::{
    ArchiveTree, Archives, Container, Gap, Listing, MemoryTree, NodeId, SourceError, Tree, shown_path,
};
use crate::time::UnixTime;
use crate::trust::{Anchors, Cache};

/// Files whose first bytes one task reads.
const HEADS_PER_TASK: usize = 256;

/// How to verify.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Budgets for reading.
    pub limits: Limits,
    /// The Mac whose choice of the primary slice is followed.
    pub host_architecture: HostArchitecture,
    /// Roots of certificates.
    pub anchors: Anchors,
    /// Signatures of certificates that were verified before.
    pub cache: Arc<Cache>,
    /// The archive that items are read from.
    pub archives: Archives,
    /// The budget of the item that is worked on. Every item has its own: [`verify_tree`] puts that of its tree here.
    pub budget: Arc<Budget>,
    /// The time for which the verdict is to hold; it matters where a signature names no time itself.
    pub at: UnixTime,
    /// Whether an expired certificate is a failure also where the signature has no timestamp.
    pub check_expiration: bool,
    /// What the verdict minds.
    pub flags: CodesignFlags,
    /// A detached signature for the item.
    pub detached: Option<Arc<[u8]>>,
    /// Notarization tickets that do not come with the item.
    pub tickets: Vec<SuppliedTicket>,
    /// Whether evidence holds the digest of every code page; there are 65,536 for each 256 MiB of code.
    pub keeps_page_digests: bool,
    /// True if evidence is to hold the SHA-256 digest of every executable file, which no verdict needs.
    pub keeps_file_digests: bool,
    /// Which implementation computes digests; the result is the same with all.
    pub kernel: Kernel,
    /// Whether nobody asks what is in archives: no verdict depends on it, only advice.
    pub skips_archives: bool,
    /// Whether containers are files like others, as for `codesign`. What is in them counts for nothing then.
    pub containers_are_files: bool,
    /// Whether an operand that is a file without code, and no container, is left out of the items.
    pub only_code: bool,
    /// Counters to be kept up to date.
    pub progress: Option<Arc<Progress>>,
}

/// Numbers about the work done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Regular files in the item.
    pub files: u64,
    /// Slices examined.
    pub slices: u64,
    /// Bytes of code hashed.
    pub bytes_hashed: u64,
}

/// A place that could not be read, so that nothing follows from what was not found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Path relative to the item.
    pub path: String,
    /// Why, in words.
    pub reason: String,
    /// The name of the budget that was reached, if that is the reason.
    pub limit: Option<&'static str>,
}

impl Unread {
    /// A place that this error kept from being read.
    pub(super) fn new(path: String, error: &SourceError) -> Self {
        Self {
            path,
            reason: error.reason(),
            limit: error.budget(),
        }
    }
}

/// Everything known about one item.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The operand as given.
    pub path: String,
    /// Where the item really is, links resolved: the bundle, if the operand is its main executable.
    pub root: String,
    /// The item's code objects: itself first, then nested code.
    pub code: Vec<CodeObject>,
    /// What `codesign` would answer.
    pub codesign: CodesignVerdict,
    /// What the verdict minds.
    pub flags: CodesignFlags,
    /// The time for which the verdict holds.
    pub at: UnixTime,
    /// Whether roots count as Apple's that are not.
    pub has_substituted_anchor: bool,
    /// All names in the item.
    pub listing: Arc<Listing>,
    /// Notarization tickets: those of the caller, those stapled to bundles, those in signatures.
    pub tickets: Vec<TicketEvidence>,
    /// Places that could not be read.
    pub unread: Vec<Unread>,
    /// Property lists for launchd in the item's bundles.
    pub launchd_jobs: Vec<LaunchdJob>,
    /// Archives in the item with code, or with what could not be read.
    pub archives: Vec<ArchiveEvidence>,
    /// The archive that the item lies in, if it does.
    pub container: Option<Container>,
    /// The item itself as an archive in ZIP form, if it is one without a signature and its directory can be read.
    pub as_archive: Option<Container>,
    /// The format of the item, if it is a container.
    pub format: Option<ContainerFormat>,
    /// Why the item was not opened.
    pub unopened: Option<Unopened>,
    /// Numbers about the work.
    pub statistics: Statistics,
}

impl Evidence {
    /// What the item may cost, and what it has cost so far.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.listing.budget()
    }

    /// All code, for a search through it for one of many: that is charged. Nothing where the budget is spent.
    pub(crate) fn searched(&self) -> &[CodeObject] {
        let steps = u64::try_from(self.code.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(2);
        match self.budget().step(steps) {
            Ok(()) => &self.code,
            Err(_) => &[],
        }
    }

    /// Takes the verdict back, unless a failure is proven, where the budget was spent after the item was verified.
    pub(crate) fn mind_budget(&mut self) {
        let Some(over) = self.budget().spent() else { return };
        let gaps = self.gaps();
        let Some(item) = self.code.first_mut() else { return };
        let kind = FaultKind::Budget(over);
        if item.faults.iter().all(|fault| fault.kind != kind) {
            code::push(item, kind, String::new(), None);
            self.codesign = fold(&self.code, gaps, &self.flags);
        }
    }

    /// What could not be seen.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        Gaps {
            has_container_faults: self.has_container_faults(),
            unopened: self.unopened,
            ..gaps(&self.unread, &self.listing)
        }
    }

    /// Returns true if the archive that the item is in, or that it is, can be read in more than one way, so that a Mac may get another
    /// item than the one that was judged.
    #[must_use]
    pub fn has_container_faults(&self) -> bool {
        let mut containers = self.container.iter().chain(&self.as_archive);
        containers.any(Container::has_faults)
    }

    /// Whether names below this path, or the path itself, may be missing in the listing.
    #[must_use]
    pub fn may_hide_names(&self, path: &str) -> bool {
        self.listing.may_hide_names(path)
    }

    /// Returns true if nothing is wrong with what was read, whatever the options of the verdict leave out.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let flags = CodesignFlags {
            architecture: self.flags.architecture.clone(),
            bundle_version: self.flags.bundle_version.clone(),
            ..CodesignFlags::default()
        };
        fold(&self.code, self.gaps(), &flags).valid() == Some(true)
    }

    /// Folds the evidence into the verdict, with what is known about the container.
    fn judge(&mut self) {
        self.codesign = fold(&self.code, self.gaps(), &self.flags);
    }

    /// The item's name without the folders around it.
    #[must_use]
    pub fn name(&self) -> &str {
        let root = self.root.trim_end_matches('/');
        root.rsplit_once('/').map_or(root, |(_, name)| name)
    }
}

/// Verifies one item of `items`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify_item(item: &Item, options: &Options) -> Result<Evidence, SourceError> {
    let Some(unopened) = item.unopened else {
        #[cfg(feature = "fs")]
        if let Some(tree) = &item.listed.0 {
            return verify_on_disk(&item.path, tree, options);
        }
        return verify(&item.path, options);
    };
    let mut evidence = not_opened(&item.path, unopened, options);
    if let Some((archive, _)) = options.archives.around(&item.path, &options.limits)? {
        evidence.container = Some(archive.container());
    }
    evidence.judge();
    Ok(evidence)
}

/// Verifies the code at `path`, which may lead into archives: `Acme.zip/Acme.app`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify(path: &Path, options: &Options) -> Result<Evidence, SourceError> {
    if let Some((archive, inner)) = options.archives.around(path, &options.limits)? {
        let mut tree = ArchiveTree::new(Arc::clone(&archive), &inner, &options.limits)?;
        if let Some(bundle) = main_executable::bundle_in_archive(&tree, &archive, &inner, &options.limits) {
            tree = bundle;
        }
        let format = format_of(&tree)?;
        let mut evidence = match refusal(format, options) {
            Some(unopened) => not_opened(path, unopened, options),
            None => verify_tree(&tree, options)?,
        };
        // Nothing follows from the bytes of an archive that another process was writing.
        if !tree.is_unchanged() {
            return Err(SourceError::Changed {
                path: tree.container().path,
            });
        }
        evidence.path = shown_path(path);
        evidence.container = Some(tree.container());
        evidence.format = format;
        evidence.judge();
        return Ok(evidence);
    }
    if let Some(files) = options.archives.memory() {
        let tree = MemoryTree::open(&files, path, &options.limits)?;
        let bundle = main_executable::bundle_in_memory(&tree, &files, path, &options.limits);
        let tree = bundle.as_ref().unwrap_or(&tree);
        return verify_root(path, tree, tree.full_path(tree.root()), options);
    }
    #[cfg(feature = "fs")]
    return verify_on_disk(path, &DirectoryTree::open(path, &options.limits)?, options);
    #[cfg(not(feature = "fs"))]
    Err(SourceError::NoSuchMember {
        path: shown_path(path),
    })
}

/// Verifies the code at `path`, which `tree` has listed.
#[cfg(feature = "fs")]
fn verify_on_disk(path: &Path, tree: &DirectoryTree, options: &Options) -> Result<Evidence, SourceError> {
    let bundle = main_executable::bundle_on_disk(tree, &options.limits);
    let tree = bundle.as_ref().unwrap_or(tree);
    verify_root(path, tree, shown_path(tree.base()), options)
}

/// Verifies the code at the root of `tree`, which is called `path` and really is at `root`.
fn verify_root<T: Tree>(
    path: &Path,
    tree: &T,
    root: String,
    options: &Options,
) -> Result<Evidence, SourceError> {
    let format = format_of(tree)?;
    if let Some(unopened) = refusal(format, options) {
        let mut evidence = not_opened(path, unopened, options);
        evidence.root = root;
        return Ok(evidence);
    }
    let mut evidence = verify_tree(tree, options)?;
    evidence.path = shown_path(path);
    evidence.root = root;
    evidence.format = format;
    // One with a signature of its own is a file like others.
    let is_signed = evidence.codesign.status() != Some(OsStatus::UNSIGNED);
    if format == Some(ContainerFormat::Zip) && !is_signed && !options.containers_are_files {
        let archive = options.archives.open(path, &options.limits);
        evidence.as_archive = archive.ok().map(|archive| archive.container_of_all());
    }
    evidence.judge();
    Ok(evidence)
}

/// The format of the container that the root of a tree is, if it is one. Code is never taken for a container, as for `codesign`.
fn format_of<T: Tree>(tree: &T) -> Result<Option<ContainerFormat>, SourceError> {
    let root = tree.root();
    if !tree.node(root).is_file() {
        return Ok(None);
    }
    let found = entry(tree, root);
    match found {
        Ok(Entry::Container(format)) => Ok(Some(format)),
        // Why a member cannot be unpacked is evidence.
        Ok(_) | Err(SourceError::Member { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a container of this format is not opened. Archives in ZIP form are.
fn refusal(format: Option<ContainerFormat>, options: &Options) -> Option<Unopened> {
    let format = format.filter(|format| *format != ContainerFormat::Zip)?;
    // The signature of a disk image is in the image itself, where it is not read yet.
    let is_file = options.containers_are_files && format != ContainerFormat::DiskImage;
    (!is_file).then_some(Unopened::Container(format))
}

/// The evidence about an item that is not opened: there is none but its name.
fn not_opened(path: &Path, unopened: Unopened, options: &Options) -> Evidence {
    let shown = shown_path(path);
    let name = path.file_name().unwrap_or_default();
    let gaps = Gaps {
        unopened: Some(unopened),
        ..Gaps::default()
    };
    Evidence {
        root: shown.clone(),
        path: shown,
        code: Vec::new(),
        codesign: fold(&[], gaps, &options.flags),
        flags: options.flags.clone(),
        at: options.at,
        has_substituted_anchor: options.anchors.is_substituted(),
        listing: Arc::new(Listing::of_file(name.as_encoded_bytes(), &options.limits)),
        tickets: Vec::new(),
        unread: Vec::new(),
        launchd_jobs: Vec::new(),
        archives: Vec::new(),
        container: None,
        as_archive: None,
        format: match unopened {
            Unopened::Container(format) => Some(format),
            _ => None,
        },
        unopened: Some(unopened),
        statistics: Statistics::default(),
    }
}

/// Verifies the code at the root of `tree`. An item whose budget is spent is not judged as a whole: how far its reading came
/// depends on threads, so that nothing of it is told but the budget.
///
/// # Errors
/// [`SourceError`] when the main file of the root cannot be read.
pub fn verify_tree<T: Tree + ?Sized>(tree: &T, options: &Options) -> Result<Evidence, SourceError> {
    let options = &Options {
        budget: Arc::clone(tree.budget()),
        ..options.clone()
    };
    if let Some(over) = tree.budget().spent() {
        return Ok(given_up(tree, options, over));
    }
    let before = tree.budget().cost();
    let mut gathered = gather(tree, options);
    if tree.budget().is_spent() && parallel::threads() > 1 {
        // Which of two budgets is spent first depends on threads, unless there is only one.
        drop(gathered);
        tree.budget().rewind(before);
        tree.listing().forget_tables();
        gathered = parallel::alone(|| gather(tree, options));
    }
    match tree.budget().spent() {
        Some(over) => Ok(given_up(tree, options, over)),
        None => gathered,
    }
}

/// The evidence about an item that is not judged.
fn given_up<T: Tree + ?Sized>(tree: &T, options: &Options, over: OverBudget) -> Evidence {
    let mut item = CodeObject::new(String::new(), "unreadable", Nesting::Item);
    code::push(&mut item, FaultKind::Budget(over), String::new(), None);
    let code = vec![item];
    let path = tree.full_path(tree.root());
    Evidence {
        root: path.clone(),
        path,
        codesign: fold(&code, Gaps::default(), &options.flags),
        code,
        flags: options.flags.clone(),
        at: options.at,
        has_substituted_anchor: options.anchors.is_substituted(),
        listing: Arc::clone(tree.listing()),
        unread: Vec::new(),
        tickets: Vec::new(),
        launchd_jobs: Vec::new(),
        archives: Vec::new(),
        container: None,
        as_archive: None,
        format: None,
        unopened: None,
        statistics: Statistics::default(),
    }
}

fn gather<T: Tree + ?Sized>(tree: &T, options: &Options) -> Result<Evidence, SourceError> {
    if let Some(progress) = &options.progress {
        let sizes = nodes(tree).map(|id| tree.node(id)).filter(|node| node.is_file());
        progress.expect(sizes.fold(0, |sum, node| sum.saturating_add(node.size)));
    }
    let mut tickets = TicketStore::open(tree, options);
    let context = Context {
        tree,
        options,
        tickets: &tickets,
        heads: &Heads::new(tree.len()),
        mains: &Mains::default(),
    };
    let mut code = match code::object(&context, tree.root(), Nesting::Item, 0, None) {
        // Why a member cannot be unpacked is a fact about the item, which its archive explains.
        Err(error @ (SourceError::Member { .. } | SourceError::Budget { .. })) => {
            vec![resources::unreadable(&context, tree.root(), Nesting::Item, error)]
        }
        found => found?,
    };
    let mut known: HashSet<String> = code
        .iter()
        .filter_map(|object| object.executable.clone())
        .collect();
    let mut unread: Vec<Unread> = tree.gaps().iter().map(|gap| unread_gap(tree, gap)).collect();
    let mut files = macho_files(&context, &mut unread);
    // Nothing is known about what is in a bundle of which a part of its own was not read.
    let dark: Vec<String> = code
        .iter()
        .filter(|object| is_dark(object, tree.listing()))
        .map(inside)
        .collect();
    files.retain(|file| {
        let path = tree.path(*file);
        !dark.iter().any(|folder| path.starts_with(folder.as_str()))
    });
    // Those at one depth at a time: what a bundle seals lies as deep as its executable, or deeper.
    for files in files.chunk_by(|one, other| depth(tree, *one) == depth(tree, *other)) {
        for (file, group) in found_code(&context, files, &known) {
            if known.contains(&tree.path(file)) {
                continue;
            }
            for mut object in group {
                // Its seal may name code that was found before.
                if object
                    .executable
                    .as_ref()
                    .is_some_and(|path| known.contains(path))
                {
                    continue;
                }
                known.extend(object.executable.clone());
                object.nesting = Nesting::Found;
                object.parent = Some(0);
                if is_sealed_as_data(&object) {
                    let path = object.path.clone();
                    code::push(&mut object, FaultKind::Oddity(Oddity::BundleAsData), path, None);
                }
                code.push(object);
            }
        }
    }
    if let Some(item) = code.first_mut() {
        for (path, other) in collisions(tree) {
            code::push(
                item,
                FaultKind::Oddity(Oddity::NamesCollide { other }),
                path,
                None,
            );
        }
    }
    profiles::find_misplaced(tree, &mut code);
    tickets.add_embedded(&mut code, options);
    let launchd_jobs = launchd::jobs(tree);
    unread.extend(code.iter().flat_map(unread_parts));
    unread.extend(tickets.tickets.iter().filter_map(TicketEvidence::unread));
    unread.extend(launchd_jobs.iter().filter_map(LaunchdJob::unread).cloned());
    unread.sort_by(|one, other| (&one.path, one.limit).cmp(&(&other.path, other.limit)));
    unread.dedup();
    let gaps = gaps(&unread, tree.listing());
    let codesign = fold(&code, gaps, &options.flags);
    let statistics = statistics(tree, &code);
    Ok(Evidence {
        path: tree.full_path(tree.root()),
        root: tree.full_path(tree.root()),
        code,
        codesign,
        flags: options.flags.clone(),
        at: options.at,
        has_substituted_anchor: options.anchors.is_substituted(),
        listing: Arc::clone(tree.listing()),
        unread,
        tickets: tickets.tickets,
        launchd_jobs,
        archives: if options.skips_archives {
            Vec::new()
        } else {
            archives::archives(tree, options)
        },
        container: None,
        as_archive: None,
        format: None,
        unopened: None,
        statistics,
    })
}

/// What each of these files is, in their order; those that are known already are left out. They are judged in parallel, so that
/// the seal of one may name another that was judged for nothing.
fn found_code<T: Tree + ?Sized>(
    context: &Context<'_, T>,
    files: &[NodeId],
    known: &HashSet<String>,
) -> Vec<(NodeId, Vec<CodeObject>)> {
    let judge = |file: &NodeId| {
        let tree = context.tree;
        if known.contains(&tree.path(*file)) {
            return None;
        }
        let node = bundle_of(context, *file).unwrap_or(*file);
        let group = code::object(context, node, Nesting::Found, 1, None)
            .unwrap_or_else(|error| vec![resources::unreadable(context, node, Nesting::Found, error)]);
        Some((*file, group))
    };
    parallel::map(files, 1, judge).into_iter().flatten().collect()
}

/// What could not be seen of a tree.
fn gaps(unread: &[Unread], listing: &Listing) -> Gaps {
    Gaps {
        has_unread: !unread.is_empty(),
        limit: unread.iter().find_map(|unread| unread.limit),
        has_hidden: !listing.gaps().is_empty(),
        ..Gaps::default()
    }
}

/// Number of folders between a node and the root.
fn depth<T: Tree + ?Sized>(tree: &T, node: NodeId) -> usize {
    tree.path(node).matches('/').count()
}

/// A bundle among the resources: for the seal, a folder of files.
fn is_sealed_as_data(object: &CodeObject) -> bool {
    let is_bundle = matches!(object.kind, CodeKind::Bundle(_));
    is_bundle && object.path.split('/').any(|part| part == "Resources")
}

/// Names in one folder that a case-insensitive volume takes for one; the path of each, and the name before it.
fn collisions<T: Tree + ?Sized>(tree: &T) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in nodes(tree).filter(|id| tree.node(*id).is_directory()) {
        // Names that are all in lower case differ by more.
        let is_plain = |id: &NodeId| {
            let name = &tree.node(*id).name;
            name.iter()
                .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        };
        if tree.children(directory).iter().all(is_plain) {
            continue;
        }
        let mut names: HashMap<String, NodeId> = HashMap::new();
        for child in tree.children(directory) {
            let folded = tree.node(*child).text().to_lowercase();
            if let Some(other) = names.insert(folded, *child) {
                found.push((tree.path(*child), tree.node(other).text().into_owned()));
            }
        }
    }
    found
}

fn unread_gap<T: Tree + ?Sized>(tree: &T, gap: &Gap) -> Unread {
    Unread {
        path: tree.path(gap.node),
        reason: gap.reason.to_string(),
        limit: gap.reason.budget(),
    }
}

/// Returns true if the code object is a bundle whose own files could not be read, or that was not entered.
fn is_dark(object: &CodeObject, listing: &Listing) -> bool {
    let is_unread = |fault: &Fault| fault.unread().is_some() || fault.limit().is_some();
    let is_hidden = || listing.may_hide_names(&object.path);
    object.slices.is_empty()
        && (object.faults.iter().any(is_unread) || object.faults.iter().any(Fault::is_absence) && is_hidden())
}

/// What the paths in a code object begin with.
fn inside(object: &CodeObject) -> String {
    match object.path.as_str() {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

/// What could not be read of a code object.
fn unread_parts(object: &CodeObject) -> impl Iterator<Item = Unread> {
    let profile = object.profile.as_ref().and_then(ProfileEvidence::unread);
    object.faults.iter().filter_map(Fault::unread).chain(profile)
}

fn statistics<T: Tree + ?Sized>(tree: &T, code: &[CodeObject]) -> Statistics {
    let slices = || code.iter().flat_map(|object| &object.slices);
    Statistics {
        files: nodes(tree)
            .filter(|id| tree.node(*id).is_file())
            .fold(0, |sum, _| sum.saturating_add(1)),
        slices: slices()
            .filter(|slice| slice.architecture.is_some())
            .fold(0, |sum, _| sum.saturating_add(1)),
        bytes_hashed: slices().fold(0, |sum, slice| sum.saturating_add(slice.bytes_hashed)),
    }
}

fn nodes<T: Tree + ?Sized>(tree: &T) -> impl Iterator<Item = NodeId> {
    (0..u32::try_from(tree.len()).unwrap_or(u32::MAX)).map(NodeId)
}

/// Returns true if the file at the node begins like Mach-O.
fn begins<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<bool, SourceError> {
    // There may be many, and nothing can be said about them.
    if tree.node(node).size == 0 {
        return Ok(false);
    }
    let mut head = tree.head(node, 8)?;
    if needs_macho_head(&head) {
        head = tree.head(node, MACHO_HEAD)?;
    }
    Ok(begins_as_macho(&head, tree.node(node).size))
}

/// All files that start like Mach-O, those of outer folders first, so that a bundle is met before what it seals.
fn macho_files<T: Tree + ?Sized>(context: &Context<'_, T>, unread: &mut Vec<Unread>) -> Vec<NodeId> {
    let tree = context.tree;
    if !tree.node(tree.root()).is_directory() {
        return Vec::new();
    }
    // What no seal covers was not read yet.
    let files: Vec<NodeId> = nodes(tree).filter(|id| tree.node(*id).is_file()).collect();
    let read = |node: &NodeId| match context.heads.is_macho(*node) {
        Some(known) => Ok(known),
        None => begins(tree, *node),
    };
    let begins = parallel::map(&files, HEADS_PER_TASK, read);
    let mut found = Vec::new();
    for (node, is_macho) in files.into_iter().zip(begins) {
        match is_macho {
            Ok(true) => found.push(node),
            Ok(false) => {}
            Err(error) => {
                unread.push(Unread::new(tree.path(node), &error));
            }
        }
    }
    found.sort_by_cached_key(|node| (depth(tree, *node), tree.path(*node)));
    found
}
