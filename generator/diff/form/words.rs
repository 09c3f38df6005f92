//! A change in words: what all forms for people have in common.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::diff::change::{Change, Item, Pair, Part, Side, Told, Wanted, What, Word};
use crate::report::text::short;
use crate::settings::order::{Difference, Direction};

/// Characters of one value that are shown.
const LONGEST: usize = 120;

/// Members of a list that are shown.
const MOST: usize = 6;

/// What a change is about: a setting's kind and subject, or what else it is.
pub fn subject(change: &Change) -> String {
    match change.what {
        What::Setting => {
            let kind = change.kind.as_deref().unwrap_or_default();
            match change.subject.as_str() {
                "" => kind.to_owned(),
                subject => format!("{kind} {}", short(subject, LONGEST)),
            }
        }
        What::Check | What::Waiver | What::Outcome => change.what.text().to_owned(),
        What::Planes | What::Facts => short(&change.subject, LONGEST),
        What::Profile | What::Parameter => {
            format!("{} {}", change.what.text(), short(&change.subject, LONGEST))
        }
    }
}

/// What became of it, a line for each aspect.
pub fn details(told: &Told<'_>) -> Vec<String> {
    let Told { change, settings } = told;
    let mut lines: Vec<String> = match &change.differences[..] {
        [] => vec![sides(change)],
        // Facts of another release: the JSON form has them all.
        many if change.what == What::Facts => vec![sides(change), format!("{} facts differ", many.len())],
        differences => differences.iter().map(difference).collect(),
    };
    match settings {
        0 => {}
        1 => lines.push("1 setting".to_owned()),
        n => lines.push(format!("{n} settings")),
    }
    lines.extend(change.note.iter().map(|note| short(note, LONGEST)));
    lines
}

/// What both sides want, or the one that wants anything.
fn sides(change: &Change) -> String {
    let text = |wanted: &Wanted| wanted.wanted.as_deref().map(|text| short(text, LONGEST));
    match (text(&change.old), text(&change.new)) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (Some(same), _) | (None, Some(same)) => same,
        (None, None) => String::new(),
    }
}

fn difference(difference: &Difference) -> String {
    let Difference { aspect, old, new, lost, gained, .. } = difference;
    let aspect = short(aspect, LONGEST);
    if lost.is_empty() && gained.is_empty() {
        let shown = |value: &Option<String>| match value.as_deref() {
            None => "(none)".to_owned(),
            Some("") => "(empty)".to_owned(),
            Some(text) => short(text, LONGEST),
        };
        return format!("{aspect}: {} → {}", shown(old), shown(new));
    }
    let members = |sign: char, members: &[String]| -> Vec<String> {
        let mut shown: Vec<String> =
            members.iter().take(MOST).map(|m| format!("{sign}{}", short(m, LONGEST))).collect();
        if members.len() > MOST {
            shown.push(format!("{sign}{} more", members.len() - MOST));
        }
        shown
    };
    let all = [members('−', lost), members('+', gained)].concat();
    format!("{aspect}: {}", all.join(" "))
}

/// The lines of both profiles, or the one that there is.
pub fn places(change: &Change) -> Option<String> {
    let place = |wanted: &Wanted| wanted.at.as_ref().map(|at| short(&at.to_string(), LONGEST));
    match (place(&change.old), place(&change.new)) {
        (Some(old), Some(new)) if old != new => Some(format!("{old} → {new}")),
        (Some(same), _) | (None, Some(same)) => Some(same),
        (None, None) => None,
    }
}

/// The distributions that something holds for, unless it is all that were compared.
pub fn only(distros: &[String], within: &Pair) -> Option<String> {
    (distros.len() < within.distros.len()).then(|| distros.join(", "))
}

/// What a change means where its word does not say so: a waiver that was added loosens.
pub fn meaning(change: &Change) -> Option<&'static str> {
    let has = |direction| change.directions.contains(&direction);
    match (has(Direction::Looser), has(Direction::Tighter)) {
        _ if matches!(change.change, Word::Loosened | Word::Tightened) => None,
        (true, true) => Some("looser and tighter"),
        (true, false) => Some("looser"),
        (false, true) => Some("tighter"),
        (false, false) => None,
    }
}

/// Rendered items by the distributions that they differ for, those for all of them first.
pub fn by_distros(pair: &Pair) -> Vec<(&[String], Vec<&Part>)> {
    let mut groups: BTreeMap<(Reverse<usize>, &[String]), Vec<&Part>> = BTreeMap::new();
    for part in &pair.parts {
        groups.entry((Reverse(part.distros.len()), &part.distros)).or_default().push(part);
    }
    groups.into_iter().map(|((_, distros), parts)| (distros, parts)).collect()
}

/// What carries a rendered item and what it is for.
pub fn purpose(part: &Part) -> String {
    let carried = part.user_data.as_ref().map(|p| format!("user-data: {}", short(p, LONGEST)));
    let checks = (!part.checks.is_empty()).then(|| short(&part.checks.join(", "), LONGEST));
    carried.into_iter().chain(checks).collect::<Vec<_>>().join("; ")
}

/// Kind and name of a rendered item.
pub fn item(part: &Part) -> String {
    let kind = match part.item {
        Item::File => "file",
        Item::DeletedFile => "deleted file",
        Item::Package => "package",
        Item::RemovedPackage => "removed package",
        Item::Unit => "unit",
        Item::Mount => "mount",
        Item::PortLabel => "port label",
        Item::Command => "command",
        Item::CloudConfig => "cloud-config",
        Item::Output => "output",
    };
    format!("{kind} {}", short(&part.name, LONGEST))
}

/// How many there are of what, such as `2 loosened, 1 added`.
pub fn counts(pair: &Pair) -> String {
    let counts: Vec<String> = pair.counts().iter().map(|(n, word)| format!("{n} {}", word.text())).collect();
    counts.join(", ")
}

/// How both sides are named.
pub fn title(pair: &Pair) -> String {
    let label = |side: &Option<Side>| side.as_ref().map(|s| short(&s.label, LONGEST));
    match (label(&pair.old), label(&pair.new)) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (Some(gone), None) => format!("{gone} → nothing"),
        (None, Some(come)) => format!("nothing → {come}"),
        (None, None) => String::new(),
    }
}
