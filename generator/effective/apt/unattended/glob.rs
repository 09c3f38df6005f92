//! Python's `fnmatch.fnmatchcase`, which unattended-upgrades compares origins with.

/// One element of a pattern.
enum Part {
    Star,
    Any,
    Literal(char),
    /// Ranges, and whether a character must stand outside all of them.
    Set(Vec<(char, char)>, bool),
}

impl Part {
    fn accepts(&self, c: char) -> bool {
        match self {
            Part::Star => false,
            Part::Any => true,
            Part::Literal(l) => *l == c,
            Part::Set(ranges, negated) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Whether a whole text matches a pattern of `*`, `?`, `[set]` and `[!set]`. Case counts.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let parts = parse(&pattern.chars().collect::<Vec<_>>());
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    // Where to resume with the last star taking one character more.
    let mut resume: Option<(usize, usize)> = None;
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Star) => {
                resume = Some((at, part));
                part += 1;
            }
            Some(other) if other.accepts(text[at]) => {
                at += 1;
                part += 1;
            }
            _ => {
                let Some((taken, star)) = resume else { return false };
                resume = Some((taken + 1, star));
                at = taken + 1;
                part = star + 1;
            }
        }
    }
    parts[part..].iter().all(|p| matches!(p, Part::Star))
}

fn parse(pattern: &[char]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    // Once no `]` follows, none will: looked for only once, or hostile patterns turn quadratic.
    let last_close = pattern.iter().rposition(|c| *c == ']').unwrap_or(0);
    while at < pattern.len() {
        at += 1;
        parts.push(match pattern[at - 1] {
            '*' => Part::Star,
            '?' => Part::Any,
            '[' if at <= last_close => match set(&pattern[at..]) {
                Some((part, length)) => {
                    at += length;
                    part
                }
                None => Part::Literal('['),
            },
            c => Part::Literal(c),
        });
    }
    parts
}

/// A set after its `[`, and its length with the `]`. A `]` right at the start is a member.
fn set(rest: &[char]) -> Option<(Part, usize)> {
    let negated = rest.first() == Some(&'!');
    let start = usize::from(negated);
    let from = start + usize::from(rest.get(start) == Some(&']'));
    let end = from + rest.get(from..)?.iter().position(|c| *c == ']')?;
    let members = &rest[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < members.len() {
        if members.get(at + 1) == Some(&'-')
            && let Some(high) = members.get(at + 2)
        {
            // An upside-down range is empty.
            ranges.push((members[at], *high));
            at += 3;
        } else {
            ranges.push((members[at], members[at]));
            at += 1;
        }
    }
    Some((Part::Set(ranges, negated), end + 1))
}
