//! The lines of `main.cf` and `master.cf`, as Postfix's readllines.c and split_nameval.c cut them.

/// C's `isspace()`, in which Unicode's blanks are none.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Lines, those that begin with a blank joined to the one before, with the number of their first one.
/// Empty lines and comments are left out wherever they stand.
pub fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let content = line.trim_matches(is_blank);
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some((_, last)) if line.starts_with(is_blank) => last.push_str(line),
            // There is none that it could belong to: Postfix passes over it.
            None if line.starts_with(is_blank) => {}
            _ => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

/// `name = value`; `None` where it's no assignment.
pub fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches(is_blank);
    let end = line.find(|c| is_blank(c) || c == '=').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let value = rest.trim_start_matches(is_blank).strip_prefix('=')?;
    (!name.is_empty()).then(|| (name, value.trim_start_matches(is_blank)))
}
