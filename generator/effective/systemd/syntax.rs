//! The syntax of unit files.

use crate::effective::lines::{stripped, systemd_lines};
use crate::location::{Location, Sourced};

/// One assignment, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Section without brackets, such as `Service`.
    pub section: String,
    /// Key, case kept: systemd's keys are case-sensitive.
    pub key: String,
    /// Value with continuation lines joined, and the line on which it begins. Empty: a reset.
    pub value: Sourced<String>,
}

/// The assignments of a file. Lines that systemd skips with a warning (no `=`, or outside of any
/// section) are left out.
pub(super) fn parse(text: &str, file: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut section = None;
    let mut statement = String::new();
    let mut started = 0;
    let mut continues = false;
    // systemd's own parser passes over a byte order mark (conf-parser.c).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in systemd_lines(text) {
        let line = line.trim_start_matches([' ', '\t']);
        // A comment may stand between a line and its continuation.
        if line.starts_with(['#', ';']) {
            continue;
        }
        if !continues {
            statement.clear();
            started = number;
        }
        statement.push_str(line);
        continues = line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        if continues {
            statement.pop();
            statement.push(' ');
            continue;
        }
        take(&statement, started, file, &mut section, &mut settings);
    }
    if continues {
        take(&statement, started, file, &mut section, &mut settings);
    }
    settings
}

fn take(statement: &str, line: usize, file: &str, section: &mut Option<String>, settings: &mut Vec<Setting>) {
    let statement = stripped(statement);
    if let Some(header) = statement.strip_prefix('[') {
        *section = header.strip_suffix(']').map(str::to_owned);
    } else if let (Some(section), Some((key, value))) = (section, statement.split_once('=')) {
        settings.push(Setting {
            section: section.clone(),
            key: stripped(key).to_owned(),
            value: Sourced::new(stripped(value).to_owned(), Location::line(file, line)),
        });
    }
}

/// The words of a value: separated by blanks, quotes around one removed.
pub(super) fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = value.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '"' | '\'').then(|| rest[1..].split_once(first)).flatten();
        let (word, after) = match quoted {
            Some(parts) => parts,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}
