//! Rules that are tables: commands that should not run, and lines that should not be in any file.

use std::ops::Range;

use regex::{Regex, RegexSet};

use super::Context;
use super::context::Piece;

/// A command that should not run.
pub struct CommandPattern {
    /// The program's name, as a pattern for all of it.
    pub program: &'static str,
    /// What is anywhere in its arguments, with one blank between two.
    pub arguments: &'static str,
    /// What is wrong with it.
    pub says: &'static str,
}

/// A line that should be in no file, and in nothing that writes one.
pub struct LinePattern {
    /// What is anywhere in it.
    pub pattern: &'static str,
    /// What is wrong with it.
    pub says: &'static str,
}

/// Both tables of a rule, ready to be used.
pub struct Patterns {
    commands: Vec<(Regex, Regex, &'static str)>,
    lines: Vec<(Regex, &'static str)>,
    any_line: RegexSet,
}

impl Patterns {
    /// Makes the tables ready. That every pattern is one is asserted where assertions are on, as in the tests.
    pub fn new(commands: &[CommandPattern], lines: &[LinePattern]) -> Self {
        let command = |row: &CommandPattern| {
            let program = Regex::new(&format!("^(?:{})$", row.program)).ok()?;
            Some((program, Regex::new(row.arguments).ok()?, row.says))
        };
        Self {
            commands: commands.iter().filter_map(command).collect(),
            lines: lines.iter().filter_map(|row| Some((Regex::new(row.pattern).ok()?, row.says))).collect(),
            any_line: RegexSet::new(lines.iter().map(|row| row.pattern))
                .unwrap_or_else(|_| RegexSet::empty()),
        }
    }

    /// Reports every command and every line that a row is about.
    pub fn look(&self, context: &mut Context<'_>) {
        self.look_unless(context, |_, _, _| false);
    }

    /// The same, but for commands that are excused: by all pieces, the number of theirs, and their number in it.
    pub fn look_unless(&self, context: &mut Context<'_>, excused: impl Fn(&[Piece], usize, usize) -> bool) {
        for (number, piece) in context.pieces.iter().enumerate() {
            for (index, command) in piece.commands().iter().enumerate() {
                let program = command.program();
                let rows = self.commands.iter().filter(|(name, ..)| name.is_match(program));
                let arguments = command.arguments();
                if let Some((.., says)) = rows.into_iter().find(|(_, wanted, _)| wanted.is_match(&arguments))
                    && !excused(context.pieces, number, index)
                {
                    context.report_in(piece, &command.at(), *says);
                }
            }
            if self.any_line.is_match(&piece.snippet.text) {
                self.look_at_lines(context, piece);
            }
        }
    }

    fn look_at_lines(&self, context: &mut Context<'_>, piece: &Piece) {
        for (start, line) in lines(&piece.snippet.text) {
            let line = effective(line);
            for (pattern, says) in &self.lines {
                if let Some(found) = pattern.find(&line) {
                    context.report_in(piece, &(start + found.start()..start + found.end()), *says);
                }
            }
        }
    }
}

/// Lines that are no comments, with where they begin.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(move |line| {
            let at = start;
            start += line.len();
            (at, line.trim_end_matches(['\n', '\r']))
        })
        .filter(|(_, line)| !line.trim_start().starts_with(['#', ';']))
}

/// The line without what it only looks for: what `sed` replaces and what `grep` searches become blanks.
fn effective(line: &str) -> String {
    let mut out = line.to_owned();
    if ["grep ", "grep -"].iter().any(|word| line.contains(word)) && !line.contains(">>") {
        return " ".repeat(line.len());
    }
    if line.contains("sed ") {
        for range in sed_patterns(line) {
            out.replace_range(range.clone(), &" ".repeat(range.len()));
        }
    }
    out
}

/// Where the patterns of `s/pattern/replacement/` and of `/pattern/d` stand.
fn sed_patterns(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = line.find("sed ").map_or(0, |start| start + 4);
    while at + 1 < bytes.len() {
        let begins = at == 0 || b" '\";/".contains(&bytes[at - 1]);
        let mark = match bytes[at] {
            b's' if begins && b"/|#,@~!:".contains(&bytes[at + 1]) => bytes[at + 1],
            b'/' if begins => b'/',
            _ => {
                at += 1;
                continue;
            }
        };
        let start = at + usize::from(bytes[at] == b's') + 1;
        let Some(end) = unescaped(bytes, start, mark) else { break };
        found.push(start..end);
        // What comes in its place is left as it is.
        at = if bytes[at] == b's' {
            unescaped(bytes, end + 1, mark).map_or(bytes.len(), |close| close + 1)
        } else {
            end + 1
        };
    }
    found.retain(|range| line.is_char_boundary(range.start) && line.is_char_boundary(range.end));
    found
}

fn unescaped(bytes: &[u8], from: usize, mark: u8) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == mark => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sed_and_grep_look_for_does_not_count() {
        let line =
            "sed -i 's/^#\\?PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config";
        assert!(!effective(line).contains("yes"));
        assert!(effective(line).contains("PasswordAuthentication no"));
        assert!(effective("sed -i -e '/^A/s/no/A yes/' f").contains("A yes"));
        assert!(!effective("grep -q 'A yes' f").contains("A yes"));
        assert_eq!(effective("echo A yes"), "echo A yes");
    }
}
