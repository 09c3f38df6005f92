//! systemd's units as they stand in files: which exist, which are enabled or masked, what their
//! merged settings are and which of them a boot starts.
//!
//! Owns unit lookup, drop-ins, `[Install]` and dependency links. It asks no running manager and
//! runs no generator. Of what generators would make at boot, units for `fstab` are known
//! ([`Units::with_generated`]), SysV scripts and cloud-init's target; consoles and disks that the
//! machine may have are not. Conditions (`ConditionPathExists=`…) hold back no unit there:
//! [`Units::conditions`] judges those of one.

mod boot;
mod command;
mod condition;
mod find;
mod links;
mod lookup;
#[cfg(test)]
mod manager;
mod name;
mod preset;
mod state;
mod syntax;
mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod triggers;
mod unit;

pub use boot::{Cause, Started};
pub use command::{Command, Commands};
pub use condition::{Conditions, Facts};
pub use preset::{Preset, Presets};
pub use state::State;
pub use syntax::Setting;
pub use task::Difference;
pub use unit::Unit;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::effective::fstab;
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
    /// Paths of units that stand in no file.
    generated: BTreeSet<String>,
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
        Ok(Self {
            root,
            version,
            directories,
            parsed: RefCell::default(),
            aliases: RefCell::default(),
            generated: BTreeSet::new(),
        })
    }

    /// Adds the units that a boot makes of `/etc/fstab`. Their settings point to its lines.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn with_generated(mut self) -> Result<Self> {
        let made = fstab::generated(self.root)?;
        let Some(directory) = self.directories.iter_mut().find(|d| d.path.ends_with(lookup::GENERATOR))
        else {
            return Ok(self);
        };
        for unit in made {
            let path = format!("{}/{}", directory.path, unit.name);
            directory.units.insert(unit.name.clone(), lookup::File::Regular);
            for link in unit.links {
                let links = directory.subdirectories.entry(link).or_default();
                links.insert(unit.name.clone(), lookup::File::Link(format!("../{}", unit.name)));
            }
            // As the generator writes it: a line end in a value begins a line.
            let line = |(section, key, value): &(&str, &str, String)| format!("[{section}]\n{key}={value}\n");
            let text: String = unit.settings.iter().map(line).collect();
            let mut settings = syntax::parse(&text, "");
            settings.iter_mut().for_each(|setting| setting.value.at = unit.at.clone());
            let settings = Rc::new(settings);
            self.parsed.borrow_mut().insert(path.clone(), settings);
            self.generated.insert(path);
        }
        Ok(self)
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
