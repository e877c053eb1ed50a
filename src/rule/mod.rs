//! Rules: evidence in, findings out.
//!
//! A rule has a stable id, a documentation that `sealcheck explain` prints, and a function that looks at one
//! item's evidence. Families live in one file each. The catalogue's numbers (R002 …) stand beside the ids.

mod app_store;
mod archive;
mod baseline;
mod bundles;
mod check;
mod claims;
mod code_places;
mod constraint;
mod declared;
mod demand;
mod displaced;
mod distribution;
mod driver_form;
mod driverkit;
mod electron;
mod entitlement_claims;
mod entitlement_form;
mod entitlement_identity;
mod entitlement_values;
mod expectation;
mod extension;
mod family;
mod gatekeeper_scan;
mod identity;
mod image;
mod image_contents;
mod info_plist;
mod install_names;
mod launchd_job;
mod library_validation;
mod linkage;
mod load;
mod main_executable;
mod misplaced;
mod modes;
mod nesting;
mod normalization;
mod oddity;
mod passed_by;
mod policy;
mod private_files;
mod privileged_helper;
mod profile;
mod profile_grant;
mod reading;
mod remedy;
mod runtime_exceptions;
mod sandbox;
mod scope;
mod seal;
mod self_modifying;
mod services;
mod settle;
mod signature;
mod signing_quality;
mod sparkle;
mod structure;
mod ticket;
mod timestamp;
mod zip_archive;

pub use baseline::{Baseline, KnownFinding};
pub use check::{Advice, Unknown, advise};
pub use demand::Demand;
pub use expectation::{Expectations, ExpectedEntitlement};
pub use family::Family;
pub use policy::{Advised, Applied, Ignore, Pattern, PatternError, Policy, Reach, Suppressed, Suppression};
#[cfg(feature = "report")]
pub(crate) use reading::NOT_ALL_VERIFIED;
#[cfg(feature = "report")]
pub(crate) use zip_archive::{HYGIENE, container_faults};

pub(crate) use check::Check;
use check::Said;
use scope::Scope;

use crate::entitlements::nearest_of;
use crate::finding::{Party, Severity, Target};
use crate::remedy::{General, Step};

/// A rule and its documentation.
pub struct Rule {
    /// Stable id in kebab case.
    pub id: &'static str,
    /// What it is about.
    pub family: Family,
    /// Severity of its findings, unless the circumstances change it.
    pub severity: Severity,
    /// Who rejects such code.
    pub rejected_by: &'static [Party],
    /// Where code may be meant to go for the rule to apply; everywhere where this is empty.
    pub targets: &'static [Target],
    /// One line: what is wrong.
    pub title: &'static str,
    /// Numbers of the project's catalogue of rules.
    pub catalogue: &'static str,
    /// Background: what it means and what usually causes it.
    pub explanation: &'static str,
    /// How to repair it.
    pub remedy: &'static [Step],
    /// What Apple's systems print, word by word; empty where they are silent.
    pub apple: &'static str,
    /// Address of a page about it; empty where there is none.
    pub reference: &'static str,
    /// Rules of which this one is a consequence: where one of them has found something in the same code, this one's
    /// findings are folded under it.
    pub follows_from: &'static [&'static str],
    /// The same for findings in the code around it: a bundle that is damaged as a whole explains what is wrong inside.
    pub follows_from_outer: &'static [&'static str],
    /// The same for findings in a bundle without a main executable, where this one's are about that bundle, or about the program that
    /// was signed as its main executable.
    pub follows_from_bundle: &'static [&'static str],
    /// What has to be judged for a finding of the rule to be true.
    pub(crate) scope: Scope,
    /// Looks for the problem.
    pub(crate) check: fn(&mut Check<'_>),
}

impl Rule {
    /// What a rule says where it says nothing.
    const BASE: Self = Self {
        id: "",
        family: Family::Signature,
        severity: Severity::Error,
        rejected_by: &[],
        targets: &[],
        title: "",
        catalogue: "",
        explanation: "",
        remedy: &[],
        apple: "",
        reference: "",
        follows_from: &[],
        follows_from_outer: &[],
        follows_from_bundle: &[],
        scope: Scope::Slice,
        check: |_| {},
    };

    /// Returns the remedy as text, with placeholders for what only an item knows.
    #[must_use]
    pub fn general_remedy(&self) -> General {
        General(self.remedy)
    }

    /// Whether it applies to code that is to go there.
    #[must_use]
    pub fn applies_to(&self, target: Target) -> bool {
        self.targets.is_empty() || self.targets.contains(&target)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Every rule, in the order of the documentation.
#[must_use]
pub fn all() -> Vec<&'static Rule> {
    [
        signature::RULES,
        signing_quality::RULES,
        identity::RULES,
        timestamp::RULES,
        distribution::RULES,
        seal::RULES,
        nesting::RULES,
        archive::RULES,
        code_places::RULES,
        passed_by::RULES,
        self_modifying::RULES,
        electron::RULES,
        misplaced::RULES,
        private_files::RULES,
        info_plist::RULES,
        declared::RULES,
        main_executable::RULES,
        zip_archive::RULES,
        services::RULES,
        privileged_helper::RULES,
        launchd_job::RULES,
        extension::RULES,
        driver_form::RULES,
        sparkle::RULES,
        constraint::RULES,
        modes::RULES,
        normalization::RULES,
        structure::RULES,
        oddity::RULES,
        entitlement_form::RULES,
        entitlement_claims::RULES,
        entitlement_identity::RULES,
        entitlement_values::RULES,
        sandbox::RULES,
        driverkit::RULES,
        runtime_exceptions::RULES,
        gatekeeper_scan::RULES,
        library_validation::RULES,
        load::RULES,
        install_names::RULES,
        image::RULES,
        image_contents::RULES,
        profile::RULES,
        profile_grant::RULES,
        ticket::RULES,
        app_store::RULES,
        reading::RULES,
        expectation::RULES,
        demand::RULES,
        policy::RULES,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    all().into_iter().find(|rule| rule.id == id)
}

/// The id that is nearest to one that does not exist, if any is near.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    nearest_of(id, all().into_iter().map(|rule| rule.id))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_rule_is_documented_and_its_id_is_its_own() {
        let mut ids = HashSet::new();
        for rule in all() {
            let is_kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(
                !rule.id.is_empty() && rule.id.bytes().all(is_kebab),
                "{}",
                rule.id
            );
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            let remedy = General(rule.remedy).to_string();
            for text in [rule.title, rule.explanation, &remedy] {
                assert!(text.len() > 10, "{}: {text:?}", rule.id);
            }
            let outer = rule.follows_from_outer.iter().chain(rule.follows_from_bundle);
            for id in rule.follows_from.iter().chain(outer) {
                assert!(
                    find(id).is_some() && *id != rule.id,
                    "{} follows from {id}",
                    rule.id
                );
            }
            assert!(
                rule.severity < Severity::Error
                    || !rule.rejected_by.is_empty()
                    || rule.family == Family::Expectation
                    || rule.id == oddity::FORGEABLE,
                "{}: an error that no party rejects",
                rule.id
            );
        }
    }
}
