//! `[Install]` rules and the links made by them.

use std::collections::BTreeMap;

use super::find::{Found, is_directly_in};
use super::lookup::{Directory, File, Purpose};
use super::name::{self, Kind};
use super::{State, Units, syntax};
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

/// The rules of a unit's `[Install]` section, drop-ins included.
#[derive(Default)]
pub(super) struct Install {
    aliases: Vec<String>,
    wanted_by: Vec<String>,
    required_by: Vec<String>,
    upheld_by: Vec<String>,
    pub also: Vec<String>,
    default_instance: Option<String>,
}

impl Install {
    /// Whether `systemctl enable` would make any link for the unit itself.
    pub fn has_rules(&self) -> bool {
        let rules = [&self.aliases, &self.wanted_by, &self.required_by, &self.upheld_by];
        rules.iter().any(|rule| !rule.is_empty())
    }
}

impl Units<'_> {
    /// The rules of a unit's file and its drop-ins.
    pub(super) fn install(&self, found: &Found) -> Result<Install> {
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

    /// Looks for links that use the unit, directory by directory. `match_name` counts only those
    /// of a name in its own `[Install]`.
    pub(super) fn links(&self, found: &Found, install: &Install, match_name: bool) -> Option<Sourced<State>> {
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

fn location(path: &str) -> Location {
    Location::file(display(path.as_bytes()))
}
