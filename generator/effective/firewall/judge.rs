//! Follows a new packet from another host through the chains.
//!
//! Sources are followed as sets, so one walk answers for every source address at once. Where a
//! rule holds under a condition that the model can't decide (an interface, a rate), both ways
//! are followed and the opening carries the condition.

use std::collections::BTreeSet;

use serde::Serialize;

use super::flows::{self, Flow, add};
use super::model::{Action, Chain, Family, Hook, Match, Rule, RuleSet, Table, Unknown};
use super::ranges::Ranges;
use crate::location::Location;

/// Work spent on one question before the rule set counts as too complex to judge.
const MAX_STEPS: usize = 50_000_000;

/// Depth of jumps that the kernel allows.
const MAX_JUMPS: usize = 16;

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

#[derive(Clone, Copy)]
struct Packet {
    family: Family,
    protocol: Protocol,
    port: u16,
    /// For this host, and not to be routed on.
    to_this_host: bool,
    /// The connection tracking has seen it.
    tracked: bool,
}

/// Priority on the prerouting hook at which connections are tracked.
const TRACKING: i64 = -200;

/// Where packets ended.
#[derive(Default)]
struct Verdict {
    accepted: Vec<Flow>,
    /// How many addresses, and by what: of those that met no undecidable condition, the most.
    dropped: Option<(u128, Location)>,
}

impl Verdict {
    fn drop(&mut self, flow: &Flow, at: &Location) {
        let count = flow.sources.count();
        if !flow.special && self.dropped.as_ref().is_none_or(|(most, _)| count > *most) {
            self.dropped = Some((count, at.clone()));
        }
    }

    fn openings(&self, packet: Packet) -> Vec<Opening> {
        let everyone = Ranges::all_addresses(packet.family);
        let opening = |flow: &Flow| Opening {
            protocol: packet.protocol,
            ports: packet.protocol.has_ports().then_some((packet.port, packet.port)),
            family: packet.family,
            sources: if flow.sources == everyone {
                Sources::Any
            } else {
                Sources::Only(flow.sources.addresses(packet.family))
            },
            conditions: flow.conditions.clone(),
            at: flow.at.clone(),
        };
        self.accepted.iter().map(opening).collect()
    }
}

/// What stays the same while a packet walks through a chain.
#[derive(Clone, Copy)]
struct Walk<'a> {
    table: &'a Table,
    packet: Packet,
    depth: usize,
}

struct Judge<'a> {
    rule_set: &'a RuleSet,
    unknown: BTreeSet<Unknown>,
    verdict: Verdict,
    steps: usize,
}

impl<'a> Judge<'a> {
    fn new(rule_set: &'a RuleSet) -> Self {
        let unknown = rule_set.unknown.iter().cloned().collect();
        Self { rule_set, unknown, verdict: Verdict::default(), steps: 0 }
    }

    /// The base chains on a hook in the order packets meet them.
    fn base_chains(&self, family: Family, hook: Hook) -> Vec<(&'a Table, &'a Chain)> {
        let mut found = Vec::new();
        for table in self.rule_set.tables.iter().filter(|t| t.families.contains(&family)) {
            for chain in table.chains.values() {
                if let Some(base) = chain.base.as_ref().filter(|base| base.hook == hook) {
                    found.push((base.priority, &base.policy_at, table, chain));
                }
            }
        }
        found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        found.into_iter().map(|(_, _, table, chain)| (table, chain)).collect()
    }

    /// Sends a packet through all base chains: only what every one accepts gets in.
    fn judge(&mut self, packet: Packet, hooks: &[Hook]) -> Verdict {
        let mut flows = vec![Flow {
            sources: Ranges::all_addresses(packet.family),
            conditions: Vec::new(),
            special: false,
            at: Location::file(&self.rule_set.origin),
        }];
        let chains: Vec<_> = hooks.iter().flat_map(|hook| self.base_chains(packet.family, *hook)).collect();
        for (table, chain) in chains {
            let Some(base) = &chain.base else { continue };
            let tracked = base.hook != Hook::Prerouting || base.priority >= TRACKING;
            let packet = Packet { tracked, ..packet };
            for flow in flows::united(std::mem::take(&mut flows)) {
                for mut rest in self.chain(Walk { table, packet, depth: 0 }, chain, flow) {
                    if base.drops {
                        self.verdict.drop(&rest, &base.policy_at);
                    } else {
                        rest.at = base.policy_at.clone();
                        self.verdict.accepted.push(rest);
                    }
                }
            }
            flows.append(&mut self.verdict.accepted);
        }
        Verdict { accepted: flows, ..std::mem::take(&mut self.verdict) }
    }

    /// Walks one chain; returns what comes out at its end or by `return`.
    fn chain(&mut self, walk: Walk<'a>, chain: &'a Chain, flow: Flow) -> Vec<Flow> {
        let (mut here, mut out) = (vec![flow], Vec::new());
        for rule in &chain.rules {
            let mut next = Vec::new();
            for flow in here {
                self.rule(walk, rule, flow, &mut next, &mut out);
            }
            here = next;
            if here.is_empty() {
                break;
            }
        }
        out.append(&mut here);
        out
    }

