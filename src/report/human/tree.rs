//! The code of an item as a tree: one line each, with kind, architectures and a mark.

use std::collections::HashMap;
use std::io::{self, Write};

use super::paragraph::Paragraph;
use super::{BAD, DOUBTFUL, FAINT, GOOD, Style};
use crate::finding::Severity;
use crate::outcome::Outcome;
use crate::report::text;
use crate::verify::{CodeObject, Nesting, SignatureKind, SliceEvidence};

/// Code objects shown in full without `-v`.
const SHOWN: usize = 15;

/// The state of one code object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Doubtful,
    Bad,
}

struct Row<'a> {
    object: &'a CodeObject,
    kind: &'static str,
    depth: usize,
    label: String,
    state: State,
}

pub(super) fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = rows(outcome);
    let total = rows.len();
    if style.verbosity == 0 && total > SHOWN {
        let mut room = SHOWN;
        rows.retain(|row| {
            let wanted = row.object.path.is_empty() || row.state == State::Bad;
            let keep = wanted && room > 0;
            room = room.saturating_sub(usize::from(keep));
            keep
        });
    }
    let widest = |cell: fn(&Row<'_>) -> usize| rows.iter().map(cell).max().unwrap_or_default();
    let kind = widest(|row| row.kind.len());
    let architectures = widest(|row| architectures(row.object).len());
    // Two columns in front of each cell, and the mark.
    let others = [kind, architectures, 8, style.no().chars().count()];
    let limit = style.width.saturating_sub(others.iter().sum()).max(24);
    let lengths = rows
        .iter()
        .flat_map(|row| labels(row, style, limit))
        .map(|label| label.chars().count());
    let label = lengths.filter(|length| *length <= limit).max().unwrap_or(limit);
    let widths = Widths {
        limit,
        label,
        kind,
        architectures,
    };
    for row in &rows {
        write_row(row, &widths, style, out)?;
    }
    let hidden = total.saturating_sub(rows.len());
    if hidden > 0 {
        writeln!(
            out,
            "  {FAINT}and {hidden} more code objects (-v shows all){FAINT:#}"
        )?;
    }
    Ok(())
}

fn rows(outcome: &Outcome) -> Vec<Row<'_>> {
    let code = &outcome.evidence.code;
    let mut bad = vec![false; code.len()];
    let places: HashMap<&str, usize> = code.iter().map(|object| object.path.as_str()).zip(0..).collect();
    for finding in outcome
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
    {
        if let Some(flag) = innermost(&places, &finding.path).and_then(|index| bad.get_mut(index)) {
            *flag = true;
        }
    }
    // Also where the finding about it is ignored or known: the mark is no better than the verdict.
    let verdict = &outcome.evidence.codesign;
    let failed = verdict.subcomponent().unwrap_or_default();
    if verdict.valid() == Some(false)
        && let Some(flag) = innermost(&places, failed).and_then(|index| bad.get_mut(index))
    {
        *flag = true;
    }
    code.iter()
        .zip(bad)
        .map(|(object, is_bad)| {
            let parent = object.parent.and_then(|index| code.get(index));
            // The finding about it may be folded under another one.
            let has_fault = || object.faults.iter().any(|fault| fault.status().is_some());
            let state = if is_bad || verdict.valid() == Some(false) && has_fault() {
                State::Bad
            } else if is_pending(object) || verdict.valid().is_none() || !outcome.evidence.unread.is_empty() {
                State::Doubtful
            } else {
                State::Good
            };
            Row {
                object,
                kind: outcome.evidence.kind_name(object),
                depth: depth(code, object),
                label: text::visible(match parent {
                    Some(parent) => text::below(&parent.path, &object.path),
                    None => text::file_name(&outcome.evidence.path),
                })
                .into_owned(),
                state,
            }
        })
        .collect()
}

fn is_pending(object: &CodeObject) -> bool {
    object.requirement_pending
        || object
            .slices
            .iter()
            .filter_map(|slice| slice.identity.as_ref())
            .any(|identity| identity.is_timestamp_root_unknown)
}

