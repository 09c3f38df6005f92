//! The unit directories, in systemd's order, and what stands in them.

use std::collections::BTreeMap;

use super::name;
use crate::target::{Entry, FileKind, Result, Root};

/// What a directory is for; some states depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `/etc/systemd/system`: the administrator's.
    Persistent,
    /// Gone after a reboot.
    Runtime,
    /// Written by generators at boot.
    Generated,
    /// Made by a request to the manager.
    Transient,
    /// Everything else, mostly the packages'.
    Other,
}

impl Purpose {
    pub(super) fn is_runtime(self) -> bool {
        !matches!(self, Self::Persistent | Self::Other)
    }
}

/// Directories of the system manager, the strongest first (systemd.unit(5)).
const SEARCH_PATH: [(&str, Purpose); 13] = [
    ("etc/systemd/system.control", Purpose::Other),
    ("run/systemd/system.control", Purpose::Runtime),
    ("run/systemd/transient", Purpose::Transient),
    ("run/systemd/generator.early", Purpose::Generated),
    ("etc/systemd/system", Purpose::Persistent),
    ("etc/systemd/system.attached", Purpose::Other),
    ("run/systemd/system", Purpose::Runtime),
    ("run/systemd/system.attached", Purpose::Runtime),
    (GENERATOR, Purpose::Generated),
    ("usr/local/lib/systemd/system", Purpose::Other),
    ("usr/lib/systemd/system", Purpose::Other),
    ("lib/systemd/system", Purpose::Other),
    ("run/systemd/generator.late", Purpose::Generated),
];

/// Where most generators write.
pub(super) const GENERATOR: &str = "run/systemd/generator";

/// Longest unit file name there can be.
const MAX_NAME: usize = 255;

/// A unit file, or a link to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// A regular file with content.
    Regular,
    /// An empty file, which masks the unit.
    Empty,
    /// A symbolic link with this text.
    Link(String),
    /// A directory or a device.
    Other,
}

/// One unit directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Path relative to the root, links resolved.
    pub path: String,
    pub purpose: Purpose,
    /// Unit files by name.
    pub units: BTreeMap<String, File>,
    /// Subdirectories (`.wants`, `.requires`, `.upholds`, `.d`) by name, with the files in them.
    pub subdirectories: BTreeMap<String, BTreeMap<String, File>>,
}

/// All directories, each once. One that doesn't exist is an empty one: a link may lead there.
pub(super) fn directories(root: Root<'_>) -> Result<Vec<Directory>> {
    let mut directories: Vec<Directory> = Vec::new();
    for (path, purpose) in SEARCH_PATH {
        let link = root.resolve(path)?;
        let resolved = link.and_then(|link| String::from_utf8(link.path).ok());
        let path = resolved.unwrap_or_else(|| path.to_owned());
        if directories.iter().all(|d| d.path != path) {
            directories.push(directory(root, path, purpose)?);
        }
    }
    Ok(directories)
}

fn directory(root: Root<'_>, path: String, purpose: Purpose) -> Result<Directory> {
    let mut units = BTreeMap::new();
    let mut subdirectories = BTreeMap::new();
    for entry in root.read_dir(&path)? {
        let Some(name) = plain(&entry) else { continue };
        let below = format!("{path}/{name}");
        let is_directory = [".wants", ".requires", ".upholds", ".d"].iter().any(|s| name.ends_with(s));
        if is_directory {
            let mut files = BTreeMap::new();
            for entry in root.read_dir(&below)? {
                let Some(name) = plain(&entry) else { continue };
                files.insert(name.to_owned(), file(root, &format!("{below}/{name}"), &entry)?);
            }
            subdirectories.insert(name.to_owned(), files);
        } else if name::kind(name).is_some() {
            units.insert(name.to_owned(), file(root, &below, &entry)?);
        }
    }
    Ok(Directory { path, purpose, units, subdirectories })
}

fn plain(entry: &Entry) -> Option<&str> {
    std::str::from_utf8(&entry.name).ok().filter(|name| name.len() <= MAX_NAME)
}

fn file(root: Root<'_>, path: &str, entry: &Entry) -> Result<File> {
    Ok(match entry.meta.kind {
        FileKind::File if entry.meta.size == 0 => File::Empty,
        FileKind::File => File::Regular,
        FileKind::Symlink => {
            let text = root.tree().read_link(path.as_bytes())?;
            File::Link(String::from_utf8_lossy(&text).into_owned())
        }
        FileKind::Directory | FileKind::Special => File::Other,
    })
}

/// Where the text of a link at a path leads: its directory resolved, the last name kept.
pub(super) fn link_target(root: Root<'_>, at: &str, text: &str) -> Result<String> {
    let joined = match text.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{}/{text}", at.rsplit_once('/').map_or("", |(directory, _)| directory)),
    };
    let (directory, base) = joined.rsplit_once('/').unwrap_or(("", &joined));
    let resolved = root.resolve(directory)?.and_then(|link| String::from_utf8(link.path).ok());
    Ok(match resolved {
        Some(directory) if directory.is_empty() => base.to_owned(),
        Some(directory) => format!("{directory}/{base}"),
        None => simplify(&joined),
    })
}

/// Takes `.` and `..` out of a path that leads nowhere.
fn simplify(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
