//! `$name` and its kin inside parameters, as Postfix's mac_parse.c and mac_expand.c put them in.

use super::Parameters;

/// Parameters inside parameters; Postfix refuses more, and so every circle.
const MAX_DEPTH: usize = 100;
/// Longest value that parameters may grow to.
const MAX_VALUE: usize = 64 << 10;
/// Parameters that are put in for one value.
const MAX_STEPS: usize = 10_000;

/// Why a value is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Postfix does not start with it.
    Refused,
    /// It depends on a default, or it's too long.
    Unknown,
}

/// The value with every parameter put in.
///
/// # Errors
/// It's refused, or not known.
pub fn expand(text: &str, parameters: &Parameters) -> Result<String, Problem> {
    Expansion { parameters, steps: 0 }.text(text, 0)
}

struct Expansion<'p> {
    parameters: &'p Parameters,
    steps: usize,
}

impl Expansion<'_> {
    fn text(&mut self, text: &str, depth: usize) -> Result<String, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::Refused);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            self.steps += 1;
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let expression;
            (expression, rest) = match after.chars().next() {
                Some('{') => balanced(after, '{', '}').ok_or(Problem::Refused)?,
                Some('(') => balanced(after, '(', ')').ok_or(Problem::Refused)?,
                _ => after.split_at(name_end(after)),
            };
            out.push_str(&self.expression(expression, depth)?);
            if out.len() > MAX_VALUE || self.steps > MAX_STEPS {
                return Err(Problem::Unknown);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What stands between the brackets: `name`, `name?text`, `name?{text}:{text}`, `name:text`, or a
    /// comparison in place of the name.
    fn expression(&mut self, text: &str, depth: usize) -> Result<String, Problem> {
        if text.trim_start().starts_with('{') {
            // A comparison, such as of the compatibility level.
            return Err(Problem::Unknown);
        }
        let (name, operation) = text.split_at(name_end(text));
        if name.is_empty() {
            return Err(Problem::Refused);
        }
        let set = self.parameters.get(name).ok_or(Problem::Unknown)?;
        let Some(operator) = operation.trim_start().chars().next() else {
            return self.text(&set.value, depth + 1);
        };
        let operand = &operation.trim_start()[operator.len_utf8()..];
        let (then, otherwise) = match operator {
            '?' => branches(operand)?,
            ':' => (None, Some(payload(operand)?.0)),
            _ => return Err(Problem::Refused),
        };
        let branch = if set.value.is_empty() { otherwise } else { then };
        branch.map_or_else(|| Ok(String::new()), |branch| self.text(branch, depth + 1))
    }
}

/// Where a name ends.
fn name_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// What stands between a bracket at the text's start and the one that closes it, and what follows.
fn balanced(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return Some((&text[1..at], &text[at + 1..]));
        }
    }
    None
}

/// `{text}`, blanks and all, and what follows; without brackets, all of the text.
fn payload(text: &str) -> Result<(&str, &str), Problem> {
    if !text.trim_start().starts_with('{') {
        return Ok((text, ""));
    }
    let (inside, rest) = balanced(text.trim_start(), '{', '}').ok_or(Problem::Refused)?;
    Ok((inside, rest.trim_start()))
}

/// `text`, `{text}` or `{text}:{text}`.
fn branches(operand: &str) -> Result<(Option<&str>, Option<&str>), Problem> {
    let (then, rest) = payload(operand)?;
    let Some(rest) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Ok((Some(then), None)) } else { Err(Problem::Refused) };
    };
    let (otherwise, rest) = payload(rest)?;
    if rest.is_empty() { Ok((Some(then), Some(otherwise))) } else { Err(Problem::Refused) }
}
