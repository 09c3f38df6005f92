//! What may be asked of a rule set, and its answers: what gets in, and what becomes of the rest.
//!
//! The way of each packet is followed by `walk`.

mod walk;

use std::collections::BTreeSet;

use serde::Serialize;

use self::walk::{Judge, Packet};
use super::model::{Family, Hook, Match, Rule, RuleSet, Unknown};
use crate::location::Location;

/// Protocols always asked about: those that have ports, and ICMP.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Another protocol, by its IANA number (1 is ICMP, 58 ICMPv6).
    Number(u8),
    /// Any protocol that no rule names.
    Other,
}

impl Protocol {
    fn number(self) -> Option<u8> {
        match self {
            Self::Tcp => Some(6),
            Self::Udp => Some(17),
            Self::Number(number) => Some(number),
            Self::Other => None,
        }
    }

    fn of(number: u8) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            other => Self::Number(other),
        }
    }

    fn has_ports(self) -> bool {
        self.number().is_some_and(|number| WITH_PORTS.contains(&number))
    }
}

/// Who may send.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sources {
    /// Every address of the family.
    Any,
    /// These only: addresses, prefixes, ranges.
    Only(Vec<String>),
}

/// Something that gets in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Opening {
    /// The protocol.
    pub protocol: Protocol,
    /// First and last destination port; `None` for protocols without ports.
    pub ports: Option<(u16, u16)>,
    /// Address family.
    pub family: Family,
    /// From where.
    pub sources: Sources,
    /// What else must hold (`iifname eth1`, `limit rate`), or must not (`not iifname eth1`).
    pub conditions: Vec<String>,
    /// The rule, or the policy, that lets it in.
    pub at: Location,
}

/// What becomes of packets that no rule names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// They are dropped or refused, by this line.
    Drop(Location),
    /// They get in, by this line.
    Accept(Location),
    /// No chain sees them: they get in.
    NoChain,
    /// The rule set holds something that this program does not understand.
    Unobserved(Vec<Unknown>),
}

/// Whether other hosts reach a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// From every address, whatever the circumstances.
    Open(Location),
    /// From some addresses, or under conditions.
    Partly(Vec<Opening>),
    /// From nowhere.
    Closed(Location),
    /// The rule set holds something that this program does not understand.
    Unobserved(Vec<Unknown>),
}

impl RuleSet {
    /// What becomes of a new packet to this host that no rule names.
    pub fn input_default(&self, family: Family) -> Fate {
        self.default_of(family, &[Hook::Prerouting, Hook::Input], Hook::Input)
    }

    /// What becomes of a packet to be routed on that no rule names.
    pub fn forward_default(&self, family: Family) -> Fate {
        self.default_of(family, &[Hook::Prerouting, Hook::Forward], Hook::Forward)
    }

    /// Whether other hosts reach a port.
    pub fn reach(&self, protocol: Protocol, port: u16, family: Family) -> Reach {
        let mut judge = Judge::new(self);
        let packet = Packet { family, protocol, port, to_this_host: true, tracked: true };
        let verdict = judge.judge(packet, &[Hook::Prerouting, Hook::Input]);
        if !judge.unknown.is_empty() {
            return Reach::Unobserved(judge.unknown.into_iter().collect());
        }
        let openings = verdict.openings(packet);
        let sure = openings.iter().find(|o| o.sources == Sources::Any && o.conditions.is_empty());
        match sure {
            Some(opening) => Reach::Open(opening.at.clone()),
            None if !openings.is_empty() => Reach::Partly(openings),
            None => Reach::Closed(verdict.dropped.map_or_else(|| Location::file(&self.origin), |(_, at)| at)),
        }
    }

    /// Everything that gets in, sorted; neighbouring ports with the same answer are one opening.
    ///
    /// # Errors
    /// What was not understood, where it could change the answer.
    pub fn openings(&self) -> Result<Vec<Opening>, Vec<Unknown>> {
        let mut judge = Judge::new(self);
        let mut all = Vec::new();
        for family in [Family::V4, Family::V6] {
            for protocol in self.protocols() {
                let starts = if protocol.has_ports() { self.port_starts() } else { vec![0] };
                let mut merged: Vec<Opening> = Vec::new();
                for (index, &port) in starts.iter().enumerate() {
                    let last = starts.get(index + 1).map_or(u16::MAX, |next| next - 1);
                    let packet = Packet { family, protocol, port, to_this_host: true, tracked: true };
                    let verdict = judge.judge(packet, &[Hook::Prerouting, Hook::Input]);
                    for mut opening in verdict.openings(packet) {
                        opening.ports = protocol.has_ports().then_some((port, last));
                        match merged.iter_mut().find(|before| continues(before, &opening)) {
                            Some(before) => before.ports = before.ports.map(|p| (p.0, last)),
                            None => merged.push(opening),
                        }
                    }
                }
                all.extend(merged);
            }
        }
        if !judge.unknown.is_empty() {
            return Err(judge.unknown.into_iter().collect());
        }
        all.sort_unstable();
        Ok(all)
    }

    fn default_of(&self, family: Family, hooks: &[Hook], last: Hook) -> Fate {
        let mut judge = Judge::new(self);
        let to_this_host = last == Hook::Input;
        let packet = Packet { family, protocol: Protocol::Other, port: 0, to_this_host, tracked: true };
        let verdict = judge.judge(packet, hooks);
        if !judge.unknown.is_empty() {
            return Fate::Unobserved(judge.unknown.into_iter().collect());
        }
        if judge.base_chains(family, last).is_empty() && verdict.dropped.is_none() {
            return Fate::NoChain;
        }
        let plain = verdict.accepted.into_iter().filter(|flow| !flow.special);
        let accepted = plain.max_by_key(|flow| flow.sources.count());
        match (accepted, verdict.dropped) {
            // What holds for most addresses is the default; the rest are exceptions.
            (Some(flow), Some((count, at))) if flow.sources.count() < count => Fate::Drop(at),
            (Some(flow), _) => Fate::Accept(flow.at),
            (None, Some((_, at))) => Fate::Drop(at),
            (None, None) => Fate::Drop(Location::file(&self.origin)),
        }
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.tables.iter().flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules)
    }

    /// Every protocol worth asking about: those with ports, those named, and one that no rule names.
    fn protocols(&self) -> Vec<Protocol> {
        let mut named: BTreeSet<u8> = WITH_PORTS.into_iter().chain([1, 58]).collect();
        for condition in self.rules().flat_map(|rule| &rule.matches) {
            if let Match::Protocol { numbers, .. } = condition {
                named.extend(numbers);
            }
        }
        named.into_iter().map(Protocol::of).chain([Protocol::Other]).collect()
    }

    /// First ports of the intervals within which every rule treats all ports alike.
    fn port_starts(&self) -> Vec<u16> {
        let mut starts = BTreeSet::from([0_u128]);
        for condition in self.rules().flat_map(|rule| &rule.matches) {
            if let Match::Port { ports, .. } = condition {
                starts.extend(ports.ranges().iter().flat_map(|(low, high)| [*low, high + 1]));
            }
        }
        starts.into_iter().filter_map(|port| u16::try_from(port).ok()).collect()
    }
}

fn continues(before: &Opening, next: &Opening) -> bool {
    let adjacent = match (before.ports, next.ports) {
        (Some((_, end)), Some((start, _))) => end.checked_add(1) == Some(start),
        _ => false,
    };
    adjacent && before.at == next.at && before.sources == next.sources && before.conditions == next.conditions
}
