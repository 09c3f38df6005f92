//! systemd's own way of configuration: a main file, and drop-ins from four folders.
//!
//! The rules are those of systemd.syntax(7) and of "Configuration Directories and Precedence" in e.g.
//! journald.conf(5); where these are silent, those of systemd's sources. What a key means, and which
//! values it takes, is its program's reader's to know.

mod syntax;
#[cfg(test)]
mod tests;
mod version;

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, TargetError};

/// Where files may be, most important first.
const FOLDERS: [&str; 4] = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];
/// The release since which the main file is looked for in all folders; older ones know `/etc` only.
const MAIN_FILE_ANYWHERE: u32 = 256;

/// A configuration, merged.
#[derive(Clone, Debug, Default)]
pub struct IniDropin {
    /// The files that are read, in the order in which they are read.
    pub files: Vec<String>,
    /// By section and key: every assignment, in order.
    assignments: BTreeMap<(String, String), Vec<Sourced<String>>>,
}

impl IniDropin {
    /// Reads e.g. `systemd/journald.conf` with its drop-ins; without any file, nothing is assigned. A file
    /// with a line that systemd stumbles over counts up to there, and the files after it don't count.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn read(root: Root<'_>, name: &str) -> Result<Self> {
        let anywhere = version::read(root)?.is_none_or(|version| version >= MAIN_FILE_ANYWHERE);
        let folders = if anywhere { &FOLDERS[..] } else { &FOLDERS[..1] };
        let mut config = Self::default();
        for folder in folders {
            match config.add(root, format!("{folder}/{name}"))? {
                Added::Absent => {}
                Added::Whole => break,
                Added::Broken => return Ok(config),
            }
        }
        // By file name: the more important folder's file hides those of the same name, also where it can't be
        // read (a link to nowhere).
        let mut drop_ins: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        for folder in FOLDERS {
            let folder = format!("{folder}/{name}.d");
            for entry in root.read_dir(&folder)? {
                if entry.name.ends_with(b".conf") && !entry.name.starts_with(b".") {
                    let path = format!("{folder}/{}", String::from_utf8_lossy(&entry.name));
                    drop_ins.entry(entry.name).or_insert(path);
                }
            }
        }
        for path in drop_ins.into_values() {
            if config.add(root, path)? == Added::Broken {
                break;
            }
        }
        Ok(config)
    }

    /// Every assignment of a key, in the order of reading.
    pub fn all(&self, section: &str, key: &str) -> &[Sourced<String>] {
        self.assignments.get(&(section.to_owned(), key.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The last assignment that `parse` takes: programs pass over a value that they can't read, and
    /// an empty one is such for numbers, sizes, times, booleans and words. `None` where the default counts.
    pub fn last_valid<T>(
        &self,
        section: &str,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Sourced<T>> {
        let mut assigned = self.all(section, key).iter().rev();
        assigned.find_map(|set| Some(Sourced::new(parse(&set.value)?, set.at.clone())))
    }

    /// The line that decides a key for a program that passes over values that it can't read, and those
    /// that lose to it; `None` where no line sets it. Where none can be read, the last one is what
    /// somebody wanted.
    pub fn deciding(
        &self,
        section: &str,
        key: &str,
        is_readable: impl Fn(&str) -> bool,
    ) -> Option<(&Sourced<String>, Vec<Location>)> {
        let set = self.all(section, key);
        let decides = set.iter().rposition(|set| is_readable(&set.value)).or(set.len().checked_sub(1))?;
        let losing = set.iter().enumerate().filter(|(index, _)| *index != decides);
        Some((&set[decides], losing.map(|(_, set)| set.at.clone()).collect()))
    }

    fn add(&mut self, root: Root<'_>, path: String) -> Result<Added> {
        let bytes = match root.read(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) if is_mask(root, &path)? => Vec::new(),
            // A folder in a file's place can be opened, but not read.
            Ok(None) if root.exists(&path)? => return Ok(Added::Broken),
            Ok(None) => return Ok(Added::Absent),
            Err(TargetError::LinkLoop { .. }) => return Ok(Added::Broken),
            Err(error) => return Err(error),
        };
        let whole = syntax::read(&path, &bytes, |assigned| {
            self.assignments.entry((assigned.section, assigned.key)).or_default().push(assigned.value);
        });
        self.files.push(path);
        Ok(if whole { Added::Whole } else { Added::Broken })
    }
}

/// The assignments of one file's text, in order: section, key and value.
pub fn assignments(path: &str, text: &str) -> Vec<(String, String, Sourced<String>)> {
    let mut found = Vec::new();
    syntax::read(path, text.as_bytes(), |line| found.push((line.section, line.key, line.value)));
    found
}

/// What came of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Added {
    /// It's not there.
    Absent,
    Whole,
    /// systemd stumbles over it, and reads nothing further.
    Broken,
}

/// Whether the path is a link to `/dev/null`, which stands for an empty file.
fn is_mask(root: Root<'_>, path: &str) -> Result<bool> {
    match root.entry(path)? {
        Some(link) if link.meta.kind == FileKind::Symlink => {
            Ok(root.tree().read_link(&link.path)? == b"/dev/null")
        }
        _ => Ok(false),
    }
}

/// A boolean as systemd reads it.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}
