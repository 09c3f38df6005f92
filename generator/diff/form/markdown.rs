//! Markdown for a comment on a merge request: what is looser in a table, everything else folded away.

use std::fmt::Write;

use super::words;
use crate::diff::change::{Comparison, Pair, Told};
use crate::report::markdown::{cell, span};

/// Bytes after which rows are left out: GitHub takes 65,536 characters in a comment.
const MOST: usize = 50_000;

/// The comparison as one text.
pub fn markdown(comparison: &Comparison) -> String {
    let looser: usize =
        comparison.pairs.iter().map(|p| p.told().iter().filter(|t| t.change.loosens()).count()).sum();
    let mut out = match (looser, comparison.is_empty()) {
        (0, true) => "### ✅ ironseed: no difference\n\n".to_owned(),
        (0, false) => "### ✅ ironseed: nothing is loosened\n\n".to_owned(),
        (1, _) => "### ⚠️ ironseed: 1 change loosens what is wanted\n\n".to_owned(),
        (n, _) => format!("### ⚠️ ironseed: {n} changes loosen what is wanted\n\n"),
    };
    let (same, differing): (Vec<&Pair>, Vec<&Pair>) = comparison.pairs.iter().partition(|p| p.is_empty());
    let mut left_out = 0;
    for pair in differing {
        left_out += describe(&mut out, pair);
    }
    match same.len() {
        0 => {}
        1 => out.push_str("1 profile is the same.\n"),
        n => {
            let _ = writeln!(out, "{n} profiles are the same.");
        }
    }
    if left_out > 0 {
        let _ =
            writeln!(out, "{left_out} lines more are too long for a comment; `ironseed diff` shows them.");
    }
    out
}

/// Returns how many lines had no room.
fn describe(out: &mut String, pair: &Pair) -> usize {
    let distros = match pair.distros.len() {
        0 => String::new(),
        1 => format!(", for {}", cell(&pair.distros[0])),
        n => format!(", for {n} distributions"),
    };
    let counts = words::counts(pair);
    let _ = writeln!(out, "**{}**{distros}: {counts}\n", cell(&words::title(pair)));
    let (looser, others): (Vec<Told<'_>>, Vec<Told<'_>>) =
        pair.told().into_iter().partition(|t| t.change.loosens());
    let mut left_out = 0;
    if !looser.is_empty() {
        left_out += table(out, &looser, pair);
        out.push('\n');
    }
    if !others.is_empty() {
        let title = match others.len() {
            1 => "1 change that loosens nothing".to_owned(),
            n => format!("{n} changes that loosen nothing"),
        };
        folded(out, &title, |out| left_out += table(out, &others, pair));
    }
    if !pair.parts.is_empty() {
        let title = format!("{} rendered items differ", pair.parts.len());
        folded(out, &title, |out| left_out += rendered(out, pair));
    }
    for file in &pair.files {
        let on = words::only(&file.distros, pair).map_or_else(String::new, |d| format!(" on {}", cell(&d)));
        let fence = "`".repeat(longest_run(&file.diff).max(2) + 1);
        let text = format!("{fence}diff\n{}\n{fence}\n", file.diff.trim_end());
        if out.len() + text.len() > MOST {
            left_out += file.diff.lines().count();
            continue;
        }
        folded(out, &format!("{}{on}", cell(&file.path)), |out| out.push_str(&text));
    }
    left_out
}

fn folded(out: &mut String, title: &str, fill: impl FnOnce(&mut String)) {
    let _ = write!(out, "<details><summary>{title}</summary>\n\n");
    fill(out);
    out.push_str("\n</details>\n\n");
}

fn table(out: &mut String, changes: &[Told<'_>], pair: &Pair) -> usize {
    out.push_str("| | check | what | lines |\n|---|---|---|---|\n");
    let mut left_out = 0;
    for told in changes {
        let row = row(told, pair);
        if out.len() + row.len() > MOST {
            left_out += 1;
        } else {
            out.push_str(&row);
        }
    }
    left_out
}

fn row(told: &Told<'_>, pair: &Pair) -> String {
    let change = told.change;
    let meaning = words::meaning(change).map_or_else(String::new, |m| format!(" ({m})"));
    let mut details: Vec<String> = words::details(told).iter().map(|line| cell(line)).collect();
    if let Some(distros) = words::only(&change.distros, pair) {
        details.push(format!("on {}", cell(&distros)));
    }
    let what = format!("{}: {}", cell(&words::subject(change)), details.join("<br>"));
    let check = cell(change.check.as_deref().unwrap_or_default());
    let lines = cell(&words::places(change).unwrap_or_default());
    format!("| {}{meaning} | {check} | {what} | {lines} |\n", change.change.text())
}

fn rendered(out: &mut String, pair: &Pair) -> usize {
    let mut left_out = 0;
    for (distros, parts) in words::by_distros(pair) {
        if let Some(distros) = words::only(distros, pair) {
            let _ = writeln!(out, "\nOn {}:\n", cell(&distros));
        }
        for part in parts {
            let purpose = match words::purpose(part) {
                purpose if purpose.is_empty() => purpose,
                purpose => format!(" ({})", cell(&purpose)),
            };
            let line = format!("- {} {}{purpose}\n", part.change.text(), span(&words::item(part)));
            if out.len() + line.len() > MOST {
                left_out += 1;
            } else {
                out.push_str(&line);
            }
        }
    }
    left_out
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
