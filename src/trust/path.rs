//! Certification paths: from a certificate over its issuers to a root.
//!
//! RFC 5280 6.1 in Apple's way (specification 4.4): certificates of the CMS and the roots at hand; any self-signed
//! certificate ends a path. Which path is good enough is for `policy` to say. Intermediates from elsewhere (a Mac's
//! keychains, the network) are not looked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{Anchors, Certificate};
use crate::limits::{CERTIFICATE_LINKS, CERTIFICATE_PATH};

/// What a path ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// An issuer is missing.
    Missing,
    /// A self-signed certificate that nobody vouches for.
    Implicit,
    /// A root that the caller trusts.
    Trusted,
    /// A root of Apple's.
    Apple,
}

/// A path from a leaf to a root, or as far as it goes.
#[derive(Debug, Clone)]
pub struct Path {
    /// Leaf first.
    pub certificates: Vec<Arc<Certificate>>,
    /// What it ends in.
    pub root: Root,
    /// The first certificate whose signature does not verify with its issuer's key.
    pub bad_signature: Option<usize>,
}

/// SHA-256 of a certificate and of its issuer.
type Link = ([u8; 32], [u8; 32]);

/// Remembers which certificate signed which, over all code of a run.
#[derive(Debug, Default)]
pub struct Cache {
    signed: Mutex<HashMap<Link, bool>>,
}

impl Cache {
    /// Whether `issuer` signed `certificate`; computed once for each pair.
    #[must_use]
    pub fn is_signed_by(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let pair = (*certificate.sha256(), *issuer.sha256());
        // A poisoned lock only means that another thread ended early; the table is whole.
        let lock = || {
            self.signed
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        if let Some(known) = lock().get(&pair) {
            return *known;
        }
        let found = certificate.is_signed_by(issuer);
        lock().insert(pair, found);
        found
    }

    /// Number of signatures that were computed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.signed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .len()
    }

    /// Whether nothing was computed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Path {
    /// The best path from `leaf`: with sound signatures before others, then by its root, then the shorter one.
    #[must_use]
    pub fn build(
        leaf: &Arc<Certificate>,
        pool: &[Arc<Certificate>],
        anchors: &Anchors,
        cache: &Cache,
    ) -> Self {
        let mut search = Search {
            pool,
            anchors,
            cache,
            links: 0,
            best: None,
        };
        search.extend(&mut vec![Arc::clone(leaf)], None);
        search.best.unwrap_or(Self {
            certificates: vec![Arc::clone(leaf)],
            root: Root::Missing,
            bad_signature: None,
        })
    }

    /// Whether the root is Apple's and every link to it is sound.
    #[must_use]
    pub fn is_apple(&self) -> bool {
        self.root == Root::Apple && self.bad_signature.is_none()
    }
}

struct Search<'a> {
    pool: &'a [Arc<Certificate>],
    anchors: &'a Anchors,
    cache: &'a Cache,
    links: usize,
    best: Option<Path>,
}

impl Search<'_> {
    /// Goes on from the last certificate of `path`. The depth is bounded by `CERTIFICATE_PATH`.
    fn extend(&mut self, path: &mut Vec<Arc<Certificate>>, bad_signature: Option<usize>) {
        let Some(last) = path.last().cloned() else { return };
        let root = if self.anchors.is_apple(&last) {
            Root::Apple
        } else if self.anchors.is_trusted(&last) {
            Root::Trusted
        } else if last.is_self_issued() && self.cache.is_signed_by(&last, &last) {
            Root::Implicit
        } else {
            Root::Missing
        };
        let candidates = if root == Root::Missing && path.len() < CERTIFICATE_PATH {
            self.issuers(&last, path)
        } else {
            Vec::new()
        };
        if candidates.is_empty() {
            self.offer(path, root, bad_signature);
            return;
        }
        let any_sound = candidates.iter().any(|(_, is_sound)| *is_sound);
        let index = path.len().saturating_sub(1);
        for (issuer, is_sound) in candidates {
            // A link that does not verify is followed only where there is no better one.
            if !is_sound && any_sound {
                continue;
            }
            let bad = bad_signature.or((!is_sound).then_some(index));
            path.push(issuer);
            self.extend(path, bad);
            path.pop();
        }
    }

    /// Certificates with the issuer's name, those with the right key identifier first, and whether they verify.
    fn issuers(
        &mut self,
        certificate: &Certificate,
        path: &[Arc<Certificate>],
    ) -> Vec<(Arc<Certificate>, bool)> {
        let mut found: Vec<Arc<Certificate>> = Vec::new();
        for candidate in self.anchors.all().chain(self.pool) {
            let is_known =
                |list: &[Arc<Certificate>]| list.iter().any(|known| known.sha256() == candidate.sha256());
            if candidate.subject.der() == certificate.issuer.der() && !is_known(path) && !is_known(&found) {
                found.push(Arc::clone(candidate));
            }
        }
        let wanted = certificate.authority_key_identifier();
        found.sort_by_key(|candidate| wanted.is_some() && candidate.subject_key_identifier() != wanted);
        let left = CERTIFICATE_LINKS.saturating_sub(self.links);
        found.truncate(left);
        self.links = self.links.saturating_add(found.len());
        let cache = self.cache;
        found
            .into_iter()
            .map(|candidate| {
                let is_sound = cache.is_signed_by(certificate, &candidate);
                (candidate, is_sound)
            })
            .collect()
    }

    fn offer(&mut self, path: &[Arc<Certificate>], root: Root, bad_signature: Option<usize>) {
        let rank = |sound: bool, root: Root, length: usize| (sound, root, std::cmp::Reverse(length));
        let new = rank(bad_signature.is_none(), root, path.len());
        let is_better = self
            .best
            .as_ref()
            .is_none_or(|best| new > rank(best.bad_signature.is_none(), best.root, best.certificates.len()));
        if is_better {
            self.best = Some(Path {
                certificates: path.to_vec(),
                root,
                bad_signature,
            });
        }
    }
}
