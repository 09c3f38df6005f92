//! OpenSSH's patterns: `*` and `?`, comma-separated lists with `!`, and lists of addresses.

use std::net::IpAddr;

/// Outcome of matching against a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// A pattern matched and no negated one did.
    Yes,
    /// Nothing matched.
    No,
    /// A negated pattern matched: this decides.
    Denied,
}

/// Whether the whole text fits one pattern. Linear in text × pattern whatever the stars.
pub fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Matches a text against a comma-separated list; a negated match wins wherever it stands.
pub fn match_list(text: &str, list: &str) -> Match {
    let mut found = Match::No;
    for item in items(list) {
        match item.strip_prefix('!') {
            Some(negated) if matches(text, negated) => return Match::Denied,
            None if matches(text, item) => found = Match::Yes,
            _ => {}
        }
    }
    found
}

/// Items of a list; a trailing comma adds none.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.strip_suffix(',').unwrap_or(list).split(',').filter(move |_| !list.is_empty())
}

/// Whether some text could match the list at all: a list of negations never does.
pub fn has_positive(list: &str) -> bool {
    positives(list).next().is_some()
}

/// The patterns of a list that are not negated.
pub fn positives(list: &str) -> impl Iterator<Item = &str> {
    items(list).filter(|item| !item.starts_with('!'))
}

/// Whether every text matches the list.
pub fn is_everything(list: &str) -> bool {
    let star = |i: &str| !i.is_empty() && i.bytes().all(|b| b == b'*');
    items(list).all(|i| !i.starts_with('!')) && items(list).any(star)
}

/// Whether sshd accepts a list of addresses (CIDR or wildcard).
pub fn valid_addresses(list: &str) -> bool {
    list.split(',').all(|item| {
        let item = item.strip_prefix('!').unwrap_or(item);
        !item.is_empty() && !matches!(network(item), Network::Inconsistent)
    })
}

/// Matches an address against a list of CIDR networks and wildcards.
pub fn match_addresses(address: &str, list: &str) -> Match {
    let Ok(ip) = address.parse::<IpAddr>() else { return Match::No };
    let mut found = Match::No;
    for item in list.split(',') {
        let (negated, item) = match item.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, item),
        };
        let hit = match network(item) {
            Network::Net(net, bits) => contains(net, bits, ip),
            Network::Inconsistent => false,
            Network::Text => matches(address, item),
        };
        match (hit, negated) {
            (true, true) => return Match::Denied,
            (true, false) => found = Match::Yes,
            _ => {}
        }
    }
    found
}

/// An address with the bits that count.
#[derive(Clone, Copy, Debug)]
pub struct Net(IpAddr, u32);

impl Net {
    /// Whether the other one lies in this one.
    pub fn holds(&self, other: &Self) -> bool {
        self.1 <= other.1 && contains(self.0, self.1, other.0)
    }
}

/// A list's networks, each with whether it is negated; `None` where one is a wildcard.
pub fn networks(list: &str) -> Option<Vec<(bool, Net)>> {
    let network = |item: &str| {
        let plain = item.strip_prefix('!').unwrap_or(item);
        let Network::Net(ip, bits) = network(plain) else { return None };
        Some((plain != item, Net(ip, bits)))
    };
    list.split(',').map(network).collect()
}

enum Network {
    Net(IpAddr, u32),
    /// The mask is too long for the family, or host bits are set: sshd refuses the list.
    Inconsistent,
    /// No network: a wildcard.
    Text,
}

fn network(item: &str) -> Network {
    let (address, bits) = match item.split_once('/') {
        Some((address, bits)) => match bits.parse::<u32>() {
            Ok(bits) if bits <= 128 => (address, Some(bits)),
            _ => return Network::Text,
        },
        None => (item, None),
    };
    let Ok(ip) = address.parse::<IpAddr>() else { return Network::Text };
    let width = width(ip);
    let bits = bits.unwrap_or(width);
    if bits > width || masked(ip, bits) != value(ip) {
        return Network::Inconsistent;
    }
    Network::Net(ip, bits)
}

fn contains(net: IpAddr, bits: u32, ip: IpAddr) -> bool {
    net.is_ipv4() == ip.is_ipv4() && masked(ip, bits) == value(net)
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn value(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn masked(ip: IpAddr, bits: u32) -> u128 {
    let host = width(ip) - bits;
    value(ip).checked_shr(host).and_then(|v| v.checked_shl(host)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_questions() {
        for (text, pattern, want) in [
            ("root", "root", true),
            ("root", "r*t", true),
            ("root", "r?t", false),
            ("root", "????", true),
            ("", "*", true),
            ("", "?", false),
            ("aXbXc", "*X*c", true),
        ] {
            assert_eq!(matches(text, pattern), want, "{text} {pattern}");
        }
        assert!(!matches(&"a".repeat(5000), &"*a".repeat(2000).replace("a*a", "a*b")), "stays quick");
    }

    #[test]
    fn a_negation_wins_and_alone_never_matches() {
        assert_eq!(match_list("root", "*,!root"), Match::Denied);
        assert_eq!(match_list("bob", "*,!root"), Match::Yes);
        assert_eq!(match_list("bob", "!root"), Match::No);
        assert!(!has_positive("!root") && is_everything("*") && !is_everything("*,!root"));
    }

    #[test]
    fn addresses_by_network_and_by_text() {
        assert_eq!(match_addresses("10.1.2.3", "10.0.0.0/8"), Match::Yes);
        assert_eq!(match_addresses("10.1.2.3", "!10.1.0.0/16,10.0.0.0/8"), Match::Denied);
        assert_eq!(match_addresses("10.1.2.3", "10.1.*"), Match::Yes);
        assert_eq!(match_addresses("fe80::1", "fe80::/10"), Match::Yes);
        assert_eq!(match_addresses("fe80::1", "0.0.0.0/0"), Match::No);
        assert_eq!(match_addresses("fe80::1", "::/0"), Match::Yes);
        assert!(!valid_addresses("10.0.0.1/8") && !valid_addresses("10.0.0.0/33") && !valid_addresses(""));
    }
}
