//! OpenNTPD: `listen on ADDRESS`, as parse.y of its release 6.2 reads `ntpd.conf`; without one it's a client.

use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::str::Chars;

use super::TimeServer;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const FILES: [&str; 2] = ["/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"];

/// Its conclusions from the first of its files that is there; `None` where none is.
pub fn read(root: Root<'_>) -> Result<Option<TimeServer>> {
    for file in FILES {
        if let Some(text) = root.read_text(file)? {
            let server = match reach(file, &text) {
                Ok(reach) => Server { program: "openntpd", reach },
                Err(line) => Server::refused("openntpd", Location::line(file, line)),
            };
            // It knows no request for its clients.
            let monlist_possible = Sourced::new(false, Location::file(file));
            return Ok(Some(TimeServer { server, monlist_possible }));
        }
    }
    Ok(None)
}

/// Who gets through to it; or the line at which it gives up.
fn reach(file: &str, text: &str) -> std::result::Result<Sourced<Reach>, usize> {
    let mut reach = Sourced::new(Reach::None, Location::file(file));
    for (words, line) in statements(text)? {
        if let Some(address) = statement(&words).ok_or(line)? {
            let next = if address == "*" { Reach::Network } else { Reach::of_address(address) };
            if reach.value.clone().or(next.clone()) != reach.value {
                reach = Sourced::new(next, Location::line(file, line));
            }
        }
    }
    Ok(reach)
}

#[derive(Debug, PartialEq)]
enum Word {
    /// A keyword where one is expected.
    Plain(String),
    Quoted(String),
    Number(i64),
    /// A character that belongs to no word.
    Other,
}

impl Word {
    fn keyword(&self) -> &str {
        if let Self::Plain(text) = self { text } else { "" }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => (!KEYWORDS.contains(&text.as_str())).then_some(text),
            Self::Quoted(text) => Some(text),
            Self::Number(_) | Self::Other => None,
        }
    }
}

const KEYWORDS: [&str; 14] = [
    "constraint",
    "constraints",
    "correction",
    "from",
    "listen",
    "on",
    "query",
    "refid",
    "rtable",
    "sensor",
    "server",
    "servers",
    "stratum",
    "weight",
];
/// Longest word, in bytes.
const MAX_WORD: usize = 8000;

/// What a statement asks to listen on, if it does; `None` where it is none.
fn statement(words: &[Word]) -> Option<Option<&str>> {
    const WEIGHT: (&str, RangeInclusive<i64>) = ("weight", 1..=10);
    let (name, rest) = words.split_first()?;
    match (name.keyword(), rest) {
        ("listen", [on, address]) if on.keyword() == "on" => return Some(Some(address.text()?)),
        ("query", [from, address]) if from.keyword() == "from" => {
            address.text()?.parse::<std::net::IpAddr>().ok()?;
        }
        ("server" | "servers", [address, rest @ ..]) => {
            address.text()?;
            options(rest, &[WEIGHT])?;
        }
        ("constraints", [from, url]) if from.keyword() == "from" => drop(url.text()?),
        ("constraint", [from, urls @ ..]) if from.keyword() == "from" && !urls.is_empty() => {
            urls.iter().try_for_each(|url| url.text().map(drop))?;
        }
        ("sensor", [device, rest @ ..]) => {
            device.text()?;
            options(rest, &[WEIGHT, ("stratum", 1..=15), ("correction", -127_000_000..=127_000_000)])?;
        }
        _ => return None,
    }
    Some(None)
}

/// `weight 5 refid "GPS"`: numbers within their ranges, and names of up to four bytes.
fn options(words: &[Word], numbers: &[(&str, RangeInclusive<i64>)]) -> Option<()> {
    let refid = numbers.len() > 1;
    words.chunks(2).try_for_each(|option| match option {
        [name, Word::Number(value)] => {
            let range = numbers.iter().find(|(known, _)| *known == name.keyword());
            range.filter(|(_, range)| range.contains(value)).map(drop)
        }
        [name, value] if refid && name.keyword() == "refid" => {
            value.text().filter(|text| (1..=4).contains(&text.len())).map(drop)
        }
        _ => None,
    })
}

/// The words of each statement with the number of its line; or the line that can't be read.
fn statements(text: &str) -> std::result::Result<Vec<(Vec<Word>, usize)>, usize> {
    let mut statements = Vec::new();
    let mut lexer = Lexer { rest: text.chars().peekable(), line: 1 };
    let mut words = Vec::new();
    loop {
        let line = lexer.line;
        match lexer.next().ok_or(line)? {
            Token::Word(word) => words.push(word),
            Token::LineEnd | Token::End if words.is_empty() && lexer.rest.peek().is_none() => break,
            Token::LineEnd if words.is_empty() => {}
            Token::LineEnd => statements.push((std::mem::take(&mut words), line)),
            // Each statement wants the end of its line.
            Token::End => {
                return if words.is_empty() { Ok(statements) } else { Err(line) };
            }
        }
    }
    Ok(statements)
}

enum Token {
    Word(Word),
    LineEnd,
    End,
}

struct Lexer<'t> {
    rest: Peekable<Chars<'t>>,
    line: usize,
}

impl Lexer<'_> {
    /// A character outside of quotes: a backslash hides the end of a line, and stands before any other character for that.
    fn character(&mut self) -> Option<char> {
        loop {
            match self.rest.next()? {
                '\\' => match self.rest.next()? {
                    '\n' => self.line += 1,
                    other => return Some(other),
                },
                other => return Some(other),
            }
        }
    }

    /// What comes next; `None` where it can't be read.
    fn next(&mut self) -> Option<Token> {
        let mut first = self.character();
        while matches!(first, Some(' ' | '\t')) {
            first = self.character();
        }
        if first == Some('#') {
            while first.is_some_and(|c| c != '\n') {
                first = self.character();
            }
        }
        let Some(first) = first else { return Some(Token::End) };
        let word = match first {
            '\n' => {
                self.line += 1;
                return Some(Token::LineEnd);
            }
            '\'' | '"' => Word::Quoted(self.quoted(first)?),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_' | '*') => self.word(c)?,
            _ => Word::Other,
        };
        Some(Token::Word(word))
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                c if c == quote => return (text.len() < MAX_WORD).then_some(text),
                '\0' => return None,
                '\n' => self.line += 1,
                '\\' => match self.rest.peek()? {
                    '\n' => {
                        self.line += 1;
                        self.rest.next();
                    }
                    c if *c == quote => text.extend(self.rest.next()),
                    _ => text.push('\\'),
                },
                c => text.push(c),
            }
        }
    }

    fn word(&mut self, first: char) -> Option<Word> {
        let mut text = String::from(first);
        let belongs =
            |c: char| c.is_ascii_alphanumeric() || (c.is_ascii_punctuation() && !"(){}<>!=/#,".contains(c));
        // A backslash may hide the end of the line inside a word too.
        loop {
            let before = (self.rest.clone(), self.line);
            match self.character() {
                Some(c) if belongs(c) && text.len() < MAX_WORD => text.push(c),
                Some(_) if text.len() >= MAX_WORD => return None,
                next => {
                    // What is given back has lost its backslash.
                    if next.is_some() {
                        (self.rest, self.line) = before;
                    }
                    break;
                }
            }
        }
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match is_number {
            true => text.parse().ok().map(Word::Number),
            false if first == '-' => Some(Word::Other),
            false => Some(Word::Plain(text)),
        }
    }
}

#[cfg(test)]
mod tests;
