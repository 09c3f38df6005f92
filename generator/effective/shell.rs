//! Files of assignments that a shell sources: `/etc/default/*` and their kin.
//!
//! Assignments are read as a shell reads them; where more than that stands in a file, the result is an explicit unknown.
//! `kernel/defaults.rs` holds this against a real shell.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::location::{Location, Sourced};

/// Longest value that a variable may grow to.
const MAX_VALUE: usize = 4096;

/// The variables that are set: a value and the line that set it last; the value is `None` where a command makes it.
pub type Variables = BTreeMap<String, Sourced<Option<String>>>;

/// Adds a file's assignments to those of files sourced before. `unset_is_empty` says of a variable that none of them
/// sets whether it is known to be empty.
///
/// # Errors
/// The number of the line that is more than an assignment.
pub fn source(
    path: &str,
    text: &str,
    unset_is_empty: impl Fn(&str) -> bool,
    values: &mut Variables,
) -> Result<(), usize> {
    let unset_is_empty = &unset_is_empty;
    let mut shell = Shell { chars: text.chars().peekable(), line: 1, values, path, unset_is_empty };
    while shell.chars.peek().is_some() {
        shell.statement()?;
    }
    Ok(())
}

struct Shell<'s> {
    chars: Peekable<Chars<'s>>,
    line: usize,
    values: &'s mut Variables,
    path: &'s str,
    unset_is_empty: &'s dyn Fn(&str) -> bool,
}

/// A statement that is no assignment, by its line.
type Read<T> = std::result::Result<T, usize>;

impl Shell<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    /// Assignments up to the line's end, or an `export`.
    fn statement(&mut self) -> Read<()> {
        let start = self.line;
        let mut assigned = Vec::new();
        let mut exports = false;
        loop {
            while self.chars.next_if(|c| " \t".contains(*c)).is_some() {}
            match self.chars.peek() {
                None | Some('\n' | ';') => {
                    let semicolon = self.next() == Some(';');
                    if semicolon && assigned.is_empty() && !exports {
                        return Err(start);
                    }
                    break;
                }
                Some('#') => while self.chars.next_if(|c| *c != '\n').is_some() {},
                Some('\\') => {
                    self.next();
                    if self.next() != Some('\n') {
                        return Err(start);
                    }
                }
                Some(_) => {
                    let name = self.name();
                    if self.chars.next_if_eq(&'=').is_some() && !name.is_empty() {
                        assigned.push((name, self.value()?));
                    } else if name == "export" && assigned.is_empty() && !exports {
                        exports = true;
                    } else if !exports || name.is_empty() || !self.at_end() {
                        return Err(start);
                    }
                }
            }
        }
        for (name, value) in assigned {
            let at = Location::line(self.path, start);
            self.values.insert(name, Sourced::new(value, at));
        }
        Ok(())
    }

    fn at_end(&mut self) -> bool {
        self.chars.peek().is_none_or(|c| " \t\n;".contains(*c))
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphabetic() || *c == '_') {
            name.push(c);
            while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
                name.push(c);
            }
        }
        name
    }

    /// The word after `=`; `None` where a command makes it.
    fn value(&mut self) -> Read<Option<String>> {
        let start = self.line;
        let (mut value, mut known) = (String::new(), true);
        while let Some(c) = self.chars.peek().copied().filter(|c| !" \t\n;".contains(*c)) {
            self.next();
            match c {
                '\'' => loop {
                    match self.next().ok_or(start)? {
                        '\'' => break,
                        c => value.push(c),
                    }
                },
                '"' => loop {
                    match self.next().ok_or(start)? {
                        '"' => break,
                        '\\' => match self.next().ok_or(start)? {
                            '\n' => {}
                            c if "$`\"\\".contains(c) => value.push(c),
                            c => value.extend(['\\', c]),
                        },
                        c => known &= self.dollar(c, &mut value)?,
                    }
                },
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => value.push(c),
                },
                '|' | '&' | '<' | '>' | '(' | ')' | '~' => return Err(start),
                c => known &= self.dollar(c, &mut value)?,
            }
            if value.len() > MAX_VALUE {
                return Err(start);
            }
        }
        Ok(known.then_some(value))
    }

    /// A character that may begin an expansion. Says whether its value is known.
    fn dollar(&mut self, c: char, value: &mut String) -> Read<bool> {
        let start = self.line;
        if c == '`' {
            while self.next().ok_or(start)? != '`' {}
            return Ok(false);
        }
        if c != '$' {
            value.push(c);
            return Ok(true);
        }
        if self.chars.next_if_eq(&'(').is_some() {
            let mut open = 1;
            while open > 0 {
                match self.next().ok_or(start)? {
                    '(' => open += 1,
                    ')' => open -= 1,
                    _ => {}
                }
            }
            return Ok(false);
        }
        let braces = self.chars.next_if_eq(&'{').is_some();
        let name = self.name();
        if name.is_empty() && !braces && self.chars.peek().is_none_or(|c| " \t\n;\"/.,:=+%".contains(*c)) {
            value.push('$');
            return Ok(true);
        }
        if name.is_empty() || (braces && self.chars.next_if_eq(&'}').is_none()) {
            return Err(start);
        }
        match self.values.get(&name).map(|set| set.value.as_deref()) {
            Some(Some(text)) => value.push_str(text),
            Some(None) => return Ok(false),
            None if (self.unset_is_empty)(&name) => {}
            None => return Ok(false),
        }
        Ok(true)
    }
}
