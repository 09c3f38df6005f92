//! ICMP types by iptables' names, and what nftables calls a type's number.
//!
//! From `libxt_icmp.h`, `libip6t_icmp6.c` and nftables' `proto.c`.

use super::super::Family;

/// A name, its type, and its code where the name means just one.
type Name = (&'static str, u8, Option<u8>);

const V4: [Name; 38] = [
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
];

const V6: [Name; 27] = [
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("failed-policy", 1, Some(5)),
    ("reject-route", 1, Some(6)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-transit", 3, Some(0)),
    ("ttl-zero-during-reassembly", 3, Some(1)),
    ("parameter-problem", 4, None),
    ("bad-header", 4, Some(0)),
    ("unknown-header-type", 4, Some(1)),
    ("unknown-option", 4, Some(2)),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
];

/// What nftables calls the types of ICMP.
const NFT_V4: [(u8, &str); 15] = [
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "info-request"),
    (16, "info-reply"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

/// What nftables calls the types of ICMPv6.
const NFT_V6: [(u8, &str); 18] = [
    (1, "destination-unreachable"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-listener-query"),
    (131, "mld-listener-report"),
    (132, "mld-listener-done"),
    (133, "nd-router-solicit"),
    (134, "nd-router-advert"),
    (135, "nd-neighbor-solicit"),
    (136, "nd-neighbor-advert"),
    (137, "nd-redirect"),
    (138, "router-renumbering"),
    (141, "ind-neighbor-solicit"),
    (142, "ind-neighbor-advert"),
    (143, "mld2-listener-report"),
];

/// Type and code that iptables means by `--icmp-type`: a name or the beginning of just one, or
/// numbers (`3`, `3/4`). `None` in the first place is `any`.
///
/// # Errors
/// What iptables refuses.
pub(super) fn parse(text: &str, family: Family) -> Result<(Option<u8>, Option<u8>), String> {
    let names: &[Name] = if family == Family::V4 { &V4 } else { &V6 };
    if family == Family::V4 && !text.is_empty() && "any".starts_with(&text.to_ascii_lowercase()) {
        return Ok((None, None));
    }
    let starts = |name: &str| name.get(..text.len()).is_some_and(|n| n.eq_ignore_ascii_case(text));
    let mut found = names.iter().filter(|(name, ..)| starts(name));
    if let Some(&(_, number, code)) = found.next() {
        return match found.next() {
            None => Ok((Some(number), code)),
            Some(_) => Err(format!("ICMP type {text} is ambiguous")),
        };
    }
    let bad = || format!("ICMP type {text}");
    let number = |part: &str| part.parse::<u8>().map_err(|_| bad());
    match text.split_once('/') {
        Some((kind, code)) => Ok((Some(number(kind)?), Some(number(code)?))),
        None => Ok((Some(number(text)?), None)),
    }
}

/// A type in nftables' words.
pub(super) fn shown(kind: u8, family: Family) -> String {
    let names: &[(u8, &str)] = if family == Family::V4 { &NFT_V4 } else { &NFT_V6 };
    names
        .iter()
        .find(|(number, _)| *number == kind)
        .map_or_else(|| kind.to_string(), |(_, n)| (*n).to_owned())
}
