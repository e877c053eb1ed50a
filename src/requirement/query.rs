//! Queries about entitlements in lightweight code requirements.
//!
//! Apple's page "Defining launch environment and library constraints", "Construct an entitlements query": operations with one
//! operand each, which select a part of the entitlements or compare what was selected; the first that fails ends the query.

use thiserror::Error;

use crate::plist::{Dictionary, Value};

/// Why a query cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QueryError {
    /// It is no array with operations.
    #[error("it is no array with operations")]
    NoOperations,
    /// An element is no array of a code and an operand.
    #[error("operation {0} is no array of a code and an operand")]
    Form(usize),
    /// There is no such code.
    #[error("operation {index} has the unknown code {code}")]
    Code {
        /// The operation, counted from 0.
        index: usize,
        /// The code.
        code: i128,
    },
    /// The operand is of another type than the code demands.
    #[error("operation {0} has an operand of the wrong type")]
    Operand(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Operation {
    Key(String),
    Index(usize),
    String(String),
    Prefix(String),
    Boolean(bool),
    StringAllowed(String),
    Integer(i128),
    PrefixAllowed(String),
    KeyPrefix(String),
    IntegerAllowed(i128),
    Type(i128),
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query(Vec<Operation>);

impl Query {
    pub(super) fn read(value: &Value) -> Result<Self, QueryError> {
        let operations = value.as_array().filter(|operations| !operations.is_empty());
        let operations = operations.ok_or(QueryError::NoOperations)?;
        let read = |(index, operation): (usize, &Value)| {
            let Some([Value::Integer(code), operand]) = operation.as_array() else {
                return Err(QueryError::Form(index));
            };
            let error = QueryError::Operand(index);
            let text = || operand.as_str().map(str::to_owned).ok_or(error);
            let number = || operand.as_integer().ok_or(error);
            Ok(match code {
                1 => Operation::Key(text()?),
                2 => Operation::Index(usize::try_from(number()?).map_err(|_| error)?),
                3 => Operation::String(text()?),
                4 => Operation::Prefix(text()?),
                5 => Operation::Boolean(operand.as_bool().ok_or(error)?),
                6 => Operation::StringAllowed(text()?),
                7 => Operation::Integer(number()?),
                8 => Operation::PrefixAllowed(text()?),
                9 => Operation::KeyPrefix(text()?),
                10 => Operation::IntegerAllowed(number()?),
                11 => Operation::Type(number()?),
                code => return Err(QueryError::Code { index, code: *code }),
            })
        };
        operations
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn holds(&self, entitlements: Option<&Dictionary>) -> bool {
        let none = Dictionary::default();
        let mut state = State::Entries(entitlements.unwrap_or(&none));
        self.0.iter().all(|operation| state.apply(operation))
    }
}

/// What is selected: the entitlements as a whole, or one value in them.
#[derive(Clone, Copy)]
enum State<'e> {
    Entries(&'e Dictionary),
    Value(&'e Value),
}

impl<'e> State<'e> {
    fn entries(self) -> Option<&'e Dictionary> {
        match self {
            Self::Entries(entries) => Some(entries),
            Self::Value(value) => value.as_dictionary(),
        }
    }

    fn value(self) -> Option<&'e Value> {
        match self {
            Self::Entries(_) => None,
            Self::Value(value) => Some(value),
        }
    }

    /// Whether the value, or an element of it, is right.
    fn any(self, is_right: impl Fn(&Value) -> bool) -> bool {
        match self.value() {
            Some(Value::Array(elements)) => elements.iter().any(is_right),
            Some(value) => is_right(value),
            None => false,
        }
    }

    fn select(&mut self, found: Option<&'e Value>) -> bool {
        if let Some(found) = found {
            *self = Self::Value(found);
        }
        found.is_some()
    }

    fn apply(&mut self, operation: &Operation) -> bool {
        let text = self.value().and_then(Value::as_str);
        let begins =
            |value: &Value, prefix: &str| value.as_str().is_some_and(|text| text.starts_with(prefix));
        match operation {
            Operation::Key(key) => self.select(self.entries().and_then(|entries| entries.get(key))),
            Operation::Index(index) => {
                let elements = self.value().and_then(Value::as_array);
                self.select(elements.and_then(|elements| elements.get(*index)))
            }
            // "The longest-matching key": the longest key that begins so.
            Operation::KeyPrefix(prefix) => {
                let keys = self.entries().into_iter().flat_map(|entries| entries.iter());
                let found = keys.filter(|(key, _)| key.starts_with(prefix.as_str()));
                self.select(found.max_by_key(|(key, _)| key.len()).map(|(_, value)| value))
            }
            Operation::String(wanted) => text == Some(wanted),
            Operation::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
            Operation::Boolean(wanted) => self.value().and_then(Value::as_bool) == Some(*wanted),
            Operation::Integer(wanted) => self.value().and_then(Value::as_integer) == Some(*wanted),
            Operation::StringAllowed(wanted) => self.any(|value| value.as_str() == Some(wanted)),
            Operation::PrefixAllowed(prefix) => self.any(|value| begins(value, prefix)),
            Operation::IntegerAllowed(wanted) => self.any(|value| value.as_integer() == Some(*wanted)),
            Operation::Type(wanted) => {
                let found = match (*self, self.value()) {
                    (Self::Entries(_), _) | (_, Some(Value::Dictionary(_))) => 1,
                    (_, Some(Value::Array(_))) => 2,
                    (_, Some(Value::Integer(_))) => 3,
                    (_, Some(Value::String(_))) => 4,
                    (_, Some(Value::Boolean(_))) => 5,
                    _ => 0,
                };
                found == *wanted
            }
        }
    }
}
