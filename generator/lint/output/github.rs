//! Findings as GitHub's workflow commands, which it shows beside the lines of a pull request.

use super::{location, place};
use crate::check::Severity;
use crate::lint::Linted;
use crate::report::github_command;

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
            let title = format!("{} [{}]", finding.rule.title, finding.rule.id);
            let message = format!("{}. {}", place.message(finding), finding.rule.remedy);
            out.push_str(&github_command(level, Some(&location(linted, &place)), &title, &message));
        }
    }
    out
}
