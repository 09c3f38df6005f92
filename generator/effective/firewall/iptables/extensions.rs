//! iptables' matches and targets, and the options that each brings.
//!
//! From iptables-extensions(8) of iptables 1.8. What is not listed is not understood, and never
//! taken for something that matches nothing.

mod targets;

pub(in super::super) use targets::only_notes;
pub(super) use targets::{Effect, target};

/// What an option means to the first packet of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing: it describes, or only serves other options.
    Nothing,
    /// It holds for some packets, in ways that the model does not follow.
    Condition,
    /// It asks for a header that the packet does not carry, and never holds.
    Absent,
    /// One destination port or a range.
    Port,
    /// One source port or a range.
    SourcePort,
    /// A list of destination ports.
    Ports,
    /// A list of source ports.
    SourcePorts,
    /// A list of ports, for source or destination.
    EitherPorts,
    /// Connection states.
    State,
    /// Flags of TCP: a mask and a comparison.
    Flags,
    /// A connection's first packet.
    Syn,
    /// A type of ICMP.
    IcmpType,
    /// A range of source addresses.
    SourceRange,
    /// A range of destination addresses.
    DestinationRange,
    /// Types of the destination address.
    DestinationType,
}

/// An option of a match or target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opt {
    /// Its names without the dashes, with `|` between.
    pub(super) names: &'static str,
    /// How many words follow it.
    pub(super) words: usize,
    pub(super) meaning: Meaning,
}

impl Opt {
    pub(super) fn is(&self, name: &str) -> bool {
        self.names.split('|').any(|known| known == name)
    }
}

use Meaning::*;

const fn opt(names: &'static str, words: usize, meaning: Meaning) -> Opt {
    Opt { names, words, meaning }
}

const PORTS: &[Opt] = &[opt("destination-port|dport", 1, Port), opt("source-port|sport", 1, SourcePort)];

