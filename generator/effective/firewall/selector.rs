//! What a selector of a rule demands of a packet, in the terms of the model.

use std::sync::Arc;

use super::model::{Family, Match};
use super::names::{Names, destination, protocol};
use super::nft_raw::Operator;
use super::ranges::{Ranges, parse_address, port_list};

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

/// One selector against its values. `None` where it holds for every packet in question.
pub(super) fn single(
    names: &Names,
    selector: &str,
    operator: Operator,
    values: &[&str],
) -> Result<Option<Match>, String> {
    let holds = operator != Operator::NotEqual;
    let unordered = matches!(operator, Operator::Equal | Operator::NotEqual);
    match selector {
        "meta l4proto" | "ip protocol" | "ip6 nexthdr" if unordered => {
            let numbers: Option<Vec<u8>> = values.iter().map(|v| names.protocol(v)).collect();
            let numbers = numbers.ok_or_else(|| format!("protocol {}", values.join(", ")))?;
            Ok(Some(Match::Protocol { numbers, holds }))
        }
        "meta nfproto" | "meta protocol" | "ether type" if unordered => family_test(values, holds),
        "tcp dport" | "udp dport" | "sctp dport" | "dccp dport" | "udplite dport" | "th dport" => {
            let ports = ports(names, operator, values)?;
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
            let ports = ports(names, operator, values)?;
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

fn ports(names: &Names, operator: Operator, values: &[&str]) -> Result<Ranges, String> {
    let port = |text: &str| names.port(text, None);
    let mut ranges = Vec::with_capacity(values.len());
    for value in values {
        let range = match value.split_once('-') {
            Some((low, high)) if port(low).is_some() => port(low).zip(port(high)),
            _ => port(value).map(|port| (port, port)),
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

/// Addresses of one family.
fn addresses(family: Family, values: &[&str]) -> Result<Ranges, String> {
    let parsed = values.iter().map(|v| parse_address(v).filter(|(f, _)| *f == family));
    let ranges: Option<Vec<_>> = parsed.map(|p| p.map(|(_, range)| range)).collect();
    ranges.map(Ranges::of).ok_or_else(|| format!("address {}", shown(values)))
}

/// What a selector demands of a packet before it is compared at all.
pub(super) fn implied(selector: &str) -> Vec<Match> {
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

pub(super) fn condition(selector: &str, operator: Operator, values: &[&str]) -> String {
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
