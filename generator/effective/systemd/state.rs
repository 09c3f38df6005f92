//! Enablement from files alone: what `systemctl --root=DIR is-enabled` says.
//!
//! Follows systemd's `install.c`, whose rules are finer than the manual: a unit is enabled by
//! links of a name in its own `[Install]`, and links under other names make it indirect.

use std::collections::BTreeMap;
use std::fmt;

use super::lookup::{self, Directory, File, Purpose};
use super::name::{self, Kind};
use super::{Units, syntax};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, display};

/// Links followed from one name to the next before it counts as a loop, as in systemd.
const MAX_FOLLOWED: usize = 64;

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

/// A unit found: its name after aliases, its file and whether that masks it.
pub(super) struct Found {
    pub name: String,
    pub path: String,
    pub masked: bool,
}

/// Why none was found.
pub(super) enum Missing {
    NotFound,
    Broken,
}

/// Who looks for a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// `systemctl`, which stops at a link that it refuses.
    Systemctl,
    /// The manager, which ignores such a link and takes the next directory's file.
    Manager,
}

/// What one path holds.
enum Load {
    Absent,
    Masked,
    Regular,
    /// A link to this path inside the unit directories.
    Alias(String),
    /// A link to this path outside of them.
    Linked(String),
    Broken,
}

/// The rules of a unit's `[Install]` section, drop-ins included.
#[derive(Default)]
struct Install {
    aliases: Vec<String>,
    wanted_by: Vec<String>,
    required_by: Vec<String>,
    upheld_by: Vec<String>,
    also: Vec<String>,
    default_instance: Option<String>,
}

