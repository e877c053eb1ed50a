//! The rule about names whose Unicode form changed after signing (R283).
//!
//! A seal names files by the bytes of their names. Accents can be written in two ways (Unicode Standard Annex #15): composed, as
//! people type them and most systems keep them, and decomposed, as HFS+ stores all names. Not looked at: other names that are not
//! ASCII, and whether the contents of such a file are still the sealed ones.

use crate::remedy::{SIGN, Step};
use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::{Check, Family, Rule};
use crate::finding::{Party, Place};
use crate::verify::FaultKind;

/// Paths that were added and those that are missing, where they are the same but for the form.
pub(super) fn renamed<'p>(added: &'p [String], missing: &'p [String]) -> Vec<(&'p String, &'p String)> {
    let form = |path: &String| path.nfd().collect::<String>();
    let missing: HashMap<String, &String> = missing
        .iter()
        .filter(|path| !path.is_ascii())
        .map(|path| (form(path), path))
        .collect();
    let pairs = added
        .iter()
        .filter(|path| !path.is_ascii() && !missing.is_empty());
    pairs
        .filter_map(|path| Some((path, *missing.get(&form(path))?)))
        .collect()
}

fn names(check: &mut Check<'_>) {
    let evidence = check.evidence();
    for object in &evidence.code {
        for fault in &object.faults {
            let FaultKind::Resources { added, missing, .. } = &fault.kind else {
                continue;
            };
            let pairs = renamed(added, missing);
            let Some((first, _)) = pairs.first() else {
                continue;
            };
            let message = match pairs.len() {
                1 => "1 name has its accents in another form than in the seal".to_owned(),
                count => format!("{count} names have their accents in another form than in the seal"),
            };
            let finding = check.within(object, first, message);
            finding.places = pairs
                .iter()
                .map(|(path, _)| Place {
                    path: (*path).clone(),
                    note: "added and missing",
                })
                .collect();
            finding.status = fault.status();
            finding.consequences = vec!["sealed-resource-broken"];
        }
    }
}

pub(super) const RULES: &[Rule] = &[Rule {
    id: "unicode-normalization",
    family: Family::Files,
    rejected_by: &[Party::Codesign, Party::Gatekeeper, Party::Notary],
    title: "names of files changed their Unicode form after signing",
    catalogue: "R283",
    explanation: "An accented letter can be one character or a letter and its accent. Both look alike, but the seal goes by the bytes of a name: a file whose name changed its form is one that was added and one that is missing. Disk images with HFS+, some archives, version control on a Mac and copies over the network change it.",
    remedy: &[
        Step::Say(
            "give the files ASCII names, or carry the signed app in an archive of ditto or an image with APFS; to keep the names as they are now, sign again",
        ),
        SIGN,
    ],
    reference: "https://developer.apple.com/forums/thread/796364",
    check: names,
    ..Rule::BASE
}];
