//! chrony: `chrony.conf` as chrony.conf(5) says.

use std::collections::BTreeMap;

use super::TimeServer;
use crate::effective::glob;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/chronyd";
const FILES: [&str; 2] = ["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
/// Files that are included in all.
const MAX_FILES: usize = 200;

pub fn read(root: Root<'_>) -> Result<Option<TimeServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let mut config = Config::default();
    for file in FILES {
        if root.exists(file)? {
            config.read(root, file)?;
            break;
        }
    }
    let at = config.file.clone().unwrap_or_else(|| Location::file(BINARY));
    let reach = config.reach(at.clone());
    Ok(Some(TimeServer {
        server: Server { program: "chrony", reach },
        // chronyd knows no such request: its clients are told on the command port only, after cmdallow.
        monlist_possible: Sourced::new(false, at),
    }))
}

/// What the directives say so far.
#[derive(Default)]
struct Config {
    file: Option<Location>,
    files: usize,
    /// `allow` without a subnet.
    allow_all: Option<Location>,
    /// `allow` of subnets.
    allowed: Vec<Sourced<Reach>>,
    port_closed: bool,
    addresses: Vec<Reach>,
    command_port_closed: bool,
    command_addresses: Vec<Sourced<Reach>>,
}

impl Config {
    fn read(&mut self, root: Root<'_>, file: &str) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Ok(());
        }
        self.file.get_or_insert_with(|| Location::file(file));
        let text = root.read_text(file)?.unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with(['!', ';', '#', '%']) {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some((directive, words)) = words.split_first() else { continue };
            match directive.to_ascii_lowercase().as_str() {
                "include" => {
                    for included in glob::files(root, words.first().unwrap_or(&""))? {
                        self.read(root, &included)?;
                    }
                }
                "confdir" => {
                    for included in confdir(root, words)? {
                        self.read(root, &included)?;
                    }
                }
                directive => self.apply(directive, words, Location::line(file, index + 1)),
            }
        }
        Ok(())
    }

    fn apply(&mut self, directive: &str, words: &[&str], at: Location) {
        let value = words.first().copied().unwrap_or_default();
        match (directive, words) {
            ("allow", [] | ["all"]) => self.allow_all = Some(at),
            ("allow", ["all", subnet] | [subnet]) => {
                self.allowed.push(Sourced::new(subnet_reach(subnet), at))
            }
            ("deny", []) => self.allow_all = None,
            ("deny", ["all"]) => {
                self.allow_all = None;
                self.allowed.clear();
            }
            ("port", _) => self.port_closed = value == "0",
            ("bindaddress", _) => self.addresses.push(Reach::of_address(value)),
            ("cmdport", _) => self.command_port_closed = value == "0",
            ("bindcmdaddress", _) if !value.starts_with('/') => {
                self.command_addresses.push(Sourced::new(Reach::of_address(value), at));
            }
            _ => {}
        }
    }

    /// Without `allow`, no port is open for time; the command port is on loopback unless it's bound elsewhere.
    fn reach(self, default: Location) -> Sourced<Reach> {
        let bound = self.addresses.into_iter().reduce(Reach::or);
        let mut widest = Sourced::new(Reach::None, default);
        let mut open: Vec<Sourced<Reach>> = Vec::new();
        if !self.port_closed {
            open.extend(self.allow_all.map(|at| Sourced::new(Reach::Network, at)));
            open.extend(self.allowed);
            for allowed in &mut open {
                if bound == Some(Reach::Loopback) {
                    allowed.value = Reach::Loopback;
                }
            }
        }
        if !self.command_port_closed {
            open.extend(self.command_addresses);
        }
        for next in open {
            if widest.value.clone().or(next.value.clone()) != widest.value {
                widest = next;
            }
        }
        widest
    }
}

/// `*.conf` of several folders: a file hides those of its name in later folders.
fn confdir(root: Root<'_>, folders: &[&str]) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    for folder in folders {
        for path in glob::files(root, &format!("{folder}/*.conf"))? {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            files.entry(name).or_insert(path);
        }
    }
    Ok(files.into_values().collect())
}

fn subnet_reach(subnet: &str) -> Reach {
    match Reach::of_address(subnet.split('/').next().unwrap_or_default()) {
        Reach::Loopback => Reach::Loopback,
        _ => Reach::Network,
    }
}
