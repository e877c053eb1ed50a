//! One claim of code against what its profile allows (`ProfileGrantsEntitlement` in AMFI's messages).
//!
//! Technical note TN3125 and measurements: a profile is a list of what is allowed, so it may grant more than is
//! claimed. A `*` at the end of a granted string stands for anything; in dictionaries nothing does. Which keys need a
//! grant on which system is not known here.

use std::fmt;

use super::Profile;
use super::contents::fits;
use crate::plist::{Dictionary, Value, to_json};

/// Characters of one value in a message.
const MAX_TEXT: usize = 120;

/// Keys whose claim must name one App ID, although the profile may name a pattern of them.
const IDENTITIES: [&str; 2] = ["com.apple.application-identifier", "application-identifier"];

/// Whether a claim is allowed.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The profile allows it.
    Granted,
    /// The profile does not.
    NotGranted(Box<NotGranted>),
}

impl Answer {
    /// Whether the profile allows it.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        matches!(self, Self::Granted)
    }
}

/// A claim that the profile does not allow.
#[derive(Debug, Clone, PartialEq)]
pub struct NotGranted {
    /// The entitlement.
    pub key: String,
    /// What the code claims.
    pub claim: Value,
    /// What the profile grants under this key.
    pub grant: Option<Value>,
    /// Where they part.
    pub difference: Difference,
}

/// A step into an array or a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The element of an array.
    Index(usize),
    /// The value of a dictionary.
    Key(String),
}

/// The first element that differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// The profile does not have the key.
    Absent,
    /// The claim holds a wildcard where only profiles may.
    Wildcard,
    /// The values are of different types.
    Type {
        /// Where, from the values themselves.
        at: Vec<Step>,
        /// What is claimed.
        claimed: &'static str,
        /// What is granted.
        granted: &'static str,
    },
    /// The values are different, and no wildcard helps.
    Value {
        /// Where, from the values themselves.
        at: Vec<Step>,
        /// What is claimed.
        claimed: Value,
        /// What is granted.
        granted: Value,
    },
    /// An element of the claim matches nothing that is granted.
    Element {
        /// Its place in the claim.
        index: usize,
        /// The element.
        claimed: Value,
    },
    /// The claim has something that the literally compared grant has not.
    OnlyClaimed {
        /// Where.
        at: Vec<Step>,
    },
    /// The literally compared grant has something that the claim has not.
    OnlyGranted {
        /// Where.
        at: Vec<Step>,
    },
}

/// Whether `profile` allows code to claim `claim` under `key`.
#[must_use]
pub fn grant(key: &str, claim: &Value, profile: &Profile) -> Answer {
    hold(key, claim, &profile.effective().entitlements)
}

fn hold(key: &str, claim: &Value, grants: &Dictionary) -> Answer {
    let grant = grants.get(key);
    let found = match grant {
        None => Some(Difference::Absent),
        Some(_) if is_open_identity(key, claim) => Some(Difference::Wildcard),
        Some(grant) => difference(claim, grant),
    };
    match found {
        None => Answer::Granted,
        Some(difference) => Answer::NotGranted(Box::new(NotGranted {
            key: key.to_owned(),
            claim: claim.clone(),
            grant: grant.cloned(),
            difference,
        })),
    }
}

fn is_open_identity(key: &str, claim: &Value) -> bool {
    IDENTITIES.contains(&key) && claim.as_str().is_some_and(|claim| claim.contains('*'))
}

fn difference(claim: &Value, grant: &Value) -> Option<Difference> {
    match (claim, grant) {
        // A granted `true` covers both answers.
        (Value::Boolean(_), Value::Boolean(true)) | (Value::Boolean(false), Value::Boolean(false)) => None,
        (Value::Array(claims), _) if !claims.iter().any(is_dictionary) => match grant {
            Value::Array(_) | Value::String(_) => (0..).zip(claims).find_map(|(index, claimed)| {
                let claimed = (!covers(grant, claimed)).then(|| claimed.clone())?;
                Some(Difference::Element { index, claimed })
            }),
            _ => Some(of_type(Vec::new(), claim, grant)),
        },
        (Value::String(_), Value::Array(_)) if covers(grant, claim) => None,
        (Value::String(_), Value::Array(_)) => Some(Difference::Element {
            index: 0,
            claimed: claim.clone(),
        }),
        (Value::String(text), Value::String(pattern)) if fits(text, pattern) => None,
        _ => literal(claim, grant, &mut Vec::new()),
    }
}

