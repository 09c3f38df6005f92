//! What the page shows: the reports, turned into what a template only has to lay out.

use serde::Serialize;

use crate::location::Location;
use crate::observation::{Observation, Outcome, Plane};
use crate::report::text::{plain, short};
use crate::report::{CheckReport, Comparison, Report, Row, Turn, evidence, rows};

/// Observations shown of one check in one report: a scan can have thousands.
const MOST: usize = 200;

/// Characters shown of one value.
const LONGEST: usize = 2_000;

/// Days before its end from which on a waiver is marked.
const SOON: i32 = 30;

/// The whole page.
#[derive(Serialize)]
pub struct Page {
    title: String,
    ironseed: &'static str,
    /// How many checks keep a gate shut: anywhere, or after what was done.
    open: usize,
    /// Whether these are a before and an after.
    compared: bool,
    targets: Vec<Target>,
    /// Planes of targets, each a column of the table.
    pub columns: Vec<Column>,
    /// Outcomes there are, with the number of checks that have them somewhere.
    outcomes: Vec<Choice>,
    severities: Vec<&'static str>,
    /// How many checks turned, where there are a before and an after.
    turns: Option<Vec<Choice>>,
    waivers: Vec<WaiverRow>,
    checks: Vec<CheckRow>,
}

#[derive(Serialize)]
struct Target {
    label: String,
    name: String,
    kind: String,
    profile: String,
    distro: String,
    planes: String,
    date: String,
    sha256: Option<String>,
    plan: String,
    clean: bool,
    summary: String,
    bar: Vec<Segment>,
}

/// A part of a target's bar, in thousandths of its width.
#[derive(Serialize)]
struct Segment {
    word: &'static str,
    count: usize,
    from: usize,
    width: usize,
}

