//! How systemd cuts a value into words: `extract_first_word()` of its `src/basic/extract-word.c`.

use std::iter::Peekable;
use std::str::Chars;

/// What becomes of quotes and backslashes that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// In unit files: C's escapes count, others are kept as they stand, and every quote must be closed.
    Unit,
    /// In the value of a variable: a backslash takes the next character as it is, and a quote may stay open.
    Variable,
}

/// The words of a text, one by one.
pub(super) struct Words<'t> {
    rest: Peekable<Chars<'t>>,
    rules: Rules,
}

/// A quote stays open, or the text ends inside of it: systemd ignores the whole line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unbalanced;

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str, rules: Rules) -> Self {
        Self { rest: text.chars().peekable(), rules }
    }

    /// Takes a word that stands there in these very characters.
    pub(super) fn skip_lone(&mut self, word: &str) -> bool {
        let mut ahead = self.rest.clone();
        let there =
            word.chars().all(|c| ahead.next() == Some(c)) && ahead.peek().is_none_or(|c| is_blank(*c));
        if there {
            while ahead.next_if(|c| is_blank(*c)).is_some() {}
            self.rest = ahead;
        }
        there
    }

    fn word(&mut self) -> Result<String, Unbalanced> {
        let mut word = String::new();
        let mut quote = None;
        loop {
            match (self.rest.next(), quote) {
                (None, Some(_)) if self.rules == Rules::Unit => return Err(Unbalanced),
                (None, _) => return Ok(word),
                (Some('\\'), _) => self.escaped(&mut word, quote)?,
                (Some(c), Some(open)) if c == open => quote = None,
                (Some(c @ ('"' | '\'')), None) => quote = Some(c),
                (Some(c), None) if is_blank(c) => return Ok(word),
                (Some(c), _) => word.push(c),
            }
        }
    }

    /// Takes what follows a backslash.
    fn escaped(&mut self, word: &mut String, quote: Option<char>) -> Result<(), Unbalanced> {
        if self.rules == Rules::Variable {
            word.extend(self.rest.next());
            return Ok(());
        }
        let mut ahead = self.rest.clone();
        match character(&mut ahead) {
            Some(c) => {
                word.push(c);
                self.rest = ahead;
            }
            None => {
                word.push('\\');
                match self.rest.next() {
                    Some(c) => word.push(c),
                    None if quote.is_some() => return Err(Unbalanced),
                    None => {}
                }
            }
        }
        Ok(())
    }
}

impl Iterator for Words<'_> {
    type Item = Result<String, Unbalanced>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.next_if(|c| is_blank(*c)).is_some() {}
        self.rest.peek()?;
        let word = self.word();
        while self.rest.next_if(|c| is_blank(*c)).is_some() {}
        Some(word)
    }
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// One of C's escapes without its backslash (`cunescape_one()`); `None` where it is none. A byte above 127 is taken
/// for the character of that number: no option that ironseed knows is written so.
fn character(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    Some(match rest.next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        's' => ' ',
        c @ ('\\' | '"' | '\'') => c,
        'x' => number(rest, 0, 2, 16)?,
        'u' => number(rest, 0, 4, 16)?,
        'U' => number(rest, 0, 8, 16)?,
        c @ '0'..='7' => number(rest, c.to_digit(8)?, 2, 8).filter(|c| u32::from(*c) < 256)?,
        _ => return None,
    })
}

/// The character of a number whose first digits are known, and so many more follow. There is no NUL.
fn number(rest: &mut Peekable<Chars<'_>>, first: u32, digits: usize, radix: u32) -> Option<char> {
    let mut number = first;
    for _ in 0..digits {
        number = number.checked_mul(radix)?.checked_add(rest.next()?.to_digit(radix)?)?;
    }
    char::from_u32(number).filter(|c| *c != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, rules: Rules) -> Result<Vec<String>, Unbalanced> {
        Words::new(text, rules).collect()
    }

    #[test]
    fn quotes_and_escapes_as_in_units() {
        let unit = |text| words(text, Rules::Unit);
        assert_eq!(unit(r#" a "b c"'d e'f\ts "" "#).unwrap(), ["a", "b cd ef\ts", ""]);
        assert_eq!(unit(r"\x41\101\u00e4\q\").unwrap(), ["AA\u{e4}\\q\\"]);
        assert_eq!(unit("a 'b"), Err(Unbalanced));
        assert_eq!(unit(r#"a "b\"#), Err(Unbalanced));
    }

    #[test]
    fn the_value_of_a_variable_is_forgiving() {
        let variable = |text| words(text, Rules::Variable);
        assert_eq!(variable(r#"-o "a b" \"c 'd"#).unwrap(), ["-o", "a b", "\"c", "d"]);
        assert_eq!(variable("a\\nb \\").unwrap(), ["anb", ""]);
    }
}
