//! The rule set itself: chains of rules, each a few matches and an action.
//!
//! Rules are kept only as far as they decide what other hosts reach. It must not know any
//! backend's syntax.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::location::Location;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A construct that the reader does not know, and that bears on the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unknown {
    /// Where it stands.
    pub at: Location,
    /// What it is, for people.
    pub text: String,
}

/// Everything a packet filter holds.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    pub(super) tables: Vec<Table>,
    /// What was not understood and could change any answer.
    pub(super) unknown: Vec<Unknown>,
    /// Where the rule set was read, for answers that no rule decides.
    pub(super) origin: String,
    /// The line that empties the whole packet filter before this rule set is loaded.
    pub(super) flushes: Option<Location>,
}

impl RuleSet {
    /// Both rule sets loaded together: only what both accept gets in.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tables.extend(other.tables);
        self.unknown.extend(other.unknown);
        self
    }
}

/// A name space of chains.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) families: Vec<Family>,
    pub(super) chains: HashMap<String, Chain>,
}

/// Where in the kernel a base chain hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    Prerouting,
    Input,
    Forward,
}

/// What makes a chain one that packets enter by themselves.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) hook: Hook,
    pub(super) priority: i64,
    pub(super) drops: bool,
    /// The line of the policy, or of the chain where none is written.
    pub(super) policy_at: Location,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) matches: Vec<Match>,
    pub(super) action: Action,
    pub(super) at: Location,
}

/// One condition of a rule. All of a rule's must hold.
#[derive(Clone, Debug)]
pub(super) enum Match {
    Family(Family),
    /// The transport protocol's number is (not) one of these.
    Protocol {
        numbers: Vec<u8>,
        holds: bool,
    },
    /// The destination port is (not) one of these.
    Port {
        ports: Arc<Ranges>,
        holds: bool,
    },
    /// The source address is (not) one of these; implies the family.
    Source {
        family: Family,
        addresses: Arc<Ranges>,
        holds: bool,
    },
    /// The packet is (not) for an address of this host, and not to be routed on.
    ToThisHost {
        holds: bool,
    },
    /// The connection's state is (not) one of some, which a new connection has or not, or which a
    /// packet has or not that the connection tracking has not seen yet (`invalid`).
    State {
        new: bool,
        untracked: bool,
        holds: bool,
    },
    /// Known never to hold for a new packet from another host (or, always: no match is made).
    Never,
    /// Understood, but holding for some packets only in ways the model does not follow:
    /// an interface, a rate, a destination address.
    Condition(String),
    /// Not understood.
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Accept,
    Drop,
    Jump(String),
    Goto(String),
    Return,
    /// Only counts, logs, marks.
    Continue,
    /// Does something that could change where the packet ends.
    Unknown(String),
}
