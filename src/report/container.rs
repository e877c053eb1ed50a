//! What reports say about the container that an item is in, or that it is.

use crate::finding::Place;
use crate::rule::container_faults;
use crate::verify::Evidence;

/// The format of the item's container: its own, or that of the archive around it.
pub(super) fn format(evidence: &Evidence) -> Option<&'static str> {
    let around = evidence.container.as_ref().map(|_| "zip");
    evidence.format.map(|format| format.name()).or(around)
}

/// What is wrong with the archive around the item, or with the item as an archive: a message for each kind of fault, with the members
/// that it is about.
pub(super) fn faults(evidence: &Evidence) -> Vec<(String, Vec<Place>)> {
    let container = evidence.container.as_ref().or(evidence.as_archive.as_ref());
    container.map(container_faults).unwrap_or_default()
}

/// The same as lines, for reports that do not list findings.
#[must_use]
pub fn container_lines(evidence: &Evidence) -> Vec<String> {
    let container = evidence.container.as_ref().or(evidence.as_archive.as_ref());
    let path = container.map_or("", |container| container.path.as_str());
    let messages = faults(evidence).into_iter();
    messages
        .map(|(message, _)| format!("{path}: {message}"))
        .collect()
}
