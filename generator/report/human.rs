//! The report for people: what fails first, each with the line that decides and the line that
//! wanted it; then what is waived or attested; then the counts.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{CheckReport, Report};
use crate::observation::{Observation, Outcome};

/// Observations shown of one check: a scan can have thousands.
const MAX_SHOWN: usize = 12;

/// The report as text with colours; the terminal's writer strips them where they don't belong.
pub fn human(report: &Report) -> String {
    let mut out = String::new();
    let planes: Vec<String> = report.planes.iter().map(ToString::to_string).collect();
    let (plan, target) = (&report.plan, &report.target);
    let name = plain(&target.name);
    let _ = writeln!(out, "{name} ({}): {} for {}", target.kind, plan.profile, plan.distro);
    let _ = writeln!(out, "plan {}", plan.digest);
    if let Some(sha256) = &target.sha256 {
        let _ = writeln!(out, "sha256 {sha256}");
    }
    let _ = writeln!(out, "planes: {}\n", planes.join(", "));
    let mut checks: Vec<&CheckReport> = report.checks.iter().collect();
    checks.sort_by_key(|c| std::cmp::Reverse((c.outcome, c.severity)));
    for check in checks {
        describe(&mut out, check);
    }
    let counts: Vec<String> = [
        Outcome::Pass,
        Outcome::Attested,
        Outcome::Waived,
        Outcome::NotApplicable,
        Outcome::Unobserved,
        Outcome::Error,
        Outcome::Fail,
    ]
    .into_iter()
    .map(|o| (report.count(o), o.word()))
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    let _ = writeln!(out, "\n{} checks: {}", report.checks.len(), counts.join(", "));
    out
}

fn describe(out: &mut String, check: &CheckReport) {
    let style = style(check.outcome);
    let word = check.outcome.word();
    let references = check.references.iter().find(|r| r.starts_with("Check-")).map_or("", String::as_str);
    let _ = writeln!(out, "{style}{word:>14}{style:#}  {}  {} {references}", check.id, check.title);
    if let Some(waiver) = &check.waiver {
        let (owner, reason, expires, left) =
            (&waiver.owner, &waiver.reason, waiver.expires, waiver.days_left);
        let _ = writeln!(out, "{:16}waived by {owner} until {expires} ({left} days left): {reason}", "");
    }
    if check.outcome == Outcome::Pass && check.observations.iter().all(|o| o.reason.is_none()) {
        return;
    }
    if let Some(reason) = common_reason(check) {
        let _ = writeln!(out, "{:16}{}", "", plain(reason));
        return;
    }
    let worth = |o: &&Observation| o.outcome != Outcome::Pass || o.reason.is_some();
    let shown: Vec<&Observation> = check.observations.iter().filter(worth).collect();
    for observation in shown.iter().take(MAX_SHOWN) {
        explain(out, observation);
    }
    if shown.len() > MAX_SHOWN {
        let _ = writeln!(out, "{:16}… and {} more (see --format json)", "", shown.len() - MAX_SHOWN);
    }
    if matches!(check.outcome, Outcome::Fail) {
        let _ = writeln!(out, "{:16}to mend it: {}", "", check.remediation);
    }
}

/// Why nothing at all was seen of a check, where one reason without a place says it all.
fn common_reason(check: &CheckReport) -> Option<&str> {
    let first = check.observations.first()?;
    let says_the_same = |o: &Observation| {
        o.outcome == Outcome::Unobserved && o.location.is_none() && o.reason == first.reason
    };
    let nothing = check.outcome == Outcome::Unobserved && check.observations.iter().all(says_the_same);
    first.reason.as_deref().filter(|_| nothing)
}

fn explain(out: &mut String, observation: &Observation) {
    let indent = format!("{:16}", "");
    let place = observation.location.as_ref().map(|l| plain(&l.to_string())).unwrap_or_default();
    let plane = observation.plane;
    let word = observation.outcome.word();
    let _ = writeln!(out, "{indent}{word} ({plane}) {place}");
    if !observation.found.is_empty() {
        let _ = writeln!(out, "{indent}  found:  {}", plain(&observation.found));
    }
    let origin = observation.origin.as_ref().map(|o| format!("  ({o})")).unwrap_or_default();
    let _ = writeln!(out, "{indent}  wanted: {}{origin}", plain(&observation.wanted));
    if let Some(reason) = &observation.reason {
        let _ = writeln!(out, "{indent}  reason: {}", plain(reason));
    }
    for losing in &observation.overridden {
        let _ = writeln!(out, "{indent}  loses:  {}", plain(&losing.to_string()));
    }
}

/// Text of an untrusted target without what a terminal would act on: control characters, and those
/// that turn the direction of text, are shown as escapes.
fn plain(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn style(outcome: Outcome) -> Style {
    let colour = match outcome {
        Outcome::Pass | Outcome::Attested => AnsiColor::Green,
        Outcome::NotApplicable => AnsiColor::BrightBlack,
        Outcome::Waived | Outcome::Unobserved => AnsiColor::Yellow,
        Outcome::Error | Outcome::Fail => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_does_not_speak_to_the_terminal() {
        assert_eq!(plain("ev\u{1b}[31mil\r\u{202e}"), "ev\\u{1b}[31mil\\r\\u{202e}");
        assert_eq!(plain("Jürgen … ok"), "Jürgen … ok");
    }
}
