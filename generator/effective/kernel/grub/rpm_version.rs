//! The order of versions that `blscfg` sorts entries by: RPM's, with `+` in the place of `^`
//! (`vercmp` in `grub-core/commands/blscfg.c`).

use std::cmp::Ordering;

/// Compares two entries' ids, which are `NAME-VERSION-RELEASE`.
pub fn compare_ids(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Name, version and release; what is missing is empty, a lone second part is the version.
fn split(id: &str) -> [&str; 3] {
    let Some((rest, release)) = id.rsplit_once('-') else { return [id, "", ""] };
    match rest.rsplit_once('-') {
        Some((name, version)) => [name, version, release],
        None => [rest, release, ""],
    }
}

/// Compares two versions, segment by segment of digits or letters.
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !(a.is_empty() && b.is_empty()) {
        (a, b) = (to_segment(a), to_segment(b));
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'+'), Some(b'+')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'+'), None) => return Ordering::Greater,
            (None, Some(b'+')) => return Ordering::Less,
            (Some(b'+'), _) => return Ordering::Less,
            (_, Some(b'+')) => return Ordering::Greater,
            (None, _) | (_, None) => break,
            _ => {}
        }
        let digits = a[0].is_ascii_digit();
        let (left, right) = (segment(a, digits), segment(b, digits));
        (a, b) = (&a[left.len()..], &b[right.len()..]);
        let order = match (digits, right.is_empty()) {
            (true, true) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (true, false) => compare_numbers(left, right),
            (false, false) => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
    }
    // Only what separates the segments differs; else the one with more of them is newer.
    a.len().min(1).cmp(&b.len().min(1))
}

fn to_segment(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| b.is_ascii_alphanumeric() || *b == b'~' || *b == b'+');
    &text[start.unwrap_or(text.len())..]
}

fn segment(text: &[u8], digits: bool) -> &[u8] {
    let belongs = |b: &u8| if digits { b.is_ascii_digit() } else { b.is_ascii_alphabetic() };
    &text[..text.iter().position(|b| !belongs(b)).unwrap_or(text.len())]
}

/// Two rows of digits of any length.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().position(|d| *d != b'0').unwrap_or(digits.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
