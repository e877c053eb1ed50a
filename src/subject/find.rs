//! Finds the items of an operand.

use std::path::Path;

use super::item::Item;
use super::items::{Items, Search};
use super::origin::Origin;
use super::walk::Walk;
use crate::source::SourceError;

impl Origin {
    /// Looks for the items that the operand at `path` stands for. An operand in which there are none stands for itself.
    ///
    /// # Errors
    /// [`SourceError`] where the operand cannot be read.
    pub fn items(&self, path: &Path, search: &Search<'_>) -> Result<Items, SourceError> {
        let mut walk = Walk::new(self, search);
        let container = self.around(path, search.limits)?;
        let tree = self.open_at(path, container.as_ref(), search.limits)?;
        walk.operand(&*tree, path, container.as_ref())?;
        let mut found = walk.end();
        if let [only] = found.items.as_mut_slice()
            && only.path == path
            && only.unopened.is_none()
            && container.is_none()
        {
            // It may have a million names.
            only.listed = Some(tree);
        }
        let is_skipped = search.only_code && found.skipped.count > 0;
        if found.items.is_empty() && found.unread.is_empty() && !is_skipped {
            found
                .items
                .push(Item::new(self, path.to_owned(), container, None));
        }
        Ok(found)
    }
}
