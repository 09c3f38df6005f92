//! firewalld's objects: zones, policies, services and sets of addresses, from `/usr/lib/firewalld`
//! and, in their place where the name is the same, from `/etc/firewalld`.
//!
//! Follows `firewall/core/io/*.py` of firewalld 1.3. What firewalld refuses or ignores with a
//! warning is an unknown here: such a file is hardly what its author meant.

mod elements;

use std::collections::BTreeMap;

use self::elements::{Reader, icmp_type, set};
use super::super::Family;
use super::super::model::Unknown;
use super::super::names::Names;
use super::super::ranges::Ranges;
use super::xml::{self, Element};
use crate::location::Location;
use crate::target::{Result, Root};

/// Files of one kind before they count as hostile.
const MAX_FILES: usize = 5000;
const PLACES: [&str; 2] = ["/usr/lib/firewalld", "/etc/firewalld"];

type Read<T> = std::result::Result<T, Unknown>;

/// What a zone or policy does with packets that none of its rules names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A zone's default: refused, but for ICMP.
    Default,
    Accept,
    Reject,
    Drop,
    /// A policy's default: what comes after it decides.
    Continue,
}

/// Ports, and the protocol that has them.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) protocol: String,
    pub(super) ports: Ranges,
}

/// From where, or to where.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Ip(Family, Ranges),
    Mac(String),
    Set(String),
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Anything,
    Service(String),
    Port(Ports),
    SourcePort(Ports),
    Protocol(u8),
    IcmpType(String),
    /// An ICMP type that is refused.
    IcmpBlock(String),
    /// A port that is given to another port or host.
    ForwardPort(Ports),
    /// Masquerading and clamping: nothing that decides who gets in.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Deny,
    /// Marks, and goes on.
    Mark,
    /// Logs, and goes on.
    None,
}

/// A rule in the rich language, or one of the plain elements that stand for one.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) family: Option<Family>,
    pub(super) priority: i32,
    pub(super) source: Option<(Address, bool)>,
    pub(super) destination: Option<(Address, bool)>,
    pub(super) subject: Subject,
    pub(super) verdict: Verdict,
    pub(super) limited: bool,
    /// A plain element, not a rule.
    pub(super) plain: bool,
    pub(super) at: Location,
}

/// A zone or a policy.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) target: Target,
    /// The line of the target, or of the zone.
    pub(super) at: Location,
    pub(super) interfaces: Vec<(String, Location)>,
    pub(super) sources: Vec<(Address, Location)>,
    pub(super) rules: Vec<Rule>,
    pub(super) icmp_inverted: bool,
    pub(super) forward: bool,
    /// Of policies.
    pub(super) priority: i32,
    pub(super) ingress: Vec<String>,
    pub(super) egress: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    pub(super) ports: Vec<Ports>,
    pub(super) source_ports: Vec<Ports>,
    pub(super) protocols: Vec<u8>,
    pub(super) destinations: Vec<(Family, Ranges)>,
    pub(super) includes: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) kind: String,
    pub(super) family: Family,
    /// Those of the file; a set whose entries time out is empty when the boot is over.
    pub(super) addresses: Ranges,
}

/// All objects by name.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) zones: BTreeMap<String, Zone>,
    pub(super) policies: BTreeMap<String, Zone>,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) sets: BTreeMap<String, Set>,
    /// ICMP types with the families they are for; none is both.
    pub(super) icmp_types: BTreeMap<String, Vec<Family>>,
    pub(super) unknown: Vec<Unknown>,
}

impl Config {
    /// Reads all files.
    ///
    /// # Errors
    /// A file that can't be read. What is broken is in `unknown`.
    pub(super) fn read(root: Root<'_>, names: &Names) -> Result<Self> {
        let mut unknown = Vec::new();
        let reader = Reader { names };
        let zones = objects(root, "zones", &mut unknown, |e| reader.zone(e, false))?;
        let policies = objects(root, "policies", &mut unknown, |e| reader.zone(e, true))?;
        let services = objects(root, "services", &mut unknown, |e| reader.service(e))?;
        let sets = objects(root, "ipsets", &mut unknown, set)?;
        let icmp_types = objects(root, "icmptypes", &mut unknown, icmp_type)?;
        Ok(Self { zones, policies, services, sets, icmp_types, unknown })
    }
}

fn objects<T>(
    root: Root<'_>,
    kind: &str,
    unknown: &mut Vec<Unknown>,
    make: impl Fn(&Element) -> Read<T>,
) -> Result<BTreeMap<String, T>> {
    let mut found = BTreeMap::new();
    let mut count = 0;
    for place in PLACES {
        let directory = format!("{place}/{kind}");
        for entry in root.read_dir(&directory)? {
            let path = format!("{directory}/{}", String::from_utf8_lossy(&entry.name));
            let Some(name) = std::str::from_utf8(&entry.name).ok().and_then(|n| n.strip_suffix(".xml"))
            else {
                if kind == "zones" && !root.read_dir(&path)?.is_empty() {
                    let text = "a zone put together from several files".to_owned();
                    unknown.push(Unknown { at: Location::file(path), text });
                }
                continue;
            };
            count += 1;
            if count > MAX_FILES {
                let text = "more files than any real configuration has".to_owned();
                unknown.push(Unknown { at: Location::file(directory), text });
                return Ok(found);
            }
            let Some(element) = xml::read(root, &path)? else { continue };
            match element.and_then(|element| make(&element)) {
                Ok(object) => drop(found.insert(name.to_owned(), object)),
                Err(problem) => unknown.push(problem),
            }
        }
    }
    Ok(found)
}
