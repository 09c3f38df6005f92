//! A position in one logical line of sudoers, and the words that can stand there.

/// Reads one line from left to right.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

/// Characters that end a word unless escaped or quoted.
const STOPS: &[char] = &[' ', '\t', ',', '=', ':', '(', ')', '!'];

/// A `#` starts a comment unless a number follows (a uid).
pub(super) fn is_comment(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|after| {
        !after.strip_prefix('-').unwrap_or(after).starts_with(|c: char| c.is_ascii_digit())
    })
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line }
    }

    /// Skips blanks, and says whether anything but a comment follows.
    pub(super) fn more(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        !self.rest.is_empty() && !self.comment()
    }

    fn comment(&self) -> bool {
        is_comment(self.rest)
    }

    /// The next character, blanks skipped.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.more().then(|| self.rest.chars().next()).flatten()
    }

    /// The next character, blanks not skipped.
    pub(super) fn peek_here(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes a character (after blanks) if it is the next.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    /// Takes a text (no blanks skipped) if it is the next.
    pub(super) fn take_text(&mut self, wanted: &str) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    /// How many `!` stand here, taken.
    pub(super) fn negations(&mut self) -> usize {
        let mut count = 0;
        while self.take('!') {
            count += 1;
        }
        count
    }

    /// A word: quoted, or up to a stop; escapes are taken off. `None` where none stands here.
    pub(super) fn word(&mut self) -> Option<String> {
        if !self.more() {
            return None;
        }
        let mut word = String::new();
        if let Some(prefix) = self.rest.chars().next().filter(|c| matches!(c, '%' | '+')) {
            word.push(prefix);
            self.rest = &self.rest[1..];
        }
        if let Some(inner) = self.rest.strip_prefix('"') {
            let (text, after) = inner.split_once('"')?;
            word.push_str(text);
            self.rest = after;
            return (!text.is_empty()).then_some(word);
        }
        self.until(STOPS, &mut word);
        (!word.is_empty()).then_some(word)
    }

    /// A value of a `Defaults` option.
    pub(super) fn value(&mut self) -> Option<String> {
        self.more();
        if let Some(inner) = self.rest.strip_prefix('"') {
            let (text, after) = inner.split_once('"')?;
            self.rest = after;
            return Some(text.to_owned());
        }
        let mut value = String::new();
        self.until(&[' ', '\t', ','], &mut value);
        (!value.is_empty()).then_some(value)
    }

    /// A command and its arguments: up to an unescaped `,`, `:`, `=` or `#`. Blanks between
    /// arguments stay as one.
    pub(super) fn command(&mut self) -> Option<String> {
        if !self.more() {
            return None;
        }
        let mut text = String::new();
        self.until(&[',', ':', '=', '#'], &mut text);
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn until(&mut self, stops: &[char], into: &mut String) {
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                match chars.next() {
                    // Wildcards keep their escape.
                    Some((_, kept @ ('*' | '?' | '[' | ']' | '!' | '^'))) => into.extend(['\\', kept]),
                    Some((_, escaped)) => into.push(escaped),
                    None => into.push(c),
                }
            } else if stops.contains(&c) {
                self.rest = &self.rest[at..];
                return;
            } else {
                into.push(c);
            }
        }
        self.rest = "";
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }
}
