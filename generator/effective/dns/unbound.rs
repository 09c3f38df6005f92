//! Unbound: `unbound.conf` as unbound.conf(5) says.

use std::collections::BTreeMap;

use super::{DnsServer, Recursion};
use crate::effective::glob;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/unbound";
const FILE: &str = "/etc/unbound/unbound.conf";
/// Files that are read in all.
const MAX_FILES: usize = 200;

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

pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let mut config = Config::default();
    config.read(root, FILE)?;
    let server = Server { program: "unbound", reach: config.reach() };
    Ok(Some(DnsServer { server, recursion: config.recursion() }))
}

#[derive(Default)]
struct Config {
    files: usize,
    /// In a `server:` clause.
    in_server: bool,
    interfaces: Vec<Sourced<String>>,
    automatic: Option<Location>,
    /// Networks with what is done for them.
    access: Vec<Sourced<(String, String)>>,
}

impl Config {
    fn read(&mut self, root: Root<'_>, file: &str) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Ok(());
        }
        let text = root.read_text(file)?.unwrap_or_default();
        let words: Vec<(&str, usize)> = text
            .lines()
            .enumerate()
            .flat_map(|(index, line)| {
                let content = line.split('#').next().unwrap_or_default();
                content.split_whitespace().map(move |word| (word, index + 1))
            })
            .collect();
        let mut words = words.into_iter();
        while let Some((word, line)) = words.next() {
            // `key: value` or `key:value`; a clause has no value.
            let Some((key, glued)) = word.split_once(':') else { continue };
            if glued.is_empty() && CLAUSES.contains(&key) {
                self.in_server = key == "server";
                continue;
            }
            let value = if glued.is_empty() { words.next().map_or("", |(word, _)| word) } else { glued };
            let value = value.trim_matches(['"', '\'']);
            let at = Location::line(file, line);
            match key {
                "include" | "include-toplevel" => {
                    for path in glob::files(root, value)? {
                        self.read(root, &path)?;
                    }
                }
                "interface" | "ip-address" if self.in_server => {
                    self.interfaces.push(Sourced::new(value.to_owned(), at));
                }
                "interface-automatic" if self.in_server => self.automatic = (value == "yes").then_some(at),
                "access-control" if self.in_server => {
                    let action = words.next().map_or("", |(word, _)| word);
                    self.access.push(Sourced::new((value.to_owned(), action.to_owned()), at));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Loopback, unless other interfaces are named.
    fn reach(&self) -> Sourced<Reach> {
        if let Some(at) = &self.automatic {
            return Sourced::new(Reach::Network, at.clone());
        }
        let reaches = self.interfaces.iter().map(|interface| {
            let address = interface.value.split('@').next().unwrap_or_default();
            let reach = match Reach::of_address(address) {
                _ if address == "lo" => Reach::Loopback,
                // An interface's name.
                Reach::Unknown(_) => Reach::Network,
                reach => reach,
            };
            Sourced::new(reach, interface.at.clone())
        });
        let widest =
            reaches.reduce(|a, b| if b.value == Reach::Network && a.value != b.value { b } else { a });
        widest.unwrap_or_else(|| Sourced::new(Reach::Loopback, Location::file(FILE)))
    }

    /// The machine itself, and every network with an `allow`. The last line for a network counts.
    fn recursion(&self) -> Sourced<Recursion> {
        let last: BTreeMap<&String, &Sourced<(String, String)>> =
            self.access.iter().map(|access| (&access.value.0, access)).collect();
        let mut networks = vec!["127.0.0.0/8"];
        let mut at = Location::file(FILE);
        for (network, access) in last {
            if access.value.1.starts_with("allow") {
                networks.push(network);
                if Reach::of_address(network.split('/').next().unwrap_or_default()) != Reach::Loopback {
                    at = access.at.clone();
                }
            }
        }
        Sourced::new(Recursion::for_networks(networks), at)
    }
}
