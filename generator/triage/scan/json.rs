//! What the readers of JSON share: bounded reading, errors with their places, and the keys that tell formats apart.

use std::fmt::{self, Formatter};
use std::io::{BufReader, Read};

use serde::de::{DeserializeOwned, Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::ScanError;
use super::bounded::BoundedJson;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// Keys that are looked at to tell the format.
const KEYS: usize = 20;

/// Reads a document.
///
/// # Errors
/// What is no JSON, too deep, too long, or not of this form.
pub fn read<T: DeserializeOwned>(input: impl Read, name: &str) -> Result<T, ScanError> {
    let input = BufReader::with_capacity(BUFFER, BoundedJson::new(input));
    serde_json::from_reader(input).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        ScanError::at(name, line, column, text.strip_suffix(&place).unwrap_or(&text))
    })
}

/// The first keys of an object whose end may be cut off.
pub fn first_keys(head: &[u8]) -> Vec<String> {
    struct Keys<'k>(&'k mut Vec<String>);
    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                self.0.push(key.chars().take(40).collect());
                if self.0.len() == KEYS {
                    break;
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut keys = Vec::new();
    // Where the bytes end in the middle, the keys before that are all that can be had.
    let _ = serde_json::Deserializer::from_slice(head).deserialize_map(Keys(&mut keys));
    keys
}
