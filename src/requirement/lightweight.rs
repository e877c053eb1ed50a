//! Lightweight code requirements: launch environment and library constraints.
//!
//! Apple's page "Defining launch environment and library constraints": facts and operators in a dictionary, all of which must
//! hold. In a signature (slots 8 to 11) the dictionary stands as `reqs` in another one with `ccat`, `comp` and `vers`; in a
//! property list for launchd it stands alone (catalogue 13). What the kernel makes of facts that Apple did not publish is not
//! known, so they are neither malformed nor judged.

use thiserror::Error;

use super::query::{Query, QueryError};
use crate::limits::CONSTRAINT_DEPTH;
use crate::plist::{Dictionary, Value};

/// The keys around the facts in a signature, and the integers that developers' constraints have there.
const ENVELOPE: [&str; 4] = ["ccat", "comp", "reqs", "vers"];

/// The type of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Integer,
    String,
    Data,
    Entitlements,
}

/// The facts of Apple's page.
const FACTS: [(&str, Kind); 10] = [
    ("cdhash", Kind::Data),
    ("entitlements", Kind::Entitlements),
    ("is-init-proc", Kind::Boolean),
    ("is-sip-protected", Kind::Boolean),
    ("launch-type", Kind::Integer),
    ("on-authorized-authapfs-volume", Kind::Boolean),
    ("on-system-volume", Kind::Boolean),
    ("signing-identifier", Kind::String),
    ("team-identifier", Kind::String),
    ("validation-category", Kind::Integer),
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::String => "a string",
            Self::Data => "data",
            Self::Entitlements => "a dictionary with $query",
        }
    }

    fn fits(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::Boolean, Value::Boolean(_))
                | (Self::Integer, Value::Integer(_))
                | (Self::String, Value::String(_))
                | (Self::Data, Value::Data(_))
        )
    }
}

/// Why a constraint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LightweightError {
    /// A key of the dictionary around the facts is missing, unknown or of another type.
    #[error("{0} is missing, or is not of the right type")]
    Envelope(&'static str),
    /// Another key there.
    #[error("it has the unknown key {0}")]
    EnvelopeKey(String),
    /// A dictionary or array without anything in it.
    #[error("{0} is empty")]
    Empty(String),
    /// An operator that does not exist, or not here.
    #[error("{operator} is no operator that may stand in {place}")]
    Operator {
        /// The operator.
        operator: String,
        /// The fact or operator around it.
        place: String,
    },
    /// A value of another type.
    #[error("{key} is of type {found}, where {expected} belongs")]
    Type {
        /// The fact or operator.
        key: String,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A query about entitlements that cannot be made.
    #[error("$query: {0}")]
    Query(#[from] QueryError),
    /// Nested too deep.
    #[error("nested deeper than {CONSTRAINT_DEPTH} levels")]
    Depth,
}

/// What is known about code that a constraint is held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Whether there is something to know at all; code without a signature that can be read leaves all open.
    pub is_known: bool,
    /// The cdhash that the kernel takes, 20 bytes.
    pub cdhash: Option<&'a [u8]>,
    /// Identifier of the CodeDirectory.
    pub identifier: Option<&'a str>,
    /// Its team identifier; where there is none the fact is undefined.
    pub team: Option<&'a str>,
    /// The validation category; `None` where it is not known.
    pub category: Option<i128>,
    /// The entitlements; `None` for none.
    pub entitlements: Option<&'a Dictionary>,
    /// Whether macOS itself brings the code.
    pub is_platform: bool,
}

/// The value of a fact.
enum Known {
    Value(Value),
    /// The code has none.
    Undefined,
    /// It depends on what is not known here.
    Unknown,
}

impl Facts<'_> {
    fn get(&self, fact: &str) -> Known {
        if !self.is_known {
            return Known::Unknown;
        }
        let text = |text: Option<&str>| {
            text.map_or(Known::Undefined, |text| {
                Known::Value(Value::String(text.to_owned()))
            })
        };
        match fact {
            "cdhash" => self
                .cdhash
                .map_or(Known::Unknown, |hash| Known::Value(Value::Data(hash.to_vec()))),
            // The one of macOS's own code that may be meant.
            "signing-identifier" if self.is_platform && self.identifier.is_none() => Known::Unknown,
            "signing-identifier" => text(self.identifier),
            "team-identifier" => text(self.team),
            "validation-category" => self
                .category
                .map_or(Known::Unknown, |number| Known::Value(Value::Integer(number))),
            // launchd, and what lies on the system's own volumes, is Apple's.
            "is-init-proc" | "on-system-volume" | "on-authorized-authapfs-volume" if !self.is_platform => {
                Known::Value(Value::Boolean(false))
            }
            _ => Known::Unknown,
        }
    }
}

