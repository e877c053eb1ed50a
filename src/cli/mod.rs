//! The command line: arguments to library calls, outcomes to an exit status.
//!
//! The only module that reads the clock, the environment and the terminal. Reports go to standard output,
//! complaints of the program itself to standard error.

mod arguments;
mod assess;
mod baseline;
mod check;
mod config;
mod course;
mod entitlements;
mod exit;
mod expected;
mod file;
mod help;
mod inspect;
mod left_out;
mod manual;
mod output;
mod outputs;
mod places;
mod profile;
mod progress;
mod requirement;
mod rules;
mod source_root;
mod spelling;
mod thread;
mod ticket;
mod timings;
mod values;
mod verify;
mod words;

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anstream::ColorChoice;
use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command, Demands, Global, Reading, RequirementCommand};
use values::{Colour, RequirementForm};

use config::Decisions;
use exit::Exit;
use output::Sink;
use progress::Watch;
use source_root::SourceRoot;

use crate::checker;
use crate::finding::Target;
use crate::limits::Limits;
use crate::outcome::Outcome;
use crate::parallel;
use crate::report::{Settings, Style, Totals, visible, write_line};
use crate::requirement::Requirement;
use crate::rule::{Baseline, Expectations};
use crate::source::SourceError;
use crate::subject::{Item, Origin};
use crate::survey::{Survey, examine_item};
use crate::time::UnixTime;
use crate::timing::Timings;
use crate::trust::Anchors;
use crate::verify::{Evidence, Options, OsStatus, Progress, SliceEvidence, every_slice_satisfies, verify};

pub use output::Closed;

/// Bytes of a file with certificates; those of all authorities in the world have a fifth of it.
const MAX_ANCHORS: u64 = 1 << 20;
/// Columns of a report, unless the terminal has fewer: logs of pipelines and mails show no more.
const WIDTH: usize = 80;

/// Runs the program with the process's arguments.
#[must_use]
pub fn run(closed: Closed) -> ExitCode {
    thread::on_own_stack(|| work(closed)).into()
}

fn work(closed: Closed) -> Exit {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(help) = words::asks_for_overview(&words) {
        let words = words.iter().take(1).cloned().chain([help.into()]);
        if let Err(answer) = words::overview().try_get_matches_from(words) {
            return say(&answer, closed);
        }
    }
    let mut arguments = match Arguments::try_parse_from(words::in_order(words.into_iter())) {
        Ok(arguments) => arguments,
        Err(answer) => return say(&words::answered(answer), closed),
    };
    // As in other programs: standard output, not a file of this name.
    let global = &mut arguments.global;
    global.output = global.output.take().filter(|path| path != Path::new("-"));
    match arguments.global.color {
        Colour::Auto => {}
        Colour::Always => ColorChoice::Always.write_global(),
        Colour::Never => ColorChoice::Never.write_global(),
    }
    if let Some(word) = arguments.wrong_strict_word() {
        return refuse_strict(&arguments, word, closed);
    }
    if let Err(error) = crate::source::guard_mappings() {
        complain(&format!("sealcheck: cannot install a signal handler: {error}"));
        return Exit::NotJudged;
    }
    // Zero threads: as many as there are processors.
    let jobs = arguments
        .reading()
        .and_then(|reading| reading.jobs)
        .unwrap_or_default();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(jobs))
        .stack_size(parallel::STACK);
    if let Err(error) = pool.build_global() {
        complain(&format!("sealcheck: cannot start threads: {error}"));
        return Exit::NotJudged;
    }
    let session = match Session::new(&arguments, closed) {
        Ok(session) => session,
        Err((message, status)) => {
            complain(&message);
            return status;
        }
    };
    let mut out = output(&arguments, closed);
    let mut exit = dispatch(&arguments, &session, &mut out).unwrap_or_else(|error| {
        complain(&format!("sealcheck: {error}"));
        Exit::NotJudged
    });
    out.end(&mut exit);
    session.apple.borrow_mut().end(&mut exit);
    exit
}

/// Says what the parser of the arguments has to say: help and version as a report, what is wrong on standard error.
fn say(answer: &clap::Error, closed: Closed) -> Exit {
    if answer.use_stderr() {
        // There is nowhere left to report a failure of standard error.
        let _ = answer.print();
        return Exit::Usage;
    }
    let mut exit = Exit::Good;
    let mut out = Sink::output(ColorChoice::Auto, closed);
    // A sink reports its failures itself.
    let _ = write!(out, "{}", answer.render().ansi());
    out.end(&mut exit);
    exit
}

/// A word that `--strict` does not know: Apple's line and status in the style of codesign (native observation 5.1), which
/// verifies nothing then.
fn refuse_strict(arguments: &Arguments, word: &str, closed: Closed) -> Exit {
    let message = format!("invalid strict option - {word}");
    if arguments.is_codesign_style() {
        complain_as_apple(&message);
        return Exit::Failed;
    }
    let kind = clap::error::ErrorKind::ValueValidation;
    say(&Arguments::command().error(kind, message), closed)
}

