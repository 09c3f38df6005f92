//! The DNS servers of a target: who can reach them, and for whom they recurse. A server that recurses for
//! anybody amplifies attacks.

mod bind;
mod dnsmasq;
mod named_conf;
mod resolved;
mod unbound;

use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// For whom a server looks up names that are not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// For nobody.
    Off,
    /// For programs of the same machine.
    Loopback,
    /// For these networks (or the server's names for them: `localnets`, keys).
    Networks(Vec<String>),
    /// For everybody who reaches it.
    Anyone,
    /// The configuration doesn't tell, for this reason.
    Unknown(String),
}

/// A DNS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsServer {
    /// The program and who can reach it.
    pub server: Server,
    /// For whom it recurses, and the line that decides it.
    pub recursion: Sourced<Recursion>,
}

impl DnsServer {
    /// A server that does not start, because it can't read this line (or file).
    fn refused(program: &'static str, at: Location) -> Self {
        let server = Server::refused(program, at.clone());
        let why = "it does not start with this configuration".to_owned();
        Self { server, recursion: Sourced::new(Recursion::Unknown(why), at) }
    }
}

/// Servers whose configuration is not read here: program and binary.
const UNREAD: [(&str, &str); 4] = [
    ("pdns-recursor", "/usr/sbin/pdns_recursor"),
    ("knot-resolver", "/usr/sbin/kresd"),
    ("pdns", "/usr/sbin/pdns_server"),
    ("knot", "/usr/sbin/knotd"),
];

/// Reads every DNS server; empty where none is installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Vec<DnsServer>> {
    let mut servers = Vec::new();
    servers.extend(bind::read(root)?);
    servers.extend(unbound::read(root)?);
    servers.extend(dnsmasq::read(root)?);
    servers.extend(resolved::read(root)?);
    for (program, binary) in UNREAD {
        if root.exists(binary)? {
            let why = format!("the configuration of {program} is not read");
            let at = Location::file(binary);
            servers.push(DnsServer {
                server: Server::new(program, Reach::Unknown(why.clone()), at.clone()),
                recursion: Sourced::new(Recursion::Unknown(why), at),
            });
        }
    }
    Ok(servers)
}

impl Recursion {
    /// The recursion for a list of networks: each an address with an optional prefix length, or a name.
    fn for_networks<'n>(networks: impl IntoIterator<Item = &'n str>) -> Self {
        let mut named = Vec::new();
        let mut local = false;
        for network in networks {
            let (address, prefix) = network.split_once('/').unwrap_or((network, ""));
            if network == "any" || prefix == "0" {
                return Self::Anyone;
            }
            if Reach::of_address(address) == Reach::Loopback {
                local = true;
            } else {
                named.push(network.to_owned());
            }
        }
        match (named.is_empty(), local) {
            (true, true) => Self::Loopback,
            (true, false) => Self::Off,
            (false, _) => Self::Networks(named),
        }
    }
}

#[cfg(test)]
mod tests;
