//! systemd's units as they stand in files: which exist, which are enabled or masked, what their
//! merged settings are and which of them a boot starts.
//!
//! Owns unit lookup, drop-ins, `[Install]` and dependency links. It asks no running manager and
//! runs no generator: units that a generator would make at boot (from `fstab`, for a console) are
//! unknown here, apart from SysV scripts and cloud-init's target. Conditions
//! (`ConditionPathExists=`…) hold back no unit there: [`Units::conditions`] judges those of one.

mod boot;
mod condition;
mod find;
mod links;
mod lookup;
mod name;
mod state;
mod syntax;
mod task;
#[cfg(test)]
mod tests;
mod unit;

pub use boot::{Cause, Started};
pub use condition::{Conditions, Facts};
pub use state::State;
pub use syntax::Setting;
pub use task::Difference;
pub use unit::Unit;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::target::{Result, Root};

/// All unit directories of a target, read once.
#[derive(Clone)]
pub struct Units<'a> {
    root: Root<'a>,
    version: u32,
    directories: Vec<lookup::Directory>,
    /// Parsed files by path: many questions touch the same ones.
    parsed: RefCell<HashMap<String, Rc<Vec<Setting>>>>,
    aliases: RefCell<Option<Rc<Aliases>>>,
}

/// Other names by the unit's own.
type Aliases = BTreeMap<String, BTreeSet<String>>;

impl<'a> Units<'a> {
    /// Reads the unit directories. `version` is systemd's major version on the target (252):
    /// `UpheldBy=` counts from 254.
    ///
    /// # Errors
    /// A directory that can't be read. One that doesn't exist is empty.
    pub fn read(root: Root<'a>, version: u32) -> Result<Self> {
        let directories = lookup::directories(root)?;
        Ok(Self { root, version, directories, parsed: RefCell::default(), aliases: RefCell::default() })
    }

    /// Names of all unit files and links to them, sorted.
    pub fn names(&self) -> Vec<String> {
        let all = self.directories.iter().flat_map(|d| d.units.keys().cloned());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The settings of one file; empty where it isn't there.
    fn settings(&self, path: &str) -> Result<Rc<Vec<Setting>>> {
        if let Some(settings) = self.parsed.borrow().get(path) {
            return Ok(settings.clone());
        }
        let text = self.root.read_text(path)?.unwrap_or_default();
        let shown = crate::target::display(path.as_bytes());
        let settings = Rc::new(syntax::parse(&text, &shown));
        self.parsed.borrow_mut().insert(path.to_owned(), settings.clone());
        Ok(settings)
    }
}