/// A column: one plane of one target.
#[derive(Serialize)]
pub struct Column {
    label: String,
    plane: String,
    /// Whether a new target begins here.
    first: bool,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct WaiverRow {
    check: String,
    target: String,
    owner: String,
    reason: String,
    expires: String,
    days_left: i32,
    /// `over`, `soon` or `later`.
    when: &'static str,
    in_use: bool,
}

#[derive(Serialize)]
struct CheckRow {
    anchor: String,
    id: String,
    title: String,
    severity: &'static str,
    references: String,
    rationale: String,
    remediation: String,
    worst: &'static str,
    /// Its outcomes in all targets, separated by spaces.
    outcomes: String,
    turn: Option<&'static str>,
    cells: Vec<Cell>,
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Cell {
    label: String,
    plane: String,
    /// `None` where the check has nothing on this plane, or the target's plan lacks it.
    word: Option<&'static str>,
    first: bool,
    /// Whether its target was looked at on this plane only.
    alone: bool,
}

/// One check in one target.
#[derive(Serialize)]
struct Detail {
    label: String,
    word: &'static str,
    waiver: Option<String>,
    observations: Vec<Seen>,
    left_out: usize,
}

#[derive(Serialize)]
struct Seen {
    word: &'static str,
    plane: String,
    place: String,
    found: String,
    wanted: String,
    reason: Option<String>,
    origin: String,
    loses: Vec<String>,
}

impl Page {
    /// What there is to show of reports.
    pub fn of(reports: &[Report]) -> Self {
        let table = rows(reports);
        let labels = labels(reports);
        let comparison = Comparison::of(reports);
        let turns = comparison.as_ref().map(|comparison| {
            let turns = [Turn::Worse, Turn::Better, Turn::Other];
            turns.map(|turn| Choice { word: turn.word(), count: comparison.count(turn) }).into()
        });
        let has = |row: &&Row<'_>, outcome| row.outcomes().any(|o| o == Some(outcome));
        let outcomes = Outcome::ALL.into_iter().rev().map(|outcome| Choice {
            word: outcome.word(),
            count: table.iter().filter(|row| has(row, outcome)).count(),
        });
        let named = |r: &Report| format!("{} for {}", r.plan.profile, r.plan.distro);
        let title = match reports {
            [report] => named(report),
            [_, after] if comparison.is_some() => format!("{}, before and after", named(after)),
            _ => format!("{} targets", reports.len()),
        };
        let deciding = comparison.as_ref().map_or(reports, |c| std::slice::from_ref(c.after));
        let keeps_shut = |row: &&Row<'_>| !row.worst().is_acceptable();
        Self {
            title: plain(&title),
            ironseed: env!("CARGO_PKG_VERSION"),
            open: rows(deciding).iter().filter(keeps_shut).count(),
            compared: comparison.is_some(),
            targets: reports.iter().zip(&labels).map(|(r, label)| Target::of(r, label)).collect(),
            columns: columns(reports, &labels),
            outcomes: outcomes.filter(|choice| choice.count > 0).collect(),
            severities: ["high", "medium", "low"].into(),
            waivers: waivers(reports, &labels),
            checks: sorted(&table)
                .into_iter()
                .map(|row| CheckRow::of(row, reports, &labels, comparison.is_some()))
                .collect(),
            turns,
        }
    }
}

/// What is worst comes first; within that, what is gravest.
fn sorted<'a, 'b>(rows: &'b [Row<'a>]) -> Vec<&'b Row<'a>> {
    let mut rows: Vec<&Row<'_>> = rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.worst(), row.check().severity)));
    rows
}

/// A short name for each target: its distribution where that tells them apart, else its own.
fn labels(reports: &[Report]) -> Vec<String> {
    if Comparison::of(reports).is_some() {
        return vec!["before".into(), "after".into()];
    }
    let name =
        |r: &Report| r.target.name.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let forms: [&dyn Fn(&Report) -> String; 3] =
        [&|r| r.plan.distro.clone(), &|r| format!("{} {}", r.plan.distro, r.plan.profile), &name];
    for form in forms {
        let labels: Vec<String> = reports.iter().map(|r| short(&form(r), 40)).collect();
        let mut distinct = labels.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == labels.len() {
            return labels;
        }
    }
    (1..=reports.len()).map(|number| format!("target {number}")).collect()
}

fn columns(reports: &[Report], labels: &[String]) -> Vec<Column> {
    let of = |(report, label): (&Report, &String)| {
        let label = label.clone();
        let planes = report.planes.clone().into_iter().enumerate();
        planes.map(move |(index, plane)| Column {
            label: label.clone(),
            plane: plane.to_string(),
            first: index == 0,
        })
    };
    reports.iter().zip(labels).flat_map(of).collect()
}

fn waivers(reports: &[Report], labels: &[String]) -> Vec<WaiverRow> {
    let mut rows = Vec::new();
    for (report, label) in reports.iter().zip(labels) {
        for check in &report.checks {
            let Some(waiver) = &check.waiver else { continue };
            rows.push(WaiverRow {
                check: plain(&check.id),
                target: label.clone(),
                owner: short(&waiver.owner, LONGEST),
                reason: short(&waiver.reason, LONGEST),
                expires: waiver.expires.to_string(),
                days_left: waiver.days_left,
                when: match waiver.days_left {
                    ..0 => "over",
                    0..=SOON => "soon",
                    _ => "later",
                },
                in_use: check.outcome == Outcome::Waived,
            });
        }
    }
    rows.sort_by_key(|row| row.days_left);
    rows
}

impl Target {
    fn of(report: &Report, label: &str) -> Self {
        let (plan, target) = (&report.plan, &report.target);
        let planes: Vec<String> = report.planes.iter().map(Plane::to_string).collect();
        Self {
            label: label.to_owned(),
            name: plain(&target.name),
            kind: plain(&target.kind),
            profile: plain(&plan.profile),
            distro: plain(&plan.distro),
            planes: planes.join(", "),
            date: report.date.to_string(),
            sha256: target.sha256.as_deref().map(plain),
            plan: plain(&plan.digest),
            clean: report.is_clean(),
            summary: report.summary(),
            bar: bar(report),
        }
    }
}

fn bar(report: &Report) -> Vec<Segment> {
    let all = report.checks.len().max(1);
    let mut before = 0;
    let segments = Outcome::ALL.into_iter().map(|outcome| {
        let count = report.count(outcome);
        let from = before * 1_000 / all;
        before += count;
        Segment { word: outcome.word(), count, from, width: before * 1_000 / all - from }
    });
    segments.filter(|segment| segment.count > 0).collect()
}

impl CheckRow {
    fn of(row: &Row<'_>, reports: &[Report], labels: &[String], compared: bool) -> Self {
        let check = row.check();
        let outcomes: Vec<&str> = row.outcomes().flatten().map(Outcome::word).collect();
        let mut cells = Vec::new();
        let mut details = Vec::new();
        for ((report, label), found) in reports.iter().zip(labels).zip(&row.checks) {
            cells.extend(report.planes.iter().enumerate().map(|(index, plane)| Cell {
                label: label.clone(),
                plane: plane.to_string(),
                word: found.and_then(|c| c.on(*plane)).map(Outcome::word),
                first: index == 0,
                alone: report.planes.len() == 1,
            }));
            details.extend(found.map(|check| Detail::of(check, label)));
        }
        Self {
            anchor: format!("check-{}", plain(&check.id)),
            id: plain(&check.id),
            title: plain(&check.title),
            severity: match check.severity {
                crate::check::Severity::Low => "low",
                crate::check::Severity::Medium => "medium",
                crate::check::Severity::High => "high",
            },
            references: plain(&check.references.join(", ")),
            rationale: plain(&check.rationale),
            remediation: plain(&check.remediation),
            worst: row.worst().word(),
            outcomes: outcomes.join(" "),
            turn: if compared { Turn::of(row).map(Turn::word) } else { None },
            cells,
            details,
        }
    }
}

impl Detail {
    fn of(check: &CheckReport, label: &str) -> Self {
        let mut observations: Vec<&Observation> = check.observations.iter().collect();
        observations.sort_by_key(|o| std::cmp::Reverse(o.outcome));
        Self {
            label: label.to_owned(),
            word: check.outcome.word(),
            waiver: evidence::waiver(check),
            left_out: observations.len().saturating_sub(MOST),
            observations: observations.into_iter().take(MOST).map(Seen::of).collect(),
        }
    }
}

impl Seen {
    fn of(observation: &Observation) -> Self {
        let place = |l: &Location| short(&l.to_string(), LONGEST);
        let optional = |l: &Option<Location>| l.as_ref().map(place).unwrap_or_default();
        Self {
            word: observation.outcome.word(),
            plane: observation.plane.to_string(),
            place: optional(&observation.location),
            found: short(&observation.found, LONGEST),
            wanted: short(&observation.wanted, LONGEST),
            reason: observation.reason.as_deref().map(|r| short(r, LONGEST)),
            origin: optional(&observation.origin),
            loses: observation.overridden.iter().take(MOST).map(place).collect(),
        }
    }
}
