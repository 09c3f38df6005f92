//! fail2ban: what a jail really does, as `fail2ban-client -d` would say.
//!
//! Owns the order of the files (`jail.conf`, `jail.d/*.conf`, `jail.local`, `jail.d/*.local`, each
//! with its includes) and the meaning of a jail's options. Whether a log or a program exists is
//! for the caller to ask of the target.

mod action;
mod files;
#[cfg(test)]
mod tests;

use self::action::{programs, split_actions, split_options};
use self::files::{first_file, load};
use super::python_ini::{Ini, Problem};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// fail2ban's configuration directory.
const BASE: &str = "/etc/fail2ban";

/// What is to be said of a jail.
#[derive(Clone, Debug)]
pub enum JailState {
    /// There is no `jail.conf` nor anything that takes its place, or no such jail in it.
    Absent,
    /// fail2ban refuses the configuration, or this jail, and bans nobody.
    Broken(Problem),
    /// The jail as it would run (or not, where it is not enabled).
    Jail(Box<Jail>),
}

/// A jail's effective options. `None` where no file sets the option.
#[derive(Clone, Debug)]
pub struct Jail {
    /// Its name.
    pub name: String,
    /// Whether it runs at all.
    pub enabled: Sourced<bool>,
    /// How the log is read: `auto`, `systemd`, `polling`, `pyinotify`…
    pub backend: Sourced<String>,
    /// The log files, as patterns; not used by the backend `systemd`.
    pub logpath: Option<Sourced<Vec<String>>>,
    /// The ports as configured; what counts is the `port` of an [`Action`].
    pub port: Option<Sourced<String>>,
    /// The action for bans of the jail's ports.
    pub banaction: Option<Sourced<String>>,
    /// The action for bans of all ports.
    pub banaction_allports: Option<Sourced<String>>,
    /// How long a ban lasts: seconds, or with a unit (`10m`); negative is for ever.
    pub bantime: Option<Sourced<String>>,
    /// Within which time failures count.
    pub findtime: Option<Sourced<String>>,
    /// Failures until a ban. What is no number counts as not set.
    pub maxretry: Option<Sourced<String>>,
    /// Addresses that are never banned.
    pub ignoreip: Option<Sourced<Vec<String>>>,
    /// Name of the filter, without its options.
    pub filter: Option<Sourced<String>>,
    /// The filter's file; `None` where there is none, and then the jail does not start.
    pub filter_file: Option<String>,
    /// What is done on a ban. Empty: nothing.
    pub actions: Vec<Action>,
}

/// An action of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name: the file below `action.d` without `.conf`.
    pub name: String,
    /// The options that the jail gives it, such as `port`.
    pub options: Vec<(String, String)>,
    /// Its file; `None` where there is none, and then the jail does not start.
    pub file: Option<String>,
    /// The programs that its commands begin with (`nft`, `iptables`, `ufw`).
    pub programs: Vec<String>,
    /// The line that names it.
    pub at: Location,
}

