//! The files of one module use each other in one direction: no file uses, through others, itself.
//!
//! A file uses another one if it names it, or something in it, in a `use` or in a path that begins with `crate`, `super`, `self` or a
//! module below it. Whoever names what a `mod.rs` only passes on (`pub use`) uses the file in which it is. Not seen: methods that are
//! called on a type of another file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::sources;
use crate::support::project;

/// Uses that close a circle today: a file, and what it should not use; `*` for all files below a module. None is to be added. One that
/// is repaired is removed here.
const KNOWN: [(&str, &str); 9] = [
    // The first file of the program begins every command, and has what they share.
    ("cli", "cli::*"),
    // The file that says what a rule is has the list of them.
    ("rule", "rule::*"),
    // What rules ask, and what asks all rules.
    ("rule::check", "rule::*"),
    ("rule::expectation", "rule::demand"),
    ("rule::gatekeeper_scan", "rule::install_names"),
    ("rule::gatekeeper_scan", "rule::load"),
    ("rule::linkage", "rule::linkage::search"),
    ("rule::remedy", "rule::remedy::archive"),
    ("rule::remedy", "rule::remedy::signing"),
];

/// The files, and what each of them uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The text without comments and without tests at its end.
fn code(text: &str) -> String {
    let text = match text.find("#[cfg(test)]\nmod ") {
        Some(at) if text[at..].lines().nth(1).is_some_and(|line| line.ends_with('{')) => &text[..at],
        _ => text,
    };
    let lines = text.lines().map(|line| {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        // Who may use something is no use.
        match code.split_once("pub(in ") {
            Some((before, after)) => format!("{before}pub{}\n", after.split_once(')').unwrap().1),
            None => format!("{code}\n"),
        }
    });
    lines.collect()
}

/// The module that is a file, by its path in `src`; `None` for the crate itself and for tests.
fn module(relative: &Path) -> Option<String> {
    let path = relative.with_extension("");
    let mut parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    match *parts.last()? {
        "mod" => {
            parts.pop();
        }
        "lib" | "main" | "tests" => return None,
        name if name.ends_with("_tests") => return None,
        _ => {}
    }
    Some(parts.join("::"))
}

/// The paths in a `use`: `a::{b, c::d as e}` gives `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, out: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap().trim();
        let is_own =
            ["crate", "super", "self"].contains(&format!("{prefix}{path}").split("::").next().unwrap());
        assert!(
            !(is_own && path.ends_with('*')),
            "the use of {prefix}{path} hides what is used"
        );
        out.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inner[start..at], out);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&prefix, &inner[start..], out);
    }
}

/// What one file says.
#[derive(Default)]
struct Imports {
    /// Paths that it uses.
    used: Vec<String>,
    /// Paths that it brings into its own scope, by the last name: with those, other files find what is elsewhere.
    passed_on: BTreeMap<String, String>,
}

impl Imports {
    fn of(text: &str) -> Self {
        let mut imports = Self::default();
        let mut rest = String::new();
        let code = code(text);
        let mut lines = code.lines();
        while let Some(line) = lines.next() {
            let (before, first) = match line.split_once("use ") {
                Some((before, first))
                    if matches!(before.trim(), "" | "pub") || before.trim().starts_with("pub(") =>
                {
                    (before, first)
                }
                _ => {
                    rest.push_str(line);
                    rest.push('\n');
                    continue;
                }
            };
            let mut tree = first.to_owned();
            while !tree.contains(';') {
                tree.push_str(lines.next().unwrap());
            }
            let mut paths = Vec::new();
            expand("", tree.split(';').next().unwrap(), &mut paths);
            for path in &paths {
                let name = path.rsplit("::").next().unwrap().to_owned();
                imports.passed_on.insert(name, path.clone());
            }
            if before.trim().is_empty() {
                imports.used.append(&mut paths);
            }
        }
        let is_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | ':');
        for word in rest.split(|character: char| !is_path(character)) {
            let word = word.trim_matches(':');
            let (first, more) = word.split_once("::").unwrap_or((word, ""));
            if let Some(path) = imports.passed_on.get(first) {
                imports.used.push(path.clone());
            } else if !more.is_empty() {
                imports.used.push(word.to_owned());
            }
        }
        imports
    }
}

/// A path from the root of the crate, if it leads into it.
fn absolute(files: &BTreeMap<String, Imports>, from: &str, path: &str) -> Option<Vec<String>> {
    let mut parts: Vec<&str> = from.split("::").collect();
    let mut path: Vec<&str> = path.split("::").collect();
    match path[0] {
        "crate" => parts.clear(),
        "self" => {}
        "super" => {
            while path.get(1) == Some(&"super") {
                parts.pop();
                path.remove(0);
            }
            parts.pop();
        }
        child if files.contains_key(&format!("{from}::{child}")) => path.insert(0, "self"),
        _ => return None,
    }
    Some(
        parts
            .into_iter()
            .chain(path.into_iter().skip(1))
            .map(str::to_owned)
            .collect(),
    )
}

