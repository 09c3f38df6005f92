//! Enablement from files alone: what `systemctl --root=DIR is-enabled` says.
//!
//! Follows systemd's `install.c`, whose rules are finer than the manual: a unit is enabled by
//! links of a name in its own `[Install]`, and links under other names make it indirect.

use std::fmt;

use super::Units;
use super::find::{Missing, Reader, is_directly_in};
use super::lookup::Purpose;
use super::name::{self, Kind};
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

/// State of a unit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Links in `/etc` start it.
    Enabled,
    /// Links in `/run` start it until the next boot.
    EnabledRuntime,
    /// Linked into `/etc` from outside of the unit directories, and not enabled.
    Linked,
    /// Linked into `/run` likewise.
    LinkedRuntime,
    /// Another name of a unit: ask for the state of that one.
    Alias,
    /// Can't be started: a link to `/dev/null`, or an empty file.
    Masked,
    /// Masked in `/run`.
    MaskedRuntime,
    /// Has no `[Install]` rules: only other units start it.
    Static,
    /// Used under another name, or its `[Install]` only names others in `Also=`.
    Indirect,
    /// Has `[Install]` rules and no link by them.
    Disabled,
    /// Made by a generator.
    Generated,
    /// Made by a request to the manager.
    Transient,
    /// No file of this name.
    NotFound,
    /// A link that systemd refuses: to a wrong name or type, in a loop, or dangling.
    Broken,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::EnabledRuntime => "enabled-runtime",
            Self::Linked => "linked",
            Self::LinkedRuntime => "linked-runtime",
            Self::Alias => "alias",
            Self::Masked => "masked",
            Self::MaskedRuntime => "masked-runtime",
            Self::Static => "static",
            Self::Indirect => "indirect",
            Self::Disabled => "disabled",
            Self::Generated => "generated",
            Self::Transient => "transient",
            Self::NotFound => "not-found",
            Self::Broken => "broken",
        })
    }
}

impl Units<'_> {
    /// The state of a unit, with the file or link that decides it.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn state(&self, unit: &str) -> Result<Sourced<State>> {
        let nowhere = |state| Sourced::new(state, Location::file(unit));
        let link = |state| Sourced::new(state, Location::file(self.place(unit).unwrap_or(unit.to_owned())));
        let found = match self.find(unit, Reader::Systemctl)? {
            Ok(found) => found,
            Err(Missing::NotFound) => return Ok(nowhere(State::NotFound)),
            Err(Missing::Broken) => return Ok(link(State::Broken)),
        };
        let here = |state| Sourced::new(state, Location::file(display(found.path.as_bytes())));
        let purpose = self.directories.iter().find(|d| is_directly_in(&found.path, &d.path));
        let purpose = purpose.map_or(Purpose::Other, |d| d.purpose);
        let instance = name::kind(&found.name) == Some(Kind::Instance);
        if found.masked {
            let state = if purpose.is_runtime() { State::MaskedRuntime } else { State::Masked };
            return Ok(here(state));
        }
        if name::base(&found.path) != unit && !instance {
            return Ok(link(State::Alias));
        }
        match purpose {
            Purpose::Generated => return Ok(here(State::Generated)),
            Purpose::Transient => return Ok(here(State::Transient)),
            _ => {}
        }
        let install = self.install(&found)?;
        if let Some(state) = self.links(&found, &install, true) {
            return Ok(state);
        }
        if let Some(state) = self.links(&found, &install, false) {
            return Ok(Sourced::new(State::Indirect, state.at));
        }
        Ok(here(if install.has_rules() {
            State::Disabled
        } else if !install.also.is_empty() {
            State::Indirect
        } else {
            State::Static
        }))
    }
}
