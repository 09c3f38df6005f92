//! rsyslog's syntax: finds the statements that concern the network.

use std::collections::HashMap;

/// Values by key.
pub type Parameters = HashMap<String, Vec<String>>;

/// A statement of the configuration.
#[derive(Debug)]
pub enum Statement {
    /// `name(key="value" …)`, keys in lower case.
    Object { name: &'static str, parameters: Parameters },
    /// `$name value`.
    Directive { name: String, value: String },
    /// The action of a rule, in the old syntax, that forwards.
    Forward { action: String },
}

/// Objects that are read.
const OBJECTS: [&str; 5] = ["module", "input", "action", "global", "include"];

/// The statements of a file with their lines, counted from 1.
pub fn statements(text: &str) -> Vec<(Statement, usize)> {
    let text = without_comments(text);
    let mut statements = Vec::new();
    // Inside an object that goes over several lines: its name, its first line and what's between its brackets.
    let mut open: Option<(&'static str, usize, String)> = None;
    let mut quoted = false;
    for (index, line) in text.lines().enumerate() {
        let mut rest = line;
        loop {
            if let Some((name, start, mut inside)) = open.take() {
                let end = closing(&mut quoted, rest);
                inside.push_str(&rest[..end.unwrap_or(rest.len())]);
                let Some(end) = end else {
                    inside.push('\n');
                    open = Some((name, start, inside));
                    break;
                };
                statements.push((Statement::Object { name, parameters: parameters(&inside) }, start));
                rest = &rest[end + 1..];
            }
            match object(rest) {
                Some((name, after)) => {
                    quoted = false;
                    open = Some((name, index + 1, String::new()));
                    rest = after;
                }
                None => {
                    statements.extend(old_style(rest.trim()).map(|statement| (statement, index + 1)));
                    break;
                }
            }
        }
    }
    statements
}

/// Leaves comments out, keeping line breaks. A `#` or `/*` in quotes is none, nor is the `/*` of a path.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let begins = out.chars().next_back().is_none_or(char::is_whitespace);
        match c {
            // No string of the old syntax goes over a line: a lone quote does no harm beyond its line.
            '"' | '\n' => quoted = c == '"' && !quoted,
            '#' if !quoted => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '/' if !quoted && begins && chars.next_if_eq(&'*').is_some() => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    if c == '\n' {
                        out.push(c);
                    }
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The first object's name and what follows its bracket; none stands in quotes.
fn object(text: &str) -> Option<(&'static str, &str)> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        if c == '(' {
            let before = text[..at].trim_end();
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric());
            let word = start
                .map_or(before, |at| before[at..].trim_start_matches(|c: char| !c.is_ascii_alphanumeric()));
            if let Some(name) = OBJECTS.iter().find(|name| word.eq_ignore_ascii_case(name)) {
                return Some((name, &text[next..]));
            }
        }
        let quoted = if matches!(c, '"' | '\'') { text[next..].find(c) } else { None };
        at = quoted.map_or(next, |length| next + length + 1);
    }
    None
}

/// Where the bracket closes: not in quotes, which may have begun on an earlier line.
fn closing(quoted: &mut bool, rest: &str) -> Option<usize> {
    rest.bytes().position(|byte| {
        *quoted ^= byte == b'"';
        byte == b')' && !*quoted
    })
}

/// `key="value"` and `key=["value", …]`, keys in lower case.
fn parameters(text: &str) -> Parameters {
    let mut parameters = Parameters::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim().to_ascii_lowercase();
        let (list, after) = match after.trim_start().strip_prefix('[') {
            Some(after) => after.split_once(']').unwrap_or((after, "")),
            None => {
                let end = after.match_indices('"').nth(1).map_or(after.len(), |(at, _)| at + 1);
                after.split_at(end)
            }
        };
        // Every second part stands in quotes.
        let values = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        rest = after;
        parameters.insert(key, values);
    }
    parameters
}

/// A directive, or a rule whose action forwards.
fn old_style(line: &str) -> Option<Statement> {
    if let Some(directive) = line.strip_prefix('$') {
        let (name, value) = directive.split_once([' ', '\t'])?;
        return Some(Statement::Directive { name: name.to_owned(), value: value.trim().to_owned() });
    }
    let action = line.split_whitespace().last()?;
    let forwards = action.starts_with('@') || action.starts_with(":omrelp:");
    forwards.then(|| Statement::Forward { action: action.to_owned() })
}
