//! Who claims which entitlements: what the rules about entitlements have in common.
//!
//! Entitlements count on programs only (`MH_EXECUTE`); those on libraries are a rule of their own. Code that Apple
//! signed itself is left out: it may claim everything, and an app from the App Store has lost its profile there.

use super::Check;
use crate::bundle::BundleKind;
use crate::entitlements::{Class, Entitlement, Platform, classify, find};
use crate::plist::{Dictionary, Value};
use crate::profile::Profile;
use crate::source::NodeId;
use crate::trust::CertificateKind;
use crate::verify::{CodeKind, CodeObject, Evidence, SliceEvidence};

/// Names shown in one message.
const SHOWN: usize = 6;

/// One architecture of a program with what it claims.
#[derive(Clone, Copy)]
pub(super) struct Claimant<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) object: &'a CodeObject,
    pub(super) slice: &'a SliceEvidence,
    pub(super) claims: &'a Dictionary,
}

/// What a program is to the bundle around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The main executable of a bundle.
    Main(BundleKind),
    /// Another program in a bundle.
    Secondary,
    /// A program that stands alone.
    Standalone,
}

/// Hands over every architecture of every program that claims something, Apple's own code left out.
pub(super) fn each<'a>(check: &mut Check<'a>, visit: impl Fn(&mut Check<'a>, Claimant<'a>)) {
    let evidence = check.evidence();
    for object in &evidence.code {
        for slice in &object.slices {
            let Some(claims) = slice.entitlements.as_ref().filter(|claims| !claims.is_empty()) else {
                continue;
            };
            let is_program = slice.file_type.is_some_and(|found| found.is_execute());
            if is_program && !is_signed_by_apple(slice) {
                visit(
                    check,
                    Claimant {
                        evidence,
                        object,
                        slice,
                        claims,
                    },
                );
            }
        }
    }
}

/// The innermost app around code.
pub(super) fn app_around<'a>(evidence: &'a Evidence, object: &CodeObject) -> Option<&'a CodeObject> {
    let is_around = |app: &&CodeObject| {
        app.kind == CodeKind::Bundle(BundleKind::App)
            && (app.path.is_empty() && !object.path.is_empty()
                || object
                    .path
                    .strip_prefix(&app.path)
                    .is_some_and(|rest| rest.starts_with('/')))
    };
    evidence
        .searched()
        .iter()
        .filter(is_around)
        .max_by_key(|app| app.path.len())
}

/// Whether Apple itself signed it: its own software, and what its stores deliver.
pub(super) fn is_signed_by_apple(slice: &SliceEvidence) -> bool {
    matches!(
        certificate(slice),
        Some(CertificateKind::AppleSoftware | CertificateKind::MacAppStore | CertificateKind::TestFlight)
    )
}

/// The kind of certificate that signed.
pub(super) fn certificate(slice: &SliceEvidence) -> Option<CertificateKind> {
    slice.identity.as_ref().map(|identity| identity.kind)
}

/// Whether it is signed for users: with a Developer ID or for a store.
pub(super) fn is_for_distribution(slice: &SliceEvidence) -> bool {
    is_developer_id(slice) || is_for_store(slice)
}

/// Whether it is signed for upload to the App Store.
pub(super) fn is_for_store(slice: &SliceEvidence) -> bool {
    certificate(slice) == Some(CertificateKind::Distribution)
}

/// Whether it is signed with a Developer ID.
pub(super) fn is_developer_id(slice: &SliceEvidence) -> bool {
    matches!(
        certificate(slice),
        Some(CertificateKind::DeveloperIdApplication | CertificateKind::DeveloperIdKext)
    )
}

/// Platform numbers of `LC_BUILD_VERSION` (XNU EXTERNAL_HEADERS/mach-o/loader.h).
pub(super) fn platform(slice: &SliceEvidence) -> Option<Platform> {
    Some(match slice.build_version.map(|version| version.platform) {
        // Old code says nothing, and is for macOS.
        None | Some(1 | 10) => Platform::MacOs,
        Some(2) => Platform::Ios,
        Some(3) => Platform::TvOs,
        Some(4) => Platform::WatchOs,
        Some(6) => Platform::Catalyst,
        Some(11) => Platform::VisionOs,
        // Simulators among them, where entitlements mean nothing.
        Some(_) => return None,
    })
}