/// The code object that a path belongs to: the one with the longest path around it.
fn innermost(places: &HashMap<&str, usize>, path: &str) -> Option<usize> {
    let mut at = path;
    loop {
        if let Some(found) = places.get(at) {
            return Some(*found);
        }
        if at.is_empty() {
            return None;
        }
        at = at.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

fn depth(code: &[CodeObject], object: &CodeObject) -> usize {
    let mut depth = 0usize;
    let mut at = object;
    // Parents stand in front of their children, so this ends.
    while let Some(parent) = at.parent.and_then(|index| code.get(index)) {
        depth = depth.saturating_add(1);
        at = parent;
    }
    depth
}

/// Columns of the cells.
struct Widths {
    /// Longer labels stand on lines of their own.
    limit: usize,
    label: usize,
    kind: usize,
    architectures: usize,
}

fn architectures(object: &CodeObject) -> String {
    let names = object.slices.iter().filter_map(|slice| slice.architecture);
    let names: Vec<_> = names.map(|found| found.to_string()).collect();
    names.join(" ")
}

fn note(object: &CodeObject) -> &'static str {
    match object.nesting {
        Nesting::Found => "(not nested)",
        Nesting::OtherVersion => "(another version)",
        _ => "",
    }
}

/// The label with its branch: on one line, or folder and name where that is too long.
fn labels(row: &Row<'_>, style: Style, limit: usize) -> Vec<String> {
    let margin = "  ".repeat(row.depth.saturating_sub(1).min(8));
    let branch = match (row.depth, style.unicode) {
        (0, _) => "",
        (_, true) => "└ ",
        (_, false) => "- ",
    };
    let whole = format!("{margin}{branch}{}", row.label);
    match row.label.rsplit_once('/') {
        Some((folder, name)) if whole.chars().count() > limit => vec![
            format!("{margin}{branch}{folder}/"),
            format!("{}{name}", "  ".repeat(row.depth.min(9))),
        ],
        _ => vec![whole],
    }
}

fn write_row(row: &Row<'_>, widths: &Widths, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut labels = labels(row, style, widths.limit);
    let is_beside = |label: &String| label.chars().count() <= widths.label;
    let last = labels.pop_if(|label| is_beside(label)).unwrap_or_default();
    for label in labels {
        writeln!(out, "  {label}")?;
    }
    let (colour, mark) = match row.state {
        State::Good => (GOOD, style.yes()),
        State::Doubtful => (DOUBTFUL, "?"),
        State::Bad => (BAD, style.no()),
    };
    write!(
        out,
        "  {last:<label$}  {kind:<kind_width$}  {archs:<archs_width$}  {colour}{mark}{colour:#}",
        label = widths.label,
        kind = row.kind,
        kind_width = widths.kind,
        archs = architectures(row.object),
        archs_width = widths.architectures,
    )?;
    let note = note(row.object);
    let cells = [
        widths.label,
        widths.kind,
        widths.architectures,
        8,
        mark.chars().count(),
    ];
    let column = cells.iter().sum::<usize>();
    if !note.is_empty() && column.saturating_add(2).saturating_add(note.len()) <= style.width {
        writeln!(out, "  {FAINT}{note}{FAINT:#}")?;
    } else if note.is_empty() {
        writeln!(out)?;
    } else {
        let margin = "  ".repeat(row.depth.saturating_add(1).min(10));
        writeln!(out, "\n{margin}{FAINT}{note}{FAINT:#}")?;
    }
    if style.verbosity > 1 {
        for slice in &row.object.slices {
            write_slice(slice, row.depth, style, out)?;
        }
    }
    Ok(())
}

/// Everything about one slice, for `-vv`.
fn write_slice(slice: &SliceEvidence, depth: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let margin = "  ".repeat(depth.saturating_add(2).min(10));
    let architecture = slice
        .architecture
        .map_or("file".to_owned(), |found| found.to_string());
    writeln!(out, "{margin}{architecture}: {}", signer(slice.signature))?;
    if let Some(version) = slice.code_directory_version {
        let text = format!(
            "CodeDirectory v={version:x} flags={} identifier={} pages={}",
            slice.flags,
            slice.identifier.as_deref().unwrap_or_default(),
            slice.pages
        );
        let margins = (&*format!("{margin}  "), &*format!("{margin}    "));
        Paragraph::default()
            .plain(text)
            .write(margins, style.width, out)?;
    }
    for cdhash in &slice.cdhashes {
        writeln!(
            out,
            "{margin}  cdhash {}={}",
            cdhash.hash_type,
            cdhash.truncated()
        )?;
    }
    for slot in &slice.slots {
        let length = slot
            .length
            .map_or("missing".to_owned(), |length| format!("{length} bytes"));
        let bound = if slot.bound { "" } else { ", not covered" };
        writeln!(
            out,
            "{margin}  slot {:>2} {}: {length}{bound}",
            slot.slot.0, slot.slot
        )?;
    }
    Ok(())
}

/// How code is signed, in words.
pub(super) fn signer(signature: SignatureKind) -> &'static str {
    match signature {
        SignatureKind::Unsigned => "not signed",
        SignatureKind::Adhoc => "signed ad hoc",
        SignatureKind::LinkerSigned => "signed ad hoc by the linker",
        SignatureKind::Cms => "signed with a certificate",
    }
}
