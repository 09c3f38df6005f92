//! nftables' own shape: what its text and its JSON both say, before it is made into the model.
//!
//! Both readers fill these types; only [`super::compile`] knows what they mean.

use std::collections::HashMap;

use super::model::{Action, Base, Unknown};
use crate::location::Location;

/// All tables, and what was not understood.
#[derive(Debug, Default)]
pub(super) struct RawRules {
    pub(super) tables: Vec<RawTable>,
    pub(super) unknown: Vec<Unknown>,
    /// The line that empties everything that was there before.
    pub(super) flushes: Option<Location>,
}

#[derive(Debug, Default)]
pub(super) struct RawTable {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`.
    pub(super) family: String,
    pub(super) name: String,
    /// Switched off as a whole.
    pub(super) dormant: bool,
    pub(super) sets: HashMap<String, RawSet>,
    pub(super) chains: Vec<RawChain>,
}

impl RawRules {
    /// The table of this name, made if there is none.
    pub(super) fn table(&mut self, family: &str, name: &str) -> &mut RawTable {
        let found = self.tables.iter().position(|t| t.family == family && t.name == name);
        let index = found.unwrap_or_else(|| {
            self.tables.push(RawTable {
                family: family.to_string(),
                name: name.to_string(),
                ..RawTable::default()
            });
            self.tables.len() - 1
        });
        &mut self.tables[index]
    }
}

impl RawTable {
    /// The chain of this name, made if there is none.
    pub(super) fn chain(&mut self, name: &str) -> &mut RawChain {
        let index = self.chains.iter().position(|c| c.name == name).unwrap_or_else(|| {
            self.chains.push(RawChain { name: name.to_string(), ..RawChain::default() });
            self.chains.len() - 1
        });
        &mut self.chains[index]
    }
}

#[derive(Debug, Default)]
pub(super) struct RawChain {
    pub(super) name: String,
    pub(super) base: Option<Base>,
    /// Hangs on a hook before prerouting, which the model does not follow.
    pub(super) ingress: Option<Location>,
    pub(super) rules: Vec<RawRule>,
}

/// A named set or a verdict map.
#[derive(Debug, Default)]
pub(super) struct RawSet {
    /// Filled while the system runs; what is written is not all.
    pub(super) dynamic: bool,
    pub(super) elements: Vec<Element>,
}

/// One element: a key of one or more concatenated parts, and a verdict in a map.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) key: Vec<String>,
    pub(super) action: Option<Action>,
}

#[derive(Debug)]
pub(super) struct RawRule {
    pub(super) matches: Vec<RawMatch>,
    pub(super) action: RawAction,
    pub(super) at: Location,
}

#[derive(Debug)]
pub(super) enum RawMatch {
    Test(Test),
    Condition(String),
    /// Known never to hold for the first packet of a connection.
    Never,
}

/// One or more concatenated selectors (`tcp dport`, `meta iifname`) compared with values.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) selectors: Vec<String>,
    pub(super) operator: Operator,
    pub(super) values: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Operator {
    /// The operator as nft writes it; JSON's `in` is a test for flags.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "==" | "in" | "eq" => Self::Equal,
            "!=" | "ne" => Self::NotEqual,
            "<" | "lt" => Self::Less,
            "<=" | "le" => Self::AtMost,
            ">" | "gt" => Self::Greater,
            ">=" | "ge" => Self::AtLeast,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) enum Values {
    Elements(Vec<Element>),
    Named(String),
}

#[derive(Debug)]
pub(super) enum RawAction {
    Plain(Action),
    /// The verdict is looked up by the packet.
    Map {
        selectors: Vec<String>,
        values: Values,
    },
}

/// A test of some bits of a number; `None` where the model does not know what they mean.
pub(super) fn masked(selector: &str, mask: u64, operator: Operator, value: u64) -> Option<Vec<RawMatch>> {
    /// The bits of a fragment's place in its packet.
    const OFFSET: u64 = 0x1fff;
    let equal = match operator {
        Operator::Equal => true,
        Operator::NotEqual => false,
        _ => return None,
    };
    match selector {
        "meta mark" | "ct mark" => {
            let sign = if equal { "==" } else { "!=" };
            let name = selector.strip_prefix("meta ").unwrap_or(selector);
            Some(vec![RawMatch::Condition(format!("{name} & {mask} {sign} {value}"))])
        }
        // The first packet of a connection is no later fragment: its offset is 0.
        "ip frag-off" if mask & !OFFSET == 0 => {
            let family = Element { key: vec!["ipv4".into()], action: None };
            let is_v4 = RawMatch::Test(Test {
                selectors: vec!["meta nfproto".into()],
                operator: Operator::Equal,
                values: Values::Elements(vec![family]),
            });
            Some(if equal == (value == 0) { vec![is_v4] } else { vec![is_v4, RawMatch::Never] })
        }
        _ => None,
    }
}

/// A question of the routing table that has an answer, or has none (`missing`).
pub(super) fn fib(flags: &[&str], result: &str, missing: bool) -> Option<RawMatch> {
    // The source is reached by the interface that the packet came in by.
    let by_its_way = flags.contains(&"saddr") && flags.contains(&"iif") && result.starts_with("oif");
    match (by_its_way, missing) {
        (true, true) => Some(RawMatch::Never),
        (true, false) => None,
        (false, _) => Some(RawMatch::Condition(format!("fib {result}"))),
    }
}
