//! No public item of the library shows a type of another crate: not in a signature, a field, a variant, a constant, and no
//! trait of another crate is implemented for what is public.
//!
//! Read from the sources, module by module, as rustfmt leaves them: also what the crate's page does not list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

/// What `Cargo.toml` lists under `[dependencies]`, as the code spells it; thiserror writes implementations of traits of the
/// standard library, and has no types.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" = "));
    let names = names.map(|(name, _)| name.replace('-', "_"));
    names.filter(|name| name != "thiserror").collect()
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Words and the signs between them; `::` is one sign.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in text.chars() {
        let is_word = character.is_alphanumeric() || character == '_';
        match found.last_mut() {
            Some(last) if is_word && in_word => last.push(character),
            Some(last) if character == ':' && last == ":" => last.push(':'),
            _ if character.is_whitespace() => {}
            _ => found.push(character.to_string()),
        }
        in_word = is_word;
    }
    found
}

/// The code of a file, without comments, strings that span no line, and unit tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let pieces = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        pieces.split("//").next().unwrap().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Modules that a file declares, which hide crates of the same name.
fn declared(code: &str) -> BTreeSet<String> {
    let lines = code.lines().map(|line| line.trim_start_matches("pub "));
    let names = lines.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// Names that a file brings in from other crates: `use der::{Decode, oid::ObjectIdentifier as Oid};` brings `Decode`, `Oid`.
fn imported(code: &str, dependencies: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("use ").skip(1) {
        let words = tokens(rest.split(';').next().unwrap());
        if !(0..2).any(|index| is_crate(&words, index, dependencies)) {
            continue;
        }
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1).map_or(",", String::as_str);
            // Not a folder on the way, and not what gets another name.
            if is_name(word) && !matches!(next, "::" | "as") && word != "as" {
                names.insert(word.clone());
            }
        }
    }
    names
}

/// Whether a path that begins with a crate's name begins at this word, or behind a `::` in front of it.
fn is_crate(words: &[String], index: usize, dependencies: &BTreeSet<String>) -> bool {
    let is = |index: usize, text: &str| words.get(index).is_some_and(|word| word == text);
    let is_first = index == 0 || !is(index - 1, "::") || index == 1 || !is_name(&words[index - 2]);
    words.get(index).is_some_and(|word| dependencies.contains(word)) && is(index + 1, "::") && is_first
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// An enumeration's name, generics and what its variants hold, without the names of the variants.
fn payloads(words: &[String]) -> Vec<String> {
    let mut depth = 0;
    let mut found = Vec::new();
    let mut has_begun = false;
    for word in words {
        match word.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        has_begun |= word == "{";
        if !has_begun || depth > 1 {
            found.push(word.clone());
        }
        if has_begun && depth == 0 {
            break;
        }
    }
    found
}

/// What a public item shows, in words: fields of a struct, what variants of an enum hold, the signature of anything else;
/// and headers of implementations of traits, but for types that are private.
fn shown(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let rest = || lines[index..].join("\n");
        let upto = |signs: &[char]| tokens(rest().split(signs).next().unwrap());
        let line = line.trim_start_matches("$($(#[$doc])* ");
        if line.starts_with("pub enum") {
            found.push(payloads(&tokens(&rest())));
            found.push(tokens(&derives(&lines[..index])));
        } else if line.starts_with("pub struct") {
            // Tuples show their fields here, others in lines of their own.
            let header = upto(&['{', ';']);
            let private = header
                .windows(2)
                .position(|pair| pair[0] == "(" && pair[1] != "pub");
            found.push(header[..private.unwrap_or(header.len())].to_vec());
            found.push(tokens(&derives(&lines[..index])));
        } else if line.starts_with("impl") {
            let header = upto(&['{']);
            let implementor = header.iter().rposition(|word| word == "for");
            if let Some(at) = implementor
                && !is_private(code, &header[at + 1])
            {
                found.push(header);
            }
        } else if line.starts_with("pub use") {
            found.push(upto(&[';']));
        } else if line.starts_with("pub ") {
            // A field ends with its line; functions and the like with their body or a semicolon.
            let kind = line.split_whitespace().nth(1).unwrap_or_default();
            let is_item =
                ["fn", "const", "static", "type", "trait", "mod", "unsafe", "async"].contains(&kind);
            found.push(match kind {
                "const" | "static" => upto(&['=']),
                _ if is_item => upto(&['{', ';']),
                _ => tokens(line),
            });
        }
    }
    found
}

