//! SARIF: a finding for each change that has a line of a profile, on that line.

use serde_json::json;

use super::words;
use crate::diff::change::{Change, Comparison, Pair, Told, Word};
use crate::location::Location as Place;
use crate::sarif::{Configuration, Finding, Level, Location, Log, Rule};
use crate::settings::order::Direction;

/// What a change can mean, the gravest first. The order is that of the rules in the file.
const MEANINGS: [Meaning; 3] = [
    Meaning {
        id: "diff-loosened",
        short: "A profile allows more, or demands less, than before",
        full: "A check or a setting was removed, a waiver was added, or a value is less strict by the order of its kind.",
        level: Level::Warning,
    },
    Meaning {
        id: "diff-changed",
        short: "A profile wants something else than before",
        full: "Neither value is the stricter one, or nobody knows which: a person has to judge it.",
        level: Level::Note,
    },
    Meaning {
        id: "diff-tightened",
        short: "A profile allows less, or demands more, than before",
        full: "A check or a setting was added, a waiver was removed, or a value is stricter by the order of its kind.",
        level: Level::Note,
    },
];

struct Meaning {
    id: &'static str,
    short: &'static str,
    full: &'static str,
    level: Level,
}

/// The comparison as a SARIF file.
pub fn sarif(comparison: &Comparison) -> Log {
    let rule = |meaning: &Meaning| Rule {
        id: meaning.id.to_owned(),
        short_description: meaning.short.into(),
        full_description: Some(meaning.full.into()),
        help_uri: None,
        help: Some("Read the change; `ironseed diff` shows both lines and everything that it does.".into()),
        default_configuration: Configuration { level: meaning.level },
        properties: [("tags".to_owned(), json!(["security"]))].into(),
    };
    let findings = comparison
        .pairs
        .iter()
        .flat_map(|pair| pair.told().iter().filter_map(|told| finding(told, pair)).collect::<Vec<_>>());
    Log::new(MEANINGS.iter().map(rule).collect(), findings.collect())
}

fn finding(told: &Told<'_>, pair: &Pair) -> Option<Finding> {
    let change = told.change;
    let index = if change.loosens() {
        0
    } else if change.directions.contains(&Direction::Tighter)
        && !change.directions.contains(&Direction::Unordered)
    {
        2
    } else {
        1
    };
    let meaning = &MEANINGS[index];
    // Code hosts show a finding where the new side has a line; what went has none, so its file stands for it.
    let file = pair.new.as_ref().and_then(|side| side.file.clone()).map(Place::file);
    let place = change.new.at.clone().or(file).or_else(|| change.old.at.clone())?;
    let was = change.old.at.as_ref().filter(|old| **old != place);
    let subject = words::subject(change);
    let details = words::details(told).join("; ");
    let check = change.check.as_deref().map_or_else(String::new, |check| format!("{check}: "));
    let on = words::only(&change.distros, pair).map_or_else(String::new, |d| format!(" (on {d})"));
    let message = format!("{check}{subject} {}: {details}{on}", change.change.text());
    let mut finding = Finding::new(meaning.id, meaning.level, message, vec![Location::from(&place)]);
    finding.rule_index = Some(index);
    finding.related_locations = was
        .map(|old| Location { id: Some(1), ..Location::with_message(old, "before") })
        .into_iter()
        .collect();
    finding.partial_fingerprints.insert("change/v1".to_owned(), fingerprint(change, pair));
    finding.properties.insert("change".to_owned(), json!(change.change));
    finding.properties.insert("distros".to_owned(), json!(change.distros));
    Some(finding)
}

/// The same for the same change of the same profile, wherever its lines stand.
fn fingerprint(change: &Change, pair: &Pair) -> String {
    let side = if change.change == Word::Removed { &pair.old } else { &pair.new };
    let profile = side.as_ref().or(pair.old.as_ref()).map(|s| &s.profile);
    let Change { what, check, kind, subject, old, new, distros, .. } = change;
    let whole = json!([profile, what, check, kind, subject, change.change, old.wanted, new.wanted, distros]);
    crate::hash::bytes(whole.to_string().as_bytes())
}
