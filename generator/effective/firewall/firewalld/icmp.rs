//! ICMP types by firewalld's names, as its `nftables.py` writes them: nftables' name of the type,
//! and the code where the name means just one.

use super::super::Family;

/// The type and the code; `None` where firewalld has no rule for the name.
pub(super) fn parts(name: &str, family: Family) -> Option<(&'static str, Option<u8>)> {
    let unreachable = |code| Some(("destination-unreachable", Some(code)));
    let problem = |code| Some(("parameter-problem", Some(code)));
    match family {
        Family::V4 => match name {
            "network-unreachable" => unreachable(0),
            "host-unreachable" => unreachable(1),
            "protocol-unreachable" => unreachable(2),
            "port-unreachable" => unreachable(3),
            "fragmentation-needed" => unreachable(4),
            "source-route-failed" => unreachable(5),
            "network-unknown" => unreachable(6),
            "host-unknown" => unreachable(7),
            "network-prohibited" => unreachable(8),
            "host-prohibited" => unreachable(10),
            "tos-network-unreachable" => unreachable(11),
            "tos-host-unreachable" => unreachable(12),
            "communication-prohibited" => unreachable(13),
            "host-precedence-violation" => unreachable(14),
            "precedence-cutoff" => unreachable(15),
            "network-redirect" => Some(("redirect", Some(0))),
            "host-redirect" => Some(("redirect", Some(1))),
            "tos-network-redirect" => Some(("redirect", Some(2))),
            "tos-host-redirect" => Some(("redirect", Some(3))),
            "ip-header-bad" | "required-option-missing" => problem(1),
            "ttl-zero-during-transit" => Some(("time-exceeded", Some(0))),
            "ttl-zero-during-reassembly" => Some(("time-exceeded", Some(1))),
            _ => plain(
                name,
                &[
                    "destination-unreachable",
                    "echo-reply",
                    "echo-request",
                    "parameter-problem",
                    "redirect",
                    "router-advertisement",
                    "router-solicitation",
                    "source-quench",
                    "time-exceeded",
                    "timestamp-reply",
                    "timestamp-request",
                ],
            ),
        },
        Family::V6 => match name {
            "no-route" => unreachable(0),
            "communication-prohibited" => unreachable(1),
            "beyond-scope" => unreachable(2),
            "address-unreachable" => unreachable(3),
            "port-unreachable" => unreachable(4),
            "failed-policy" => unreachable(5),
            "reject-route" => unreachable(6),
            "bad-header" => problem(0),
            "unknown-header-type" => problem(1),
            "unknown-option" => problem(2),
            "ttl-zero-during-transit" => Some(("time-exceeded", Some(0))),
            "ttl-zero-during-reassembly" => Some(("time-exceeded", Some(1))),
            "neighbour-advertisement" => Some(("nd-neighbor-advert", None)),
            "neighbour-solicitation" => Some(("nd-neighbor-solicit", None)),
            "redirect" => Some(("nd-redirect", None)),
            "router-advertisement" => Some(("nd-router-advert", None)),
            "router-solicitation" => Some(("nd-router-solicit", None)),
            _ => plain(
                name,
                &[
                    "destination-unreachable",
                    "echo-reply",
                    "echo-request",
                    "packet-too-big",
                    "parameter-problem",
                    "time-exceeded",
                ],
            ),
        },
    }
}

fn plain(name: &str, known: &[&'static str]) -> Option<(&'static str, Option<u8>)> {
    known.iter().find(|k| **k == name).map(|found| (*found, None))
}
