//! Debian's control file syntax (deb822): paragraphs of `Field: value` lines. Shared by dpkg's
//! status, apt's lists and sources; knows no field's meaning.

use std::io::{BufRead, Read};

/// Longest single line kept, in bytes. Real ones stay far below; the rest of a longer one is dropped.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// One paragraph.
#[derive(Clone, Debug, Default)]
pub struct Paragraph {
    /// Line of the first field, from 1.
    pub line: usize,
    fields: Vec<Field>,
}

/// One field of a paragraph.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name as written; names are compared without case.
    pub name: String,
    /// The value, continuation lines joined by newlines, without leading blanks.
    pub value: String,
    /// Line of the name, from 1.
    pub line: usize,
}

impl Paragraph {
    /// A field by name, case ignored. Of several equal ones the last counts, as in apt.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().rev().find(|f| f.name.eq_ignore_ascii_case(name))
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.field(name).map(|f| f.value.as_str())
    }

    /// All fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
}

/// The paragraphs of a file, one at a time: package lists are too large to hold.
pub struct Paragraphs<R> {
    lines: R,
    number: usize,
}

impl<R: BufRead> Paragraphs<R> {
    /// Reads from the start of a file.
    pub fn new(lines: R) -> Self {
        Self { lines, number: 0 }
    }

    /// The next line without its end; `None` at the end of the file.
    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        if (&mut self.lines).take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() != Some(&b'\n') {
            self.lines.skip_until(b'\n')?;
        }
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()))
    }

    fn paragraph(&mut self) -> std::io::Result<Option<Paragraph>> {
        let mut paragraph = Paragraph::default();
        while let Some(line) = self.line()? {
            if line.starts_with('#') {
                continue;
            }
            if line.is_empty() {
                if paragraph.fields.is_empty() {
                    continue;
                }
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(field) = paragraph.fields.last_mut() {
                    field.value.push('\n');
                    field.value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                if paragraph.fields.is_empty() {
                    paragraph.line = self.number;
                }
                paragraph.fields.push(Field {
                    name: name.trim().to_owned(),
                    value: value.trim().to_owned(),
                    line: self.number,
                });
            }
        }
        Ok((!paragraph.fields.is_empty()).then_some(paragraph))
    }
}

impl<R: BufRead> Iterator for Paragraphs<R> {
    type Item = std::io::Result<Paragraph>;

    fn next(&mut self) -> Option<Self::Item> {
        self.paragraph().transpose()
    }
}

/// The paragraphs of a text in memory, which can't fail.
pub fn parse(text: &str) -> Vec<Paragraph> {
    Paragraphs::new(text.as_bytes()).filter_map(std::result::Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_continue_and_paragraphs_end() {
        let text = "\n# c\nA: 1\r\nB:\n x\n# c\n y\n\n\nA: 2\na: 3\n";
        let paragraphs = parse(text);
        assert_eq!(paragraphs.len(), 2);
        assert_eq!(paragraphs[0].get("b"), Some("\nx\ny"));
        assert_eq!(paragraphs[0].line, 3);
        assert_eq!(paragraphs[1].field("A").map(|f| (f.value.as_str(), f.line)), Some(("3", 11)));
    }

    #[test]
    fn hostile_text_is_bounded() {
        parse(&"a".repeat(3 << 20));
        parse(&" x\n".repeat(1000));
        assert_eq!(parse(&format!("A: {}\nB: 1\n", "x".repeat(2 << 20)))[0].get("B"), Some("1"));
    }
}
