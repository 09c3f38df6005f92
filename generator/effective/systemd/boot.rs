//! What a boot starts: everything that `default.target` pulls in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Unit, Units, name};
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

/// Keys of `[Unit]` that start other units along.
const PULLING: [&str; 4] = ["Wants", "Requires", "BindsTo", "Upholds"];
/// Directories of links that do.
const LINKS: [&str; 3] = [".wants", ".requires", ".upholds"];
/// Directories of SysV scripts' links and the targets that stand for the runlevels.
const RUNLEVELS: [(&str, &str); 5] = [
    ("rcS.d", "sysinit.target"),
    ("rc2.d", "multi-user.target"),
    ("rc3.d", "multi-user.target"),
    ("rc4.d", "multi-user.target"),
    ("rc5.d", "graphical.target"),
];

/// A script that systemd-rc-local-generator(8) starts where it is executable: the file, its unit
/// and the target that wants it.
const RC_LOCAL: (&str, &str, &str) = ("/etc/rc.local", "rc-local.service", "multi-user.target");

/// Why a unit starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is where the boot begins.
    Default,
    /// Another unit wants it, by this line or link.
    PulledIn(Sourced<String>),
}

/// A unit that a boot starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its name after aliases.
    pub unit: String,
    /// Its file: a unit file, or the script of a SysV service.
    pub file: String,
    /// The nearest reason.
    pub cause: Cause,
    /// The units from `default.target` down to the one that pulls it in.
    pub chain: Vec<String>,
}

/// A SysV script that systemd wraps in a service.
struct Script {
    /// `/etc/init.d/NAME`
    file: String,
    /// Targets that want it, with the link in `rcN.d`.
    wanted_by: Vec<(&'static str, Location)>,
}

impl Units<'_> {
    /// All units that a boot into `default.target` starts, by name. Sockets, timers and paths are
    /// among them; what they start later is not: see [`Units::activates`].
    ///
    /// Empty where there is no default target.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn starts_at_boot(&self) -> Result<Vec<Started>> {
        let scripts = self.scripts()?;
        let mut started: BTreeMap<String, Started> = BTreeMap::new();
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let mut queue = VecDeque::from([("default.target".to_owned(), Cause::Default, Vec::new())]);
        while let Some((wanted, cause, chain)) = queue.pop_front() {
            if !asked.insert(wanted.clone()) {
                continue;
            }
            let pulled = if let Some(unit) = self.unit(&wanted)? {
                if started.contains_key(&unit.name) {
                    continue;
                }
                let pulled = self.pulled_in(&unit, &scripts)?;
                let file = unit.fragment;
                let entry = Started { unit: unit.name.clone(), file, cause, chain: chain.clone() };
                started.insert(unit.name.clone(), entry);
                (unit.name, pulled)
            } else if let Some(script) = scripts.get(&wanted) {
                let file = script.file.clone();
                started.insert(wanted.clone(), Started { unit: wanted.clone(), file, cause, chain });
                continue;
            } else {
                continue;
            };
            let (unit, pulled) = pulled;
            let below: Vec<String> = chain.into_iter().chain([unit]).collect();
            for next in pulled {
                if !asked.contains(&next.value) {
                    queue.push_back((next.value.clone(), Cause::PulledIn(next), below.clone()));
                }
            }
        }
        Ok(started.into_values().collect())
    }

    /// Names that a unit pulls in, each with its line or link.
    fn pulled_in(&self, unit: &Unit, scripts: &BTreeMap<String, Script>) -> Result<Vec<Sourced<String>>> {
        let mut pulled = Vec::new();
        for key in PULLING {
            pulled.extend(unit.words("Unit", key));
        }
        for name in self.names_of(&unit.name, &unit.name)? {
            for name in std::iter::once(name.clone()).chain(name::template(&name)) {
                for directory in &self.directories {
                    for suffix in LINKS {
                        let sub = format!("{name}{suffix}");
                        let files = directory.subdirectories.get(&sub).into_iter().flatten();
                        for (link, _) in files {
                            let path = format!("{}/{sub}/{link}", directory.path);
                            let at = Location::file(display(path.as_bytes()));
                            pulled.push(Sourced::new(instance_of(link, &unit.name), at));
                        }
                    }
                }
            }
        }
        for (service, script) in scripts {
            for (_, at) in script.wanted_by.iter().filter(|(target, _)| *target == unit.name) {
                pulled.push(Sourced::new(service.clone(), at.clone()));
            }
        }
        let (script, service, target) = RC_LOCAL;
        if unit.name == target && self.root.resolve(script)?.is_some_and(|s| s.meta.mode & 0o111 != 0) {
            pulled.push(Sourced::new(service.to_owned(), Location::file(script)));
        }
        Ok(pulled)
    }

    /// SysV scripts with a start link and without a unit of their name, native or masked.
    fn scripts(&self) -> Result<BTreeMap<String, Script>> {
        let mut scripts: BTreeMap<String, Script> = BTreeMap::new();
        for (directory, target) in RUNLEVELS {
            let directory = format!("etc/{directory}");
            for entry in self.root.read_dir(&directory)? {
                let Ok(link) = std::str::from_utf8(&entry.name) else { continue };
                let Some(script) = link.strip_prefix('S').and_then(|rest| rest.get(2..)) else {
                    continue;
                };
                let service = format!("{}.service", script.strip_suffix(".sh").unwrap_or(script));
                let file = format!("etc/init.d/{script}");
                if name::kind(&service).is_none()
                    || self.directories.iter().any(|d| d.units.contains_key(&service))
                    || !self.root.exists(&file)?
                {
                    continue;
                }
                let at = Location::file(display(format!("{directory}/{link}").as_bytes()));
                let entry = scripts
                    .entry(service)
                    .or_insert_with(|| Script { file: display(file.as_bytes()), wanted_by: Vec::new() });
                entry.wanted_by.push((target, at));
            }
        }
        Ok(scripts)
    }
}

/// A link to a template in an instance's directory means the same instance of it.
fn instance_of(link: &str, unit: &str) -> String {
    match (name::kind(link), name::parts(unit)) {
        (Some(name::Kind::Template), (_, Some(instance), _)) => name::instantiate(link, instance),
        _ => link.to_owned(),
    }
}
