//! chrony: `chrony.conf` as chrony.conf(5) says, and conf.c, cmdparse.c and addrfilt.c of its sources.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::TimeServer;
use crate::effective::files;
use crate::effective::network::{Network, stranger};
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/chronyd";
const FILES: [&str; 2] = ["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
/// Files that are included in all.
const MAX_FILES: usize = 200;
/// Includes in each other; chronyd refuses more.
const MAX_DEPTH: usize = 10;
/// Folders of one `confdir`; chronyd refuses more.
const MAX_FOLDERS: usize = 10;
/// Longest line with its end, in bytes; chronyd refuses a longer one.
const MAX_LINE: usize = 2047;
/// Rules beyond which who is allowed is not told.
const MAX_RULES: usize = 2000;

pub fn read(root: Root<'_>) -> Result<Option<TimeServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let mut file = FILES[0];
    for candidate in FILES {
        if root.exists(candidate)? {
            file = candidate;
            break;
        }
    }
    let mut config = Config::default();
    config.read(root, file, 0)?;
    let server = match &config.refused {
        Some(at) => Server::refused("chrony", at.clone()),
        None => Server { program: "chrony", reach: config.reach(Location::file(file)) },
    };
    // chronyd knows no such request: its clients are told on the command port only, after cmdallow.
    let monlist_possible = Sourced::new(false, server.reach.at.clone());
    Ok(Some(TimeServer { server, monlist_possible }))
}

/// `allow` or `deny`, for one family.
struct Rule {
    network: Network,
    allows: bool,
    /// Forgets the rules for parts of the network.
    forgets: bool,
    at: Location,
}

impl Rule {
    /// How specific it is: chronyd keeps networks by steps of four bits.
    fn level(&self) -> u32 {
        self.network.bits().next_multiple_of(4)
    }
}

/// What the directives say so far.
#[derive(Default)]
struct Config {
    files: usize,
    /// The first line that chronyd refuses.
    refused: Option<Location>,
    rules: Vec<Rule>,
    port: Option<u16>,
    /// The addresses it's bound to, where that's limited: IPv4 and IPv6.
    bound: [Option<IpAddr>; 2],
    command_port: Option<u16>,
    command_bound: [Option<Sourced<IpAddr>>; 2],
}

impl Config {
    fn read(&mut self, root: Root<'_>, file: &str, depth: usize) -> Result<()> {
        self.files += 1;
        let bytes = match root.read(file)? {
            Some(bytes) if depth <= MAX_DEPTH && self.files <= MAX_FILES => bytes,
            _ => {
                self.refused.get_or_insert_with(|| Location::file(file));
                return Ok(());
            }
        };
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let at = Location::line(file, index + 1);
            if line.len() > MAX_LINE {
                self.refused.get_or_insert(at);
                continue;
            }
            let line = String::from_utf8_lossy(line);
            let line = line.split('\0').next().unwrap_or_default();
            let words: Vec<&str> = line
                .split([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
                .filter(|word| !word.is_empty())
                .collect();
            let Some((directive, words)) = words.split_first() else { continue };
            if directive.starts_with(['!', ';', '#', '%']) {
                continue;
            }
            let directive = directive.to_ascii_lowercase();
            let included = match (directive.as_str(), words) {
                ("include", [pattern]) => include(root, pattern)?,
                ("confdir", folders) if (1..=MAX_FOLDERS).contains(&folders.len()) => confdir(root, folders)?,
                _ => {
                    if self.apply(&directive, words, &at).is_none() {
                        self.refused.get_or_insert(at);
                    }
                    continue;
                }
            };
            for path in included {
                self.read(root, &path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// `None` where chronyd refuses the line.
    fn apply(&mut self, directive: &str, words: &[&str], at: &Location) -> Option<()> {
        match (directive, words) {
            ("allow" | "deny", words) => self.rule(directive == "allow", words, at)?,
            ("cmdallow" | "cmddeny", words) => drop(networks(words)?),
            ("port", [port]) => self.port = Some(scan_number(port)?),
            ("cmdport", [port]) => self.command_port = Some(scan_number(port)?),
            ("bindaddress", [address]) => {
                let address: IpAddr = address.parse().ok()?;
                self.bound[usize::from(address.is_ipv6())] = Some(address);
            }
            ("bindcmdaddress", [path]) if path.starts_with('/') => {}
            ("bindcmdaddress", [address]) => {
                let address: IpAddr = address.parse().ok()?;
                self.command_bound[usize::from(address.is_ipv6())] = Some(Sourced::new(address, at.clone()));
            }
            ("port" | "cmdport" | "bindaddress" | "bindcmdaddress" | "include" | "confdir", _) => {
                return None;
            }
            // No directive is written otherwise; that others exist is not checked.
            (name, _) => return name.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(()),
        }
        Some(())
    }

    fn rule(&mut self, allows: bool, words: &[&str], at: &Location) -> Option<()> {
        let (forgets, networks) = networks(words)?;
        let rule = |network| Rule { network, allows, forgets, at: at.clone() };
        self.rules.extend(networks.into_iter().map(rule));
        Some(())
    }

    /// The rule that lets an address ask for the time: the last of the most specific ones that are not forgotten.
    fn allowing(&self, address: IpAddr) -> Option<&Rule> {
        let mut standing: BTreeMap<u32, &Rule> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.network.contains(address)) {
            if rule.forgets {
                standing.retain(|level, _| *level <= rule.level());
            }
            standing.insert(rule.level(), rule);
        }
        standing.last_entry().map(|entry| *entry.get()).filter(|rule| rule.allows)
    }

    /// Whether it takes requests of this address for the time.
    fn serves(&self, address: IpAddr) -> bool {
        let bound = self.bound[usize::from(address.is_ipv6())];
        let local = bound
            .is_some_and(|bound| bound.is_loopback() != address.is_loopback() && !bound.is_unspecified());
        self.port != Some(0) && !local && self.allowing(address).is_some()
    }

    /// Without `allow`, no port is open for time; the command port is on loopback unless it's bound elsewhere.
    fn reach(&self, default: Location) -> Sourced<Reach> {
        if self.command_port != Some(0)
            && let Some(open) = self.command_bound.iter().flatten().find(|bound| !bound.value.is_loopback())
        {
            return Sourced::new(Reach::Network, open.at.clone());
        }
        if self.rules.len() > MAX_RULES {
            return Sourced::new(Reach::Unknown("too many rules of who is allowed".to_owned()), default);
        }
        let networks: Vec<Network> = self.rules.iter().map(|rule| rule.network).collect();
        let rule = |address: IpAddr| self.allowing(address).filter(|_| self.serves(address));
        if let Some(rule) = stranger(&networks, |address| self.serves(address)).and_then(rule) {
            return Sourced::new(Reach::Network, rule.at.clone());
        }
        let local = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        match local.into_iter().find_map(rule) {
            Some(rule) => Sourced::new(Reach::Loopback, rule.at.clone()),
            None => Sourced::new(Reach::None, default),
        }
    }
}

/// A number as `scanf` takes it, up to what is no digit.
fn scan_number(text: &str) -> Option<u16> {
    let digits = text.trim_start_matches('+');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// `[all] [network]`: whether it says `all`, and the networks. `None` where chronyd refuses it.
fn networks(words: &[&str]) -> Option<(bool, Vec<Network>)> {
    let (all, rest) = match words {
        ["all", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    match rest {
        [] => Some((all, Network::all().to_vec())),
        [network] => Some((all, vec![Network::parse(network).or_else(|| shortened(network))?])),
        _ => None,
    }
}

/// `10`, `10.1` and `10.1.2`, also with the number of bits.
fn shortened(text: &str) -> Option<Network> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let mut octets = [0; 3];
    let parts: Vec<&str> = address.split('.').collect();
    for (octet, part) in octets.get_mut(..parts.len())?.iter_mut().zip(&parts) {
        *octet = part.parse().ok()?;
    }
    let bits = match bits {
        Some(bits) => bits.parse().ok()?,
        None => 8 * u32::try_from(parts.len()).ok()?,
    };
    let [a, b, c] = octets;
    Network::new(IpAddr::from([a, b, c, 0]), bits)
}

/// What a pattern expands to; a name without wildcards stays, and chronyd refuses it where it's missing.
fn include(root: Root<'_>, pattern: &str) -> Result<Vec<String>> {
    if files::is_pattern(pattern) { files::glob(root, pattern) } else { Ok(vec![pattern.to_owned()]) }
}

/// `*.conf` of several folders: a file hides those of its name in later folders.
fn confdir(root: Root<'_>, folders: &[&str]) -> Result<Vec<String>> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for path in files::glob(root, &format!("{folder}/*.conf"))? {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            found.entry(name).or_insert(path);
        }
    }
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests;
