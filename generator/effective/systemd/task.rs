//! What a unit does once it is started, and by which lines: for telling a unit that does something
//! else than another version of it.

use std::collections::BTreeSet;

use super::unit::LISTENS;
use super::{Unit, Units};
use crate::location::{Location, Sourced};
use crate::target::display;

/// Lines that decide what a start does.
enum Deciding {
    /// One key, whose last value counts.
    Last(&'static str, &'static str),
    /// One key, whose values add up until an empty one.
    List(&'static str, &'static str),
    /// Several keys with values that add up; an empty one of any of them takes all back.
    Group(&'static str, &'static [&'static str]),
}

/// Every command of a start, who runs it and in which root, and what triggers something else when.
const DECIDING: [Deciding; 15] = [
    Deciding::Last("Service", "Type"),
    Deciding::Last("Service", "User"),
    Deciding::Last("Service", "RootDirectory"),
    Deciding::Last("Service", "RootImage"),
    Deciding::List("Service", "ExecCondition"),
    Deciding::List("Service", "ExecStartPre"),
    Deciding::List("Service", "ExecStart"),
    Deciding::List("Service", "ExecStartPost"),
    Deciding::Last("Timer", "RandomizedDelaySec"),
    Deciding::Last("Timer", "Unit"),
    Deciding::Group(
        "Timer",
        &[
            "OnActiveSec",
            "OnBootSec",
            "OnStartupSec",
            "OnUnitActiveSec",
            "OnUnitInactiveSec",
            "OnCalendar",
            "OnClockChange",
            "OnTimezoneChange",
        ],
    ),
    Deciding::Last("Socket", "Service"),
    Deciding::Group("Socket", &LISTENS),
    Deciding::Last("Path", "Unit"),
    Deciding::Group(
        "Path",
        &["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"],
    ),
];

/// Where a unit does something else than another version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `Key=value`, or `no Key`; and the line, or the unit's file where no line says it.
    pub says: Sourced<String>,
    /// The same of the other version.
    pub other: String,
}

impl Units<'_> {
    /// The units as if some files (paths as of [`Unit::fragment`] and [`Unit::drop_ins`]) were not
    /// there.
    #[must_use]
    pub fn without(&self, paths: &BTreeSet<String>) -> Self {
        let mut rest = self.clone();
        rest.aliases.take();
        for directory in &mut rest.directories {
            let stays =
                |folder: &str, name: &str| !paths.contains(&display(format!("{folder}/{name}").as_bytes()));
            directory.units.retain(|name, _| stays(&directory.path, name));
            for (sub, files) in &mut directory.subdirectories {
                files.retain(|name, _| stays(&format!("{}/{sub}", directory.path), name));
            }
        }
        rest
    }
}

impl Unit {
    /// Every file that it is made of, its main one first.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.fragment).chain(&self.drop_ins)
    }

    /// What it does otherwise than another version of it.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for deciding in &DECIDING {
            let (section, keys) = deciding.keys();
            let (here, there) = (self.deciding(deciding), other.deciding(deciding));
            let line = |(key, value): &(&str, &Sourced<String>)| format!("{key}={}", value.value);
            let (now, before): (Vec<_>, Vec<_>) =
                (here.iter().map(line).collect(), there.iter().map(line).collect());
            if now == before {
                continue;
            }
            let words = |lines: &[String]| match lines {
                [] => format!("no {}", keys.join(" or ")),
                _ => lines.join(", "),
            };
            // What is there and was not; else what took something back.
            let new = here.iter().find(|pair| !before.contains(&line(pair))).map(|(_, v)| v.at.clone());
            let touched = || {
                let of_keys = |s: &&super::Setting| s.section == section && keys.contains(&s.key.as_str());
                self.settings.iter().rfind(of_keys).map(|s| s.value.at.clone())
            };
            let at = new.or_else(touched).unwrap_or_else(|| Location::file(&self.fragment));
            found.push(Difference { says: Sourced::new(words(&now), at), other: words(&before) });
        }
        found
    }

    /// The lines that count.
    fn deciding(&self, deciding: &Deciding) -> Vec<(&'static str, &Sourced<String>)> {
        match deciding {
            Deciding::Last(section, key) => {
                let last = self.last(section, key).filter(|value| !value.value.is_empty());
                last.map(|value| (*key, value)).into_iter().collect()
            }
            Deciding::List(section, key) => {
                self.values(section, key).into_iter().map(|value| (*key, value)).collect()
            }
            Deciding::Group(section, keys) => {
                let mut lines = Vec::new();
                for setting in self.settings.iter().filter(|s| s.section == *section) {
                    let Some(key) = keys.iter().find(|key| setting.key == **key) else { continue };
                    if setting.value.value.is_empty() {
                        lines.clear();
                    } else {
                        lines.push((*key, &setting.value));
                    }
                }
                lines
            }
        }
    }
}

impl Deciding {
    fn keys(&self) -> (&'static str, &[&'static str]) {
        match self {
            Self::Last(section, key) | Self::List(section, key) => (section, std::slice::from_ref(key)),
            Self::Group(section, keys) => (section, keys),
        }
    }
}
