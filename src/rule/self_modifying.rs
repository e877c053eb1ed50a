//! The rule about files that the product itself writes when it runs, which breaks its seal (R226).
//!
//! It goes by names. Whether a program can write into its bundle, whether Python is told not to
//! (`PYTHONDONTWRITEBYTECODE`), and whether a compiled file is still current is not known.

use crate::remedy::{SIGN, Step};
use std::collections::{HashMap, HashSet};

use super::bundles::Bundles;
use super::{Check, Family, Rule};
use crate::finding::{Place, Severity};
use crate::source::{Listing, NodeId};
use crate::verify::{CodeKind, FaultKind};

/// What SQLite puts beside a database while it is open.
const JOURNALS: [&str; 3] = ["-wal", "-shm", "-journal"];

pub(super) const RULES: &[Rule] = &[Rule {
    id: "self-modifying-bundle",
    family: Family::Nesting,
    severity: Severity::Warning,
    title: "files that the product writes into its own bundle when it runs",
    catalogue: "R226",
    explanation: "Every file in the bundle is sealed, so a program that writes there breaks its own signature: it starts once, and is \"damaged\" after that. Python compiles what it imports into __pycache__ where that is missing; log files and SQLite's journals show that the product has run in its folder. Places with \"no .pyc\" are modules that were not compiled when others beside them were.",
    remedy: &[
        Step::Say(
            "compile all modules before signing (python3 -m compileall --invalidation-mode unchecked-hash PATH) or set PYTHONDONTWRITEBYTECODE=1; write logs and data to ~/Library; remove what a run left, then sign",
        ),
        SIGN,
    ],
    reference: "https://developer.apple.com/documentation/xcode/embedding-nonstandard-code-structures-in-a-bundle",
    check: written_at_run_time,
    ..Rule::BASE
}];

/// What a file is that a run has left, by its path.
fn trace(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if path.split('/').any(|part| part == "__pycache__") || matches!(extension, "pyc" | "pyo") {
        return Some("compiled by Python");
    }
    if extension == "log" {
        return Some("log");
    }
    JOURNALS
        .iter()
        .any(|suffix| name.ends_with(suffix))
        .then_some("journal of a database")
}

/// The database to which a file is the journal.
fn database(name: &str) -> Option<&str> {
    JOURNALS
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .filter(|name| !name.is_empty())
}

/// The module that a source file is, if `import` can name it.
fn module<'a>(name: &'a str, extension: &str) -> Option<&'a str> {
    let module = name.strip_suffix(extension)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = module.bytes().all(is_word) && !module.starts_with(|first: char| first.is_ascii_digit());
    (is_name && !module.is_empty()).then_some(module)
}

/// Modules in a folder that are not compiled, where others are.
fn uncompiled(names: &Listing, folder: NodeId) -> Vec<NodeId> {
    let children = names.children(folder);
    if !children
        .iter()
        .any(|child| names.node(*child).name.ends_with(b".py"))
    {
        return Vec::new();
    }
    let mut compiled: HashSet<String> = HashSet::new();
    if let Some(cache) = names.lookup(folder, "__pycache__").id() {
        // `NAME.cpython-312.pyc`, `NAME.cpython-312.opt-1.pyc`
        let cached = names.children(cache).iter().map(|id| names.node(*id).text());
        compiled.extend(
            cached
                .filter(|name| name.ends_with(".pyc"))
                .filter_map(|name| name.split_once('.').map(|(module, _)| module.to_owned())),
        );
    }
    for child in children {
        compiled.extend(module(&names.node(*child).text(), ".pyc").map(str::to_owned));
    }
    let (done, open): (Vec<NodeId>, Vec<NodeId>) = children
        .iter()
        .filter(|child| names.node(**child).is_file())
        .filter(|child| module(&names.node(**child).text(), ".py").is_some())
        .partition(|child| {
            module(&names.node(**child).text(), ".py").is_some_and(|name| compiled.contains(name))
        });
    if done.is_empty() { Vec::new() } else { open }
}

fn written_at_run_time(check: &mut Check<'_>) {
    let evidence = check.evidence();
    let names = &evidence.listing;
    let bundles = Bundles::of(evidence);
    // What came or changed after signing.
    let mut found: Vec<Place> = evidence
        .code
        .iter()
        .flat_map(|object| &object.faults)
        .filter_map(|fault| match &fault.kind {
            FaultKind::Resources { added, modified, .. } => Some(added.iter().chain(modified)),
            _ => None,
        })
        .flatten()
        .filter_map(|path| {
            let note = trace(path)?;
            Some(Place {
                path: path.clone(),
                note,
            })
        })
        .collect();
    let known: HashSet<String> = found.iter().map(|place| place.path.clone()).collect();
    for id in names.ids() {
        let node = names.node(id);
        if node.is_directory() {
            let open = uncompiled(names, id);
            if open.is_empty() {
                continue;
            }
            let folder = names.path(id);
            if evidence.may_hide_names(&folder) {
                check.unknown(&folder, "not all names of the folder could be read");
                continue;
            }
            found.extend(open.into_iter().map(|open| Place {
                path: names.kept_path(open),
                note: "no .pyc",
            }));
            continue;
        }
        let name = node.text();
        let Some((database, folder)) = database(&name).zip(node.parent) else {
            continue;
        };
        let is_beside = node.is_file() && names.lookup(folder, database).id().is_some();
        let path = is_beside.then(|| names.kept_path(id));
        if let Some(path) = path.filter(|path| !known.contains(path)) {
            found.push(Place {
                path,
                note: "journal of a database",
            });
        }
    }
    let mut by_owner: HashMap<&str, Vec<Place>> = HashMap::new();
    for place in found {
        if let Some(owner) = bundles.around(&place.path) {
            by_owner.entry(&owner.path).or_default().push(place);
        }
    }
    for object in &evidence.code {
        let is_bundle = matches!(object.kind, CodeKind::Bundle(_));
        let Some(mut places) = by_owner.remove(object.path.as_str()).filter(|_| is_bundle) else {
            continue;
        };
        places.sort_by(|one, other| one.path.cmp(&other.path));
        let Some(first) = places.first().map(|place| place.path.clone()) else {
            continue;
        };
        let message = match places.len() {
            1 => "1 file shows that the product writes into its own bundle".to_owned(),
            count => format!("{count} files show that the product writes into its own bundle"),
        };
        check.within(object, &first, message).places = places;
    }
}

#[cfg(test)]
mod tests {
    use super::{database, module, trace};

    #[test]
    fn names() {
        assert_eq!(trace("a/__pycache__/b"), Some("compiled by Python"));
        assert_eq!(trace("a/b.log"), Some("log"));
        assert_eq!(trace("a/log"), None);
        assert_eq!(database("a.sqlite-wal"), Some("a.sqlite"));
        assert_eq!((database("-wal"), database("wal")), (None, None));
        assert_eq!(module("_a1.py", ".py"), Some("_a1"));
        for name in ["a-b.py", "1a.py", ".py", "a.pyi", "a.b.py"] {
            assert_eq!(module(name, ".py"), None, "{name}");
        }
    }
}
