//! Which implementation computes digests of many messages: chosen by what the processor has, or by the caller.
//!
//! All give the same digests. On other processors than x86-64 there is the portable one only: `sha1` and `sha2` use
//! the SHA instructions of AArch64 themselves, and several messages at once there are not measured.

use super::{Digest, HashType};

#[cfg(target_arch = "x86_64")]
use super::{
    lanes::{self, SHA1, SHA256},
    x86::{Avx512, ShaNi},
};

/// Messages left for which sixteen lanes of SHA-256 are still faster than one after the other.
#[cfg(target_arch = "x86_64")]
const ENOUGH_SHA256: usize = 7;
/// The same for SHA-1.
#[cfg(target_arch = "x86_64")]
const ENOUGH_SHA1: usize = 5;

/// An implementation by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KernelName {
    /// The fastest that this processor has.
    #[default]
    Auto,
    /// The crates `sha1` and `sha2`, one message at a time.
    Portable,
    /// Two messages at once with the SHA extensions of x86-64.
    ShaNi,
    /// Sixteen messages at once with AVX-512.
    Avx512,
}

/// An implementation that this processor can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Inner);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Portable,
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNi),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Default for Kernel {
    fn default() -> Self {
        [KernelName::Avx512, KernelName::ShaNi]
            .into_iter()
            .find_map(Self::new)
            .unwrap_or(Self(Inner::Portable))
    }
}

impl Kernel {
    /// The implementation of this name, or `None` where the processor has not got its instructions.
    #[must_use]
    pub fn new(name: KernelName) -> Option<Self> {
        match name {
            KernelName::Auto => Some(Self::default()),
            KernelName::Portable => Some(Self(Inner::Portable)),
            #[cfg(target_arch = "x86_64")]
            KernelName::ShaNi => ShaNi::detect().map(Inner::ShaNi).map(Self),
            #[cfg(target_arch = "x86_64")]
            KernelName::Avx512 => Avx512::detect().map(Inner::Avx512).map(Self),
            #[cfg(not(target_arch = "x86_64"))]
            KernelName::ShaNi | KernelName::Avx512 => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> KernelName {
        match self.0 {
            Inner::Portable => KernelName::Portable,
            #[cfg(target_arch = "x86_64")]
            Inner::ShaNi(_) => KernelName::ShaNi,
            #[cfg(target_arch = "x86_64")]
            Inner::Avx512(_) => KernelName::Avx512,
        }
    }

    /// How many messages are worked on at once: fewer than that do not use all of it.
    #[must_use]
    pub fn width(self) -> usize {
        match self.0 {
            Inner::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Inner::ShaNi(_) => 2,
            #[cfg(target_arch = "x86_64")]
            Inner::Avx512(_) => 16,
        }
    }

    /// Returns the digests of independent messages, in their order. Messages of like length next to each other are fastest.
    #[must_use]
    pub fn digests(self, hash_type: HashType, messages: &[&[u8]]) -> Vec<Digest> {
        let Some(mut digests) = self.in_lanes(hash_type, messages) else {
            return messages.iter().map(|message| hash_type.digest(message)).collect();
        };
        if hash_type == HashType::Sha256Truncated {
            for digest in &mut digests {
                *digest = digest.truncated();
            }
        }
        digests
    }

    /// Returns the digests before truncation, or `None` where no implementation works on several messages at once.
    #[cfg(target_arch = "x86_64")]
    fn in_lanes(self, hash_type: HashType, messages: &[&[u8]]) -> Option<Vec<Digest>> {
        match (hash_type, self.0) {
            (HashType::Sha1, Inner::ShaNi(kernel)) => {
                Some(lanes::digests(&SHA1, 2, messages, |states, blocks| {
                    kernel.sha1(states, blocks)
                }))
            }
            (HashType::Sha1, Inner::Avx512(kernel)) => {
                Some(lanes::digests(&SHA1, ENOUGH_SHA1, messages, |states, blocks| {
                    kernel.sha1(states, blocks);
                }))
            }
            (HashType::Sha256 | HashType::Sha256Truncated, Inner::ShaNi(kernel)) => {
                Some(lanes::digests(&SHA256, 2, messages, |states, blocks| {
                    kernel.sha256(states, blocks)
                }))
            }
            (HashType::Sha256 | HashType::Sha256Truncated, Inner::Avx512(kernel)) => Some(lanes::digests(
                &SHA256,
                ENOUGH_SHA256,
                messages,
                |states, blocks| {
                    kernel.sha256(states, blocks);
                },
            )),
            _ => None,
        }
    }

    /// Returns `None`: no implementation for this processor works on several messages at once.
    #[cfg(not(target_arch = "x86_64"))]
    fn in_lanes(self, _hash_type: HashType, _messages: &[&[u8]]) -> Option<Vec<Digest>> {
        None
    }
}
