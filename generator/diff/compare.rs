//! Two plans for one distribution, or two reports: what differs in what they want.
//!
//! Places don't count: a line that moved, or a file with another name, is no difference. Knows neither rendering
//! nor how sides are named.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value;

use super::change::{Change, Wanted, What, Word};
use super::overview::{Entry, Overview};
use super::settings;
use crate::location::Location;
use crate::plan::Plan;
use crate::profile::{Profile, Waiver};
use crate::settings::order::{self, Aspect, Difference, Direction};

/// Lines that a profile has and a plan has not.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Where parameters are set, by name.
    pub parameters: BTreeMap<String, Location>,
    /// Where checks are dropped, by id.
    pub dropped: BTreeMap<String, Location>,
}

impl Lines {
    /// The lines of a profile.
    pub fn of(profile: &Profile) -> Self {
        Self {
            parameters: profile.parameters.iter().map(|(name, s)| (name.clone(), s.at.clone())).collect(),
            dropped: profile.dropped.iter().map(|d| (d.value.clone(), d.at.clone())).collect(),
        }
    }
}

/// A plan and what else is known of its profile.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Lines of its profile.
    pub lines: &'a Lines,
}

/// Everything that differs between two plans. Distributions are left for the caller to fill in.
pub fn plans(old: Planned<'_>, new: Planned<'_>) -> Vec<Change> {
    let [before, after] = [old, new].map(|side| Overview::of_plan(side.plan, side.lines));
    let mut changes = overviews(&before, &after);
    changes.extend(settings::changes(old.plan, new.plan));
    changes.extend(planes(old.plan, new.plan));
    changes.extend(parameters(old, new));
    changes.extend(facts(old.plan, new.plan));
    changes
}

/// What differs in checks, waivers and outcomes.
pub fn overviews(old: &Overview, new: &Overview) -> Vec<Change> {
    let mut changes = Vec::new();
    let ids: BTreeSet<&String> = old.checks.keys().chain(new.checks.keys()).collect();
    for id in ids {
        let wanted = |entry: &Entry| Wanted { wanted: Some(entry.title.clone()), at: entry.origin.clone() };
        let absent = |overview: &Overview| Wanted { wanted: None, at: overview.dropped.get(id).cloned() };
        let (title, change, directions, old, new, differences) =
            match (old.checks.get(id), new.checks.get(id)) {
                (Some(before), None) => {
                    let looser = BTreeSet::from([Direction::Looser]);
                    (&before.title, Word::Removed, looser, wanted(before), absent(new), Vec::new())
                }
                (None, Some(after)) => {
                    let tighter = BTreeSet::from([Direction::Tighter]);
                    (&after.title, Word::Added, tighter, absent(old), wanted(after), Vec::new())
                }
                (Some(before), Some(after)) => {
                    changes.extend(outcome(id, before, after));
                    let differences = describing(&before.description(), &after.description());
                    if differences.is_empty() {
                        continue;
                    }
                    (&after.title, Word::Changed, BTreeSet::new(), wanted(before), wanted(after), differences)
                }
                (None, None) => continue,
            };
        let (what, check, subject) = (What::Check, Some(id.clone()), title.clone());
        changes.push(Change {
            check,
            old,
            new,
            differences,
            ..Change::new(what, subject, change, directions)
        });
    }
    changes.extend(waivers(&old.waivers, &new.waivers));
    changes
}

fn outcome(id: &str, old: &Entry, new: &Entry) -> Option<Change> {
    let (Some(before), Some(after)) = (old.outcome, new.outcome) else { return None };
    if before == after {
        return None;
    }
    let direction = if after > before { Direction::Looser } else { Direction::Tighter };
    let directions = BTreeSet::from([direction]);
    let wanted = |word: &str| Wanted { wanted: Some(word.to_owned()), at: None };
    Some(Change {
        check: Some(id.to_owned()),
        old: wanted(before.word()),
        new: wanted(after.word()),
        ..Change::new(What::Outcome, new.title.clone(), Word::of(&directions), directions)
    })
}

/// Differences that say nothing of strictness.
fn describing(old: &[Aspect], new: &[Aspect]) -> Vec<Difference> {
    let mut differences = order::differences(old, new);
    differences.iter_mut().for_each(|d| d.directions.clear());
    differences
}

fn waivers(old: &BTreeMap<String, Waiver>, new: &BTreeMap<String, Waiver>) -> Vec<Change> {
    let checks: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    checks.into_iter().filter_map(|check| waiver(check, old.get(check), new.get(check))).collect()
}

