//! The values of iptables' options: addresses, states, flags.

use super::super::Family;
use super::super::ranges::{Ranges, parse_address};
use super::rule::Problem::{self, Refused, Unknown};

/// A value, or why a line gives no rule.
pub(super) type Parsed<T> = Result<T, Problem>;

/// What iptables-restore takes for an error.
pub(super) fn refused<T>(why: impl Into<String>) -> Parsed<T> {
    Err(Refused(why.into()))
}

/// The letter of a long option of iptables itself.
pub(super) fn short(name: &str) -> Option<char> {
    Some(match name {
        "append" => 'A',
        "insert" => 'I',
        "new-chain" | "new" => 'N',
        "policy" => 'P',
        "flush" => 'F',
        "delete" => 'D',
        "replace" => 'R',
        "delete-chain" => 'X',
        "protocol" | "proto" => 'p',
        "source" | "src" => 's',
        "destination" | "dst" => 'd',
        "in-interface" => 'i',
        "out-interface" => 'o',
        "fragment" => 'f',
        "fragments" => 'f',
        "match" => 'm',
        "jump" => 'j',
        "goto" => 'g',
        "set-counters" => 'c',
        "ipv4" => '4',
        "ipv6" => '6',
        "table" => 't',
        "verbose" => 'v',
        "numeric" => 'n',
        "exact" => 'x',
        _ => return None,
    })
}

/// An address with a mask by length or by its bits.
pub(super) fn address(text: &str, family: Family) -> Parsed<Ranges> {
    let known = |text: &str| parse_address(text).filter(|(f, _)| *f == family && !text.contains('-'));
    if let Some((_, range)) = known(text) {
        return Ok(Ranges::of(vec![range]));
    }
    let unknown = || Unknown(format!("address {text}"));
    if let Some((base, bits)) = text.split_once('/').filter(|(base, _)| is_short(base, family)) {
        let dots = base.matches('.').count();
        let padded = format!("{base}{}/{bits}", ".0".repeat(3 - dots));
        return address(&padded, family);
    }
    let (base, mask) = text.split_once('/').ok_or_else(unknown)?;
    let (_, (mask, _)) = known(mask).ok_or_else(unknown)?;
    let width = if family == Family::V4 { 32 } else { 128 };
    let ones = mask.count_ones();
    let contiguous = mask.checked_shl(128 - width).unwrap_or_default().leading_ones() == ones;
    if !contiguous {
        return Err(Unknown(format!("the mask {text}")));
    }
    let (_, range) = known(&format!("{base}/{ones}")).ok_or_else(unknown)?;
    Ok(Ranges::of(vec![range]))
}

/// `10` or `10.1`, short for the network's address.
fn is_short(base: &str, family: Family) -> bool {
    let digits = !base.is_empty() && base.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    family == Family::V4 && digits && base.matches('.').count() < 3
}

/// iprange's `a-b`, or one address.
pub(super) fn range_of_addresses(text: &str, family: Family) -> Parsed<Ranges> {
    match parse_address(text) {
        Some((found, range)) if found == family && !text.contains('/') => Ok(Ranges::of(vec![range])),
        _ => refused(format!("addresses {text}")),
    }
}

/// Whether a new connection and a packet that is not tracked yet are among these states. Nothing
/// has translated the addresses of such a packet: a rule that does is an unknown of its own.
pub(super) fn states(text: &str, translated: bool) -> Parsed<(bool, bool)> {
    const STATES: [&str; 7] = ["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "SNAT", "DNAT"];
    let known = &STATES[..if translated { 7 } else { 5 }];
    let mut found = Vec::new();
    for part in text.split(',') {
        let part = part.to_ascii_uppercase();
        let state = known.iter().find(|state| !part.is_empty() && state.starts_with(&part));
        found.push(*state.ok_or_else(|| Refused(format!("state {text}")))?);
    }
    Ok((found.contains(&"NEW"), found.contains(&"INVALID")))
}

/// TCP's flags by name, as bits.
pub(super) fn flags(text: &str) -> Parsed<u8> {
    let mut bits = 0;
    for part in text.split(',').filter(|part| !part.is_empty()) {
        bits |= match part.to_ascii_uppercase().as_str() {
            "FIN" => 1,
            "SYN" => 2,
            "RST" => 4,
            "PSH" => 8,
            "ACK" => 16,
            "URG" => 32,
            "ALL" => 63,
            "NONE" => 0,
            _ => return refused(format!("flags {text}")),
        };
    }
    Ok(bits)
}
