//! Findings as SARIF, which code hosts show beside the lines.

use std::collections::BTreeMap;

use super::place;
use crate::check::Severity;
use crate::lint::{Finding, Linted, Silenced, rules};
use crate::sarif::{
    self, Configuration, Level, Location, Log, Rule, Suppression, SuppressionKind, SuppressionStatus,
};

/// All files as one run, with every rule that there is.
pub fn sarif(files: &[Linted]) -> Log {
    let rules = rules::ALL.iter().map(|rule| Rule {
        id: rule.id.to_owned(),
        short_description: rule.title.into(),
        full_description: Some(rule.rationale.into()),
        help_uri: None,
        help: Some(rule.remedy.into()),
        default_configuration: Configuration { level: level(rule.severity) },
        properties: [("tags".to_owned(), serde_json::json!(["security", "cloud-init"]))].into(),
    });
    let results = files.iter().flat_map(|linted| {
        let found = linted.findings.iter().map(|finding| result(linted, finding));
        found.chain(linted.silenced.iter().map(|silenced| suppressed(linted, silenced)))
    });
    Log::new(rules.collect(), results.collect())
}

fn result(linted: &Linted, finding: &Finding) -> sarif::Finding {
    let place = place(linted, finding);
    let number = |value: usize| u32::try_from(value).ok();
    let mut location = Location::from(&super::location(linted, &place));
    if let Some(region) = &mut location.physical_location.region {
        region.end_line = number(place.end.line);
        region.end_column = number(place.end.column.max(place.start.column + 1));
    }
    let (level, message) = (level(finding.rule.severity), place.message(finding));
    let mut result = sarif::Finding::new(finding.rule.id, level, message, vec![location]);
    result.rule_index = rules::ALL.iter().position(|rule| rule.id == finding.rule.id);
    result
}

/// A finding that a comment in the file silences: code hosts show it as dismissed, with the comment's reason.
fn suppressed(linted: &Linted, silenced: &Silenced) -> sarif::Finding {
    let mut result = result(linted, &silenced.finding);
    result.suppressions.push(Suppression {
        kind: SuppressionKind::InSource,
        status: SuppressionStatus::Accepted,
        justification: silenced.reason.clone(),
        location: None,
        properties: BTreeMap::new(),
    });
    result
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::High => Level::Error,
        Severity::Medium => Level::Warning,
        Severity::Low => Level::Note,
    }
}
