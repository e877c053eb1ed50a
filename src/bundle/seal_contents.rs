//! What the dictionaries of a seal say, read out of XML without a tree of values: a seal has an entry for every file.
//!
//! Specification 6.6 and 6.9 (`ResourceSeal`). The other forms, which no signer writes, come as a tree.

use super::{SealEntry, SealError, SealedItem};
use crate::budget::Budget;
use crate::hash::Digest;
use crate::limits::Limits;
use crate::plist::{Dictionary, Event, Events, Form, Value, form, parse_within};

/// Steps of reading an entry, beside the scan of its text.
const PER_ENTRY: u64 = 16;

/// Paths and what is sealed there, in the order of the list; of a path that comes again, the last one counts.
pub(super) type Files = Vec<(String, SealEntry)>;

/// The dictionaries that count.
#[derive(Debug)]
pub(super) struct Contents {
    /// 2 with `files2`, else 1.
    pub(super) version: u32,
    pub(super) rules: Dictionary,
    pub(super) files: Files,
}

impl Contents {
    pub(super) fn read(bytes: &[u8], limits: &Limits, budget: &Budget) -> Result<Self, SealError> {
        budget.scan(bytes.len())?;
        match form(bytes)? {
            Form::Xml(text) => of_xml(Events::new(&text, limits.plist_values), budget),
            Form::Binary | Form::OldStyle(_) => of_value(parse_within(bytes, limits, budget)?),
        }
    }
}

/// The four dictionaries; of `files2` also whether there is anything under that name, since then version 1 does not count
/// (`loadResources`). `F` stands for the files of version 1, which newer seals have as well: they are read at last.
struct Parts<F> {
    rules: Option<Dictionary>,
    files: Option<F>,
    rules2: Option<Dictionary>,
    files2: Option<Option<Files>>,
}

impl<F> Parts<F> {
    const NONE: Self = Self {
        rules: None,
        files: None,
        rules2: None,
        files2: None,
    };

    fn choose(self, read: impl FnOnce(F) -> Result<Files, SealError>) -> Result<Contents, SealError> {
        let (Some(rules), Some(files)) = (self.rules, self.files) else {
            return Err(SealError::Incomplete);
        };
        let (version, rules, files) = match self.files2 {
            Some(files) => {
                let both = self.rules2.zip(files).ok_or(SealError::NoRules)?;
                (2, both.0, both.1)
            }
            None => (1, rules, read(files)?),
        };
        Ok(Contents {
            version,
            rules,
            files,
        })
    }
}

fn dictionary(value: Value) -> Option<Dictionary> {
    match value {
        Value::Dictionary(entries) => Some(entries),
        _ => None,
    }
}

fn of_value(value: Value) -> Result<Contents, SealError> {
    let seal = dictionary(value).ok_or(SealError::NotADictionary)?;
    let mut parts = Parts::NONE;
    for (key, value) in seal.into_entries() {
        match key.as_str() {
            "rules" => parts.rules = dictionary(value),
            "rules2" => parts.rules2 = dictionary(value),
            "files" => parts.files = dictionary(value),
            "files2" => parts.files2 = Some(dictionary(value).map(files_of_value)),
            _ => {}
        }
    }
    parts.choose(|files| Ok(files_of_value(files)))
}

fn files_of_value(files: Dictionary) -> Files {
    let mut reading = Reading::default();
    let files = files.into_entries().map(|(path, value)| {
        let entry = match value {
            Value::Data(digest) => plain(&digest),
            Value::Dictionary(entries) => {
                for (key, value) in entries.iter() {
                    reading.set(key, &Part::of(value));
                }
                reading.take()
            }
            _ => SealEntry::MALFORMED,
        };
        (path, entry)
    });
    files.collect()
}

fn of_xml(mut events: Events<'_>, budget: &Budget) -> Result<Contents, SealError> {
    let mut room = Vec::new();
    let first = events.step()?;
    if !matches!(first, Event::Dictionary) {
        events.skip_value(&first, &mut room)?;
        return Err(SealError::NotADictionary);
    }
    let mut parts = Parts::NONE;
    while let Event::Key(key) = events.step()? {
        let first = events.step()?;
        match &*key {
            "rules" => parts.rules = dictionary(events.value(first)?),
            "rules2" => parts.rules2 = dictionary(events.value(first)?),
            "files2" if matches!(first, Event::Dictionary) => {
                parts.files2 = Some(Some(files_of_xml(&mut events, &mut room, budget)?));
            }
            name => {
                let start = matches!(first, Event::Dictionary).then(|| events.clone());
                match name {
                    "files" => parts.files = start,
                    "files2" => parts.files2 = Some(None),
                    _ => {}
                }
                events.skip_value(&first, &mut room)?;
            }
        }
    }
    events.finish()?;
    parts.choose(|mut events| files_of_xml(&mut events, &mut room, budget))
}

