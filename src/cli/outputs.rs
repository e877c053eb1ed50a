//! The reports of one run: the one in `--format`, those of `--report`, and the summary of a job of GitHub Actions.
//!
//! Every report is made item by item, at the same time. One that cannot be written makes a good run *not judged*, as the one
//! in `--output` does (`output`).

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::ColorChoice;

use super::arguments::{Global, Reports};
use super::exit::Exit;
use super::output::Sink;
use super::places::resolved;
use super::values::{Colour, ReportFormat};
use crate::outcome::Outcome;
use crate::report::{Github, Gitlab, Json, JsonLines, Junit, Markdown, Report, Run, Sarif, Settings};

/// The file in which GitHub Actions expects the summary of a job ("Adding a job summary").
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The report in a format for programs; `human` in the one for people, which is each command's own.
pub(super) fn report<'a>(
    format: ReportFormat,
    settings: Settings<'a>,
    human: impl FnOnce() -> Box<dyn Report + 'a>,
) -> Box<dyn Report + 'a> {
    match format {
        ReportFormat::Human => human(),
        ReportFormat::Json => Box::new(Json::new(settings)),
        ReportFormat::Jsonl => Box::new(JsonLines::new(settings)),
        ReportFormat::Sarif => Box::new(Sarif::new(settings)),
        ReportFormat::Github => Box::new(Github::new(settings)),
        ReportFormat::Gitlab => Box::new(Gitlab::new(settings)),
        ReportFormat::Junit => Box::new(Junit::new(settings)),
        ReportFormat::Markdown => Box::new(Markdown::new(settings)),
    }
}

/// How files of reports are coloured: not, unless that is asked for.
pub(super) fn file_colour(global: &Global) -> ColorChoice {
    match global.color {
        Colour::Always => ColorChoice::AlwaysAnsi,
        Colour::Auto | Colour::Never => ColorChoice::Never,
    }
}

/// The reports of a run.
pub(super) struct Outputs<'a> {
    main: Box<dyn Report + 'a>,
    more: Vec<(Box<dyn Report + 'a>, Sink)>,
}

impl<'a> Outputs<'a> {
    /// Begins all reports; `human` makes one for people in a file of its own.
    pub(super) fn begin(
        reports: &Reports,
        global: &Global,
        settings: Settings<'a>,
        main: Box<dyn Report + 'a>,
        human: impl Fn() -> Box<dyn Report + 'a>,
    ) -> Self {
        let more = reports.report.iter().map(|wanted| {
            let sink = Sink::file(&wanted.path, file_colour(global));
            (report(wanted.format, settings, &human), sink)
        });
        let mut more: Vec<_> = more.collect();
        let summary = env::var_os(SUMMARY).filter(|path| !path.is_empty());
        if let (ReportFormat::Github, Some(path)) = (reports.format, summary) {
            let markdown: Box<dyn Report + 'a> = Box::new(Markdown::new(settings));
            more.push((markdown, Sink::appended(Path::new(&path))));
        }
        Self { main, more }
    }

    /// Adds an item to every report.
    pub(super) fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        for (report, sink) in &mut self.more {
            report.add(outcome, sink)?;
        }
        self.main.add(outcome, out)
    }

    /// Ends every report. The main one is last, so that it has the exit status of a run whose other reports are lost.
    pub(super) fn end(mut self, mut run: Run<'_>, worst: &mut Exit, out: &mut dyn Write) -> io::Result<()> {
        for (report, sink) in &mut self.more {
            run.exit_status = worst.number();
            report.end(run, sink)?;
            sink.end(worst);
        }
        run.exit_status = worst.number();
        self.main.end(run, out)
    }
}

/// Refuses to write two reports into one file, where the second would replace the first.
///
/// # Errors
/// The message and the exit status.
pub(super) fn check_files(reports: &Reports, output: Option<&Path>) -> Result<(), (String, Exit)> {
    let more = reports.report.iter().map(|wanted| wanted.path.as_path());
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in output.into_iter().chain(more) {
        // Devices and pipes take any number.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            continue;
        }
        let place = resolved(path);
        if seen.contains(&place) {
            let message = format!("sealcheck: {}: named for two reports", path.display());
            return Err((message, Exit::Usage));
        }
        seen.push(place);
    }
    Ok(())
}
