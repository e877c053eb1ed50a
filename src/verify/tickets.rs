//! Finds the notarization tickets of an item, and says which code they cover together.
//!
//! Specification 9.6 and 5.4: the ticket of a bundle is registered before its code is validated
//! (`SecStaticCode::staticValidate`, `BundleDiskRep::registerStapledTicket`), and what any valid ticket lists is
//! notarized wherever it lies. Apple's published source looks at `Contents/CodeResources` only; for other layouts the
//! support directory's `CodeResources` is read here, where it begins like a ticket. That no ticket lists some code
//! proves nothing: Apple's servers may hold one.

use super::ticket_evidence::coverage;
use super::{
    CodeObject, Coverage, Options, SliceEvidence, TicketEvidence, TicketOrigin, TicketProblem, requirements,
};
use crate::bundle::Layout;
use crate::source::{NodeId, Tree};
use crate::ticket::{Record, Ticket};

/// Links followed to a ticket: the kernel's own limit.
const MAX_LINKS: usize = 32;

/// What the valid tickets at hand say together about every slice of every code object, in the order of `code`.
#[must_use]
pub fn ticket_coverage(code: &[CodeObject], tickets: &[TicketEvidence]) -> Vec<Vec<Coverage>> {
    let has_unknown = tickets.iter().any(TicketEvidence::is_unknown);
    let of_slice = |slice: &SliceEvidence| {
        coverage(slice, |_| match slice.notarized {
            Some(true) => Some(true),
            _ if has_unknown => None,
            _ => Some(false),
        })
    };
    code.iter()
        .map(|object| object.slices.iter().map(of_slice).collect())
        .collect()
}

/// The tickets of one verification, and what the valid ones among them list.
#[derive(Debug, Default)]
pub(super) struct TicketStore {
    pub(super) tickets: Vec<TicketEvidence>,
    listed: Vec<Record>,
}

impl TicketStore {
    /// The tickets that the caller has, and those stapled to bundles in `tree`.
    pub(super) fn open<T: Tree + ?Sized>(tree: &T, options: &Options) -> Self {
        let mut store = Self::default();
        for ticket in &options.tickets {
            store.tickets.push(TicketEvidence::supplied(ticket, options));
        }
        let places = stapled(tree);
        let limit = tree.limits().tickets;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        for (index, (node, root)) in places.into_iter().enumerate() {
            let read = if index < most {
                read(tree, node)
            } else {
                Err(TicketProblem::TooMany { limit })
            };
            let place = (tree.path(node), Some(tree.path(root)));
            store
                .tickets
                .push(TicketEvidence::new(TicketOrigin::Stapled, place, read, options));
            if index >= most {
                break;
            }
        }
        store.list();
        store
    }

    fn list(&mut self) {
        let valid = self.tickets.iter().filter_map(TicketEvidence::valid);
        self.listed = valid.flat_map(|ticket| &ticket.records).copied().collect();
        self.listed.sort_unstable();
        self.listed.dedup();
    }

    /// Whether a valid ticket lists the slice's chosen CodeDirectory; `None` when none does.
    pub(super) fn is_notarized(&self, slice: &SliceEvidence) -> Option<bool> {
        let cdhash = slice.cdhashes.last()?;
        let record = Record {
            hash_type: cdhash.hash_type.raw(),
            hash: cdhash.truncated().as_bytes().try_into().ok()?,
        };
        self.listed.binary_search(&record).ok().map(|_| true)
    }

    /// Adds the tickets in the signatures of Mach-O files. They are met only when code is examined, so what they list
    /// is marked behind that.
    pub(super) fn add_embedded(&mut self, code: &mut [CodeObject], options: &Options) {
        let before = self.tickets.len();
        let limit = options.limits.tickets;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        for object in code.iter() {
            let mut seen = Vec::new();
            for bytes in object.slices.iter().filter_map(|slice| slice.ticket.as_ref()) {
                // Slices of one file may hold the same ticket.
                if seen.contains(&bytes) || self.tickets.len().saturating_sub(before) > most {
                    continue;
                }
                seen.push(bytes);
                let read = match bytes {
                    _ if self.tickets.len().saturating_sub(before) == most => {
                        Err(TicketProblem::TooMany { limit })
                    }
                    Ok(bytes) => Ticket::parse(bytes).map_err(TicketProblem::Format),
                    Err(error) => Err(TicketProblem::Wrapper(*error)),
                };
                let place = (object.main_path(), Some(object.path.clone()));
                self.tickets
                    .push(TicketEvidence::new(TicketOrigin::Embedded, place, read, options));
            }
        }
        if self.tickets.len() == before {
            return;
        }
        self.list();
        for object in code {
            let mut is_changed = false;
            for slice in &mut object.slices {
                let notarized = self.is_notarized(slice);
                is_changed |= notarized != slice.notarized;
                slice.notarized = notarized;
            }
            if is_changed {
                requirements::designate(object);
            }
        }
    }
}

fn read<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Result<Ticket, TicketProblem> {
    let bytes = tree
        .small(node, tree.limits().ticket)
        .map_err(|error| TicketProblem::Unreadable(error.named("ticket")))?;
    Ticket::parse(&bytes).map_err(TicketProblem::Format)
}

/// Every file that may be a stapled ticket with its bundle, those of outer bundles first.
fn stapled<T: Tree + ?Sized>(tree: &T) -> Vec<(NodeId, NodeId)> {
    let nodes = (0..u32::try_from(tree.len()).unwrap_or(u32::MAX)).map(NodeId);
    let mut found: Vec<_> = nodes
        .filter(|node| tree.node(*node).name.eq_ignore_ascii_case(b"CodeResources"))
        .filter_map(|node| Some((ticket_file(tree, node)?, bundle_of(tree, node)?)))
        .collect();
    found.sort_by_cached_key(|(node, _)| {
        let path = tree.path(*node);
        (path.matches('/').count(), path)
    });
    found
}

/// The file itself, or what its link leads to. Old bundles have a link to their seal here, and bundles without
/// `Contents` the seal itself; neither is a ticket.
fn ticket_file<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Option<NodeId> {
    let facts = tree.node(node);
    let parent = facts.parent?;
    let file = if facts.is_symlink() {
        tree.resolve(parent, &facts.text(), MAX_LINKS).ok()?
    } else {
        node
    };
    let begins_like_one = || tree.head(file, 4).is_ok_and(|head| Ticket::is_ticket(&head));
    let is_certain = !facts.is_symlink() && tree.node(parent).text() == "Contents";
    (tree.node(file).is_file() && (is_certain || begins_like_one())).then_some(file)
}

/// The bundle whose support directory holds `node`.
fn bundle_of<T: Tree + ?Sized>(tree: &T, node: NodeId) -> Option<NodeId> {
    let support = tree.node(node).parent?;
    let above = tree.node(support).parent;
    let name = tree.node(support).text();
    let is_version = above.is_some_and(|above| tree.node(above).text() == "Versions");
    let outer = match name.as_ref() {
        "_CodeSignature" => return None,
        "Contents" | "Support Files" => above,
        _ if is_version => above.and_then(|versions| tree.node(versions).parent),
        _ => None,
    };
    // A version that is not the current one is a bundle by itself.
    outer
        .into_iter()
        .chain([support])
        .find(|root| Layout::open(tree, *root, None).is_ok_and(|layout| layout.support == support))
}