impl Action {
    /// An option that the jail gives.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads what a jail would do.
///
/// # Errors
/// A file that can't be read.
pub fn jail(root: Root<'_>, name: &str) -> Result<JailState> {
    let mut ini = match load(root, &format!("{BASE}/jail"))? {
        Err(problem) => return Ok(JailState::Broken(problem)),
        Ok(None) => return Ok(JailState::Absent),
        Ok(Some(ini)) => ini,
    };
    if !ini.sections().any(|section| section == name) {
        return Ok(JailState::Absent);
    }
    ini.preset("fail2ban_confpath", BASE, Location::file(BASE));
    // A value that can't be made, in any jail that is read, stops fail2ban as a whole.
    for section in ini.sections().filter(|section| *section != "INCLUDES") {
        if let Err(problem) = options(&ini, section) {
            return Ok(JailState::Broken(problem));
        }
    }
    match read(root, &ini, name)? {
        Ok(jail) => Ok(JailState::Jail(Box::new(jail))),
        Err(problem) => Ok(JailState::Broken(problem)),
    }
}

fn read(root: Root<'_>, ini: &Ini, name: &str) -> Result<std::result::Result<Jail, Problem>> {
    let jail = match options(ini, name) {
        Ok(jail) => jail,
        Err(problem) => return Ok(Err(problem)),
    };
    complete(root, ini, jail)
}

/// Everything that the jail's own section and `DEFAULT` say.
fn options(ini: &Ini, name: &str) -> std::result::Result<Jail, Problem> {
    let enabled = ini.get(name, "enabled")?;
    let runs = enabled.as_ref().is_some_and(|found| is_true(&found.value));
    // Of a jail that is off, fail2ban reads no more than this.
    let get = |option: &str| match ini.get(name, option) {
        Err(_) if !runs && !["backend", "filter"].contains(&option) => Ok(None),
        other => other,
    };
    let words = |found: Sourced<String>| {
        let list = found.value.split(|c: char| c.is_whitespace() || c == ',');
        let list = list.filter(|word| !word.is_empty()).map(str::to_string).collect();
        Sourced::new(list, found.at)
    };
    let lines = |found: Sourced<String>| {
        let list = found.value.lines().map(str::trim).filter(|line| !line.is_empty());
        Sourced::new(list.map(str::to_string).collect(), found.at)
    };
    let unset = Location::file(format!("{BASE}/jail.conf"));
    Ok(Jail {
        name: name.to_string(),
        enabled: enabled
            .map(|found| Sourced::new(runs, found.at))
            .unwrap_or_else(|| Sourced::new(false, unset.clone())),
        backend: get("backend")?.unwrap_or_else(|| Sourced::new("auto".into(), unset)),
        logpath: get("logpath")?.map(lines),
        port: get("port")?,
        banaction: get("banaction")?,
        banaction_allports: get("banaction_allports")?,
        bantime: get("bantime")?,
        findtime: get("findtime")?,
        maxretry: get("maxretry")?.and_then(integer),
        ignoreip: get("ignoreip")?.map(words),
        filter: get("filter")?.map(|found| Sourced::new(bare_name(&found.value), found.at)),
        filter_file: None,
        actions: Vec::new(),
    })
}

/// A number as Python's `int` takes it.
fn integer(found: Sourced<String>) -> Option<Sourced<String>> {
    let text = found.value.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let good = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let number = good.then(|| text.replace('_', "").parse::<i64>().ok()).flatten()?;
    Some(Sourced::new(number.to_string(), found.at))
}

/// The words that fail2ban takes for true; any other is false.
fn is_true(text: &str) -> bool {
    ["1", "on", "true", "yes"].contains(&text.to_lowercase().as_str())
}

/// Finds the filter's and the actions' files.
fn complete(root: Root<'_>, ini: &Ini, mut jail: Jail) -> Result<std::result::Result<Jail, Problem>> {
    if let Some(filter) = jail.filter.as_ref().filter(|filter| !filter.value.is_empty()) {
        if jail.enabled.value
            && let Ok(Some(written)) = ini.get(&jail.name, "filter")
            && split_options(&written.value).is_none()
        {
            return Ok(Err(Problem::new(format!("filter {}", written.value), written.at)));
        }
        jail.filter_file = first_file(root, &format!("{BASE}/filter.d/{}", filter.value))?;
        if jail.enabled.value && jail.filter_file.is_none() {
            let what = format!("there is no filter {}", filter.value);
            return Ok(Err(Problem::new(what, filter.at.clone())));
        }
    }
    let action = match ini.get(&jail.name, "action") {
        Ok(action) => action,
        Err(problem) if jail.enabled.value => return Ok(Err(problem)),
        Err(_) => None,
    };
    let Some(action) = action else { return Ok(Ok(jail)) };
    for text in split_actions(&action.value) {
        let (name, options) = match split_options(&text) {
            Some(parts) => parts,
            None => return Ok(Err(Problem::new(format!("action {text}"), action.at))),
        };
        let path = format!("{BASE}/action.d/{name}");
        let python = name.ends_with(".py");
        let file = if python { root.exists(&path)?.then(|| path.clone()) } else { first_file(root, &path)? };
        if jail.enabled.value && file.is_none() {
            return Ok(Err(Problem::new(format!("there is no action {name}"), action.at)));
        }
        let programs = match load(root, &path)? {
            Ok(Some(ini)) if !python => programs(&ini),
            Err(problem) if jail.enabled.value => return Ok(Err(problem)),
            _ => Vec::new(),
        };
        jail.actions.push(Action { name, options, file, programs, at: action.at.clone() });
    }
    Ok(Ok(jail))
}

fn bare_name(text: &str) -> String {
    text.split('[').next().unwrap_or_default().trim().to_string()
}
