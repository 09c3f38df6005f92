//! A text as a tree: what the parser finds, put together as PyYAML would.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScanError, Span, StructureStyle, Tag};

use super::tree::{Content, Document, Entry, Node, Refused, Style, core};
use crate::yaml::MAX_YAML_BYTES;

/// Most nodes that a document may have, each counted as often as aliases repeat it.
const MAX_NODES: usize = 1 << 20;

/// Reads a text.
///
/// # Errors
/// What PyYAML or cloud-init refuses, and what is too large.
pub fn parse(text: &str) -> Result<Document, Refused> {
    if text.len() > MAX_YAML_BYTES {
        return Err(Refused { at: 0, why: format!("more than {MAX_YAML_BYTES} bytes") });
    }
    if let Some(at) = after_end(text) {
        return Err(Refused { at, why: "more than one document".to_owned() });
    }
    if let Some(at) = tab_before_word(text) {
        return Err(Refused { at, why: "a tab where only blanks may stand".to_owned() });
    }
    let mut options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    let mut ended = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| refused(&error, text))?;
        let at = place(&span, ended);
        ended = at.end;
        builder.take(event, at)?;
    }
    Ok(builder.document)
}

/// Where something follows the end of a document: PyYAML wants a `---` there, and then finds one document too many.
fn after_end(text: &str) -> Option<usize> {
    let mut start = 0;
    let mut ended = false;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let line = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
        if ended && !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            return Some(at);
        }
        let rest = line.strip_prefix("...");
        ended |= rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    }
    None
}

/// What the parser gives as a place; where the last one ended if it gives none.
fn place(span: &Span, ended: usize) -> Range<usize> {
    span.byte_range().unwrap_or(ended..ended)
}

fn refused(error: &ScanError, text: &str) -> Refused {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    Refused { at, why: error.info() }
}

/// A collection that has begun.
struct Open {
    start: usize,
    style: Style,
    anchor: usize,
    is_map: bool,
    nodes: Vec<Arc<Node>>,
}

#[derive(Default)]
struct Builder {
    document: Document,
    documents: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Range<usize>) -> Result<(), Refused> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Refused { at: at.start, why: "more than one document".to_owned() });
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = Node::of_scalar(&text, style, at, tag.as_deref())?;
                self.add(node, anchor);
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = Arc::clone(node);
                    self.push(node);
                }
                None => {
                    return Err(Refused { at: at.start, why: "an alias inside of what it names".to_owned() });
                }
            },
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(style, anchor, tag.as_deref(), at, false)?
            }
            Event::MappingStart(style, anchor, tag) => self.begin(style, anchor, tag.as_deref(), at, true)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.end(open, at.end)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Range<usize>,
        is_map: bool,
    ) -> Result<(), Refused> {
        let known =
            |tag: &Tag| tag.suffix().is_empty() || matches!(core(tag), Some("seq" | "map" | "set" | "omap"));
        if let Some(tag) = tag.filter(|tag| !known(tag)) {
            return Err(Refused {
                at: at.start,
                why: format!("the tag `{tag}`, of which cloud-init knows nothing"),
            });
        }
        let style = if style == StructureStyle::Flow { Style::Flow } else { Style::Indented };
        self.open.push(Open { start: at.start, style, anchor, is_map, nodes: Vec::new() });
        Ok(())
    }

    fn end(&mut self, open: Open, end: usize) -> Result<(), Refused> {
        let end = match (open.style, open.nodes.last()) {
            (Style::Indented, Some(last)) => last.at.end.max(open.start),
            _ => end.max(open.start),
        };
        let at = open.start..end;
        let content = if open.is_map { self.map(open.nodes)? } else { Content::List(open.nodes) };
        let weight = match &content {
            Content::Map(entries) => entries
                .iter()
                .fold(1_usize, |sum, e| sum.saturating_add(e.key.weight).saturating_add(e.value.weight)),
            Content::List(items) => items.iter().fold(1_usize, |sum, item| sum.saturating_add(item.weight)),
            _ => 1,
        };
        if weight > MAX_NODES {
            return Err(Refused {
                at: at.start,
                why: format!("aliases repeat more than {MAX_NODES} values"),
            });
        }
        self.add(Node { at, style: open.style, content, weight }, open.anchor);
        Ok(())
    }

    /// A mapping of keys and values in turn.
    fn map(&mut self, nodes: Vec<Arc<Node>>) -> Result<Content, Refused> {
        let (mut merged, mut own) = (Vec::new(), Vec::with_capacity(nodes.len() / 2));
        let mut seen: HashMap<String, Range<usize>> = HashMap::with_capacity(nodes.len() / 2);
        let mut nodes = nodes.into_iter();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            if matches!(key.content, Content::List(_) | Content::Map(_)) {
                return Err(Refused { at: key.at.start, why: "a list or mapping as a key".to_owned() });
            }
            if key.text() == Some("<<") && key.style == Style::Plain {
                merged.extend(merge(&value)?);
                continue;
            }
            if let Some(first) = seen.insert(key.name(), key.at.clone()) {
                self.document.duplicates.push((first, key.at.clone()));
            }
            own.push(Entry { key, value });
        }
        merged.extend(own);
        Ok(Content::Map(merged))
    }

    fn add(&mut self, node: Node, anchor: usize) {
        let node = Arc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.push(node);
    }

    fn push(&mut self, node: Arc<Node>) {
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.document.root = Some(node).filter(|node| !matches!(node.content, Content::Null)),
        }
    }
}

/// What `<<` brings in: of several mappings the first one wins.
fn merge(value: &Arc<Node>) -> Result<Vec<Entry>, Refused> {
    let refused = || Refused { at: value.at.start, why: "`<<` wants a mapping".to_owned() };
    match &value.content {
        Content::Map(entries) => Ok(entries.clone()),
        Content::List(items) => {
            let mut entries = Vec::new();
            for item in items.iter().rev() {
                let Content::Map(more) = &item.content else { return Err(refused()) };
                entries.extend(more.iter().cloned());
                if entries.len() > MAX_NODES {
                    return Err(Refused { at: value.at.start, why: "too many keys".to_owned() });
                }
            }
            Ok(entries)
        }
        _ => Err(refused()),
    }
}

/// Where a line begins that has a tab where PyYAML takes blanks alone; in a block of text (after `|` or `>`) it may.
fn tab_before_word(text: &str) -> Option<usize> {
    let mut block = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        if block.is_some_and(|outer| rest.is_empty() || indent > outer) {
            continue;
        }
        if has_tab(rest) {
            return Some(at);
        }
        let header = rest.split(" #").next().unwrap_or_default().trim_end();
        let header = header.trim_end_matches(|c: char| "+-".contains(c) || c.is_ascii_digit());
        let opens = header.strip_suffix(['|', '>']).is_some_and(|before| before.ends_with([' ', '\t']));
        block = (opens && !rest.starts_with('#')).then_some(indent);
    }
    None
}

/// Whether a line has a tab outside of quotes and comments.
fn has_tab(line: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    for c in line.chars() {
        match (quote, c) {
            // The mark of the text's byte order is no character of it.
            (None, '\u{feff}') => continue,
            (None, '\t') => return true,
            (None, '#') if before == ' ' => return false,
            (None, '"' | '\'') if " [{,:".contains(before) => quote = Some(c),
            (Some(open), _) if c == open && before != '\\' => quote = None,
            _ => {}
        }
        before = c;
    }
    false
}
