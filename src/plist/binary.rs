//! The binary form, read by the `plist` crate's event reader.
//!
//! Of duplicate keys the first counts (native observation 7.5), other than in XML. Depth and number of values are
//! bounded here, since the crate bounds neither. An object may be referred to many times, and is read again each time, so
//! that 181 bytes can make a million values. CoreFoundation's writer repeats strings, numbers and data so, and never
//! containers: each of its references, a byte or more, makes one value. A list that makes more values than it has bytes,
//! or far more text and data, is not read. What is read is charged to the item.

use std::io::Cursor;

use ::plist::stream::{BinaryReader, OwnedEvent};

use super::{Dictionary, MAX_DEPTH, PlistError, Value};
use crate::budget::Budget;

/// Seconds from 1970 to 2001, the epoch of CoreFoundation.
const EPOCH_2001: f64 = 978_307_200.0;

enum Container {
    Array(Vec<Value>),
    Dictionary {
        entries: Dictionary,
        key: Option<String>,
    },
}

/// Bytes of text and data for each byte of the list, where strings are repeated.
const REPEATED: u64 = 64;
/// As many are allowed in any list.
const ALWAYS: u64 = 1 << 16;
/// Steps of reading one value.
const STEPS_PER_VALUE: u64 = 10;

/// Reads a binary property list of at most `limit` values, for an item with this budget.
pub(super) fn parse(bytes: &[u8], limit: u64, budget: &Budget) -> Result<Value, PlistError> {
    let mut stack: Vec<Container> = Vec::new();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let room = length.saturating_mul(REPEATED).saturating_add(ALWAYS);
    let mut left = room;
    for (count, event) in BinaryReader::new(Cursor::new(bytes)).enumerate() {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > limit {
            return Err(PlistError::Values { limit });
        }
        if count > length {
            return Err(PlistError::References { length });
        }
        let event = event.map_err(|error| PlistError::Binary {
            problem: error.to_string(),
        })?;
        let payload = payload(&event);
        left = u64::try_from(payload)
            .ok()
            .and_then(|payload| left.checked_sub(payload))
            .ok_or(PlistError::Expansion { limit: room })?;
        budget.step(STEPS_PER_VALUE)?;
        budget.scan(payload)?;
        budget.retain(payload.saturating_add(size_of::<Value>()))?;
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

/// Bytes of text or data in one value.
fn payload(event: &OwnedEvent) -> usize {
    use ::plist::stream::Event;
    match event {
        Event::Data(bytes) => bytes.len(),
        Event::String(text) => text.len(),
        _ => 0,
    }
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
        let read = |bytes: &[u8]| parse(bytes, 100, &Budget::default());
        let value = read(&bytes).unwrap();
        let dictionary = value.as_dictionary().unwrap();
        assert_eq!(dictionary.get("a"), Some(&Value::Integer(7)));
        assert_eq!(
            dictionary.get("b"),
            Some(&Value::Array(vec![Value::Data(vec![1, 2])]))
        );
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err());
        }
    }

    /// A list of these objects, the first of which is its value.
    fn list(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            bytes.extend(object);
        }
        let table = u64::try_from(bytes.len()).unwrap();
        let count = u64::try_from(objects.len()).unwrap();
        bytes.extend(offsets);
        bytes.extend([0, 0, 0, 0, 0, 0, 2, 1]);
        bytes.extend([count, 0, table].iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    /// Arrays that hold the next one twice.
    fn doubling(levels: u8) -> Vec<u8> {
        let mut objects: Vec<Vec<u8>> = (1..=levels).map(|next| vec![0xa2, next, next]).collect();
        objects.push(vec![0x09]);
        list(&objects)
    }

    /// Twenty levels in some 150 bytes would make a million values; and one string that is repeated, gigabytes.
    #[test]
    fn repeated_references_do_not_multiply() {
        let budget = Budget::default();
        let bytes = doubling(20);
        let length = u64::try_from(bytes.len()).unwrap();
        assert_eq!(
            parse(&bytes, 4_000_000, &budget),
            Err(PlistError::References { length })
        );
        let cost = budget.cost();
        assert!(
            cost.steps <= length * 12 && cost.retained <= length * 64,
            "{cost:?}"
        );
        // Fewer levels than that are read.
        assert!(parse(&doubling(4), 4_000_000, &budget).is_ok());
        // An array of 200 times the same string of 10,000 bytes.
        let array = [vec![0xaf, 0x10, 200], vec![1; 200]].concat();
        let text = [vec![0x5f, 0x11, 0x27, 0x10], vec![b'a'; 10_000]].concat();
        let bytes = list(&[array, text]);
        let limit = u64::try_from(bytes.len()).unwrap() * REPEATED + ALWAYS;
        assert_eq!(
            parse(&bytes, 4_000_000, &budget),
            Err(PlistError::Expansion { limit })
        );
        assert!(budget.cost().retained <= limit * 2);
    }

    /// What is read is charged, so that many lists side by side share one budget.
    #[test]
    fn many_lists_share_the_budget() {
        let mut limits = crate::limits::Limits::default();
        assert!(limits.set("retained-bytes", 10_000));
        let budget = Budget::new(&limits);
        let bytes = doubling(4);
        let read = |_| parse(&bytes, 4_000_000, &budget);
        let (good, over): (Vec<_>, Vec<_>) = (0..100).map(read).partition(Result::is_ok);
        assert!(
            good.len() > 2 && over.len() > 2,
            "{} and {}",
            good.len(),
            over.len()
        );
        assert!(
            over.iter()
                .all(|result| matches!(result, Err(PlistError::Budget(_))))
        );
    }
}
