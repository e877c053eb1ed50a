//! The tree of a requirement.

use super::RequirementError;

/// A certificate of the chain: 0 is the leaf, -1 the root.
pub(super) type CertificateSlot = i32;

/// One expression (specification 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `never`.
    False,
    /// `always`.
    True,
    /// `identifier X`.
    Identifier(Vec<u8>),
    /// `anchor apple`.
    AppleAnchor,
    /// `certificate SLOT = H"…"`.
    AnchorHash(CertificateSlot, Vec<u8>),
    /// `info[K] = V` of old requirements.
    InfoKeyValue(Vec<u8>, Vec<u8>),
    /// `A and B`.
    And(Box<Expression>, Box<Expression>),
    /// `A or B`.
    Or(Box<Expression>, Box<Expression>),
    /// `cdhash H"…"`.
    CdHash(Vec<u8>),
    /// `! A`.
    Not(Box<Expression>),
    /// `info[K] …`.
    InfoKeyField(Vec<u8>, Match),
    /// `certificate SLOT[subject.X] …`.
    CertificateField(CertificateSlot, Vec<u8>, Match),
    /// `certificate SLOT trusted`.
    TrustedCertificate(CertificateSlot),
    /// `anchor trusted`.
    TrustedCertificates,
    /// `certificate SLOT[field.OID] …`.
    CertificateGeneric(CertificateSlot, Vec<u8>, Match),
    /// `anchor apple generic`.
    AppleGenericAnchor,
    /// `entitlement[K] …`.
    EntitlementField(Vec<u8>, Match),
    /// `certificate SLOT[policy.OID] …`.
    CertificatePolicy(CertificateSlot, Vec<u8>, Match),
    /// `anchor apple NAME`.
    NamedAnchor(Vec<u8>),
    /// `(NAME)`.
    NamedCode(Vec<u8>),
    /// `platform = N`.
    Platform(i32),
    /// `notarized`.
    Notarized,
    /// `certificate SLOT[timestamp.OID] …`.
    CertificateDate(CertificateSlot, Vec<u8>, Match),
    /// `legacy`.
    LegacyDeveloperId,
    /// An unknown operation that says of itself that it is false.
    GenericFalse(u32),
    /// An unknown operation that says of itself to look at the next one instead.
    GenericSkip(u32, Box<Expression>),
    /// An unknown operation.
    Unknown(u32),
    /// The binary form ends or is malformed here.
    Malformed,
}

/// What a value is compared with (specification 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// There is a value.
    Exists,
    /// Equal.
    Equal(Vec<u8>),
    /// Contains.
    Contains(Vec<u8>),
    /// Begins with.
    BeginsWith(Vec<u8>),
    /// Ends with.
    EndsWith(Vec<u8>),
    /// Less, as numbers where digits stand.
    LessThan(Vec<u8>),
    /// Greater.
    GreaterThan(Vec<u8>),
    /// Less or equal.
    LessEqual(Vec<u8>),
    /// Greater or equal.
    GreaterEqual(Vec<u8>),
    /// At this time, in seconds since 2001.
    On(i64),
    /// Before it.
    Before(i64),
    /// After it.
    After(i64),
    /// At or before it.
    OnOrBefore(i64),
    /// At or after it.
    OnOrAfter(i64),
    /// There is no value.
    Absent,
    /// An unknown comparison, which never holds, with its operand.
    Unknown(u32, Vec<u8>),
    /// The binary form ends or is malformed here.
    Malformed,
}

impl Match {
    pub(super) fn fault(&self) -> Option<RequirementError> {
        (*self == Self::Malformed).then_some(RequirementError::Invalid)
    }
}

impl Expression {
    /// The first part, in order of evaluation, that cannot be evaluated.
    #[must_use]
    pub fn fault(&self) -> Option<RequirementError> {
        match self {
            Self::Malformed => Some(RequirementError::Invalid),
            Self::Unknown(opcode) => Some(RequirementError::Unimplemented { opcode: *opcode }),
            Self::And(first, second) | Self::Or(first, second) => first.fault().or_else(|| second.fault()),
            Self::Not(inner) | Self::GenericSkip(_, inner) => inner.fault(),
            Self::AnchorHash(_, hash) if hash.len() != 20 => Some(RequirementError::Invalid),
            Self::InfoKeyField(_, found)
            | Self::EntitlementField(_, found)
            | Self::CertificateField(_, _, found)
            | Self::CertificateGeneric(_, _, found)
            | Self::CertificatePolicy(_, _, found)
            | Self::CertificateDate(_, _, found) => found.fault(),
            _ => None,
        }
    }
}
