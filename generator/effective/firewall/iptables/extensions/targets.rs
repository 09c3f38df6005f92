//! Targets, and what becomes of a packet there.

use super::Meaning::*;
use super::{Opt, opt};

/// What becomes of a packet at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::effective::firewall::iptables) enum Effect {
    /// Lets it in.
    Accept,
    /// Drops or refuses it.
    Drop,
    /// Back to the calling chain.
    Return,
    /// Logs, marks or remembers: the next rule decides.
    Continue,
    /// Changes where the packet goes.
    Redirect,
}

/// Targets by name.
const TARGETS: &[(&str, Effect, &[Opt])] = &[
    ("ACCEPT", Effect::Accept, &[]),
    ("DROP", Effect::Drop, &[]),
    ("RETURN", Effect::Return, &[]),
    ("REJECT", Effect::Drop, &[opt("reject-with", 1, Nothing)]),
    (
        "LOG",
        Effect::Continue,
        &[
            opt("log-level", 1, Nothing),
            opt("log-prefix", 1, Nothing),
            opt("log-tcp-sequence", 0, Nothing),
            opt("log-tcp-options", 0, Nothing),
            opt("log-ip-options", 0, Nothing),
            opt("log-uid", 0, Nothing),
            opt("log-macdecode", 0, Nothing),
        ],
    ),
    (
        "NFLOG",
        Effect::Continue,
        &[
            opt("nflog-group", 1, Nothing),
            opt("nflog-prefix", 1, Nothing),
            opt("nflog-range", 1, Nothing),
            opt("nflog-size", 1, Nothing),
            opt("nflog-threshold", 1, Nothing),
        ],
    ),
    (
        "MARK",
        Effect::Continue,
        &[
            opt("set-xmark", 1, Nothing),
            opt("set-mark", 1, Nothing),
            opt("and-mark", 1, Nothing),
            opt("or-mark", 1, Nothing),
            opt("xor-mark", 1, Nothing),
        ],
    ),
    (
        "CONNMARK",
        Effect::Continue,
        &[
            opt("set-xmark", 1, Nothing),
            opt("set-mark", 1, Nothing),
            opt("and-mark", 1, Nothing),
            opt("or-mark", 1, Nothing),
            opt("xor-mark", 1, Nothing),
            opt("save-mark", 0, Nothing),
            opt("restore-mark", 0, Nothing),
            opt("nfmask", 1, Nothing),
            opt("ctmask", 1, Nothing),
            opt("mask", 1, Nothing),
        ],
    ),
    ("CLASSIFY", Effect::Continue, &[opt("set-class", 1, Nothing)]),
    ("AUDIT", Effect::Continue, &[opt("type", 1, Nothing)]),
    ("TCPMSS", Effect::Continue, &[opt("set-mss", 1, Nothing), opt("clamp-mss-to-pmtu", 0, Nothing)]),
    ("CHECKSUM", Effect::Continue, &[opt("checksum-fill", 0, Nothing)]),
    ("DSCP", Effect::Continue, &[opt("set-dscp", 1, Nothing), opt("set-dscp-class", 1, Nothing)]),
    ("TRACE", Effect::Continue, &[]),
    (
        "SET",
        Effect::Continue,
        &[
            opt("add-set", 2, Nothing),
            opt("del-set", 2, Nothing),
            opt("map-set", 2, Nothing),
            opt("exist", 0, Nothing),
            opt("timeout", 1, Nothing),
        ],
    ),
    (
        "SNAT",
        Effect::Accept,
        &[
            opt("to-source", 1, Nothing),
            opt("random", 0, Nothing),
            opt("random-fully", 0, Nothing),
            opt("persistent", 0, Nothing),
        ],
    ),
    (
        "MASQUERADE",
        Effect::Accept,
        &[opt("to-ports", 1, Nothing), opt("random", 0, Nothing), opt("random-fully", 0, Nothing)],
    ),
    (
        "DNAT",
        Effect::Redirect,
        &[opt("to-destination", 1, Nothing), opt("random", 0, Nothing), opt("persistent", 0, Nothing)],
    ),
    ("REDIRECT", Effect::Redirect, &[opt("to-ports|to-port", 1, Nothing), opt("random", 0, Nothing)]),
    ("NOTRACK", Effect::Redirect, &[]),
    (
        "CT",
        Effect::Redirect,
        &[
            opt("notrack", 0, Nothing),
            opt("helper", 1, Nothing),
            opt("ctevents", 1, Nothing),
            opt("expevents", 1, Nothing),
            opt("zone", 1, Nothing),
            opt("zone-orig", 1, Nothing),
            opt("zone-reply", 1, Nothing),
            opt("timeout", 1, Nothing),
        ],
    ),
    (
        "NFQUEUE",
        Effect::Redirect,
        &[
            opt("queue-num", 1, Nothing),
            opt("queue-balance", 1, Nothing),
            opt("queue-bypass", 0, Nothing),
            opt("queue-cpu-fanout", 0, Nothing),
        ],
    ),
    ("QUEUE", Effect::Redirect, &[]),
    (
        "TPROXY",
        Effect::Redirect,
        &[opt("on-port", 1, Nothing), opt("on-ip", 1, Nothing), opt("tproxy-mark", 1, Nothing)],
    ),
    ("NETMAP", Effect::Redirect, &[opt("to", 1, Nothing)]),
    ("TEE", Effect::Continue, &[opt("gateway", 1, Nothing), opt("oif", 1, Nothing)]),
];

/// What a target does and its options; `None` where it is not known.
pub(in crate::effective::firewall::iptables) fn target(name: &str) -> Option<(Effect, &'static [Opt])> {
    TARGETS.iter().find(|(known, ..)| *known == name).map(|(_, effect, options)| (*effect, *options))
}

/// Whether a target leaves the verdict to the rules after it.
pub(in crate::effective::firewall) fn only_notes(name: &str) -> bool {
    target(name).is_some_and(|(effect, _)| effect == Effect::Continue)
}
