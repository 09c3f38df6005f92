//! What a comparison says: its types, which are its JSON form too (versioned; see `docs/diff.md`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::location::Location;
use crate::settings::order::{Difference, Direction};

/// Version of the JSON form.
pub const FORMAT: u32 = 1;

/// Everything that differs between two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Version of this JSON form.
    pub version: u32,
    /// Version of the program that made it.
    pub ironseed: String,
    /// A pair for each profile that was compared.
    pub pairs: Vec<Pair>,
}

/// Two plans for the same distributions, and what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The old side; none where the profile is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Side>,
    /// The new side; none where the profile is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Side>,
    /// The distributions that were compared: an id, or two where the sides have their own.
    pub distros: Vec<String>,
    /// What differs, what is looser first.
    pub changes: Vec<Change>,
    /// Rendered items that differ.
    pub parts: Vec<Part>,
    /// Rendered files that differ, line by line, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
}

/// What one side of a comparison is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// As the user named it: a name, a path, or a path in a revision.
    pub label: String,
    /// The profile's name.
    pub profile: String,
    /// The profile's file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One difference of what is wanted.
///
/// The order of the fields is the order in which changes are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What kind of thing it is about.
    pub what: What,
    /// The check's id, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The setting's kind, where it is about a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it is about: a keyword, a path, a parameter's name; a check's or waiver's title.
    pub subject: String,
    /// What became of it.
    pub change: Word,
    /// Which ways it goes; empty where it says nothing of strictness.
    pub directions: BTreeSet<Direction>,
    /// What was wanted, and where that stands.
    pub old: Wanted,
    /// What is wanted, and where that stands.
    pub new: Wanted,
    /// What differs in it, aspect by aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What else has to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The distributions that it holds for, as in [`Pair::distros`].
    pub distros: Vec<String>,
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A whole profile that came or went.
    Profile,
    /// The planes on which an image must have been seen.
    Planes,
    /// An accepted failure.
    Waiver,
    /// A check.
    Check,
    /// A setting of a check.
    Setting,
    /// What a report found of a check.
    Outcome,
    /// A value that a profile chose. What it does is said by the settings that are made of it.
    Parameter,
    /// What is known of a distribution.
    Facts,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// It went.
    Removed,
    /// It is looser, and in nothing tighter.
    Loosened,
    /// It is another, and neither looser nor tighter as a whole.
    Changed,
    /// It is tighter, and in nothing looser.
    Tightened,
    /// It came.
    Added,
}

/// What one side wants, and the line that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// In a few words; none where it wants nothing of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The line of the profile that wants it, or that dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
}

/// A rendered item that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What kind of item it is.
    pub item: Item,
    /// Path, name or command.
    pub name: String,
    /// Whether it came, went or is another.
    pub change: Word,
    /// The part of user-data that carries it; none for what stands beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// The checks that it serves.
    pub checks: Vec<String>,
    /// The distributions that it holds for.
    pub distros: Vec<String>,
}

/// Kinds of rendered items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// A file on the machine.
    File,
    /// A file that is deleted.
    DeletedFile,
    /// A package.
    Package,
    /// A package that is removed.
    RemovedPackage,
    /// A unit's enablement.
    Unit,
    /// A line of fstab.
    Mount,
    /// What SELinux is told of a port.
    PortLabel,
    /// A command.
    Command,
    /// A key of cloud-config.
    CloudConfig,
    /// A file beside the machine's: the security group.
    Output,
}

/// A rendered file that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// Path below the rendering.
    pub path: String,
    /// The differing lines as `diff -u` writes them.
    pub diff: String,
    /// The distributions that it holds for.
    pub distros: Vec<String>,
}

impl Word {
    /// The word for something that is there on both sides.
    pub fn of(directions: &BTreeSet<Direction>) -> Self {
        match directions.iter().copied().collect::<Vec<_>>()[..] {
            [Direction::Looser] => Self::Loosened,
            [Direction::Tighter] => Self::Tightened,
            _ => Self::Changed,
        }
    }

    /// Whether it says that something is on one side only.
    pub fn is_one_sided(self) -> bool {
        matches!(self, Self::Added | Self::Removed)
    }

    /// The word as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Loosened => "loosened",
            Self::Changed => "changed",
            Self::Tightened => "tightened",
            Self::Added => "added",
        }
    }
}

impl What {
    /// The word as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Planes => "planes",
            Self::Waiver => "waiver",
            Self::Check => "check",
            Self::Setting => "setting",
            Self::Outcome => "outcome",
            Self::Parameter => "parameter",
            Self::Facts => "facts",
        }
    }
}

impl Change {
    /// A change without details, for every distribution.
    pub fn new(what: What, subject: String, change: Word, directions: BTreeSet<Direction>) -> Self {
        Self {
            what,
            check: None,
            kind: None,
            subject,
            change,
            directions,
            old: Wanted::default(),
            new: Wanted::default(),
            differences: Vec::new(),
            note: None,
            distros: Vec::new(),
        }
    }

    fn place(&self) -> Option<(&str, Word)> {
        self.check.as_deref().map(|check| (check, self.change))
    }

    /// Whether anything in it is looser.
    pub fn loosens(&self) -> bool {
        self.directions.contains(&Direction::Looser)
    }
}

impl Pair {
    /// The changes that have to be told one by one, those that loosen first. Settings of a check that came or went as a
    /// whole are told with it.
    pub fn told(&self) -> Vec<Told<'_>> {
        let whole: BTreeSet<(&str, Word)> = (self.changes.iter())
            .filter(|c| c.what == What::Check && c.change.is_one_sided())
            .filter_map(Change::place)
            .collect();
        let mut implied: BTreeMap<(&str, Word), usize> = BTreeMap::new();
        let mut told = Vec::new();
        for change in &self.changes {
            match change.place().filter(|place| change.what == What::Setting && whole.contains(place)) {
                Some(place) => *implied.entry(place).or_default() += 1,
                None => told.push(Told { change, settings: 0 }),
            }
        }
        for told in told.iter_mut().filter(|t| t.change.what == What::Check) {
            told.settings = told.change.place().and_then(|place| implied.get(&place).copied()).unwrap_or(0);
        }
        told.sort_by_key(|t| {
            let tightens = t.change.directions.contains(&Direction::Tighter);
            (!t.change.loosens(), t.change.directions.is_empty(), tightens)
        });
        told
    }

    /// How many of the told changes have each word, in the order of the words.
    pub fn counts(&self) -> Vec<(usize, Word)> {
        let told = self.told();
        let words = [Word::Removed, Word::Loosened, Word::Changed, Word::Tightened, Word::Added];
        let count = |word| (told.iter().filter(|t| t.change.change == word).count(), word);
        words.into_iter().map(count).filter(|(n, _)| *n > 0).collect()
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.parts.is_empty() && self.files.is_empty()
    }
}

/// A change that has to be told by itself.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The change.
    pub change: &'a Change,
    /// Settings that came or went with it, where it is a whole check.
    pub settings: usize,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.pairs.iter().all(Pair::is_empty)
    }
}
