//! `log-files`: what logs say is for administrators, and only root may change them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::target::{FileKind, Result, Root, display};
use crate::verify::Look;

/// No log is writable by others than root and the system's own accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFiles {}

const FOLDER: &str = "/var/log";

/// Logs that are public by design: who logged in, what was installed, and what cloud-init did (it
/// creates its log readable and keeps secrets out of it). `wtmp` and its kin are writable by group
/// utmp, whose programs keep them (utmp(5)).
const PUBLIC: [&str; 11] = [
    "wtmp",
    "btmp",
    "lastlog",
    "faillog",
    "dpkg.log",
    "alternatives.log",
    "bootstrap.log",
    "fontconfig.log",
    "history.log",
    "eipp.log.xz",
    "cloud-init.log",
];

/// How deep folders are followed.
const MAX_DEPTH: usize = 16;

impl Kind for LogFiles {
    const SUMMARY: &'static str = "logs are changed by root alone and not read by everybody";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "logs that ordinary users can't change, and can't read unless public by design".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let mut bad = Vec::new();
        match look.root.exists(FOLDER) {
            Ok(true) => {}
            Ok(false) => return vec![Observation::unobserved(plane, self.wanted(), "there is no /var/log")],
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        }
        if let Err(error) =
            inspect(look.root, FOLDER.as_bytes().to_vec(), Depth { levels: 0, open: true }, &mut bad)
        {
            return vec![Observation::error(plane, self.wanted(), error.to_string())];
        }
        if bad.is_empty() {
            let found = "every log belongs to the system";
            return vec![Observation::pass(plane, found, self.wanted()).at(Location::file(FOLDER))];
        }
        let judge = |(path, found): (String, String)| {
            let reason = "an intruder without root could read or change what happened";
            Observation::fail(plane, found, self.wanted(), reason).at(Location::file(path))
        };
        bad.into_iter().map(judge).collect()
    }
}

/// Where a walk below the folder is.
#[derive(Clone, Copy)]
struct Depth {
    levels: usize,
    /// Whether everybody may enter all folders on the way.
    open: bool,
}

/// Adds every log that others than the system may change, and those that everybody may read.
fn inspect(root: Root<'_>, folder: Vec<u8>, depth: Depth, bad: &mut Vec<(String, String)>) -> Result<()> {
    if depth.levels > MAX_DEPTH {
        return Ok(());
    }
    for entry in root.read_dir(&folder)? {
        let path = [&folder, b"/".as_slice(), &entry.name].concat();
        let meta = &entry.meta;
        if !matches!(meta.kind, FileKind::File | FileKind::Directory) {
            continue;
        }
        let public = PUBLIC.iter().any(|p| entry.name.starts_with(p.as_bytes()));
        let others_write = meta.mode & 0o002 != 0 && meta.mode & 0o1000 == 0;
        let others_read = meta.kind == FileKind::File && meta.mode & 0o004 != 0 && depth.open && !public;
        // Accounts from 1000 up are people (login.defs UID_MIN).
        let owned_by_person = (1000..65534).contains(&meta.uid);
        if others_write || others_read || owned_by_person {
            let found = format!("mode {:04o}, owner {}", meta.mode, meta.uid);
            bad.push((display(&path), found));
        }
        if meta.kind == FileKind::Directory {
            let open = depth.open && meta.mode & 0o001 != 0;
            inspect(root, path, Depth { levels: depth.levels + 1, open }, bad)?;
        }
    }
    Ok(())
}
