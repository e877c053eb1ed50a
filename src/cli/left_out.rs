//! Items that a configuration leaves out of a run: `[[ignore]]` with `item` and without `rule`.
//!
//! A path that the command line names itself is never left out. The file in the working folder leaves nothing out where the
//! command line makes demands, since it cannot weaken them. What is left out is reported and counted; where nothing else is
//! left, nothing was judged.

use std::path::Path;

use super::complain;
use crate::report::LeftOut;
use crate::rule::Pattern;
use crate::time::UnixTime;

/// One entry of a configuration.
#[derive(Debug, Clone)]
pub(super) struct Omission {
    /// The name of the item or of a folder or archive around it, or the path below the operand of one of these.
    pub(super) item: Pattern,
    /// Why.
    pub(super) reason: String,
    /// From when on it is void.
    pub(super) expires: Option<UnixTime>,
    /// The place of the entry, such as `sealcheck.toml:12`.
    pub(super) origin: String,
}

impl Omission {
    /// Returns true if the item below this operand is meant. The operand itself never is.
    fn is_about(&self, item: &Path, operand: &Path) -> bool {
        let Ok(below) = item.strip_prefix(operand) else {
            return false;
        };
        let is_match = |path: &Path| self.item.is_match(&path.to_string_lossy());
        // Whoever leaves an archive or a folder out means what is in it.
        below.ancestors().any(|place| {
            let name = place.file_name();
            name.is_some_and(|name| is_match(Path::new(name)) || is_match(place))
        })
    }
}

/// Applies the entries of one run.
pub(super) struct Omissions<'a> {
    /// Each entry that has not ended, and whether it was used.
    entries: Vec<(&'a Omission, bool)>,
    /// What was left out so far.
    pub(super) left_out: Vec<LeftOut>,
}

impl<'a> Omissions<'a> {
    /// Begins a run at this time, and warns about entries that have ended.
    pub(super) fn begin(all: &'a [Omission], at: UnixTime) -> Self {
        let mut entries = Vec::new();
        for omission in all {
            if omission.expires.is_some_and(|end| at >= end) {
                complain(&format!(
                    "sealcheck: warning: {}: this ignore has ended and leaves nothing out; remove it",
                    omission.origin
                ));
            } else {
                entries.push((omission, false));
            }
        }
        Self {
            entries,
            left_out: Vec::new(),
        }
    }

    /// Returns true, and reports it, if the item is left out.
    pub(super) fn leaves_out(&mut self, item: &Path, operand: &Path) -> bool {
        let mut by = None;
        for (omission, is_used) in &mut self.entries {
            if omission.is_about(item, operand) {
                *is_used = true;
                by.get_or_insert(*omission);
            }
        }
        let Some(omission) = by else { return false };
        let path = item.to_string_lossy().into_owned();
        complain(&format!(
            "sealcheck: {path}: left out: {} ({})",
            omission.reason, omission.origin
        ));
        self.left_out.push(LeftOut {
            path,
            reason: omission.reason.clone(),
            origin: omission.origin.clone(),
        });
        true
    }

    /// Warns about entries that no item matched.
    pub(super) fn end(self) -> Vec<LeftOut> {
        for (omission, is_used) in &self.entries {
            if !is_used {
                complain(&format!(
                    "sealcheck: warning: {}: this ignore matches no item; remove it",
                    omission.origin
                ));
            }
        }
        self.left_out
    }
}
