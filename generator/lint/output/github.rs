//! Findings as GitHub's workflow commands, which it shows beside the lines of a pull request.

use super::place;
use crate::check::Severity;
use crate::lint::Linted;

/// One line for each finding.
pub fn github(files: &[Linted]) -> String {
    let mut out = String::new();
    for linted in files {
        for finding in &linted.findings {
            let place = place(linted, finding);
            let level = match finding.rule.severity {
                Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low => "notice",
            };
            let inside =
                place.part.map_or_else(String::new, |(part, at)| format!(" ({part}, line {})", at.line));
            out.push_str(&format!(
                "::{level} file={},line={},col={},endColumn={},title={}::{}\n",
                property(&linted.name),
                place.start.line,
                place.start.column,
                place.end.column.max(place.start.column + 1),
                property(&format!("{} [{}]", finding.rule.title, finding.rule.id)),
                text(&format!("{}{inside}. {}", finding.message, finding.rule.remedy)),
            ));
        }
    }
    out
}

/// A message as the command wants it.
fn text(value: &str) -> String {
    value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property as the command wants it.
fn property(value: &str) -> String {
    text(value).replace(':', "%3A").replace(',', "%2C")
}
