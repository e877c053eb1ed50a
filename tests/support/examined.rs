//! Items with everything that rules are asked about: the evidence and the survey.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use sealcheck::SourceError;
use sealcheck::finding::Target;
use sealcheck::rule::{self, Advice, Expectations};
use sealcheck::subject::Item;
use sealcheck::survey::{Survey, examine_item};
use sealcheck::verify::{Evidence, Options};

/// An item with its evidence and its survey.
#[derive(Debug, Clone)]
pub struct Examined {
    pub evidence: Evidence,
    pub survey: Survey,
}

impl Deref for Examined {
    type Target = Evidence;

    fn deref(&self) -> &Evidence {
        &self.evidence
    }
}

impl DerefMut for Examined {
    fn deref_mut(&mut self) -> &mut Evidence {
        &mut self.evidence
    }
}

/// Verifies and surveys the item at `path`.
pub fn examine(path: &Path, options: &Options) -> Result<Examined, SourceError> {
    of_item(&Item::at(path), options)
}

/// The same with an item of a folder or archive.
pub fn of_item(item: &Item, options: &Options) -> Result<Examined, SourceError> {
    examine_item(item, options).map(|(evidence, survey)| Examined { evidence, survey })
}

/// What the rules say about it.
pub fn advise(item: &Examined, target: Option<Target>, expectations: &Expectations) -> Advice {
    rule::advise(&item.evidence, &item.survey, target, expectations)
}
