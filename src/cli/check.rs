//! `sealcheck check`: all three verdicts, with what a project has decided about findings.

use std::io::{self, Write};
use std::path::PathBuf;

use super::config::Baselines;
use super::course::{Course, Operands, report};
use super::exit::Exit;
use super::values::ReportFormat;
use super::{Session, baseline, style};
use crate::gatekeeper::{self, fitting_operation};
use crate::report::{Human, Outcome};
use crate::rule::{Advised, Baseline};
use crate::verify::Gaps;

pub(super) fn run(
    paths: &[PathBuf],
    format: ReportFormat,
    baselines: &Baselines,
    session: &Session<'_>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let mut operands = Operands::expanded(paths, session);
    let settings = session.settings(true);
    let human = Human::new(style(session.global), settings, operands.are_many());
    let report = report(format, settings, human);
    let mut course = Course::new(session, settings, &mut operands, report, out);
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
        course.is_complete &= outcome.evidence.gaps() == Gaps::default();
        let mut item = Advised {
            name: outcome.evidence.name(),
            advice: &mut outcome.advice,
        };
        applied.add(&mut item);
        if let Some(known) = &session.baseline {
            known.apply(std::slice::from_mut(&mut item));
        }
        if baselines.write_baseline.is_some() {
            let new = Baseline::of(std::slice::from_ref(&item));
            // As the next run with it will.
            new.apply(std::slice::from_mut(&mut item));
            found.entries.extend(new.entries);
        }
        if let Some(before) = held.replace(outcome) {
            course.add(&before, Exit::of(before.exit_status()))?;
        }
    }
    if let Some(path) = &baselines.write_baseline
        && let Err(error) = baseline::write(path, &found)
    {
        let message = format!("sealcheck: {}: cannot be written: {error}", path.display());
        course.fail(Exit::NotJudged, &message);
    }
    let unused = applied.end(course.is_complete);
    if let Some(mut last) = held {
        last.advice.add(unused);
        course.add(&last, Exit::of(last.exit_status()))?;
    }
    course.end()
}