fn is_dictionary(value: &Value) -> bool {
    matches!(value, Value::Dictionary(_))
}

/// Whether a granted string or one of a granted array covers a claimed element.
fn covers(grant: &Value, claimed: &Value) -> bool {
    match (grant, claimed) {
        (Value::Array(grants), _) => grants.iter().any(|grant| match (grant, claimed) {
            (Value::String(pattern), Value::String(text)) => fits(text, pattern),
            _ => grant == claimed,
        }),
        (Value::String(pattern), Value::String(text)) => fits(text, pattern),
        _ => false,
    }
}

/// Literal equality; the depth is bounded by the readers of both values.
fn literal(claim: &Value, grant: &Value, at: &mut Vec<Step>) -> Option<Difference> {
    match (claim, grant) {
        (Value::Dictionary(claims), Value::Dictionary(grants)) => {
            for (key, claimed) in claims.iter() {
                at.push(Step::Key(key.to_owned()));
                let found = match grants.get(key) {
                    None => Some(Difference::OnlyClaimed { at: at.clone() }),
                    Some(granted) => literal(claimed, granted, at),
                };
                at.pop();
                if found.is_some() {
                    return found;
                }
            }
            let (missing, _) = grants.iter().find(|(key, _)| claims.get(key).is_none())?;
            let mut at = at.clone();
            at.push(Step::Key(missing.to_owned()));
            Some(Difference::OnlyGranted { at })
        }
        (Value::Array(claims), Value::Array(grants)) => {
            for index in 0..claims.len().max(grants.len()) {
                at.push(Step::Index(index));
                let found = match (claims.get(index), grants.get(index)) {
                    (Some(claimed), Some(granted)) => literal(claimed, granted, at),
                    (Some(_), None) => Some(Difference::OnlyClaimed { at: at.clone() }),
                    _ => Some(Difference::OnlyGranted { at: at.clone() }),
                };
                at.pop();
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        _ if claim == grant => None,
        _ if claim.kind() != grant.kind() => Some(of_type(at.clone(), claim, grant)),
        _ => Some(Difference::Value {
            at: at.clone(),
            claimed: claim.clone(),
            granted: grant.clone(),
        }),
    }
}

fn of_type(at: Vec<Step>, claim: &Value, grant: &Value) -> Difference {
    Difference::Type {
        at,
        claimed: claim.kind(),
        granted: grant.kind(),
    }
}

/// A value as compact JSON, cut where it gets long.
fn text(value: &Value) -> String {
    let text = to_json(value).to_string();
    if text.chars().count() <= MAX_TEXT {
        return text;
    }
    let start: String = text.chars().take(MAX_TEXT).collect();
    format!("{start}…")
}

/// ` at 0/idVendor`, or nothing.
fn place(at: &[Step]) -> String {
    if at.is_empty() {
        return String::new();
    }
    let steps: Vec<_> = at.iter().map(ToString::to_string).collect();
    format!(" at {}", steps.join("/"))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Key(key) => f.write_str(key),
        }
    }
}

impl NotGranted {
    /// What the code claims, for people.
    #[must_use]
    pub fn claim_text(&self) -> String {
        text(&self.claim)
    }

    /// What the profile grants, for people.
    #[must_use]
    pub fn grant_text(&self) -> String {
        self.grant.as_ref().map_or_else(|| "nothing".to_owned(), text)
    }
}

/// The difference in a few words, after which claim and grant may follow.
impl fmt::Display for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.difference {
            Difference::Absent => f.write_str("the profile does not have this entitlement"),
            Difference::Wildcard => {
                write!(
                    f,
                    "the claim {} is a pattern; only a profile may hold one",
                    self.claim_text()
                )
            }
            Difference::Type { at, claimed, granted } => {
                write!(f, "claimed as {claimed}{}, granted as {granted}", place(at))
            }
            Difference::Value { at, claimed, granted } => write!(
                f,
                "claimed is {}{}, granted {}",
                text(claimed),
                place(at),
                text(granted)
            ),
            Difference::Element { claimed, .. } => {
                write!(f, "{} is not covered by {}", text(claimed), self.grant_text())
            }
            Difference::OnlyClaimed { at } => write!(
                f,
                "the claim has a value{} that the grant has not; it must be a literal copy",
                place(at)
            ),
            Difference::OnlyGranted { at } => write!(
                f,
                "the grant has a value{} that the claim has not; it must be a literal copy",
                place(at)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
