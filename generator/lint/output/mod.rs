//! Findings for people and for programs.

mod github;
mod human;
mod json;
mod sarif;

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Linted};
use crate::location::Location;

pub use github::github;
pub use human::{human, summary};
pub use json::{Findings, json};
pub use sarif::sarif;

/// Rules whose findings are secrets: what they point at is never shown.
const SECRETS: [&str; 4] = ["secret", "secret-value", "password-hash", "plain-text-password"];

/// Line and column, counted from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Where a finding is.
pub struct Place<'l> {
    /// In the file; what stands for it there where it is packed.
    pub start: Position,
    /// Behind its last character, in the file.
    pub end: Position,
    /// The part that it is in, and where in it.
    pub part: Option<(&'l str, Position)>,
    /// The text that shows it, and where in it.
    pub text: &'l str,
    /// Where in that text.
    pub at: Range<usize>,
    /// Whether that text is the file's own.
    pub is_file: bool,
}

impl Place<'_> {
    /// What is wrong, with the part that it is wrong in.
    fn message(&self, finding: &Finding) -> String {
        let part = self.part.as_ref();
        let inside = part.map_or_else(String::new, |(part, at)| format!(" ({part}, line {})", at.line));
        format!("{}{inside}", finding.message)
    }
}

/// A place in the file, as other forms take it.
fn location(linted: &Linted, place: &Place<'_>) -> Location {
    let number = |value: usize| u32::try_from(value).ok();
    Location { file: linted.name.clone(), line: number(place.start.line), column: number(place.start.column) }
}

/// Where a finding is.
pub fn place<'l>(linted: &'l Linted, finding: &Finding) -> Place<'l> {
    let unit = &linted.opened.units[finding.unit];
    let file = linted.text.as_deref().filter(|_| linted.opened.packed.is_empty()).unwrap_or_default();
    let own = finding.at.clone().unwrap_or(0..0);
    let traced = unit.trace.range(&own);
    let in_file = traced.clone().unwrap_or_else(|| unit.stand_in.clone());
    let in_file = within_line(file, in_file);
    let part = unit.label.as_deref().map(|label| (label, position(&unit.text, own.start)));
    let is_file = traced.is_some();
    let (text, at) =
        if is_file { (file, in_file.clone()) } else { (unit.text.as_str(), within_line(&unit.text, own)) };
    Place { start: position(file, in_file.start), end: position(file, in_file.end), part, text, at, is_file }
}

/// A range cut at the end of its first line.
fn within_line(text: &str, at: Range<usize>) -> Range<usize> {
    let end = at.end.min(text.len());
    let start = at.start.min(end);
    let rest = text.get(start..end).unwrap_or_default();
    start..start + rest.find(['\n', '\r']).unwrap_or(rest.len())
}

fn position(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    Position { line, column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1 }
}

/// What is hidden in the texts that are shown: the places of secrets, silenced or not, by whether the text is the file's, and its unit.
fn secrets(linted: &Linted) -> Vec<(Option<usize>, Range<usize>)> {
    let silenced = linted.silenced.iter().map(|silenced| &silenced.finding);
    let all = linted.findings.iter().chain(silenced);
    all.filter(|finding| SECRETS.contains(&finding.rule.id))
        .map(|finding| {
            let place = place(linted, finding);
            ((!place.is_file).then_some(finding.unit), place.at)
        })
        .collect()
}
