//! The steps of a chain that one rule of firewalld becomes.

use std::sync::Arc;

use super::super::super::Family;
use super::super::super::model::{Match, Unknown};
use super::super::super::names::{destination, protocol};
use super::super::super::ranges::{Ranges, port_list};
use super::super::config::{Address, Ports, Rule, Service, Subject};
use super::super::icmp;
use super::Maker;
use crate::location::Location;

impl Maker<'_> {
    /// The conditions of each step that a rule becomes.
    pub(super) fn conditions(&mut self, rule: &Rule) -> Vec<Vec<Match>> {
        let family = match self.family(rule) {
            Ok(family) => family,
            Err(unknown) => {
                self.unknown.push(unknown);
                return Vec::new();
            }
        };
        let mut shared: Vec<Match> = rule.family.map(Match::Family).into_iter().collect();
        for (address, from) in [(&rule.destination, false), (&rule.source, true)] {
            if let Some((address, invert)) = address {
                match self.address(address, from, *invert, &rule.at) {
                    Some(matches) => shared.extend(matches),
                    None => return Vec::new(),
                }
            }
        }
        if rule.limited {
            shared.push(Match::Condition("limit rate".to_owned()));
        }
        let own = match &rule.subject {
            Subject::Anything => vec![Vec::new()],
            Subject::Service(name) => self.service(name, rule, family),
            Subject::Port(ports) => vec![carried(ports)],
            Subject::SourcePort(ports) => vec![sent(ports)],
            Subject::Protocol(number) => vec![vec![is(*number)]],
            Subject::IcmpType(name) | Subject::IcmpBlock(name) => self.icmp(name, rule, family),
            Subject::ForwardPort(_) | Subject::Other => Vec::new(),
        };
        own.into_iter().map(|own| shared.iter().cloned().chain(own).collect()).collect()
    }

    /// The family that a rule is for: its own, or its source's.
    fn family(&self, rule: &Rule) -> Result<Option<Family>, Unknown> {
        let of = match &rule.source {
            Some((Address::Ip(family, _), _)) => Some(*family),
            Some((Address::Set(name), _)) => {
                let set = self.config.sets.get(name).filter(|set| set.kind != "hash:mac");
                set.map(|set| set.family)
            }
            _ => None,
        };
        match (rule.family, of) {
            (Some(own), Some(other)) if own != other => {
                let text = "firewalld refuses: a source of another family".to_owned();
                Err(Unknown { at: rule.at.clone(), text })
            }
            (own, other) => Ok(own.or(other)),
        }
    }

    fn service(&mut self, name: &str, rule: &Rule, family: Option<Family>) -> Vec<Vec<Match>> {
        let mut found = Vec::new();
        let (mut seen, mut todo) = (vec![name.to_owned()], vec![name.to_owned()]);
        while let Some(name) = todo.pop() {
            let Some(service) = self.config.services.get(&name) else {
                let text = format!("firewalld refuses: no service {name}");
                self.unknown.push(Unknown { at: rule.at.clone(), text });
                continue;
            };
            for include in &service.includes {
                if !seen.contains(include) && seen.len() < 1000 {
                    seen.push(include.clone());
                    todo.push(include.clone());
                }
            }
            if rule.destination.is_some() && !service.destinations.is_empty() {
                let text = format!("firewalld refuses: the service {name} has a destination of its own");
                self.unknown.push(Unknown { at: rule.at.clone(), text });
            }
            found.extend(steps(service, family));
        }
        found
    }

    fn icmp(&mut self, name: &str, rule: &Rule, family: Option<Family>) -> Vec<Vec<Match>> {
        let Some(of) = self.config.icmp_types.get(name) else {
            let text = format!("firewalld refuses: no ICMP type {name}");
            self.unknown.push(Unknown { at: rule.at.clone(), text });
            return Vec::new();
        };
        let families = match (family, of.is_empty()) {
            (Some(family), false) if rule.family.is_some() && !of.contains(&family) => {
                let text = format!("firewalld refuses: ICMP type {name} of this family");
                self.unknown.push(Unknown { at: rule.at.clone(), text });
                return Vec::new();
            }
            (Some(family), _) => vec![family],
            (None, true) => vec![Family::V4, Family::V6],
            (None, false) => of.clone(),
        };
        let mut found = Vec::new();
        for family in families {
            let Some((kind, code)) = icmp::parts(name, family) else {
                let text = format!("firewalld refuses: ICMP type {name} of this family");
                self.unknown.push(Unknown { at: rule.at.clone(), text });
                continue;
            };
            let (word, number) = if family == Family::V4 { ("icmp", 1) } else { ("icmpv6", 58) };
            let kind = Match::Condition(format!("{word} type {kind}"));
            let mut matches = vec![Match::Family(family), is(number), kind];
            matches.extend(code.map(|code| Match::Condition(format!("{word} code {code}"))));
            found.push(matches);
        }
        found
    }

    /// A source or destination as conditions; `None`, and noted, where it is not understood.
    pub(super) fn address(
        &mut self,
        address: &Address,
        source: bool,
        invert: bool,
        at: &Location,
    ) -> Option<Vec<Match>> {
        let field = if source { "saddr" } else { "daddr" };
        let sign = if invert { "!= " } else { "" };
        let ip = |family: Family, addresses: &Ranges| match source {
            true => vec![Match::Source { family, addresses: Arc::new(addresses.clone()), holds: !invert }],
            false => {
                vec![Match::Family(family), Match::Condition(destination(family, addresses, !invert))]
            }
        };
        match address {
            Address::Ip(family, addresses) => Some(ip(*family, addresses)),
            Address::Mac(text) => Some(vec![Match::Condition(format!("ether {field} {sign}{text}"))]),
            Address::Set(name) => {
                let set = self.config.sets.get(name);
                let known = set.filter(|set| ["hash:ip", "hash:net"].contains(&set.kind.as_str()));
                match known {
                    Some(set) => Some(ip(set.family, &set.addresses)),
                    None => {
                        let text = format!("the set {name} is not there, or not of addresses alone");
                        self.unknown.push(Unknown { at: at.clone(), text });
                        None
                    }
                }
            }
        }
    }
}

