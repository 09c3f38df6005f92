//! The report for people: what fails first, each with the line that decides and the line that
//! wanted it; then what is waived or attested; then the counts.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::text::plain;
use super::{CheckReport, Comparison, Report, Turn, evidence};
use crate::observation::Outcome;

/// Reports one after the other, and what turned between them.
pub fn several(reports: &[Report]) -> String {
    let mut out = reports.iter().map(human).collect::<Vec<_>>().join("\n");
    if let Some(comparison) = Comparison::of(reports) {
        compare(&mut out, &comparison);
    }
    out
}

/// The report as text with colours; the terminal's writer strips them where they don't belong.
pub fn human(report: &Report) -> String {
    let mut out = String::new();
    let planes: Vec<String> = report.planes.iter().map(ToString::to_string).collect();
    let (plan, target) = (&report.plan, &report.target);
    let (profile, distro) = (plain(&plan.profile), plain(&plan.distro));
    let _ = writeln!(out, "{} ({}): {profile} for {distro}", plain(&target.name), plain(&target.kind));
    let _ = writeln!(out, "plan {}", plain(&plan.digest));
    if let Some(sha256) = &target.sha256 {
        let _ = writeln!(out, "sha256 {}", plain(sha256));
    }
    let _ = writeln!(out, "planes: {}\n", planes.join(", "));
    let mut checks: Vec<&CheckReport> = report.checks.iter().collect();
    checks.sort_by_key(|c| std::cmp::Reverse((c.outcome, c.severity)));
    for check in checks {
        describe(&mut out, check);
    }
    let _ = writeln!(out, "\n{} checks: {}", report.checks.len(), report.summary());
    out
}

fn describe(out: &mut String, check: &CheckReport) {
    let style = style(check.outcome);
    let word = check.outcome.word();
    let reference = check.references.iter().find(|r| r.starts_with("Check-")).map_or("", String::as_str);
    let (id, title, reference) = (plain(&check.id), plain(&check.title), plain(reference));
    let _ = writeln!(out, "{style}{word:>14}{style:#}  {id}  {title} {reference}");
    let silent = check.outcome == Outcome::Pass && check.observations.iter().all(|o| o.reason.is_none());
    let story = if silent { evidence::waiver(check).into_iter().collect() } else { evidence::story(check) };
    for line in story {
        let _ = writeln!(out, "{:16}{line}", "");
    }
}

/// What became better and what worse, after both reports.
fn compare(out: &mut String, comparison: &Comparison<'_>) {
    let (before, after) = (plain(&comparison.before.target.name), plain(&comparison.after.target.name));
    let _ = writeln!(out, "\nbefore: {before}\nafter:  {after}\n");
    for (turn, colour) in
        [(Turn::Worse, AnsiColor::Red), (Turn::Better, AnsiColor::Green), (Turn::Other, AnsiColor::Yellow)]
    {
        for row in comparison.rows.iter().filter(|r| Turn::of(r) == Some(turn)) {
            let style = Style::new().bold().fg_color(Some(colour.into()));
            let words = row.outcomes().map(|o| o.map_or("not asked", Outcome::word));
            let words = words.collect::<Vec<_>>().join(" → ");
            let (id, title) = (plain(&row.check().id), plain(&row.check().title));
            let _ = writeln!(out, "{style}{:>14}{style:#}  {id}  {title}: {words}", turn.word());
        }
    }
    let _ = writeln!(out, "\n{}", comparison.summary());
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
