//! From bytes to words: lines that are continued, comments, and brackets.

use super::PamVersion;

/// The longest line before 1.6, in bytes; the rest of a longer one is taken as another line.
const OLD_LONGEST: usize = 1023;

/// A line with what continues it, and the number of its first line in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub number: usize,
    pub text: String,
}

/// The lines of a file up to the first that the library can't assemble: then it refuses the file,
/// which is said as that line's number and what is wrong with it.
pub(super) type Lines = (Vec<Line>, Option<(usize, &'static str)>);

/// Assembles a file's lines.
pub(super) fn lines(text: &str, version: PamVersion) -> Lines {
    let mut found = Vec::new();
    let mut open: Option<Line> = None;
    let (mut rest, mut number) = (text, 1);
    while !rest.is_empty() {
        let (raw, after) = match version.has_long_lines() {
            true => split_line(rest, usize::MAX),
            false => split_line(rest, OLD_LONGEST.saturating_sub(open.as_ref().map_or(0, |o| o.text.len()))),
        };
        if raw.is_empty() {
            return (found, Some((number, "PAM before 1.6 hangs at a continued line of this length")));
        }
        let here = number;
        number += usize::from(raw.ends_with('\n'));
        rest = after;
        // A C string ends at its first NUL.
        let raw = raw.split('\0').next().unwrap_or_default();
        let code = raw.split('#').next().unwrap_or_default();
        let blank = code.trim_start_matches(is_blank).is_empty();
        if blank && (open.is_none() || !version.has_long_lines()) {
            continue;
        }
        let continued = raw.trim_end_matches(is_blank).strip_suffix('\\').filter(|_| !raw.contains('#'));
        let piece = continued.unwrap_or(code);
        let piece = if version.has_long_lines() { piece.trim_start_matches([' ', '\t']) } else { piece };
        let mut line = open.take().unwrap_or(Line { number: here, text: String::new() });
        line.text.push_str(piece);
        match continued {
            Some(_) => {
                line.text.push(' ');
                open = Some(line);
            }
            None => found.push(line),
        }
    }
    (found, open.map(|line| (line.number, "the file ends in a line that is to be continued")))
}

/// The text up to and with its first line end, but no more than so many bytes; and the rest.
fn split_line(text: &str, most: usize) -> (&str, &str) {
    let end = text.find('\n').map_or(text.len(), |end| end + 1);
    let mut end = end.min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.split_at(end)
}

/// The words of a line one by one (`_pam_StrTok`). A word in brackets is what stands between
/// them, and needs no blank behind it.
pub(super) struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    pub fn of(line: &'a str) -> Self {
        Self(line)
    }
}

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let text = self.0.trim_start_matches(is_blank);
        if text.is_empty() {
            self.0 = text;
            return None;
        }
        let (word, rest) = match text.strip_prefix('[') {
            Some(inner) => bracket(inner),
            None => {
                let end = text.find(is_blank).unwrap_or(text.len());
                (text[..end].to_owned(), &text[end..])
            }
        };
        self.0 = rest;
        Some(word)
    }
}

/// A bracket's content up to its `]` (`\]` stands for one), and what follows.
fn bracket(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => return (word, &text[at + 1..]),
            '\\' if chars.next_if(|(_, next)| *next == ']').is_some() => word.push(']'),
            _ => word.push(c),
        }
    }
    (word, "")
}

/// What parts words. A carriage return does not.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}
