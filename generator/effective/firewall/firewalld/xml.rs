//! XML files as trees of elements, bounded.

use roxmltree::{Document, Node, ParsingOptions};

use super::super::model::Unknown;
use crate::location::Location;
use crate::target::{Result, Root};

/// Nodes of one file before it counts as hostile.
const MAX_NODES: u32 = 200_000;

/// An element with what it holds.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    pub(super) at: Location,
}

/// The root element of a file; `None` where there is no file.
///
/// # Errors
/// A file that can't be read. One that is no XML is the inner error.
pub(super) fn read(root: Root<'_>, path: &str) -> Result<Option<std::result::Result<Element, Unknown>>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let broken = |error: roxmltree::Error| Unknown {
        at: Location::line(path, error.pos().row as usize),
        text: format!("firewalld refuses: {error}"),
    };
    let text = text.trim_start_matches('\u{feff}');
    let parsed = Document::parse_with_options(text, options).map_err(broken);
    let lines = text.match_indices('\n').map(|(place, _)| place).collect();
    let place = Place { path, lines };
    Ok(Some(parsed.and_then(|document| place.convert(document.root_element(), DEEPEST))))
}

/// Levels below the root: deeper ones say nothing to firewalld, and are refused here.
const DEEPEST: usize = 4;

/// A file and where its lines end.
struct Place<'a> {
    path: &'a str,
    lines: Vec<usize>,
}

impl Place<'_> {
    fn convert(&self, node: Node<'_, '_>, depth: usize) -> std::result::Result<Element, Unknown> {
        let line = self.lines.partition_point(|end| *end < node.range().start) + 1;
        let at = Location::line(self.path, line);
        if depth == 0 {
            return Err(Unknown { at, text: "elements nested too deep".to_owned() });
        }
        let children = node.children().filter(Node::is_element);
        let children =
            children.map(|child| self.convert(child, depth - 1)).collect::<std::result::Result<_, _>>()?;
        let attributes = node.attributes().map(|a| (a.name().to_owned(), a.value().to_owned())).collect();
        let text = node.text().unwrap_or_default().to_owned();
        Ok(Element { name: node.tag_name().name().to_owned(), attributes, text, children, at })
    }
}

impl Element {
    /// An attribute's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that firewalld demands.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn need(&self, name: &str) -> std::result::Result<&str, Unknown> {
        self.get(name).ok_or_else(|| self.unknown(&format!("{} without {name}", self.name)))
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| ["yes", "true"].contains(&v.to_ascii_lowercase().as_str()))
    }

    /// Refuses attributes that firewalld does not know.
    ///
    /// # Errors
    /// The first of them.
    pub(super) fn only(&self, known: &[&str]) -> std::result::Result<(), Unknown> {
        match self.attributes.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(self.unknown(&format!("{} with {name}", self.name))),
            None => Ok(()),
        }
    }

    pub(super) fn unknown(&self, text: &str) -> Unknown {
        Unknown { at: self.at.clone(), text: text.to_owned() }
    }
}
