//! The settings of two plans, check by check: which belong together, and how they differ.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Wanted, What, Word};
use crate::plan::{Plan, PlannedCheck, PlannedSetting};
use crate::settings::order::{self, Aspect, Direction};

/// A setting taken apart.
struct Part<'a> {
    planned: &'a PlannedSetting,
    aspects: Vec<Aspect>,
    /// The same for settings that want the same, whatever the order in which they name it.
    key: String,
}

/// Kind and subject.
type Subject = (&'static str, String);

/// Settings by what they are about.
type Parts<'a> = BTreeMap<Subject, Vec<Part<'a>>>;

/// What differs in the settings of two plans.
pub fn changes(old: &Plan, new: &Plan) -> Vec<Change> {
    let none = BTreeMap::new();
    let set = |plan: &Plan, name: &str| plan.parameters.get(name).cloned();
    let names = old.parameters.keys().chain(new.parameters.keys()).map(String::as_str);
    let differing: BTreeSet<&str> = names.filter(|name| set(old, name) != set(new, name)).collect();
    let [before, after] = [old, new].map(by_check);
    let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut changes = Vec::new();
    for id in ids {
        let [here, there] = [&before, &after].map(|checks| checks.get(id).unwrap_or(&none));
        let subjects: BTreeSet<&Subject> = here.keys().chain(there.keys()).collect();
        for subject in subjects {
            let [old, new] = [here, there].map(|p| p.get(subject).map_or(&[][..], Vec::as_slice));
            for (old, new) in pairs(old, new) {
                let mut change = match (old, new) {
                    (Some(old), Some(new)) => altered(old, new, &differing),
                    (Some(old), None) => one_sided(old, Word::Removed, subject, &after, id),
                    (None, Some(new)) => one_sided(new, Word::Added, subject, &before, id),
                    (None, None) => continue,
                };
                change.check = Some(id.to_owned());
                change.kind = Some(subject.0.to_owned());
                change.subject.clone_from(&subject.1);
                changes.push(change);
            }
        }
    }
    changes
}

fn by_check(plan: &Plan) -> BTreeMap<&str, Parts<'_>> {
    plan.checks.iter().map(|check| (check.info.id.as_str(), parts(check))).collect()
}

/// The settings of a check that apply.
fn parts(check: &PlannedCheck) -> Parts<'_> {
    let mut parts = Parts::new();
    for planned in check.settings.iter().filter(|s| s.not_applicable.is_none()) {
        let aspects = planned.setting.aspects();
        let key = format!("{aspects:?}");
        let subject = (planned.setting.kind(), planned.setting.subject());
        parts.entry(subject).or_default().push(Part { planned, aspects, key });
    }
    for part in parts.values_mut() {
        part.sort_by(|a, b| a.key.cmp(&b.key));
    }
    parts
}

/// Pairs settings of one subject: the same go with the same and are left out, the others in the order of their keys.
fn pairs<'a, 'p>(
    old: &'a [Part<'p>],
    new: &'a [Part<'p>],
) -> Vec<(Option<&'a Part<'p>>, Option<&'a Part<'p>>)> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let (mut here, mut there) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (here.peek(), there.peek()) {
            (Some(a), Some(b)) if a.key == b.key => {
                here.next();
                there.next();
            }
            (Some(a), Some(b)) if a.key < b.key => gone.extend(here.next()),
            (Some(_), None) => gone.extend(here.next()),
            (_, Some(_)) => come.extend(there.next()),
            (None, None) => break,
        }
    }
    let longest = gone.len().max(come.len());
    (0..longest).map(|at| (gone.get(at).copied(), come.get(at).copied())).collect()
}

/// `parameters` are those that differ: the line of one of them says more than that of another.
fn altered(old: &Part<'_>, new: &Part<'_>, parameters: &BTreeSet<&str>) -> Change {
    let differences = order::differences(&old.aspects, &new.aspects);
    let directions = order::directions(&differences);
    Change {
        old: wanted(old, parameters),
        new: wanted(new, parameters),
        differences,
        ..Change::new(What::Setting, String::new(), Word::of(&directions), directions)
    }
}

/// A setting that is there on one side only; `other` is what the other side wants.
fn one_sided(
    part: &Part<'_>,
    word: Word,
    subject: &Subject,
    other: &BTreeMap<&str, Parts<'_>>,
    check: &str,
) -> Change {
    let same = |parts: &Parts<'_>| parts.get(subject).is_some_and(|p| p.iter().any(|p| p.key == part.key));
    let elsewhere = other.iter().find(|(id, parts)| **id != check && same(parts)).map(|(id, _)| *id);
    let presence = part.planned.setting.presence();
    let (direction, old, new) = match word {
        Word::Added => (presence, Wanted::default(), wanted(part, &BTreeSet::new())),
        _ => (presence.mirrored(), wanted(part, &BTreeSet::new()), Wanted::default()),
    };
    let directions: BTreeSet<Direction> = match elsewhere {
        Some(_) => BTreeSet::new(),
        None => BTreeSet::from([direction]),
    };
    let note = elsewhere.map(|id| format!("`{id}` wants the same on the other side"));
    Change { old, new, note, ..Change::new(What::Setting, String::new(), word, directions) }
}

fn wanted(part: &Part<'_>, parameters: &BTreeSet<&str>) -> Wanted {
    let PlannedSetting { setting, origin, origins, .. } = part.planned;
    let set_by = origins.iter().find(|(name, _)| parameters.contains(name.as_str())).map(|(_, at)| at);
    Wanted { wanted: Some(setting.wanted()), at: Some(set_by.unwrap_or(origin).clone()) }
}
