//! One notarization ticket: where it comes from, who signed it, which code it lists.

use thiserror::Error;

use super::{Options, SliceEvidence, SuppliedTicket};
use crate::blob::BlobError;
use crate::source::{SourceError, Unread};
use crate::ticket::{Ticket, TicketError, TicketFault, TicketSigner};
use crate::trust::CertificateKind;

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

    pub(super) fn new(
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

/// What a ticket says about a slice, if it is known whether it lists an identity.
pub(super) fn coverage(
    slice: &SliceEvidence,
    is_listed: impl Fn(&crate::codedir::CdHash) -> Option<bool>,
) -> Coverage {
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
