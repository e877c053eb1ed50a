//! Several items in one run: what has problems is told as it comes, and at the end stands a line for each item.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::Style as Ansi;

use super::paragraph::Paragraph;
use super::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Style, is_unexplained, problems, verdict};
use crate::gatekeeper::Ruling;
use crate::outcome::Outcome;
use crate::report::counts::Counts;
use crate::report::{Report, Run, Settings, Standing, text};
use crate::subject::Skipped;

/// Columns of the narrowest terminal that a report fits into.
const NARROW: usize = 80;
/// Items that are left out and named.
const MAX_LEFT_OUT: usize = 10;
/// Good items that are named where only problems are reported.
const MAX_GOOD: usize = 10;

/// The report for people.
#[derive(Debug)]
pub struct Human<'a> {
    style: Style,
    settings: Settings<'a>,
    /// Whether there are several items.
    is_many: bool,
    /// Whether something was written.
    is_begun: bool,
    rows: Vec<Row>,
    /// Explanations that were given.
    told: BTreeSet<&'static str>,
}

/// The line of one item at the end.
#[derive(Debug)]
struct Row {
    path: String,
    standing: Standing,
    codesign: String,
    gatekeeper: &'static str,
    problems: String,
}

impl<'a> Human<'a> {
    /// A report about one item, or about many.
    #[must_use]
    pub fn new(style: Style, settings: Settings<'a>, is_many: bool) -> Self {
        Self {
            style,
            settings,
            is_many,
            is_begun: false,
            rows: Vec::new(),
            told: BTreeSet::new(),
        }
    }

    /// Writes a line for each item. What is too long for the line goes to one of its own.
    fn table(&self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        let widest = |cell: fn(&Row) -> &str, title: &str| {
            let lengths = self.rows.iter().map(|row| cell(row).chars().count());
            lengths.max().unwrap_or_default().max(title.len())
        };
        let codesign = widest(|row| &row.codesign, "codesign");
        let gatekeeper = widest(|row| row.gatekeeper, "gatekeeper");
        let problems = widest(|row| &row.problems, "problems");
        let mark = self.style.no().chars().count();
        // The margin and a space beside the mark; two spaces in front of each further cell.
        let others = [3, mark, 2, codesign, 2, gatekeeper, 2].iter().sum();
        let room = self.style.width.saturating_sub(others);
        let most = room.saturating_sub(problems);
        let names = self.rows.iter().map(|row| row.path.chars().count());
        let name = names.filter(|length| *length <= most).max().unwrap_or_default();
        let name = name.max("item".len());
        let room = room.saturating_sub(name).max(problems.min(24));
        let margin = " ".repeat(others.saturating_add(name));
        writeln!(
            out,
            "  {FAINT}{:mark$} {:name$}  {:codesign$}  {:gatekeeper$}  problems{FAINT:#}",
            "", "item", "codesign", "gatekeeper"
        )?;
        for row in &self.rows {
            let (colour, sign) = sign(row.standing, self.style);
            write!(out, "  {colour}{sign:mark$}{colour:#} ")?;
            if row.path.chars().count() <= name {
                write!(out, "{:name$}", row.path)?;
            } else {
                write!(out, "{}\n   {:mark$}{:name$}", row.path, "", "")?;
            }
            let mut problems = text::wrap(&row.problems, room).into_iter();
            writeln!(
                out,
                "  {:codesign$}  {:gatekeeper$}  {}",
                row.codesign,
                row.gatekeeper,
                problems.next().unwrap_or_default()
            )?;
            for line in problems {
                writeln!(out, "{margin}{line}")?;
            }
        }
        for unreadable in run.unreadable {
            let path = text::visible(&unreadable.path);
            write!(out, "  {DOUBTFUL}{:mark$}{DOUBTFUL:#} {path:name$}", "?")?;
            if path.chars().count() > name {
                write!(out, "\n   {:mark$}{:name$}", "", "")?;
            }
            writeln!(out, "  cannot be read")?;
        }
        Ok(())
    }

    fn part(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_begun && !self.style.quiet {
            writeln!(out)?;
        }
        self.is_begun = true;
        Ok(())
    }
}

