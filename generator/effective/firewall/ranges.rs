//! Sets of numbers as sorted, disjoint, inclusive ranges: addresses and ports alike.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Family;

/// A set of numbers. Ranges are sorted, disjoint and never adjacent, so equal sets are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    /// The set of all these inclusive ranges, in any order, overlapping or not.
    pub fn of(mut ranges: Vec<(u128, u128)>) -> Self {
        ranges.retain(|(low, high)| low <= high);
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }

    /// Every address of a family.
    pub fn all_addresses(family: Family) -> Self {
        Self(vec![(0, highest_address(family))])
    }

    /// The ranges, sorted.
    pub fn ranges(&self) -> &[(u128, u128)] {
        &self.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `number` is in it.
    pub fn contains(&self, number: u128) -> bool {
        let after = self.0.partition_point(|(low, _)| *low <= number);
        after > 0 && self.0[after - 1].1 >= number
    }

    /// How many numbers it holds; the largest number where that many can't be counted.
    pub fn count(&self) -> u128 {
        self.0.iter().fold(0, |sum: u128, (low, high)| sum.saturating_add((high - low).saturating_add(1)))
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b, mut both) = (0, 0, Vec::new());
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            let (low, high) = (x.0.max(y.0), x.1.min(y.1));
            if low <= high {
                both.push((low, high));
            }
            if x.1 < y.1 { a += 1 } else { b += 1 }
        }
        Self(both)
    }

    /// What is in this one and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let (mut rest, mut b) = (Vec::new(), 0);
        for &(low, high) in &self.0 {
            let mut next = Some(low);
            while other.0.get(b).is_some_and(|range| range.1 < low) {
                b += 1;
            }
            for &(gap_low, gap_high) in &other.0[b..] {
                let Some(from) = next else { break };
                if gap_low > high {
                    break;
                }
                if gap_low > from {
                    rest.push((from, gap_low - 1));
                }
                next = gap_high.checked_add(1).filter(|n| *n <= high);
            }
            if let Some(from) = next {
                rest.push((from, high));
            }
        }
        Self::of(rest)
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self::of([self.0.as_slice(), other.0.as_slice()].concat())
    }

    /// The ranges as addresses for people: `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `fe80::/10`.
    pub fn addresses(&self, family: Family) -> Vec<String> {
        self.0.iter().map(|range| address_range(*range, family)).collect()
    }
}

/// Ports for people: `22`, `80-90, 443`.
pub fn port_list(ports: &Ranges) -> String {
    let one = |(low, high): &(u128, u128)| match low == high {
        true => low.to_string(),
        false => format!("{low}-{high}"),
    };
    let more = if ports.0.len() > 16 { ", …" } else { "" };
    format!("{}{more}", ports.0.iter().take(16).map(one).collect::<Vec<_>>().join(", "))
}

/// The last address of a family, as a number.
pub fn highest_address(family: Family) -> u128 {
    match family {
        Family::V4 => u128::from(u32::MAX),
        Family::V6 => u128::MAX,
    }
}

fn address_range((low, high): (u128, u128), family: Family) -> String {
    let show = |number: u128| match family {
        Family::V4 => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).to_string(),
        Family::V6 => Ipv6Addr::from(number).to_string(),
    };
    let width = if family == Family::V4 { 32 } else { 128 };
    if low == high {
        return show(low);
    }
    let host_bits = (high ^ low).count_ones();
    let mask = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |bit| bit - 1);
    if low & mask == 0 && high == low | mask {
        format!("{}/{}", show(low), width - host_bits)
    } else {
        format!("{}-{}", show(low), show(high))
    }
}

/// The range that an address, a prefix (`10.0.0.0/8`) or an interval (`a-b`) means.
pub fn parse_address(text: &str) -> Option<(Family, (u128, u128))> {
    if let Some((low, high)) = text.split_once('-') {
        let (family, low) = number(low)?;
        let (same, high) = number(high)?;
        return (family == same && low <= high).then_some((family, (low, high)));
    }
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (family, low) = number(address)?;
    let width: u32 = if family == Family::V4 { 32 } else { 128 };
    let host_bits = width.checked_sub(bits.unwrap_or(width))?;
    let mask = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |bit| bit - 1);
    Some((family, (low & !mask, low | mask)))
}

fn number(text: &str) -> Option<(Family, u128)> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((Family::V4, u128::from(u32::from(address))));
    }
    text.parse::<Ipv6Addr>().ok().map(|address| (Family::V6, u128::from(address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small_set() -> impl Strategy<Value = Vec<(u128, u128)>> {
        proptest::collection::vec((0_u128..40, 0_u128..6).prop_map(|(a, n)| (a, a + n)), 0..6)
    }

    proptest! {
        #[test]
        fn set_algebra_holds_for_every_number(a in small_set(), b in small_set()) {
            let (x, y) = (Ranges::of(a), Ranges::of(b));
            for n in 0..50 {
                let (in_x, in_y) = (x.contains(n), y.contains(n));
                prop_assert_eq!(x.intersection(&y).contains(n), in_x && in_y);
                prop_assert_eq!(x.union(&y).contains(n), in_x || in_y);
                prop_assert_eq!(x.difference(&y).contains(n), in_x && !in_y);
            }
            prop_assert_eq!(x.difference(&y).union(&x.intersection(&y)), x);
        }
    }

    #[test]
    fn addresses_read_and_print() {
        for text in ["10.0.0.0/8", "192.0.2.1", "10.0.0.1-10.0.0.9", "fe80::/10", "::/0", "2001:db8::1"] {
            let (family, range) = parse_address(text).unwrap();
            assert_eq!(Ranges::of(vec![range]).addresses(family), [text]);
        }
        for bad in ["10.0.0.0/33", "host", "10.0.0.9-10.0.0.1", "1.2.3.4-::1", "", "/"] {
            assert_eq!(parse_address(bad), None, "{bad}");
        }
        let full = Ranges::all_addresses(Family::V6);
        assert_eq!(full.difference(&full), Ranges::default());
    }
}