/// Reads to the end of a dictionary that was begun.
fn files_of_xml(events: &mut Events<'_>, room: &mut Vec<u8>, budget: &Budget) -> Result<Files, SealError> {
    let mut files = Vec::new();
    let mut reading = Reading::default();
    while let Event::Key(path) = events.step()? {
        let first = events.step()?;
        let entry = match &first {
            Event::Scalar(scalar) => scalar.data(room)?.map_or(SealEntry::MALFORMED, plain),
            Event::Dictionary => {
                while let Event::Key(key) = events.step()? {
                    let first = events.step()?;
                    match &first {
                        Event::Scalar(scalar) => {
                            let part = match (scalar.data(room)?, scalar.as_str(), scalar.as_bool()) {
                                (Some(bytes), ..) => Part::Data(bytes),
                                (_, Some(text), _) => Part::Text(text),
                                (.., Some(value)) => Part::Boolean(value),
                                _ => Part::Other,
                            };
                            reading.set(&key, &part);
                        }
                        _ => {
                            events.skip_value(&first, room)?;
                            reading.set(&key, &Part::Other);
                        }
                    }
                }
                reading.take()
            }
            _ => {
                events.skip_value(&first, room)?;
                SealEntry::MALFORMED
            }
        };
        budget.step(PER_ENTRY)?;
        budget.retain(size(&path, &entry))?;
        files.push((path.into_owned(), entry));
    }
    Ok(files)
}

/// Bytes of an entry with its path.
fn size(path: &str, entry: &SealEntry) -> usize {
    let own = match &entry.item {
        SealedItem::File { digests } => digests.len().saturating_mul(size_of::<(u8, Digest)>()),
        SealedItem::Symlink { target } => target.len(),
        SealedItem::Nested { requirement, cdhash } => {
            let cdhash = cdhash.as_ref().map_or(0, Vec::len);
            requirement.len().saturating_add(cdhash)
        }
        SealedItem::Malformed => 0,
    };
    path.len()
        .saturating_add(own)
        .saturating_add(size_of::<(String, SealEntry)>())
}

