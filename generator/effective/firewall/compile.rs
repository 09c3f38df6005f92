//! From nftables' own shape to the model: what a selector and its values mean for a new packet.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Action, Chain, Family, Hook, Match, Rule, RuleSet, Table, Unknown};
use super::names::{Names, destination, protocol};
use super::nft_raw::{
    Element, Operator, RawAction, RawMatch, RawRule, RawRules, RawSet, RawTable, Test, Values,
};
use super::ranges::{Ranges, parse_address, port_list};

/// Rules that verdict maps may expand to before the rule set counts as hostile.
const MAX_EXPANDED: usize = 500_000;

/// Selectors that are understood, but that the model does not follow: they hold for some packets.
const CONDITIONS: [&str; 36] = [
    "fib saddr type",
    "fib daddr type",
    "tcp flags",
    "ip ttl",
    "ip6 hoplimit",
    "ip dscp",
    "ip6 dscp",
    "ip length",
    "ip6 length",
    "ip frag-off",
    "icmp type",
    "icmp code",
    "icmpv6 type",
    "icmpv6 code",
    "igmp type",
    "meta mark",
    "meta pkttype",
    "meta iif",
    "meta iifname",
    "meta iiftype",
    "meta iifgroup",
    "meta oif",
    "meta oifname",
    "meta skuid",
    "meta skgid",
    "meta length",
    "meta cpu",
    "meta day",
    "meta hour",
    "meta time",
    "ct mark",
    "ct status",
    "ct direction",
    "ct zone",
    "ether saddr",
    "ether daddr",
];

/// Makes the model.
pub(super) fn compile(raw: RawRules, origin: &str, names: &Names) -> RuleSet {
    let mut compiler = Compiler { names, unknown: raw.unknown, expanded: 0, sets: HashMap::new() };
    let mut tables = Vec::new();
    for table in &raw.tables {
        if !table.dormant {
            tables.extend(compiler.table(table));
        }
    }
    RuleSet { tables, unknown: compiler.unknown, origin: origin.to_string(), flushes: raw.flushes }
}

/// A chain's priority: a number, a name, or a name with an offset (`filter-10`).
pub(super) fn priority(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    let (name, offset) = text.split_at(end);
    let base = match name {
        "" => 0,
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        _ => return None,
    };
    let offset = offset.trim_start_matches('+');
    Some(base + if offset.is_empty() { 0 } else { i64::from(offset.parse::<i32>().ok()?) })
}

struct Compiler<'a> {
    names: &'a Names,
    unknown: Vec<Unknown>,
    expanded: usize,
    /// Named sets already read: by table, name and selector.
    sets: HashMap<(String, String, String), Match>,
}

