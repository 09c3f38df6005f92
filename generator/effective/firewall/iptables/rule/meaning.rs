//! What an option means, iptables' own or a match's, to the first packet of a new connection.

use std::sync::Arc;

use super::super::super::Family;
use super::super::super::model::Match;
use super::super::super::names::destination;
use super::super::super::ranges::{Ranges, port_list};
use super::super::extensions::{self, Meaning, Opt};
use super::super::icmp;
use super::super::values::{Parsed, address, flags, range_of_addresses, refused, states};
use super::Problem::Unknown;
use super::{MAX_ALTERNATIVES, Parser};

/// Bytes of an interface's name.
const MAX_INTERFACE: usize = 15;

impl Parser<'_> {
    pub(super) fn protocol(&mut self, name: &str, holds: bool) -> Parsed<()> {
        let name = name.to_ascii_lowercase();
        let number = if name == "all" { Some(0) } else { self.context.names.protocol(&name) };
        let Some(number) = number else {
            return Err(Unknown(format!("protocol {name}")));
        };
        if number == 0 && !holds {
            return refused("! -p all");
        }
        if number != 0 {
            self.matches.push(Match::Protocol { numbers: vec![number], holds });
        }
        self.protocol = Some((name, number, holds));
        Ok(())
    }

    /// Each address of a list as a condition.
    pub(super) fn addresses(&self, text: &str, invert: bool, source: bool) -> Parsed<Vec<Match>> {
        let list: Vec<&str> = text.split(',').collect();
        if invert && list.len() > 1 {
            return refused("! before several addresses");
        }
        if list.len() > MAX_ALTERNATIVES {
            return Err(Unknown("more addresses than any real rule has".into()));
        }
        let family = self.context.family;
        list.iter()
            .map(|text| {
                let addresses = address(text, family)?;
                let everywhere = addresses == Ranges::all_addresses(family);
                Ok(match (source, everywhere && !invert) {
                    (true, _) => Match::Source { family, addresses: Arc::new(addresses), holds: !invert },
                    (false, true) => Match::Family(family),
                    (false, false) if everywhere => Match::Never,
                    (false, false) => Match::Condition(destination(family, &addresses, !invert)),
                })
            })
            .collect()
    }

    pub(super) fn interface(&mut self, letter: char, name: &str, holds: bool) -> Parsed<()> {
        if name.is_empty() || name.len() > MAX_INTERFACE {
            return refused(format!("interface {name}"));
        }
        if letter == 'i' {
            self.interfaces.0 = true;
        } else {
            self.interfaces.1 = true;
        }
        let pattern = name.strip_suffix('+');
        match pattern {
            Some("") => {
                if !holds {
                    self.matches.push(Match::Never);
                }
            }
            // The packet comes from another host, so never in by loopback.
            None if letter == 'i' && name == "lo" => {
                if holds {
                    self.matches.push(Match::Never);
                }
            }
            _ => {
                let shown = pattern.map_or_else(|| name.to_owned(), |start| format!("{start}*"));
                let sign = if holds { "" } else { "!= " };
                self.matches.push(Match::Condition(format!("{letter}ifname {sign}{shown}")));
            }
        }
        Ok(())
    }

    /// The meaning of a match's option.
    pub(super) fn matched(
        &mut self,
        index: usize,
        option: Opt,
        values: &[String],
        holds: bool,
    ) -> Parsed<()> {
        let family = self.context.family;
        let first = values.first().map_or("", String::as_str);
        let always = |matches: &mut Vec<Match>, truth: bool| {
            if truth != holds {
                matches.push(Match::Never);
            }
        };
        match option.meaning {
            Meaning::Nothing if !holds && option.words > 0 => return refused(format!("! before {first}")),
            Meaning::Nothing => {
                let words = std::iter::once(option.names.split('|').next().unwrap_or_default().to_owned());
                if extensions::is_conditional(self.loaded[index].name) {
                    self.loaded[index].condition.extend(words);
                }
            }
            Meaning::Condition => {
                let name = option.names.split('|').next().unwrap_or_default();
                let sign = if holds { "" } else { "! " };
                let text = format!("{sign}--{name} {}", values.join(" "));
                self.loaded[index].condition.push(text.trim_end().to_owned());
            }
            Meaning::Absent => self.matches.push(Match::Never),
            Meaning::Port => {
                let ports = self.range(first)?;
                self.matches.push(Match::Port { ports: Arc::new(ports), holds });
            }
            Meaning::Ports => {
                let ports = self.ports(first)?;
                self.matches.push(Match::Port { ports: Arc::new(ports), holds });
            }
            Meaning::SourcePort => {
                let ports = self.range(first)?;
                self.source_ports(&ports, holds);
            }
            Meaning::SourcePorts => {
                let ports = self.ports(first)?;
                self.source_ports(&ports, holds);
            }
            Meaning::EitherPorts => self.either = Some((self.ports(first)?, holds)),
            Meaning::State => {
                let (new, untracked) = states(first, option.is("ctstate"))?;
                self.matches.push(Match::State { new, untracked, holds });
            }
            Meaning::Flags => {
                const SYN: u8 = 2;
                let (mask, wanted) = (flags(first)?, flags(&values[1])?);
                always(&mut self.matches, SYN & mask == wanted);
            }
            Meaning::Syn => always(&mut self.matches, true),
            Meaning::IcmpType => {
                let (kind, code) = icmp::parse(first, family).map_err(Unknown)?;
                self.icmp(kind, code, holds);
            }
            Meaning::SourceRange => {
                let addresses = Arc::new(range_of_addresses(first, family)?);
                self.matches.push(Match::Source { family, addresses, holds });
            }
            Meaning::DestinationRange => {
                let addresses = range_of_addresses(first, family)?;
                self.matches.push(Match::Condition(destination(family, &addresses, holds)));
            }
            Meaning::DestinationType => self.destination_type(index, first, holds)?,
        }
        Ok(())
    }

    fn destination_type(&mut self, index: usize, text: &str, holds: bool) -> Parsed<()> {
        const TYPES: [&str; 12] = [
            "UNSPEC",
            "UNICAST",
            "LOCAL",
            "BROADCAST",
            "ANYCAST",
            "MULTICAST",
            "BLACKHOLE",
            "UNREACHABLE",
            "PROHIBIT",
            "THROW",
            "NAT",
            "XRESOLVE",
        ];
        let types: Vec<String> = text.split(',').map(str::to_ascii_uppercase).collect();
        let v6 = self.context.family == Family::V6;
        let alien = |kind: &str| {
            v6 && ["BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"].contains(&kind)
        };
        if !types.iter().all(|kind| TYPES.contains(&kind.as_str()) && !alien(kind)) {
            return refused(format!("address type {text}"));
        }
        if types == ["LOCAL"] {
            self.matches.push(Match::ToThisHost { holds });
        } else {
            let sign = if holds { "" } else { "! " };
            self.loaded[index].condition.push(format!("{sign}--dst-type {text}"));
        }
        Ok(())
    }

    fn icmp(&mut self, kind: Option<u8>, code: Option<u8>, holds: bool) {
        let (family, sign) = (self.context.family, if holds { "" } else { "!= " });
        let name = if family == Family::V4 { "icmp" } else { "icmpv6" };
        match (kind, code) {
            (None, _) => {
                if !holds {
                    self.matches.push(Match::Never);
                }
            }
            (Some(kind), None) => {
                let kind = icmp::shown(kind, family);
                self.matches.push(Match::Condition(format!("{name} type {sign}{kind}")));
            }
            (Some(kind), Some(code)) => {
                let name = if family == Family::V4 { "icmp" } else { "icmp6" };
                let sign = if holds { "" } else { "! " };
                self.matches.push(Match::Condition(format!("match {name} {sign}{kind}/{code}")));
            }
        }
    }

    fn source_ports(&mut self, ports: &Ranges, holds: bool) {
        let protocol = self.protocol.as_ref().map_or("th", |(name, ..)| name.as_str());
        let sign = if holds { "" } else { "!= " };
        let whole = ports.ranges() == [(0, 65_535)];
        match (whole, holds) {
            (true, true) => {}
            (true, false) => self.matches.push(Match::Never),
            _ => self.matches.push(Match::Condition(format!("{protocol} sport {sign}{}", port_list(ports)))),
        }
    }

    /// `22`, `22:80`, `:80`, `22:`, and names.
    fn range(&self, text: &str) -> Parsed<Ranges> {
        let (low, high) = match text.split_once(':') {
            Some((low, high)) => {
                let low = if low.is_empty() { 0 } else { self.port(low)? };
                (low, if high.is_empty() { u16::MAX } else { self.port(high)? })
            }
            None => (self.port(text)?, self.port(text)?),
        };
        if low > high {
            return refused(format!("ports {text}"));
        }
        Ok(Ranges::of(vec![(u128::from(low), u128::from(high))]))
    }

    /// multiport's list: at most 15 ports, where a range counts twice.
    fn ports(&self, text: &str) -> Parsed<Ranges> {
        let (mut count, mut ranges) = (0, Vec::new());
        for part in text.split(',') {
            let (low, high) = match part.split_once(':') {
                Some((low, high)) => {
                    count += 1;
                    (self.port(low)?, self.port(high)?)
                }
                None => (self.port(part)?, self.port(part)?),
            };
            count += 1;
            if low > high || count > 15 {
                return refused(format!("ports {text}"));
            }
            ranges.push((u128::from(low), u128::from(high)));
        }
        Ok(Ranges::of(ranges))
    }

    fn port(&self, text: &str) -> Parsed<u16> {
        let protocol = self.protocol.as_ref().map(|(name, ..)| name.as_str());
        let numeric = text.starts_with(|c: char| c.is_ascii_digit());
        match self.context.names.port(text, protocol) {
            Some(port) => Ok(port),
            None if numeric || text.is_empty() => refused(format!("port {text}")),
            None => Err(Unknown(format!("port {text}"))),
        }
    }
}
