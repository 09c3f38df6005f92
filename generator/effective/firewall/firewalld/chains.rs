//! The chains that firewalld makes of its objects, as its `nftables.py` and `fw_policy.py` lay
//! them out.
//!
//! Packets go by source, then by interface, then to the default zone. Each zone has chains for
//! what is before, denied, allowed and after, between the policies of negative and of positive
//! priority; its target ends it.

mod steps;

use std::collections::HashMap;

use self::steps::{carried, is};
use super::super::Family;
use super::super::model::{Action, Base, Chain, Hook, Match, Rule as Step, Table, Unknown};
use super::config::{Config, Rule, Subject, Target, Verdict, Zone};
use crate::location::{Location, Sourced};

/// firewalld's chains come after those of iptables.
const PRIORITY: i64 = 10;
/// Priority of the chain that gives ports to other ports and hosts.
const NAT_PRIORITY: i64 = -90;
/// Rules of all zones before the configuration counts as hostile.
const MAX_RULES: usize = 200_000;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Input,
    Forward,
    /// Ports that are given to other ports and hosts.
    Nat,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Nat => "PREROUTING",
        }
    }
}

/// Makes the table; what was not understood comes with it.
///
/// `tests_ipv6_sources` lets in what neighbours need before firewalld tests by which way an IPv6
/// packet came in.
pub(super) fn table(
    config: &Config,
    default_zone: &Sourced<String>,
    tests_ipv6_sources: bool,
) -> (Table, Vec<Unknown>) {
    let mut maker = Maker { config, chains: HashMap::new(), unknown: Vec::new(), rules: 0 };
    if tests_ipv6_sources {
        maker.early(&default_zone.at);
    }
    maker.base(Way::Input, default_zone);
    maker.base(Way::Forward, default_zone);
    if config.zones.values().flat_map(|zone| &zone.rules).any(|rule| way(rule) == Way::Nat) {
        maker.base(Way::Nat, default_zone);
    }
    maker.policies();
    let table = Table { families: vec![Family::V4, Family::V6], chains: maker.chains };
    (table, maker.unknown)
}

/// The way that a zone's rule is for.
fn way(rule: &Rule) -> Way {
    match rule.subject {
        Subject::ForwardPort(_) => Way::Nat,
        Subject::Other => Way::Forward,
        _ => Way::Input,
    }
}

struct Maker<'a> {
    config: &'a Config,
    chains: HashMap<String, Chain>,
    unknown: Vec<Unknown>,
    rules: usize,
}

