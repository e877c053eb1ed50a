//! The designated requirement of code that does not bring one (specification 5.8, `DRMaker`).

use std::sync::Arc;

use super::Requirement;
use super::expression::{Expression, Match};
use crate::trust::{Certificate, oid};

/// What a default requirement is made from.
#[derive(Debug, Clone, Copy)]
pub struct DefaultRequirement<'a> {
    /// Identifier of the chosen CodeDirectory.
    pub identifier: &'a [u8],
    /// Certificates, leaf first; empty for code signed ad hoc.
    pub chain: &'a [Arc<Certificate>],
    /// Whether the last of them is a root of Apple's.
    pub is_apple: bool,
    /// The 20-byte cdhashes of the primary slice by hash type, then those of the other slices.
    pub cdhashes: &'a [Vec<u8>],
}

/// The default designated requirement; `never` for code without any cdhash.
#[must_use]
pub fn default_designated(code: DefaultRequirement<'_>) -> Requirement {
    let expression = match code.chain.first() {
        None => by_cdhash(code.cdhashes),
        Some(leaf) => {
            let identifier = Expression::Identifier(code.identifier.to_vec());
            let anchor = if code.is_apple {
                apple(code.chain, leaf)
            } else {
                private(code.chain, leaf)
            };
            Expression::And(Box::new(identifier), Box::new(anchor))
        }
    };
    Requirement { expression }
}

fn by_cdhash(cdhashes: &[Vec<u8>]) -> Expression {
    let mut hashes = cdhashes.iter().map(|hash| Expression::CdHash(hash.clone()));
    let Some(first) = hashes.next() else {
        return Expression::False;
    };
    hashes.fold(first, |left, right| {
        Expression::Or(Box::new(left), Box::new(right))
    })
}

/// `first and (second and (…))`: Apple's maker nests to the right.
fn all(parts: Vec<Expression>) -> Expression {
    parts
        .into_iter()
        .rev()
        .reduce(|right, left| Expression::And(Box::new(left), Box::new(right)))
        .unwrap_or(Expression::True)
}

fn field(slot: i32, oid: der::oid::ObjectIdentifier) -> Expression {
    Expression::CertificateGeneric(slot, oid.as_bytes().to_vec(), Match::Exists)
}

fn subject(key: &str, value: Option<&str>) -> Expression {
    let operand = value.unwrap_or_default().as_bytes().to_vec();
    Expression::CertificateField(0, key.as_bytes().to_vec(), Match::Equal(operand))
}

fn apple(chain: &[Arc<Certificate>], leaf: &Certificate) -> Expression {
    let has = |marker| chain.get(1).is_some_and(|issuer| issuer.has_extension(marker));
    if chain.len() == 3 && has(oid::WWDR) {
        return all(vec![
            Expression::AppleGenericAnchor,
            subject("subject.CN", leaf.subject.last(oid::COMMON_NAME)),
            field(1, oid::WWDR),
        ]);
    }
    if chain.len() == 3 && has(oid::DEVELOPER_ID_CA) {
        return all(vec![
            Expression::AppleGenericAnchor,
            field(1, oid::DEVELOPER_ID_CA),
            field(0, oid::DEVELOPER_ID_APPLICATION),
            subject("subject.OU", leaf.subject.last(oid::ORGANIZATIONAL_UNIT)),
        ]);
    }
    Expression::AppleAnchor
}

/// The highest certificate of the leaf's own organisation, by its hash.
fn private(chain: &[Arc<Certificate>], leaf: &Certificate) -> Expression {
    let organization = leaf.subject.last(oid::ORGANIZATION);
    let highest = organization.map_or(0, |organization| {
        chain
            .iter()
            .take_while(|certificate| certificate.subject.last(oid::ORGANIZATION) == Some(organization))
            .count()
            .saturating_sub(1)
    });
    let is_root = organization.is_some() && highest.saturating_add(1) == chain.len();
    let slot = if is_root {
        -1
    } else {
        i32::try_from(highest).unwrap_or_default()
    };
    let hash = chain.get(highest).map(|certificate| certificate.sha1().to_vec());
    Expression::AnchorHash(slot, hash.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_certificates_the_cdhashes_count() {
        let cdhashes = [vec![1; 20], vec![2; 20]];
        let code = DefaultRequirement {
            identifier: b"x",
            chain: &[],
            is_apple: false,
            cdhashes: &cdhashes,
        };
        let one = "0101010101010101010101010101010101010101";
        let two = "0202020202020202020202020202020202020202";
        assert_eq!(
            default_designated(code).to_string(),
            format!("cdhash H\"{one}\" or cdhash H\"{two}\"")
        );
    }
}