/// Matches by name.
const MATCHES: &[(&str, &[Opt])] = &[
    (
        "tcp",
        &[
            opt("destination-port|dport", 1, Port),
            opt("source-port|sport", 1, SourcePort),
            opt("syn", 0, Syn),
            opt("tcp-flags", 2, Flags),
            opt("tcp-option", 1, Condition),
        ],
    ),
    ("udp", PORTS),
    (
        "sctp",
        &[
            opt("destination-port|dport", 1, Port),
            opt("source-port|sport", 1, SourcePort),
            opt("chunk-types", 2, Condition),
        ],
    ),
    (
        "dccp",
        &[
            opt("destination-port|dport", 1, Port),
            opt("source-port|sport", 1, SourcePort),
            opt("dccp-types", 1, Condition),
            opt("dccp-option", 1, Condition),
        ],
    ),
    ("icmp", &[opt("icmp-type", 1, IcmpType)]),
    ("icmp6", &[opt("icmpv6-type", 1, IcmpType)]),
    (
        "multiport",
        &[
            opt("destination-ports|dports", 1, Ports),
            opt("source-ports|sports", 1, SourcePorts),
            opt("ports", 1, EitherPorts),
        ],
    ),
    ("state", &[opt("state", 1, State)]),
    (
        "conntrack",
        &[
            opt("ctstate", 1, State),
            opt("ctproto", 1, Condition),
            opt("ctorigsrc", 1, Condition),
            opt("ctorigdst", 1, Condition),
            opt("ctreplsrc", 1, Condition),
            opt("ctrepldst", 1, Condition),
            opt("ctorigsrcport", 1, Condition),
            opt("ctorigdstport", 1, Condition),
            opt("ctreplsrcport", 1, Condition),
            opt("ctrepldstport", 1, Condition),
            opt("ctstatus", 1, Condition),
            opt("ctexpire", 1, Condition),
            opt("ctdir", 1, Condition),
        ],
    ),
    ("limit", &[opt("limit", 1, Nothing), opt("limit-burst", 1, Nothing)]),
    (
        "hashlimit",
        &[
            opt("hashlimit|hashlimit-upto", 1, Condition),
            opt("hashlimit-above", 1, Condition),
            opt("hashlimit-burst", 1, Nothing),
            opt("hashlimit-mode", 1, Nothing),
            opt("hashlimit-srcmask", 1, Nothing),
            opt("hashlimit-dstmask", 1, Nothing),
            opt("hashlimit-name", 1, Nothing),
            opt("hashlimit-htable-size", 1, Nothing),
            opt("hashlimit-htable-max", 1, Nothing),
            opt("hashlimit-htable-expire", 1, Nothing),
            opt("hashlimit-htable-gcinterval", 1, Nothing),
            opt("hashlimit-rate-match", 0, Nothing),
            opt("hashlimit-rate-interval", 1, Nothing),
        ],
    ),
    (
        "connlimit",
        &[
            opt("connlimit-above", 1, Condition),
            opt("connlimit-upto", 1, Condition),
            opt("connlimit-mask", 1, Nothing),
            opt("connlimit-saddr", 0, Nothing),
            opt("connlimit-daddr", 0, Nothing),
        ],
    ),
    (
        "recent",
        &[
            // Remembers the source and always holds.
            opt("set", 0, Nothing),
            opt("rcheck", 0, Condition),
            opt("update", 0, Condition),
            opt("remove", 0, Condition),
            opt("seconds", 1, Nothing),
            opt("reap", 0, Nothing),
            opt("hitcount", 1, Nothing),
            opt("rttl", 0, Nothing),
            opt("name", 1, Nothing),
            opt("rsource", 0, Nothing),
            opt("rdest", 0, Nothing),
            opt("mask", 1, Nothing),
        ],
    ),
    ("comment", &[opt("comment", 1, Nothing)]),
    (
        "addrtype",
        &[
            opt("src-type", 1, Condition),
            opt("dst-type", 1, DestinationType),
            opt("limit-iface-in", 0, Condition),
            opt("limit-iface-out", 0, Condition),
        ],
    ),
    ("iprange", &[opt("src-range", 1, SourceRange), opt("dst-range", 1, DestinationRange)]),
    ("mac", &[opt("mac-source", 1, Condition)]),
    ("mark", &[opt("mark", 1, Condition)]),
    ("connmark", &[opt("mark", 1, Condition)]),
    ("length", &[opt("length", 1, Condition)]),
    ("ttl", &[opt("ttl-eq", 1, Condition), opt("ttl-lt", 1, Condition), opt("ttl-gt", 1, Condition)]),
    ("hl", &[opt("hl-eq", 1, Condition), opt("hl-lt", 1, Condition), opt("hl-gt", 1, Condition)]),
    ("tos", &[opt("tos", 1, Condition)]),
    ("dscp", &[opt("dscp", 1, Condition), opt("dscp-class", 1, Condition)]),
    ("pkttype", &[opt("pkt-type", 1, Condition)]),
    (
        "set",
        &[
            opt("match-set|set", 2, Condition),
            opt("return-nomatch", 0, Nothing),
            opt("update-counters", 0, Nothing),
            opt("update-subcounters", 0, Nothing),
        ],
    ),
    (
        "time",
        &[
            opt("datestart", 1, Condition),
            opt("datestop", 1, Condition),
            opt("timestart", 1, Condition),
            opt("timestop", 1, Condition),
            opt("monthdays", 1, Condition),
            opt("weekdays", 1, Condition),
            opt("kerneltz", 0, Nothing),
            opt("contiguous", 0, Nothing),
        ],
    ),
    (
        "physdev",
        &[
            opt("physdev-in", 1, Condition),
            opt("physdev-out", 1, Condition),
            opt("physdev-is-in", 0, Condition),
            opt("physdev-is-out", 0, Condition),
            opt("physdev-is-bridged", 0, Condition),
        ],
    ),
    (
        "rpfilter",
        &[
            opt("loose", 0, Nothing),
            opt("validmark", 0, Nothing),
            opt("accept-local", 0, Nothing),
            opt("invert", 0, Nothing),
        ],
    ),
    (
        "policy",
        &[
            opt("dir", 1, Nothing),
            opt("pol", 1, Condition),
            opt("strict", 0, Nothing),
            opt("reqid", 1, Nothing),
            opt("spi", 1, Nothing),
            opt("proto", 1, Nothing),
            opt("mode", 1, Nothing),
            opt("tunnel-src", 1, Nothing),
            opt("tunnel-dst", 1, Nothing),
            opt("next", 0, Nothing),
        ],
    ),
    (
        "statistic",
        &[
            opt("mode", 1, Nothing),
            opt("probability", 1, Condition),
            opt("every", 1, Condition),
            opt("packet", 1, Nothing),
        ],
    ),
    (
        "owner",
        &[
            opt("uid-owner", 1, Condition),
            opt("gid-owner", 1, Condition),
            opt("socket-exists", 0, Condition),
            opt("suppl-groups", 0, Nothing),
        ],
    ),
    (
        "string",
        &[
            opt("algo", 1, Nothing),
            opt("from", 1, Nothing),
            opt("to", 1, Nothing),
            opt("icase", 0, Nothing),
            opt("string", 1, Condition),
            opt("hex-string", 1, Condition),
        ],
    ),
    ("tcpmss", &[opt("mss", 1, Condition)]),
    ("helper", &[opt("helper", 1, Condition)]),
    ("quota", &[opt("quota", 1, Condition)]),
    ("esp", &[opt("espspi", 1, Condition)]),
    ("u32", &[opt("u32", 1, Condition)]),
    ("devgroup", &[opt("src-group", 1, Condition), opt("dst-group", 1, Condition)]),
    (
        "frag",
        &[
            opt("fragid", 1, Condition),
            opt("fraglen", 1, Condition),
            opt("fragres", 0, Condition),
            opt("fragfirst", 0, Condition),
            opt("fragmore", 0, Condition),
            opt("fraglast", 0, Condition),
        ],
    ),
    (
        "rt",
        &[
            opt("rt-type", 1, Absent),
            opt("rt-segsleft", 1, Absent),
            opt("rt-len", 1, Absent),
            opt("rt-0-res", 0, Absent),
            opt("rt-0-addrs", 1, Absent),
            opt("rt-0-not-strict", 0, Absent),
        ],
    ),
    ("eui64", &[]),
    ("ipv6header", &[opt("header", 1, Condition), opt("soft", 0, Nothing)]),
];

/// A match's name and options; `None` where it is not known.
pub(super) fn matching(name: &str) -> Option<(&'static str, &'static [Opt])> {
    MATCHES.iter().find(|(known, _)| *known == name).copied()
}

/// Whether a match limits packets by what came before or by nothing in the packet, even where
/// no option says so.
pub(super) fn is_conditional(name: &str) -> bool {
    matches!(name, "limit" | "eui64")
}

/// Whether a match holds only for packets in ways that a listing without details leaves open,
/// but that the model would not follow either.
pub(in super::super) fn holds_for_some(name: &str) -> bool {
    let meanings = |options: &'static [Opt]| options.iter().all(|o| matches!(o.meaning, Nothing | Condition));
    matching(name).is_some_and(|(_, options)| meanings(options)) && !["comment", "rpfilter"].contains(&name)
}