/// The value of a key in an entry, as far as it matters.
enum Part<'p> {
    Text(&'p str),
    Data(&'p [u8]),
    Boolean(bool),
    Other,
}

impl<'p> Part<'p> {
    fn of(value: &'p Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Data(bytes) => Self::Data(bytes),
            Value::Boolean(value) => Self::Boolean(*value),
            _ => Self::Other,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some((*text).to_owned()),
            _ => None,
        }
    }

    fn data(&self) -> Option<&'p [u8]> {
        match self {
            Self::Data(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// An entry in the old form: the digest alone.
fn plain(digest: &[u8]) -> SealEntry {
    SealEntry {
        item: SealedItem::File {
            digests: vec![(0, Some(Digest::new(digest)))],
        },
        optional: false,
    }
}

/// The number behind `hash` in a key (`ResourceBuilder::hashName`): none for SHA-1, else the decimal number of the type.
fn hash_number(key: &str) -> Option<u8> {
    match key.strip_prefix("hash")? {
        "" => Some(0),
        digits if digits.starts_with(['+', '0']) => None,
        digits => digits.parse().ok(),
    }
}

/// An entry that is being read. Of a key that comes again, the last value counts, as in all lists of this form.
#[derive(Default)]
struct Reading {
    /// Whether there is one, and its text.
    requirement: Option<Option<String>>,
    symlink: Option<Option<String>>,
    cdhash: Option<Vec<u8>>,
    /// Whether there is one, and whether it is true.
    optional: Option<Option<bool>>,
    digests: Vec<(u8, Option<Digest>)>,
}

impl Reading {
    fn set(&mut self, key: &str, part: &Part<'_>) {
        match key {
            "requirement" => self.requirement = Some(part.text()),
            "symlink" => self.symlink = Some(part.text()),
            "cdhash" => self.cdhash = part.data().map(<[u8]>::to_vec),
            "optional" => {
                self.optional = Some(match part {
                    Part::Boolean(value) => Some(*value),
                    _ => None,
                });
            }
            _ => {
                if let Some(number) = hash_number(key) {
                    self.digests.retain(|(known, _)| *known != number);
                    // A value that is not data is no digest, and stays in the place of one.
                    self.digests.push((number, part.data().map(Digest::new)));
                }
            }
        }
    }

    /// The entry; what was read is forgotten.
    fn take(&mut self) -> SealEntry {
        let item = match (self.requirement.take(), self.symlink.take(), self.cdhash.take()) {
            (Some(Some(requirement)), _, cdhash) => SealedItem::Nested { requirement, cdhash },
            (None, Some(Some(target)), _) => SealedItem::Symlink { target },
            (None, None, _) => SealedItem::File {
                // As much room as they need: there may be many.
                digests: self.digests.clone(),
            },
            _ => SealedItem::Malformed,
        };
        self.digests.clear();
        match self.optional.take() {
            Some(None) => SealEntry::MALFORMED,
            optional => SealEntry {
                item,
                optional: optional.flatten().unwrap_or_default(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::SealedPaths;
    use super::*;
    use crate::plist::parse;

    #[test]
    fn names_of_digests() {
        assert_eq!(hash_number("hash"), Some(0));
        assert_eq!(hash_number("hash2"), Some(2));
        assert_eq!(hash_number("hash255"), Some(255));
        for key in ["hash0", "hash02", "hash+2", "hash256", "hash ", "Hash", "cdhash"] {
            assert_eq!(hash_number(key), None, "{key}");
        }
    }

    /// Both ways agree about what a list says, whatever is strange about it.
    #[test]
    fn the_same_with_and_without_a_tree() {
        let digest = "<data>AQID</data>";
        let entries = [
            format!(
                "<key>a</key>{digest}<key>b</key><dict><key>hash</key>{digest}<key>hash2</key>{digest}</dict>"
            ),
            format!("<key>a</key>{digest}<key>a</key><dict/><key>A</key><true/>"),
            format!(
                "<key>b</key>{digest}<key>a</key><dict><key>hash2</key><data></data><key>hash2</key>{digest}</dict>"
            ),
            format!("<key>a</key><dict><key>hash2</key>{digest}<key>hash2</key><string>x</string></dict>"),
            "<key>a</key><dict><key>symlink</key><string>b</string><key>optional</key><true/></dict>"
                .to_owned(),
            format!(
                "<key>a</key><dict><key>symlink</key>{digest}<key>hash</key>{digest}</dict><key>b</key><array/>"
            ),
            format!(
                "<key>a</key><dict><key>cdhash</key>{digest}<key>requirement</key><string>x</string></dict>"
            ),
            "<key>a</key><dict><key>requirement</key><dict><key>x</key><array><true/></array></dict></dict>"
                .to_owned(),
            format!(
                "<key>a</key><dict><key>optional</key><string>x</string><key>hash</key>{digest}<key>weight</key><real>1</real></dict>"
            ),
            "<key>a</key><dict><key>hash2</key><data>é</data></dict>".to_owned(),
            "<key>a</key><array><integer>x</integer></array>".to_owned(),
            String::new(),
        ];
        let rules = "<key>rules</key><dict/><key>rules2</key><dict/>";
        let mut lists: Vec<String> = Vec::new();
        for entries in &entries {
            for one in ["files", "files2"] {
                let other = if one == "files" { "files2" } else { "files" };
                let whole = format!("<key>{one}</key><dict>{entries}</dict>");
                lists.push(format!("{rules}{whole}"));
                lists.push(format!("{rules}{whole}<key>{other}</key><dict/>"));
                lists.push(format!(
                    "{rules}{whole}<key>{one}</key><dict/><key>{other}</key><dict/>"
                ));
                lists.push(format!(
                    "{rules}{whole}<key>{one}</key><string/><key>{other}</key><dict/>"
                ));
                lists.push(format!(
                    "{rules}<key>files</key><dict/>{whole}<key>x</key><array>{digest}</array>"
                ));
                lists.push(format!("<key>rules</key><dict/>{whole}<key>{other}</key><dict/>"));
            }
        }
        let mut accepted = 0;
        for list in lists {
            let text = format!("<plist><dict>{list}</dict></plist>");
            let shown = |contents: Contents| {
                let files = SealedPaths::new(contents.files);
                let files: Vec<_> = files
                    .iter()
                    .map(|(path, entry)| (path.to_owned(), entry.clone()))
                    .collect();
                (contents.version, contents.rules, files)
            };
            let events = of_xml(Events::new(&text, 1000), &Budget::default()).map(shown);
            let tree = parse(text.as_bytes())
                .map_err(SealError::from)
                .and_then(of_value)
                .map(shown);
            assert_eq!(events, tree, "{list}");
            accepted += usize::from(tree.is_ok());
        }
        // Two of the twelve have broken values; five of the twelve lists with each lack something.
        assert_eq!(accepted, 70);
    }
}
