//! Annotations for GitHub Actions: workflow commands that a step prints.
//!
//! Each points at the profile's line that wants what is missing, for that is the file in the repository. One line
//! is one command, and nothing of a target can end a line or begin one.

use super::text::plain;
use super::{CheckReport, Report, evidence};
use crate::location::Location;
use crate::observation::Outcome;

/// Days before its end at which a waiver is brought to mind.
const SOON: i32 = 30;

/// A command for each check that keeps the gate shut, the gravest first, and for each waiver that ends soon;
/// then the counts. GitHub shows ten of each level and step.
pub fn github(reports: &[Report]) -> String {
    let mut checks: Vec<(&Report, &CheckReport)> =
        reports.iter().flat_map(|r| r.checks.iter().map(move |c| (r, c))).collect();
    checks.sort_by_key(|(_, c)| std::cmp::Reverse((c.outcome, c.severity)));
    let mut out: String =
        checks.into_iter().filter_map(|(report, check)| annotation(report, check)).collect();
    for report in reports {
        let counts = format!("{}: {}", subject(report), report.summary());
        out.push_str(&command("notice", None, "ironseed verify", &counts));
    }
    out
}

fn annotation(report: &Report, check: &CheckReport) -> Option<String> {
    let level = match check.outcome {
        Outcome::Fail | Outcome::Error => "error",
        Outcome::Unobserved => "warning",
        Outcome::Waived if check.waiver.as_ref().is_some_and(|w| w.days_left <= SOON) => "notice",
        _ => return None,
    };
    let worst = check.observations.iter().filter(|o| !o.outcome.is_acceptable()).max_by_key(|o| o.outcome);
    let waiver = check.waiver.as_ref().filter(|_| check.outcome == Outcome::Waived).map(|w| &w.origin);
    let place = waiver.or(worst.and_then(|o| o.origin.as_ref()));
    let title = format!("{} {}: {}", plain(&check.id), check.outcome.word(), plain(&check.title));
    let message = format!("{}\n{}", subject(report), evidence::story(check).join("\n"));
    Some(command(level, place, &title, &message))
}

fn subject(report: &Report) -> String {
    format!(
        "{} ({} for {})",
        plain(&report.target.name),
        plain(&report.plan.profile),
        plain(&report.plan.distro)
    )
}

/// A command that shows a message at a place.
pub fn command(level: &str, place: Option<&Location>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&plain(&place.file))));
        properties.extend(place.line.map(|line| format!("line={line}")));
        properties.extend(place.column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

/// A message, as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value: a message in which colons and commas would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let place = Location { file: "a,b:c.yaml".into(), line: Some(3), column: None };
        assert_eq!(
            command("error", Some(&place), "100%, really::", "one\ntwo: 5%\r::error::x"),
            "::error file=a%2Cb%3Ac.yaml,line=3,title=100%25%2C really%3A%3A::one%0Atwo: 5%25%0D::error::x\n"
        );
    }
}
