//! Holds requirements against examined code (specification 5.5, `SecStaticCode::satisfiesRequirement`).
//!
//! Before any requirement is evaluated, even `always`, macOS reads Info.plist and the entitlements; what cannot be
//! decoded there fails every requirement.

use super::{CodeObject, Designated, EntitlementsState, RequirementFault, SignatureKind, SliceEvidence};
use crate::requirement::{
    Context, DefaultRequirement, Expression, Requirement, RequirementSet, RequirementType, default_designated,
};

/// Whether a slice satisfies a requirement; `None` when that is not known here.
///
/// # Errors
/// See [`RequirementFault`].
pub fn satisfies(slice: &SliceEvidence, requirement: &Requirement) -> Result<Option<bool>, RequirementFault> {
    if slice.is_info_plist_malformed {
        return Err(RequirementFault::InfoPlist);
    }
    match slice.entitlements_state {
        EntitlementsState::DerMalformed => return Err(RequirementFault::Entitlements),
        EntitlementsState::OtherSource => return Err(RequirementFault::EntitlementsSource),
        // The code fails anyway; what it claimed is not known.
        EntitlementsState::Changed => return Ok(None),
        _ => {}
    }
    let cdhash = slice.cdhashes.last().map(|cdhash| cdhash.truncated());
    let identity = slice.identity.as_ref();
    let context = Context {
        identifier: &slice.identifier_bytes,
        cdhash: cdhash.as_ref().map(|hash| hash.as_bytes()).unwrap_or_default(),
        platform: slice.platform,
        info: slice.info_plist.as_ref(),
        entitlements: slice.entitlements.as_ref(),
        chain: identity.map(|found| found.chain.as_slice()).unwrap_or_default(),
        is_apple: identity.is_some_and(|found| found.is_apple()),
        is_notarized: slice.notarized,
        timestamp: identity
            .and_then(|found| found.timestamp.as_ref())
            .map(|timestamp| timestamp.time),
    };
    Ok(requirement.evaluate(&context)?)
}

/// Whether every signed slice of an object satisfies a requirement, as `codesign -R` asks (native observations
/// 4.3); `None` when that is not known here, or when nothing is signed.
///
/// # Errors
/// See [`RequirementFault`]; that of the first slice that has one.
pub fn every_slice_satisfies(
    object: &CodeObject,
    requirement: &Requirement,
) -> Result<Option<bool>, RequirementFault> {
    let mut result = None;
    let signed = object
        .slices
        .iter()
        .filter(|slice| slice.hash_type.is_some() && !slice.is_duplicate);
    for (index, slice) in signed.enumerate() {
        match (satisfies(slice, requirement)?, index) {
            (Some(false), _) => return Ok(Some(false)),
            (answer, 0) => result = answer,
            (None, _) => result = None,
            (Some(true), _) => {}
        }
    }
    Ok(result)
}

/// Finds and evaluates the designated requirement of every slice.
pub(super) fn designate(object: &mut CodeObject) {
    let hashes = |slice: &SliceEvidence| -> Vec<Vec<u8>> {
        let mut all: Vec<_> = slice.cdhashes.iter().collect();
        all.sort_by_key(|cdhash| cdhash.hash_type.raw());
        all.iter()
            .map(|cdhash| cdhash.truncated().as_bytes().to_vec())
            .collect()
    };
    let cdhashes: Vec<Vec<Vec<u8>>> = object.slices.iter().map(hashes).collect();
    for (index, slice) in object.slices.iter_mut().enumerate() {
        if slice.signature == SignatureKind::Unsigned {
            continue;
        }
        let set = slice.requirements.as_deref().map(RequirementSet::from_blob);
        let is_malformed = matches!(set, Some(Err(_)));
        let explicit = set
            .and_then(Result::ok)
            .and_then(|set| set.find(RequirementType::DESIGNATED).cloned());
        let is_explicit = explicit.is_some();
        let (explicit, error) = match explicit {
            Some(Ok(requirement)) => (Some(requirement), None),
            // A requirement blob of which only the kind or the length is known: nothing replaces it.
            Some(Err(error)) => {
                let expression = Expression::Malformed;
                (Some(Requirement { expression }), Some(error))
            }
            None => (None, None),
        };
        let requirement = explicit.unwrap_or_else(|| {
            // This slice's own hashes first, then those of the others in their order.
            let own = cdhashes.iter().skip(index).take(1);
            let others = cdhashes.iter().enumerate().filter(|(other, _)| *other != index);
            let cdhashes: Vec<_> = own
                .chain(others.map(|(_, hashes)| hashes))
                .flatten()
                .cloned()
                .collect();
            let identity = slice.identity.as_ref();
            default_designated(DefaultRequirement {
                identifier: &slice.identifier_bytes,
                chain: identity.map(|found| found.chain.as_slice()).unwrap_or_default(),
                is_apple: identity.is_some_and(|found| found.is_apple()),
                cdhashes: &cdhashes,
            })
        });
        let is_satisfied = match error {
            _ if is_malformed => Err(RequirementFault::Set),
            Some(error) => Err(error.into()),
            None => satisfies(slice, &requirement),
        };
        slice.designated = Some(Designated {
            requirement,
            is_explicit,
            is_satisfied,
        });
    }
}