/// Says something on standard error, in lines of 80 columns. Names in it are somebody else's, so what would move the cursor is written out.
fn complain(message: &str) {
    for line in message.lines() {
        // There is nowhere left to report a failure of standard error.
        let _ = write_line(line, "", WIDTH, &mut anstream::stderr());
    }
}

/// Says what one of Apple's tools says, word for word.
fn complain_as_apple(message: &str) {
    let _ = writeln!(anstream::stderr(), "{}", visible(message));
}

/// In the words of `codesign -d`.
fn complain_unsigned(evidence: &Evidence) {
    complain_as_apple(&format!("{}: {}", evidence.path, OsStatus::UNSIGNED.message()));
}

/// What all operands of one run share.
struct Session<'a> {
    global: &'a Global,
    command: &'a Command,
    /// Where the code is meant to go, as the command line says.
    target: Option<Target>,
    options: Options,
    /// Where the operands are.
    origin: Origin,
    /// The requirement of `-R`, with its text.
    requirement: Option<(Requirement, String)>,
    expectations: Expectations,
    /// The same in words.
    expected: Vec<String>,
    /// True if the command line demands something of every item.
    has_demands: bool,
    decisions: Decisions,
    /// Where its file is, from the root of the sources.
    config_place: Option<String>,
    baseline: Option<Baseline>,
    source: SourceRoot,
    /// True if the work is measured.
    is_timed: bool,
    /// Standard error, where the styles of Apple's tools report.
    apple: RefCell<Sink>,
}

impl<'a> Session<'a> {
    /// The message and the exit status, where the options themselves cannot be used.
    fn new(arguments: &'a Arguments, closed: Closed) -> Result<Self, (String, Exit)> {
        let global = &arguments.global;
        let none = Demands::default();
        let demands = match &arguments.command {
            Command::Check { demands, .. } | Command::Verify { demands, .. } => demands,
            _ => &none,
        };
        let requirement = demands
            .requirement
            .as_deref()
            .map(|text| {
                requirement::of_option(text).map_err(|unusable| match unusable {
                    // Apple's tools have one status for both.
                    _ if arguments.is_codesign_style() => (unusable.message, Exit::Failed),
                    _ => unusable.with(Exit::Usage),
                })
            })
            .transpose()?
            .map(|requirement| {
                let text = requirement.to_string();
                (requirement, text)
            });
        let unread = Reading::default();
        let reading = arguments.reading().unwrap_or(&unread);
        let anchors = Self::anchors(reading)?;
        let mut flags = demands.flags();
        let mut keeps_page_digests = false;
        let mut keeps_file_digests = false;
        if let Command::Inspect {
            bundle_version,
            style,
            arch,
            format,
            ..
        } = &arguments.command
        {
            flags.architecture.clone_from(arch);
            flags.bundle_version.clone_from(bundle_version);
            keeps_file_digests = format.form().is_some();
            keeps_page_digests = verify::display_level(*style, global) >= 6;
        }
        let mut limits = Limits::default();
        for (name, number) in &reading.limit {
            limits.set(name, *number);
        }
        let detached = demands.detached.as_ref().map(|path| {
            let read = file::read(path, limits.signature_file);
            read.map_err(|error| (format!("sealcheck: {}: {error}", path.display()), Exit::NotJudged))
        });
        let detached = detached.transpose()?;
        let elsewhere = match &arguments.command {
            Command::Assess { elsewhere, .. } | Command::Ticket { elsewhere, .. } => elsewhere,
            _ => &demands.elsewhere,
        };
        let tickets = elsewhere
            .ticket
            .iter()
            .map(|path| ticket::read(path))
            .collect::<Result<_, _>>();
        let options = Options {
            limits,
            tickets: tickets.map_err(|message| (message, Exit::NotJudged))?,
            host_architecture: reading.host_arch.into(),
            anchors,
            at: reading.at.unwrap_or_else(now),
            check_expiration: demands.check_expiration,
            flags,
            keeps_page_digests,
            keeps_file_digests,
            detached: detached.map(Into::into),
            kernel: reading.hash_kernel,
            containers_are_files: arguments.is_in_style_of_apple(),
            only_code: matches!(arguments.command, Command::Check { only_code: true, .. }),
            ..Options::default()
        };
        let source = match arguments.command.reports() {
            Some(reports) => {
                outputs::check_files(reports, global.output.as_deref())?;
                SourceRoot::new(reports.source_root.as_deref())?
            }
            None => SourceRoot::default(),
        };
        let origin = Origin::default();
        let search = options.search();
        places::check(
            &arguments.command.written(global),
            arguments.command.paths(),
            &origin,
            &search,
        )?;
        let (mut expectations, mut decisions, mut baseline, mut has_demands) = Default::default();
        if let Command::Check {
            expected, choices, ..
        } = &arguments.command
        {
            expected.warn();
            expectations = expected.expectations();
            has_demands = requirement.is_some() || expectations != Expectations::default();
            decisions = Decisions::new(choices, has_demands)?;
            expectations = expectations.and(std::mem::take(&mut decisions.expectations));
            baseline = choices.baseline.as_deref().map(baseline::read).transpose()?;
        } else if let (Some(command), false) = (arguments.command.verdict(), arguments.is_in_style_of_apple())
        {
            config::warn_of_unused(command);
        }
        Ok(Self {
            global,
            command: &arguments.command,
            target: arguments.target().or(decisions.target),
            options,
            origin,
            requirement,
            expected: Expectations::lines(&expectations),
            expectations,
            has_demands,
            config_place: decisions.file.as_ref().map(|file| source.place(Path::new(file))),
            decisions,
            baseline,
            source,
            is_timed: arguments.command.reports().is_some_and(|reports| reports.timings),
            apple: RefCell::new(Sink::error(closed)),
        })
    }

