//! `sealcheck check`: all three verdicts, with what a project has decided about findings.

use std::io::{self, Write};
use std::path::PathBuf;

use super::arguments::Reports;
use super::config::Choices;
use super::course::{Course, Operands};
use super::exit::Exit;
use super::outputs::{Outputs, report};
use super::{Session, baseline, style, style_in_file};
use crate::gatekeeper::{self, fitting_operation};
use crate::outcome::Outcome;
use crate::report::{Human, Report};
use crate::rule::{Advised, Baseline, Pattern, Reach};
use crate::verify::{CodesignFlags, Evidence, Gaps};

pub(super) fn run(
    paths: &[PathBuf],
    reports: &Reports,
    choices: &Choices,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let mut operands = Operands::expanded(paths, session);
    let settings = session.settings(true);
    let is_many = operands.are_many();
    let human = |style| -> Box<dyn Report> { Box::new(Human::new(style, settings, is_many)) };
    let main = report(reports.format, settings, || human(style(session.global)));
    let outputs = Outputs::begin(reports, session.global, settings, main, || {
        human(style_in_file(session.global))
    });
    let mut course = Course::new(session, settings, &mut operands, outputs, out);
    let mut applied = session.decisions.policy.begin(session.options.at);
    let mut found = Baseline::default();
    // The last item also tells what is known at the end only.
    let mut held: Option<Outcome> = None;
    for item in &operands.items {
        let Some(mut outcome) = course.examine(item) else {
            continue;
        };
        let operation = fitting_operation(&outcome.evidence);
        outcome.gatekeeper = Some(gatekeeper::assess(&outcome.evidence, operation));
        // What the options leave out may have what an ignore is for.
        let is_whole = outcome.evidence.flags == CodesignFlags::default();
        course.is_complete &= is_whole && outcome.evidence.gaps() == Gaps::default();
        let evidence = &outcome.evidence;
        let has_place = |pattern: &Pattern| has_place(evidence, pattern);
        let mut item = Advised {
            name: outcome.evidence.name(),
            advice: &mut outcome.advice,
        };
        applied.add(&mut item, has_place);
        if let Some(known) = &session.baseline {
            known.apply(std::slice::from_mut(&mut item));
        }
        if choices.write_baseline.is_some() {
            let new = Baseline::of(std::slice::from_ref(&item));
            // As the next run with it will.
            new.apply(std::slice::from_mut(&mut item));
            found.entries.extend(new.entries);
        }
        if let Some(before) = held.replace(outcome) {
            course.add(&before, Exit::of(before.exit_status()))?;
        }
    }
    if let Some(path) = &choices.write_baseline
        && let Err(error) = baseline::write(path, &found)
    {
        let message = format!("sealcheck: {}: cannot be written: {error}", path.display());
        course.fail(Exit::NotJudged, &message);
    }
    let reached = &operands.reached;
    let unused = applied.end(Reach {
        is_complete: course.is_complete,
        covers: &|pattern| reached.covers(pattern),
    });
    if let Some(mut last) = held {
        last.advice.add(unused);
        course.add(&last, Exit::of(last.exit_status()))?;
    }
    course.end()
}

/// Returns true if an item has a place that the pattern means.
fn has_place(evidence: &Evidence, pattern: &Pattern) -> bool {
    let listing = &evidence.listing;
    for id in listing.ids() {
        let path = listing.path(id);
        // Long paths are work as well.
        if listing.budget().scan(path.len()).is_err() {
            return false;
        }
        if pattern.is_place(&path) {
            return true;
        }
    }
    false
}
