//! On which addresses ntpd listens: what its `interface` commands say (ntp_config.c and ntp_io.c of NTPsec 1.2.2).

use std::net::IpAddr;

use super::commands::Word;
use crate::effective::files;
use crate::effective::network::{Network, stranger};
use crate::location::Location;

/// The interface of loopback.
pub const LOOPBACK: &str = "lo";

/// All rules of addresses; the last one that fits counts.
#[derive(Default)]
pub struct Interfaces {
    rules: Vec<Rule>,
}

/// A rule of addresses that ntpd listens on, or not.
struct Rule {
    which: Which,
    action: Action,
    at: Location,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Listen,
    /// There is a socket, but what arrives is thrown away.
    Drop,
    /// There is no socket.
    Ignore,
}

enum Which {
    /// Every one but loopback and the wildcard addresses.
    All,
    Ipv4,
    Ipv6,
    Wildcard,
    /// These addresses.
    In(Network),
    /// Interfaces whose name fits this pattern, in lower case.
    Named(String),
}

/// An address of the machine. Without an interface's name it is one that no rule names.
#[derive(Clone, Copy)]
pub struct Endpoint<'n> {
    /// The interface's name.
    pub name: Option<&'n str>,
    /// The address.
    pub address: IpAddr,
}

impl Interfaces {
    /// Takes in the words behind `interface`. One that is not whole says nothing.
    pub fn take(&mut self, words: &[Word], at: &Location) {
        let [action, which, ..] = words else { return };
        let action = match action.plain() {
            Some("listen") => Action::Listen,
            Some("drop") => Action::Drop,
            Some("ignore") => Action::Ignore,
            _ => return,
        };
        let which = match (which.plain(), which.text()) {
            (Some("all"), _) => Which::All,
            (Some("ipv4"), _) => Which::Ipv4,
            (Some("ipv6"), _) => Which::Ipv6,
            (Some("wildcard"), _) => Which::Wildcard,
            (_, Some(text)) => network(text).map_or_else(|| Which::Named(text.to_lowercase()), Which::In),
            (_, None) => return,
        };
        self.rules.push(Rule { which, action, at: at.clone() });
    }

    /// How many rules there are.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// The line of the last rule, if there is one.
    pub fn last(&self) -> Option<&Location> {
        self.rules.last().map(|rule| &rule.at)
    }

    /// The rule that decides over an address, if any does.
    fn rule(&self, endpoint: Endpoint<'_>) -> Option<&Rule> {
        let Endpoint { name, address } = endpoint;
        let special = address.is_loopback() || address.is_unspecified();
        self.rules.iter().rev().find(|rule| match &rule.which {
            Which::All => !special,
            Which::Ipv4 => address.is_ipv4(),
            Which::Ipv6 => address.is_ipv6(),
            Which::Wildcard => address.is_unspecified(),
            Which::In(network) => network.contains(address),
            Which::Named(pattern) => {
                name.is_some_and(|name| files::wildcard(pattern.as_bytes(), name.to_lowercase().as_bytes()))
            }
        })
    }

    /// Whether it has a socket on this address.
    #[cfg(test)]
    pub fn binds(&self, endpoint: Endpoint<'_>) -> bool {
        match self.rule(endpoint) {
            Some(rule) => rule.action != Action::Ignore,
            // What comes to a wildcard address is thrown away, but the address is taken.
            None => endpoint.address.is_unspecified() || self.listens(endpoint),
        }
    }

    /// Whether packets to this address are taken.
    pub fn listens(&self, endpoint: Endpoint<'_>) -> bool {
        match self.rule(endpoint) {
            Some(rule) => rule.action == Action::Listen,
            None if endpoint.address.is_loopback() => true,
            None => self.rules.is_empty() && !endpoint.address.is_unspecified(),
        }
    }

    /// An address that is no loopback, of one family, on which ntpd listens; and the rule that says so, if one does.
    pub fn open(&self, ipv4: bool) -> Option<Option<&Location>> {
        let networks: Vec<Network> = self
            .rules
            .iter()
            .filter_map(|rule| match &rule.which {
                Which::In(network) => Some(*network),
                _ => None,
            })
            .collect();
        let named = self.rules.iter().filter_map(|rule| match &rule.which {
            Which::Named(pattern) if rule.action == Action::Listen && pattern != LOOPBACK => {
                Some(pattern.as_str())
            }
            _ => None,
        });
        let mut names = std::iter::once(None).chain(named.map(Some));
        names.find_map(|name| {
            // The wildcard addresses are no interface's.
            let listens = |address: IpAddr| {
                address.is_ipv4() == ipv4
                    && (name.is_none() || !address.is_unspecified())
                    && self.listens(Endpoint { name, address })
            };
            let address = stranger(&networks, listens)?;
            Some(self.rule(Endpoint { name, address }).map(|rule| &rule.at))
        })
    }
}

/// An address, or a network by how many bits of it count.
fn network(text: &str) -> Option<Network> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    // What is no number makes it that one address; too large a number counts as the largest.
    let bits = bits.and_then(|bits| bits.parse::<u32>().ok()).unwrap_or(width);
    Network::new(address, bits.min(width))
}
