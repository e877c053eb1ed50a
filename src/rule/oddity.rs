//! Rules about what macOS tolerates and an honest signer never writes (column H of specification 12).

use super::{Family, Rule};
use crate::blob::BlobError;
use crate::finding::{Party, Severity};
use crate::remedy::{SIGN, Step, run};
use crate::verify::{FaultKind, Oddity};

const SIGN_AGAIN: &[Step] = &[Step::Say("sign again with Apple's tool, then compare"), SIGN];

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

/// The rule about what nobody vouches for although every party accepts it.
pub(super) const FORGEABLE: &str = "alternate-directory-unsigned";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "superblob-duplicate-slot",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the index of the signature names one type twice",
        catalogue: "R033",
        explanation: "Of two entries of one type, codesign takes the first, even if that one has no component. The kernel reads the signature by other code and may take the other, so what was verified need not be what runs.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::DuplicateEntry { slot } => format!("two entries of type {slot}"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "slot-magic-wrong",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "a component of the signature says that it is something else",
        catalogue: "R033",
        explanation: "Entitlements, requirements and constraints each begin with a magic number of their own. codesign compares only the digest; the kernel looks at the number and refuses the code.",
        remedy: SIGN_AGAIN,
        check: |check| {
            check.each_fault(|fault, _| match fault.kind {
                FaultKind::SlotMagic { slot, error } => Some(match error {
                    BlobError::Magic { found, .. } => {
                        format!("{slot} has the wrong blob magic {found:#010x}; the kernel refuses it")
                    }
                    error => format!("{slot} is no component of its kind: {error}; the kernel refuses it"),
                }),
                _ => None,
            });
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
        explanation: "The index of the signature has empty entries, components that overlap or that nothing reaches, or there are bytes between components that belong to none. macOS ignores them. Nothing covers them either, so they can carry anything.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::EmptyEntry { slot } => format!("the index names {slot} without a component"),
            Oddity::CutBlob { slot } => format!("{slot} is shorter than the header of a component"),
            Oddity::OverlappingBlobs { slot } => format!("{slot} begins inside of another component"),
            Oddity::BytesBetweenBlobs { count } => format!("{count} bytes between components belong to none"),
            Oddity::UnreachableAlternate { slot } => format!("{slot} is never looked at: the one in front of it is missing"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "signature-residue",
        family: Family::Signature,
        severity: Severity::Note,
        rejected_by: &[],
        title: "there are bytes after the signature, in the space that was made for it",
        catalogue: "R033",
        explanation: "The load command gives the signature more space than it needs, and the rest is not empty. Signing again with a smaller signature leaves the end of the old one there, such as that of the linker. macOS ignores the bytes. Nothing covers them, so they can carry anything.",
        remedy: &[Step::Say(
            "nothing has to be done; to be without them, build the code anew and sign it once",
        )],
        check: about! {
            Oddity::BytesBehindSuperBlob { count } => format!("data in the {count} bytes after the signature"),
        },
        ..Rule::BASE
    },
    Rule {
        id: FORGEABLE,
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
        catalogue: "R026",
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
        remedy: &[
            Step::Say("build a universal file with 32-bit offsets, then sign it"),
            run!["lipo" "-create" (Value "SLICES") "-output" Code],
        ],
        check: about! {
            Oddity::Fat64 => "a universal file with 64-bit offsets; its signatures do not count",
        },
        ..Rule::BASE
    },
    Rule {
        id: "unknown-hash-type",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "a CodeDirectory of a hash type that nobody knows",
        catalogue: "R027",
        explanation: "Beside a usable CodeDirectory there is one whose digests macOS cannot compute. codesign leaves it out when it hashes pages, and fails wherever it needs the hashes of all of them.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::UnknownHashType { hash_type } => format!("a CodeDirectory of hash type {hash_type}"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "code-directory-text-in-header",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the identifier lies inside of the CodeDirectory's own header",
        catalogue: "R033",
        explanation: "Identifier and team identifier are texts behind the fixed fields of the CodeDirectory. Here one begins inside of these fields. codesign reads it from there; the kernel does not.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::TextInHeader { offset } => format!("a text begins at offset {offset}, inside of the fixed fields"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "signature-without-size",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[Party::Amfi],
        title: "the load command gives the signature no bytes",
        catalogue: "R017",
        explanation: "LC_CODE_SIGNATURE says that the signature has zero bytes. codesign reads one nevertheless, because to its reader zero means no limit; the kernel sees no signature.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::NoSignatureSize => "LC_CODE_SIGNATURE has size 0, but a signature may lie there",
        },
        ..Rule::BASE
    },
    Rule {
        id: "executable-segment-differs",
        family: Family::Signature,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "the executable segment in the signature is not __TEXT",
        catalogue: "",
        explanation: "The CodeDirectory repeats where the executable segment lies. No static check compares it with the load commands; a signer that writes other numbers is broken, or changed the file behind the signature's back.",
        remedy: SIGN_AGAIN,
        check: about! {
            Oddity::ExecutableSegment { limit, text } => format!("the signature gives the executable segment {limit} bytes, __TEXT has {text}"),
        },
        ..Rule::BASE
    },
    Rule {
        id: "nested-app-in-resources",
        family: Family::Nesting,
        severity: Severity::Note,
        rejected_by: &[],
        title: "a bundle with code lies among the resources",
        catalogue: "R229",
        explanation: "To the seal, what lies in Resources is data: each of its files is covered, but nobody verifies it as code, and its own signature is not asked for. It breaks, for example, when it is signed again by itself.",
        remedy: &[
            Step::Say(
                "move the bundle to Contents/Helpers, Contents/PlugIns or Contents/XPCServices and sign again",
            ),
            SIGN,
        ],
        check: about! {
            Oddity::BundleAsData => "this bundle is sealed as data, not as code",
        },
        ..Rule::BASE
    },
    Rule {
        id: "case-collision",
        family: Family::Files,
        severity: Severity::Warning,
        rejected_by: &[],
        title: "two names differ in case only",
        catalogue: "R284",
        explanation: "Usual Mac volumes do not tell upper case from lower: of two such files one replaces the other when the bundle is copied or unpacked, and the seal is broken.",
        remedy: &[Step::Say("rename one of the two, then sign again"), SIGN],
        check: |check| {
            for collision in &check.survey().collisions {
                check.file(
                    &collision.path,
                    format!("differs from {} in case only", collision.other),
                );
            }
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
        remedy: &[
            Step::Say("move the file to Contents/Resources and sign again"),
            SIGN,
        ],
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
