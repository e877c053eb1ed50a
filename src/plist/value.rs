//! The values of a property list.

use std::collections::HashMap;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `<true/>` or `<false/>`.
    Boolean(bool),
    /// `<integer>`; the range is that of signed and unsigned 64-bit integers.
    Integer(i128),
    /// `<real>`.
    Real(f64),
    /// `<string>`.
    String(String),
    /// `<data>`.
    Data(Vec<u8>),
    /// `<date>`: seconds since 2001-01-01 00:00:00 UTC, CoreFoundation's absolute time.
    Date(f64),
    /// `<array>`.
    Array(Vec<Value>),
    /// `<dict>`.
    Dictionary(Dictionary),
    /// A reference of a keyed archive; binary lists only.
    Uid(u64),
}

impl Value {
    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if it is data.
    #[must_use]
    pub fn as_data(&self) -> Option<&[u8]> {
        match self {
            Self::Data(value) => Some(value),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(value) => Some(value),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    #[must_use]
    pub fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(value) => Some(value),
            _ => None,
        }
    }

    /// Bytes that it takes in memory, with all that is in it. Containers are nested only as deep as their readers allow.
    pub(super) fn size(&self) -> usize {
        let inner = match self {
            Self::String(text) => text.len(),
            Self::Data(bytes) => bytes.len(),
            Self::Array(elements) => elements.iter().map(Self::size).sum(),
            Self::Dictionary(entries) => entries
                .iter()
                .map(|(key, value)| {
                    key.len()
                        .saturating_add(size_of::<String>())
                        .saturating_add(value.size())
                })
                .sum(),
            Self::Boolean(_) | Self::Integer(_) | Self::Real(_) | Self::Date(_) | Self::Uid(_) => 0,
        };
        size_of::<Self>().saturating_add(inner)
    }

    /// What kind of value it is, in words of the XML form.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Real(_) => "real",
            Self::String(_) => "string",
            Self::Data(_) => "data",
            Self::Date(_) => "date",
            Self::Array(_) => "array",
            Self::Dictionary(_) => "dictionary",
            Self::Uid(_) => "uid",
        }
    }
}

/// Keys that are searched one after the other.
const MAX_WITHOUT_INDEX: usize = 16;

/// A dictionary whose keys are unique and keep the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    entries: Vec<(String, Value)>,
    /// Whether a key came that is not behind all before it. CoreFoundation writes keys in ascending order, so that even the
    /// thousands of a seal need no index.
    is_mixed: bool,
    /// Places by key, of many that are mixed.
    #[expect(
        clippy::box_collection,
        reason = "a seal has thousands of small dictionaries without one"
    )]
    index: Option<Box<HashMap<String, usize>>>,
}

impl Dictionary {
    fn place(&self, key: &str) -> Option<usize> {
        if self.entries.len() <= MAX_WITHOUT_INDEX {
            return self.entries.iter().position(|(known, _)| known == key);
        }
        if self.is_mixed {
            return self.index.as_ref()?.get(key).copied();
        }
        self.entries
            .binary_search_by(|(known, _)| known.as_str().cmp(key))
            .ok()
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(self.place(key)?).map(|(_, value)| value)
    }

    /// Sets `key` and gives back the value that it had; the key keeps its first place.
    pub fn insert(&mut self, key: String, value: Value) -> Option<Value> {
        let is_last = self.entries.last().is_none_or(|(last, _)| *last < key);
        if self.is_mixed || !is_last {
            let place = self.place(&key);
            if let Some((_, old)) = place.and_then(|at| self.entries.get_mut(at)) {
                return Some(std::mem::replace(old, value));
            }
            self.is_mixed = true;
        }
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, value));
        if self.is_mixed && self.index.is_none() && self.entries.len() > MAX_WITHOUT_INDEX {
            let keys = self.entries.iter().map(|(key, _)| key.clone());
            self.index = Some(Box::new(keys.zip(0..).collect()));
        }
        None
    }

    /// Takes it apart, in the order of the file.
    pub fn into_entries(self) -> impl Iterator<Item = (String, Value)> {
        self.entries.into_iter()
    }

    /// Keys and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The order of keys carries no meaning.
impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl FromIterator<(String, Value)> for Dictionary {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        let mut dictionary = Self::default();
        for (key, value) in entries {
            dictionary.insert(key, value);
        }
        dictionary
    }
}
