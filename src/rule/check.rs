//! Runs rules over evidence and folds consequences under their causes.
//!
//! A rule reports through [`Check`]: findings about code, slices and files, or that it cannot know. One cause is one
//! finding: what follows from another rule's finding in the same code ([`Rule::follows_from`]) is named there and not
//! reported again.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::claims::is_signed_by_apple;
use super::displaced::Displaced;
use super::linkage::{Image, Linkage};
use super::misplaced::{BrokenFolder, broken_folders};
use super::reading::LIMIT_REACHED;
use super::remedy::Remedies;
use super::settle::{Acceptance, is_about_integrity};
use super::zip_archive::ABOUT_ARCHIVES;
use super::{Expectations, Family, Rule, Suppressed, all};
use crate::finding::{Finding, Party, Place, Severity, Target};
use crate::parallel;
use crate::remedy::{Facts, Repair};
use crate::survey::Survey;
use crate::timing::Phase;
use crate::trust::CertificateKind;
use crate::verify::{CodeObject, Evidence, Fault, Product, SliceEvidence};

/// Causes of causes; no rule follows from a chain as long.
const MAX_CHAIN: usize = 8;

/// Everything that the rules have to say about one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Where the item is meant to go.
    pub target: Target,
    /// Whether only rules about the integrity of the item apply, because it is made for other systems than macOS.
    pub is_integrity_only: bool,
    /// Rules about what the user may demand and did not.
    pub(crate) not_demanded: Vec<&'static str>,
    /// Problems, errors first.
    pub findings: Vec<Finding>,
    /// Rules that could not be decided.
    pub unknown: Vec<Unknown>,
    /// Findings that a policy or a baseline keeps out of the report.
    pub suppressed: Vec<Suppressed>,
}

/// A rule whose facts could not be read: neither passed nor failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// Its id.
    pub rule: &'static str,
    /// The code or file in question, relative to the item.
    pub path: String,
    /// Why it is not known.
    pub reason: String,
}

impl Advice {
    /// What there is where nobody asked the rules.
    #[must_use]
    pub fn unasked(evidence: &Evidence, target: Option<Target>) -> Self {
        Self {
            target: target.unwrap_or_else(|| target_of(evidence)),
            // Who names a target wants advice for that.
            not_demanded: Vec::new(),
            is_integrity_only: target.is_none() && evidence.product() != Product::Mac,
            findings: Vec::new(),
            unknown: Vec::new(),
            suppressed: Vec::new(),
        }
    }

    /// Returns true if the rule is applied to such an item.
    #[must_use]
    pub fn applies(&self, rule: &Rule) -> bool {
        if self.not_demanded.contains(&rule.id) {
            false
        } else if self.is_integrity_only {
            is_about_integrity(rule)
        } else {
            rule.applies_to(self.target)
        }
    }

    /// Adds what was found about the item elsewhere.
    pub fn add(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
        sort(&mut self.findings);
    }

    /// Whether something that the user expects could not be decided, so that the item is not good.
    #[must_use]
    pub fn has_open_expectation(&self) -> bool {
        self.unknown.iter().any(Unknown::is_expectation)
    }
}

impl Unknown {
    /// A rule that could not be decided about code or a file, with the reason.
    #[must_use]
    pub fn new(rule: &'static str, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            rule,
            path: path.into(),
            reason: reason.into(),
        }
    }

    /// Whether the user expects it of the item.
    #[must_use]
    pub fn is_expectation(&self) -> bool {
        super::find(self.rule).is_some_and(|rule| rule.family == Family::Expectation)
    }
}

/// Runs every rule over the evidence and the survey of one item; without a target, the signing certificate decides where it is
/// meant to go.
#[must_use]
pub fn advise(
    evidence: &Evidence,
    survey: &Survey,
    target: Option<Target>,
    expectations: &Expectations,
) -> Advice {
    evidence.measure(Phase::Rules, || ask_all(evidence, survey, target, expectations))
}

