//! YAML as PyYAML's `safe_load` takes it: version 1.1, where `no` is false, `0644` is octal and of two equal keys the
//! later one counts. Dates stay the text that they are.

mod read;
mod scalar;
mod tree;

use serde_json::{Map, Value};

use crate::location::Sourced;
use crate::yaml::Source;

pub use read::parse;
pub use scalar::plain;
pub use tree::{Content, Document, Entry, Node, Refused, Style};

/// The top level's keys, in order, with the places of their values; or why PyYAML or cloud-init refuses the text.
pub fn mapping(source: &Source) -> Result<Vec<(String, Sourced<Value>)>, String> {
    let document = parse(&source.text).map_err(|refused| refused.why)?;
    let Some(root) = &document.root else { return Ok(Vec::new()) };
    match &root.content {
        Content::Map(entries) => {
            let mut keys: Vec<(String, Sourced<Value>)> = Vec::new();
            for Entry { key, value } in entries {
                let name = key.name();
                keys.retain(|(other, _)| *other != name);
                keys.push((name, Sourced::new(value.to_json(), source.place(value.at.start))));
            }
            Ok(keys)
        }
        Content::Null => Ok(Vec::new()),
        _ => Err("the top level is no mapping".to_owned()),
    }
}

impl Node {
    /// The value as JSON has it; keys that are no text are written as JSON writes them.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(truth) => Value::Bool(*truth),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(|item| item.to_json()).collect(),
            Content::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.name(), entry.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}