impl Compiler<'_> {
    fn table(&mut self, raw: &RawTable) -> Option<Table> {
        let families = match raw.family.as_str() {
            "ip" => vec![Family::V4],
            "ip6" => vec![Family::V6],
            "inet" => vec![Family::V4, Family::V6],
            "netdev" | "bridge" => {
                self.early(raw);
                return None;
            }
            _ => return None,
        };
        let mut chains = HashMap::new();
        for chain in &raw.chains {
            let mut rules = Vec::new();
            for rule in &chain.rules {
                self.rule(raw, rule, &mut rules);
            }
            chains.insert(chain.name.clone(), Chain { base: chain.base.clone(), rules });
        }
        for rule in chains.values().flat_map(|chain| &chain.rules) {
            if let Action::Jump(name) | Action::Goto(name) = &rule.action
                && !chains.contains_key(name)
            {
                self.unknown.push(Unknown { at: rule.at.clone(), text: format!("no chain {name}") });
            }
        }
        self.early(raw);
        Some(Table { families, chains })
    }

    /// Chains before prerouting, or of a bridge, may drop what the model calls open.
    fn early(&mut self, raw: &RawTable) {
        let bridge = raw.family == "bridge";
        for chain in raw.chains.iter().filter(|chain| !chain.rules.is_empty()) {
            let hooked = chain.base.as_ref().filter(|base| bridge && base.hook != Hook::Forward);
            if let Some(at) = chain.ingress.as_ref().or(hooked.map(|base| &base.policy_at)) {
                let text = format!("chain {} sees packets before the input hook", chain.name);
                self.unknown.push(Unknown { at: at.clone(), text });
            }
        }
    }

    fn rule(&mut self, table: &RawTable, raw: &RawRule, rules: &mut Vec<Rule>) {
        let mut matches = Vec::new();
        let mut listed: Option<&Test> = None;
        for condition in &raw.matches {
            match condition {
                RawMatch::Condition(text) => matches.push(Match::Condition(text.clone())),
                RawMatch::Never => matches.push(Match::Never),
                RawMatch::Test(test) if listed.is_none() && self.alternatives(table, test).is_some() => {
                    listed = Some(test);
                }
                RawMatch::Test(test) => match self.test(table, test, &mut matches) {
                    Ok(()) => {}
                    Err(text) => return self.unknown.push(Unknown { at: raw.at.clone(), text }),
                },
            }
        }
        let (selectors, values) = match &raw.action {
            RawAction::Plain(action) => {
                let elements = listed.and_then(|test| Some((test, self.alternatives(table, test)?)));
                match elements {
                    Some((test, elements)) => {
                        let elements = elements.into_iter().map(|key| (key, action.clone()));
                        self.expand(table, raw, &test.selectors, &matches, elements.collect(), rules);
                    }
                    None => rules.push(Rule { matches, action: action.clone(), at: raw.at.clone() }),
                }
                return;
            }
            RawAction::Map { selectors, values } => (selectors, values),
        };
        if listed.is_some() {
            let text = "a set of concatenations before a verdict map".to_owned();
            return self.unknown.push(Unknown { at: raw.at.clone(), text });
        }
        let elements = match values {
            Values::Elements(elements) => elements,
            Values::Named(name) => match table.sets.get(name).filter(|set| !set.dynamic) {
                Some(set) => &set.elements,
                None => {
                    let text = format!("map @{name} is not in the file, or filled at run time");
                    return self.unknown.push(Unknown { at: raw.at.clone(), text });
                }
            },
        };
        // The most specific key wins in a map with overlapping ones; nft refuses those. `*` is the rest.
        let (rest, keyed): (Vec<&Element>, Vec<&Element>) = elements.iter().partition(|e| e.key == ["*"]);
        let elements = keyed.into_iter().chain(rest);
        let elements = elements.map(|e| (e.key.clone(), e.action.clone().unwrap_or(Action::Continue)));
        self.expand(table, raw, selectors, &matches, elements.collect(), rules);
    }

    /// The keys of a set of concatenations that a packet may be in; each becomes a rule of its own.
    fn alternatives(&self, table: &RawTable, test: &Test) -> Option<Vec<Vec<String>>> {
        if test.selectors.len() < 2 || test.operator != Operator::Equal {
            return None;
        }
        let elements = match &test.values {
            Values::Elements(elements) => elements,
            Values::Named(name) => &table.sets.get(name).filter(|set| !set.dynamic)?.elements,
        };
        Some(elements.iter().map(|element| element.key.clone()).collect())
    }

    /// A rule for each key: the conditions that all share, and the key's own.
    fn expand(
        &mut self,
        table: &RawTable,
        raw: &RawRule,
        selectors: &[String],
        shared: &[Match],
        keys: Vec<(Vec<String>, Action)>,
        rules: &mut Vec<Rule>,
    ) {
        for (key, action) in keys {
            self.expanded += 1;
            if self.expanded > MAX_EXPANDED {
                let text = "maps of more elements than any real rule set has".to_string();
                return self.unknown.push(Unknown { at: raw.at.clone(), text });
            }
            let mut matches = shared.to_vec();
            let test = Test {
                selectors: selectors.to_vec(),
                operator: Operator::Equal,
                values: Values::Elements(vec![Element { key, action: None }]),
            };
            match self.test(table, &test, &mut matches) {
                Ok(()) => rules.push(Rule { matches, action, at: raw.at.clone() }),
                Err(text) => return self.unknown.push(Unknown { at: raw.at.clone(), text }),
            }
        }
    }

    fn test(&mut self, table: &RawTable, test: &Test, matches: &mut Vec<Match>) -> Result<(), String> {
        let empty = RawSet::default();
        let (set, name) = match &test.values {
            Values::Elements(_) => (&empty, None),
            Values::Named(name) => {
                (table.sets.get(name).ok_or_else(|| format!("no set @{name}"))?, Some(name))
            }
        };
        let elements = match &test.values {
            Values::Elements(elements) => elements,
            Values::Named(_) => &set.elements,
        };
        let label = |selectors: &[String]| {
            format!("{} in @{}", selectors.join(" . "), name.map_or("", String::as_str))
        };
        if set.dynamic {
            matches.extend(test.selectors.iter().flat_map(|s| implied(s)));
            matches.push(Match::Condition(label(&test.selectors)));
            return Ok(());
        }
        if let [selector] = test.selectors.as_slice() {
            matches.extend(implied(selector));
            let key = name.map(|n| {
                (
                    format!("{} {}", table.family, table.name),
                    n.clone(),
                    format!("{selector} {:?}", test.operator),
                )
            });
            if let Some(known) = key.as_ref().and_then(|key| self.sets.get(key)) {
                matches.push(known.clone());
                return Ok(());
            }
            let values: Vec<&str> = elements.iter().flat_map(|e| e.key.iter().map(String::as_str)).collect();
            if values == ["*"] {
                return Ok(());
            }
            let found = self.single(selector, test.operator, &values)?;
            if let (Some(key), Some(found)) = (key, &found) {
                self.sets.insert(key, found.clone());
            }
            matches.extend(found);
            return Ok(());
        }
        if elements.len() == 1
            && test.operator == Operator::Equal
            && elements[0].key.len() == test.selectors.len()
        {
            for (selector, value) in test.selectors.iter().zip(&elements[0].key) {
                matches.extend(implied(selector));
                matches.extend(self.single(selector, Operator::Equal, &[value])?);
            }
            return Ok(());
        }
        matches.extend(test.selectors.iter().flat_map(|s| implied(s)));
        matches.push(Match::Unknown(format!("a set of concatenations: {}", test.selectors.join(" . "))));
        Ok(())
    }

    /// One selector against its values. `None` where it holds for every packet in question.
    fn single(&self, selector: &str, operator: Operator, values: &[&str]) -> Result<Option<Match>, String> {
        let holds = operator != Operator::NotEqual;
        let unordered = matches!(operator, Operator::Equal | Operator::NotEqual);
        match selector {
            "meta l4proto" | "ip protocol" | "ip6 nexthdr" if unordered => {
                let numbers: Option<Vec<u8>> = values.iter().map(|v| self.names.protocol(v)).collect();
                let numbers = numbers.ok_or_else(|| format!("protocol {}", values.join(", ")))?;
                Ok(Some(Match::Protocol { numbers, holds }))
            }
            "meta nfproto" | "meta protocol" | "ether type" if unordered => family_test(values, holds),
            "tcp dport" | "udp dport" | "sctp dport" | "dccp dport" | "udplite dport" | "th dport" => {
                let ports = self.ports(operator, values)?;
                Ok(Some(Match::Port { ports: Arc::new(ports), holds }))
            }
            "ip saddr" | "ip6 saddr" if unordered => {
                let family = if selector == "ip saddr" { Family::V4 } else { Family::V6 };
                let addresses = Arc::new(addresses(family, values)?);
                Ok(Some(Match::Source { family, addresses, holds }))
            }
            "ct state" if unordered => {
                let (new, untracked) = (values.contains(&"new"), values.contains(&"invalid"));
                Ok(Some(Match::State { new, untracked, holds }))
            }
            "meta iif" | "meta iifname" if unordered && values.contains(&"lo") => {
                // The packet comes from another host, so never in by loopback.
                let others: Vec<&str> = values.iter().copied().filter(|v| *v != "lo").collect();
                if others.is_empty() {
                    return Ok(holds.then_some(Match::Never));
                }
                Ok(Some(Match::Condition(condition(selector, operator, &others))))
            }
            "ip daddr" | "ip6 daddr" if unordered => {
                let family = if selector == "ip daddr" { Family::V4 } else { Family::V6 };
                let addresses = addresses(family, values)?;
                if addresses.is_empty() {
                    return Ok(holds.then_some(Match::Never));
                }
                Ok(Some(Match::Condition(destination(family, &addresses, holds))))
            }
            "tcp sport" | "udp sport" | "sctp sport" | "dccp sport" | "udplite sport" | "th sport" => {
                let ports = self.ports(operator, values)?;
                let sign = if holds { "" } else { "!= " };
                Ok(match (ports.is_empty(), ports.count() == 1 << 16) {
                    (true, _) => holds.then_some(Match::Never),
                    (_, true) => (!holds).then_some(Match::Never),
                    _ => Some(Match::Condition(format!("{selector} {sign}{}", port_list(&ports)))),
                })
            }
            // A routing header, which a plain packet does not carry.
            "rt type" => Ok(Some(Match::Never)),
            // Rules that translate addresses are unknowns of their own.
            "ct status" if unordered && values == ["dnat"] => Ok(holds.then_some(Match::Never)),
            "fib daddr type" if unordered && values == ["local"] => Ok(Some(Match::ToThisHost { holds })),
            known if CONDITIONS.contains(&known) => {
                if values.is_empty() {
                    return Ok(holds.then_some(Match::Never));
                }
                Ok(Some(Match::Condition(condition(selector, operator, values))))
            }
            other => Err(format!("{other} {}", shown(values))),
        }
    }

    fn ports(&self, operator: Operator, values: &[&str]) -> Result<Ranges, String> {
        let mut ranges = Vec::with_capacity(values.len());
        for value in values {
            let range = match value.split_once('-') {
                Some((low, high)) if self.port(low).is_some() => self.port(low).zip(self.port(high)),
                _ => self.port(value).map(|port| (port, port)),
            };
            let (low, high) = range.ok_or_else(|| format!("port {value}"))?;
            ranges.push(match operator {
                Operator::Equal | Operator::NotEqual => (u128::from(low), u128::from(high)),
                Operator::Less if low == 0 => continue,
                Operator::Less => (0, u128::from(low) - 1),
                Operator::AtMost => (0, u128::from(low)),
                Operator::Greater => (u128::from(low) + 1, 65_535),
                Operator::AtLeast => (u128::from(low), 65_535),
            });
        }
        Ok(Ranges::of(ranges))
    }

    fn port(&self, text: &str) -> Option<u16> {
        self.names.port(text, None)
    }
}