    fn anchors(reading: &Reading) -> Result<Anchors, (String, Exit)> {
        let mut anchors = Anchors::default();
        let say = |path: &Path, why: &dyn Display| format!("sealcheck: {}: {why}", path.display());
        let read =
            |path: &Path| file::read(path, MAX_ANCHORS).map_err(|error| (say(path, &error), Exit::NotJudged));
        for path in &reading.trust_anchor {
            let added = anchors.trust(&read(path)?);
            added.map_err(|error| (say(path, &error), Exit::Usage))?;
        }
        for path in &reading.apple_anchor {
            let added = anchors.trust_as_apple(&read(path)?);
            added.map_err(|error| (say(path, &error), Exit::Usage))?;
        }
        Ok(anchors)
    }

    /// What measures the work, where that is asked for.
    fn timings(&self) -> Option<Arc<Timings>> {
        let start = Instant::now();
        self.is_timed
            .then(|| Arc::new(Timings::new(move || start.elapsed())))
    }

    /// The table at the end of a report for people; `is_own` is false in the styles of Apple's tools, which have none.
    fn totals<'s>(&self, settings: Settings<'s>, is_own: bool, is_many: bool) -> Totals<'s> {
        let mut totals = Totals::new(settings);
        totals.is_wanted = is_many && is_own;
        totals.is_quiet = self.global.quiet;
        totals.lists_skipped = is_own && !self.global.quiet && self.global.verbose > 0;
        totals
    }

    /// Says something word for word on standard error, in the styles of Apple's tools.
    fn say_as_apple(&self, message: &str) {
        // A sink reports its failures itself.
        let _ = writeln!(self.apple.borrow_mut(), "{message}");
    }

    fn settings(&self, has_findings: bool) -> Settings<'_> {
        Settings {
            host_architecture: self.options.host_architecture,
            at: self.options.at,
            requirement: self.requirement.as_ref().map(|(_, text)| text.as_str()),
            expected: &self.expected,
            config: self.decisions.file.as_deref(),
            config_place: self.config_place.as_deref(),
            has_apple_anchor: self.options.anchors.is_substituted(),
            target: self.target,
            has_findings,
            is_assessment: matches!(self.command, Command::Assess { .. }),
            deep: self.options.flags.deep,
            strict: self.options.flags.strict,
        }
    }

    /// The evidence of one item, for commands that judge nothing; a message where there is none.
    fn examine(&self, item: &Item) -> Result<Evidence, String> {
        let evidence = verify(item, &self.watched(&Watch::new(1)));
        opened(evidence.map_err(|error| format!("sealcheck: {error}"))?)
    }

    /// The same with a survey of the item.
    fn survey(&self, item: &Item) -> Result<(Evidence, Survey), String> {
        let found = examine_item(item, &self.watched(&Watch::new(1)));
        let (evidence, survey) = found.map_err(|error| format!("sealcheck: {error}"))?;
        Ok((opened(evidence)?, survey))
    }

    /// The options with counters that `watch` shows.
    fn watched(&self, watch: &Watch) -> Options {
        Options {
            progress: Some(watch.next()),
            ..self.options.clone()
        }
    }

    /// Verifies one operand, and asks the rules about it.
    fn judge(
        &self,
        item: &Item,
        progress: &Arc<Progress>,
        timings: Option<Arc<Timings>>,
        has_findings: bool,
    ) -> Result<Outcome, SourceError> {
        let options = Options {
            progress: Some(Arc::clone(progress)),
            timings,
            ..self.options.clone()
        };
        let start = Instant::now();
        let target = self.target;
        let expectations = has_findings.then_some(&self.expectations);
        let examine = || checker::examine(item, &options, target, expectations);
        // A thread that waits for those that work would count twice; waking one up takes longer than a small item.
        let mut outcome = match self.is_timed {
            true => parallel::inside(examine),
            false => examine(),
        }?;
        outcome.explicit_requirement = self.requirement.as_ref().map(|(requirement, _)| {
            let item = outcome.evidence.code.first();
            let answer = item.map_or(Ok(None), |item| every_slice_satisfies(item, requirement));
            // Nothing is affirmed of code that is not judged.
            let is_judged = outcome.evidence.codesign.valid().is_some();
            answer.map(|answer| answer.filter(|is_met| is_judged || !is_met))
        });
        outcome.place = Some(self.source.place(Path::new(&outcome.evidence.root)));
        outcome.seconds = Some(start.elapsed().as_secs_f64());
        Ok(outcome)
    }
}

