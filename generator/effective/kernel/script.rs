//! GRUB's scripting language, cut into commands and words. What a command does is [`super::menu`]'s.

/// A command: its words, not expanded yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// Line of the first word, from 1.
    pub line: usize,
    pub words: Vec<Word>,
}

/// One word of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub pieces: Vec<Piece>,
    /// Some of it stood in quotes: it is a word even where it expands to nothing, and never a keyword.
    pub quoted: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Variable(String),
}

impl Word {
    /// The text, where the word holds no variable and no quote: a keyword can only be such a word.
    pub fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }

    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.to_string())),
        }
    }
}

/// Cuts a script into commands. `{` ends the command it belongs to and is its last word; `}` is a command.
pub fn commands(script: &str) -> Vec<Command> {
    let mut lexer = Lexer {
        chars: script.chars().peekable(),
        line: 1,
        commands: Vec::new(),
        words: Vec::new(),
        start: 1,
    };
    lexer.run();
    lexer.commands
}

struct Lexer<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    commands: Vec<Command>,
    words: Vec<Word>,
    start: usize,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.peek().copied() {
            match c {
                '\n' | ';' => {
                    self.next();
                    self.end_command();
                }
                ' ' | '\t' | '\r' => _ = self.next(),
                '#' => while self.chars.next_if(|c| *c != '\n').is_some() {},
                _ => {
                    if self.words.is_empty() {
                        self.start = self.line;
                    }
                    let word = self.word();
                    let brace = word.plain().is_some_and(|text| text == "{" || text == "}");
                    let closes = word.plain() == Some("}");
                    if closes {
                        self.end_command();
                        self.start = self.line;
                    }
                    self.words.push(word);
                    if brace {
                        self.end_command();
                    }
                }
            }
        }
        self.end_command();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    fn end_command(&mut self) {
        if !self.words.is_empty() {
            let words = std::mem::take(&mut self.words);
            self.commands.push(Command { line: self.start, words });
        }
    }

    fn word(&mut self) -> Word {
        let mut word = Word::default();
        while let Some(c) = self.chars.next_if(|c| !" \t\r\n;".contains(*c)) {
            match c {
                '\'' => self.quoted(&mut word, '\''),
                '"' => self.quoted(&mut word, '"'),
                '$' => self.variable(&mut word),
                '\\' => match self.next() {
                    None | Some('\n') => {}
                    Some(escaped) => word.push(escaped),
                },
                _ => word.push(c),
            }
        }
        word
    }

    fn quoted(&mut self, word: &mut Word, end: char) {
        word.quoted = true;
        while let Some(c) = self.next() {
            match c {
                _ if c == end => return,
                '$' if end == '"' => self.variable(word),
                '\\' if end == '"' => match self.chars.next_if(|c| "$\"\\".contains(*c)) {
                    Some(escaped) => word.push(escaped),
                    None => word.push('\\'),
                },
                _ => word.push(c),
            }
        }
    }

    /// The name after a `$`: `${name}`, `$name` or `$?`.
    fn variable(&mut self, word: &mut Word) {
        let mut name = String::new();
        if self.chars.next_if_eq(&'{').is_some() {
            while let Some(c) = self.chars.next_if(|c| !"}\n".contains(*c)) {
                name.push(c);
            }
            self.chars.next_if_eq(&'}');
        } else if self.chars.next_if_eq(&'?').is_some() {
            name.push('?');
        } else {
            while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                name.push(c);
            }
        }
        if name.is_empty() { word.push('$') } else { word.pieces.push(Piece::Variable(name)) }
    }
}
