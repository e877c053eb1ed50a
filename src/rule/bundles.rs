//! The bundles of an item, and which of them is the innermost around a file.

use std::collections::HashMap;

use super::check::above;
use crate::source::{Listing, NodeId};
use crate::verify::{CodeKind, CodeObject, Evidence};

/// The bundles of an item by their paths and by the folders that they are.
pub(super) struct Bundles<'a> {
    listing: &'a Listing,
    by_path: HashMap<&'a str, &'a CodeObject>,
    /// For each node, the innermost bundle that it is or that it is in.
    inside: Vec<Option<&'a CodeObject>>,
}

impl<'a> Bundles<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let listing = &*evidence.listing;
        let is_bundle = |object: &&CodeObject| matches!(object.kind, CodeKind::Bundle(_));
        let bundles = evidence.code.iter().filter(is_bundle);
        let by_path: HashMap<&str, &CodeObject> =
            bundles.map(|object| (object.path.as_str(), object)).collect();
        let by_node: HashMap<NodeId, &CodeObject> = by_path
            .values()
            .filter_map(|object| Some((listing.lookup(NodeId(0), &object.path).id()?, *object)))
            .collect();
        let mut inside: Vec<Option<&CodeObject>> = Vec::with_capacity(listing.len());
        // A folder comes before what is in it, so that its own bundle is known by then.
        for id in listing.ids() {
            let around = listing
                .node(id)
                .parent
                .and_then(|parent| *inside.get(index(parent))?);
            inside.push(by_node.get(&id).copied().or(around));
        }
        // Who asks next is told that it was too much.
        let _ = listing
            .budget()
            .step(u64::try_from(listing.len()).unwrap_or(u64::MAX));
        Self {
            listing,
            by_path,
            inside,
        }
    }

    /// The innermost bundle that holds this path, which need not be in the listing.
    pub(super) fn around(&self, path: &str) -> Option<&'a CodeObject> {
        above(path).find_map(|folder| {
            self.listing.budget().scan(folder.len()).ok()?;
            self.by_path.get(folder).copied()
        })
    }

    /// The innermost bundle around a node.
    pub(super) fn around_node(&self, node: NodeId) -> Option<&'a CodeObject> {
        let folder = self.listing.node(node).parent?;
        *self.inside.get(index(folder))?
    }
}

fn index(node: NodeId) -> usize {
    usize::try_from(node.0).unwrap_or(usize::MAX)
}