fn ask_all(
    evidence: &Evidence,
    survey: &Survey,
    target: Option<Target>,
    expectations: &Expectations,
) -> Advice {
    let mut empty = Advice::unasked(evidence, target);
    let not_demanded = all().into_iter().filter(|rule| !expectations.asks(rule));
    empty.not_demanded = not_demanded.map(|rule| rule.id).collect();
    let target = empty.target;
    let budget = evidence.budget();
    let ask = |rule: &'static Rule, shared: &Shared| {
        let mut advice = empty.clone();
        if budget.is_spent() {
            return advice;
        }
        let mut check = Check {
            rule,
            evidence,
            survey,
            expectations,
            shared,
            advice: &mut advice,
        };
        (rule.check)(&mut check);
        rule.scope.withdraw(rule, evidence, &mut advice);
        // Whether that was too much is asked before the next rule.
        let found = advice.findings.iter().map(size).sum();
        let _ = budget.step(1).and_then(|()| budget.retain(found));
        advice
    };
    let acceptance = Acceptance::of(evidence, target, empty.is_integrity_only);
    let rules: Vec<&'static Rule> = all().into_iter().filter(|rule| empty.applies(rule)).collect();
    let shared = Shared::default();
    let before = budget.cost();
    let was_spent = budget.is_spent();
    let mut asked = parallel::map(&rules, 1, |rule| {
        evidence.measure(Phase::Rules, || ask(rule, &shared))
    });
    if budget.is_spent() && !was_spent {
        // Which of two budgets is spent first depends on threads, unless there is only one.
        budget.rewind(before);
        evidence.listing.forget_tables();
        let shared = Shared::default();
        asked = rules.iter().map(|rule| ask(rule, &shared)).collect();
    }
    let mut advice = empty.clone();
    for (rule, mut one) in rules.iter().zip(asked) {
        one.findings
            .retain_mut(|finding| acceptance.settle(rule, finding));
        advice.findings.append(&mut one.findings);
        advice.unknown.append(&mut one.unknown);
    }
    fold(&mut advice.findings, evidence);
    repair(evidence, &mut advice);
    if budget.is_spent() {
        // What there is to say about the item is only that.
        let mut limited = empty.clone();
        let mut check = Check {
            rule: &LIMIT_REACHED,
            evidence,
            survey,
            expectations,
            shared: &shared,
            advice: &mut limited,
        };
        (LIMIT_REACHED.check)(&mut check);
        repair(evidence, &mut limited);
        return limited;
    }
    sort(&mut advice.findings);
    advice
}

/// Writes the repair of every finding.
fn repair(evidence: &Evidence, advice: &mut Advice) {
    let remedies = Remedies::of(evidence, advice.target);
    let rules: HashMap<&str, &Rule> = all().into_iter().map(|rule| (rule.id, rule)).collect();
    for finding in &mut advice.findings {
        let Some(rule) = rules.get(finding.rule) else {
            continue;
        };
        let repair = remedies.repair(rule.remedy, finding);
        // Of what cannot be kept, the budget tells.
        if evidence.budget().retain(repair.size()).is_ok() || finding.rule == LIMIT_REACHED.id {
            finding.remedy = repair;
        }
    }
}

/// Bytes of a finding.
fn size(finding: &Finding) -> usize {
    let places = finding.places.iter();
    let places = places.map(|place| place.path.len().saturating_add(size_of::<Place>()));
    [&finding.code, &finding.path, &finding.message]
        .into_iter()
        .map(String::len)
        .chain(places)
        .fold(size_of::<Finding>(), usize::saturating_add)
}

/// Errors first; what is wrong with the archive may be the cause of all the rest, and what breaks the signature comes before what is
/// wrong with a good one.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        let about_archive = ABOUT_ARCHIVES.iter().position(|rule| *rule == finding.rule);
        let is_broken = finding.rejected_by.contains(&Party::Codesign);
        // What others follow from comes before what stands alone.
        let is_cause = is_broken && !finding.consequences.is_empty();
        std::cmp::Reverse((finding.severity, about_archive, is_broken, is_cause))
    });
}

