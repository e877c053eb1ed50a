//! A run over the operands of `check`, `verify` and `assess`: which items they are, one after the other, and what is said
//! at the end. No more than one item is kept in memory, beside what the reports need.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::Exit;
use super::left_out::{Omissions, Reached};
use super::outputs::Outputs;
use super::progress::Watch;
use super::timings::Clock;
use super::words::nearest_command;
use super::{Session, complain};
use crate::outcome::Outcome;
use crate::report::{LeftOut, Run, Settings, Summary, Unreadable};
use crate::source::{SourceError, shown_path};
use crate::subject::{Item, Skipped};
use crate::timing::{Phase, Timings};
use crate::verify::Options;

/// The items of a run.
#[derive(Default)]
pub(super) struct Operands {
    pub(super) items: Vec<Item>,
    unreadable: Vec<Unreadable>,
    skipped: Skipped,
    left_out: Vec<LeftOut>,
    /// How long the search for the items took, where the work is measured.
    search: Option<Arc<Timings>>,
    /// Where the items were looked for.
    pub(super) reached: Reached,
}

impl Operands {
    /// Every operand as it is, as Apple's tools take it.
    pub(super) fn plain(paths: &[PathBuf], session: &Session<'_>) -> Self {
        Self {
            items: paths.iter().map(|path| session.origin.item(path)).collect(),
            ..Self::default()
        }
    }

    /// The items that the operands stand for.
    pub(super) fn expanded(paths: &[PathBuf], session: &Session<'_>) -> Self {
        // A detached signature is that of the operand.
        if session.options.detached.is_some() {
            return Self::plain(paths, session);
        }
        let mut operands = Self {
            search: session.timings(),
            ..Self::default()
        };
        let options = Options {
            timings: operands.search.clone(),
            ..session.options.clone()
        };
        let mut omissions = Omissions::begin(&session.decisions.omissions, session.options.at);
        for path in paths {
            let find = || session.origin.items(path, &options.search());
            match options.measure(Phase::Listing, find) {
                Ok(found) => {
                    for unread in found.unread {
                        if !omissions.leaves_out(Path::new(&unread.path), path) {
                            operands.unreadable(unread.path, unread.reason, session);
                        }
                    }
                    operands
                        .reached
                        .add(path, found.items.iter().map(|item| item.path.as_path()));
                    let items = found.items.into_iter();
                    let kept = items.filter(|item| !omissions.leaves_out(&item.path, path));
                    operands.items.extend(kept);
                    operands.skipped.extend(found.skipped);
                }
                Err(SourceError::Container { path, reason, .. }) => {
                    operands.unreadable(path, reason, session);
                }
                // What cannot be read at all is reported when it is examined.
                Err(_) => operands.items.push(session.origin.item(path)),
            }
        }
        operands.left_out = omissions.end(&operands.reached);
        for left_out in &mut operands.left_out {
            left_out.place = session.source.place(Path::new(&left_out.path));
        }
        if paths.len() > 1 {
            operands.items.iter_mut().for_each(Item::forget_names);
        }
        operands
    }

    fn unreadable(&mut self, path: String, reason: String, session: &Session<'_>) {
        complain(&format!("sealcheck: {path}: {reason}"));
        let place = session.source.place(Path::new(&path));
        self.unreadable.push(Unreadable { path, reason, place });
    }

    /// The items for a command that shows something of each, and the exit status so far. What is not opened is named.
    pub(super) fn of_display(paths: &[PathBuf], session: &Session<'_>) -> (Vec<Item>, Exit) {
        let operands = Self::expanded(paths, session);
        let status = if operands.unreadable.is_empty() {
            Exit::Good
        } else {
            Exit::NotJudged
        };
        (operands.items, status)
    }

    /// The operands, and places in them, that cannot be read.
    pub(super) fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.unreadable)
    }

    /// Returns true if there are several.
    pub(super) fn are_many(&self) -> bool {
        self.items.len().saturating_add(self.unreadable.len()) > 1
    }
}

/// A run as far as it has come.
pub(super) struct Course<'a, 'o> {
    session: &'a Session<'a>,
    settings: Settings<'a>,
    outputs: Outputs<'a>,
    out: &'o mut dyn Write,
    watch: Watch,
    summary: Summary,
    unreadable: Vec<Unreadable>,
    skipped: Skipped,
    left_out: Vec<LeftOut>,
    worst: Exit,
    clock: Option<Clock>,
    /// Whether nothing was left out so far.
    pub(super) is_complete: bool,
}

