//! GRUB's scripting language, cut into tokens, as `grub-core/script/yylex.l` does.

use std::iter::Peekable;
use std::str::Chars;

/// A token and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Newline,
    Semicolon,
    Left,
    Right,
    Word(Word),
    /// What no rule of the grammar takes: `|`, `&`, `<`, `>`, `[[`, an open quote, a lone `$`.
    Bad,
}

/// A word, not expanded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub pieces: Vec<Piece>,
    /// The text as written, where no quote, escape or variable is in it: only such a word is a keyword.
    pub plain: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands. Quoted text makes an argument even where it is empty.
    Text { text: String, quoted: bool },
    /// A variable's value; unquoted, it is split at blanks.
    Variable { name: String, quoted: bool },
}

/// Cuts a script into tokens. GRUB skips every carriage return of a file.
pub fn tokens(script: &str) -> Vec<Token> {
    let script: String = script.chars().filter(|c| *c != '\r').collect();
    let mut lexer = Lexer { chars: script.chars().peekable(), line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token() {
        tokens.push(token);
    }
    let end = tokens.last().is_none_or(|token| token.kind != Kind::Newline);
    if end {
        tokens.push(Token { line: lexer.line, kind: Kind::Newline });
    }
    tokens
}

struct Lexer<'s> {
    chars: Peekable<Chars<'s>>,
    line: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Option<Token> {
        while self.chars.next_if(|c| " \t".contains(*c)).is_some() {}
        let line = self.line;
        let kind = match *self.chars.peek()? {
            '#' => {
                while self.chars.next_if(|c| *c != '\n').is_some() {}
                return self.token_after_comment();
            }
            '\n' => self.single(Kind::Newline),
            ';' => self.single(Kind::Semicolon),
            '{' => self.single(Kind::Left),
            '}' => self.single(Kind::Right),
            '|' | '&' | '<' | '>' => self.single(Kind::Bad),
            _ => self.word().map_or(Kind::Bad, |word| match word.plain.as_deref() {
                Some("[[" | "]]") => Kind::Bad,
                _ => Kind::Word(word),
            }),
        };
        Some(Token { line, kind })
    }

    /// A comment ends at a line's end, which is a token; or with the script.
    fn token_after_comment(&mut self) -> Option<Token> {
        let line = self.line;
        self.chars.peek()?;
        Some(Token { line, kind: self.single(Kind::Newline) })
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    fn single(&mut self, kind: Kind) -> Kind {
        self.next();
        kind
    }

    /// A word; `None` where it holds an open quote or a `$` that begins no name.
    fn word(&mut self) -> Option<Word> {
        let mut word = Word { pieces: Vec::new(), plain: Some(String::new()) };
        while let Some(c) = self.chars.peek().copied().filter(|c| !"{}|&;<> \t\n".contains(*c)) {
            self.next();
            match c {
                '\'' => {
                    word.begin_quote();
                    loop {
                        match self.next()? {
                            '\'' => break,
                            c => word.push(c, true),
                        }
                    }
                }
                '"' => {
                    word.begin_quote();
                    self.double_quoted(&mut word)?;
                }
                '$' => self.variable(&mut word, false)?,
                '\\' => {
                    word.plain = None;
                    match self.next()? {
                        '\n' => {}
                        escaped => word.push(escaped, false),
                    }
                }
                c => word.push(c, false),
            }
        }
        Some(word)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            match self.next()? {
                '"' => return Some(()),
                '$' => self.variable(word, true)?,
                '\\' => match self.next()? {
                    '\n' => {}
                    c if "$\"\\".contains(c) => word.push(c, true),
                    c => {
                        word.push('\\', true);
                        word.push(c, true);
                    }
                },
                c => word.push(c, true),
            }
        }
    }

    /// `$name`, `$1`, `$?`, or one of them in braces.
    fn variable(&mut self, word: &mut Word, quoted: bool) -> Option<()> {
        let braces = self.chars.next_if_eq(&'{').is_some();
        let first = self.chars.next_if(|c| c.is_ascii_alphanumeric() || "_?#*@".contains(*c))?;
        let mut name = String::from(first);
        let goes_on = |c: &char| match first {
            '0'..='9' => c.is_ascii_digit(),
            '?' | '#' | '*' | '@' => false,
            _ => c.is_ascii_alphanumeric() || *c == '_',
        };
        while let Some(c) = self.chars.next_if(goes_on) {
            name.push(c);
        }
        if braces {
            self.chars.next_if_eq(&'}')?;
        }
        word.plain = None;
        word.pieces.push(Piece::Variable { name, quoted });
        Some(())
    }
}

impl Word {
    fn begin_quote(&mut self) {
        self.plain = None;
        self.pieces.push(Piece::Text { text: String::new(), quoted: true });
    }

    fn push(&mut self, c: char, now_quoted: bool) {
        if let Some(plain) = &mut self.plain {
            plain.push(c);
        }
        match self.pieces.last_mut() {
            Some(Piece::Text { text, quoted }) if *quoted == now_quoted => text.push(c),
            _ => self.pieces.push(Piece::Text { text: c.to_string(), quoted: now_quoted }),
        }
    }
}
