//! Numbers as sshd reads them: integers, times, ports, scaled sizes and ratios.

use super::keywords::Kind;
use super::version::OpenSshVersion;

/// The largest value of sshd's integers.
pub(super) const INT_MAX: i64 = i32::MAX as i64;

/// A decimal integer of 0 and more.
pub(super) fn integer(word: &str) -> Result<i64, String> {
    let number = word.trim_start().parse::<i64>().ok();
    number.filter(|n| (0..=INT_MAX).contains(n)).ok_or_else(|| format!("“{word}” is no number"))
}

/// A time in seconds: numbers with units `s m h d w`, added up.
pub(super) fn seconds(word: &str) -> Result<i64, String> {
    let bad = || format!("“{word}” is no time");
    if word.is_empty() {
        return Err(bad());
    }
    let mut total = 0_i64;
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count: i64 = rest[..digits].parse().map_err(|_| bad())?;
        let mut after = rest[digits..].chars();
        let unit = match after.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86_400,
            Some('w' | 'W') => 604_800,
            Some(_) => return Err(bad()),
        };
        total = count
            .checked_mul(unit)
            .and_then(|n| n.checked_add(total))
            .filter(|n| *n <= INT_MAX)
            .ok_or_else(bad)?;
        rest = after.as_str();
    }
    Ok(total)
}

/// A TCP port. Names of services are not looked up, except `ssh` itself.
pub(super) fn port(word: &str) -> Result<u16, String> {
    if word == "ssh" {
        return Ok(22);
    }
    let number = word.trim_start().parse::<u16>().ok();
    number.filter(|n| *n > 0).ok_or_else(|| format!("“{word}” is no port"))
}

/// `begin:rate:full`, or one number for both ends, which leaves the rate as it was.
pub(super) fn max_startups(word: &str) -> Result<Vec<(&'static str, String)>, String> {
    let (begin, rate, full) = match scanned(word).as_slice() {
        [begin, rate, full, ..] => (*begin, Some(*rate), *full),
        [both] => (*both, None, *both),
        _ => (0, None, 0),
    };
    let rate_fits = rate.is_none_or(|r| (1..=100).contains(&r));
    if begin <= 0 || begin > full || !rate_fits {
        return Err(format!("“{word}” is no begin:rate:full"));
    }
    let rate = rate.map(|rate| ("rate", rate.to_string()));
    Ok([("begin", begin.to_string()), ("full", full.to_string())].into_iter().chain(rate).collect())
}

/// `ipv4:ipv6` mask lengths. Without the second, sshd up to 10.0 takes 0 for it: all of IPv6
/// counts as one source.
pub(super) fn net_block_size(word: &str) -> Result<String, String> {
    let (v4, v6) = match scanned(word).as_slice() {
        [v4] => (*v4, 0),
        [v4, v6, ..] => (*v4, *v6),
        [] => (-1, -1),
    };
    if (0..=32).contains(&v4) && (0..=128).contains(&v6) {
        Ok(format!("{v4}:{v6}"))
    } else {
        Err(format!("“{word}” is no pair of mask lengths"))
    }
}

/// Numbers parted by colons as sscanf("%d:%d:%d") finds them; what follows is ignored.
fn scanned(word: &str) -> Vec<i64> {
    let mut numbers = Vec::new();
    let mut rest = word;
    while numbers.len() < 3 {
        let text = rest.trim_start();
        let sign = usize::from(text.starts_with(['-', '+']));
        let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| n + sign);
        let Ok(number) = text[..end].parse() else { break };
        numbers.push(number);
        let Some(after) = text[end..].strip_prefix(':') else { break };
        rest = after;
    }
    numbers
}

/// An octal mask of at most 0777.
pub(super) fn mask(word: &str) -> Result<String, String> {
    let digits = word.find(|c: char| !('0'..='7').contains(&c)).unwrap_or(word.len());
    let mask = u32::from_str_radix(&word[..digits], 8).ok().filter(|m| *m <= 0o777);
    // C's %o prints no second zero for zero itself.
    mask.map(|m| format!("0{m:o}")).ok_or_else(|| format!("“{word}” is no octal mask"))
}

/// `RekeyLimit`: an amount of data, and optionally a time.
pub(super) fn rekey_limit(args: &[String]) -> Result<Vec<(&'static str, String)>, String> {
    let (amount, time) = args.split_first().filter(|(a, _)| !a.is_empty()).ok_or("no argument")?;
    let bytes = if amount == "default" { 0 } else { scaled(amount)? };
    if bytes != 0 && bytes < 16 {
        return Err(format!("“{amount}” is too small"));
    }
    let mut parts = vec![("amount", bytes.to_string())];
    match time {
        [] => {}
        [none] if none == "none" => {}
        [time] => parts.push(("time", seconds(time)?.to_string())),
        _ => return Err("more arguments than the keyword takes".to_owned()),
    }
    Ok(parts)
}

