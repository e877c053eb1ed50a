//! What a finding knows for its remedy: names, keys and paths.

use super::Step;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A word as it is.
    Text(String),
    /// A path in the item.
    Path(String),
}

/// What is known about one finding beside its code and its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Other code to be repaired than that of the finding, relative to the item.
    pub(crate) code: Option<String>,
    /// Code that was signed as the repaired code is to be, where that has no signature that can be found.
    pub(crate) like: Option<String>,
    /// Other steps than those of the rule.
    pub(crate) steps: Option<&'static [Step]>,
    /// Values by name.
    values: Vec<(&'static str, Fact)>,
    /// Values that occur several times. A command that names one is repeated for each record.
    records: Vec<Vec<(&'static str, Fact)>>,
}

impl Facts {
    /// Adds a word by name.
    pub(crate) fn text(&mut self, name: &'static str, text: impl Into<String>) -> &mut Self {
        self.values.push((name, Fact::Text(text.into())));
        self
    }

    /// Adds a path in the item by name.
    pub(crate) fn path(&mut self, name: &'static str, path: impl Into<String>) -> &mut Self {
        self.values.push((name, Fact::Path(path.into())));
        self
    }

    /// Adds a record with each of these as its `PLACE`. What is in another one goes with it.
    pub(crate) fn places<'p>(&mut self, places: impl IntoIterator<Item = &'p str>) {
        let mut kept: Option<&str> = None;
        for place in places {
            let is_inside = |outer: &str| {
                place
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.starts_with('/'))
            };
            if !kept.is_some_and(is_inside) {
                self.record(vec![("PLACE", Fact::Path(place.to_owned()))]);
                kept = Some(place);
            }
        }
    }

    /// Adds a record with each of these as its `KEY`.
    pub(crate) fn keys<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) {
        for key in keys {
            self.record(vec![("KEY", Fact::Text(key.to_owned()))]);
        }
    }

    /// Adds a record.
    pub(crate) fn record(&mut self, record: Vec<(&'static str, Fact)>) -> &mut Self {
        self.records.push(record);
        self
    }

    /// Returns the records that have one of these names.
    pub(crate) fn records_with(&self, names: &[&str]) -> Vec<&[(&'static str, Fact)]> {
        let has = |record: &&Vec<(&str, Fact)>| record.iter().any(|(name, _)| names.contains(name));
        self.records.iter().filter(has).map(Vec::as_slice).collect()
    }

    /// Returns the value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Fact> {
        find(&self.values, name)
    }

    /// Returns true if there is a value of this name, in a record or not.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.get(name).is_some() || self.records.iter().any(|record| find(record, name).is_some())
    }
}

/// Finds a value by its name.
pub(crate) fn find<'f>(values: &'f [(&'static str, Fact)], name: &str) -> Option<&'f Fact> {
    values
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, fact)| fact)
}