fn waiver(check: &str, old: Option<&Waiver>, new: Option<&Waiver>) -> Option<Change> {
    let wanted = |waiver: Option<&Waiver>| match waiver {
        Some(w) => Wanted {
            wanted: Some(format!("until {} by {}: {}", w.expires, w.owner, w.reason)),
            at: Some(w.origin.clone()),
        },
        None => Wanted::default(),
    };
    let (change, directions, differences) = match (old, new) {
        (None, _) => (Word::Added, BTreeSet::from([Direction::Looser]), Vec::new()),
        (_, None) => (Word::Removed, BTreeSet::from([Direction::Tighter]), Vec::new()),
        (Some(old), Some(new)) => {
            let expires = |w: &Waiver| [Aspect::at_most("expires", w.expires, days(w.expires))];
            let words = |w: &Waiver| [Aspect::plain("owner", &w.owner), Aspect::plain("reason", &w.reason)];
            let mut differences = order::differences(&expires(old), &expires(new));
            differences.extend(describing(&words(old), &words(new)));
            if differences.is_empty() {
                return None;
            }
            let directions = order::directions(&differences);
            (Word::of(&directions), directions, differences)
        }
    };
    Some(Change {
        check: Some(check.to_owned()),
        old: wanted(old),
        new: wanted(new),
        differences,
        ..Change::new(What::Waiver, check.to_owned(), change, directions)
    })
}

/// A number that grows with the day.
fn days(date: Date) -> i64 {
    i64::from(date.year()) * 366 + i64::from(date.day_of_year())
}

fn planes(old: &Plan, new: &Plan) -> Option<Change> {
    let words = |plan: &Plan| plan.required_planes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (before, after) = (words(old), words(new));
    let differences =
        order::differences(&[Aspect::demanded("planes", &before)], &[Aspect::demanded("planes", &after)]);
    let directions = order::directions(&differences);
    let wanted = |words: Vec<String>| Wanted { wanted: Some(words.join(", ")), at: None };
    (!differences.is_empty()).then(|| Change {
        old: wanted(before),
        new: wanted(after),
        differences,
        ..Change::new(What::Planes, "required planes".into(), Word::of(&directions), directions)
    })
}

fn parameters(old: Planned<'_>, new: Planned<'_>) -> Vec<Change> {
    let names: BTreeSet<&String> = old.plan.parameters.keys().chain(new.plan.parameters.keys()).collect();
    let differing = names.into_iter().filter(|name| {
        canonical(old.plan.parameters.get(*name)) != canonical(new.plan.parameters.get(*name))
    });
    let change = |name: &String| {
        let wanted = |side: Planned<'_>| Wanted {
            wanted: side.plan.parameters.get(name).map(shown),
            at: side.lines.parameters.get(name).cloned(),
        };
        let word = match (old.plan.parameters.get(name), new.plan.parameters.get(name)) {
            (None, _) => Word::Added,
            (_, None) => Word::Removed,
            _ => Word::Changed,
        };
        let (old, new) = (wanted(old), wanted(new));
        Change { old, new, ..Change::new(What::Parameter, name.clone(), word, BTreeSet::new()) }
    };
    differing.map(change).collect()
}

/// A parameter's value with lists sorted: every list of parameters is a set.
fn canonical(value: Option<&Value>) -> Option<Vec<String>> {
    value.map(|value| match value {
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
            items.sort();
            items
        }
        other => vec![other.to_string()],
    })
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is known of the distributions, leaf by leaf, as one change.
fn facts(old: &Plan, new: &Plan) -> Option<Change> {
    if old.distro == new.distro {
        return None;
    }
    let leaves = |plan: &Plan| {
        let mut found = BTreeMap::new();
        collect(&serde_json::to_value(&plan.distro).unwrap_or_default(), String::new(), &mut found);
        found
    };
    let (before, after) = (leaves(old), leaves(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let difference = |name: &String| Difference {
        aspect: name.clone(),
        old: before.get(name).cloned(),
        new: after.get(name).cloned(),
        lost: Vec::new(),
        gained: Vec::new(),
        directions: BTreeSet::new(),
    };
    let wanted = |plan: &Plan| Wanted { wanted: Some(plan.distro.title.clone()), at: None };
    Some(Change {
        old: wanted(old),
        new: wanted(new),
        differences: differing.map(difference).collect(),
        ..Change::new(What::Facts, "what is known of the distribution".into(), Word::Changed, BTreeSet::new())
    })
}

/// Every value that is no map, by its path.
fn collect(value: &Value, path: String, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(value, path, found);
            }
        }
        leaf => {
            found.insert(path, shown(leaf));
        }
    }
}
