//! Assignments in a file that a shell script sources, as far as their values are plain.

use std::collections::HashMap;

use super::super::model::Unknown;
use crate::location::{Location, Sourced};

/// Variables and the lines that set them last.
pub(super) type Variables = HashMap<String, Sourced<String>>;

/// Adds a file's assignments to those of files before it.
///
/// # Errors
/// The first line that is more than an assignment of a plain value.
pub(super) fn source(path: &str, text: &str, variables: &mut Variables) -> Result<(), Unknown> {
    for (index, line) in text.split('\n').enumerate() {
        let at = Location::line(path, index + 1);
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = assignment(line).ok_or_else(|| Unknown {
            at: at.clone(),
            text: format!("more than a variable and its value: {line}"),
        })?;
        variables.insert(name.to_owned(), Sourced::new(value, at));
    }
    Ok(())
}

/// `NAME=value`, with quotes and perhaps a comment after it.
fn assignment(line: &str) -> Option<(&str, String)> {
    let (name, rest) = line.split_once('=')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(word) {
        return None;
    }
    let (mut value, mut quote, mut chars) = (String::new(), None, rest.chars());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => value.push(c),
            (_, '$' | '`') => return None,
            (Some(_), '\\') => match chars.next()? {
                escaped @ ('$' | '`' | '"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            (Some(_), c) => value.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '\\') => value.push(chars.next()?),
            (None, ' ' | '\t') => {
                let rest = chars.as_str().trim_start_matches([' ', '\t']);
                return (rest.is_empty() || rest.starts_with('#')).then_some((name, value));
            }
            (None, ';' | '&' | '|' | '<' | '>' | '(' | ')') => return None,
            (None, c) => value.push(c),
        }
    }
    quote.is_none().then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_and_nothing_else() {
        let value = |line: &str| assignment(line).map(|(_, value)| value);
        for (line, wanted) in [
            ("A=yes", "yes"),
            ("A=\"DROP\" # note", "DROP"),
            ("A='a b'c\\ d", "a bc d"),
            ("A=", ""),
            ("A=a#b", "a#b"),
            ("A=yes\r", "yes\r"),
        ] {
            assert_eq!(value(line).as_deref(), Some(wanted), "{line}");
        }
        for line in ["A=$B", "A=`x`", "A=\"open", "A =1", "1A=1", "A=1 B=2", "A=1;B=2", "echo x"] {
            assert_eq!(value(line), None, "{line}");
        }
    }
}
