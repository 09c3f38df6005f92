//! SARIF 2.1.0: what keeps a gate shut, as findings at the profile's lines that want it; waived failures as suppressed ones.
//!
//! All reports are one run: code hosts refuse several runs of one tool in a file. What was not seen is a finding too, though
//! only a warning: the standard's word for it (`open`) is one that code hosts pass over.

use std::collections::BTreeSet;

use serde_json::json;

use super::text::plain;
use super::{CheckReport, Report, Row, evidence, rows};
use crate::check::Severity;
use crate::hash;
use crate::location::Location as Place;
use crate::observation::{Observation, Outcome};
use crate::sarif::{
    Configuration, Finding, Level, Location, Log, Rule, Suppression, SuppressionKind, SuppressionStatus, Text,
};

/// Places in the target named of one finding.
const MOST_PLACES: usize = 20;

/// References that become tags: GitHub shows ten.
const MOST_TAGS: usize = 9;

/// The reports as one file.
///
/// # Errors
/// None that a report can cause.
pub fn sarif(reports: &[Report]) -> serde_json::Result<String> {
    let rows = rows(reports);
    let rules = rows.iter().map(|row| rule(row.check())).collect();
    let findings = rows.iter().enumerate().flat_map(|(index, row)| of_row(index, row, reports));
    Ok(serde_json::to_string_pretty(&Log::new(rules, findings.collect()))? + "\n")
}

fn of_row(index: usize, row: &Row<'_>, reports: &[Report]) -> Vec<Finding> {
    let found = reports.iter().zip(&row.checks).filter_map(|(report, check)| finding(report, (*check)?));
    found.map(|finding| Finding { rule_index: Some(index), ..finding }).collect()
}

fn rule(check: &CheckReport) -> Rule {
    let references: BTreeSet<String> = check.references.iter().take(MOST_TAGS).map(|r| plain(r)).collect();
    let tags: Vec<&str> = std::iter::once("security").chain(references.iter().map(String::as_str)).collect();
    // GitHub sorts by this number: above 7 is high, from 4 on medium.
    let number = match check.severity {
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    };
    Rule {
        id: plain(&check.id),
        short_description: plain(&check.title).into(),
        full_description: Some(plain(&check.rationale)).filter(|text| !text.is_empty()).map(Text::from),
        help_uri: None,
        help: Some(plain(&check.remediation).into()),
        default_configuration: Configuration { level: level(check.severity) },
        properties: [("tags".into(), json!(tags)), ("security-severity".into(), json!(number))].into(),
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::High => Level::Error,
        Severity::Medium => Level::Warning,
        Severity::Low => Level::Note,
    }
}

/// A finding where a check keeps the gate shut, or would but for a waiver.
fn finding(report: &Report, check: &CheckReport) -> Option<Finding> {
    let level = match check.outcome {
        Outcome::Fail | Outcome::Error | Outcome::Waived => level(check.severity),
        Outcome::Unobserved => Level::Warning,
        Outcome::Pass | Outcome::Attested | Outcome::NotApplicable => return None,
    };
    let (plan, target) = (&report.plan, &report.target);
    let open: Vec<&Observation> = check.observations.iter().filter(|o| !o.outcome.is_acceptable()).collect();
    let worst = open.iter().max_by_key(|o| o.outcome);
    let nowhere = Place::file(plain(&target.name));
    let wanted = worst.and_then(|o| o.origin.as_ref()).unwrap_or(&nowhere);
    let subject = format!("{} ({} for {})", plain(&target.name), plain(&plan.profile), plain(&plan.distro));
    let message = format!(
        "{}: {} in {subject}\n{}",
        plain(&check.title),
        check.outcome.word(),
        evidence::story(check).join("\n")
    );
    let mut finding =
        Finding::new(&plain(&check.id), level, message, vec![Location::from(&harmless(wanted))]);
    finding.related_locations = related(&open);
    let same = [&check.id, &plan.profile, &plan.distro, &target.name].map(String::as_str).join("\0");
    finding.partial_fingerprints = [("check/v1".into(), hash::bytes(same.as_bytes()))].into();
    finding.properties =
        [("outcome".into(), json!(check.outcome)), ("target".into(), json!(plain(&target.name)))].into();
    finding.suppressions = suppression(check).into_iter().collect();
    Some(finding)
}

/// Places inside the target, each once: the lines that decide, and those that lose against them.
fn related(open: &[&Observation]) -> Vec<Location> {
    let deciding = open.iter().filter_map(|o| Some((o.location.as_ref()?, "decides, inside the target")));
    let losing = open.iter().flat_map(|o| o.overridden.iter().map(|l| (l, "loses, inside the target")));
    let mut places: Vec<Location> = Vec::new();
    for (place, what) in deciding.chain(losing) {
        let location = Location::with_message(&harmless(place), what);
        if places.len() < MOST_PLACES && !places.contains(&location) {
            places.push(location);
        }
    }
    places
}

/// A place whose file's name does nothing.
fn harmless(place: &Place) -> Place {
    Place { file: plain(&place.file), ..place.clone() }
}

fn suppression(check: &CheckReport) -> Option<Suppression> {
    let waiver = check.waiver.as_ref().filter(|_| check.outcome == Outcome::Waived)?;
    Some(Suppression {
        kind: SuppressionKind::External,
        status: SuppressionStatus::Accepted,
        justification: evidence::waiver(check)?,
        location: Some(Location::from(&harmless(&waiver.origin))),
        properties: [
            ("owner".into(), json!(plain(&waiver.owner))),
            ("expires".into(), json!(waiver.expires)),
            ("daysLeft".into(), json!(waiver.days_left)),
        ]
        .into(),
    })
}
