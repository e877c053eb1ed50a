//! The commands that sign code of one item again: with which certificate, entitlements, identifier and options, and who may.

use std::collections::HashMap;

use super::{claims_file, extract};
use crate::bundle::BundleKind;
use crate::finding::Target;
use crate::remedy::{Claims, Command};
use crate::rule::check::above;
use crate::rule::claims::is_signed_by_apple;
use crate::trust::CertificateKind;
use crate::verify::{CodeKind, CodeObject, Evidence, Product, SliceEvidence};

/// Who signs code.
pub(super) enum Owner<'a> {
    /// The developer of the item.
    Us,
    /// Another team, with the path of the outermost code that is its.
    Vendor(&'a str, &'a str),
    /// Apple, likewise.
    Apple(&'a str),
}

/// What signing needs to know about an item.
pub(super) struct Signing<'a> {
    pub(super) target: Target,
    /// Whether the item is an XCFramework: Xcode records who signed it, with a secure timestamp.
    is_kit: bool,
    /// Whether a certificate signed the item.
    pub(super) is_certified: bool,
    /// Whether a ticket for the item is at hand.
    pub(super) is_notarized: bool,
    /// The certificate by its name; the one that the item was signed with, where it is the right one.
    identity: String,
    /// Whether the entitlements are those to ship: the item was signed for that.
    keeps_entitlements: bool,
    team: Option<&'a str>,
    code: HashMap<&'a str, &'a CodeObject>,
}

impl<'a> Signing<'a> {
    pub(super) fn of(evidence: &'a Evidence, target: Target) -> Self {
        let slices = || evidence.code.iter().flat_map(|object| &object.slices);
        let item = evidence.code.first().and_then(|object| object.slices.first());
        let fitting = match target {
            Target::MacAppStore => Some(CertificateKind::Distribution),
            Target::DeveloperId => Some(CertificateKind::DeveloperIdApplication),
            Target::Local | Target::Ios => None,
        };
        let usual = match target {
            Target::MacAppStore => "Apple Distribution: NAME",
            Target::DeveloperId => "Developer ID Application: NAME",
            Target::Local => "-",
            Target::Ios => "Apple Distribution: NAME",
        };
        // The item may have lost its signature, and a program in it still has one.
        let is_program = |slice: &&SliceEvidence| slice.file_type.is_some_and(|found| found.is_execute());
        let identity = item.into_iter().chain(slices().filter(is_program));
        let identity = identity.filter_map(|slice| slice.identity.as_ref());
        let identity = identity.into_iter().next();
        let signer = identity.filter(|found| fitting.is_none_or(|kind| found.kind == kind));
        let name = signer
            .and_then(|signer| signer.chain.first())
            .map(|leaf| leaf.summary());
        // The code around may be signed by the item's team, or not at all yet.
        let code = evidence.code.iter().rev();
        Self {
            target,
            is_kit: evidence.product() == Product::XcFramework,
            is_certified: identity.is_some(),
            is_notarized: target == Target::DeveloperId
                && (!evidence.tickets.is_empty() || slices().any(|slice| slice.notarized == Some(true))),
            identity: name.filter(|name| is_printable(name)).unwrap_or(usual).to_owned(),
            keeps_entitlements: signer.is_some() || matches!(target, Target::Local | Target::Ios),
            team: item.and_then(team),
            code: code.map(|object| (object.path.as_str(), object)).collect(),
        }
    }