/// What a part of a constraint comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    True,
    False,
    /// The code has no such fact.
    Undefined,
    /// Not known here.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equal(Value),
    In(Vec<Value>),
    Less(i128),
    LessEqual(i128),
    Greater(i128),
    GreaterEqual(i128),
    Query(Query),
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    And(Vec<Term>),
    Or(Vec<Term>),
    Optional(Box<Term>),
    Fact(String, Test),
    /// A fact that Apple did not publish.
    Unpublished,
}

/// A lightweight code requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct LightweightRequirement(Term);

impl LightweightRequirement {
    /// Reads the dictionary of slots 8 to 11; `None` for a category of Apple's own in its place.
    ///
    /// # Errors
    /// See [`LightweightError`].
    pub fn from_signature(envelope: &Dictionary) -> Result<Option<Self>, LightweightError> {
        if let Some((key, _)) = envelope.iter().find(|(key, _)| !ENVELOPE.contains(key)) {
            return Err(LightweightError::EnvelopeKey(key.to_owned()));
        }
        let integer = |key: &'static str| {
            envelope
                .get(key)
                .and_then(Value::as_integer)
                .ok_or(LightweightError::Envelope(key))
        };
        integer("comp")?;
        integer("vers")?;
        let category = integer("ccat")?;
        let facts = envelope
            .get("reqs")
            .and_then(Value::as_dictionary)
            .ok_or(LightweightError::Envelope("reqs"))?;
        if category != 0 && facts.is_empty() {
            return Ok(None);
        }
        Self::from_facts(facts).map(Some)
    }

    /// Reads facts and operators.
    ///
    /// # Errors
    /// See [`LightweightError`].
    pub fn from_facts(facts: &Dictionary) -> Result<Self, LightweightError> {
        Ok(Self(Term::And(terms("the constraint", facts, 0)?)))
    }

    /// Whether code satisfies it; `None` when that depends on what is not known here.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts<'_>) -> Option<bool> {
        match evaluate(&self.0, facts, false) {
            Answer::True => Some(true),
            Answer::False | Answer::Undefined => Some(false),
            Answer::Unknown => None,
        }
    }

    /// Every value that it compares this fact with for being equal.
    #[must_use]
    pub fn values(&self, fact: &str) -> Vec<&Value> {
        let mut found = Vec::new();
        collect(&self.0, fact, &mut found);
        found
    }
}

fn collect<'t>(term: &'t Term, fact: &str, found: &mut Vec<&'t Value>) {
    match term {
        Term::And(terms) | Term::Or(terms) => terms.iter().for_each(|term| collect(term, fact, found)),
        Term::Optional(term) => collect(term, fact, found),
        Term::Fact(name, Test::Equal(value)) if name == fact => found.push(value),
        Term::Fact(name, Test::In(values)) if name == fact => found.extend(values),
        Term::Fact(..) | Term::Unpublished => {}
    }
}

fn wrong(key: &str, found: &Value, expected: &'static str) -> LightweightError {
    LightweightError::Type {
        key: key.to_owned(),
        found: found.kind(),
        expected,
    }
}

/// The level below, if there may be one.
fn below(depth: usize) -> Result<usize, LightweightError> {
    let depth = depth.saturating_add(1);
    if depth > CONSTRAINT_DEPTH {
        return Err(LightweightError::Depth);
    }
    Ok(depth)
}

/// Facts and operators in a dictionary.
fn terms(place: &str, entries: &Dictionary, depth: usize) -> Result<Vec<Term>, LightweightError> {
    if entries.is_empty() {
        return Err(LightweightError::Empty(place.to_owned()));
    }
    let read = |(key, value): (&str, &Value)| {
        if key.starts_with('$') {
            return operator(place, key, value, depth);
        }
        match FACTS.iter().find(|(known, _)| *known == key) {
            Some((_, kind)) => fact(key, *kind, value, depth),
            None => Ok(Term::Unpublished),
        }
    };
    entries.iter().map(read).collect()
}

/// An operator in the place of a fact.
fn operator(place: &str, key: &str, value: &Value, depth: usize) -> Result<Term, LightweightError> {
    let depth = below(depth)?;
    let inner = || {
        let entries = value
            .as_dictionary()
            .ok_or_else(|| wrong(key, value, "a dictionary"))?;
        terms(key, entries, depth)
    };
    match key {
        "$and" => inner().map(Term::And),
        "$or" => inner().map(Term::Or),
        "$optional" => inner().map(|terms| Term::Optional(Box::new(Term::And(terms)))),
        "$and-array" => array(key, value, depth).map(Term::And),
        "$or-array" => array(key, value, depth).map(Term::Or),
        _ => Err(LightweightError::Operator {
            operator: key.to_owned(),
            place: place.to_owned(),
        }),
    }
}