    /// Applies one rule to one flow: what goes on to the next rule, and what leaves the chain.
    fn rule(
        &mut self,
        walk: Walk<'a>,
        rule: &'a Rule,
        flow: Flow,
        next: &mut Vec<Flow>,
        out: &mut Vec<Flow>,
    ) {
        let hit = match &rule.action {
            Action::Continue => None,
            _ => self.matched(rule, walk.packet, &flow),
        };
        let Some(mut hit) = hit else {
            next.push(flow);
            return;
        };
        hit.at = rule.at.clone();
        let conditional = hit.conditions.len() > flow.conditions.len();
        let mut rest = flow;
        if !conditional {
            rest.sources = rest.sources.difference(&hit.sources);
        } else if rule.action != Action::Accept {
            let new = hit.conditions.iter().filter(|c| !rest.conditions.contains(c));
            let exception = format!("not {}", new.cloned().collect::<Vec<_>>().join(", "));
            if flows::is_sure(&rest.conditions, &exception) {
                rest.sources = Ranges::default();
            }
            add(&mut rest.conditions, exception);
        }
        match &rule.action {
            Action::Accept => self.verdict.accepted.push(hit),
            Action::Drop => self.verdict.drop(&hit, &rule.at),
            Action::Return => out.push(hit),
            Action::Continue => {}
            Action::Unknown(text) => self.note(&rule.at, text),
            Action::Goto(name) => out.extend(self.jump(walk, rule, name, hit)),
            Action::Jump(name) => {
                let before = hit.clone();
                let mut returned = self.jump(walk, rule, name, hit);
                if conditional
                    && returned.len() == 1
                    && returned[0].sources == before.sources
                    && returned[0].conditions == before.conditions
                {
                    // The chain let all of them through: as if the rule were not there.
                    rest.conditions.retain(|c| !c.starts_with("not ") || before.conditions.contains(c));
                    returned.clear();
                }
                next.extend(returned);
            }
        }
        if !rest.sources.is_empty() {
            next.push(rest);
        }
    }

    fn jump(&mut self, walk: Walk<'a>, rule: &'a Rule, name: &str, flow: Flow) -> Vec<Flow> {
        match walk.table.chains.get(name) {
            Some(chain) if walk.depth < MAX_JUMPS => {
                self.chain(Walk { depth: walk.depth + 1, ..walk }, chain, flow)
            }
            Some(_) => {
                self.note(&rule.at, "jumps too deep");
                Vec::new()
            }
            None => {
                self.note(&rule.at, &format!("no chain {name}"));
                Vec::new()
            }
        }
    }

    /// The part of a flow that a rule matches, with the conditions that could not be decided.
    fn matched(&mut self, rule: &Rule, packet: Packet, flow: &Flow) -> Option<Flow> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.note(&Location::file(&self.rule_set.origin), "more rules than can be followed");
            return None;
        }
        if rule.matches.iter().any(|condition| excludes(condition, packet)) {
            return None;
        }
        // A match copies the flow: far dearer than a miss.
        self.steps += 20 + flow.sources.ranges().len() + 4 * flow.conditions.len();
        let mut hit = flow.clone();
        for condition in &rule.matches {
            if let Match::Source { addresses, holds, .. } = condition {
                self.steps += addresses.ranges().len() + hit.sources.ranges().len();
                hit.sources = if *holds {
                    hit.sources.intersection(addresses)
                } else {
                    hit.sources.difference(addresses)
                };
            }
        }
        if hit.sources.is_empty() {
            return None;
        }
        for condition in &rule.matches {
            match condition {
                Match::Condition(text) if flows::rules_out(&hit.conditions, text) => return None,
                Match::Condition(text) => {
                    hit.special = true;
                    add(&mut hit.conditions, text.clone());
                }
                Match::Unknown(text) => {
                    self.note(&rule.at, text);
                    return None;
                }
                _ => {}
            }
        }
        Some(hit)
    }

    fn note(&mut self, at: &Location, text: &str) {
        self.unknown.insert(Unknown { at: at.clone(), text: text.to_string() });
    }
}

/// Whether a condition surely fails for a packet, whatever its source.
fn excludes(condition: &Match, packet: Packet) -> bool {
    match condition {
        Match::Never => true,
        Match::Family(family) | Match::Source { family, .. } => *family != packet.family,
        Match::Protocol { numbers, holds } => {
            packet.protocol.number().is_some_and(|n| numbers.contains(&n)) != *holds
        }
        Match::Port { ports, holds } => {
            !packet.protocol.has_ports() || ports.contains(u128::from(packet.port)) != *holds
        }
        Match::State { new, untracked, holds } => (if packet.tracked { *new } else { *untracked }) != *holds,
        Match::ToThisHost { holds } => packet.to_this_host != *holds,
        Match::Condition(_) | Match::Unknown(_) => false,
    }
}
