//! Requirement sets: the component of special slot 2 (specification 5.5, native observations 6.1 and 6.2).

use std::collections::BTreeMap;
use std::fmt;

use super::parser::Either;
use super::{Requirement, RequirementError, SyntaxError, binary, parser};
use crate::blob::{Slot, SuperBlob, magic};

/// What a requirement in a set is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequirementType(pub u32);

impl RequirementType {
    /// What the code itself must satisfy to be the same code.
    pub const DESIGNATED: Self = Self(3);

    /// The word of the language, or the number.
    #[must_use]
    pub fn name(self) -> String {
        match self.0 {
            0 => "invalid".to_owned(),
            1 => "host".to_owned(),
            2 => "guest".to_owned(),
            3 => "designated".to_owned(),
            4 => "library".to_owned(),
            5 => "plugin".to_owned(),
            other => format!("/*unknown type*/ {other}"),
        }
    }
}

/// What a text compiles to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiled {
    /// One requirement.
    One(Requirement),
    /// A set.
    Set(RequirementSet),
}

impl Compiled {
    /// Compiles the text of one requirement or of a set, whichever its first word begins, as `csreq -r` does.
    ///
    /// # Errors
    /// [`SyntaxError`].
    pub fn from_text(text: &str) -> Result<Self, SyntaxError> {
        Ok(match parser::either(text)? {
            Either::One(expression) => Self::One(Requirement { expression }),
            Either::Set(entries) => Self::Set(RequirementSet::sorted(entries)),
        })
    }
}

/// A requirement set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementSet {
    /// The entries in the order of the index; an entry that is no requirement is kept as its error. Index entries without
    /// a blob are left out.
    pub entries: Vec<(RequirementType, Result<Requirement, RequirementError>)>,
    /// Types whose first index entry has no blob, so that later entries of that type do not count.
    hidden: Vec<RequirementType>,
    /// Number of index entries.
    count: usize,
}

impl RequirementSet {
    /// Reads a set blob.
    ///
    /// # Errors
    /// [`RequirementError::Invalid`], when its index is malformed.
    pub fn from_blob(blob: &[u8]) -> Result<Self, RequirementError> {
        let superblob = SuperBlob::parse(blob, magic::REQUIREMENTS).map_err(|_| RequirementError::Invalid)?;
        let mut set = Self {
            entries: Vec::new(),
            hidden: Vec::new(),
            count: superblob.entries().len(),
        };
        for entry in superblob.entries() {
            let Slot(number) = entry.slot;
            let kind = RequirementType(number);
            if !entry.is_empty() {
                set.entries.push((kind, Requirement::from_blob(entry.data)));
            } else if set.entries.iter().all(|(found, _)| *found != kind) {
                set.hidden.push(kind);
            }
        }
        Ok(set)
    }

    /// Compiles the text of a set; the entries are sorted by type, and the last one of a type wins.
    ///
    /// # Errors
    /// [`SyntaxError`].
    pub fn from_text(text: &str) -> Result<Self, SyntaxError> {
        parser::set(text).map(Self::sorted)
    }

    fn sorted(entries: parser::Entries) -> Self {
        let entries: BTreeMap<u32, _> = entries.into_iter().collect();
        let entries = entries
            .into_iter()
            .map(|(number, expression)| (RequirementType(number), Ok(Requirement { expression })));
        Self {
            hidden: Vec::new(),
            count: entries.len(),
            entries: entries.collect(),
        }
    }

    /// The set blob; entries that are errors are left out.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        let blobs: Vec<(u32, Vec<u8>)> = self
            .entries
            .iter()
            .filter_map(|(number, entry)| Some((number.0, entry.as_ref().ok()?.to_blob())))
            .collect();
        let count = u32::try_from(blobs.len()).unwrap_or(u32::MAX);
        let mut offset = count.saturating_mul(8).saturating_add(12);
        let mut payload = count.to_be_bytes().to_vec();
        for (number, blob) in &blobs {
            payload.extend(number.to_be_bytes());
            payload.extend(offset.to_be_bytes());
            offset = offset.saturating_add(u32::try_from(blob.len()).unwrap_or(u32::MAX));
        }
        payload.extend(blobs.into_iter().flat_map(|(_, blob)| blob));
        binary::wrap(magic::REQUIREMENTS, &payload)
    }

    /// Text that compiles to the same bytes; see [`Requirement::to_source`].
    #[must_use]
    pub fn to_source(&self) -> String {
        self.lines(Requirement::to_source)
    }

    fn lines(&self, text: fn(&Requirement) -> String) -> String {
        self.entries
            .iter()
            .map(|(number, entry)| match entry {
                Ok(requirement) => format!("{} => {}\n", number.name(), text(requirement)),
                Err(error) => format!("{} => /* {error} */\n", number.name()),
            })
            .collect()
    }

    /// Number of entries in the index, with those that have no blob.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first entry of a type (`SuperBlobCore::find<Requirement>`). A blob that is not a requirement counts as absent; a
    /// requirement of a kind that cannot be evaluated does not.
    #[must_use]
    pub fn find(&self, wanted: RequirementType) -> Option<&Result<Requirement, RequirementError>> {
        if self.hidden.contains(&wanted) {
            return None;
        }
        let (_, entry) = self.entries.iter().find(|(found, _)| *found == wanted)?;
        Some(entry).filter(|entry| !matches!(entry, Err(RequirementError::Invalid)))
    }
}

/// One line for each entry, as `codesign -d -r-` prints them.
impl fmt::Display for RequirementSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(Requirement::to_string))
    }
}
