//! For people at a terminal: check by check, what is looser first, each with the lines of both profiles.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::words;
use crate::diff::change::{Change, Comparison, Pair, Part, Told, What};
use crate::report::text::plain;
use crate::settings::order::Direction;

/// The comparison as text with colours.
pub fn human(comparison: &Comparison) -> String {
    let mut out = String::new();
    let (same, differing): (Vec<&Pair>, Vec<&Pair>) = comparison.pairs.iter().partition(|p| p.is_empty());
    for pair in differing {
        describe(&mut out, pair);
    }
    for pair in same {
        let _ = writeln!(out, "{}: no difference", words::title(pair));
    }
    out
}

fn describe(out: &mut String, pair: &Pair) {
    let bold = Style::new().bold();
    let _ = writeln!(out, "{bold}{}{bold:#}", words::title(pair));
    match &pair.distros[..] {
        [] => {}
        [one] => {
            let _ = writeln!(out, "for {}", plain(one));
        }
        many => {
            let _ = writeln!(out, "for {} distributions: {}", many.len(), plain(&many.join(", ")));
        }
    }
    let told = pair.told();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<(&str, Vec<&Told<'_>>)> = Vec::new();
    for told in &told {
        let name = group(told.change);
        let at = *places.entry(name).or_insert(groups.len());
        if at == groups.len() {
            groups.push((name, Vec::new()));
        }
        groups[at].1.push(told);
    }
    for (name, changes) in groups {
        let _ = writeln!(out, "\n{bold}{}{bold:#}", plain(name));
        changes.into_iter().for_each(|told| tell(out, told, pair));
    }
    for (distros, parts) in words::by_distros(pair) {
        let on = words::only(distros, pair).map_or_else(String::new, |d| format!(" on {}", plain(&d)));
        let _ = writeln!(out, "\n{bold}rendered{bold:#}{on}");
        parts.into_iter().for_each(|part| rendered(out, part));
    }
    for file in &pair.files {
        let on = words::only(&file.distros, pair).map_or_else(String::new, |d| format!(" on {}", plain(&d)));
        let _ = writeln!(out, "\n{bold}{}{bold:#}{on}", plain(&file.path));
        file.diff.lines().for_each(|line| diff_line(out, line));
    }
    let _ = writeln!(out, "\n{}\n", words::counts(pair));
}

/// The check that a change is about, or what else.
fn group(change: &Change) -> &str {
    match (&change.check, change.what) {
        (Some(check), _) => check,
        (None, What::Parameter) => "parameters",
        (None, What::Facts) => "distribution",
        (None, _) => "profile",
    }
}

fn tell(out: &mut String, told: &Told<'_>, pair: &Pair) {
    let change = told.change;
    let style = style(change);
    let word = change.change.text();
    let meaning = words::meaning(change).map_or_else(String::new, |m| format!(" ({m})"));
    let subject = words::subject(change);
    let details = words::details(told);
    let mut details = details.iter();
    let first = details.next().map_or("", String::as_str);
    let _ = writeln!(out, "{style}{word:>12}{style:#}  {subject}: {first}{style}{meaning}{style:#}");
    let dim = Style::new().dimmed();
    let on = words::only(&change.distros, pair).map(|distros| format!("on {}", plain(&distros)));
    for line in details {
        let _ = writeln!(out, "{:14}{line}", "");
    }
    for line in words::places(change).into_iter().chain(on) {
        let _ = writeln!(out, "{:14}{dim}{line}{dim:#}", "");
    }
}

fn rendered(out: &mut String, part: &Part) {
    let dim = Style::new().dimmed();
    let (word, item, purpose) = (part.change.text(), words::item(part), words::purpose(part));
    let _ = writeln!(out, "{word:>12}  {item}  {dim}{purpose}{dim:#}");
}

fn diff_line(out: &mut String, line: &str) {
    let style = match line.as_bytes().first() {
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    };
    // A tab is harmless, and common in such files.
    let shown = line.split('\t').map(plain).collect::<Vec<_>>().join("\t");
    let _ = writeln!(out, "{style}{shown}{style:#}");
}

fn style(change: &Change) -> Style {
    let has = |direction| change.directions.contains(&direction);
    if has(Direction::Looser) {
        AnsiColor::Red.on_default().bold()
    } else if has(Direction::Unordered) {
        AnsiColor::Yellow.on_default()
    } else if has(Direction::Tighter) {
        AnsiColor::Green.on_default()
    } else {
        Style::new()
    }
}