impl<'a> Claimant<'a> {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.claims.get(key)
    }

    /// Whether the key is claimed as true.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Boolean(true))
    }

    /// All strings of a key: the value itself or the elements of an array.
    pub(super) fn strings(&self, key: &str) -> Vec<&'a str> {
        strings(self.claims, key)
    }

    /// Whether it is for macOS itself, not Catalyst.
    pub(super) fn is_macos(&self) -> bool {
        platform(self.slice) == Some(Platform::MacOs)
    }

    /// Whether it runs on Macs: for macOS or Catalyst.
    pub(super) fn is_mac(&self) -> bool {
        matches!(platform(self.slice), Some(Platform::MacOs | Platform::Catalyst))
    }

    /// What it is to the bundle around it.
    pub(super) fn role(&self) -> Role {
        match self.object.kind {
            CodeKind::Bundle(kind) => Role::Main(kind),
            _ if self.object.path.is_empty() => Role::Standalone,
            _ => Role::Secondary,
        }
    }

    /// Sparkle's `Autoupdate` claims one restricted entitlement, its identifier without any prefix, and runs without a
    /// profile (measured in notarized apps; its releases come so, signed ad hoc).
    pub(super) fn is_bare_identifier_only(&self) -> bool {
        let identifier = self
            .get("com.apple.application-identifier")
            .and_then(Value::as_str);
        let restricted = self
            .claims
            .iter()
            .filter(|(key, _)| classify(key).needs_profile());
        restricted.count() == 1 && identifier.is_some_and(|text| app_id_prefix(text).is_none())
    }

    /// What is wrong with the claim of a key, as far as the key alone says it.
    pub(super) fn judged(&self, key: &str) -> Judged {
        let line = find(key);
        match line.map_or_else(|| classify(key), |line| line.class) {
            Class::Hallucinated | Class::Suspect => Judged::Unreal,
            Class::ApplePrivate => Judged::Private,
            Class::Unrestricted | Class::Foreign => Judged::Free,
            Class::Restricted | Class::Managed => {
                let Some(line) = line else { return Judged::Unknown };
                if self.is_macos() && is_of_another_platform(&line) {
                    Judged::OtherPlatform
                } else if is_developer_id(self.slice) && line.has(crate::entitlements::Flag::NoDeveloperId) {
                    Judged::NotForDeveloperId
                } else {
                    Judged::NeedsProfile
                }
            }
        }
    }

    /// The claimed keys of which this is to be said.
    pub(super) fn keys(&self, judged: Judged) -> Vec<&'a str> {
        let keys = self.claims.iter().map(|(key, _)| key);
        keys.filter(|key| self.judged(key) == judged).collect()
    }

    /// The profile of its bundle, if it is readable and Apple's.
    pub(super) fn profile(&self) -> Option<&'a Profile> {
        self.object.profile.as_ref()?.sound()
    }

    /// Whether a provisioning profile lies where macOS looks for one; `None` if the folder could not be read.
    pub(super) fn has_profile(&self) -> Option<bool> {
        let listing = &self.evidence.listing;
        let bundle = listing.lookup(NodeId(0), &self.object.path).id()?;
        // Bundles for DriverKit and iOS have no Contents.
        let places = [
            "Contents/embedded.provisionprofile",
            "embedded.provisionprofile",
            "embedded.mobileprovision",
        ];
        if places
            .iter()
            .any(|place| listing.lookup(bundle, place).id().is_some())
        {
            return Some(true);
        }
        let contents = listing.lookup(bundle, "Contents").id();
        let is_hidden = |node| listing.gaps().iter().any(|gap| Some(gap.node) == node);
        (!is_hidden(Some(bundle)) && !is_hidden(contents)).then_some(false)
    }
}

/// What is said of a claim by its key alone; every key belongs to one of these, and so to one rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Judged {
    /// Anybody may claim it.
    Free,
    /// There is no such entitlement.
    Unreal,
    /// Apple's own.
    Private,
    /// A name of Apple's that is not known.
    Unknown,
    /// It exists, but not on macOS.
    OtherPlatform,
    /// No profile for Developer ID has it.
    NotForDeveloperId,
    /// A profile must grant it.
    NeedsProfile,
}

fn is_of_another_platform(line: &Entitlement) -> bool {
    // `application-identifier` exists under Catalyst only.
    let is_identity = line.key == "application-identifier";
    !line.is_on(Platform::MacOs) && (is_identity || !line.is_on(Platform::Catalyst))
}

/// All strings of a key: the value itself or the elements of an array.
pub(super) fn strings<'a>(claims: &'a Dictionary, key: &str) -> Vec<&'a str> {
    match claims.get(key) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Some names in a row: `a, b and 3 more`.
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What stands before the first dot, if it looks like the prefix of an App ID: ten capitals and digits, mostly a team.
pub(super) fn app_id_prefix(text: &str) -> Option<&str> {
    let (prefix, _) = text.split_once('.')?;
    let is_right = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (prefix.len() == 10 && prefix.bytes().all(is_right)).then_some(prefix)
}

/// Neither a variable nor a wildcard, which other rules report.
pub(super) fn is_filled_in(text: &str) -> bool {
    !text.contains("$(") && !text.contains("${") && !text.contains('*')
}
