//! Reads the property lists from which apps register agents and daemons (`SMAppService`, launchd.plist(5)).
//!
//! They lie in `Library/LaunchAgents` and `Library/LaunchDaemons` of a bundle's `Contents`. Lists that a program writes
//! at run time, or copies from elsewhere, are not looked for.

use crate::limits::{LAUNCHD_LIST, LAUNCHD_LISTS};
use crate::plist::{self, Dictionary, Form, Value};
use crate::source::Unread;
use crate::source::{NodeId, Tree};

/// A property list for launchd.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchdJob {
    /// Path relative to the item.
    pub path: String,
    /// Path of the bundle that it is in; empty for the item.
    pub bundle: String,
    /// Whether it is for a daemon, which runs as root and outside of any login.
    pub is_daemon: bool,
    /// What it says, or why that is not known; `Ok(None)` for a file that is not a property list with a dictionary.
    pub list: Result<Option<Dictionary>, Unread>,
}

impl LaunchdJob {
    /// The list as a place that was not read, where a budget was reached. Whether a file can be read is asked elsewhere.
    pub(super) fn unread(&self) -> Option<&Unread> {
        self.list.as_ref().err().filter(|unread| unread.limit.is_some())
    }
}

/// All lists of an item, in the order of the listing.
pub(super) fn jobs<T: Tree + ?Sized>(tree: &T) -> Vec<LaunchdJob> {
    let listing = tree.listing();
    let files = listing.ids().filter(|id| {
        let node = tree.node(*id);
        node.is_file() && node.name.ends_with(b".plist")
    });
    files
        .filter_map(|node| {
            let (bundle, is_daemon) = place(&tree.path(node))?;
            Some((node, bundle, is_daemon))
        })
        // The first one over the limit says so.
        .take(LAUNCHD_LISTS.saturating_add(1))
        .enumerate()
        .map(|(index, (node, bundle, is_daemon))| LaunchdJob {
            path: tree.path(node),
            bundle,
            is_daemon,
            list: if index < LAUNCHD_LISTS {
                read(tree, node)
            } else {
                Err(Unread {
                    path: tree.path(node),
                    reason: format!("the item has more than {LAUNCHD_LISTS} lists for launchd"),
                    limit: Some("launchd-lists"),
                })
            },
        })
        .collect()
}

fn read<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<Option<Dictionary>, Unread> {
    let unread = |reason: String, limit| Unread {
        path: tree.path(node),
        reason,
        limit,
    };
    let bytes = tree
        .small(node, LAUNCHD_LIST)
        .map_err(|error| Unread::new(tree.path(node), &error.named("launchd-list")))?;
    let is_old_style = matches!(plist::form(&bytes), Ok(Form::OldStyle(_)));
    match plist::parse_within(&bytes, tree.limits(), tree.budget()) {
        Ok(Value::Dictionary(_)) if is_old_style => {
            let reason = "it is in the OpenStep form, and whether launchd reads that is not known";
            Err(unread(reason.to_owned(), None))
        }
        Ok(Value::Dictionary(entries)) => Ok(Some(entries)),
        Err(error) if error.is_limit() => Err(unread(format!("it is not read: {error}"), error.budget())),
        _ => Ok(None),
    }
}

/// The bundle, and whether the folder is the one for daemons.
fn place(path: &str) -> Option<(String, bool)> {
    let (folder, name) = path.rsplit_once('/')?;
    let (outer, is_daemon) = match folder.rsplit_once('/')? {
        (outer, "LaunchAgents") => (outer, false),
        (outer, "LaunchDaemons") => (outer, true),
        _ => return None,
    };
    let bundle = match outer.strip_suffix("Contents/Library")? {
        "" => "",
        bundle => bundle.strip_suffix('/')?,
    };
    // Files for attributes are no lists.
    (!name.starts_with("._")).then(|| (bundle.to_owned(), is_daemon))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places() {
        let found = |bundle: &str, is_daemon| Some((bundle.to_owned(), is_daemon));
        assert_eq!(place("Contents/Library/LaunchAgents/a.plist"), found("", false));
        assert_eq!(
            place("Contents/Library/LoginItems/B.app/Contents/Library/LaunchDaemons/a.plist"),
            found("Contents/Library/LoginItems/B.app", true)
        );
        for path in [
            "a.plist",
            "LaunchAgents/a.plist",
            "Library/LaunchAgents/a.plist",
            "Contents/Resources/LaunchAgents/a.plist",
            "xContents/Library/LaunchAgents/a.plist",
            "Contents/Library/LaunchAgents/B.app/Info.plist",
            "Contents/Library/LaunchAgents/._a.plist",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
