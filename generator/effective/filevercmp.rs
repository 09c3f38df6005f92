//! The order of names by the versions in them, as `ls -v` has it: gnulib's `filevercmp()`.

use std::cmp::Ordering;

/// Compares two file names. Suffixes such as `.rules` count only where the rest is equal; names that are equal as
/// versions go by their bytes. Hidden names come first.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let hidden = y.starts_with(b".").cmp(&x.starts_with(b"."));
    let stems = || versions(&x[..stem(x)], &y[..stem(y)]);
    hidden.then_with(stems).then_with(|| versions(x, y)).then_with(|| x.cmp(y))
}

/// Length of a name without its suffixes: dots, each followed by a letter or `~` and more of these or digits.
fn stem(name: &[u8]) -> usize {
    let suffix = |rest: &[u8]| {
        let starts = rest.len() > 1 && rest[0] == b'.' && (rest[1].is_ascii_alphabetic() || rest[1] == b'~');
        let tail = || rest[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'~').count();
        if starts { 1 + tail() } else { 0 }
    };
    let mut at = 0;
    while at < name.len() {
        at += 1;
        let start = at;
        loop {
            match suffix(&name[at..]) {
                0 => break,
                length => at += length,
            }
        }
        if at == name.len() {
            return start;
        }
    }
    name.len()
}

/// `verrevcmp()`: by turns a part without digits, byte by byte, and a number.
fn versions(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let is_text = |rest: &[u8]| rest.first().is_some_and(|byte| !byte.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while is_text(a) || is_text(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[1..], &b[1..]);
        }
        let (x, y) = (number(&mut a), number(&mut b));
        let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the digits at the start away and gives them without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    &digits[digits.iter().take_while(|byte| **byte == b'0').count()..]
}

/// `~` before the end, the end before digits, digits before letters, and all else after these.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -2,
        None => -1,
        Some(b) if b.is_ascii_digit() => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::{Dice, Differential, Verdict};

    fn names(dice: &mut Dice) -> String {
        let mut list = String::new();
        for _ in 0..dice.range(2..=12) {
            let parts =
                ["a", "b", "1", "01", "10", "9", "-", ".", "~", "_", ".rules", ".d", "A", "é", "x.y", "0"];
            let name: String = (0..dice.range(1..=4)).map(|_| dice.pick(&parts)).collect();
            // `ls` leaves hidden files out.
            if !name.starts_with('.') {
                list += &format!("{name}\n");
            }
        }
        list
    }

    #[test]
    fn agrees_with_ls() {
        let judge = |list: &String| {
            let directory = tempfile::tempdir().unwrap();
            let mut ours: Vec<&str> = list.lines().collect();
            for name in &ours {
                std::fs::write(directory.path().join(name), "").unwrap();
            }
            ours.sort_by(|a, b| compare(a, b));
            ours.dedup();
            let ls =
                std::process::Command::new("ls").arg("-1v").arg(directory.path()).env("LC_ALL", "C").output();
            let theirs = String::from_utf8(ls.unwrap().stdout).unwrap();
            Verdict::same(&ours, &theirs.lines().collect())
        };
        Differential::cases(150).run(names, judge);
    }
}