/// Whether a file declares a type of this name for itself only.
fn is_private(code: &str, name: &str) -> bool {
    let declares = |line: &str| {
        let words = tokens(line);
        matches!(words[..], [ref kind, ref word, ..] if (kind == "struct" || kind == "enum") && word == name)
    };
    code.lines().any(declares)
}

/// The attributes directly above an item.
fn derives(above: &[&str]) -> String {
    let attributes = above
        .iter()
        .rev()
        .take_while(|line| line.is_empty() || line.starts_with("#["));
    attributes.copied().collect()
}

/// Every mention of a third-party name in what a file shows.
fn foreign(text: &str, dependencies: &BTreeSet<String>) -> Vec<String> {
    let code = code(text);
    let dependencies: BTreeSet<String> = dependencies.difference(&declared(&code)).cloned().collect();
    let imported = imported(&code, &dependencies);
    let mut found = Vec::new();
    for words in shown(&code) {
        for (index, word) in words.iter().enumerate() {
            if imported.contains(word) || is_crate(&words, index, &dependencies) {
                found.push(format!("{word} in {}", words[..words.len().min(8)].join(" ")));
            }
        }
    }
    found
}

#[test]
fn no_public_item_shows_a_type_of_another_crate() {
    let dependencies = dependencies();
    assert!(
        dependencies.contains("der") && dependencies.contains("x509_cert"),
        "{dependencies:?}"
    );
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    assert!(files.len() > 100);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        seen += shown(&code(&text)).len();
        let name = file.strip_prefix(project()).unwrap().display().to_string();
        wrong.extend(
            foreign(&text, &dependencies)
                .into_iter()
                .map(|found| format!("{name}: {found}")),
        );
    }
    assert!(
        seen > 1000,
        "only {seen} public items seen: the test looks at the wrong place"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_itself_notices_types_of_other_crates() {
    let dependencies = dependencies();
    for text in [
        "pub fn json(value: &Value) -> serde_json::Value {",
        "use der::oid::ObjectIdentifier;\npub struct Extension {\n    pub oid: ObjectIdentifier,\n}",
        "use der::{Decode, oid::ObjectIdentifier as Oid};\npub fn of(\n    oid: Oid,\n) -> u8 {",
        "pub enum Fault {\n    Bad(#[from] ::der::ErrorKind),\n}",
        "#[derive(Debug, serde::Serialize)]\npub struct Facts {",
        "use serde::Serialize;\n#[derive(Debug, Serialize)]\npub enum Facts {\n    A,\n}",
        "use der::Decode;\nimpl<'a> Decode<'a> for Certificate {",
        "use der::Decode;\npub struct Own;\nimpl<'a> Decode<'a> for Own<'_> {",
        "pub use goblin::mach::MachO;",
        "pub type Map = serde_json::Map<String, u8>;",
        "pub enum Fault {\n    A {\n        at: u8,\n    },\n    B {\n        bad: rsa::Error,\n    },\n}",
        "pub fn all(&self) -> impl Iterator<Item = rsa::Error> {",
        "pub const NAME: der::Tag = der::Tag::Null;",
        "pub struct Key(pub rsa::RsaPublicKey);",
    ] {
        assert!(!foreign(text, &dependencies).is_empty(), "{text}");
    }
    for text in [
        "use der::Decode;\npub(crate) fn of(decode: &dyn Decode) {}",
        "// serde_json::Value\npub fn json() -> crate::plist::Value {\n    serde_json::Value::Null\n}",
        "use thiserror::Error;\n#[derive(Debug, Error)]\npub enum Fault {\n    Bad,\n}",
        "pub struct Pool {\n    threads: rayon::ThreadPool,\n}",
        "use sha1::Sha1;\npub enum Digest {\n    Sha1,\n    Other(u8),\n}",
        "mod der;\npub use der::{DerError, parse};",
        "pub struct Key(rsa::RsaPublicKey);",
        "use der::Decode;\nstruct Own<'s>(&'s u8);\nimpl<'a> Decode<'a> for Own<'_> {",
        "pub fn of(plist: &crate::plist::Value) -> crate::cms::Attribute {",
    ] {
        assert_eq!(foreign(text, &dependencies), Vec::<String>::new(), "{text}");
    }
}

/// Types on the crate's page that stay as they are, each with the reason. All others may get fields and variants: they are
/// `#[non_exhaustive]`, or have a field that is not public.
const COMPLETE: [(&str, &str); 13] = [
    ("Architecture", "two numbers of the format"),
    ("CdHash", "a digest with its type"),
    ("CodeDirectoryFlags", "one number of the format"),
    ("CodesignAnswer", "the three answers of the contract"),
    (
        "CodesignFlags",
        "callers write it with ..CodesignFlags::default()",
    ),
    ("ExpectedEntitlement", "a key and a value"),
    ("Expectations", "callers write it with ..Expectations::default()"),
    ("Limits", "callers write it with ..Limits::default()"),
    ("Options", "callers write it with ..Options::default()"),
    ("OsStatus", "one number"),
    ("Severity", "the three severities of the contract"),
    ("SuppliedTicket", "a name and bytes"),
    ("UnixTime", "one number"),
];

/// The names on the crate's page, each with the module that has it.
fn page() -> Vec<(String, String)> {
    let text = fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let mut found = Vec::new();
    for rest in text.split("\npub use ").skip(1) {
        let words = tokens(rest.split(';').next().unwrap());
        let names = words[1..].iter().filter(|word| is_name(word));
        found.extend(names.map(|name| (words[0].clone(), name.clone())));
    }
    found
}

/// Returns true if a declaration, with the attributes above it, may grow without breaking other crates.
fn may_grow(lines: &[&str], index: usize) -> bool {
    if derives(&lines[..index]).contains("non_exhaustive") {
        return true;
    }
    let declaration = lines[index];
    if declaration.starts_with("pub enum") {
        return false;
    }
    if let Some((_, fields)) = declaration.split_once('(') {
        return !fields.split(", ").all(|field| field.starts_with("pub "));
    }
    let body = lines[index + 1..].iter().take_while(|line| **line != "}");
    let mut fields = body.filter(|line| !line.is_empty() && !line.starts_with("#["));
    fields.any(|field| !field.starts_with("pub "))
}

#[test]
fn public_types_may_grow_or_are_complete() {
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    let page = page();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in files {
        let path = file.strip_prefix(project().join("src")).unwrap();
        let first = path.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let code = code(&fs::read_to_string(&file).unwrap());
        let lines: Vec<&str> = code.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let words = tokens(line);
            let ["pub", "struct" | "enum", name, ..] =
                words.iter().map(String::as_str).collect::<Vec<_>>()[..]
            else {
                continue;
            };
            if !page.contains(&(module.to_owned(), name.to_owned())) {
                continue;
            }
            seen.insert(name.to_owned());
            let is_complete = COMPLETE.iter().any(|(complete, _)| *complete == name);
            if may_grow(&lines, index) == is_complete {
                wrong.push(format!("{module}::{name}"));
            }
        }
    }
    assert!(seen.len() > 50, "{seen:?}");
    assert_eq!(wrong, Vec::<String>::new());
    for (name, _) in COMPLETE {
        assert!(seen.contains(name), "{name} is not on the page");
    }
}

#[test]
fn the_test_itself_notices_types_that_cannot_grow() {
    let grows = |text: &str| {
        let code = code(text);
        let lines: Vec<&str> = code.lines().collect();
        let index = lines.iter().position(|line| line.starts_with("pub ")).unwrap();
        may_grow(&lines, index)
    };
    for text in [
        "#[derive(Debug)]\n#[non_exhaustive]\npub enum Kind {\n    A,\n}",
        "#[non_exhaustive]\npub struct Facts {\n    pub a: u8,\n}",
        "pub struct Facts {\n    pub a: u8,\n    b: u8,\n}",
        "pub struct Facts {\n    pub(crate) a: u8,\n}",
        "pub struct Number(u8);",
    ] {
        assert!(grows(text), "{text}");
    }
    for text in [
        "#[derive(Debug)]\npub enum Kind {\n    A,\n}",
        "pub struct Facts {\n    /// A.\n    pub a: u8,\n}",
        "pub struct Number(pub u8);",
    ] {
        assert!(!grows(text), "{text}");
    }
}
