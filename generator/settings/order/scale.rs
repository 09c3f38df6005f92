//! Scales: how the values of a program's option are ordered.

use std::collections::BTreeMap;

use super::Measure;

/// How the values of an option are ordered. A value that is not on its scale has no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Words, the loosest first. Those of one group are equally strict. Upper and lower case are one.
    Words(&'static [&'static [&'static str]]),
    /// A whole number: the smaller, the tighter.
    Fewer,
    /// The same, but 0 means no limit at all.
    FewerZeroIsNone,
    /// The same, but a negative number means no limit at all.
    FewerNegativeIsNone,
    /// A whole number: the larger, the tighter.
    More,
    /// The same, but 0 and `never` mean for ever.
    MoreZeroIsEver,
    /// An octal number: each permission bit that it takes away is tighter.
    Umask,
}

/// `no`, `yes`: the first is tighter.
pub const NO: Scale = Scale::Words(&[&["yes"], &["no"]]);

/// `no`, `yes`: the second is tighter.
pub const YES: Scale = Scale::Words(&[&["no"], &["yes"]]);

impl Scale {
    /// A value with its place on the scale.
    pub fn measure(&self, value: &str) -> Measure {
        let number = value.parse::<i64>().ok();
        let rank = match self {
            Self::Words(groups) => {
                let group = groups.iter().position(|g| g.iter().any(|w| w.eq_ignore_ascii_case(value)));
                group.and_then(|at| i64::try_from(at).ok())
            }
            Self::Fewer => number.map(i64::saturating_neg),
            Self::FewerZeroIsNone => number.filter(|n| *n >= 0).map(|n| if n == 0 { i64::MIN } else { -n }),
            Self::FewerNegativeIsNone => number.map(|n| if n < 0 { i64::MIN } else { -n }),
            Self::More => number,
            Self::MoreZeroIsEver if value == "never" => Some(i64::MAX),
            Self::MoreZeroIsEver => number.filter(|n| *n >= 0).map(|n| if n == 0 { i64::MAX } else { n }),
            Self::Umask => match u32::from_str_radix(value, 8) {
                Ok(bits) if bits <= 0o777 => return Measure::Demanded(withheld(bits)),
                _ => None,
            },
        };
        Measure::Value { shown: value.to_owned(), rank }
    }
}

/// The permissions that a umask takes away.
fn withheld(bits: u32) -> BTreeMap<String, String> {
    permissions(bits).map(|bit| (format!("without {bit}"), String::new())).collect()
}

/// Permission bits by name, such as `g+w`. The sticky bit is none: it takes rights away.
pub fn permissions(bits: u32) -> impl Iterator<Item = String> {
    const BITS: [(u32, &str); 11] = [
        (0o4000, "u+s"),
        (0o2000, "g+s"),
        (0o400, "u+r"),
        (0o200, "u+w"),
        (0o100, "u+x"),
        (0o040, "g+r"),
        (0o020, "g+w"),
        (0o010, "g+x"),
        (0o004, "o+r"),
        (0o002, "o+w"),
        (0o001, "o+x"),
    ];
    BITS.into_iter().filter(move |(bit, _)| bits & bit != 0).map(|(_, name)| name.to_owned())
}
