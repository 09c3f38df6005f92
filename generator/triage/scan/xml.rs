//! Walks through the XML of a scan, element by element, and never holds more than one of them.
//!
//! No entity is expanded but XML's own five, no document type is taken, depth and length are bounded, and every error
//! has a place. Knows no scan's format.

use std::borrow::Cow;
use std::io::Read;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::ScanError;
use super::bounded::Bounded;

/// Deepest nesting that is followed.
const DEEPEST: usize = 200;

/// Longest name of an element, in bytes.
const LONGEST: usize = 200;

/// What is done with the elements. A path is the local names from the root, with slashes in between.
pub trait Visitor {
    /// An element begins; whether its text is wanted.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn open(&mut self, path: &str, tag: &Tag<'_>) -> Result<bool, String>;

    /// An element ends. `text` is empty where it was not wanted.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn close(&mut self, path: &str, text: &str) -> Result<(), String>;
}

/// A tag with its attributes.
pub struct Tag<'t>(&'t BytesStart<'t>);

impl Tag<'_> {
    /// An attribute's value by local name.
    ///
    /// # Errors
    /// Attributes that are no XML.
    pub fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>, String> {
        // Looking for doubles would take the square of their number.
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| e.to_string())?;
            if attribute.key.local_name().as_ref() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// An attribute that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn want(&self, name: &str) -> Result<Cow<'_, str>, String> {
        self.get(name)?.ok_or_else(|| format!("`{}` has no attribute `{name}`", self.0.local_name().as_ref()))
    }
}

/// Where the walk stands.
struct Walk<'v, V> {
    visitor: &'v mut V,
    /// The path of the open elements, and where in it each one's name begins.
    path: String,
    starts: Vec<usize>,
    text: String,
    wanted: bool,
}

/// Walks through a whole document.
///
/// # Errors
/// What is no XML, too deep, too long or cut off, and what the visitor objects to: each with its place.
pub fn walk<R: Read>(input: R, name: &str, visitor: &mut impl Visitor) -> Result<(), ScanError> {
    let mut reader = Reader::from_reader(Bounded::new(input));
    let mut buffer = Vec::new();
    let mut walk =
        Walk { visitor, path: String::new(), starts: Vec::new(), text: String::new(), wanted: false };
    loop {
        buffer.clear();
        reader.get_mut().begin_piece();
        let (line, column) = reader.get_ref().position();
        let wrong = |why: String| ScanError::at(name, line, column, why);
        let event = reader.read_event_into(&mut buffer).map_err(|e| wrong(in_words(&e)))?;
        if matches!(event, Event::Eof) {
            return match walk.starts.last() {
                Some(start) => Err(wrong(format!("it ends within `{}`", &walk.path[*start..]))),
                None => Ok(()),
            };
        }
        walk.take(&event).map_err(wrong)?;
    }
}

fn in_words(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => error.to_string(),
        quick_xml::Error::Encoding(_) => "it is no UTF-8".into(),
        other => format!("it is no XML: {other}"),
    }
}

impl<V: Visitor> Walk<'_, V> {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.open(tag)?,
            Event::Empty(tag) => {
                self.open(tag)?;
                self.close()?;
            }
            Event::End(_) => self.close()?,
            Event::Text(text) if self.wanted => self.text.push_str(&text.xml10_content()),
            Event::CData(text) if self.wanted => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|e| e.to_string())?;
                let name = reference.xml10_content();
                match (character, resolve_predefined_entity(&name)) {
                    (Some(character), _) if self.wanted => self.text.push(character),
                    (None, Some(text)) if self.wanted => self.text.push_str(text),
                    (None, None) => return Err(format!("`&{name};` is no entity of XML's own")),
                    _ => {}
                }
            }
            Event::DocType(_) => {
                return Err(
                    "it has a document type, which no scan needs: entities could hide anything".into()
                );
            }
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(|e| e.to_string())?;
                let known = encoding.as_deref().is_none_or(|e| {
                    ["utf-8", "utf8", "us-ascii", "ascii"].contains(&e.to_ascii_lowercase().as_str())
                });
                if !known {
                    return Err(format!("it is in {}, not in UTF-8", encoding.unwrap_or_default()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.starts.len() >= DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST} elements"));
        }
        if tag.local_name().as_ref().len() > LONGEST {
            return Err(format!("an element's name is longer than {LONGEST} bytes"));
        }
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.starts.push(self.path.len());
        self.path.push_str(tag.local_name().as_ref());
        self.text.clear();
        self.wanted = self.visitor.open(&self.path, &Tag(tag))?;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(start) = self.starts.pop() else { return Ok(()) };
        self.visitor.close(&self.path, &self.text)?;
        self.path.truncate(start.saturating_sub(1));
        self.text.clear();
        self.wanted = false;
        Ok(())
    }
}
