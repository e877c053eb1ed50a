//! Reads the provisioning profiles of an item where macOS looks for them, and holds claims against them.
//!
//! Technical note TN3125: the profile of a bundle for macOS is `Contents/embedded.provisionprofile`, that of a flat
//! bundle lies in its folder: `embedded.provisionprofile` for drivers, `embedded.mobileprovision` for iOS. macOS looks
//! for the profile of a program in the bundle whose main executable it is, nowhere else. Names count by their case
//! here, since a volume may be case-sensitive.

use super::{CodeObject, Options, ProfileEvidence, ProfileProblem, SliceEvidence};
use crate::bundle::Layout;
use crate::entitlements::{Class, Platform, classify, find};
use crate::plist::Value;
use crate::profile::{Answer, Profile, grant};
use crate::source::{Kind, Lookup, NodeId, Tree};

/// Links followed to a profile: the kernel's own limit.
const MAX_LINKS: usize = 32;

/// Name of a profile for macOS.
const MAC: &str = "embedded.provisionprofile";
/// Name of a profile for iOS.
const IOS: &str = "embedded.mobileprovision";

/// An entitlement that code claims.
#[derive(Debug, Clone)]
pub struct Claim<'e> {
    /// The entitlement.
    pub key: &'e str,
    /// What is claimed.
    pub value: &'e Value,
    /// Who may claim it.
    pub class: Class,
    /// Whether the profile allows it; `None` where no profile is asked, or where there is none.
    pub answer: Option<Answer>,
    /// Whether a profile must allow it.
    pub needs_profile: bool,
}

impl CodeObject {
    /// Returns the folder of a bundle that its Info.plist and its seal belong to, relative to the item.
    #[must_use]
    pub fn support_folder(&self) -> String {
        match (&self.support, self.path.as_str()) {
            (Some(folder), _) => folder.clone(),
            (None, "") => "Contents".to_owned(),
            (None, path) => format!("{path}/Contents"),
        }
    }

    /// Returns the place of the provisioning profile of a bundle: where it has one, or where macOS looks for one.
    #[must_use]
    pub fn profile_place(&self) -> String {
        if let Some(profile) = &self.profile {
            return profile.path.clone();
        }
        let is_for_devices = self.slices.first().is_some_and(|slice| !slice.is_for_mac());
        let support = self.support_folder();
        let name = if is_for_devices && support == self.path {
            IOS
        } else {
            MAC
        };
        match support.as_str() {
            "" => name.to_owned(),
            support => format!("{support}/{name}"),
        }
    }
}

impl SliceEvidence {
    /// Everything that the slice claims, held against a profile.
    #[must_use]
    pub fn claims<'e>(&'e self, profile: Option<&Profile>) -> Vec<Claim<'e>> {
        let entries = self.entitlements.iter().flat_map(|entries| entries.iter());
        entries
            .map(|(key, value)| {
                let needs_profile = self.needs_profile(key);
                let asked = profile.filter(|_| needs_profile);
                Claim {
                    key,
                    value,
                    class: classify(key),
                    answer: asked.map(|profile| grant(key, value, profile)),
                    needs_profile,
                }
            })
            .collect()
    }

    /// Whether a profile must grant a claim of this entitlement. On iOS and its relatives a profile must grant
    /// everything, on Macs what is restricted (TN3125).
    #[must_use]
    pub fn needs_profile(&self, key: &str) -> bool {
        match self.build_version.map(|version| version.platform) {
            // Code without a version is old, and for macOS.
            None | Some(1 | 6 | 10) => classify(key).needs_profile(),
            Some(2 | 3 | 4 | 11) => true,
            // Simulators look at no profile.
            Some(_) => false,
        }
    }

    /// Whether it is for Macs: macOS, Catalyst, DriverKit.
    #[must_use]
    pub fn is_for_mac(&self) -> bool {
        matches!(
            self.build_version.map(|version| version.platform),
            None | Some(1 | 6 | 10)
        )
    }

    /// Whether the entitlement exists on another platform than this slice's only.
    #[must_use]
    pub fn is_foreign_entitlement(&self, key: &str) -> bool {
        let is_macos = matches!(
            self.build_version.map(|version| version.platform),
            None | Some(1 | 10)
        );
        is_macos && find(key).is_some_and(|line| !line.is_on(Platform::MacOs))
    }
}

/// The profile of a bundle, where macOS looks for it.
pub(super) fn embedded<T: Tree + ?Sized>(
    tree: &T,
    layout: &Layout,
    options: &Options,
) -> Option<ProfileEvidence> {
    let is_flat = layout.support == layout.version_root;
    let names: &[&str] = if is_flat { &[MAC, IOS] } else { &[MAC] };
    let node = names.iter().find_map(|name| child(tree, layout.support, name))?;
    let profile = match tree.small(node, tree.limits().profile) {
        Ok(bytes) => Profile::read(
            &bytes,
            &options.anchors,
            &options.cache,
            &options.limits,
            tree.budget(),
        )
        .map_err(Into::into),
        Err(error) => Err(ProfileProblem::Unreadable(error.named("profile"))),
    };
    Some(ProfileEvidence {
        path: tree.path(node),
        profile,
        is_quarantined: match tree.attribute(node, "com.apple.quarantine") {
            Ok(Some(_)) => Some(true),
            Ok(None) => cfg!(target_os = "macos").then_some(false),
            Err(_) => None,
        },
    })
}

/// The file with exactly this name, links followed.
fn child<T: Tree + ?Sized>(tree: &T, directory: NodeId, name: &str) -> Option<NodeId> {
    let Lookup::Exact(entry) = tree.lookup(directory, name) else {
        return None;
    };
    let found = match tree.node(entry).kind {
        Kind::Symlink => tree.resolve(directory, name, MAX_LINKS).ok()?,
        _ => entry,
    };
    tree.node(found).is_file().then_some(found)
}
