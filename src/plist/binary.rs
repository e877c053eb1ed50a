//! The binary form, read by the `plist` crate's event reader.
//!
//! Of duplicate keys the first counts (native observation 7.5), other than in XML. Depth and number of values are
//! bounded here, since the crate bounds neither; shared objects are expanded, so the bound is also one on memory.

use std::io::Cursor;

use ::plist::stream::{BinaryReader, OwnedEvent};

use super::{Dictionary, MAX_DEPTH, PlistError, Value};

/// Seconds from 1970 to 2001, the epoch of CoreFoundation.
const EPOCH_2001: f64 = 978_307_200.0;

enum Container {
    Array(Vec<Value>),
    Dictionary {
        entries: Dictionary,
        key: Option<String>,
    },
}

/// Reads a binary property list of at most `limit` values.
pub(super) fn parse(bytes: &[u8], limit: u64) -> Result<Value, PlistError> {
    let mut stack: Vec<Container> = Vec::new();
    for (count, event) in BinaryReader::new(Cursor::new(bytes)).enumerate() {
        if u64::try_from(count).map_or(true, |count| count > limit) {
            return Err(PlistError::Values { limit });
        }
        let event = event.map_err(|error| PlistError::Binary {
            problem: error.to_string(),
        })?;
        if let Some(value) = step(event, &mut stack)? {
            match stack.last_mut() {
                None => return Ok(value),
                Some(Container::Array(elements)) => elements.push(value),
                Some(Container::Dictionary { entries, key }) => match (key.take(), value) {
                    (Some(key), value) => {
                        if entries.get(&key).is_none() {
                            entries.insert(key, value);
                        }
                    }
                    (None, Value::String(name)) => *key = Some(name),
                    (None, _) => return Err(malformed("key is not a string")),
                },
            }
        }
    }
    Err(malformed("no value"))
}

fn malformed(problem: &str) -> PlistError {
    PlistError::Binary {
        problem: problem.to_owned(),
    }
}

/// Takes one event in; a whole value comes out.
fn step(event: OwnedEvent, stack: &mut Vec<Container>) -> Result<Option<Value>, PlistError> {
    use ::plist::stream::Event;
    let container = match event {
        Event::StartArray(_) => Container::Array(Vec::new()),
        Event::StartDictionary(_) => Container::Dictionary {
            entries: Dictionary::default(),
            key: None,
        },
        Event::EndCollection => {
            return match stack.pop() {
                Some(Container::Array(elements)) => Ok(Some(Value::Array(elements))),
                Some(Container::Dictionary { entries, key: None }) => Ok(Some(Value::Dictionary(entries))),
                _ => Err(malformed("collection ends unexpectedly")),
            };
        }
        Event::Boolean(value) => return Ok(Some(Value::Boolean(value))),
        Event::Data(value) => return Ok(Some(Value::Data(value.into_owned()))),
        Event::Date(value) => {
            let time = std::time::SystemTime::from(value);
            let seconds = match time.duration_since(std::time::UNIX_EPOCH) {
                Ok(after) => after.as_secs_f64(),
                Err(before) => -before.duration().as_secs_f64(),
            };
            return Ok(Some(Value::Date(seconds - EPOCH_2001)));
        }
        Event::Integer(value) => {
            let number = value
                .as_signed()
                .map(i128::from)
                .or_else(|| value.as_unsigned().map(i128::from));
            return number
                .map(|number| Some(Value::Integer(number)))
                .ok_or(malformed("integer"));
        }
        Event::Real(value) => return Ok(Some(Value::Real(value))),
        Event::String(value) => return Ok(Some(Value::String(value.into_owned()))),
        Event::Uid(value) => return Ok(Some(Value::Uid(value.get()))),
        _ => return Err(malformed("unknown kind of value")),
    };
    if stack.len() >= MAX_DEPTH {
        return Err(PlistError::Depth);
    }
    stack.push(container);
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_crate_writes() {
        let mut dictionary = ::plist::Dictionary::new();
        dictionary.insert("a".into(), ::plist::Value::Integer(7.into()));
        dictionary.insert(
            "b".into(),
            ::plist::Value::Array(vec![::plist::Value::Data(vec![1, 2])]),
        );
        let mut bytes = Vec::new();
        ::plist::Value::Dictionary(dictionary)
            .to_writer_binary(&mut bytes)
            .unwrap();
        let value = parse(&bytes, 100).unwrap();
        let dictionary = value.as_dictionary().unwrap();
        assert_eq!(dictionary.get("a"), Some(&Value::Integer(7)));
        assert_eq!(
            dictionary.get("b"),
            Some(&Value::Array(vec![Value::Data(vec![1, 2])]))
        );
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end], 100).is_err());
        }
    }
}
