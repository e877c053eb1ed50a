//! Finds and verifies the notarization tickets of an item, and says which code they cover.
//!
//! Specification 9.6 and 5.4: the ticket of a bundle is registered before its code is validated
//! (`SecStaticCode::staticValidate`, `BundleDiskRep::registerStapledTicket`), and what any valid ticket lists is
//! notarized wherever it lies. Apple's published source looks at `Contents/CodeResources` only; for other layouts the
//! support directory's `CodeResources` is read here, where it begins like a ticket. That no ticket lists some code
//! proves nothing: Apple's servers may hold one.

use std::sync::Arc;

use thiserror::Error;

use super::{CodeObject, Options, SliceEvidence, requirements};
use crate::blob::BlobError;
use crate::bundle::Layout;
use crate::source::Unread;
use crate::source::{NodeId, SourceError, Tree};
use crate::ticket::{Record, Ticket, TicketError, TicketFault, TicketSigner};
use crate::trust::CertificateKind;

/// Links followed to a ticket: the kernel's own limit.
const MAX_LINKS: usize = 32;

/// A ticket that does not come with the item.
#[derive(Debug, Clone)]
pub struct SuppliedTicket {
    /// How the caller calls it.
    pub path: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// Where a ticket comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketOrigin {
    /// The file `CodeResources` of a bundle.
    Stapled,
    /// Slot 0x10002 of a Mach-O file's own signature.
    Embedded,
    /// The caller.
    Supplied,
}

impl TicketOrigin {
    /// The word in every output format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stapled => "stapled",
            Self::Embedded => "embedded",
            Self::Supplied => "supplied",
        }
    }
}

/// Why there is no ticket to verify.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TicketProblem {
    /// It cannot be read.
    #[error("the ticket {}", .0.reason())]
    Unreadable(SourceError),
    /// It is not wrapped as it must be.
    #[error("the ticket in the signature: {0}")]
    Wrapper(#[from] BlobError),
    /// It is no ticket, or one of a kind that is not known.
    #[error("{0}")]
    Format(#[from] TicketError),
    /// More tickets than the budget.
    #[error("more than {limit} tickets: this one and those after it were not read (tickets)")]
    TooMany {
        /// The budget.
        limit: u64,
    },
}

/// What a ticket says about one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// It lists the slice.
    Covered,
    /// It does not list the slice.
    NotCovered,
    /// Whether it does is not known here.
    CannotJudge,
    /// The slice needs no ticket: Apple signed it.
    NotNeeded,
    /// The slice is not signed, so there is nothing to list.
    Unsigned,
}

impl Coverage {
    /// The word in every output format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::NotCovered => "not-covered",
            Self::CannotJudge => "cannot-judge",
            Self::NotNeeded => "not-needed",
            Self::Unsigned => "unsigned",
        }
    }
}

/// One ticket and what is known about it.
#[derive(Debug, Clone)]
pub struct TicketEvidence {
    /// Where it comes from.
    pub origin: TicketOrigin,
    /// Path of the file that holds it, relative to the item; of a supplied one, as the caller calls it.
    pub path: String,
    /// Path of the bundle or Mach-O file that it is attached to, relative to the item; `None` for a supplied one.
    pub owner: Option<String>,
    /// The ticket itself.
    pub ticket: Result<Ticket, TicketProblem>,
    /// Who signed it.
    pub signer: Option<TicketSigner>,
}

impl TicketEvidence {
    /// A ticket that the caller has.
    #[must_use]
    pub fn supplied(ticket: &SuppliedTicket, options: &Options) -> Self {
        let read = Ticket::parse(&ticket.bytes).map_err(TicketProblem::Format);
        Self::new(TicketOrigin::Supplied, (ticket.path.clone(), None), read, options)
    }

    fn new(
        origin: TicketOrigin,
        (path, owner): (String, Option<String>),
        ticket: Result<Ticket, TicketProblem>,
        options: &Options,
    ) -> Self {
        let verify = |ticket: &Ticket| ticket.verify(&options.anchors, &options.cache);
        let signer = ticket.as_ref().ok().map(verify);
        Self {
            origin,
            path,
            owner,
            ticket,
            signer,
        }
    }

    /// The ticket, if Apple's notary service signed it.
    #[must_use]
    pub fn valid(&self) -> Option<&Ticket> {
        let signer = self.signer.as_ref()?;
        self.ticket.as_ref().ok().filter(|_| signer.is_valid())
    }

    /// The ticket as a place that could not be read, if it is one.
    pub(super) fn unread(&self) -> Option<Unread> {
        match &self.ticket {
            Err(TicketProblem::Unreadable(error)) => Some(Unread::new(self.path.clone(), error)),
            Err(problem @ TicketProblem::TooMany { .. }) => Some(Unread {
                path: self.path.clone(),
                reason: problem.to_string(),
                limit: Some("tickets"),
            }),
            Ok(_) | Err(TicketProblem::Wrapper(_) | TicketProblem::Format(_)) => None,
        }
    }

    /// What is wrong with the signature or its certificates.
    #[must_use]
    pub fn faults(&self) -> &[TicketFault] {
        self.signer
            .as_ref()
            .map(|signer| signer.faults.as_slice())
            .unwrap_or_default()
    }

    /// Whether it may be a good ticket that merely cannot be read here.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match &self.ticket {
            Ok(ticket) => self.valid().is_some() && ticket.has_unknown_hash_type(),
            Err(TicketProblem::Format(error)) => error.is_unknown_kind(),
            Err(TicketProblem::Unreadable(_) | TicketProblem::TooMany { .. }) => true,
            Err(TicketProblem::Wrapper(_)) => false,
        }
    }

    /// What it lists, whether it is valid or not.
    #[must_use]
    pub fn coverage(&self, slice: &SliceEvidence) -> Coverage {
        coverage(slice, |cdhash| match &self.ticket {
            Ok(ticket) => ticket.covers(cdhash.truncated().as_bytes(), cdhash.hash_type),
            Err(_) if self.is_unknown() => None,
            Err(_) => Some(false),
        })
    }
}

fn coverage(slice: &SliceEvidence, is_listed: impl Fn(&crate::codedir::CdHash) -> Option<bool>) -> Coverage {
    let kind = slice.identity.as_ref().map(|identity| identity.kind);
    // Gatekeeper's rules for these ask for no ticket (specification 9.2).
    let is_by_apple = matches!(
        kind,
        Some(CertificateKind::AppleSoftware | CertificateKind::MacAppStore | CertificateKind::TestFlight)
    );
    match slice.cdhashes.last() {
        None => Coverage::Unsigned,
        Some(cdhash) => match is_listed(cdhash) {
            Some(true) => Coverage::Covered,
            _ if is_by_apple => Coverage::NotNeeded,
            Some(false) => Coverage::NotCovered,
            None => Coverage::CannotJudge,
        },
    }
}

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
