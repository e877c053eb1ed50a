//! Opens an item, and examines it.

use std::path::Path;
use std::sync::Arc;

use super::{Evidence, Options, OsStatus, verify_tree};
use crate::container::{self, ContainerFormat};
use crate::source::{Listing, SourceError, Tree, shown_path};
use crate::subject::{Item, Unopened, format_of};
use crate::timing::Phase;

/// What is done with the tree of an item when it is open: [`verify_tree`], or more.
pub type Examine<'e> = &'e mut dyn FnMut(&dyn Tree, &Options) -> Result<Evidence, SourceError>;

/// Verifies one item.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify(item: &Item, options: &Options) -> Result<Evidence, SourceError> {
    examine_item(item, options, &mut |tree, options| verify_tree(tree, options))
}

/// Verifies the code at a path on disk, which may lead into archives: `Acme.zip/Acme.app`.
///
/// # Errors
/// [`SourceError`] when it cannot be read. Every defect of the code itself is evidence, not an error.
pub fn verify_at(path: &Path, options: &Options) -> Result<Evidence, SourceError> {
    verify(&Item::at(path), options)
}

/// Opens one item and examines its tree.
///
/// # Errors
/// As [`verify`], and those of `examine`.
pub fn examine_item(item: &Item, options: &Options, examine: Examine<'_>) -> Result<Evidence, SourceError> {
    let limits = &options.limits;
    if let Some(unopened) = item.unopened {
        let mut evidence = not_opened(&item.path, unopened, options);
        evidence.container = item.container(limits)?;
        evidence.judge();
        return Ok(evidence);
    }
    let tree = options.measure(Phase::Listing, || item.tree(limits))?;
    let format = format_of(&*tree)?;
    let mut evidence = match refusal(format, options) {
        Some(unopened) => not_opened(&item.path, unopened, options),
        None => examine(&*tree, options)?,
    };
    evidence.container = tree.container();
    // Nothing follows from the bytes of an archive that another process was writing.
    if !tree.is_unchanged() {
        let container = evidence.container.take();
        let path = container.map_or_else(|| shown_path(&item.path), |container| container.path);
        return Err(SourceError::Changed { path });
    }
    evidence.path = shown_path(&item.path);
    evidence.root = shown_path(&tree.place());
    evidence.format = format;
    // One with a signature of its own is a file like others.
    let is_signed = evidence.codesign.status() != Some(OsStatus::UNSIGNED);
    if let Some(format) = format.filter(|format| container::is_opened(*format))
        && evidence.container.is_none()
        && !is_signed
        && !options.containers_are_files
    {
        evidence.as_archive = item.as_container(format, limits).ok();
    }
    evidence.judge();
    Ok(evidence)
}

/// Why a container of this format is not opened, if it is not.
fn refusal(format: Option<ContainerFormat>, options: &Options) -> Option<Unopened> {
    let format = format.filter(|format| !container::is_opened(*format))?;
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
