//! What is stricter: the order of the values that settings want.
//!
//! A setting takes itself apart into aspects, each measured in one way; comparing two of them aspect by aspect says which is the
//! tighter one, or that neither is. This module owns the measures. What a kind measures is the kind's business, and so is the scale
//! of each option that a program has ([`options`]).

pub mod options;
mod scale;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use scale::{Scale, permissions};

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Allows more, or demands less.
    Looser,
    /// Allows less, or demands more.
    Tighter,
    /// Neither is stricter, or nobody knows which.
    Unordered,
}

impl Direction {
    /// The direction of the way back.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Looser => Self::Tighter,
            Self::Tighter => Self::Looser,
            Self::Unordered => Self::Unordered,
        }
    }
}

/// One thing that a setting says of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// What it is about: once in a setting.
    pub name: &'static str,
    /// Its value.
    pub measure: Measure,
}

/// A value with its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// One value. Of two with a rank the higher one is tighter; others have no order.
    Value {
        /// The value, for people.
        shown: String,
        /// Its place among the values of the same aspect.
        rank: Option<i64>,
    },
    /// What is allowed, each with what else is said of it: one more is looser.
    Allowed(BTreeMap<String, String>),
    /// What has to be there, each with what else is said of it: one more is tighter.
    Demanded(BTreeMap<String, String>),
    /// In which order things stand. Which things these are is another aspect.
    Sequence(Vec<String>),
}

impl Aspect {
    /// A value that is neither tighter nor looser than another.
    pub fn plain(name: &'static str, value: impl ToString) -> Self {
        Self { name, measure: Measure::Value { shown: value.to_string(), rank: None } }
    }

    /// A number, or a switch, of which the larger is tighter.
    pub fn at_least(name: &'static str, value: impl ToString, rank: impl Into<i64>) -> Self {
        Self { name, measure: Measure::Value { shown: value.to_string(), rank: Some(rank.into()) } }
    }

    /// A number, or a switch, of which the smaller is tighter.
    pub fn at_most(name: &'static str, value: impl ToString, rank: impl Into<i64>) -> Self {
        let rank = rank.into().saturating_neg();
        Self { name, measure: Measure::Value { shown: value.to_string(), rank: Some(rank) } }
    }

    /// A value of an option whose scale may be known.
    pub fn on(name: &'static str, scale: Option<&Scale>, value: &str) -> Self {
        match scale {
            Some(scale) => Self { name, measure: scale.measure(value) },
            None => Self::plain(name, value),
        }
    }

    /// What is allowed.
    pub fn allowed(name: &'static str, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { name, measure: Measure::Allowed(unlabelled(items)) }
    }

    /// What is demanded.
    pub fn demanded(name: &'static str, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { name, measure: Measure::Demanded(unlabelled(items)) }
    }

    /// In which order things stand.
    pub fn sequence(name: &'static str, items: &[String]) -> Self {
        Self { name, measure: Measure::Sequence(items.to_vec()) }
    }
}

fn unlabelled(items: impl IntoIterator<Item = impl Into<String>>) -> BTreeMap<String, String> {
    items.into_iter().map(|item| (item.into(), String::new())).collect()
}

/// How one aspect differs between two settings of the same subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Difference {
    /// The aspect.
    pub aspect: String,
    /// Its old value, where it is a value or the order of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Its new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Members of the old list that the new one has not, where it is a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// Members of the new list that the old one has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gained: Vec<String>,
    /// Which ways it goes: a list that lost one member and gained another goes both.
    pub directions: BTreeSet<Direction>,
}

/// How two settings of the same subject differ; empty where they want the same.
pub fn differences(old: &[Aspect], new: &[Aspect]) -> Vec<Difference> {
    let find = |aspects: &[Aspect], name| aspects.iter().find(|a| a.name == name).map(|a| a.measure.clone());
    let mut names: Vec<&'static str> = old.iter().chain(new).map(|a| a.name).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| difference(name, find(old, name), find(new, name))).collect()
}

/// Every way that some differences go.
pub fn directions(differences: &[Difference]) -> BTreeSet<Direction> {
    differences.iter().flat_map(|d| d.directions.iter().copied()).collect()
}

fn difference(name: &str, old: Option<Measure>, new: Option<Measure>) -> Option<Difference> {
    let (old, new) = match (old, new) {
        (Some(Measure::Allowed(old)), Some(Measure::Allowed(new))) => {
            return members(name, &old, &new, Direction::Looser);
        }
        (Some(Measure::Demanded(old)), Some(Measure::Demanded(new))) => {
            return members(name, &old, &new, Direction::Tighter);
        }
        (Some(Measure::Sequence(old)), Some(Measure::Sequence(new))) => {
            let common = |list: &[String], other: &[String]| -> Vec<String> {
                let other: BTreeSet<&String> = other.iter().collect();
                list.iter().filter(|item| other.contains(item)).cloned().collect()
            };
            (Some(Measure::Sequence(common(&old, &new))), Some(Measure::Sequence(common(&new, &old))))
        }
        other => other,
    };
    if old == new {
        return None;
    }
    let rank = |measure: &Option<Measure>| match measure {
        Some(Measure::Value { rank, .. }) => *rank,
        _ => None,
    };
    let direction = match (rank(&old), rank(&new)) {
        (Some(old), Some(new)) if new > old => Direction::Tighter,
        (Some(old), Some(new)) if new < old => Direction::Looser,
        _ => Direction::Unordered,
    };
    Some(Difference {
        aspect: name.to_owned(),
        old: old.as_ref().map(Measure::shown),
        new: new.as_ref().map(Measure::shown),
        lost: Vec::new(),
        gained: Vec::new(),
        directions: BTreeSet::from([direction]),
    })
}

/// `more`: the direction of a list that gained a member.
fn members(
    name: &str,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    more: Direction,
) -> Option<Difference> {
    let mut directions = BTreeSet::new();
    let mut missing = |here: &BTreeMap<String, String>, there: &BTreeMap<String, String>, direction| {
        let mut found = Vec::new();
        for (item, label) in here {
            match there.get(item) {
                Some(other) if other == label => continue,
                Some(_) => directions.insert(Direction::Unordered),
                None => directions.insert(direction),
            };
            found.push(labelled(item, label));
        }
        found
    };
    let lost = missing(old, new, more.mirrored());
    let gained = missing(new, old, more);
    (!directions.is_empty()).then(|| Difference {
        aspect: name.to_owned(),
        old: None,
        new: None,
        lost,
        gained,
        directions,
    })
}

fn labelled(item: &str, label: &str) -> String {
    if label.is_empty() { item.to_owned() } else { format!("{item} ({label})") }
}

impl Measure {
    fn shown(&self) -> String {
        match self {
            Self::Value { shown, .. } => shown.clone(),
            Self::Allowed(items) | Self::Demanded(items) => {
                items.iter().map(|(item, label)| labelled(item, label)).collect::<Vec<_>>().join(", ")
            }
            Self::Sequence(items) => items.join(", "),
        }
    }
}
