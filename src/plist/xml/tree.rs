//! The tree of values that events make.

use super::super::{Dictionary, PlistError, Value};
use super::{Event, Events};

/// An open container.
enum Container {
    Array(Vec<Value>),
    Dictionary {
        entries: Dictionary,
        key: Option<String>,
    },
}

/// Reads the first value in `text`, which may hold `limit` values.
pub(in super::super) fn parse(text: &str, limit: u64) -> Result<Value, PlistError> {
    let mut events = Events::new(text, limit);
    let first = events.step()?;
    let value = events.value(first)?;
    events.finish()?;
    Ok(value)
}

impl<'a> Events<'a> {
    /// The value that begins with an event, its contents included. Containers wait on a stack, whose height the events bound.
    pub(crate) fn value(&mut self, first: Event<'a>) -> Result<Value, PlistError> {
        let mut stack: Vec<Container> = Vec::new();
        let mut event = first;
        loop {
            let done = match event {
                Event::Array => {
                    stack.push(Container::Array(Vec::new()));
                    None
                }
                Event::Dictionary => {
                    let entries = Dictionary::default();
                    stack.push(Container::Dictionary { entries, key: None });
                    None
                }
                Event::Key(name) => {
                    if let Some(Container::Dictionary { key, .. }) = stack.last_mut() {
                        *key = Some(name.into_owned());
                    }
                    None
                }
                Event::Scalar(scalar) => Some(scalar.value()?),
                Event::End => match stack.pop() {
                    Some(Container::Array(elements)) => Some(Value::Array(elements)),
                    Some(Container::Dictionary { entries, .. }) => Some(Value::Dictionary(entries)),
                    None => return Err(self.reader.error("no value")),
                },
            };
            if let Some(value) = done {
                match stack.last_mut() {
                    None => return Ok(value),
                    Some(Container::Array(elements)) => elements.push(value),
                    Some(Container::Dictionary { entries, key }) => {
                        if let Some(key) = key.take() {
                            entries.insert(key, value);
                        }
                    }
                }
            }
            event = self.step()?;
        }
    }
}