/// Certificates for the App Store lead there; Apple's own software and XCFrameworks go nowhere; what else is signed, or is not, is taken
/// for something that users are to download (catalogue 0.1).
fn target_of(evidence: &Evidence) -> Target {
    let primary = evidence.code.first().and_then(|object| object.slices.first());
    match evidence.product() {
        Product::Mac => {}
        Product::Device(_) | Product::Simulator(_) => return Target::Ios,
        Product::XcFramework => return Target::Local,
    }
    match primary
        .and_then(|slice| slice.identity.as_ref())
        .map(|found| found.kind)
    {
        Some(
            CertificateKind::MacAppStore
            | CertificateKind::TestFlight
            | CertificateKind::Distribution
            | CertificateKind::DistributionInstaller,
        ) => Target::MacAppStore,
        Some(CertificateKind::AppleSoftware) => Target::Local,
        _ => Target::DeveloperId,
    }
}

/// What a rule has to say about one fault.
pub(crate) struct Description {
    pub(crate) message: String,
    pub(crate) places: Vec<Place>,
    /// What is known for the remedy.
    pub(crate) facts: Facts,
}

impl From<String> for Description {
    fn from(message: String) -> Self {
        Self {
            message,
            places: Vec::new(),
            facts: Facts::default(),
        }
    }
}

impl From<&str> for Description {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// What several rules ask about an item; each fact is found out when it is first asked for.
#[derive(Default)]
pub(super) struct Shared {
    linkage: OnceLock<Linkage>,
    broken_folders: OnceLock<Vec<BrokenFolder>>,
}

/// One rule at work on one item.
pub(crate) struct Check<'a> {
    rule: &'static Rule,
    evidence: &'a Evidence,
    survey: &'a Survey,
    expectations: &'a Expectations,
    shared: &'a Shared,
    advice: &'a mut Advice,
}

/// What a rule says of a slice.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) severity: Severity,
    pub(crate) message: String,
    /// Rules that keep silent because of it.
    pub(crate) consequences: Vec<&'static str>,
    /// What is known for the remedy.
    pub(crate) facts: Facts,
}

impl Said {
    pub(crate) fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            consequences: Vec::new(),
            facts: Facts::default(),
        }
    }
}

