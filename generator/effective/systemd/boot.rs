//! What a boot starts: everything that `default.target` pulls in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::{Unit, Units, name};
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

#[cfg(test)]
mod differential;

/// Keys of `[Unit]` without whose units this one's start fails, and keys that start others along.
const HARD: [&str; 2] = ["Requires", "BindsTo"];
const SOFT: [&str; 2] = ["Wants", "Upholds"];
/// Directories of links that do the same.
const HARD_LINKS: [&str; 1] = [".requires"];
const SOFT_LINKS: [&str; 2] = [".wants", ".upholds"];
/// What every service, socket, timer and path unit requires, unless it says `DefaultDependencies=no`.
const EARLY: &str = "sysinit.target";
/// What boots where there is no default target.
const RESCUE: &str = "rescue.target";
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

/// A generator that makes a target want another at every boot, unless a file switches it off: the
/// generator, the file, the unit and the target that wants it (cloud-init's `cloud-init-generator`;
/// where it finds no cloud it does not, which no image tells).
const CLOUD_INIT: (&str, &str, &str, &str) = (
    "/usr/lib/systemd/system-generators/cloud-init-generator",
    "/etc/cloud/cloud-init.disabled",
    "cloud-init.target",
    "multi-user.target",
);

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

/// A unit or script that may start, and what it pulls in.
struct Node {
    unit: String,
    file: String,
    hard: Vec<Sourced<String>>,
    soft: Vec<Sourced<String>>,
}

/// All that may start, by every name that asks for it; none for a name that nothing can be started by.
type Nodes = BTreeMap<String, Option<Rc<Node>>>;

