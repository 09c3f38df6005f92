//! Addresses and ports on which sshd listens: every `ListenAddress` times every `Port`.

use std::net::IpAddr;

use super::{SshdConfig, words};
use crate::location::{Location, Sourced};

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// An address, or a name where the file gives one.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// The line that names the address (else the one that names the port); `None` where both are defaults.
    pub at: Option<Location>,
}

impl SshdConfig {
    /// The sockets that sshd opens when it is not started by a socket unit.
    pub fn listeners(&self) -> Vec<Listener> {
        let ports = self.entries("port");
        let addresses = self.entries("listenaddress");
        let family = self.global("addressfamily").map(|f| f.value).unwrap_or_default();
        let any: &[&str] = match family.as_str() {
            "inet" => &["0.0.0.0"],
            "inet6" => &["::"],
            _ => &["0.0.0.0", "::"],
        };
        let mut listeners = Vec::new();
        let mut add = |address: &str, port: &str, at: &Option<Location>| {
            if let Ok(port) = port.parse() {
                listeners.push(Listener { address: address.to_owned(), port, at: at.clone() });
            }
        };
        if addresses.is_empty() {
            for (port, at) in &ports {
                any.iter().for_each(|address| add(address, port, at));
            }
        }
        for (text, at) in &addresses {
            let text = text.split(' ').next().unwrap_or_default();
            match words::split_address(text) {
                Some((host, Some(port))) => add(host, &port.to_string(), at),
                Some((host, None)) => ports.iter().for_each(|(port, _)| add(host, port, at)),
                None => {}
            }
        }
        listeners
    }

    /// An address of the other family than `AddressFamily` allows stops sshd.
    pub(super) fn check_listeners(&mut self) {
        let Some(family) = self.global("addressfamily") else { return };
        let wrong = |l: &Listener| {
            l.address.parse().is_ok_and(|ip: IpAddr| match family.value.as_str() {
                "inet" => ip.is_ipv6(),
                "inet6" => ip.is_ipv4(),
                _ => false,
            })
        };
        for listener in self.listeners().into_iter().filter(wrong) {
            if let Some(at) = listener.at {
                let text = format!("{} is not of the family {}", listener.address, family.value);
                self.problems.push(Sourced::new(text, at));
            }
        }
    }

    /// The words of a keyword whose lines add up, each with its line.
    fn entries(&self, keyword: &str) -> Vec<(String, Option<Location>)> {
        let Some(effective) = self.global(keyword) else { return Vec::new() };
        let lines = std::iter::once(effective.at.clone()).chain(effective.joined.iter().cloned().map(Some));
        effective.items().map(str::to_owned).zip(lines).collect()
    }
}
