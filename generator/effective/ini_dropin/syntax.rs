//! The lines of one file, as systemd's `config_parse()` (src/shared/conf-parser.c) takes them.

use crate::location::{Location, Sourced};

/// Longest line, also of several joined ones; a longer one ends the file.
const MAX_LINE: usize = 1 << 20;
/// What is stripped around lines, keys and values. Other blanks, such as a form feed, stay.
const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// `key = value` below a section's header.
pub struct Assignment {
    pub section: String,
    pub key: String,
    pub value: Sourced<String>,
}

/// Reads a file's assignments; `false` where a line ended it before its end: a header that does not
/// close or holds a quote, one that is not UTF-8 or too long. What stands above such a line counts.
pub fn read(path: &str, bytes: &[u8], mut found: impl FnMut(Assignment)) -> bool {
    let mut section = None;
    let mut parse = |number: usize, line: &[u8]| -> Option<()> {
        let line = std::str::from_utf8(line).ok().filter(|line| !line.contains(is_no_character))?;
        let line = line.trim_matches(BLANK);
        if let Some(header) = line.strip_prefix('[') {
            let name = header.strip_suffix(']')?;
            if name.contains(|c: char| c < ' ' || "\"'\\\u{7f}".contains(c)) {
                return None;
            }
            section = Some(name.to_owned());
        } else if let (Some(section), Some((key, value))) = (&section, line.split_once('=')) {
            let value = value.trim_matches(BLANK).to_owned();
            let value = Sourced::new(value, Location::line(path, number));
            found(Assignment { section: section.clone(), key: key.trim_matches(BLANK).to_owned(), value });
        }
        Some(())
    };
    let mut marked = false;
    // A line that goes on, with the number of its first one.
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (index, mut line) in lines(bytes).into_iter().enumerate() {
        if line.len() > MAX_LINE {
            return false;
        }
        // A comment does not end what goes on; an empty line does.
        let first = line.iter().find(|byte| !BLANK.contains(&char::from(**byte)));
        if matches!(first, Some(b'#' | b';')) {
            continue;
        }
        if let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK)
            && !marked
        {
            (line, marked) = (rest, true);
        }
        let goes_on = ends_escaped(line);
        let content = if goes_on { &line[..line.len() - 1] } else { line };
        let (number, mut text) = open.take().unwrap_or((index + 1, Vec::new()));
        if text.len() + content.len() > MAX_LINE {
            return false;
        }
        text.extend_from_slice(content);
        if goes_on {
            text.push(b' ');
            open = Some((number, text));
        } else if parse(number, &text).is_none() {
            return false;
        }
    }
    open.is_none_or(|(number, text)| parse(number, &text).is_some())
}

/// Whether the last backslash escapes the line's end, not another one's.
fn ends_escaped(line: &[u8]) -> bool {
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Code points that never stand for a character; systemd takes them for broken UTF-8.
fn is_no_character(c: char) -> bool {
    let c = u32::from(c);
    (0xfdd0..=0xfdef).contains(&c) || c & 0xfffe == 0xfffe
}

/// A file's lines as `read_line()` cuts them: at a line feed, a carriage return or a NUL. Different
/// ones in a row are one end, up to a NUL.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    while !rest.is_empty() {
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let mut end = length;
        while let Some(byte) = rest.get(end).filter(|byte| is_end(byte))
            && !rest[length..end].contains(byte)
            && !rest[length..end].contains(&0)
        {
            end += 1;
        }
        lines.push(&rest[..length]);
        rest = &rest[end..];
    }
    lines
}