impl Units<'_> {
    /// All units that a boot into `default.target` starts, by name. Sockets, timers and paths are
    /// among them; what they start later is not: see [`Units::activates`].
    ///
    /// As `transaction_add_job_and_dependencies()` has it: a unit that lacks a required one still starts, but
    /// pulls in nothing that it only wants. What requires such a unit may be kept from starting by it, by chance: it is
    /// named. Where a unit is asked for by two names, its main file is read under the one that this comes to first. `Conflicts=` and ordering are
    /// not followed: of two units in conflict both are named here, and all that are ordered in a circle.
    ///
    /// Empty where nothing can boot.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn starts_at_boot(&self) -> Result<Vec<Started>> {
        let mut default = "default.target";
        let mut nodes = self.reachable(default)?;
        if nodes[default].is_none() {
            default = RESCUE;
            nodes = self.reachable(default)?;
        }
        let lacking = lacking(&nodes);
        if lacking.contains(default) {
            return Ok(Vec::new());
        }
        let mut started: BTreeMap<String, Started> = BTreeMap::new();
        let mut queue = VecDeque::from([(default.to_owned(), Cause::Default, Vec::new())]);
        while let Some((wanted, cause, chain)) = queue.pop_front() {
            let Some(Some(node)) = nodes.get(&wanted) else { continue };
            if started.contains_key(&node.unit) {
                continue;
            }
            let (unit, file) = (node.unit.clone(), node.file.clone());
            started.insert(unit.clone(), Started { unit: unit.clone(), file, cause, chain: chain.clone() });
            let below: Vec<String> = chain.into_iter().chain([unit]).collect();
            let soft = node.soft.iter().filter(|_| !lacking.contains(wanted.as_str()));
            for next in node.hard.iter().chain(soft) {
                queue.push_back((next.value.clone(), Cause::PulledIn(next.clone()), below.clone()));
            }
        }
        Ok(started.into_values().collect())
    }

    /// Everything that a unit pulls in, directly or not.
    fn reachable(&self, first: &str) -> Result<Nodes> {
        let scripts = self.scripts()?;
        let mut nodes = Nodes::new();
        let mut queue = VecDeque::from([first.to_owned()]);
        while let Some(wanted) = queue.pop_front() {
            if nodes.contains_key(&wanted) {
                continue;
            }
            let node = match self.unit(&wanted)? {
                Some(unit) if unit.can_start() => Some(Rc::new(self.node(unit, &wanted, &scripts)?)),
                Some(_) => None,
                None => scripts.get(&wanted).map(|script| {
                    let (unit, file) = (wanted.clone(), script.file.clone());
                    Rc::new(Node { unit, file, hard: Vec::new(), soft: Vec::new() })
                }),
            };
            let pulled = node.iter().flat_map(|node| node.hard.iter().chain(&node.soft));
            queue.extend(pulled.map(|next| next.value.clone()));
            nodes.insert(wanted, node);
        }
        Ok(nodes)
    }

    fn node(&self, unit: Unit, asked: &str, scripts: &BTreeMap<String, Script>) -> Result<Node> {
        let mut hard = self.pulled_in(&unit, asked, &HARD, &HARD_LINKS)?;
        let mut soft = self.pulled_in(&unit, asked, &SOFT, &SOFT_LINKS)?;
        let early = ["service", "socket", "timer", "path"];
        let is_early = name::unit_type(&unit.name).is_some_and(|kind| early.contains(&kind));
        let by_default = unit.flag("Unit", "DefaultDependencies") != Some(false);
        if is_early && by_default {
            hard.push(Sourced::new(EARLY.to_owned(), Location::file(&unit.fragment)));
        }
        soft.extend(unit.words("Service", "Sockets", asked));
        for (service, script) in scripts {
            for (_, at) in script.wanted_by.iter().filter(|(target, _)| *target == unit.name) {
                soft.push(Sourced::new(service.clone(), at.clone()));
            }
        }
        let (script, service, target) = RC_LOCAL;
        if unit.name == target && self.root.resolve(script)?.is_some_and(|s| s.meta.mode & 0o111 != 0) {
            soft.push(Sourced::new(service.to_owned(), Location::file(script)));
        }
        let (generator, switch, service, target) = CLOUD_INIT;
        if unit.name == target && self.root.exists(generator)? && !self.root.exists(switch)? {
            soft.push(Sourced::new(service.to_owned(), Location::file(generator)));
        }
        Ok(Node { unit: unit.name, file: unit.fragment, hard, soft })
    }

    /// Whether a boot into `default.target` starts this unit.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn starts(&self, unit: &str) -> Result<bool> {
        Ok(self.starts_at_boot()?.iter().any(|started| started.unit == unit))
    }

    /// Names that a unit pulls in by these keys and links, each with its line or link.
    fn pulled_in(
        &self,
        unit: &Unit,
        asked: &str,
        keys: &[&str],
        suffixes: &[&str],
    ) -> Result<Vec<Sourced<String>>> {
        let mut pulled: Vec<Sourced<String>> =
            keys.iter().flat_map(|key| unit.words("Unit", key, asked)).collect();
        pulled.retain(|word| name::kind(&word.value).is_some());
        for word in &mut pulled {
            word.value = instance_of(&word.value, unit.name_in(&word.at, asked));
        }
        for name in self.names_of(&unit.name, &unit.name)? {
            for name in std::iter::once(name.clone()).chain(name::template(&name)) {
                for directory in &self.directories {
                    for suffix in suffixes {
                        let sub = format!("{name}{suffix}");
                        for link in
                            directory.subdirectories.get(&sub).into_iter().flatten().map(|(link, _)| link)
                        {
                            let path = format!("{}/{sub}/{link}", directory.path);
                            let at = Location::file(display(path.as_bytes()));
                            pulled.push(Sourced::new(instance_of(link, &unit.name), at));
                        }
                    }
                }
            }
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

/// The units that lack one they require: nothing of its name is there, or it can't be started.
fn lacking(nodes: &Nodes) -> BTreeSet<&str> {
    let missing = |name: &str| !needs_no_file(name) && nodes.get(name).is_some_and(Option::is_none);
    let lacks = |node: &Node| node.hard.iter().any(|hard| missing(&hard.value));
    let lacking = nodes.iter().filter(|(_, node)| node.as_ref().is_some_and(|node| lacks(node)));
    lacking.map(|(name, _)| name.as_str()).collect()
}

/// Units that the manager makes by itself, and those that come with the hardware.
fn needs_no_file(unit: &str) -> bool {
    unit == "-.mount"
        || name::unit_type(unit).is_some_and(|kind| ["device", "slice", "scope"].contains(&kind))
}

/// A template that a unit pulls in means the instance of the unit's own instance, or else of its name.
fn instance_of(pulled: &str, unit: &str) -> String {
    match (name::kind(pulled), name::parts(unit)) {
        (Some(name::Kind::Template), (prefix, instance, _)) => {
            name::instantiate(pulled, instance.unwrap_or(prefix))
        }
        _ => pulled.to_owned(),
    }
}
