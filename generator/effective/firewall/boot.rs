//! Which packet filters a boot sets up, and what they let in together.
//!
//! Knows the units that load a packet filter, and what happens where several do: a packet must
//! pass all of them. Where they write the same tables, or one empties the others' in an order
//! that no unit file fixes, that is an unknown.

use super::Family;
use super::firewalld::firewalld;
use super::iptables::iptables_file;
use super::model::{RuleSet, Unknown};
use super::nft_text::nftables_file;
use super::ufw::ufw;
use crate::effective::systemd::{Started, Units};
use crate::location::Location;
use crate::target::{Result, Root};

/// What a packet filter's start makes.
#[derive(Clone, Debug)]
pub enum Setup {
    /// It is not installed, or there is nothing for it to load.
    Absent,
    /// It loads nothing, because of this line or file.
    Off(Location),
    /// It loads rules.
    Loads(RuleSet),
}

/// A program that sets up a packet filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// `nft -f`.
    Nftables,
    /// `iptables-restore` and `ip6tables-restore`.
    Iptables,
    /// ufw.
    Ufw,
    /// firewalld.
    Firewalld,
}

/// A packet filter that a boot sets up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// What loads it.
    pub backend: Backend,
    /// The unit that starts it.
    pub unit: String,
}

/// All packet filters of a boot.
#[derive(Clone, Debug, Default)]
pub struct AtBoot {
    /// Those that load rules.
    pub active: Vec<Active>,
    /// What they let in together.
    pub rules: RuleSet,
}

/// A unit, what it loads, and the files for that.
type Loader = (&'static str, Backend, &'static [(&'static str, Family)]);

/// Units that load a packet filter, with the files that those of iptables load.
const LOADERS: [Loader; 6] = [
    ("nftables.service", Backend::Nftables, &[]),
    (
        "netfilter-persistent.service",
        Backend::Iptables,
        &[("/etc/iptables/rules.v4", Family::V4), ("/etc/iptables/rules.v6", Family::V6)],
    ),
    ("iptables.service", Backend::Iptables, &[("/etc/sysconfig/iptables", Family::V4)]),
    ("ip6tables.service", Backend::Iptables, &[("/etc/sysconfig/ip6tables", Family::V6)]),
    ("ufw.service", Backend::Ufw, &[]),
    ("firewalld.service", Backend::Firewalld, &[]),
];

/// Reads all packet filters that a boot sets up, one after the other into an empty kernel.
///
/// # Errors
/// A file that can't be read.
pub fn at_boot(root: Root<'_>, units: &Units<'_>) -> Result<AtBoot> {
    let started = units.starts_at_boot()?;
    let mut found = AtBoot::default();
    let mut loaded: Vec<(Active, RuleSet)> = Vec::new();
    for (unit, backend, files) in LOADERS {
        if !started.iter().any(|s: &Started| s.unit == unit) {
            continue;
        }
        let setup = match backend {
            Backend::Nftables => nftables(root, units, unit)?,
            Backend::Iptables => iptables(root, files)?,
            Backend::Ufw => ufw(root)?,
            Backend::Firewalld => firewalld(root)?,
        };
        if let Setup::Loads(rules) = setup {
            loaded.push((Active { backend, unit: unit.to_owned() }, rules));
        }
    }
    let conflict = conflict(&loaded);
    for (active, rules) in loaded {
        found.active.push(active);
        found.rules = if found.rules.origin.is_empty() { rules } else { found.rules.and(rules) };
    }
    found.rules.unknown.extend(conflict);
    Ok(found)
}

/// What `nft -f` of the unit's own command line loads.
fn nftables(root: Root<'_>, units: &Units<'_>, unit: &str) -> Result<Setup> {
    let Some(unit) = units.unit(unit)? else { return Ok(Setup::Absent) };
    let mut rules: Option<RuleSet> = None;
    for command in unit.values("Service", "ExecStart") {
        let words: Vec<&str> = command.value.split_whitespace().collect();
        let path = words.iter().position(|w| *w == "-f").and_then(|i| words.get(i + 1));
        let Some(path) = path else {
            let text = format!("what this loads is not known: {}", command.value);
            let unknown = vec![Unknown { at: command.at.clone(), text }];
            let more = RuleSet { unknown, origin: unit.fragment.clone(), ..RuleSet::default() };
            rules = Some(rules.map_or(more.clone(), |before| before.and(more)));
            continue;
        };
        if let Some(more) = nftables_file(root, path)? {
            rules = Some(match rules {
                Some(before) if more.flushes.is_none() => before.and(more),
                _ => more,
            });
        }
    }
    Ok(rules.map_or(Setup::Absent, Setup::Loads))
}

/// What files of iptables' load together.
///
/// # Errors
/// A file that can't be read.
pub fn iptables(root: Root<'_>, files: &[(&str, Family)]) -> Result<Setup> {
    let mut rules: Option<RuleSet> = None;
    for (path, family) in files {
        if let Some(more) = iptables_file(root, path, *family)? {
            rules = Some(match rules {
                Some(before) => before.and(more),
                None => more,
            });
        }
    }
    Ok(rules.map_or(Setup::Absent, Setup::Loads))
}

/// Why the order in which these are loaded decides, though nothing fixes it.
fn conflict(loaded: &[(Active, RuleSet)]) -> Option<Unknown> {
    let of = |backend| loaded.iter().find(|(active, _)| active.backend == backend);
    if loaded.iter().map(|(active, _)| active.backend).collect::<std::collections::BTreeSet<_>>().len() < 2 {
        return None;
    }
    if let Some((_, rules)) = of(Backend::Nftables)
        && let Some(at) = &rules.flushes
    {
        let text =
            "this empties what another unit of the boot loads, or not: the order is not fixed".to_owned();
        return Some(Unknown { at: at.clone(), text });
    }
    if let (Some((_, rules)), Some(_)) = (of(Backend::Iptables), of(Backend::Ufw)) {
        let text = "ufw and this file write the same tables, in an order that is not fixed".to_owned();
        return Some(Unknown { at: Location::file(&rules.origin), text });
    }
    let (active, _) = of(Backend::Firewalld)?;
    let text = "firewalld and another packet filter both start, and systemd stops one of them".to_owned();
    Some(Unknown { at: Location::file(format!("/etc/systemd/system/{}", active.unit)), text })
}

/// The first of some paths that is there: a backend's program or its rules.
///
/// # Errors
/// A path that can't be looked at.
pub(super) fn first_of<'p>(root: Root<'_>, paths: &[&'p str]) -> Result<Option<&'p str>> {
    for path in paths {
        if root.exists(path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
