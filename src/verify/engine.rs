//! Opens what an operand or an item stands for, and examines it.

use std::path::Path;
use std::sync::Arc;

use super::item_entry::{Entry, entry};
use super::{Evidence, Item, Options, OsStatus, Unopened, main_executable, verify_tree};
use crate::archive::ContainerFormat;
#[cfg(feature = "fs")]
use crate::source::DirectoryTree;
use crate::source::{ArchiveTree, Listing, MemoryTree, SourceError, Tree, shown_path};
use crate::timing::Phase;

/// What is done with the tree of an item when it is open: [`verify_tree`], or more.
pub type Examine<'e> = &'e mut dyn FnMut(&dyn Tree, &Options) -> Result<Evidence, SourceError>;

/// Verifies one item of `items`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify_item(item: &Item, options: &Options) -> Result<Evidence, SourceError> {
    examine_item(item, options, &mut |tree, options| verify_tree(tree, options))
}

/// Opens one item of `items` and examines its tree.
///
/// # Errors
/// As [`verify_item`], and those of `examine`.
pub fn examine_item(item: &Item, options: &Options, examine: Examine<'_>) -> Result<Evidence, SourceError> {
    let Some(unopened) = item.unopened else {
        #[cfg(feature = "fs")]
        if let Some(tree) = &item.listed.0 {
            return examine_on_disk(&item.path, tree, options, examine);
        }
        return examine_path(&item.path, options, examine);
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
    examine_path(path, options, &mut |tree, options| verify_tree(tree, options))
}

/// Opens the code at `path` and examines its tree.
fn examine_path(path: &Path, options: &Options, examine: Examine<'_>) -> Result<Evidence, SourceError> {
    let around = options.measure(Phase::Listing, || options.archives.around(path, &options.limits));
    if let Some((archive, inner)) = around? {
        let open = |inner: &Path| {
            let list = || ArchiveTree::new(Arc::clone(&archive), inner, &options.limits);
            options.measure(Phase::Listing, list)
        };
        let tree = open(&inner)?;
        let tree = main_executable::bundle_around(&tree, &inner, open).unwrap_or(tree);
        let format = format_of(&tree)?;
        let mut evidence = match refusal(format, options) {
            Some(unopened) => not_opened(path, unopened, options),
            None => examine(&tree, options)?,
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
        let list = |path: &Path| MemoryTree::open(&files, path, &options.limits);
        let open = |path: &Path| options.measure(Phase::Listing, || list(path));
        let tree = open(path)?;
        let tree = main_executable::bundle_around(&tree, path, open).unwrap_or(tree);
        return examine_root(path, &tree, tree.full_path(tree.root()), options, examine);
    }
    #[cfg(feature = "fs")]
    {
        let list = || DirectoryTree::open(path, &options.limits);
        let tree = options.measure(Phase::Listing, list)?;
        examine_on_disk(path, &tree, options, examine)
    }
    #[cfg(not(feature = "fs"))]
    Err(SourceError::NoSuchMember {
        path: shown_path(path),
    })
}

/// Examines the code at `path`, which `tree` has listed.
#[cfg(feature = "fs")]
fn examine_on_disk(
    path: &Path,
    tree: &DirectoryTree,
    options: &Options,
    examine: Examine<'_>,
) -> Result<Evidence, SourceError> {
    let list = |folder: &Path| DirectoryTree::open(folder, &options.limits);
    let open = |folder: &Path| options.measure(Phase::Listing, || list(folder));
    let bundle = main_executable::may_be_in_bundle(tree.base())
        .then(|| main_executable::bundle_around(tree, tree.base(), open));
    let bundle = bundle.flatten();
    let tree = bundle.as_ref().unwrap_or(tree);
    examine_root(path, tree, shown_path(tree.base()), options, examine)
}

/// Examines the code at the root of `tree`, which is called `path` and really is at `root`.
fn examine_root<T: Tree>(
    path: &Path,
    tree: &T,
    root: String,
    options: &Options,
    examine: Examine<'_>,
) -> Result<Evidence, SourceError> {
    let format = format_of(tree)?;
    if let Some(unopened) = refusal(format, options) {
        let mut evidence = not_opened(path, unopened, options);
        evidence.root = root;
        return Ok(evidence);
    }
    let mut evidence = examine(tree, options)?;
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
    let listing = Arc::new(Listing::of_file(name.as_encoded_bytes(), &options.limits));
    let mut evidence = Evidence::of_code(shown, Vec::new(), listing, options);
    evidence.unopened = Some(unopened);
    if let Unopened::Container(format) = unopened {
        evidence.format = Some(format);
    }
    evidence.judge();
    evidence
}
