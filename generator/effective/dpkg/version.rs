//! The order of Debian versions (deb-version(7)).

use std::cmp::Ordering;

/// Compares two versions `[epoch:]upstream[-revision]` as `dpkg --compare-versions` does.
pub fn compare(a: &str, b: &str) -> Ordering {
    let ([epoch_a, upstream_a, revision_a], [epoch_b, upstream_b, revision_b]) = (split(a), split(b));
    number(epoch_a, epoch_b)
        .then_with(|| part(upstream_a, upstream_b))
        .then_with(|| part(revision_a, revision_b))
}

fn split(version: &str) -> [&str; 3] {
    let version = version.trim();
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    [epoch, upstream, revision]
}

/// Runs of other characters and of digits in turn, the former by [`rank`], the latter as numbers.
fn part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        loop {
            let (x, y) = (rank(a.first()), rank(b.first()));
            if x != y {
                return x.cmp(&y);
            }
            if x == 0 && !is_tilde_or_letter(a.first()) {
                break;
            }
            a = &a[1..];
            b = &b[1..];
        }
        let (digits_a, digits_b) = (digits(&mut a), digits(&mut b));
        let order = numeric(digits_a, digits_b);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn is_tilde_or_letter(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| !b.is_ascii_digit())
}

/// `~` before the end, the end (and a digit) before letters, letters before everything else.
fn rank(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None | Some(b'0'..=b'9') => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits
}

/// Numbers of any length.
fn numeric(a: &[u8], b: &[u8]) -> Ordering {
    let plain = |text: &[u8]| text.iter().position(|b| *b != b'0').unwrap_or(text.len());
    let (a, b) = (&a[plain(a)..], &b[plain(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn number(a: &str, b: &str) -> Ordering {
    numeric(a.as_bytes(), b.as_bytes())
}