impl<'a, 'o> Course<'a, 'o> {
    /// Begins a run over these items.
    pub(super) fn new(
        session: &'a Session<'a>,
        settings: Settings<'a>,
        operands: &mut Operands,
        outputs: Outputs<'a>,
        out: &'o mut dyn Write,
    ) -> Self {
        let unreadable = std::mem::take(&mut operands.unreadable);
        let has_nothing = operands.items.is_empty() && unreadable.is_empty();
        let is_without_code = has_nothing && session.options.only_code && operands.skipped.count > 0;
        // Nothing is known to be good if all items are left out. No demand is met if there is no code.
        let is_empty = operands.items.is_empty() && !operands.left_out.is_empty()
            || is_without_code && session.has_demands;
        if is_without_code && (session.has_demands || !session.global.quiet) {
            let count = operands.skipped.count;
            complain(&format!(
                "sealcheck: nothing was judged: --only-code leaves out all files ({count})"
            ));
        } else if is_empty {
            complain("sealcheck: all items are left out, so nothing was judged");
        }
        Self {
            session,
            settings,
            outputs,
            out,
            skipped: std::mem::take(&mut operands.skipped),
            left_out: std::mem::take(&mut operands.left_out),
            watch: Watch::new(operands.items.len()),
            summary: Summary::default(),
            worst: if unreadable.is_empty() && !is_empty {
                Exit::Good
            } else {
                Exit::NotJudged
            },
            is_complete: unreadable.is_empty(),
            clock: session
                .is_timed
                .then(|| Clock::new(operands.search.take(), operands.items.len())),
            unreadable,
        }
    }

    /// Examines one item; complains where it cannot be read.
    pub(super) fn examine(&mut self, item: &Item) -> Option<Outcome> {
        let progress = self.watch.next();
        let timings = self
            .clock
            .as_ref()
            .and_then(|clock| clock.next(self.session.timings()));
        let examined = self.session.judge(
            item,
            &progress,
            timings,
            self.settings.has_findings || self.settings.is_assessment,
        );
        self.watch.done();
        examined.map_err(|error| self.refuse(&item.path, &error)).ok()
    }

    fn refuse(&mut self, path: &Path, error: &SourceError) {
        let is_missing = matches!(error, SourceError::Io { kind, .. } if *kind == io::ErrorKind::NotFound);
        let near = path.to_str().filter(|_| is_missing).and_then(nearest_command);
        let hint = match near {
            Some(near) => format!("; is the command {near} meant?"),
            None if is_missing && path == Path::new("-") => "; standard input is not read".to_owned(),
            None => String::new(),
        };
        self.fail(Exit::NotJudged, &format!("sealcheck: {error}{hint}"));
        self.unreadable.push(Unreadable {
            path: shown_path(path),
            reason: error.to_string(),
            place: self.session.source.place(path),
        });
    }

    /// Complains about something that makes the run incomplete.
    pub(super) fn fail(&mut self, status: Exit, message: &str) {
        self.watch.hidden(|| complain(message));
        self.worst.worsen(status);
        self.is_complete = false;
    }

    /// Reports an item.
    pub(super) fn add(&mut self, outcome: &Outcome, status: Exit) -> io::Result<()> {
        self.worst.worsen(status);
        self.summary.add(outcome, self.settings);
        let Self {
            outputs,
            out,
            watch,
            clock,
            ..
        } = self;
        watch.hidden(|| {
            outputs.add(outcome, *out)?;
            if let Some(clock) = clock {
                complain(&clock.add(outcome));
            }
            if watch.is_visible() {
                out.flush()?;
            }
            Ok(())
        })
    }

    /// Writes what stands at the end; the exit status.
    pub(super) fn end(self) -> io::Result<Exit> {
        let Self {
            settings,
            outputs,
            out,
            watch,
            summary,
            unreadable,
            skipped,
            left_out,
            mut worst,
            clock,
            ..
        } = self;
        drop(watch);
        let run = Run {
            settings,
            unreadable: &unreadable,
            skipped: &skipped,
            left_out: &left_out,
            summary,
            exit_status: worst.number(),
        };
        outputs.end(run, &mut worst, out)?;
        if let Some(sum) = clock.and_then(Clock::end) {
            complain(&sum);
        }
        Ok(worst)
    }
}