/// The file in which a path ends.
fn file(files: &BTreeMap<String, Imports>, path: &[String], links: usize) -> Option<String> {
    let length = (1..=path.len())
        .rev()
        .find(|length| files.contains_key(&path[..*length].join("::")))?;
    let found = path[..length].join("::");
    let elsewhere = path
        .get(length)
        .and_then(|name| files[&found].passed_on.get(name));
    let elsewhere = elsewhere.filter(|_| links < 10).and_then(|elsewhere| {
        let mut elsewhere = absolute(files, &found, elsewhere)?;
        elsewhere.extend(path[length + 1..].iter().cloned());
        file(files, &elsewhere, links + 1)
    });
    Some(elsewhere.unwrap_or(found))
}

/// What files of a module use of their own module.
fn graph(files: &BTreeMap<String, Imports>) -> Graph {
    let top = |name: &str| name.split("::").next().unwrap().to_owned();
    let uses = |(name, imports): (&String, &Imports)| {
        let paths = imports.used.iter().filter_map(|path| absolute(files, name, path));
        let used = paths.filter_map(|path| file(files, &path, 0));
        let used = used.filter(|used| used != name && top(used) == top(name));
        (name.clone(), used.collect())
    };
    files.iter().map(uses).collect()
}

/// Everything that a file uses, through others.
fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![from];
    while let Some(file) = pending.pop() {
        for used in graph.get(file).into_iter().flatten() {
            if found.insert(used.clone()) {
                pending.push(used);
            }
        }
    }
    found
}

/// Every use that is part of a circle.
fn circles(graph: &Graph) -> Vec<(String, String)> {
    let all: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|file| (file, reached(graph, file))).collect();
    let mut found = Vec::new();
    for (file, used) in graph {
        let closing = used
            .iter()
            .filter(|used| all.get(used).is_some_and(|reached| reached.contains(file)));
        found.extend(closing.map(|used| (file.clone(), used.clone())));
    }
    found
}

/// The graph without these uses; `*` stands for all files below a module.
fn without(mut graph: Graph, left_out: &[(&str, &str)]) -> Graph {
    for (file, used) in left_out {
        if let Some(all) = graph.get_mut(*file) {
            all.retain(|other| match used.strip_suffix('*') {
                Some(folder) => !other.starts_with(folder),
                None => other != used,
            });
        }
    }
    graph
}

fn all_files() -> BTreeMap<String, Imports> {
    let source = project().join("src");
    let mut paths = Vec::new();
    sources(&source, &mut paths);
    let named = paths
        .iter()
        .filter_map(|path| Some((module(path.strip_prefix(&source).unwrap())?, path)));
    named
        .map(|(name, path)| (name, Imports::of(&fs::read_to_string(path).unwrap())))
        .collect()
}

#[test]
fn no_file_uses_itself_through_others() {
    let graph = graph(&all_files());
    let uses: usize = graph.values().map(BTreeSet::len).sum();
    let files = graph.len();
    assert!(
        files > 200 && uses > 500,
        "{files} files, {uses} uses: the test looks at the wrong place"
    );
    let new = circles(&without(graph.clone(), &KNOWN));
    assert!(new.is_empty(), "these uses are part of a circle:\n{new:#?}");
    for known in KNOWN {
        let others: Vec<_> = KNOWN.into_iter().filter(|other| *other != known).collect();
        let left = circles(&without(graph.clone(), &others));
        assert!(
            !left.is_empty(),
            "{known:?} closes no circle any more: remove it from the list"
        );
    }
}

#[test]
fn the_test_itself_notices_circles() {
    let texts = [
        ("a", "mod b;\nmod c;\npub use c::Fact;\nuse b::deep;\n"),
        ("a::b", "use super::Fact;\npub fn deep() -> Fact { Fact }\n"),
        ("a::c", "// use super::b;\npub struct Fact;\n"),
    ];
    let read = |more: (&str, &str)| {
        let texts = texts.into_iter().map(|(name, text)| {
            let text = if name == more.0 {
                format!("{text}{}", more.1)
            } else {
                text.to_owned()
            };
            (name.to_owned(), Imports::of(&text))
        });
        circles(&graph(&texts.collect()))
    };
    let uses = |file: &str, used: &str| (file.to_owned(), used.to_owned());
    // What `a` passes on is not in `a`, and tests may use everything.
    assert_eq!(read(("a", "")), []);
    assert_eq!(
        read(("a::c", "#[cfg(test)]\nmod tests {\n    use super::super::b;\n}\n")),
        []
    );
    assert_eq!(
        read(("a::b", "use super::all;")),
        [uses("a", "a::b"), uses("a::b", "a")]
    );
    assert_eq!(
        read(("a::b", "fn f() { super::all() }")),
        [uses("a", "a::b"), uses("a::b", "a")]
    );
    for text in [
        "use super::{b::{deep as other}};",
        "use crate::a::b;",
        "fn f() { crate::a::b::deep() }",
    ] {
        let found = read(("a::c", text));
        assert_eq!(found, [uses("a::b", "a::c"), uses("a::c", "a::b")], "{text}");
    }
}
