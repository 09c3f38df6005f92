//! Reads a script: quotes, expansions, documents within it, and what separates commands.

use std::ops::Range;

use super::{Command, Word, is_shell};

/// How deep commands within commands are looked into.
const MAX_DEPTH: usize = 4;

/// Longest `${…}`, in bytes; a longer one counts as words.
const MAX_EXPANSION: usize = 1024;

/// The commands of a script.
pub fn read(script: &str) -> Vec<Command> {
    let mut reader = Reader { text: script, at: 0, found: Vec::new(), depth: 0, here: Vec::new() };
    reader.run(script.len());
    reader.found
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Command>,
    depth: usize,
    /// Ends of the documents that begin on the next line.
    here: Vec<(String, bool)>,
}

/// Words that may stand before a command.
const LEADING: [&str; 14] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "exec", "command", "nohup", "env",
];

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn ahead(&self, by: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + by).copied()
    }

    /// Reads up to `end`.
    fn run(&mut self, end: usize) {
        let mut words: Vec<Word> = Vec::new();
        let mut piped = false;
        while self.at < end {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.ahead(1) == Some(b'\n') => self.at += 2,
                Some(b'\\') if self.ahead(1) == Some(b'\r') && self.ahead(2) == Some(b'\n') => self.at += 3,
                Some(b'#') => self.skip_line(end),
                Some(b'\n') => {
                    self.at += 1;
                    self.finish(&mut words, &mut piped, false);
                    self.skip_here(end);
                }
                Some(b'|') if self.ahead(1) != Some(b'|') => {
                    self.at += if self.ahead(1) == Some(b'&') { 2 } else { 1 };
                    self.finish(&mut words, &mut piped, true);
                }
                Some(b';' | b'&' | b'|' | b'(' | b')') => {
                    self.at += 1;
                    self.finish(&mut words, &mut piped, false);
                }
                Some(b'<' | b'>') => self.redirection(end),
                Some(digit) if digit.is_ascii_digit() && matches!(self.ahead(1), Some(b'<' | b'>')) => {
                    self.at += 1;
                    self.redirection(end);
                }
                Some(_) => words.extend(self.word(end)),
                None => break,
            }
        }
        self.finish(&mut words, &mut piped, false);
    }

    fn skip_line(&mut self, end: usize) {
        let rest = self.text.as_bytes().get(self.at..end).unwrap_or_default();
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Documents that began on the line before.
    fn skip_here(&mut self, end: usize) {
        for (mark, indented) in std::mem::take(&mut self.here) {
            while self.at < end {
                let start = self.at;
                self.skip_line(end);
                let line = self.text.get(start..self.at).unwrap_or_default().trim_end_matches('\r');
                self.at = (self.at + 1).min(end);
                if (if indented { line.trim_start_matches('\t') } else { line }) == mark {
                    break;
                }
            }
        }
    }

    /// `> file`, `<<EOF`, `<(command)`.
    fn redirection(&mut self, end: usize) {
        let two = self.text.get(self.at..).unwrap_or_default();
        if two.starts_with("<(") || two.starts_with(">(") {
            self.at += 2;
            self.inner(b')', end);
            return;
        }
        let is_here = two.starts_with("<<") && !two.starts_with("<<<");
        while matches!(self.peek(), Some(b'<' | b'>' | b'&' | b'|')) {
            self.at += 1;
        }
        let indented = is_here && self.peek() == Some(b'-');
        if indented {
            self.at += 1;
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let target = self.word(end);
        if let (true, Some(mark)) = (is_here, target) {
            self.here.push((mark.text, indented));
        }
    }

    /// A command in brackets, up to `close`.
    fn inner(&mut self, close: u8, end: usize) {
        let start = self.at;
        let (mut level, mut quote) = (1_usize, None);
        while self.at < end {
            let byte = self.peek().unwrap_or_default();
            match quote {
                _ if byte == b'\\' && quote != Some(b'\'') => self.at += 1,
                Some(open) if byte == open => quote = None,
                Some(_) => {}
                None if byte == close => level -= 1,
                None if byte == b'(' && close == b')' => level += 1,
                None if byte == b'\'' || byte == b'"' => quote = Some(byte),
                None => {}
            }
            if level == 0 {
                break;
            }
            self.at += 1;
        }
        let stop = self.at.min(end);
        self.at = (stop + 1).min(end);
        self.nested(start..stop);
    }

    /// The commands of a range.
    fn nested(&mut self, range: Range<usize>) {
        if self.depth >= MAX_DEPTH
            || !self.text.is_char_boundary(range.start)
            || !self.text.is_char_boundary(range.end)
        {
            return;
        }
        let mut reader = Reader {
            text: self.text,
            at: range.start,
            found: Vec::new(),
            depth: self.depth + 1,
            here: Vec::new(),
        };
        reader.run(range.end);
        self.found.append(&mut reader.found);
    }

    fn word(&mut self, end: usize) -> Option<Word> {
        let start = self.at;
        let mut text = Vec::new();
        while self.at < end {
            let Some(byte) = self.peek() else { break };
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => break,
                b'\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'\n') | None => {}
                        Some(next) => text.push(next),
                    }
                    self.at += 1;
                }
                b'\'' => {
                    self.at += 1;
                    while let Some(inside) = self.peek().filter(|byte| *byte != b'\'' && self.at < end) {
                        text.push(inside);
                        self.at += 1;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.at += 1;
                    self.double_quoted(&mut text, end);
                }
                _ => self.plain_or_expansion(&mut text, end),
            }
        }
        self.at = self.at.min(end);
        let text = String::from_utf8_lossy(&text).into_owned();
        (self.at > start).then_some(Word { text, at: start..self.at })
    }

    fn double_quoted(&mut self, text: &mut Vec<u8>, end: usize) {
        while self.at < end {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    text.extend(self.peek().filter(|next| *next != b'\n'));
                    self.at += 1;
                }
                Some(_) => self.plain_or_expansion(text, end),
                None => break,
            }
        }
        self.at += 1;
    }

    /// One byte, or an expansion as it is written.
    fn plain_or_expansion(&mut self, text: &mut Vec<u8>, end: usize) {
        let start = self.at;
        match (self.peek(), self.ahead(1)) {
            (Some(b'$'), Some(b'(')) => {
                self.at += 2;
                self.inner(b')', end);
            }
            (Some(b'`'), _) => {
                self.at += 1;
                self.inner(b'`', end);
            }
            (Some(b'$'), Some(b'{')) => {
                let near = (self.at + MAX_EXPANSION).min(end);
                let rest = self.text.as_bytes().get(self.at..near).unwrap_or_default();
                self.at += rest.iter().position(|byte| *byte == b'}').map_or(2, |close| close + 1);
            }
            _ => self.at += 1,
        }
        text.extend(self.text.as_bytes().get(start..self.at).unwrap_or_default());
    }

    /// The words so far are a command.
    fn finish(&mut self, words: &mut Vec<Word>, piped: &mut bool, pipes: bool) {
        let words = std::mem::take(words);
        let mut command = Command { pipes, piped: std::mem::replace(piped, pipes), ..Command::default() };
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.peek() {
            if is_assignment(&word.text) {
                command.assignments.extend(words.next());
            } else if LEADING.contains(&word.text.as_str()) {
                words.next();
            } else if matches!(word.text.rsplit('/').next(), Some("sudo" | "doas")) {
                words.next();
                while let Some(option) = words.next_if(|word| word.text.starts_with('-')) {
                    if matches!(option.text.as_str(), "-u" | "-g" | "-h" | "-p" | "--user" | "--group") {
                        words.next();
                    }
                }
            } else {
                break;
            }
        }
        command.words = words.collect();
        if command.words.is_empty() && command.assignments.is_empty() {
            return;
        }
        self.script_in_words(&command);
        self.found.push(command);
    }

    /// `sh -c 'script'`: the script's commands.
    fn script_in_words(&mut self, command: &Command) {
        if !is_shell(command.program()) {
            return;
        }
        let mut words = command.words.iter().skip(1);
        let is_c = |word: &Word| {
            word.text.starts_with('-') && !word.text.starts_with("--") && word.text.ends_with('c')
        };
        if !words.any(is_c) {
            return;
        }
        let Some(script) = words.next() else { return };
        let raw = self.text.get(script.at.clone()).unwrap_or_default();
        let quotes = raw.starts_with(['\'', '"']) && raw.len() >= 2;
        let inside = if quotes { script.at.start + 1..script.at.end - 1 } else { script.at.clone() };
        self.nested(inside);
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
