//! Unbound: `unbound.conf` as unbound.conf(5) says, and configlexer.lex and acl_list.c of its sources.

use std::net::IpAddr;

use super::{DnsServer, Recursion};
use crate::effective::files;
use crate::effective::network::{Network, stranger};
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/unbound";
const FILE: &str = "/etc/unbound/unbound.conf";
/// Files that are read in all.
const MAX_FILES: usize = 200;
/// Rules beyond which for whom it recurses is not told.
const MAX_RULES: usize = 2000;

/// Keys that begin a clause.
const CLAUSES: [&str; 13] = [
    "server",
    "remote-control",
    "stub-zone",
    "forward-zone",
    "auth-zone",
    "view",
    "python",
    "dynlib",
    "cachedb",
    "dnstap",
    "dnscrypt",
    "rpz",
    "ipset",
];

/// Keys with more than one value, and how many.
const LONGER: [(&str, usize); 17] = [
    ("access-control", 2),
    ("access-control-tag", 2),
    ("access-control-tag-action", 3),
    ("access-control-tag-data", 3),
    ("access-control-view", 2),
    ("interface-action", 2),
    ("interface-tag", 2),
    ("interface-tag-action", 3),
    ("interface-tag-data", 3),
    ("interface-view", 2),
    ("local-zone", 2),
    ("local-zone-tag", 2),
    ("local-zone-override", 3),
    ("response-ip", 2),
    ("response-ip-tag", 2),
    ("response-ip-data", 2),
    ("ratelimit-for-domain", 2),
];

/// What may be done for a network. Those that begin with `allow` recurse.
const ACTIONS: [&str; 8] = [
    "deny",
    "refuse",
    "deny_non_local",
    "refuse_non_local",
    "allow",
    "allow_setrd",
    "allow_snoop",
    "allow_cookie",
];

pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let config = Config::of(root)?;
    if let Some(at) = config.refused {
        return Ok(Some(DnsServer::refused("unbound", at)));
    }
    let server = Server { program: "unbound", reach: config.reach() };
    Ok(Some(DnsServer { server, recursion: config.recursion() }))
}

/// Whether it recurses for a network.
struct Rule {
    network: Network,
    recurses: bool,
    at: Location,
}

#[derive(Default)]
struct Config {
    files: usize,
    /// The first line that Unbound refuses.
    refused: Option<Location>,
    /// The clause that lines belong to: whether it is `server:`.
    clause: Option<bool>,
    interfaces: Vec<Sourced<String>>,
    automatic: Option<Location>,
    /// Address families that it does not serve: IPv4 and IPv6.
    off: [Option<Location>; 2],
    rules: Vec<Rule>,
}

impl Config {
    /// Without its file, Unbound starts with its defaults.
    fn of(root: Root<'_>) -> Result<Self> {
        let mut config = Self::default();
        if root.exists(FILE)? {
            config.read(root, FILE)?;
        }
        Ok(config)
    }