/// Addresses of one family.
fn addresses(family: Family, values: &[&str]) -> Result<Ranges, String> {
    let parsed = values.iter().map(|v| parse_address(v).filter(|(f, _)| *f == family));
    let ranges: Option<Vec<_>> = parsed.map(|p| p.map(|(_, range)| range)).collect();
    ranges.map(Ranges::of).ok_or_else(|| format!("address {}", shown(values)))
}

/// What a selector demands of a packet before it is compared at all.
fn implied(selector: &str) -> Vec<Match> {
    let header = selector.split(' ').next().unwrap_or_default();
    let family = match header {
        "ip" | "icmp" | "igmp" => Some(Family::V4),
        "ip6" | "icmpv6" => Some(Family::V6),
        _ => None,
    };
    let number = match header {
        "ip" | "ip6" | "th" | "meta" | "ct" | "rt" | "ether" | "vlan" | "arp" | "fib" => None,
        header => protocol(header),
    };
    let number = number.map(|number| Match::Protocol { numbers: vec![number], holds: true });
    family.map(Match::Family).into_iter().chain(number).collect()
}

fn condition(selector: &str, operator: Operator, values: &[&str]) -> String {
    let mut values: Vec<String> = values.iter().map(|v| v.to_string()).collect();
    values.sort_unstable();
    values.dedup();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let sign = match operator {
        Operator::Equal => "",
        Operator::NotEqual => "!= ",
        Operator::Less => "< ",
        Operator::AtMost => "<= ",
        Operator::Greater => "> ",
        Operator::AtLeast => ">= ",
    };
    let name = selector.strip_prefix("meta ").unwrap_or(selector);
    format!("{name} {sign}{}", shown(&values))
}

/// A bounded list for people.
fn shown(values: &[&str]) -> String {
    let more = if values.len() > 16 { ", …" } else { "" };
    format!("{}{more}", values.iter().take(16).copied().collect::<Vec<_>>().join(", "))
}

fn family_test(values: &[&str], holds: bool) -> Result<Option<Match>, String> {
    let mut families = Vec::new();
    for value in values {
        match *value {
            "ipv4" | "ip" | "0x0800" => families.push(Family::V4),
            "ipv6" | "ip6" | "0x86dd" => families.push(Family::V6),
            "arp" | "vlan" => {}
            other => return Err(format!("family {other}")),
        }
    }
    let wanted = |family| families.contains(&family) == holds;
    Ok(match (wanted(Family::V4), wanted(Family::V6)) {
        (true, true) => None,
        (true, false) => Some(Match::Family(Family::V4)),
        (false, true) => Some(Match::Family(Family::V6)),
        (false, false) => Some(Match::Never),
    })
}
