//! Several reports side by side: a row for each check, and what turned between two of them.

use super::{CheckReport, Report};
use crate::observation::{Outcome, Plane, aggregate};

/// One check as each of the reports has it.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    first: &'a CheckReport,
    /// In the reports' order; `None` where a report's plan has no such check.
    pub checks: Vec<Option<&'a CheckReport>>,
}

impl<'a> Row<'a> {
    /// The check as the first report that has it says.
    pub fn check(&self) -> &'a CheckReport {
        self.first
    }

    /// Its outcomes, in the reports' order.
    pub fn outcomes(&self) -> impl Iterator<Item = Option<Outcome>> {
        self.checks.iter().map(|c| c.map(|c| c.outcome))
    }

    /// The worst of its outcomes.
    pub fn worst(&self) -> Outcome {
        self.outcomes().flatten().max().unwrap_or(Outcome::Unobserved)
    }
}

/// Every check of the reports, in the order in which it first comes.
pub fn rows(reports: &[Report]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (index, report) in reports.iter().enumerate() {
        for check in &report.checks {
            let place = *places.entry(check.id.as_str()).or_insert(rows.len());
            if place == rows.len() {
                rows.push(Row { first: check, checks: vec![None; reports.len()] });
            }
            rows[place].checks[index] = Some(check);
        }
    }
    rows
}

impl CheckReport {
    /// What the check amounts to on one plane; `None` where nothing of it is to be seen there.
    pub fn on(&self, plane: Plane) -> Option<Outcome> {
        let mut here = self.observations.iter().filter(|o| o.plane == plane).peekable();
        here.peek()?;
        let outcome = aggregate(here);
        let accepted = self.outcome == Outcome::Waived && !outcome.is_acceptable();
        Some(if accepted { Outcome::Waived } else { outcome })
    }
}

/// How a check's outcome turned from one report to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// What kept a gate shut does so no longer.
    Better,
    /// What let through keeps the gate shut now, or is new and does.
    Worse,
    /// Another outcome, to the same end; or asked in one of the two alone.
    Other,
}

impl Turn {
    /// How a row of two reports turned; `None` where it did not.
    pub fn of(row: &Row<'_>) -> Option<Self> {
        let acceptable = |o: Outcome| o.is_acceptable();
        match row.outcomes().collect::<Vec<_>>()[..] {
            [before, after] if before == after => None,
            [Some(before), Some(after)] => Some(match (acceptable(before), acceptable(after)) {
                (false, true) => Self::Better,
                (true, false) => Self::Worse,
                _ => Self::Other,
            }),
            [None, Some(after)] if !acceptable(after) => Some(Self::Worse),
            [_, _] => Some(Self::Other),
            _ => None,
        }
    }

    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Other => "changed",
        }
    }
}

/// Two reports of one distribution: before and after.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The first report.
    pub before: &'a Report,
    /// The second.
    pub after: &'a Report,
    /// Their checks.
    pub rows: Vec<Row<'a>>,
}

impl<'a> Comparison<'a> {
    /// Two reports of one distribution are before and after; others just stand side by side.
    pub fn of(reports: &'a [Report]) -> Option<Self> {
        match reports {
            [before, after] if before.plan.distro == after.plan.distro => {
                Some(Self { before, after, rows: rows(reports) })
            }
            _ => None,
        }
    }

    /// How many checks turned so.
    pub fn count(&self, turn: Turn) -> usize {
        self.rows.iter().filter(|r| Turn::of(r) == Some(turn)).count()
    }

    /// How many checks became better, worse, and merely other.
    pub fn summary(&self) -> String {
        let counts =
            [Turn::Better, Turn::Worse, Turn::Other].map(|t| format!("{} {}", self.count(t), t.word()));
        format!("{} checks: {}", self.rows.len(), counts.join(", "))
    }
}
