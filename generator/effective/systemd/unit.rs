//! A unit with its drop-ins, merged.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::find::{Missing, Reader};
use super::lookup::File;
use super::{Aliases, Setting, State, Units, name};
use crate::effective::ini_dropin::parse_boolean;
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

/// What a socket can listen on, by `[Socket]`'s keys.
pub(super) const LISTENS: [&str; 8] = [
    "ListenStream",
    "ListenDatagram",
    "ListenSequentialPacket",
    "ListenFIFO",
    "ListenSpecial",
    "ListenNetlink",
    "ListenMessageQueue",
    "ListenUSBFunction",
];

/// What a service can be (`Type=`); 252 knows all but `notify-reload`.
const TYPES: [&str; 8] = ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];

/// A unit that can be loaded.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name after aliases.
    pub name: String,
    /// Its main file.
    pub fragment: String,
    /// Its drop-ins in the order in which they are read.
    pub drop_ins: Vec<String>,
    pub(super) settings: Vec<Setting>,
}

impl Unit {
    /// The last value of a key; an empty one is a value that was reset.
    pub fn last(&self, section: &str, key: &str) -> Option<&Sourced<String>> {
        self.assignments(section, key).next_back()
    }

    /// A boolean: the last one that can be read, for systemd passes over the others.
    pub(super) fn flag(&self, section: &str, key: &str) -> Option<bool> {
        self.assignments(section, key).filter_map(|set| parse_boolean(&set.value)).next_back()
    }

    /// All values of a key that takes several, in order, since its last reset by an empty one.
    pub fn values(&self, section: &str, key: &str) -> Vec<&Sourced<String>> {
        let mut values = Vec::new();
        for value in self.assignments(section, key) {
            if value.value.is_empty() {
                values.clear();
            } else {
                values.push(value);
            }
        }
        values
    }

    /// The words of all values of a key, specifiers replaced: in its main file by parts of the name that it is asked for
    /// by, in drop-ins by parts of its own. Dependencies
    /// (`Wants=`) are read so: an empty value resets nothing there, and quotes are part of a word.
    pub(super) fn words(&self, section: &str, key: &str, asked: &str) -> Vec<Sourced<String>> {
        let mut words = Vec::new();
        for value in self.assignments(section, key) {
            let name = self.name_in(&value.at, asked);
            for word in value.value.split([' ', '\t']).filter(|word| !word.is_empty()) {
                words.push(Sourced::new(name::expand(word, name), value.at.clone()));
            }
        }
        words
    }

    /// The name that the unit has while this place is read.
    pub(super) fn name_in<'n>(&'n self, at: &Location, asked: &'n str) -> &'n str {
        if at.file == self.fragment { asked } else { &self.name }
    }

    /// Whether the manager would start it at all: a service runs something, a socket listens, a timer and a path
    /// unit wait for something.
    pub(super) fn can_start(&self) -> bool {
        let any = |section: &str, keys: &[&str]| keys.iter().any(|key| !self.values(section, key).is_empty());
        match name::unit_type(&self.name) {
            Some("service") => {
                let mut kinds = self.assignments("Service", "Type").map(|kind| kind.value.as_str());
                let oneshot = kinds.rfind(|kind| TYPES.contains(kind)).is_none_or(|kind| kind == "oneshot");
                let stays = self.flag("Service", "RemainAfterExit") == Some(true);
                let ends = any("Unit", &["SuccessAction"]) || (stays && any("Service", &["ExecStop"]));
                any("Service", &["ExecStart"]) || (oneshot && ends)
            }
            Some("socket") => self.settings.iter().any(|s| {
                s.section == "Socket" && LISTENS.contains(&s.key.as_str()) && !s.value.value.is_empty()
            }),
            Some("timer") => {
                let keys =
                    ["OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"];
                any("Timer", &keys) || any("Timer", &["OnCalendar", "OnTimezoneChange", "OnClockChange"])
            }
            Some("path") => {
                let keys =
                    ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"];
                any("Path", &keys)
            }
            _ => true,
        }
    }

    /// All lines of a key in order, resets among them.
    pub(super) fn assignments<'u, 'k>(
        &'u self,
        section: &'k str,
        key: &'k str,
    ) -> impl DoubleEndedIterator<Item = &'u Sourced<String>> + use<'u, 'k> {
        let wanted = move |s: &&Setting| s.section == section && s.key == key;
        self.settings.iter().filter(wanted).map(|s| &s.value)
    }
}