    fn slices(&self, code: &str) -> &'a [SliceEvidence] {
        self.code.get(code).map_or(&[], |object| object.slices.as_slice())
    }

    pub(super) fn knows(&self, code: &str) -> bool {
        self.code.contains_key(code)
    }

    /// Returns true if processes start with this code.
    pub(super) fn is_program(&self, code: &str) -> bool {
        let is_execute = |slice: &SliceEvidence| slice.file_type.is_some_and(|found| found.is_execute());
        self.slices(code).iter().any(is_execute)
    }

    /// Returns true if the system starts this kind of bundle, though its program cannot be found.
    fn is_started(&self, code: &str) -> bool {
        let kind = self.code.get(code).map(|object| object.kind);
        let is_library = matches!(kind, Some(CodeKind::Bundle(BundleKind::Framework)));
        let is_found = |slice: &SliceEvidence| slice.architecture.is_some();
        self.is_bundle(code) && !is_library && !self.slices(code).iter().any(is_found)
    }

    pub(super) fn is_universal(&self, code: &str) -> bool {
        let unread = self
            .code
            .get(code)
            .map_or(0, |object| object.unread_architectures.len());
        self.slices(code).len().saturating_add(unread) > 1
    }

    pub(super) fn is_bundle(&self, code: &str) -> bool {
        let kind = self.code.get(code).map(|object| object.kind);
        matches!(kind, Some(CodeKind::Bundle(_)))
    }

    pub(super) fn has_claims(&self, code: &str) -> bool {
        let claims =
            |slice: &SliceEvidence| slice.entitlements.as_ref().is_some_and(|found| !found.is_empty());
        self.slices(code).iter().any(claims)
    }

    /// Returns the folder of a bundle that its Info.plist belongs to, relative to the item.
    pub(super) fn support(&self, code: &str) -> String {
        let object = self.code.get(code);
        object.map_or_else(|| "Contents".to_owned(), |object| object.support_folder())
    }

    /// Returns the place of the provisioning profile of a bundle, relative to the item.
    pub(super) fn profile(&self, code: &str) -> String {
        let object = self.code.get(code);
        object.map_or_else(
            || "Contents/embedded.provisionprofile".to_owned(),
            |object| object.profile_place(),
        )
    }

    fn has_constraints(&self, code: &str) -> bool {
        self.slices(code)
            .iter()
            .any(|slice| !slice.constraints.is_empty())
    }

    /// Returns whose code it is. A library of another team is signed by whoever ships it, a program by its team only.
    pub(super) fn owner(&self, code: &'a str) -> Owner<'a> {
        let mut owner = Owner::Us;
        for path in std::iter::once(code).chain(above(code)) {
            let Some(slice) = self.slices(path).first() else {
                continue;
            };
            if is_signed_by_apple(slice) {
                owner = Owner::Apple(path);
            } else if let (Some(own), Some(other)) = (self.team, team(slice))
                && own != other
                && self.is_program(path)
            {
                owner = Owner::Vendor(path, other);
            }
        }
        owner
    }

    /// Returns the code around this code, from the inside out.
    pub(super) fn around<'p>(&self, code: &'p str) -> Vec<&'p str> {
        let outer = above(code);
        outer.filter(|path| self.is_bundle(path)).collect()
    }

    /// Returns the commands that sign code, which is `at` this path by now.
    pub(super) fn commands(
        &self,
        code: &str,
        at: &str,
        claims: Claims,
        identifier: Option<String>,
        options: Vec<String>,
    ) -> Vec<Command> {
        let mut commands = Vec::new();
        let mut words: Vec<String> = vec!["codesign".into(), "-f".into(), "-s".into(), self.identity.clone()];
        let mut preserved = Vec::new();
        match identifier {
            Some(identifier) => words.extend(["-i".to_owned(), identifier]),
            None if self.has_own_identifier(code) => preserved.push("identifier"),
            None => {}
        }
        let is_program = self.is_program(code) || self.is_started(code);
        let mut own: Vec<String> = Vec::new();
        let file = claims_file(at);
        match claims {
            Claims::File => own.extend(["--entitlements".to_owned(), file]),
            Claims::Kept if is_program && self.has_claims(code) => {
                if self.keeps_entitlements {
                    preserved.push("entitlements");
                } else {
                    commands.extend(self.for_distribution(code, &file, at));
                    own.extend(["--entitlements".to_owned(), file]);
                }
            }
            Claims::Kept | Claims::None => {}
        }
        if options.is_empty() && self.has_constraints(code) {
            preserved.extend(["launch-constraints", "library-constraints"]);
        }
        let is_for_users = self.target == Target::DeveloperId;
        if is_for_users && is_program {
            words.extend(["--options".to_owned(), "runtime".to_owned()]);
        }
        if is_for_users || self.is_kit && self.identity != "-" {
            words.push("--timestamp".to_owned());
        }
        if !preserved.is_empty() {
            words.push(format!("--preserve-metadata={}", preserved.join(",")));
        }
        words.extend(own);
        words.extend(options);
        words.push(at.to_owned());
        commands.push(Command(words));
        commands
    }

    /// Writes the entitlements of a development build into a file, without those that are not to be shipped.
    fn for_distribution(&self, code: &str, file: &str, at: &str) -> Vec<Command> {
        let mut commands = vec![extract(file, at)];
        for key in ["com.apple.security.get-task-allow", "get-task-allow"] {
            let claims = |slice: &SliceEvidence| {
                let claims = slice.entitlements.as_ref();
                claims.is_some_and(|claims| claims.get(key).is_some())
            };
            if self.slices(code).iter().any(claims) {
                commands.push(Command::of(["plutil", "-remove", &key.replace('.', "\\."), file]));
            }
        }
        commands
    }

    /// Whether codesign would choose another identifier for a file than the one that it was signed with.
    fn has_own_identifier(&self, code: &str) -> bool {
        let slices = self.slices(code);
        !self.is_bundle(code)
            && slices.first().is_some_and(|slice| {
                let identifier = slice.identifier.as_deref().unwrap_or_default();
                slice.identity.is_some()
                    && slice.embedded_info_plist.dictionary().is_none()
                    && identifier.contains('.')
            })
    }
}

/// The team of a developer's certificate.
fn team(slice: &SliceEvidence) -> Option<&str> {
    let identity = slice.identity.as_ref()?;
    let is_developers = !matches!(identity.kind, CertificateKind::NotApple);
    is_developers.then_some(slice.team_id.as_deref()).flatten()
}

/// Whether the name of a certificate, which its owner chose, may be part of a command.
fn is_printable(name: &str) -> bool {
    name.len() <= 200 && !name.chars().any(char::is_control) && !name.starts_with('-')
}
