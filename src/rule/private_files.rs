//! Rules about files that should not leave the developer's machine (R243).
//!
//! They go by names. What a certificate file (`.pem`, `.cer`) holds is not read: most are lists of authorities.

use super::{Check, Family, Rule};
use crate::finding::{Place, Severity};
use crate::remedy::{SIGN, Step, run};
use crate::source::Node;

/// What a file or folder of this name is.
fn private(node: &Node) -> Option<&'static str> {
    let name = node.text().to_ascii_lowercase();
    if matches!(&*name, ".git" | ".svn" | ".hg") {
        // A file of that name leads to the repository.
        return (node.is_directory() || node.is_file()).then_some("version control");
    }
    if !node.is_file() {
        return None;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match (&*name, extension) {
        (".env", _) => Some("settings of a developer or server"),
        (_, "p8") => Some("private key"),
        (_, "p12") => Some("store of keys"),
        _ => None,
    }
}

fn private_files(check: &mut Check<'_>) {
    let names = &check.evidence().listing;
    let places: Vec<Place> = names
        .ids()
        .filter_map(|id| {
            let note = private(names.node(id))?;
            let path = names.kept_path(id);
            (!path.is_empty()).then_some(Place { path, note })
        })
        .collect();
    let Some(first) = places.first().map(|place| place.path.clone()) else {
        return;
    };
    let message = match places.len() {
        1 => "1 file or folder that belongs to its makers only".to_owned(),
        count => format!("{count} files or folders that belong to their makers only"),
    };
    let finding = check.file(&first, message);
    finding
        .facts
        .places(places.iter().map(|place| place.path.as_str()));
    finding.places = places;
}

pub(super) const RULES: &[Rule] = &[Rule {
    id: "private-files-in-product",
    family: Family::Nesting,
    severity: Severity::Warning,
    title: "version control data, keys or settings with secrets in the product",
    catalogue: "R243",
    explanation: "Whoever gets the product can read these: a .git folder holds the sources and their history, .env files and .p8 and .p12 files often hold passwords and keys. They were copied with a whole folder, and are sealed as resources. A version control tool that runs in the bundle changes its folder and breaks the seal.",
    remedy: &[
        Step::Say("take it out, replace keys that were published already, then sign everything again"),
        run!["rm" "-R" (Value "PLACE")],
        SIGN,
    ],
    reference: "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle",
    check: private_files,
    ..Rule::BASE
}];
