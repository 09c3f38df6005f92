//! A document as a tree whose nodes know their places in the text.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

use super::plain;

/// A text that PyYAML or cloud-init refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where, in bytes from its start.
    pub at: usize,
    /// Why.
    pub why: String,
}

/// Where the tags of YAML itself live.
const CORE: &str = "tag:yaml.org,2002:";

/// The name of one of YAML's own tags, such as `str`.
pub(super) fn core(tag: &Tag) -> Option<&str> {
    match tag.handle() {
        CORE => Some(tag.suffix()),
        _ => tag.core_suffix(),
    }
}

/// What a text holds.
#[derive(Debug, Default)]
pub struct Document {
    /// The value; `None` where there is none.
    pub root: Option<Arc<Node>>,
    /// Keys that a mapping has twice: the places of the first and of the later one, which counts.
    pub duplicates: Vec<(Range<usize>, Range<usize>)>,
}

/// A value and where it stands.
#[derive(Debug)]
pub struct Node {
    /// From its first character to behind its last, in bytes; a block of text begins with its first line.
    pub at: Range<usize>,
    /// How it is written.
    pub style: Style,
    /// What it is.
    pub content: Content,
    pub(super) weight: usize,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in quotes.
    Quoted,
    /// A block of text, after `|` or `>`.
    Block,
    /// A list or mapping in brackets.
    Flow,
    /// A list or mapping by indentation.
    Indented,
}

/// What a value is.
#[derive(Debug)]
pub enum Content {
    /// Nothing.
    Null,
    /// True or false, in one of its many spellings.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Arc<Node>>),
    /// A mapping, in the order of the text; what `<<` brings in stands first.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Arc<Node>,
    /// The value.
    pub value: Arc<Node>,
}

impl Node {
    /// The value of a mapping's key; of two equal keys the later one's.
    pub fn get(&self, key: &str) -> Option<&Arc<Node>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A mapping's entry; of two equal keys the later one.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key.text() == Some(key))
    }

    /// A mapping's entries; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// A list's items; none of anything else.
    pub fn items(&self) -> &[Arc<Node>] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn bool(&self) -> Option<bool> {
        match self.content {
            Content::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// As a key is called: its text, or what JSON writes for anything else.
    pub fn name(&self) -> String {
        self.text().map_or_else(|| self.to_json().to_string(), str::to_owned)
    }

    pub(super) fn of_scalar(
        text: &str,
        style: ScalarStyle,
        at: Range<usize>,
        tag: Option<&Tag>,
    ) -> Result<Self, Refused> {
        let written = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let refused = |why: String| Refused { at: at.start, why };
        let content = match tag {
            None if written == Style::Plain => match text {
                "" => Content::Null,
                // A type of its own in YAML 1.1, which the safe loader can't make.
                "=" => return Err(refused("a `=` without quotes".to_owned())),
                _ => implicit(text),
            },
            None => Content::Text(text.to_owned()),
            Some(tag) => match core(tag) {
                Some("str" | "binary" | "timestamp") => Content::Text(text.to_owned()),
                Some("null" | "bool" | "int" | "float") => implicit(text),
                _ if tag.suffix().is_empty() => Content::Text(text.to_owned()),
                _ => return Err(refused(format!("the tag `{tag}`, of which cloud-init knows nothing"))),
            },
        };
        Ok(Self { at, style: written, content, weight: 1 })
    }
}

fn implicit(text: &str) -> Content {
    match plain(text) {
        Value::Null => Content::Null,
        Value::Bool(truth) => Content::Bool(truth),
        Value::Number(number) => Content::Number(number),
        _ => Content::Text(text.to_owned()),
    }
}
