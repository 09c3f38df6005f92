//! Protocols and ports by name: IANA's numbers, `/etc/protocols` and `/etc/services`.

use std::collections::HashMap;

use super::Family;
use super::ranges::Ranges;
use crate::target::{Result, Root};

/// Names that the target gives to protocols and ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Ports by service, each with its protocol.
    services: HashMap<String, Vec<(String, u16)>>,
    protocols: HashMap<String, u8>,
}

impl Names {
    /// Reads `/etc/services` and `/etc/protocols`; a missing file gives no names.
    ///
    /// # Errors
    /// A file that can't be read.
    pub(super) fn read(root: Root<'_>) -> Result<Self> {
        let services = root.read_text("/etc/services")?.unwrap_or_default();
        let protocols = root.read_text("/etc/protocols")?.unwrap_or_default();
        Ok(Self::parse(&services, &protocols))
    }

    fn parse(services: &str, protocols: &str) -> Self {
        let mut names = Self::default();
        for (value, name) in entries(services) {
            let Some((port, protocol)) = value.split_once('/') else { continue };
            let Ok(port) = port.parse() else { continue };
            names.services.entry(name.to_owned()).or_default().push((protocol.to_owned(), port));
        }
        for (value, name) in entries(protocols) {
            if let Ok(number) = value.parse() {
                names.protocols.entry(name.to_owned()).or_insert(number);
            }
        }
        names
    }

    /// A port by number or name: the name's port for `protocol`, or, where none is given, TCP's
    /// before any other's.
    pub(super) fn port(&self, text: &str, protocol: Option<&str>) -> Option<u16> {
        if let Some(number) = number(text) {
            return Some(number);
        }
        let known = self.services.get(text)?;
        let of = |wanted: &str| known.iter().find(|(p, _)| p == wanted).map(|(_, port)| *port);
        match protocol {
            Some(protocol) => of(protocol),
            None => of("tcp").or_else(|| known.first().map(|(_, port)| *port)),
        }
    }

    /// A protocol by number or name.
    pub(super) fn protocol(&self, text: &str) -> Option<u8> {
        protocol(text).or_else(|| self.protocols.get(text).copied())
    }
}

/// Each line's second word with its first word, and with each alias after it.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().flat_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (name, value) = (words.next(), words.next());
        name.into_iter().chain(words).filter_map(move |name| Some((value?, name)))
    })
}

/// A port's number in decimal or hexadecimal digits.
fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// IANA's number of a protocol by the names that packet filters use, or by its digits.
pub(super) fn protocol(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 20] = [
        ("icmp", 1),
        ("igmp", 2),
        ("ipv4", 4),
        ("ipip", 4),
        ("ipencap", 4),
        ("tcp", 6),
        ("udp", 17),
        ("dccp", 33),
        ("ipv6", 41),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("icmpv6", 58),
        ("ipv6-icmp", 58),
        ("ospf", 89),
        ("comp", 108),
        ("vrrp", 112),
        ("sctp", 132),
        ("mobility-header", 135),
        ("udplite", 136),
    ];
    let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    known.or_else(|| name.parse().ok())
}

/// The condition that a packet goes to some of these addresses, or to none of them.
pub(super) fn destination(family: Family, addresses: &Ranges, holds: bool) -> String {
    let name = if family == Family::V4 { "ip" } else { "ip6" };
    let sign = if holds { "" } else { "!= " };
    let listed = addresses.addresses(family);
    let more = if listed.len() > 16 { ", …" } else { "" };
    format!("{name} daddr {sign}{}{more}", listed[..listed.len().min(16)].join(", "))
}