impl Report for Human<'_> {
    fn add(&mut self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        if !self.is_many {
            return super::write(outcome, style, out);
        }
        let standing = Standing::of(outcome, self.settings);
        self.rows.push(Row::new(outcome, standing));
        if style.verbosity > 0 && !style.quiet {
            self.part(out)?;
            return super::write(outcome, style, out);
        }
        let has_problems = !outcome.findings().is_empty() || !outcome.advice.unknown.is_empty();
        if standing == Standing::Good && !has_problems {
            return Ok(());
        }
        self.part(out)?;
        writeln!(out, "{STRONG}{}{STRONG:#}", text::visible(&outcome.evidence.path))?;
        problems::write_untold(outcome, style, &mut self.told, out)?;
        // Why it is not good, where no problem says so.
        if standing == Standing::Good || style.quiet && has_problems && !is_unexplained(outcome, style) {
            // Problems end with an empty line.
            self.is_begun = false;
            Ok(())
        } else {
            verdict::write(outcome, style, out)
        }
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        // Also where nothing else is reported: the file may be why.
        let config = run.settings.config.map(text::visible);
        if self.style.verbosity > 0 && !self.style.quiet {
            write_skipped(run.skipped, out)?;
        }
        if self.is_many && self.style.quiet {
            let good = self.rows.iter().filter(|row| row.standing == Standing::Good);
            write_good(good.map(|row| row.path.as_str()), run, out)?;
        }
        if !self.is_many || self.style.quiet {
            write_left_out(run, self.style, out)?;
            write_status(run, out)?;
            return match config {
                Some(config) if self.style.quiet => writeln!(out, "configuration: {config}"),
                Some(config) => writeln!(out, "  decisions   those of {config}"),
                None => Ok(()),
            };
        }
        self.part(out)?;
        self.table(run, out)?;
        writeln!(out)?;
        write_left_out(run, self.style, out)?;
        if let Some(config) = config {
            writeln!(out, "configuration: {config}")?;
        }
        write_totals(run, run.summary.counts(), out)
    }
}

impl Row {
    fn new(outcome: &Outcome, standing: Standing) -> Self {
        let mut words = Counts::of_check(outcome).words();
        words.extend(text::suppressed(&outcome.advice.suppressed));
        Self {
            path: text::visible(&outcome.evidence.path).into_owned(),
            standing,
            codesign: codesign_words(outcome),
            gatekeeper: gatekeeper_word(outcome),
            problems: if words.is_empty() {
                "none".to_owned()
            } else {
                words.join(", ")
            },
        }
    }
}

/// The codesign verdict in a table.
pub(in crate::report) fn codesign_words(outcome: &Outcome) -> String {
    let verdict = &outcome.evidence.codesign;
    match (verdict.valid(), verdict.status()) {
        (Some(true), _) if verdict.satisfies_designated_requirement() == Some(false) => {
            "requirement not met".to_owned()
        }
        (Some(true), _) if !outcome.evidence.reservations().is_empty() => "valid in part".to_owned(),
        (Some(true), _) => "valid".to_owned(),
        (Some(false), Some(status)) => format!("invalid ({})", status.0),
        (Some(false), None) => "invalid".to_owned(),
        (None, _) => "not judged".to_owned(),
    }
}

/// The verdict of Gatekeeper in a table.
pub(in crate::report) fn gatekeeper_word(outcome: &Outcome) -> &'static str {
    match outcome.gatekeeper.as_ref().map(|verdict| &verdict.ruling) {
        _ if verdict::not_asked(outcome).is_some() => "not asked",
        Some(Ruling::Accepted(_)) => "accepted",
        _ if verdict::not_counted(outcome).is_some() => "not counted",
        Some(Ruling::Rejected(_) | Ruling::Error(_)) => "rejected",
        Some(Ruling::Undetermined(_)) => "undetermined",
        Some(Ruling::NotJudged(_)) => "not judged",
        Some(Ruling::NotApplicable(_)) => "not applicable",
        None => "not evaluated",
    }
}

fn sign(standing: Standing, style: Style) -> (Ansi, &'static str) {
    match standing {
        Standing::Good => (GOOD, style.yes()),
        Standing::Bad => (BAD, style.no()),
        Standing::Open | Standing::NotJudged => (DOUBTFUL, "?"),
    }
}

/// The end of a run over several items, for reports whose lines name their items themselves.
#[derive(Debug)]
pub struct Totals<'a> {
    /// True if there are several items to be counted.
    pub is_wanted: bool,
    /// True if only problems are reported.
    pub is_quiet: bool,
    /// True if everything that was left out is listed.
    pub lists_skipped: bool,
    settings: Settings<'a>,
    /// The names of good items, where only they end a report.
    good: Vec<String>,
}

impl<'a> Totals<'a> {
    /// Writes nothing at the end.
    #[must_use]
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            is_wanted: false,
            is_quiet: false,
            lists_skipped: false,
            settings,
            good: Vec::new(),
        }
    }
}

