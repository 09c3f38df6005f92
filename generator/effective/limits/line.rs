//! One file's lines.

use super::UNLIMITED;
use super::domain::{Domain, unsigned};
use crate::effective::pam::PamVersion;
use crate::location::Location;

/// A line that counts.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub domain: Domain,
    pub says: Says,
    pub at: Location,
}

#[derive(Clone, Debug)]
pub(super) enum Says {
    /// `DOMAIN -`: no limit at all.
    Exempt,
    Limit {
        bounds: Bounds,
        item: &'static str,
        /// In the kernel's units.
        value: u64,
    },
}

/// Which bounds of a limit a line sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The soft one.
    pub soft: bool,
    /// The hard one.
    pub hard: bool,
}

/// A line that sets a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For whom.
    pub domain: Domain,
    /// Which bounds.
    pub bounds: Bounds,
    /// Of what, such as `core`.
    pub item: &'static str,
    /// In the kernel's units: bytes, seconds.
    pub value: u64,
    /// The line.
    pub at: Location,
}

impl Line {
    pub(super) fn rule(self) -> Option<Rule> {
        let Says::Limit { bounds, item, value } = self.says else { return None };
        Some(Rule { domain: self.domain, bounds, item, value, at: self.at })
    }
}

/// Items that the kernel limits, and the kernel's units in one of the file's.
const ITEMS: [(&str, u64); 16] = [
    ("as", 1024),
    ("core", 1024),
    ("cpu", 60),
    ("data", 1024),
    ("fsize", 1024),
    ("locks", 1),
    ("memlock", 1024),
    ("msgqueue", 1),
    ("nice", 1),
    ("nofile", 1),
    ("nproc", 1),
    ("rss", 1024),
    ("rtprio", 1),
    ("rttime", 1),
    ("sigpending", 1),
    ("stack", 1024),
];

/// Words for no limit.
const WITHOUT_LIMIT: [&str; 4] = ["-1", "-", "unlimited", "infinity"];
/// What C's `isspace` takes for a blank.
const SPACES: [char; 6] = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];
/// What parts words since 1.6.
const BLANKS: [char; 2] = [' ', '\t'];
/// The buffer of releases before 1.6, without the end of a C string: what follows is a line of its own.
const OLD_LINE: usize = 1023;

/// The lines of a text that say something.
pub(super) fn read(path: &str, text: &str, version: PamVersion) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let mut rest = whole;
        while !rest.is_empty() {
            let long = !version.has_long_lines() && rest.len() > OLD_LINE;
            let (piece, more) =
                rest.split_at(if long { rest.floor_char_boundary(OLD_LINE) } else { rest.len() });
            rest = more;
            if let Some((domain, says)) = parse(piece, version) {
                lines.push(Line { domain, says, at: Location::line(path, index + 1) });
            }
        }
    }
    lines
}

fn parse(line: &str, version: PamVersion) -> Option<(Domain, Says)> {
    // C strings end at the first NUL.
    let line = line.split('\0').next()?.trim_start_matches(SPACES);
    let line = line.split(['#', '\n']).next()?;
    let words = if version.has_long_lines() { words(line) } else { old_words(line) };
    let domain = Domain::parse(words.first()?)?;
    match words.iter().map(|word| word.to_ascii_lowercase()).collect::<Vec<_>>().as_slice() {
        [_, kind] if kind.starts_with('-') => Some((domain, Says::Exempt)),
        [_, kind, item, value] => {
            let bounds = match kind.as_str() {
                "soft" => Bounds { soft: true, hard: false },
                "hard" => Bounds { soft: false, hard: true },
                "-" => Bounds { soft: true, hard: true },
                _ => return None,
            };
            let (item, unit) = *ITEMS.iter().find(|(name, _)| name == item)?;
            Some((domain, Says::Limit { bounds, item, value: limit(item, unit, value)? }))
        }
        _ => None,
    }
}

/// Four words at most; the last one is the rest of the line.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim_matches(BLANKS);
    while !rest.is_empty() && words.len() < 4 {
        let end = if words.len() == 3 { None } else { rest.find(BLANKS) };
        let (word, more) = rest.split_at(end.unwrap_or(rest.len()));
        words.push(word);
        rest = more.trim_start_matches(BLANKS);
    }
    words
}

/// The first four words; what follows does not count.
fn old_words(line: &str) -> Vec<&str> {
    line.split(SPACES).filter(|word| !word.is_empty()).take(4).collect()
}

/// A value in the kernel's units; `None` for one that is none.
fn limit(item: &str, unit: u64, text: &str) -> Option<u64> {
    if item == "nice" {
        let (number, _) = unsigned(text.strip_prefix(['+', '-']).unwrap_or(text))?;
        let size = number.map_or(i64::MAX, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let nice = if text.starts_with('-') { -size } else { size };
        return u64::try_from(20 - nice.clamp(-20, 19)).ok();
    }
    if WITHOUT_LIMIT.contains(&text) {
        return Some(UNLIMITED);
    }
    let (number, _) = unsigned(text)?;
    let number = number.unwrap_or(UNLIMITED);
    Some(if unit > 1 && number >= UNLIMITED / unit { UNLIMITED } else { number * unit })
}
