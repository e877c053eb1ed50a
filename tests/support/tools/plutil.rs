//! `plutil`: changes property lists.

use super::{Refusal, Shell};
pub use crate::support::plist::Plist as Tree;
use crate::support::plist::{self, Entries};

/// Reads a property list with a dictionary.
pub fn parse(bytes: &[u8]) -> Result<Entries, Refusal> {
    let value = sealcheck::plist::parse(bytes).map_err(|error| format!("{error:?}"))?;
    match tree(&value) {
        Tree::Dict(entries) => Ok(entries),
        _ => Err("no dictionary".into()),
    }
}

pub fn read(shell: &Shell, path: &str) -> Result<Entries, Refusal> {
    parse(&shell.read(path)?).map_err(|why| format!("{path}: {why}"))
}

fn tree(value: &sealcheck::plist::Value) -> Tree {
    use sealcheck::plist::Value;
    match value {
        Value::Boolean(value) => Tree::Bool(*value),
        Value::Integer(value) => Tree::Integer(i64::try_from(*value).unwrap()),
        Value::String(value) => Tree::Text(value.clone()),
        Value::Data(value) => Tree::Data(value.clone()),
        Value::Array(values) => Tree::List(values.iter().map(tree).collect()),
        Value::Dictionary(entries) => Tree::Dict(
            entries
                .iter()
                .map(|(key, value)| (key.to_owned(), tree(value)))
                .collect(),
        ),
        other => panic!("{other:?} is in no list of the tests"),
    }
}

fn json(value: &serde_json::Value) -> Tree {
    match value {
        serde_json::Value::Bool(value) => Tree::Bool(*value),
        serde_json::Value::Number(value) => Tree::Integer(value.as_i64().unwrap()),
        serde_json::Value::String(value) => Tree::Text(value.clone()),
        serde_json::Value::Array(values) => Tree::List(values.iter().map(json).collect()),
        serde_json::Value::Object(values) => Tree::Dict(
            values
                .iter()
                .map(|(key, value)| (key.clone(), json(value)))
                .collect(),
        ),
        serde_json::Value::Null => panic!("no list has null"),
    }
}

/// The keys of a key path, in which `\.` is a dot.
fn keys(path: &str) -> Vec<String> {
    path.replace("\\.", "\0")
        .split('.')
        .map(|key| key.replace('\0', "."))
        .collect()
}

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    match arguments {
        ["-lint", file] => read(shell, file).map(drop),
        ["-create", "xml1", file] => shell.write(&shell.at(file), &plist::xml(&Entries::new())),
        ["-convert", "xml1", file] => {
            let entries = read(shell, file)?;
            shell.write(&shell.at(file), &plist::xml(&entries))
        }
        [verb @ ("-replace" | "-insert"), path, kind, value, file] => {
            let value = match *kind {
                "-string" => Tree::Text((*value).to_owned()),
                "-bool" => Tree::Bool(matches!(*value, "true" | "YES")),
                "-integer" => Tree::Integer(value.parse().unwrap()),
                "-json" => json(&serde_json::from_str(value).map_err(|error| error.to_string())?),
                other => return Err(format!("no type {other}")),
            };
            let mut entries = read(shell, file)?;
            let keys = keys(path);
            let (folder, key) = at(&mut entries, &keys)?;
            if *verb == "-insert" && folder.contains_key(key) {
                return Err(format!(
                    "Could not insert, value already exists at keypath {path}"
                ));
            }
            folder.insert(key.to_owned(), value);
            shell.write(&shell.at(file), &plist::xml(&entries))
        }
        ["-remove", path, file] => {
            let mut entries = read(shell, file)?;
            let keys = keys(path);
            let (folder, key) = at(&mut entries, &keys)?;
            if folder.remove(key).is_none() {
                return Err(format!("No value to remove at key path {path}"));
            }
            shell.write(&shell.at(file), &plist::xml(&entries))
        }
        _ => Err("no such form of plutil".into()),
    }
}

/// The dictionary with the last key of a path.
fn at<'e, 'k>(entries: &'e mut Entries, keys: &'k [String]) -> Result<(&'e mut Entries, &'k str), Refusal> {
    let (last, folders) = keys.split_last().unwrap();
    let mut folder = entries;
    for key in folders {
        match folder.get_mut(key) {
            Some(Tree::Dict(inner)) => folder = inner,
            _ => return Err(format!("no dictionary at {key}")),
        }
    }
    Ok((folder, last))
}
