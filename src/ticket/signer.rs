//! Who signed a ticket, and whether that is Apple's notary service.
//!
//! Specification 9.6: ECDSA on P-256 with SHA-256 over all bytes in front of the signature; leaf and intermediate carry
//! markers of Apple's; the chain ends in a root of Apple's and is judged at the time of the ticket, never now: leaves
//! live 13 months, tickets forever. Revocation is not known.

use std::sync::Arc;

use thiserror::Error;

use super::Ticket;
use crate::trust::{
    Anchors, Cache, Certificate, MessageDigest, Path, PathFault, PathProblem, Purpose, Root,
    SignatureAlgorithm, oid,
};

/// Why a ticket does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TicketFault {
    /// The signature does not verify: ticket and signature do not belong together.
    #[error("the signature does not verify with the key of \"{subject}\"")]
    Signature {
        /// The leaf's name.
        subject: String,
    },
    /// The chain does not lead to Apple, whatever names it has.
    #[error("the certificate \"{subject}\" was not issued by a root of Apple's")]
    NotApple {
        /// The last certificate of the chain.
        subject: String,
    },
    /// The leaf was not issued for tickets.
    #[error(
        "the certificate \"{subject}\" was not issued for notarization tickets (no {})",
        oid::TICKET_SIGNING
    )]
    NotForTickets {
        /// The leaf's name.
        subject: String,
    },
    /// The leaf's issuer is not the authority that issues certificates for tickets.
    #[error(
        "the certificate \"{subject}\" is not from the authority for tickets (no {} in its issuer)",
        oid::SYSTEM_INTEGRATION_CA
    )]
    Issuer {
        /// The leaf's name.
        subject: String,
    },
    /// A certificate of the chain is at fault.
    #[error("{0}")]
    Path(#[from] PathFault),
}

/// Who signed a ticket, with everything that is wrong about it.
#[derive(Debug, Clone)]
pub struct TicketSigner {
    /// The chain, leaf first, with the root where it is at hand.
    pub chain: Vec<Arc<Certificate>>,
    /// What the chain ends in.
    pub root: Root,
    /// What is wrong; the certificates first.
    pub faults: Vec<TicketFault>,
}

impl TicketSigner {
    /// Whether Apple's notary service signed the ticket.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Ticket {
    /// Verifies the signature and the chain, at the time of the ticket.
    #[must_use]
    pub fn verify(&self, anchors: &Anchors, cache: &Cache) -> TicketSigner {
        // The reader lets no ticket through that has no certificate.
        let Some(leaf) = self.certificates.first() else {
            return TicketSigner {
                chain: Vec::new(),
                root: Root::Missing,
                faults: vec![TicketFault::NotApple {
                    subject: String::new(),
                }],
            };
        };
        let path = Path::build(leaf, &self.certificates, anchors, cache);
        let mut faults = Vec::new();
        let subject = || leaf.summary().to_owned();
        let path_fault = path.fault(Purpose::TicketSigning, self.time);
        faults.extend(
            path_fault
                .filter(|fault| fault.problem != PathProblem::NotTrusted)
                .map(TicketFault::Path),
        );
        if path.bad_signature.is_none() && path.root != Root::Apple {
            let last = path.certificates.last().unwrap_or(leaf);
            let subject = last.summary().to_owned();
            faults.push(TicketFault::NotApple { subject });
        }
        if !leaf.has_extension(oid::TICKET_SIGNING) {
            faults.push(TicketFault::NotForTickets { subject: subject() });
        }
        let issuer = path.certificates.get(1);
        if !issuer.is_some_and(|issuer| issuer.has_extension(oid::SYSTEM_INTEGRATION_CA)) {
            faults.push(TicketFault::Issuer { subject: subject() });
        }
        if !self.is_signed_by(leaf) {
            faults.push(TicketFault::Signature { subject: subject() });
        }
        TicketSigner {
            chain: path.certificates,
            root: path.root,
            faults,
        }
    }

    fn is_signed_by(&self, leaf: &Certificate) -> bool {
        let digest = MessageDigest::Sha256;
        let algorithm = SignatureAlgorithm {
            is_rsa: false,
            digest: Some(digest),
        };
        // Other curves were never seen, and the space for the signature is made for this one.
        leaf.key.as_ref().is_some_and(|key| {
            key.is_p256()
                && key.verifies(
                    algorithm,
                    digest,
                    &digest.of(self.signed_bytes()),
                    self.signature(),
                )
        })
    }
}