    fn read(&mut self, root: Root<'_>, file: &str) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            self.refused.get_or_insert_with(|| Location::file(file));
            return Ok(());
        }
        let Some(text) = root.read_text(file)? else {
            self.refused.get_or_insert_with(|| Location::file(file));
            return Ok(());
        };
        let mut lexer = Lexer { rest: &text, line: 1 };
        while let Some(key) = lexer.key() {
            let at = Location::line(file, lexer.line);
            let Some(key) = key else {
                self.refused.get_or_insert(at);
                return Ok(());
            };
            if CLAUSES.contains(&key) {
                self.clause = Some(key == "server");
                continue;
            }
            let count = LONGER.iter().find(|(name, _)| *name == key).map_or(1, |(_, count)| *count);
            // Paths know double quotes only.
            let includes = matches!(key, "include" | "include-toplevel");
            let quotes = if includes { "\"" } else { "\"'" };
            let values: Option<Vec<&str>> = (0..count).map(|_| lexer.value(quotes)).collect();
            let values = values.unwrap_or_default();
            match (includes, values.as_slice()) {
                (true, [pattern]) => {
                    let patterned = files::is_pattern(pattern);
                    let included =
                        if patterned { files::glob(root, pattern)? } else { vec![(*pattern).to_owned()] };
                    for path in included {
                        self.read(root, &path)?;
                    }
                    if key == "include-toplevel" {
                        self.clause = None;
                    }
                }
                (_, values) => {
                    if self.apply(key, values, &at).is_none() {
                        self.refused.get_or_insert(at);
                    }
                }
            }
        }
        Ok(())
    }

    /// `None` where Unbound refuses the line.
    fn apply(&mut self, key: &str, values: &[&str], at: &Location) -> Option<()> {
        match (key, values) {
            (_, []) => return None,
            _ if self.clause != Some(true) => return self.clause.map(|_| ()),
            ("interface" | "ip-address", [address]) => {
                self.interfaces.push(Sourced::new((*address).to_owned(), at.clone()));
            }
            ("interface-automatic", [value]) => self.automatic = boolean(value)?.then(|| at.clone()),
            ("do-ip4", [value]) => self.off[0] = (!boolean(value)?).then(|| at.clone()),
            ("do-ip6", [value]) => self.off[1] = (!boolean(value)?).then(|| at.clone()),
            ("access-control", [network, action]) => {
                let network = Network::parse(network)?;
                let recurses = ACTIONS.contains(action).then(|| action.starts_with("allow"))?;
                self.rules.push(Rule { network, recurses, at: at.clone() });
            }
            _ => {}
        }
        Some(())
    }

    /// Loopback, unless other interfaces are named.
    fn reach(&self) -> Sourced<Reach> {
        if let [Some(at), Some(_)] = &self.off {
            return Server::refused("unbound", at.clone()).reach;
        }
        // Then the interfaces that are named are not opened.
        if let Some(at) = &self.automatic {
            return Sourced::new(Reach::Network, at.clone());
        }
        let mut widest: Option<Sourced<Reach>> = None;
        for interface in &self.interfaces {
            let name = interface.value.split('@').next().unwrap_or_default();
            let family_is_off = self.off[usize::from(name.contains(':'))].is_some();
            // Neither an address nor a device is called so.
            let plausible = interface.value.chars().all(|c| c.is_alphanumeric() || ".:@-_%".contains(c));
            if !plausible && !family_is_off {
                return Server::refused("unbound", interface.at.clone()).reach;
            }
            let reach = match name.parse::<IpAddr>() {
                Ok(address) if self.off[usize::from(address.is_ipv6())].is_some() => Reach::None,
                Ok(_) => Reach::of_address(name),
                Err(_) if !plausible => Reach::None,
                Err(_) if name == "lo" => Reach::Loopback,
                // An interface's name.
                Err(_) => Reach::Network,
            };
            let wider = |known: &Sourced<Reach>| known.value.clone().or(reach.clone()) != known.value;
            if widest.as_ref().is_none_or(wider) {
                widest = Some(Sourced::new(reach, interface.at.clone()));
            }
        }
        match widest {
            // Unbound does not start without a socket.
            Some(none) if none.value == Reach::None => Server::refused("unbound", none.at).reach,
            Some(reach) => reach,
            None => Sourced::new(Reach::Loopback, Location::file(FILE)),
        }
    }

    /// The rule for an address: the last of those for the smallest network.
    fn rule(&self, address: IpAddr) -> Option<&Rule> {
        let matching = self.rules.iter().filter(|rule| rule.network.contains(address));
        matching.max_by_key(|rule| rule.network.bits())
    }

    /// Whether it recurses for an address: for loopback's where no line says otherwise.
    fn recurses_for(&self, address: IpAddr) -> bool {
        let default = if address.is_ipv4() { 8 } else { 128 };
        match self.rule(address) {
            Some(rule) if !address.is_loopback() || rule.network.bits() >= default => rule.recurses,
            _ => address.is_loopback(),
        }
    }

    fn recursion(&self) -> Sourced<Recursion> {
        let default = Location::file(FILE);
        if self.rules.len() > MAX_RULES {
            return Sourced::new(Recursion::Unknown("too many rules of access".to_owned()), default);
        }
        let networks: Vec<Network> = self.rules.iter().map(|rule| rule.network).collect();
        let found = stranger(&networks, |address| self.recurses_for(address)).and_then(|a| self.rule(a));
        let Some(found) = found else { return Sourced::new(Recursion::Loopback, default) };
        // What's narrower than everybody is named in whole.
        let open = self.rules.iter().find(|rule| rule.network.bits() == 0 && rule.recurses);
        match open.filter(|open| {
            stranger(&networks, |a| self.rule(a).is_some_and(|r| std::ptr::eq(r, *open))).is_some()
        }) {
            Some(open) => Sourced::new(Recursion::Anyone, open.at.clone()),
            None => {
                let named =
                    self.rules.iter().filter(|rule| rule.recurses).map(|rule| rule.network.to_string());
                Sourced::new(Recursion::Networks(named.collect()), found.at.clone())
            }
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The words of a file.
struct Lexer<'t> {
    rest: &'t str,
    /// The line where the next word begins.
    line: usize,
}

impl<'t> Lexer<'t> {
    /// Passes over blanks and comments; a `#` begins one only where a word could begin.
    fn skip(&mut self) {
        loop {
            let blank = self.rest.find(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).unwrap_or(self.rest.len());
            self.pass(blank);
            if !self.rest.starts_with('#') {
                return;
            }
            self.pass(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    /// The next so many bytes.
    fn pass(&mut self, length: usize) -> &'t str {
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
        passed
    }

    /// The next key, without its colon. `None` at the end; `Some(None)` where something else stands.
    fn key(&mut self) -> Option<Option<&'t str>> {
        self.skip();
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find([':', ' ', '\t', '\n', '\r', '"', '\'']).unwrap_or(self.rest.len());
        let key = self.pass(end);
        let known = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !known || !self.rest.starts_with(':') {
            return Some(None);
        }
        self.pass(1);
        Some(Some(key))
    }

    /// The next value, without its quotes, which are one of these.
    fn value(&mut self, quotes: &str) -> Option<&'t str> {
        self.skip();
        let quote = self.rest.chars().next()?;
        if quotes.contains(quote) {
            self.pass(1);
            let end = self.rest.find([quote, '\n']).filter(|end| self.rest[*end..].starts_with(quote))?;
            let value = self.pass(end);
            self.pass(1);
            return Some(value);
        }
        let end = self.rest.find([' ', '\t', '\n', '\r', '"', '\'']).unwrap_or(self.rest.len());
        (end > 0).then(|| self.pass(end))
    }
}

#[cfg(test)]
mod tests;
