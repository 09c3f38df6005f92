//! Writing XML: elements, attributes and text, so that nothing in a value becomes markup.

use super::text::plain;

/// An element.
#[derive(Debug)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    /// An empty element. Names come from the code alone.
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), children: Vec::new(), text: String::new() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.attributes.push((name, plain(value.as_ref())));
        self
    }

    /// Sets the text. Its lines stay; everything else that XML has no place for is shown as escapes.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        self.text = text.as_ref().split('\n').map(plain).collect::<Vec<_>>().join("\n");
        self
    }

    /// Adds a child. An element has children or text.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Adds children.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The document that has this element at its root.
    pub fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let (name, indent) = (self.name, "  ".repeat(depth));
        out.push_str(&format!("{indent}<{name}"));
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push('>');
        out.push_str(&escaped(&self.text));
        if !self.children.is_empty() {
            out.push('\n');
            for child in &self.children {
                child.write(out, depth + 1);
            }
            out.push_str(&indent);
        }
        out.push_str(&format!("</{name}>\n"));
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any text comes back as it was, but for what XML has no place for.
    #[test]
    fn a_parser_reads_back_what_was_written() {
        let hostile = "<b a=\"'&amp;]]>\u{0}\u{fffe}\t\nü";
        let document = Element::new("a").child(Element::new("b").with("c", hostile).text(hostile)).document();
        let read = roxmltree::Document::parse(&document).unwrap();
        let b = read.root_element().first_element_child().unwrap();
        assert_eq!(b.attribute("c"), Some("<b a=\"'&amp;]]>\\u{0}\\u{fffe}\\t\\nü"));
        assert_eq!(b.text(), Some("<b a=\"'&amp;]]>\\u{0}\\u{fffe}\\t\nü"));
    }
}
