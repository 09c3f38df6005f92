//! The syntax of `named.conf`: statements of words and braces, three kinds of comments, and includes.

use crate::effective::files;
use crate::location::Location;
use crate::target::{Result, Root};

/// Files that are read in all.
const MAX_FILES: usize = 200;
/// Braces inside braces, beyond which the rest is passed over.
const MAX_DEPTH: usize = 32;

/// `word word { … } word;`
#[derive(Clone, Debug)]
pub struct Statement {
    /// The words, also those after the braces.
    pub words: Vec<String>,
    /// What stands in braces.
    pub block: Vec<Statement>,
    pub at: Location,
}

impl Statement {
    /// The first word.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

/// Reads a file with everything that it includes.
pub fn read(root: Root<'_>, file: &str) -> Result<Vec<Statement>> {
    let mut files = 0;
    read_file(root, file, &mut files)
}

fn read_file(root: Root<'_>, file: &str, files: &mut usize) -> Result<Vec<Statement>> {
    *files += 1;
    if *files > MAX_FILES {
        return Ok(Vec::new());
    }
    let text = root.read_text(file)?.unwrap_or_default();
    let tokens = tokens(&text);
    let mut parser = Parser { tokens: tokens.into_iter(), file };
    include(root, parser.statements(0), files, 0)
}

/// Puts the content of included files in the place of the directive.
fn include(
    root: Root<'_>,
    statements: Vec<Statement>,
    files: &mut usize,
    depth: usize,
) -> Result<Vec<Statement>> {
    let mut out = Vec::new();
    for mut statement in statements {
        if statement.name() == "include" && depth < MAX_DEPTH {
            for path in files::regular(root, statement.words.get(1).map_or("", String::as_str))? {
                out.extend(read_file(root, &path, files)?);
            }
            continue;
        }
        statement.block = include(root, statement.block, files, depth + 1)?;
        out.push(statement);
    }
    Ok(out)
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '{' => tokens.push((Token::Open, line)),
            '}' => tokens.push((Token::Close, line)),
            ';' => tokens.push((Token::End, line)),
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.next_if_eq(&'*').is_some() => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    line += usize::from(c == '\n');
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '"' => {
                let start = line;
                let mut word = String::new();
                for c in chars.by_ref().take_while(|c| *c != '"') {
                    line += usize::from(c == '\n');
                    word.push(c);
                }
                tokens.push((Token::Word(word), start));
            }
            _ if c.is_whitespace() => {}
            _ => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"{};\"#".contains(*c)) {
                    word.push(c);
                }
                tokens.push((Token::Word(word), line));
            }
        }
    }
    tokens
}

struct Parser<'f> {
    tokens: std::vec::IntoIter<(Token, usize)>,
    file: &'f str,
}

impl Parser<'_> {
    /// Statements up to the closing brace or the end.
    fn statements(&mut self, depth: usize) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut current: Option<Statement> = None;
        while let Some((token, line)) = self.tokens.next() {
            let new =
                || Statement { words: Vec::new(), block: Vec::new(), at: Location::line(self.file, line) };
            match token {
                Token::Word(word) => current.get_or_insert_with(new).words.push(word),
                Token::Open if depth < MAX_DEPTH => {
                    let mut statement = current.take().unwrap_or_else(new);
                    statement.block = self.statements(depth + 1);
                    current = Some(statement);
                }
                Token::Open => return statements,
                Token::End => statements.extend(current.take()),
                Token::Close => break,
            }
        }
        statements.extend(current);
        statements
    }
}
