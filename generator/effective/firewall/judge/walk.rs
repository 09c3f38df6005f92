//! Follows a new packet from another host through the chains.
//!
//! Sources are followed as sets, so one walk answers for every source address at once. Where a
//! rule holds under a condition that the model can't decide (an interface, a rate), both ways
//! are followed and the flow carries the condition.

use std::collections::BTreeSet;

use super::super::flows::{self, Flow, add};
use super::super::model::{Action, Chain, Family, Hook, Match, Rule, RuleSet, Table, Unknown};
use super::super::ranges::Ranges;
use super::{Opening, Protocol, Sources};
use crate::location::Location;

/// Work spent on one question before the rule set counts as too complex to judge.
const MAX_STEPS: usize = 50_000_000;

/// Depth of jumps that the kernel allows.
const MAX_JUMPS: usize = 16;

#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub(super) family: Family,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// For this host, and not to be routed on.
    pub(super) to_this_host: bool,
    /// The connection tracking has seen it.
    pub(super) tracked: bool,
}

/// Priority on the prerouting hook at which connections are tracked.
const TRACKING: i64 = -200;

/// Where packets ended.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) accepted: Vec<Flow>,
    /// How many addresses, and by what: of those that met no undecidable condition, the most.
    pub(super) dropped: Option<(u128, Location)>,
}

impl Verdict {
    fn drop(&mut self, flow: &Flow, at: &Location) {
        let count = flow.sources.count();
        if !flow.special && self.dropped.as_ref().is_none_or(|(most, _)| count > *most) {
            self.dropped = Some((count, at.clone()));
        }
    }

    pub(super) fn openings(&self, packet: Packet) -> Vec<Opening> {
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

pub(super) struct Judge<'a> {
    rule_set: &'a RuleSet,
    pub(super) unknown: BTreeSet<Unknown>,
    verdict: Verdict,
    steps: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn new(rule_set: &'a RuleSet) -> Self {
        let unknown = rule_set.unknown.iter().cloned().collect();
        Self { rule_set, unknown, verdict: Verdict::default(), steps: 0 }
    }

    /// The base chains on a hook in the order packets meet them.
    pub(super) fn base_chains(&self, family: Family, hook: Hook) -> Vec<(&'a Table, &'a Chain)> {
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
    pub(super) fn judge(&mut self, packet: Packet, hooks: &[Hook]) -> Verdict {
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
        Verdict { accepted: flows::united(flows), ..std::mem::take(&mut self.verdict) }
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
