//! Triage as Markdown, for a ticket: the summary, what is refused, and each host's findings folded away.
//!
//! Nothing of a scan becomes markup.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::document::{Host, Triage};
use super::human::{headline, left, lockable, movements};
use super::rating::Rating;
use crate::report::markdown::cell;

/// Bytes after which findings are left out: GitHub takes 65,536 characters in a comment.
const MOST: usize = 50_000;

/// All of it as one text.
pub fn markdown(triage: &Triage<'_>, zone: &TimeZone) -> String {
    let sign = if triage.refusals.is_empty() { "✅" } else { "❌" };
    let mut out = format!("### {sign} triage of {}\n\n", cell(&headline(triage)));
    let now = triage.now.to_zoned(zone.clone()).strftime("%F %R %Z");
    let _ = writeln!(out, "As of {now}, by {}.\n", cell(triage.policy));
    out.push_str("| rating | open | past the time limit |\n|---|---:|---:|\n");
    for (rating, count) in triage.summary.ratings.iter().rev() {
        let _ = writeln!(out, "| {rating} | {} | {} |", count.open, count.overdue);
    }
    out.push('\n');
    let locked = triage.summary.hosts_that_may_be_locked;
    if locked > 0 {
        let _ = writeln!(out, "{}.\n", lockable(locked));
    }
    let movements = movements(triage);
    if !movements.is_empty() {
        let _ = writeln!(out, "{movements}.\n");
    }
    for (title, lines) in [("Refused", &triage.refusals), ("Of the scans", &triage.notes)] {
        if !lines.is_empty() {
            let _ = writeln!(out, "{title}:\n");
            lines.iter().for_each(|line| {
                let _ = writeln!(out, "- {}", cell(line));
            });
            out.push('\n');
        }
    }
    prevention(&mut out, triage);
    let mut left_out = 0;
    for open in triage.hosts.iter().filter(|h| !h.findings.is_empty()) {
        left_out += host(&mut out, open, zone);
    }
    if left_out > 0 {
        let _ = writeln!(out, "{left_out} more findings are too long for a comment; the JSON form has them.");
    }
    out
}

fn prevention(out: &mut String, triage: &Triage<'_>) {
    if triage.prevention.is_empty() {
        return;
    }
    out.push_str(
        "| check that prevents such findings | findings | why | in the image |\n|---|---:|---|---|\n",
    );
    for prevented in &triage.prevention {
        let image = prevented.image.map_or("–", |o| o.word());
        let (check, because) = (cell(prevented.check), cell(&prevented.because.join("; ")));
        let _ = writeln!(out, "| {check} | {} | {because} | {image} |", prevented.findings);
    }
    out.push('\n');
}

/// One host; how many of its findings there was no room for.
fn host(out: &mut String, host: &Host<'_>, zone: &TimeZone) -> usize {
    let worst = |rating| host.findings.iter().filter(|f| f.rating == rating).count();
    let counts = Rating::ALL.map(|r| (worst(r), r)).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, rating)| format!("{count} {rating}")).collect();
    let release = host.release.as_ref().map(|r| format!(", {}: {}", r.title, r.stands)).unwrap_or_default();
    let head = format!(
        "<details><summary>{}{}: {}</summary>\n\n",
        cell(host.name),
        cell(&release),
        counts.join(", ")
    );
    if out.len() + head.len() > MOST {
        return host.findings.len();
    }
    out.push_str(&head);
    for (number, step) in host.steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", number + 1, cell(step));
    }
    out.push_str("\n| rating | finding | where | why | due | to do |\n|---|---|---|---|---|---|\n");
    let mut left_out = 0;
    for finding in &host.findings {
        let due = match (finding.due, finding.hours_left) {
            (Some(due), Some(hours)) => {
                format!("{} ({})", due.to_zoned(zone.clone()).strftime("%F %R %Z"), left(hours))
            }
            _ => "–".into(),
        };
        let says =
            finding.scanner_says.as_ref().map(|w| format!("; the scanner says {w}")).unwrap_or_default();
        let cells = [
            cell(&format!("{} {}", finding.id, finding.title)),
            cell(&finding.place),
            cell(&format!("{}{says}", finding.why)),
            cell(&due),
            cell(finding.solution.unwrap_or("–")),
        ];
        let row = format!("| {} | {} |\n", finding.rating, cells.join(" | "));
        if out.len() + row.len() > MOST {
            left_out += 1;
        } else {
            out.push_str(&row);
        }
    }
    out.push_str("\n</details>\n\n");
    left_out
}
