//! Rules about code that checks pass by: in containers that the notary service cannot take apart (R245), and in
//! folders that may go without breaking the seal (R238).
//!
//! They go by names. Whether a disk image or a flat package can be read is not known.

use super::bundles::Bundles;
use super::{Check, Family, Rule};
use crate::finding::{Party, Place, Severity, Target};
use crate::remedy::{SIGN, Step};
use crate::source::{Listing, NodeId};
use crate::verify::{CodeKind, Nesting};

const PLACING: &str = "https://developer.apple.com/documentation/bundleresources/placing-content-in-a-bundle";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unprocessable-nested-container",
        family: Family::Nesting,
        severity: Severity::Warning,
        rejected_by: &[Party::Notary],
        targets: &[Target::DeveloperId],
        title: "something in the product that the notary service cannot process",
        catalogue: "R245",
        explanation: "The notary service warns about installer packages that are folders, as before Mac OS X 10.5, and about apps without a program among the resources. It accepts the product, but code in there gets no ticket and will not run where tickets are asked for.",
        remedy: &[Step::Say(
            "build the package anew with pkgbuild and productbuild; ship templates of apps without the extension .app, or in an archive; then sign everything again",
        )],
        apple: "notary service: \"Unable to notarize …\"",
        reference: "https://developer.apple.com/documentation/security/resolving-common-notarization-issues",
        check: containers,
        ..Rule::BASE
    },
    Rule {
        id: "optional-code",
        family: Family::Nesting,
        severity: Severity::Warning,
        title: "code in a folder that may be removed",
        catalogue: "R238",
        explanation: "Files in NAME.lproj are sealed as optional, so that people may remove languages that they do not need. Code there can go with them, and nobody notices until it is missing. Base.lproj is not optional.",
        remedy: &[
            Step::Say(
                "move the code to Contents/Frameworks, PlugIns or Helpers, then sign from the inside out",
            ),
            SIGN,
        ],
        reference: PLACING,
        check: optional,
        ..Rule::BASE
    },
];

/// What a folder is that the service cannot process.
fn container(names: &Listing, folder: NodeId) -> Option<&'static str> {
    let name = names.node(folder).text().to_ascii_lowercase();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension)?;
    // Without the folder it is another thing under such a name.
    let contents = names.lookup(folder, "Contents").id()?;
    if !names.node(contents).is_directory() {
        return None;
    }
    match extension {
        "pkg" | "mpkg" => Some("package that is a folder"),
        "app" => {
            let programs = names.lookup(contents, "MacOS").id();
            let is_empty = programs.is_none_or(|programs| names.children(programs).is_empty());
            (is_empty && is_among_resources(names, folder)).then_some("app without a program")
        }
        _ => None,
    }
}

/// Whether one of the folders around it has that name, the item itself left out.
fn is_among_resources(names: &Listing, folder: NodeId) -> bool {
    let mut at = names.node(folder).parent;
    while let Some((id, above)) = at.and_then(|id| Some((id, names.node(id).parent?))) {
        if names.budget().step(1).is_err() || &*names.node(id).name == b"Resources" {
            return true;
        }
        at = Some(above);
    }
    false
}

fn containers(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    for id in names.ids().filter(|id| *id != NodeId(0)) {
        if !names.node(id).is_directory() {
            continue;
        }
        let Some(what) = container(names, id) else {
            continue;
        };
        let path = names.path(id);
        if evidence.may_hide_names(&path) {
            check.unknown(&path, "not all names of the folder could be read");
        } else {
            check.file(&path, format!("{what}: the notary service cannot process it"));
        }
    }
}

/// Whether Apple's rules make a path in a bundle optional: one of its folders is for a language.
fn is_optional(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folders, _)| {
        let mut parts = folders.split('/');
        parts.any(|part| part.ends_with(".lproj")) && !folders.split('/').any(|part| part == "Base.lproj")
    })
}

fn optional(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let bundles = Bundles::of(evidence);
    let mut places = Vec::new();
    for object in &evidence.code {
        // Object files and the like are no code that anybody would miss.
        let is_code = object
            .slices
            .iter()
            .any(|slice| slice.file_type.is_some_and(|found| found.is_code()));
        if object.kind != CodeKind::MachO || object.nesting != Nesting::Found || !is_code {
            continue;
        }
        let path = object.main_path();
        let Some(owner) = bundles.around(&path).filter(|owner| owner.seal.is_some()) else {
            continue;
        };
        let inside = path.strip_prefix(owner.path.as_str()).unwrap_or(&path);
        if is_optional(inside) {
            places.push(Place { path, note: "code" });
        }
    }
    let Some(first) = places.first().map(|place| place.path.clone()) else {
        return;
    };
    let message = match places.len() {
        1 => "1 piece of code lies in a folder for a language".to_owned(),
        count => format!("{count} pieces of code lie in folders for languages"),
    };
    check.file(&first, message).places = places;
}

#[cfg(test)]
mod tests {
    use super::is_optional;

    #[test]
    fn languages() {
        assert!(is_optional("Contents/Resources/de.lproj/a.dylib"));
        for path in [
            "Contents/Resources/Base.lproj/a.dylib",
            "Contents/Resources/de.lproj",
            "Contents/Resources/lproj/a.dylib",
        ] {
            assert!(!is_optional(path), "{path}");
        }
    }
}