impl Maker<'_> {
    fn add(&mut self, chain: &str, matches: Vec<Match>, action: Action, at: &Location) {
        self.rules += 1;
        if self.rules == MAX_RULES {
            let text = "more rules than any real configuration makes".to_owned();
            self.unknown.push(Unknown { at: at.clone(), text });
        }
        if self.rules < MAX_RULES {
            let rules = &mut self.chains.entry(chain.to_owned()).or_default().rules;
            rules.push(Step { matches, action, at: at.clone() });
        }
    }

    fn jump(&mut self, chain: &str, to: &str, at: &Location) {
        self.chains.entry(to.to_owned()).or_default();
        self.add(chain, Vec::new(), Action::Jump(to.to_owned()), at);
    }

    /// What comes before the choice of the zone. The test itself drops no packet whose source is
    /// reached by the interface that it came in by.
    fn early(&mut self, at: &Location) {
        let base = Base { hook: Hook::Prerouting, priority: PRIORITY, drops: false, policy_at: at.clone() };
        self.chains.insert("EARLY".to_owned(), Chain { base: Some(base), rules: Vec::new() });
        let kinds = "icmpv6 type nd-neighbor-solicit, nd-router-advert".to_owned();
        let matches = vec![Match::Family(Family::V6), is(58), Match::Condition(kinds)];
        self.add("EARLY", matches, Action::Accept, at);
    }

    /// The base chain of a way, the choice of the zone, and the zones' chains.
    fn base(&mut self, way: Way, default_zone: &Sourced<String>) {
        let (hook, priority) = match way {
            Way::Input => (Hook::Input, PRIORITY),
            Way::Forward => (Hook::Forward, PRIORITY),
            Way::Nat => (Hook::Prerouting, NAT_PRIORITY),
        };
        let (name, at) = (way.name(), &default_zone.at);
        let base = Base { hook, priority, drops: false, policy_at: at.clone() };
        self.chains.insert(name.to_owned(), Chain { base: Some(base), rules: Vec::new() });
        let zones = format!("{name}_ZONES");
        self.jump(name, &zones, at);
        if way != Way::Nat {
            self.add(name, Vec::new(), Action::Drop, at);
        }
        let config = self.config;
        let active = config.zones.iter().filter(|(zone, content)| {
            **zone == default_zone.value || !content.interfaces.is_empty() || !content.sources.is_empty()
        });
        let (mut interfaces, mut made) = (Vec::new(), Vec::new());
        for (zone, content) in active {
            let chain = format!("{name}_{zone}");
            made.push((chain.clone(), content));
            for (source, at) in &content.sources {
                if let Some(matches) = self.address(source, true, false, at) {
                    self.add(&zones, matches, Action::Goto(chain.clone()), at);
                }
            }
            interfaces.extend(content.interfaces.iter().map(|(name, at)| (name, at, chain.clone())));
        }
        // Each interface is put before those that came earlier.
        for (interface, at, chain) in interfaces.into_iter().rev() {
            self.add(&zones, enters("iifname", interface), Action::Goto(chain), at);
        }
        let default = format!("{name}_{}", default_zone.value);
        self.add(&zones, Vec::new(), Action::Goto(default), at);
        for (chain, content) in made {
            self.zone(way, &chain, content);
        }
    }

    fn zone(&mut self, on: Way, chain: &str, zone: &Zone) {
        let at = &zone.at;
        if on != Way::Nat {
            self.jump(chain, &format!("{}_POLICIES_pre", on.name()), at);
        }
        self.content(chain, zone, on, |rule| way(rule) == on);
        if on == Way::Forward && zone.forward {
            let allow = format!("{chain}_allow");
            for (interface, at) in &zone.interfaces {
                self.add(&allow, enters("oifname", interface), Action::Accept, at);
            }
            for (source, at) in &zone.sources {
                if let Some(matches) = self.address(source, false, false, at) {
                    self.add(&allow, matches, Action::Accept, at);
                }
            }
        }
        if on == Way::Nat {
            return;
        }
        self.jump(chain, &format!("{}_POLICIES_post", on.name()), at);
        let icmp = || vec![Match::Protocol { numbers: vec![1, 58], holds: true }];
        match zone.target {
            _ if on == Way::Forward => {}
            Target::Default | Target::Accept if zone.icmp_inverted => {
                self.add(chain, icmp(), Action::Drop, at)
            }
            Target::Default => self.add(chain, icmp(), Action::Accept, at),
            _ => {}
        }
        let end = match zone.target {
            Target::Accept => Action::Accept,
            Target::Continue => return,
            Target::Default | Target::Reject | Target::Drop => Action::Drop,
        };
        self.add(chain, Vec::new(), end, at);
    }

    /// The chains of a zone's or policy's rules: before, denied, allowed, after.
    fn content(&mut self, chain: &str, zone: &Zone, on: Way, wanted: impl Fn(&Rule) -> bool) {
        for part in ["pre", "deny", "allow", "post"] {
            self.jump(chain, &format!("{chain}_{part}"), &zone.at);
        }
        let mut rules: Vec<&Rule> = zone.rules.iter().filter(|rule| wanted(rule)).collect();
        rules.sort_by_key(|rule| rule.priority);
        for rule in rules {
            if on == Way::Nat {
                let Subject::ForwardPort(ports) = &rule.subject else { continue };
                let matches = carried(ports);
                let action = Action::Unknown("a port that is given to another port or host".to_owned());
                self.add(&format!("{chain}_allow"), matches, action, &rule.at);
                continue;
            }
            let verdict = match (&rule.subject, rule.verdict) {
                (Subject::IcmpBlock(_), _) if rule.plain && zone.icmp_inverted => Verdict::Accept,
                (_, verdict) => verdict,
            };
            let (part, action) = match (rule.priority.signum(), verdict) {
                (_, Verdict::None | Verdict::Mark) => {
                    // firewalld refuses some of these too.
                    self.conditions(rule);
                    continue;
                }
                (-1, Verdict::Accept) => ("pre", Action::Accept),
                (-1, Verdict::Deny) => ("pre", Action::Drop),
                (0, Verdict::Accept) => ("allow", Action::Accept),
                (0, Verdict::Deny) => ("deny", Action::Drop),
                (_, Verdict::Accept) => ("post", Action::Accept),
                (_, Verdict::Deny) => ("post", Action::Drop),
            };
            for matches in self.conditions(rule) {
                self.add(&format!("{chain}_{part}"), matches, action.clone(), &rule.at);
            }
        }
    }

    /// Policies between zones, and between a zone and the host.
    fn policies(&mut self) {
        let config = self.config;
        let mut policies: Vec<_> = config.policies.iter().collect();
        policies.sort_by_key(|(_, policy)| policy.priority);
        for (name, policy) in policies {
            if policy.ingress.is_empty() || policy.egress.is_empty() {
                continue;
            }
            let way = if policy.egress == ["HOST"] { Way::Input } else { Way::Forward };
            if let Some(rule) =
                policy.rules.iter().find(|rule| matches!(rule.subject, Subject::ForwardPort(_)))
            {
                let text = "a port that is given to another port or host".to_owned();
                self.unknown.push(Unknown { at: rule.at.clone(), text });
            }
            let (Some(from), Some(to)) = (self.ends(policy, true), self.ends(policy, false)) else {
                continue;
            };
            let is = |zones: &[String], zone: &str| zones.iter().any(|z| z == zone);
            let unmarked =
                is(&policy.ingress, "HOST") || (is(&policy.egress, "HOST") && !is(&policy.ingress, "ANY"));
            let mut marks = policy.rules.iter().filter(|rule| unmarked && rule.verdict == Verdict::Mark);
            // One of a service that has no address of its family becomes no step at all.
            if let Some(rule) = marks.find(|rule| !self.conditions(rule).is_empty()) {
                let text = "firewalld refuses: a mark in a policy of this host".to_owned();
                self.unknown.push(Unknown { at: rule.at.clone(), text });
            }
            if policy.ingress == ["HOST"] {
                continue;
            }
            let chain = format!("{}_policy_{name}", way.name());
            let half = if policy.priority < 0 { "pre" } else { "post" };
            let dispatch = format!("{}_POLICIES_{half}", way.name());
            for from in &from {
                for to in &to {
                    let matches = from.iter().chain(to).cloned().collect();
                    self.add(&dispatch, matches, Action::Jump(chain.clone()), &policy.at);
                }
            }
            self.content(&chain, policy, way, |rule| !matches!(rule.subject, Subject::Other));
            let end = match policy.target {
                Target::Continue | Target::Default => continue,
                Target::Accept => Action::Accept,
                Target::Reject | Target::Drop => Action::Drop,
            };
            self.add(&chain, Vec::new(), end, &policy.at);
        }
    }

    /// Conditions for one side of a policy: its zones' interfaces and addresses. `None` where no
    /// zone of them is in use.
    fn ends(&mut self, policy: &Zone, from: bool) -> Option<Vec<Vec<Match>>> {
        let zones = if from { &policy.ingress } else { &policy.egress };
        if zones.iter().any(|zone| ["ANY", "HOST"].contains(&zone.as_str())) {
            return Some(vec![Vec::new()]);
        }
        let config = self.config;
        let (mut plain, mut ways) = (Vec::new(), Vec::new());
        let word = if from { "iifname" } else { "oifname" };
        for name in zones {
            let Some(zone) = config.zones.get(name) else {
                let text = format!("firewalld refuses: no zone {name}");
                self.unknown.push(Unknown { at: policy.at.clone(), text });
                continue;
            };
            for (interface, _) in &zone.interfaces {
                match interface.ends_with('+') {
                    true => ways.push(enters(word, interface)),
                    false => plain.push(interface.as_str()),
                }
            }
            for (source, at) in &zone.sources {
                ways.extend(self.address(source, from, false, at));
            }
        }
        plain.sort_unstable();
        plain.dedup();
        if plain.len() > 1 && from {
            // As alone: no packet of another host comes in by it.
            plain.retain(|interface| *interface != "lo");
        }
        if !plain.is_empty() {
            ways.push(enters(word, &plain.join(", ")));
        }
        (!ways.is_empty()).then_some(ways)
    }
}

/// Comes in (or goes out) by an interface.
fn enters(word: &str, interface: &str) -> Vec<Match> {
    match interface.strip_suffix('+') {
        Some("") => Vec::new(),
        Some(start) => vec![Match::Condition(format!("{word} {start}*"))],
        None if interface == "lo" && word == "iifname" => vec![Match::Never],
        None => vec![Match::Condition(format!("{word} {interface}"))],
    }
}
