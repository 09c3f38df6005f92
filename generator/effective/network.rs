//! Networks of addresses, and what a list of them lets in. Shared by the readers of services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    first: IpAddr,
    bits: u32,
}

impl Network {
    /// The network that an address is in; `None` where the family has fewer bits.
    pub fn new(address: IpAddr, bits: u32) -> Option<Self> {
        let width = width(address);
        let kept = (bits <= width).then_some(width - bits.min(width))?;
        let first = from_number(
            address,
            number(address).checked_shr(kept).unwrap_or(0).checked_shl(kept).unwrap_or(0),
        );
        Some(Self { first, bits })
    }

    /// A single address.
    pub fn host(address: IpAddr) -> Self {
        Self { first: address, bits: width(address) }
    }

    /// Every address of each family.
    pub fn all() -> [Self; 2] {
        [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()].map(|first| Self { first, bits: 0 })
    }

    /// Parses `address` or `address/bits`.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((address, bits)) = text.split_once('/') else { return Some(Self::host(text.parse().ok()?)) };
        let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        Self::new(address.parse().ok()?, bits.parse().ok().filter(|_| digits)?)
    }

    /// How many leading bits count.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// Whether it is IPv4.
    pub fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// Whether an address is in it; none of the other family is.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_ipv4() && Self::new(address, self.bits) == Some(self)
    }

    /// The address after its last one, in its family.
    fn after(self) -> Option<IpAddr> {
        let size = 1_u128.checked_shl(width(self.first) - self.bits)?;
        let after = number(self.first).checked_add(size)?;
        (self.is_ipv4() && after > u128::from(u32::MAX))
            .then_some(())
            .map_or(Some(from_number(self.first, after)), |()| None)
    }
}

/// Some address, not of loopback, for which `permits` holds, where what it says changes only at
/// the borders of these networks.
pub fn stranger(networks: &[Network], mut permits: impl FnMut(IpAddr) -> bool) -> Option<IpAddr> {
    let loopback = ["127.0.0.0/8", "::1/128"].into_iter().filter_map(Network::parse);
    let borders = networks.iter().copied().chain(loopback).chain(Network::all());
    let mut addresses = borders.flat_map(|network| [Some(network.first), network.after()]).flatten();
    addresses.find(|address| !address.is_loopback() && permits(*address))
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The address with this number, of another one's family.
fn from_number(like: IpAddr, number: u128) -> IpAddr {
    match like {
        // A number of the family fits.
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        for (network, address) in [
            ("10.1.2.3/8", "10.255.0.0"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("192.0.2.1", "192.0.2.1"),
            ("::/0", "2001:db8::1"),
            ("2001:db8::/33", "2001:db8:7fff::"),
        ] {
            assert!(holds(network, address), "{network} {address}");
        }
        for (network, address) in [("0.0.0.0/0", "::"), ("10.0.0.0/9", "10.128.0.0"), ("::/1", "8000::")] {
            assert!(!holds(network, address), "{network} {address}");
        }
        for text in ["", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "x/8"] {
            assert!(Network::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_stranger_is_found_at_a_border() {
        let found = |text: &str, permitted: &str| {
            let (network, permitted) = (Network::parse(text).unwrap(), Network::parse(permitted).unwrap());
            stranger(&[network, permitted], |a| permitted.contains(a) && !network.contains(a))
        };
        assert_eq!(found("127.0.0.0/9", "127.0.0.0/8"), None);
        assert_eq!(found("10.0.0.0/9", "10.0.0.0/8"), Some("10.128.0.0".parse().unwrap()));
        assert_eq!(found("10.0.0.0/8", "10.0.0.0/8"), None);
        assert_eq!(found("::/0", "255.0.0.0/8"), Some("255.0.0.0".parse().unwrap()));
    }
}
