//! The order of rpm's versions (`rpmio/rpmvercmp.c`), which GRUB's `blscfg` has a copy of.

use std::cmp::Ordering;

/// Compares two versions, or two releases.
pub fn compare(a: &str, b: &str) -> Ordering {
    compare_with(a, b, b'^')
}

/// Compares two of `VERSION-RELEASE`, as kernels are named.
pub fn compare_releases(a: &str, b: &str) -> Ordering {
    let [(version_a, release_a), (version_b, release_b)] =
        [a, b].map(|text| text.split_once('-').unwrap_or((text, "")));
    compare(version_a, version_b).then_with(|| compare(release_a, release_b))
}

/// [`compare`], segment by segment of digits or letters, with any byte for the one that says that what follows comes
/// after the version: `^` for rpm, `+` for GRUB.
pub fn compare_with(a: &str, b: &str, after: u8) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !(a.is_empty() && b.is_empty()) {
        (a, b) = (to_segment(a, after), to_segment(b, after));
        let marked = |text: &[u8], mark: u8| text.first() == Some(&mark);
        match (marked(a, b'~'), marked(b, b'~')) {
            (true, true) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        match (marked(a, after), marked(b, after)) {
            (true, true) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (true, false) => return if b.is_empty() { Ordering::Greater } else { Ordering::Less },
            (false, true) => return if a.is_empty() { Ordering::Less } else { Ordering::Greater },
            (false, false) => {}
        }
        if a.is_empty() || b.is_empty() {
            break;
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

fn to_segment(text: &[u8], after: u8) -> &[u8] {
    let start = text.iter().position(|b| b.is_ascii_alphanumeric() || *b == b'~' || *b == after);
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, Verdict, program};

    /// Compares the two words of each line of a file.
    const SCRIPT: &str = r#"%{lua: for line in io.lines("FILE") do
        local a, b = line:match("^(%S*) (%S*)$"); print(rpm.vercmp(a, b) .. " ") end}"#;

    /// What `+` means to GRUB, `^` means to rpm.
    #[test]
    fn agrees_with_rpm() {
        if program("rpm").is_none() {
            return;
        }
        let tally = Differential::cases(60).run(generate, |text: &String| {
            let pairs = text.lines().filter_map(|line| line.split_once(' '));
            let pairs = pairs.filter(|(a, b)| !a.is_empty() && !b.is_empty());
            let (mut ours, mut asked) = (Vec::new(), String::new());
            for (a, b) in pairs {
                let order = compare(a, b);
                let [plus_a, plus_b] = [a, b].map(|text| text.replace('+', "_").replace('^', "+"));
                assert_eq!(compare_with(&plus_a, &plus_b, b'+'), order, "{a} {b}");
                ours.push(format!("{a} {b} {}", order as i8));
                asked += &format!("{a} {b}\n");
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &asked).unwrap();
            let script = SCRIPT.replace("FILE", &file.path().to_string_lossy());
            let out = Command::new("rpm").args(["--eval", &script]).output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            let theirs = asked.lines().zip(said.split_whitespace());
            let theirs: Vec<String> = theirs.map(|(line, order)| format!("{line} {order}")).collect();
            Verdict::same(&ours, &theirs)
        });
        assert_eq!(tally.refused, 0);
    }

    fn generate(dice: &mut Dice) -> String {
        let mut version = || -> String {
            let parts = [
                "1",
                "2",
                "10",
                "01",
                "a",
                "b",
                "rc",
                "~",
                "+",
                "^",
                ".",
                "_",
                "el9",
                "0",
                "A",
                "..",
                "99999999999999999999",
            ];
            (0..dice.range(1..=5)).map(|_| dice.pick(&parts)).collect()
        };
        (0..20).map(|_| format!("{} {}\n", version(), version())).collect()
    }
}