/// Arrays of an operator and its dictionary.
fn array(key: &str, value: &Value, depth: usize) -> Result<Vec<Term>, LightweightError> {
    let elements = value.as_array().ok_or_else(|| wrong(key, value, "an array"))?;
    if elements.is_empty() {
        return Err(LightweightError::Empty(key.to_owned()));
    }
    let read = |element: &Value| match element.as_array() {
        Some([Value::String(name), operand]) if ["$and", "$or", "$optional"].contains(&name.as_str()) => {
            operator(key, name, operand, depth)
        }
        _ => Err(wrong(
            key,
            element,
            "an array of $and, $or or $optional and a dictionary",
        )),
    };
    elements.iter().map(read).collect()
}

/// A fact with a value, or with operators that are about it.
fn fact(key: &str, kind: Kind, value: &Value, depth: usize) -> Result<Term, LightweightError> {
    let Some(operators) = value.as_dictionary() else {
        if kind.fits(value) {
            return Ok(Term::Fact(key.to_owned(), Test::Equal(value.clone())));
        }
        return Err(wrong(key, value, kind.name()));
    };
    Ok(Term::And(tests(key, kind, operators, depth)?))
}

/// Operators in the place of a value.
fn tests(key: &str, kind: Kind, operators: &Dictionary, depth: usize) -> Result<Vec<Term>, LightweightError> {
    let depth = below(depth)?;
    if operators.is_empty() {
        return Err(LightweightError::Empty(key.to_owned()));
    }
    let read = |(operator, operand): (&str, &Value)| {
        let inner = || {
            let entries = operand
                .as_dictionary()
                .ok_or_else(|| wrong(operator, operand, "a dictionary"))?;
            tests(key, kind, entries, depth)
        };
        let order = |test: fn(i128) -> Test| match (kind, operand) {
            (Kind::Integer, Value::Integer(number)) => Ok(test(*number)),
            _ => Err(wrong(operator, operand, "an integer, of a fact that is one,")),
        };
        let test = match operator {
            "$and" => return inner().map(Term::And),
            "$or" => return inner().map(Term::Or),
            "$optional" => return inner().map(|terms| Term::Optional(Box::new(Term::And(terms)))),
            "$in" => {
                let values = operand
                    .as_array()
                    .filter(|values| !values.is_empty())
                    .ok_or_else(|| wrong(operator, operand, "an array with values"))?;
                if let Some(value) = values.iter().find(|value| !kind.fits(value)) {
                    return Err(wrong(key, value, kind.name()));
                }
                Test::In(values.to_vec())
            }
            "$lt" => order(Test::Less)?,
            "$lte" => order(Test::LessEqual)?,
            "$gt" => order(Test::Greater)?,
            "$gte" => order(Test::GreaterEqual)?,
            "$query" if kind == Kind::Entitlements => Test::Query(Query::read(operand)?),
            _ => {
                return Err(LightweightError::Operator {
                    operator: operator.to_owned(),
                    place: key.to_owned(),
                });
            }
        };
        Ok(Term::Fact(key.to_owned(), test))
    };
    operators.iter().map(read).collect()
}

fn evaluate(term: &Term, facts: &Facts<'_>, is_in_or: bool) -> Answer {
    match term {
        Term::And(terms) => {
            let answers: Vec<_> = terms.iter().map(|term| evaluate(term, facts, false)).collect();
            // An undefined fact decides, whatever the unknown ones are.
            [Answer::False, Answer::Undefined, Answer::Unknown]
                .into_iter()
                .find(|answer| answers.contains(answer))
                .unwrap_or(Answer::True)
        }
        Term::Or(terms) => {
            let answers: Vec<_> = terms.iter().map(|term| evaluate(term, facts, true)).collect();
            [Answer::True, Answer::Unknown, Answer::Undefined]
                .into_iter()
                .find(|answer| answers.contains(answer))
                .unwrap_or(Answer::False)
        }
        Term::Optional(inner) => match evaluate(inner, facts, false) {
            Answer::Undefined if is_in_or => Answer::False,
            Answer::Undefined => Answer::True,
            answer => answer,
        },
        Term::Unpublished => Answer::Unknown,
        Term::Fact(name, test) => match (facts.get(name), test) {
            (_, Test::Query(query)) if facts.is_known && !facts.is_platform => {
                if query.holds(facts.entitlements) {
                    Answer::True
                } else {
                    Answer::False
                }
            }
            (Known::Value(value), test) if compare(&value, test) => Answer::True,
            (Known::Value(_), _) => Answer::False,
            (Known::Undefined, _) => Answer::Undefined,
            (Known::Unknown, _) => Answer::Unknown,
        },
    }
}

fn compare(value: &Value, test: &Test) -> bool {
    let number = value.as_integer();
    match test {
        Test::Equal(wanted) => value == wanted,
        Test::In(wanted) => wanted.contains(value),
        Test::Less(limit) => number.is_some_and(|number| number < *limit),
        Test::LessEqual(limit) => number.is_some_and(|number| number <= *limit),
        Test::Greater(limit) => number.is_some_and(|number| number > *limit),
        Test::GreaterEqual(limit) => number.is_some_and(|number| number >= *limit),
        Test::Query(_) => false,
    }
}