impl<'a> Check<'a> {
    /// What is known about the item.
    pub(crate) fn evidence(&self) -> &'a Evidence {
        self.evidence
    }

    /// Further facts about it, which no verdict needs.
    pub(super) fn survey(&self) -> &'a Survey {
        self.survey
    }

    /// What the user expects of it.
    pub(super) fn expectations(&self) -> &'a Expectations {
        self.expectations
    }

    /// Which file every load command of the item leads to; found out when it is first asked for.
    pub(super) fn linkage(&self) -> &'a Linkage {
        self.shared.linkage.get_or_init(|| Linkage::of(self.evidence))
    }

    /// Returns the folders that a seal takes for code although they are not bundles.
    pub(super) fn broken_folders(&self) -> &'a [BrokenFolder] {
        self.shared
            .broken_folders
            .get_or_init(|| broken_folders(self.evidence))
    }

    /// Where the item is meant to go.
    pub(crate) fn target(&self) -> Target {
        self.advice.target
    }

    /// A finding about a code object, at its executable.
    pub(crate) fn object(&mut self, object: &CodeObject, message: impl Into<String>) -> &mut Finding {
        self.add(&object.path, object.main_path(), message.into())
    }

    /// A finding about the Info.plist of a bundle.
    pub(super) fn info_plist(&mut self, object: &CodeObject, message: impl Into<String>) -> &mut Finding {
        let file = object.info_plist_file.as_ref();
        let path = file.map_or_else(|| object.main_path(), |file| file.path.clone());
        self.add(&object.path, path, message.into())
    }

    /// A finding about a key of the Info.plist of a bundle, at its line.
    pub(super) fn plist_key(
        &mut self,
        object: &CodeObject,
        key: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let file = object.info_plist_file.as_ref();
        let line = file.and_then(|file| file.line(key));
        let finding = self.info_plist(object, message);
        finding.line = line;
        finding
    }

    /// A finding about a file or folder in a code object, which is what is to be repaired.
    pub(super) fn within(
        &mut self,
        object: &CodeObject,
        path: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(&object.path, path.to_owned(), message.into())
    }

    /// The same, about the code object at the path `code`.
    pub(super) fn at(&mut self, code: &str, path: &str, message: impl Into<String>) -> &mut Finding {
        self.add(code, path.to_owned(), message.into())
    }

    /// A finding about one slice of a code object.
    pub(crate) fn slice(
        &mut self,
        object: &CodeObject,
        slice: &SliceEvidence,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.add(&object.path, object.main_path(), message.into());
        finding.architecture = slice.architecture.map(|found| found.to_string());
        finding
    }

    /// Asks about every slice that Apple did not sign itself, and reports what is to be said.
    pub(super) fn each_slice(
        &mut self,
        judge: impl Fn(&Self, &CodeObject, &SliceEvidence, Image) -> Option<Said>,
    ) {
        for (index, object) in self.evidence.code.iter().enumerate() {
            let mut said = Vec::new();
            for (number, slice) in object.slices.iter().enumerate() {
                let image = Image {
                    object: index,
                    slice: number,
                };
                said.push(if is_signed_by_apple(slice) {
                    None
                } else {
                    judge(self, object, slice, image)
                });
            }
            self.slices(object, said);
        }
    }

    /// Whatever is to be said about the slices of a code object: once, where it is the same of all of them.
    pub(crate) fn slices(&mut self, object: &CodeObject, said: Vec<Option<Said>>) {
        let first = said.first().cloned().flatten();
        let is_same = first.is_some() && said.iter().all(|other| *other == first);
        if is_same && let Some(said) = first {
            let finding = self.object(object, said.message);
            finding.severity = said.severity;
            finding.consequences = said.consequences;
            finding.facts = said.facts;
            return;
        }
        for (slice, said) in object.slices.iter().zip(said) {
            if let Some(said) = said {
                let finding = self.slice(object, slice, said.message);
                finding.severity = said.severity;
                finding.consequences = said.consequences;
                finding.facts = said.facts;
            }
        }
    }

    /// A finding about a file or folder of the item; the item is what is to be repaired.
    pub(crate) fn file(&mut self, path: &str, message: impl Into<String>) -> &mut Finding {
        self.add("", path.to_owned(), message.into())
    }

    /// The rule cannot be decided about this path.
    pub(crate) fn unknown(&mut self, path: &str, reason: impl Into<String>) {
        self.advice.unknown.push(Unknown {
            rule: self.rule.id,
            path: path.to_owned(),
            reason: reason.into(),
        });
    }

    /// Every fault of every code object, for which `describe` has something to say. A limit that was reached is not a fault
    /// of the code, and neither is a file that is missing only because a folder could not be read.
    pub(crate) fn each_fault<D: Into<Description>>(
        &mut self,
        describe: impl Fn(&Fault, Option<&SliceEvidence>) -> Option<D>,
    ) {
        for object in &self.evidence.code {
            // What seems to be missing may be where no name could be read.
            let is_hidden = self.evidence.may_hide_names(&object.path);
            let counts = |fault: &&Fault| fault.limit().is_none() && !(is_hidden && fault.is_absence());
            for fault in object.faults.iter().filter(counts) {
                let slice = fault.slice.and_then(|index| object.slices.get(index));
                if let Some(description) = describe(fault, slice) {
                    let description = description.into();
                    let finding = self.add(&object.path, fault.path.clone(), description.message);
                    finding.places = description.places;
                    finding.facts = description.facts;
                    finding.architecture = slice
                        .and_then(|slice| slice.architecture)
                        .map(|found| found.to_string());
                    finding.status = fault.status();
                }
            }
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the finding was just put there")]
    fn add(&mut self, code: &str, path: String, message: String) -> &mut Finding {
        let rule = self.rule;
        let finding = Finding {
            rule: rule.id,
            severity: rule.severity,
            rejected_by: rule.rejected_by.to_vec(),
            code: code.to_owned(),
            remedy: Repair::default(),
            facts: Facts::default(),
            path,
            line: None,
            architecture: None,
            message,
            places: Vec::new(),
            explanation: rule.explanation,
            status: None,
            details: Vec::new(),
            consequences: Vec::new(),
        };
        let index = self.advice.findings.len();
        self.advice.findings.push(finding);
        &mut self.advice.findings[index]
    }
}

/// The paths above a path, the nearest first, and the item itself.
pub(super) fn above(path: &str) -> impl Iterator<Item = &str> {
    let separators = path.rmatch_indices('/').filter_map(|(at, _)| path.get(..at));
    separators.chain((!path.is_empty()).then_some(""))
}

/// Removes every finding that follows from another one in the same code, and names it there. Does nothing more once the budget is spent.
fn fold(findings: &mut Vec<Finding>, evidence: &Evidence) {
    let budget = evidence.budget();
    let displaced = Displaced::of(evidence);
    let rules: HashMap<&str, &Rule> = all().into_iter().map(|rule| (rule.id, rule)).collect();
    let mut by_rule: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        by_rule
            .entry((&finding.code, finding.rule))
            .or_default()
            .push(index);
    }
    let cause_of = |index: usize| -> Option<usize> {
        let finding = findings.get(index)?;
        let rule = *rules.get(finding.rule)?;
        // Each cause is looked for in each folder around the code.
        let folders = finding.code.matches('/').count().saturating_add(1);
        let looked = finding.code.len().saturating_mul(folders);
        budget
            .scan(looked.saturating_mul(rule.follows_from_outer.len().saturating_add(1)))
            .ok()?;
        let own = rule
            .follows_from
            .iter()
            .map(|cause| (finding.code.as_str(), *cause));
        let outer = above(&finding.code)
            .flat_map(|code| rule.follows_from_outer.iter().map(move |cause| (code, *cause)));
        let bundle = displaced.bundle(&finding.code).into_iter();
        let bundle = bundle.flat_map(|code| rule.follows_from_bundle.iter().map(move |cause| (code, *cause)));
        let mut candidates = own
            .chain(bundle)
            .chain(outer)
            .filter_map(|key| by_rule.get(&key))
            .flatten();
        candidates
            .find(|other| {
                findings.get(**other).is_some_and(|cause| {
                    cause.severity >= finding.severity
                        && (cause.architecture.is_none()
                            || finding.architecture.is_none()
                            || cause.architecture == finding.architecture)
                })
            })
            .copied()
    };
    let mut folded: Vec<(usize, usize)> = Vec::new();
    for index in 0..findings.len() {
        let mut at = index;
        for _ in 0..MAX_CHAIN {
            match cause_of(at) {
                Some(cause) if cause != index => at = cause,
                _ => break,
            }
        }
        if at != index {
            folded.push((index, at));
        }
    }
    for (index, cause) in &folded {
        let consequence = findings.get(*index);
        let consequence =
            consequence.map(|finding| (finding.rule, finding.rejected_by.clone(), finding.status));
        if let (Some(cause), Some((rule, parties, status))) = (findings.get_mut(*cause), consequence) {
            if !cause.consequences.contains(&rule) {
                cause.consequences.push(rule);
            }
            cause.take_over(&parties, status);
        }
    }
    let mut index = 0_usize;
    findings.retain(|_| {
        let is_folded = folded.binary_search_by_key(&index, |(folded, _)| *folded).is_ok();
        index = index.saturating_add(1);
        !is_folded
    });
}
