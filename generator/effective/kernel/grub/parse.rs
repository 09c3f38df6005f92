//! From tokens to commands, by the grammar of `grub-core/script/parser.y`.

use std::rc::Rc;

use super::lex::{Kind, Token, Word, tokens};

/// Blocks that may stand in one another.
const MAX_DEPTH: usize = 50;

/// A command of a script.
#[derive(Debug)]
pub enum Command {
    /// A command with its arguments, and the block of a `menuentry`.
    Simple {
        line: usize,
        words: Vec<Word>,
        block: Option<Block>,
    },
    /// `elif` is an `if` in `otherwise`.
    If {
        condition: Vec<Self>,
        body: Vec<Self>,
        otherwise: Vec<Self>,
    },
    For {
        name: String,
        words: Vec<Word>,
        body: Vec<Self>,
    },
    While {
        until: bool,
        condition: Vec<Self>,
        body: Vec<Self>,
    },
    Function {
        name: String,
        body: Block,
    },
}

/// Commands that run later.
pub type Block = Rc<[Command]>;

/// Parses a whole script, or says in which line it is broken.
pub fn parse(script: &str) -> Result<Vec<Command>, usize> {
    let tokens = tokens(script);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let mut commands = Vec::new();
    // GRUB parses what begins in one line before it runs any of it, and a function is there once it is parsed.
    let mut parsed_together = 0;
    parser.newlines();
    while parser.at < tokens.len() {
        if parser.keyword("function") {
            commands.insert(parsed_together, parser.function()?);
            parsed_together += 1;
        } else {
            commands.push(parser.command()?);
        }
        let delimiters = parser.at;
        parser.delimiters(true)?;
        if tokens[delimiters..parser.at].iter().any(|token| token.kind == Kind::Newline) {
            parsed_together = commands.len();
        }
    }
    Ok(commands)
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, usize>;

impl Parser<'_> {
    fn kind(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// The line that a fault is in.
    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    fn word(&self) -> Option<&Word> {
        match self.kind() {
            Some(Kind::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Steps over a keyword, where it is the next word.
    fn keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.word().is_some_and(|word| word.plain.as_deref() == Some(keyword));
        self.at += usize::from(is_next);
        is_next
    }

    fn take(&mut self, kind: &Kind) -> Parsed<()> {
        match self.kind() == Some(kind) {
            true => {
                self.at += 1;
                Ok(())
            }
            false => Err(self.line()),
        }
    }

    fn newlines(&mut self) {
        while self.kind() == Some(&Kind::Newline) {
            self.at += 1;
        }
    }

    /// One delimiter, and any line ends after it. Says whether there was one.
    fn delimiters(&mut self, needed: bool) -> Parsed<bool> {
        match self.kind() {
            Some(Kind::Newline | Kind::Semicolon) => self.at += 1,
            _ if needed => return Err(self.line()),
            _ => return Ok(false),
        }
        self.newlines();
        Ok(true)
    }

    /// One or more commands, with the delimiters after them: `true` where there were some.
    fn commands(&mut self, ends: &[&str]) -> Parsed<(Vec<Command>, bool)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.line());
        }
        self.newlines();
        let mut commands = Vec::new();
        loop {
            commands.push(self.command()?);
            let delimited = self.delimiters(false)?;
            let keyword = self.word().and_then(|word| word.plain.as_deref());
            let ended = match ends {
                [] => self.kind() == Some(&Kind::Right),
                ends => keyword.is_some_and(|keyword| ends.contains(&keyword)),
            };
            if ended || !delimited {
                self.depth -= 1;
                return Ok((commands, delimited));
            }
        }
    }

    /// Commands that a delimiter and one of these words end.
    fn until(&mut self, ends: &[&str]) -> Parsed<Vec<Command>> {
        match self.commands(ends)? {
            (commands, true) => Ok(commands),
            _ => Err(self.line()),
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        const RESERVED: [&str; 12] =
            ["case", "do", "done", "elif", "else", "esac", "fi", "in", "select", "then", "}", "function"];
        if self.keyword("if") {
            return self.if_clause();
        }
        if self.keyword("for") {
            let name = self.name()?;
            if !self.keyword("in") {
                return Err(self.line());
            }
            let words = self.words();
            self.delimiters(true)?;
            return Ok(Command::For { name, words, body: self.loop_body()? });
        }
        for (keyword, until) in [("while", false), ("until", true)] {
            if self.keyword(keyword) {
                let condition = self.until(&["do"])?;
                return Ok(Command::While { until, condition, body: self.loop_body()? });
            }
        }
        let line = self.line();
        let first = self.word().ok_or(line)?;
        if first.plain.as_deref().is_some_and(|word| RESERVED.contains(&word)) {
            return Err(line);
        }
        let words = self.words();
        let block = match self.kind() == Some(&Kind::Left) {
            true => Some(self.block(false)?),
            false => None,
        };
        Ok(Command::Simple { line, words, block })
    }

    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some(word) = self.word() {
            words.push(word.clone());
            self.at += 1;
        }
        words
    }

    /// `{ … }`. A function's last command needs a delimiter.
    fn block(&mut self, delimited: bool) -> Parsed<Block> {
        self.take(&Kind::Left)?;
        let (commands, ended) = self.commands(&[])?;
        if delimited && !ended {
            return Err(self.line());
        }
        self.take(&Kind::Right)?;
        Ok(commands.into())
    }

    fn name(&mut self) -> Parsed<String> {
        const KEYWORDS: [&str; 15] = [
            "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select", "then", "until",
            "while", "function",
        ];
        let is_name = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !KEYWORDS.contains(word)
        };
        let line = self.line();
        let name = self.word().and_then(|word| word.plain.as_deref()).filter(is_name).ok_or(line)?.to_owned();
        self.at += 1;
        Ok(name)
    }

    fn function(&mut self) -> Parsed<Command> {
        let name = self.name()?;
        self.newlines();
        Ok(Command::Function { name, body: self.block(true)? })
    }

    /// What follows an `if` or an `elif`, up to the `fi`.
    fn if_clause(&mut self) -> Parsed<Command> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.line());
        }
        let condition = self.until(&["then"])?;
        self.at += 1;
        let body = self.until(&["else", "elif", "fi"])?;
        let otherwise = if self.keyword("else") {
            self.until(&["fi"])?
        } else if self.keyword("elif") {
            let nested = self.if_clause()?;
            self.depth -= 1;
            return Ok(Command::If { condition, body, otherwise: vec![nested] });
        } else {
            Vec::new()
        };
        self.depth -= 1;
        if !self.keyword("fi") {
            return Err(self.line());
        }
        Ok(Command::If { condition, body, otherwise })
    }

    fn loop_body(&mut self) -> Parsed<Vec<Command>> {
        if !self.keyword("do") {
            return Err(self.line());
        }
        let body = self.until(&["done"])?;
        self.at += 1;
        Ok(body)
    }
}