impl Report for Totals<'_> {
    fn add(&mut self, outcome: &Outcome, _out: &mut dyn Write) -> io::Result<()> {
        let is_named = self.is_quiet && self.good.len() < MAX_GOOD;
        if is_named && Standing::of(outcome, self.settings) == Standing::Good {
            self.good.push(text::visible(&outcome.evidence.path).into_owned());
        }
        Ok(())
    }

    fn end(&mut self, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.lists_skipped {
            write_skipped(run.skipped, out)?;
        }
        if !self.is_wanted {
            return Ok(());
        }
        if self.is_quiet {
            return write_good(self.good.iter().map(String::as_str), run, out);
        }
        writeln!(out)?;
        write_totals(run, Counts::default(), out)
    }
}

/// Writes which items are good, for a report that names only the others: so each item of a run that fails is accounted for.
fn write_good<'n>(names: impl Iterator<Item = &'n str>, run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    if run.exit_status == 0 {
        return Ok(());
    }
    let mut named: u64 = 0;
    for name in names.take(MAX_GOOD) {
        writeln!(out, "good: {name}")?;
        named = named.saturating_add(1);
    }
    match run.summary.good.saturating_sub(named) {
        0 => Ok(()),
        more => writeln!(out, "good: {more} more"),
    }
}

/// What was left out, with the reasons.
fn write_skipped(skipped: &Skipped, out: &mut dyn Write) -> io::Result<()> {
    if skipped.count == 0 {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "left out:")?;
    for (path, reason) in &skipped.named {
        writeln!(out, "  {}: {reason}", text::visible(path))?;
    }
    let named = u64::try_from(skipped.named.len()).unwrap_or(u64::MAX);
    match skipped.count.saturating_sub(named) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

/// Names the items that a configuration leaves out of the run, as many as are worth it.
fn write_left_out(run: Run<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for left_out in run.left_out.iter().take(MAX_LEFT_OUT) {
        let text = format!(
            "left out: {}: {} ({})",
            left_out.path, left_out.reason, left_out.origin
        );
        Paragraph::default()
            .plain(text)
            .write(("", "  "), style.width, out)?;
    }
    match run.left_out.len().saturating_sub(MAX_LEFT_OUT) {
        0 => Ok(()),
        more => writeln!(out, "left out: {more} more"),
    }
}

/// Says how the run ends where no item says so: a file could not be written, or everything was left out.
fn write_status(run: Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = run.summary;
    let is_told = summary.good < summary.items() || !run.unreadable.is_empty();
    if run.exit_status == 0 || is_told {
        return Ok(());
    }
    let status = run.exit_status;
    writeln!(
        out,
        "{DOUBTFUL}exit status {status}{DOUBTFUL:#}: see the messages on standard error"
    )
}

/// How many items stand how, and how many problems they have: `3 items: 1 good, 2 failed; 2 errors`.
fn write_totals(run: Run<'_>, problems: Counts, out: &mut dyn Write) -> io::Result<()> {
    let summary = run.summary;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let unreadable = run.unreadable.len();
    let items = number(summary.items()).saturating_add(unreadable);
    let standings = [
        (number(summary.good), "good", GOOD),
        (number(summary.bad), "failed", BAD),
        (number(summary.open), "undecided", DOUBTFUL),
        (number(summary.not_judged), "not judged", DOUBTFUL),
        (unreadable, "not readable", DOUBTFUL),
    ];
    let standings = standings.into_iter().filter(|(count, ..)| *count > 0);
    let standings: Vec<_> = standings.collect();
    let joined = |show: fn(&(usize, &str, Ansi)) -> String| {
        let words: Vec<_> = standings.iter().map(show).collect();
        format!("{}: {}", text::counted(items, "item"), words.join(", "))
    };
    let begin = joined(|(count, word, colour)| format!("{colour}{count} {word}{colour:#}"));
    let plain = joined(|(count, word, _)| format!("{count} {word}"));
    let mut more = Vec::from_iter(Some(problems.words().join(", ")).filter(|words| !words.is_empty()));
    match run.left_out.len() {
        0 => {}
        count => more.push(format!("{count} left out")),
    }
    let more = more.join("; ");
    let is_short = plain.len().saturating_add(more.len()).saturating_add(2) <= NARROW;
    match (more.is_empty(), is_short) {
        (true, _) => writeln!(out, "{begin}")?,
        (false, true) => writeln!(out, "{begin}; {more}")?,
        (false, false) => writeln!(out, "{begin};\n  {more}")?,
    }
    write_status(run, out)
}