/// The evidence, unless nothing was opened.
fn opened(evidence: Evidence) -> Result<Evidence, String> {
    match evidence.unopened {
        None => Ok(evidence),
        Some(unopened) => Err(format!(
            "sealcheck: {}: not read: it is {}",
            evidence.path,
            unopened.noun()
        )),
    }
}

/// The slice of an architecture, or the primary one.
fn slice_of<'e>(evidence: &'e Evidence, architecture: Option<&str>) -> Result<&'e SliceEvidence, String> {
    let slices = evidence.code.first().map(|object| object.slices.as_slice());
    let is_wanted = |slice: &&SliceEvidence| match architecture {
        None => true,
        Some(name) => slice.architecture.is_some_and(|found| found.to_string() == name),
    };
    slices
        .unwrap_or_default()
        .iter()
        .find(is_wanted)
        .ok_or_else(|| match architecture {
            Some(name) => format!("{}: no architecture {name}", evidence.path),
            None => format!("{}: no code", evidence.path),
        })
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

fn dispatch(arguments: &Arguments, session: &Session<'_>, out: &mut dyn Write) -> io::Result<Exit> {
    match &arguments.command {
        Command::Check {
            paths,
            reports,
            choices,
            ..
        } => check::run(paths, reports, choices, session, out),
        Command::Verify {
            paths,
            reports,
            style,
            ..
        } => verify::run(paths, (reports, *style), session, out),
        Command::Assess {
            paths,
            operation,
            reports,
            style,
            ..
        } => assess::run(paths, *operation, (reports, *style), session, out),
        Command::Profile { paths, format, .. } => profile::run(paths, *format, session, out),
        Command::Inspect { paths, format, .. } => match format.form() {
            Some(form) => inspect::run(paths, form, session, out),
            None => verify::inspect(paths, &arguments.command, session, out),
        },
        Command::Requirement(command) => requirement::run(command, session, out),
        Command::Entitlements {
            paths, format, arch, ..
        } => entitlements::run(paths, *format, arch.as_deref(), session, out),
        Command::Ticket { paths, format, .. } => ticket::run(paths, *format, session, out),
        Command::Rules { format } => rules::list(*format, style(session.global).width, out),
        Command::Explain { subject } => rules::explain(subject, style(session.global).width, out),
        Command::Completions { shell } => manual::completions(*shell, out),
        Command::Man { directory } => manual::pages(directory.as_deref(), out),
    }
}

/// Where the report goes. Files get no colour unless it is asked for; binary output is never touched.
fn output(arguments: &Arguments, closed: Closed) -> Sink {
    let is_binary = matches!(
        arguments.command,
        Command::Entitlements { .. }
            | Command::Requirement(RequirementCommand::Parse {
                format: RequirementForm::Binary,
                ..
            })
    );
    let global = &arguments.global;
    match &global.output {
        None if is_binary => Sink::output(ColorChoice::AlwaysAnsi, closed),
        None => Sink::output(ColorChoice::Auto, closed),
        Some(path) if is_binary => Sink::file(path, ColorChoice::AlwaysAnsi),
        Some(path) => Sink::file(path, outputs::file_colour(global)),
    }
}

fn style(global: &Global) -> Style {
    let columns = match global.output {
        Some(_) => None,
        None => terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
    };
    Style {
        unicode: is_utf8_locale(),
        verbosity: global.verbose,
        quiet: global.quiet,
        width: columns.map_or(WIDTH, |columns| columns.min(WIDTH)),
    }
}

/// The style of a report for people in a file besides the output.
fn style_in_file(global: &Global) -> Style {
    Style {
        width: WIDTH,
        ..style(global)
    }
}

/// Whether the locale's text is UTF-8: the first of the three variables that is set decides (POSIX 8.2).
fn is_utf8_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.to_ascii_lowercase().replace('-', "").ends_with("utf8"))
}