pub(super) fn is(number: u8) -> Match {
    Match::Protocol { numbers: vec![number], holds: true }
}

/// To these ports.
pub(super) fn carried(ports: &Ports) -> Vec<Match> {
    let protocol = protocol(&ports.protocol).unwrap_or_default();
    vec![is(protocol), Match::Port { ports: Arc::new(ports.ports.clone()), holds: true }]
}

/// From these ports.
fn sent(ports: &Ports) -> Vec<Match> {
    let number = protocol(&ports.protocol).unwrap_or_default();
    let condition = format!("{} sport {}", ports.protocol, port_list(&ports.ports));
    vec![is(number), Match::Condition(condition)]
}

/// What a service lets in, for each family that it has an address for.
fn steps(service: &Service, family: Option<Family>) -> Vec<Vec<Match>> {
    let to = match service.destinations.is_empty() {
        true => vec![Vec::new()],
        false => {
            let wanted = service.destinations.iter().filter(|(of, _)| family.is_none_or(|f| f == *of));
            let step = |(family, addresses): &(Family, Ranges)| {
                vec![Match::Family(*family), Match::Condition(destination(*family, addresses, true))]
            };
            wanted.map(step).collect()
        }
    };
    let mut found = Vec::new();
    for to in to {
        let own = service.ports.iter().map(carried);
        let own = own.chain(service.protocols.iter().map(|number| vec![is(*number)]));
        let own = own.chain(service.source_ports.iter().map(sent));
        found.extend(own.map(|own| to.iter().cloned().chain(own).collect()));
    }
    found
}
