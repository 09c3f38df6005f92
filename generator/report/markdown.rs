//! Markdown for a comment on a merge request: the counts, what needs attention, and the evidence folded away.
//!
//! Nothing of a target becomes markup: in tables it is written in character references, elsewhere in code spans, where
//! nobody is mentioned and nothing is linked either.

use std::fmt::Write;

use super::text::{plain, short};
use super::{CheckReport, Comparison, Report, Row, Turn, evidence, rows};
use crate::observation::Outcome;

/// Bytes after which evidence is left out: GitHub takes 65,536 characters in a comment.
const MOST: usize = 50_000;

/// Characters of one line of evidence.
const LONGEST: usize = 400;

/// The reports as one text.
pub fn markdown(reports: &[Report]) -> String {
    let rows = rows(reports);
    let mut out = headline(reports);
    targets(&mut out, reports);
    if let Some(comparison) = Comparison::of(reports) {
        turns(&mut out, &comparison);
    }
    attention(&mut out, reports, &rows);
    waivers(&mut out, reports);
    details(&mut out, reports, &rows);
    out
}

fn headline(reports: &[Report]) -> String {
    let open = |r: &Report| r.checks.iter().filter(|c| !c.outcome.is_acceptable()).count();
    match reports.iter().map(open).sum::<usize>() {
        0 => "### ✅ ironseed: every check is met\n\n".to_owned(),
        1 => "### ❌ ironseed: 1 check needs attention\n\n".to_owned(),
        n => format!("### ❌ ironseed: {n} checks need attention\n\n"),
    }
}

fn targets(out: &mut String, reports: &[Report]) {
    out.push_str("| target | profile | distribution | planes | checks |\n|---|---|---|---|---|\n");
    for report in reports {
        let planes = report.planes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (plan, target) = (&report.plan, &report.target);
        let words = [&target.name, &plan.profile, &plan.distro, &planes, &report.summary()].map(|w| cell(w));
        let _ = writeln!(out, "| {} |", words.join(" | "));
    }
    out.push('\n');
}

fn turns(out: &mut String, comparison: &Comparison<'_>) {
    let _ = writeln!(out, "Before and after: {}.\n", comparison.summary());
    let turned: Vec<(Turn, &Row<'_>)> =
        comparison.rows.iter().filter_map(|r| Some((Turn::of(r)?, r))).collect();
    if turned.is_empty() {
        return;
    }
    out.push_str("| check | turned | before | after |\n|---|---|---|---|\n");
    for (turn, row) in turned {
        let words: Vec<&str> = row.outcomes().map(|o| o.map_or("–", Outcome::word)).collect();
        let _ = writeln!(out, "| {} | {} | {} |", cell(&row.check().id), turn.word(), words.join(" | "));
    }
    out.push('\n');
}

/// The checks that keep a gate shut, one row each.
fn attention(out: &mut String, reports: &[Report], rows: &[Row<'_>]) {
    let mut open: Vec<&Row<'_>> = rows.iter().filter(|r| !r.worst().is_acceptable()).collect();
    if open.is_empty() {
        return;
    }
    open.sort_by_key(|r| std::cmp::Reverse((r.worst(), r.check().severity)));
    let names: Vec<String> = match reports {
        [_] => vec!["outcome".into()],
        _ => reports.iter().map(|r| cell(&r.target.name)).collect(),
    };
    let _ = writeln!(out, "| check | severity | {} |", names.join(" | "));
    let _ = writeln!(out, "|---|---|{}", "---|".repeat(names.len()));
    for row in open {
        let check = row.check();
        let words: Vec<&str> = row.outcomes().map(|o| o.map_or("–", Outcome::word)).collect();
        let severity = format!("{:?}", check.severity).to_lowercase();
        let (id, title) = (cell(&check.id), cell(&check.title));
        let _ = writeln!(out, "| **{id}** {title} | {severity} | {} |", words.join(" | "));
    }
    out.push('\n');
}

fn waivers(out: &mut String, reports: &[Report]) {
    let waived = reports.iter().flat_map(|r| r.checks.iter().filter(|c| c.outcome == Outcome::Waived));
    let mut lines: Vec<String> = waived
        .filter_map(|check| {
            let waiver = check.waiver.as_ref()?;
            let words = [
                &check.id,
                &waiver.owner,
                &waiver.expires.to_string(),
                &waiver.days_left.to_string(),
                &waiver.reason,
            ];
            Some(format!("| {} |\n", words.map(|w| cell(w)).join(" | ")))
        })
        .collect();
    lines.dedup();
    if !lines.is_empty() {
        out.push_str("| waived | by | until | days left | because |\n|---|---|---|---|---|\n");
        out.push_str(&lines.concat());
        out.push('\n');
    }
}

/// The evidence of what keeps a gate shut, folded, as far as there is room.
fn details(out: &mut String, reports: &[Report], rows: &[Row<'_>]) {
    let mut left_out = 0;
    let open = |c: &&CheckReport| !c.outcome.is_acceptable();
    for row in rows {
        for (report, check) in reports.iter().zip(&row.checks) {
            let Some(check) = check.filter(open) else { continue };
            let detail = detail(report, check, reports.len() > 1);
            if out.len() + detail.len() > MOST {
                left_out += 1;
            } else {
                out.push_str(&detail);
            }
        }
    }
    if left_out > 0 {
        let _ =
            writeln!(out, "The evidence of {left_out} more is too long for a comment; the report has it.");
    }
}

fn detail(report: &Report, check: &CheckReport, several: bool) -> String {
    let target = if several { format!(" in {}", cell(&report.target.name)) } else { String::new() };
    let (id, word) = (cell(&check.id), check.outcome.word());
    let mut out = format!("<details><summary>{id}: {word}{target}</summary>\n\n");
    for line in evidence::story(check) {
        let _ = writeln!(out, "- {}", span(&line));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// Text that stays text in a table's cell or a heading: letters, digits and a few harmless signs as they are,
/// everything else as character references.
pub(crate) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '.' | ',' | '/' | ';') {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    // `www.` alone would make a link.
    out.replace("www.", "www&#46;")
}

/// A code span: fenced by more backticks than stand in a row within it.
pub(crate) fn span(line: &str) -> String {
    let line = short(line.trim(), LONGEST);
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(span("a `b` ``c"), "``` a `b` ``c ```");
        assert_eq!(span("<img src=x> @me"), "`<img src=x> @me`");
        let hostile = cell("a|b\n<img> @me *x* [y](z) www.x.org `q`");
        assert!(!hostile.contains(['|', '\n', '<', '>', '@', '*', '[', '(', '`']), "{hostile}");
        assert!(!hostile.contains("www."), "{hostile}");
        assert_eq!(cell("/etc/ssh-x.conf"), "/etc/ssh-x.conf");
    }
}
