//! Rules about what macOS tolerates and an honest signer never writes (column H of specification 12).

use super::{Family, Rule};
use crate::finding::{Party, Severity};
use crate::verify::{FaultKind, Oddity};

const SIGN_AGAIN: &str = "sign again with Apple's tool, then compare:  codesign -f -s \"Developer ID Application: NAME\" --options runtime --timestamp PATH";

macro_rules! about {
    ($($pattern:pat => $text:expr),+ $(,)?) => {
        |check| {
            check.each_fault(|fault, _| match &fault.kind {
                $(FaultKind::Oddity($pattern) => Some(String::from($text)),)+
                _ => None,
            });
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "superblob-duplicate-slot",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the signature holds two components of one type",
        catalogue: "R033",
        explanation: "Of two components of one type, codesign takes the first. The kernel reads the signature by other code and may take the other, so what was verified need not be what runs.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::DuplicateEntry { slot } => format!("two components of type {slot}"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "superblob-unusual",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the signature holds bytes or entries that nothing uses",
        catalogue: "R033",
        explanation: "The index of the signature has empty entries, components that overlap or that nothing reaches, or there are bytes that belong to no component. macOS ignores them. Nothing covers them either, so they can carry anything.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::EmptyEntry { slot } => format!("the index names {slot} without a component"),
            Oddity::OverlappingBlobs { slot } => format!("{slot} begins inside of another component"),
            Oddity::BytesBetweenBlobs { count } => format!("{count} bytes between components belong to none"),
            Oddity::BytesBehindSuperBlob { count } => format!("data in the {count} bytes behind the signature"),
            Oddity::UnreachableAlternate { slot } => format!("{slot} is never looked at: the one in front of it is missing"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "alternate-directory-unsigned",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[],
        title: "the certificate signature does not cover all CodeDirectories",
        catalogue: "R004, R027",
        explanation: "The certificate signed the first CodeDirectory only, and no attribute lists the others. macOS judges by the strongest one, which anybody could have added: identifier, flags and entitlements are those of a stranger then. Only signatures from before 2015 look like this.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::UnsignedAlternates => "the chosen CodeDirectory is not the one that the certificate signed",
        },
        ..Rule::BASE
    },
    Rule {
        id: "adhoc-with-certificate",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "a certificate signature that nobody looks at",
        catalogue: "R019",
        explanation: "The code says of itself that it is signed ad hoc, so macOS does not look at the certificate signature that lies beside it. It may come from anywhere and proves nothing.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::IgnoredCertificate => "signed ad hoc, with a certificate signature that is ignored",
        },
        ..Rule::BASE
    },
    Rule {
        id: "platform-identifier-third-party",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the code claims to be part of the system",
        catalogue: "R034",
        explanation: "A platform identifier marks Apple's own system software. Static validation believes it; the kernel does not.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::PlatformIdentifier { platform } => format!("platform identifier {platform} without a certificate of Apple's for it"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "code-directory-unusual",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the CodeDirectory has fields that no signer writes any more",
        catalogue: "",
        explanation: "A scatter vector is ignored by macOS, and of two code limits only the 64-bit one counts. Other programs may follow the other and see other bytes as covered.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::Scatter => "the CodeDirectory has a scatter vector",
            Oddity::TwoCodeLimits => "the CodeDirectory has two different code limits",
        },
        ..Rule::BASE
    },
    Rule {
        id: "team-identifier-unchecked",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "nobody vouches for the team identifier",
        catalogue: "R025",
        explanation: "macOS compares the team that code claims with the certificate only where Apple issued the certificate. Under a private certificate any team can be claimed.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::UncheckedTeam { team } => format!("team {team} is claimed under a certificate that is not Apple's"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "slices-of-different-signers",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the architectures are signed by different people",
        catalogue: "R024",
        explanation: "codesign demands only that all architectures claim the same team, or none. Here they are signed with different certificates, or some of them with none. Tools that look at one architecture speak for that one only.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::DifferentSigners => "this architecture is signed by somebody else than the first one",
        },
        ..Rule::BASE
    },
    Rule {
        id: "fat64-file",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[Party::Codesign],
        title: "a universal file with 64-bit offsets",
        catalogue: "",
        explanation: "codesign takes universal files with 64-bit offsets for data: whatever signatures are inside, the file counts as unsigned.",
        remedy: "build a universal file with 32-bit offsets, then sign it:  lipo -create SLICES -output PATH",
        check: about! {
            Oddity::Fat64 => "a universal file with 64-bit offsets; its signatures do not count",
        },
        ..Rule::BASE
    },
    Rule {
        id: "unsealed-hiding-place",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "a file in a place that no seal covers",
        catalogue: "",
        explanation: "Every seal leaves out Contents/_MASReceipt and Contents/CodeResources, for the App Store's receipt and for a stapled ticket. Anything else that lies there can be changed by anybody.",
        remedy: "move the file to Contents/Resources and sign again:  codesign -f -s \"Developer ID Application: NAME\" --options runtime --timestamp PATH",
        check: about! {
            Oddity::HidingPlace => "no seal covers this file",
        },
        ..Rule::BASE
    },
    Rule {
        id: "seal-path-escapes",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Codesign],
        title: "the seal names a path outside of the bundle",
        catalogue: "",
        explanation: "The paths in a seal are relative to the bundle and contain no dots. No signer writes others; they are never met when the bundle is walked.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::SealedPathEscapes { sealed } => format!("the seal names {sealed:?}"),
        },
        ..Rule::BASE
    },
];
