//! Verifies and surveys one item.

use super::facts::{Survey, survey};
use crate::source::{SourceError, Tree};
use crate::subject::Item;
use crate::verify::{self, Evidence, Options, given_up, verify_tree};

/// Verifies and surveys the code at the root of `tree`. Of an item whose budget is spent, nothing is known but that.
///
/// # Errors
/// As [`verify_tree`].
pub fn examine_tree<T: Tree + ?Sized>(
    tree: &T,
    options: &Options,
) -> Result<(Evidence, Survey), SourceError> {
    let mut evidence = verify_tree(tree, options)?;
    if tree.budget().is_spent() {
        return Ok((evidence, Survey::default()));
    }
    let found = survey(tree, &evidence, &options.limits);
    if let Some(over) = tree.budget().spent() {
        return Ok((given_up(tree, options, over), Survey::default()));
    }
    evidence.add_unread(found.unread());
    Ok((evidence, found))
}

/// Verifies and surveys one item.
///
/// # Errors
/// As [`verify`](crate::verify::verify).
pub fn examine_item(item: &Item, options: &Options) -> Result<(Evidence, Survey), SourceError> {
    let mut survey = Survey::default();
    let evidence = verify::examine_item(item, options, &mut |tree, options| {
        let (evidence, found) = examine_tree(tree, options)?;
        survey = found;
        Ok(evidence)
    })?;
    Ok((evidence, survey))
}
