//! firewalld: what the daemon loads at boot with its nftables backend.
//!
//! Follows firewalld 1.3 (Python sources under `firewall/core`): zones, policies, services, sets
//! and the rich language, from `/usr/lib/firewalld` and `/etc/firewalld`. The configuration is
//! known from files alone: a zone that NetworkManager gives to a connection is not. A packet's
//! source is taken to be reached by the interface that it came in by, so the daemon's own test of
//! that (`IPv6_rpfilter`) decides nothing. Direct rules and the iptables backend are unknowns.

mod chains;
mod config;
mod icmp;
#[cfg(test)]
mod tests;
mod xml;

use super::boot::{Setup, first_of};
use super::model::{RuleSet, Unknown};
use super::names::Names;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};
use config::{Config, Subject};

const PROGRAMS: [&str; 1] = ["/usr/sbin/firewalld"];
const SETTINGS: &str = "/etc/firewalld/firewalld.conf";
const DIRECT: &str = "/etc/firewalld/direct.xml";
/// Zones without which firewalld does not start.
const NEEDED: [&str; 3] = ["block", "drop", "trusted"];

/// Reads what firewalld's start makes of an empty packet filter.
///
/// # Errors
/// A file that can't be read.
pub fn firewalld(root: Root<'_>) -> Result<Setup> {
    if first_of(root, &PROGRAMS)?.is_none() {
        return Ok(Setup::Absent);
    }
    let settings = root.read_text(SETTINGS)?.unwrap_or_default();
    let mut config = Config::read(root, &Names::read(root)?)?;
    let mut unknown = std::mem::take(&mut config.unknown);
    // Another word for it is nftables too, but not in capitals: that stops firewalld.
    if let Some(backend) = setting(&settings, "FirewallBackend")
        && ["iptables", "nftables"].contains(&backend.value.to_ascii_lowercase().as_str())
        && backend.value != "nftables"
    {
        let text = format!("firewalld's backend {}", backend.value);
        unknown.push(Unknown { at: backend.at, text });
    }
    match xml::read(root, DIRECT)? {
        Some(Ok(direct)) => {
            unknown.extend(direct.children.first().map(|c| c.unknown("firewalld's direct rules")))
        }
        Some(Err(broken)) => unknown.push(broken),
        None => {}
    }
    for zone in NEEDED {
        if !config.zones.contains_key(zone) {
            let text = format!("firewalld refuses to start without the zone {zone}");
            unknown.push(Unknown { at: Location::file("/usr/lib/firewalld/zones"), text });
        }
    }
    let fallback = || Sourced::new("public".to_owned(), Location::file(SETTINGS));
    let mut default_zone = setting(&settings, "DefaultZone").unwrap_or_else(fallback);
    if !config.zones.contains_key(&default_zone.value) {
        let other = ["public", "external"].into_iter().find(|zone| config.zones.contains_key(*zone));
        default_zone.value = other.unwrap_or("block").to_owned();
    }
    unknown.extend(twice(&config));
    unknown.extend(missing(&config));
    let off = |s: Sourced<String>| ["no", "false"].contains(&s.value.to_ascii_lowercase().as_str());
    let tests_sources = !setting(&settings, "IPv6_rpfilter").is_some_and(off);
    let (table, more) = chains::table(&config, &default_zone, tests_sources);
    unknown.extend(more);
    Ok(Setup::Loads(RuleSet { tables: vec![table], unknown, origin: SETTINGS.to_owned(), flushes: None }))
}

/// The value of a setting: the first line with one.
fn setting(text: &str, name: &str) -> Option<Sourced<String>> {
    text.split('\n').enumerate().find_map(|(index, line)| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let parts: Vec<&str> = line.split('=').map(str::trim).collect();
        let [key, value] = parts.as_slice() else { return None };
        let found = *key == name && !value.is_empty();
        found.then(|| Sourced::new((*value).to_owned(), Location::line(SETTINGS, index + 1)))
    })
}

/// An interface of two zones, which firewalld refuses.
fn twice(config: &Config) -> Option<Unknown> {
    let mut seen: Vec<(&str, &Location)> = config
        .zones
        .values()
        .flat_map(|zone| &zone.interfaces)
        .map(|(name, at)| (name.as_str(), at))
        .collect();
    seen.sort_unstable();
    let (_, pair) = seen.windows(2).enumerate().find(|(_, pair)| pair[0].0 == pair[1].0)?;
    let text = format!("firewalld refuses: interface {} in two zones", pair[1].0);
    Some(Unknown { at: pair[1].1.clone(), text })
}

/// A service or ICMP type that nothing defines: firewalld looks for them in objects out of use too.
fn missing(config: &Config) -> Option<Unknown> {
    let refused = |at: &Location, what: &str, name: &str| {
        Some(Unknown { at: at.clone(), text: format!("firewalld refuses: no {what} {name}") })
    };
    for rule in config.zones.values().chain(config.policies.values()).flat_map(|zone| &zone.rules) {
        match &rule.subject {
            Subject::Service(name) if rule.plain && !config.services.contains_key(name) => {
                return refused(&rule.at, "service", name);
            }
            Subject::IcmpType(name) | Subject::IcmpBlock(name) if !config.icmp_types.contains_key(name) => {
                return refused(&rule.at, "ICMP type", name);
            }
            _ => {}
        }
    }
    let included =
        config.services.iter().flat_map(|(of, service)| service.includes.iter().map(move |to| (of, to)));
    let absent = included.into_iter().find(|(_, to)| !config.services.contains_key(*to));
    absent.and_then(|(of, to)| refused(&Location::file(format!("service {of}")), "service", to))
}
