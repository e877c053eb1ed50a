//! The usual way into the library: one item, all three verdicts, and every reason not to trust it.
//!
//! What the layers below offer one by one, in the order in which `sealcheck check` asks them. Nothing is decided here that
//! is not decided there; [`Outcome::objections`] only gathers it. The clock is the caller's.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::finding::Target;
use crate::gatekeeper::{assess, fitting_operation};
use crate::outcome::Outcome;
use crate::parallel::Pool;
use crate::rule::{Advice, Expectations, advise};
use crate::source::{NamedBytes, SourceError, Tree, shown_path};
use crate::subject::{Item, Items, Origin};
use crate::survey::{Survey, examine_item, examine_tree};
use crate::time::UnixTime;
use crate::timing::Phase;
use crate::verify::{Options, verify};

/// Checks items, each in full. One checker serves any number of items, also from several threads.
#[derive(Debug)]
pub struct Checker {
    /// How to verify.
    pub options: Options,
    /// Where the items are meant to go; without it, their certificates decide.
    pub target: Option<Target>,
    /// What is expected of every item; what is not met is an error finding.
    pub expectations: Expectations,
    threads: Pool,
    /// The disk, and what was opened on it.
    origin: Origin,
}

impl Checker {
    /// A checker whose verdicts hold for the time `at`, with Apple's roots and one thread for each processor. Without the feature
    /// `parallel` there are no threads, and the stack of the caller needs 16 MiB.
    ///
    /// # Errors
    /// Where the operating system gives no threads.
    pub fn new(at: impl Into<UnixTime>) -> io::Result<Self> {
        Ok(Self {
            options: Options {
                at: at.into(),
                ..Options::default()
            },
            target: None,
            expectations: Expectations::default(),
            threads: Pool::new()?,
            origin: Origin::default(),
        })
    }

    /// Checks every item in a file, an archive or a folder in memory, as [`Self::check_all`] does for those on a disk. Nothing else is
    /// read. A name that cannot be in a folder is an error. The list is empty only with [`Options::only_code`], where there is no code.
    ///
    /// # Errors
    /// [`SourceError`] when an archive cannot be read.
    pub fn check_bytes(&self, files: NamedBytes) -> Result<Vec<Result<Outcome, SourceError>>, SourceError> {
        let unplaced = files.unplaced().into_iter();
        let unplaced = unplaced.map(|path| SourceError::Unread {
            path,
            reason: "there can be no file of this name in the folder".to_owned(),
        });
        let unplaced: Vec<_> = unplaced.collect();
        let name = files.name().to_owned();
        let origin = Origin::in_memory(Arc::new(files));
        let found = self.find(&origin, Path::new(&name), &self.options)?;
        let all = found.items.iter().map(|item| self.check_item(item));
        let unread = found.unread.into_iter().map(|place| SourceError::Unread {
            path: place.path,
            reason: place.reason,
        });
        Ok(all.chain(unread.chain(unplaced).map(Err)).collect())
    }

    /// Checks the code at the root of a tree of any kind.
    ///
    /// # Errors
    /// [`SourceError`] when the main file of the root cannot be read.
    pub fn check_tree<T: Tree + ?Sized>(&self, tree: &T) -> Result<Outcome, SourceError> {
        let options = measured(&self.options);
        self.threads.install(|| {
            let examined = options.measure(Phase::Other, || examine_tree(tree, &options));
            let (mut evidence, survey) = examined?;
            let advice = advise(&evidence, &survey, self.target, &self.expectations);
            evidence.mind_budget();
            Ok(assessed(Outcome::new(evidence, survey, advice)))
        })
    }

    /// Checks the one item that `path` stands for: the facts about its code, the codesign verdict, the Gatekeeper verdict and
    /// the findings. A folder or an archive that holds one item stands for it.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read, and [`SourceError::ManyItems`] when there are several; then [`Self::check_all`]
    /// checks each of them. Every defect of the code itself is in the outcome.
    pub fn check(&self, path: &Path) -> Result<Outcome, SourceError> {
        // The search for the item is a part of the work on it.
        let options = measured(&self.options);
        let mut found = self.find(&self.origin, path, &options)?;
        match (found.items.pop(), found.items.len(), found.unread.len()) {
            (Some(item), 0, 0) => self.examine(&item, &options),
            (_, others, unread) => {
                let count = others.saturating_add(1).saturating_add(unread);
                let path = shown_path(path);
                Err(SourceError::ManyItems { path, count })
            }
        }
    }

    /// Checks every item that `path` stands for, one after the other, as the program does for a folder or an archive. Places that
    /// cannot be read are errors, and come last: an operand is good only if there is neither an error nor an objection.
    ///
    /// # Errors
    /// [`SourceError`] when `path` itself cannot be read.
    pub fn check_all(
        &self,
        path: &Path,
    ) -> Result<impl Iterator<Item = Result<Outcome, SourceError>>, SourceError> {
        let found = self.items(path)?;
        let unread = found.unread.into_iter().map(|place| {
            Err(SourceError::Unread {
                path: place.path,
                reason: place.reason,
            })
        });
        Ok(found
            .items
            .into_iter()
            .map(|item| self.check_item(&item))
            .chain(unread))
    }

    /// The items that `path` stands for: see [`Items`].
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub fn items(&self, path: &Path) -> Result<Items, SourceError> {
        self.find(&self.origin, path, &self.options)
    }

    fn find(&self, origin: &Origin, path: &Path, options: &Options) -> Result<Items, SourceError> {
        let find = || options.measure(Phase::Listing, || origin.items(path, &options.search()));
        self.threads.install(find)
    }

    /// Checks one item of [`Self::items`].
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    pub fn check_item(&self, item: &Item) -> Result<Outcome, SourceError> {
        self.examine(item, &measured(&self.options))
    }

    fn examine(&self, item: &Item, options: &Options) -> Result<Outcome, SourceError> {
        // On a thread of its own stack, whatever the caller's is.
        self.threads
            .install(|| examine(item, options, self.target, Some(&self.expectations)).map(assessed))
    }
}

/// The options, with what measures the work on one item.
fn measured(options: &Options) -> Options {
    let timings = options.timings.as_ref();
    Options {
        timings: timings.map(|timings| Arc::new(timings.anew())),
        ..options.clone()
    }
}

/// The outcome with what Gatekeeper would say.
fn assessed(mut outcome: Outcome) -> Outcome {
    outcome.gatekeeper = Some(assess(&outcome.evidence, fitting_operation(&outcome.evidence)));
    outcome
}

/// Everything about one item but what Gatekeeper would say, on the caller's stack. Without expectations no rule is asked, and only the codesign
/// verdict is found out.
pub(crate) fn examine(
    item: &Item,
    options: &Options,
    target: Option<Target>,
    expectations: Option<&Expectations>,
) -> Result<Outcome, SourceError> {
    let Some(expectations) = expectations else {
        let evidence = options.measure(Phase::Other, || verify(item, options))?;
        let advice = Advice::unasked(&evidence, target);
        return Ok(Outcome::new(evidence, Survey::default(), advice));
    };
    let examined = options.measure(Phase::Other, || examine_item(item, options));
    let (mut evidence, survey) = examined?;
    let advice = advise(&evidence, &survey, target, expectations);
    evidence.mind_budget();
    Ok(Outcome::new(evidence, survey, advice))
}