impl Units<'_> {
    /// Loads a unit by any of its names; `None` where there is none, or it is masked or broken.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn unit(&self, unit: &str) -> Result<Option<Unit>> {
        let found = match self.find(unit, Reader::Manager)? {
            Ok(found) if !found.masked => found,
            Ok(_) | Err(Missing::NotFound | Missing::Broken) => return Ok(None),
        };
        let names = self.names_of(&found.name, unit)?;
        let mut directories = Vec::new();
        for name in &names {
            let subs = drop_in_directories(name);
            for directory in &self.directories {
                directories.extend(subs.iter().map(|sub| (directory, sub.clone())));
            }
        }
        let unit_type = name::unit_type(&found.name).unwrap_or_default();
        directories.extend(self.directories.iter().map(|d| (d, format!("{unit_type}.d"))));
        let drop_ins = self.drop_ins(directories.into_iter())?;
        let mut settings = self.settings(&found.path)?.to_vec();
        for path in &drop_ins {
            settings.extend(self.settings(path)?.iter().cloned());
        }
        Ok(Some(Unit {
            name: found.name,
            fragment: display(found.path.as_bytes()),
            drop_ins: drop_ins.iter().map(|path| display(path.as_bytes())).collect(),
            settings,
        }))
    }

    /// All names of a unit: its own first, then the one asked for and those of links to it.
    pub(super) fn names_of(&self, unit: &str, asked: &str) -> Result<Vec<String>> {
        let aliases = self.aliases()?;
        let mut others: BTreeSet<String> = aliases.get(unit).cloned().unwrap_or_default();
        others.insert(asked.to_owned());
        // Other names of the template are names of its instances too.
        if let (Some(template), (_, Some(instance), _)) = (name::template(unit), name::parts(unit)) {
            let templates = aliases.get(&template).into_iter().flatten();
            others.extend(templates.map(|alias| name::instantiate(alias, instance)));
        }
        others.remove(unit);
        Ok(std::iter::once(unit.to_owned()).chain(others).collect())
    }

    /// Links by the unit they lead to, found once for all units.
    fn aliases(&self) -> Result<Rc<Aliases>> {
        if let Some(aliases) = self.aliases.borrow().as_ref() {
            return Ok(aliases.clone());
        }
        let mut aliases = Aliases::new();
        let files = self.directories.iter().flat_map(|directory| &directory.units);
        for (link, _) in files.filter(|(_, file)| matches!(file, File::Link(_))) {
            if let Ok(found) = self.find(link, Reader::Manager)?
                && !found.masked
                && found.name != *link
            {
                aliases.entry(found.name).or_default().insert(link.clone());
            }
        }
        let aliases = Rc::new(aliases);
        *self.aliases.borrow_mut() = Some(aliases.clone());
        Ok(aliases)
    }

    /// Addresses and paths on which a socket unit listens for streams, with their lines: a port in decimal digits,
    /// `address:port` or a path. `None` where the unit can't be loaded.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn listen_streams(&self, socket: &str) -> Result<Option<Vec<Sourced<String>>>> {
        let Some(unit) = self.unit(socket)? else { return Ok(None) };
        // One empty `Listen…=` of any kind resets all of them, as in `config_parse_socket_listen`.
        let mut streams = Vec::new();
        for setting in unit.settings.iter().filter(|s| s.section == "Socket") {
            let listens = LISTENS.contains(&setting.key.as_str());
            if listens && setting.value.value.is_empty() {
                streams.clear();
            } else if setting.key == "ListenStream" {
                let value = name::expand(&setting.value.value, &unit.name);
                let value = port(&value).map_or(value, |port| port.to_string());
                streams.push(Sourced::new(value, setting.value.at.clone()));
            }
        }
        Ok(Some(streams))
    }

    /// The unit that a socket, timer or path unit starts: `Service=`, `Unit=`, or the service of
    /// its own name. `None` for other types, and where the unit can't be loaded.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn activates(&self, trigger: &str) -> Result<Option<String>> {
        let (section, key) = match name::unit_type(trigger) {
            Some("socket") => ("Socket", "Service"),
            Some("timer") => ("Timer", "Unit"),
            Some("path") => ("Path", "Unit"),
            _ => return Ok(None),
        };
        let Some(unit) = self.unit(trigger)? else { return Ok(None) };
        let expanded = unit.assignments(section, key).map(|named| name::expand(&named.value, &unit.name));
        // A name that is none counts as a line that isn't there; so does an empty one. Of a template, timers and
        // paths start the instance of their own name.
        let mut named = expanded.filter_map(|named| {
            let kind = name::unit_type(&named)?;
            let is_template = name::kind(&named) == Some(name::Kind::Template);
            if key == "Service" {
                return (kind == "service" && !is_template).then_some(named);
            }
            let (prefix, instance, _) = name::parts(&unit.name);
            let own = instance.unwrap_or(prefix);
            let named = if is_template { name::instantiate(&named, own) } else { named };
            (named != unit.name).then_some(named)
        });
        // Timers and paths keep the first, sockets the last.
        let named = if key == "Service" { named.next_back() } else { named.next() };
        if named.is_some() {
            return Ok(named);
        }
        let stem = unit.name.rsplit_once('.').map_or(unit.name.as_str(), |(stem, _)| stem);
        let per_connection = key == "Service" && unit.flag("Socket", "Accept") == Some(true);
        Ok(Some(if per_connection { format!("{stem}@.service") } else { format!("{stem}.service") }))
    }

    /// Whether nothing can start this unit.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn is_masked(&self, unit: &str) -> Result<bool> {
        Ok(matches!(self.state(unit)?.value, State::Masked | State::MaskedRuntime))
    }
}

/// A lone port as `safe_atou16()` reads it: `022` is octal, `0x16` hexadecimal.
fn port(text: &str) -> Option<u16> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
    u16::from_str_radix(digits, base).ok().filter(|port| plain && *port > 0)
}

/// Directories for one name, the most specific first: its own, its template's, and in turn those
/// of its prefixes up to a dash (`a-b.service`: `a-.service.d`). An instance's prefixes keep the
/// instance, a template's become plain names.
fn drop_in_directories(unit: &str) -> Vec<String> {
    let mut directories = Vec::new();
    let mut todo = vec![unit.to_owned()];
    while let Some(unit) = todo.pop() {
        let (prefix, instance, unit_type) = name::parts(&unit);
        if let Some(dash) = prefix.rmatch_indices('-').map(|(at, _)| at).find(|at| at + 1 < prefix.len()) {
            let shorter = &prefix[..=dash];
            todo.push(match instance {
                Some(instance) if !instance.is_empty() => format!("{shorter}@{instance}.{unit_type}"),
                _ => format!("{shorter}.{unit_type}"),
            });
        }
        todo.extend(name::template(&unit));
        directories.push(format!("{unit}.d"));
    }
    directories
}
