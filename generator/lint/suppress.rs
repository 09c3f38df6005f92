//! `# ironseed: ignore[rule] reason` silences a rule on its own line; alone on a line, on the next that is no comment.
//!
//! What is wrong with a file or a part as a whole is silenced by a comment anywhere in it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::rules::{IGNORED_NOTHING, IGNORED_WITHOUT_REASON};
use super::{Finding, Opened, Rule};

static COMMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"#[ \t]*ironseed:[ \t]*ignore(?:\[([^\]\n]*)\])?([^\n]*)").ok());

/// A comment that silences.
struct Ignore {
    unit: usize,
    at: Range<usize>,
    rules: Vec<String>,
    /// Empty where the comment names none.
    reason: String,
    /// Where the line begins that it is about.
    line: usize,
}

/// A finding that a comment silences.
#[derive(Debug)]
pub struct Silenced {
    /// What was found.
    pub finding: Finding,
    /// Why it may be, in the comment's words.
    pub reason: String,
}

/// Takes out findings that a comment silences, and puts in what is wrong with the comments. Returns what it took.
pub fn silence(opened: &Opened, findings: &mut Vec<Finding>) -> Vec<Silenced> {
    let ignores: Vec<Ignore> =
        opened.units.iter().enumerate().flat_map(|(number, unit)| comments(number, &unit.text)).collect();
    if ignores.is_empty() {
        return Vec::new();
    }
    let mut used = BTreeSet::new();
    let mut silenced = Vec::new();
    for finding in std::mem::take(findings) {
        let Some(unit) = opened.units.get(finding.unit) else {
            findings.push(finding);
            continue;
        };
        let lines: Option<Vec<usize>> = finding.at.as_ref().map(|at| {
            let places = [
                Some(at.start),
                finding.header.map(|header| before_block(&unit.text, header)),
                finding.header,
            ];
            places.iter().flatten().map(|place| line_start(&unit.text, *place)).collect()
        });
        let silences = |(_, ignore): &(usize, &Ignore)| {
            ignore.unit == finding.unit
                && !ignore.reason.is_empty()
                && ignore.rules.iter().any(|rule| rule == finding.rule.id)
                && lines.as_ref().is_none_or(|lines| lines.contains(&ignore.line))
        };
        match ignores.iter().enumerate().find(silences) {
            None => findings.push(finding),
            Some((number, ignore)) => {
                used.insert(number);
                silenced.push(Silenced { finding, reason: ignore.reason.clone() });
            }
        }
    }
    for (number, ignore) in ignores.iter().enumerate() {
        let rules = ignore.rules.join(", ");
        let wrong: Option<(&'static Rule, String)> = if ignore.reason.is_empty() {
            Some((&IGNORED_WITHOUT_REASON, format!("it names no reason why `{rules}` may be ignored here")))
        } else if used.contains(&number) {
            None
        } else {
            Some((&IGNORED_NOTHING, format!("nothing here is found by `{rules}`")))
        };
        findings.extend(wrong.map(|(rule, message)| Finding {
            rule,
            message,
            unit: ignore.unit,
            at: Some(ignore.at.clone()),
            header: None,
            edits: Vec::new(),
        }));
    }
    silenced
}

fn comments(unit: usize, text: &str) -> Vec<Ignore> {
    if !text.contains("ironseed:") {
        return Vec::new();
    }
    let Some(comment) = COMMENT.as_ref() else { return Vec::new() };
    let found = comment.captures_iter(text).filter_map(|found| {
        let whole = found.get(0)?;
        let names = found.get(1).map_or("", |names| names.as_str());
        let rules =
            names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        let reason = found.get(2).map_or("", |reason| reason.as_str()).trim().to_owned();
        let alone = text[line_start(text, whole.start())..whole.start()].trim().is_empty();
        let line = if alone { next_line(text, whole.end()) } else { line_start(text, whole.start()) };
        Some(Ignore { unit, at: whole.range(), rules, reason, line })
    });
    found.collect()
}

fn line_start(text: &str, place: usize) -> usize {
    text.get(..place).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// The place of a block's `|`: the end of the line before its text.
fn before_block(text: &str, header: usize) -> usize {
    line_start(text, header).saturating_sub(1)
}

/// The next line that is no comment and not blank.
fn next_line(text: &str, from: usize) -> usize {
    let mut start = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let word = line.trim();
        if start > from && !word.is_empty() && !word.starts_with('#') {
            return start;
        }
        start += line.len();
    }
    text.len()
}