impl Units<'_> {
    /// The state of a unit, with the file or link that decides it.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn state(&self, unit: &str) -> Result<Sourced<State>> {
        let nowhere = |state| Sourced::new(state, Location::file(unit));
        let found = match self.find(unit, Reader::Systemctl)? {
            Ok(found) => found,
            Err(Missing::NotFound) => return Ok(nowhere(State::NotFound)),
            Err(Missing::Broken) => return Ok(nowhere(State::Broken)),
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
            return Ok(here(State::Alias));
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
        let rules = [&install.aliases, &install.wanted_by, &install.required_by, &install.upheld_by];
        Ok(here(match rules.iter().any(|rule| !rule.is_empty()) {
            true => State::Disabled,
            false if !install.also.is_empty() => State::Indirect,
            false => State::Static,
        }))
    }

    /// Looks a name up and follows links to the unit that it means.
    pub(super) fn find(&self, unit: &str, reader: Reader) -> Result<std::result::Result<Found, Missing>> {
        let Some(unit_type) = name::unit_type(unit) else { return Ok(Err(Missing::Broken)) };
        if name::kind(unit) != Some(Kind::Plain) && !name::can_be_template(unit_type) {
            return Ok(Err(Missing::Broken));
        }
        let mut name = unit.to_owned();
        let (mut path, mut load) = match self.search(&name, reader)? {
            Some(first) => first,
            None => return Ok(Err(Missing::NotFound)),
        };
        let mut outside = false;
        for _ in 0..MAX_FOLLOWED {
            let linked = matches!(load, Load::Linked(_));
            let (target, renamed) = match load {
                Load::Absent if outside => return Ok(Err(Missing::NotFound)),
                Load::Absent | Load::Broken => return Ok(Err(Missing::Broken)),
                Load::Masked => return Ok(Ok(Found { name, path, masked: true })),
                Load::Regular => return Ok(Ok(Found { name, path, masked: false })),
                Load::Linked(target) => (target, None),
                Load::Alias(target) => {
                    let renamed = renamed(&name, name::base(&target));
                    (target, renamed)
                }
            };
            outside = linked;
            match renamed {
                None => {
                    load = self.load(&target)?;
                    path = target;
                }
                Some(new) => match self.search(&new, reader)? {
                    Some(next) => {
                        name = new;
                        (path, load) = next;
                    }
                    None => return Ok(Err(Missing::Broken)),
                },
            }
        }
        Ok(Err(Missing::Broken))
    }

    /// The strongest file of a name, or for an instance else of its template.
    fn search(&self, unit: &str, reader: Reader) -> Result<Option<(String, Load)>> {
        for name in std::iter::once(unit.to_owned()).chain(name::template(unit)) {
            for directory in &self.directories {
                if directory.units.contains_key(&name) {
                    let path = format!("{}/{name}", directory.path);
                    let load = self.load(&path)?;
                    if reader == Reader::Systemctl || !matches!(load, Load::Broken) {
                        return Ok(Some((path, load)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn load(&self, path: &str) -> Result<Load> {
        let Some(entry) = self.root.entry(path)? else { return Ok(Load::Absent) };
        match entry.meta.kind {
            FileKind::File if entry.meta.size == 0 => return Ok(Load::Masked),
            FileKind::File => return Ok(Load::Regular),
            FileKind::Special => return Ok(Load::Masked),
            FileKind::Directory => return Ok(Load::Broken),
            FileKind::Symlink => {}
        }
        let text = self.root.tree().read_link(&entry.path)?;
        let at = String::from_utf8_lossy(&entry.path);
        let target = lookup::link_target(self.root, &at, &String::from_utf8_lossy(&text))?;
        if target == "dev/null" {
            return Ok(Load::Masked);
        }
        let inside = self.directories.iter().any(|d| is_directly_in(&target, &d.path));
        if inside && !name::may_alias(name::base(path), name::base(&target)) {
            return Ok(Load::Broken);
        }
        Ok(if inside { Load::Alias(target) } else { Load::Linked(target) })
    }

    fn install(&self, found: &Found) -> Result<Install> {
        let mut install = Install::default();
        let template = name::template(&found.name);
        let names: Vec<&str> =
            [Some(found.name.as_str()), template.as_deref()].into_iter().flatten().collect();
        let mut paths = vec![found.path.clone()];
        let directories = names
            .iter()
            .flat_map(|name| self.directories.iter().map(move |directory| (directory, format!("{name}.d"))));
        paths.extend(self.drop_ins(directories)?);
        for path in paths {
            for setting in self.settings(&path)?.iter().filter(|s| s.section == "Install") {
                let value = &setting.value.value;
                let list = match setting.key.as_str() {
                    "Alias" if name::unit_type(&found.name).is_some_and(name::can_be_alias) => {
                        &mut install.aliases
                    }
                    "WantedBy" => &mut install.wanted_by,
                    "RequiredBy" => &mut install.required_by,
                    "UpheldBy" if self.version >= 254 => &mut install.upheld_by,
                    "Also" => &mut install.also,
                    "DefaultInstance" if name::kind(&found.name) == Some(Kind::Template) => {
                        install.default_instance = (!value.is_empty()).then(|| value.clone());
                        continue;
                    }
                    _ => continue,
                };
                // `Also=` alone isn't reset by an empty value.
                if value.is_empty() && setting.key != "Also" {
                    list.clear();
                }
                list.extend(syntax::words(value));
            }
        }
        Ok(install)
    }

    /// Drop-ins of these directories by file name; of equal names the first directory's counts. A
    /// link to `/dev/null` is kept, as one without content: it shadows the others.
    pub(super) fn drop_ins<'d>(
        &self,
        directories: impl Iterator<Item = (&'d Directory, String)>,
    ) -> Result<Vec<String>> {
        let mut paths: BTreeMap<&str, String> = BTreeMap::new();
        for (directory, sub) in directories {
            for (name, file) in directory.subdirectories.get(&sub).into_iter().flatten() {
                if !name.ends_with(".conf") || name.starts_with('.') || paths.contains_key(name.as_str()) {
                    continue;
                }
                let path = format!("{}/{sub}/{name}", directory.path);
                let counts = match file {
                    File::Regular | File::Empty => true,
                    File::Link(text) if text == "/dev/null" => true,
                    File::Link(_) => self.root.resolve(&path)?.is_some_and(|l| l.meta.kind == FileKind::File),
                    File::Other => false,
                };
                if counts {
                    paths.insert(name, path);
                }
            }
        }
        Ok(paths.into_values().collect())
    }

    /// Looks for links that use the unit, directory by directory.
    fn links(&self, found: &Found, install: &Install, match_name: bool) -> Option<Sourced<State>> {
        let search = Search { found, install, match_name, upholds: self.version >= 254 };
        let (mut runtime, mut anywhere) = (None, None);
        let (mut same_config, mut same_runtime) = (None, None);
        let mut below = false;
        for directory in &self.directories {
            let (hit, same_name) = search.directory(directory, below);
            if let Some(at) = hit {
                match directory.purpose {
                    Purpose::Persistent => return Some(Sourced::new(State::Enabled, at)),
                    purpose if purpose.is_runtime() => runtime = runtime.or(Some(at)),
                    _ => anywhere = anywhere.or(Some(at)),
                }
            } else if let Some(at) = same_name {
                match directory.purpose {
                    Purpose::Persistent => same_config = Some(at),
                    purpose if purpose.is_runtime() => same_runtime = Some(at),
                    _ => {}
                }
            }
            below |= is_directly_in(&found.path, &directory.path);
        }
        // Links of packages make instances start, but are no enabling of plain units.
        let instance = name::kind(&found.name) == Some(Kind::Instance);
        let statically = anywhere.filter(|_| instance);
        None.or(runtime.map(|at| Sourced::new(State::EnabledRuntime, at)))
            .or(statically.map(|at| Sourced::new(State::Static, at)))
            .or(same_config.map(|at| Sourced::new(State::Linked, at)))
            .or(same_runtime.map(|at| Sourced::new(State::LinkedRuntime, at)))
    }
}

/// The search for links to one unit.
struct Search<'a> {
    found: &'a Found,
    install: &'a Install,
    match_name: bool,
    upholds: bool,
}

impl Search<'_> {
    /// The first link in a directory that uses the unit, and a link of the unit's own name in the
    /// directory itself. `below`: a stronger directory holds the unit's file.
    fn directory(&self, directory: &Directory, below: bool) -> (Option<Location>, Option<Location>) {
        let suffixes = [".wants", ".requires", ".upholds"];
        let suffixes = &suffixes[..if self.upholds { 3 } else { 2 }];
        for (sub, files) in &directory.subdirectories {
            if suffixes.iter().any(|suffix| sub.ends_with(suffix))
                && let Some(link) = self.dependency(files)
            {
                return (Some(location(&format!("{}/{sub}/{link}", directory.path))), None);
            }
        }
        let mut same_name = None;
        for (link, file) in &directory.units {
            let File::Link(text) = file else { continue };
            let own_name = !below && *link == self.found.name;
            let leads_here = name::base(text) == self.found.name;
            let at = || location(&format!("{}/{link}", directory.path));
            if own_name && leads_here {
                same_name = Some(at());
            } else if (own_name || leads_here) && self.counts(link) {
                return (Some(at()), same_name);
            }
        }
        (None, same_name)
    }

    /// A link of a `.wants` directory: only its own name matters, not where it leads.
    fn dependency<'f>(&self, files: &'f BTreeMap<String, File>) -> Option<&'f str> {
        let links = files.iter().filter(|(_, file)| matches!(file, File::Link(_)));
        let mut names = links.map(|(link, _)| link.as_str());
        names.find(|link| {
            let named = *link == self.found.name
                || name::template(link).is_some_and(|template| template == self.found.name);
            named && self.counts(link)
        })
    }

    /// Whether `[Install]` would make a link of this name.
    fn counts(&self, link: &str) -> bool {
        let instance = self.install.default_instance.as_deref();
        let default = || {
            name::kind(&self.found.name) == Some(Kind::Template)
                && instance.is_some_and(|i| name::instantiate(&self.found.name, i) == link)
        };
        !self.match_name
            || link == self.found.name
            || self.install.aliases.iter().any(|alias| alias == link)
            || default()
    }
}

/// The name an alias leads to; `None` where the link stands for the same unit.
fn renamed(name: &str, target: &str) -> Option<String> {
    let (_, instance, _) = name::parts(name);
    let target = match (name::kind(name), name::kind(target)) {
        (Some(Kind::Instance), Some(Kind::Template)) => {
            name::instantiate(target, instance.unwrap_or_default())
        }
        _ => target.to_owned(),
    };
    (target != name).then_some(target)
}

fn is_directly_in(path: &str, directory: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory)
}

fn location(path: &str) -> Location {
    Location::file(display(path.as_bytes()))
}