/// A number with an optional unit `K`, `M`, `G` (powers of 1024).
fn scaled(word: &str) -> Result<i64, String> {
    let bad = || format!("“{word}” is no amount");
    let (digits, unit) = match word.char_indices().next_back() {
        Some((at, c)) if c.is_ascii_alphabetic() => (&word[..at], Some(c.to_ascii_uppercase())),
        _ => (word, None),
    };
    let power = match unit {
        None | Some('B') => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        Some('P') => 5,
        Some('E') => 6,
        Some(_) => return Err(bad()),
    };
    let number: i64 = digits.parse().map_err(|_| bad())?;
    number.checked_mul(1 << (10 * power)).filter(|n| *n >= 0).ok_or_else(bad)
}

/// Names of the parts of `PerSourcePenalties` that are times.
const PENALTIES: &[&str] =
    &["crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min"];
const SOURCES: &[&str] = &["max-sources4", "max-sources6"];
const OVERFLOWS: &[&str] = &["overflow", "overflow6"];

/// `PerSourcePenalties`: `no`, `yes`, or parts `name:value`.
pub(super) fn penalties(args: &[String]) -> Result<Vec<(&'static str, String)>, String> {
    let mut parts = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let lower = arg.to_ascii_lowercase();
        if lower == "yes" || lower == "no" {
            if index + 1 < args.len() {
                return Err(format!("“{arg}” must stand alone"));
            }
            parts.push(("enabled", lower));
            continue;
        }
        let unknown = || format!("unsupported penalty “{arg}”");
        let (name, value) = arg.split_once(':').ok_or_else(unknown)?;
        let known = |names: &[&'static str]| names.iter().find(|n| **n == name).copied();
        if let Some(name) = known(PENALTIES) {
            parts.push((name, seconds(value)?.to_string()));
        } else if let Some(name) = known(SOURCES) {
            parts.push((name, integer(value)?.to_string()));
        } else if let Some(name) = known(OVERFLOWS).filter(|_| matches!(value, "deny-all" | "permissive")) {
            parts.push((name, value.to_owned()));
        } else {
            return Err(unknown());
        }
    }
    if parts.is_empty() { Err("no argument".to_owned()) } else { Ok(parts) }
}

/// Puts settled parts over the defaults, in the order in which sshd prints them.
pub(super) fn assembled(kind: Kind, default: &str, parts: &[(&'static str, String)]) -> String {
    let get = |name: &str| parts.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
    if kind == Kind::RekeyLimit {
        return format!("{} {}", get("amount").unwrap_or("0"), get("time").unwrap_or("0"));
    }
    if kind == Kind::MaxStartups {
        let part = |name| get(name).unwrap_or_default();
        return format!("{}:{}:{}", part("begin"), get("rate").unwrap_or("30"), part("full"));
    }
    let only_switch = parts.iter().all(|(name, _)| *name == "enabled");
    if only_switch && get("enabled") == Some("no") {
        return "no".to_owned();
    }
    // Without its own word, overflow6 follows overflow.
    let part = |item: &str| {
        let (name, value) = item.split_once(':').unwrap_or((item, ""));
        let own = get(name).or_else(|| get("overflow").filter(|_| name == "overflow6"));
        format!("{name}:{}", own.unwrap_or(value))
    };
    default.split(' ').map(part).collect::<Vec<_>>().join(" ")
}

const QOS: &[(&str, u32)] = &[
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("ef", 0xb8),
    ("le", 0x04),
    ("lowdelay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
];

/// `IPQoS`: one class for all, or one for interactive and one for bulk traffic.
pub(super) fn ip_qos(args: &[String], version: OpenSshVersion) -> Result<String, String> {
    match args {
        [both] => qos(both, version).map(|q| format!("{q} {q}")),
        [interactive, bulk] => Ok(format!("{} {}", qos(interactive, version)?, qos(bulk, version)?)),
        _ => Err("one or two classes are wanted".to_owned()),
    }
}

fn qos(word: &str, version: OpenSshVersion) -> Result<String, String> {
    if word.eq_ignore_ascii_case("none") {
        return Ok("none".to_owned());
    }
    let named = QOS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
    // Numbers are decimal from 9.8 on.
    let hexadecimal = word.strip_prefix("0x").filter(|_| !version.at_least((9, 8)));
    let number = named.or_else(|| match hexadecimal {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    });
    let value = number.filter(|v| *v <= 255).ok_or_else(|| format!("“{word}” is no class"))?;
    let name = QOS.iter().find(|(_, v)| *v == value).map(|(name, _)| (*name).to_owned());
    Ok(name.unwrap_or_else(|| format!("0x{value:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_and_odd_ones_are_refused() {
        assert_eq!(seconds("2m"), Ok(120));
        assert_eq!(seconds("1h30M5"), Ok(5405));
        for bad in ["", "m", "5x", "-1", "99999999999", "5 m"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ratios_and_masks() {
        let startups = |w| assembled(Kind::MaxStartups, "", &max_startups(w).unwrap());
        assert_eq!(startups("10:30:60"), "10:30:60");
        assert_eq!(startups("5"), "5:30:5");
        for bad in ["10:30", "10:0:60", "60:30:10", "0", "x"] {
            assert!(max_startups(bad).is_err(), "{bad}");
        }
        assert_eq!(net_block_size("24").as_deref(), Ok("24:0"));
        assert!(net_block_size("33").is_err());
        assert_eq!(mask("0177").as_deref(), Ok("0177"));
        assert!(mask("1777").is_err());
    }
}
