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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, Verdict, program};

    /// Compares the two words of each line of a file.
    const SCRIPT: &str = r#"%{lua: for line in io.lines("FILE") do
        local a, b = line:match("^(%S*) (%S*)$"); print(rpm.vercmp(a, b) .. " ") end}"#;

    /// What `+` means to GRUB, `^` means to RPM.
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
                ours.push(format!("{a} {b} {}", compare(a, b) as i8));
                asked += &format!("{a} {b}\n").replace('+', "^");
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &asked).unwrap();
            let script = SCRIPT.replace("FILE", &file.path().to_string_lossy());
            let out = Command::new("rpm").args(["--eval", &script]).output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            let theirs = asked.lines().zip(said.split_whitespace());
            let theirs: Vec<String> =
                theirs.map(|(line, order)| format!("{line} {order}").replace('^', "+")).collect();
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

    #[test]
    fn ids_are_split_from_the_end() {
        for (newer, older) in [
            ("m-5.14.0-427.el9.x86_64", "m-5.14.0-70.el9.x86_64"),
            ("m-5.15.0-1", "m-5.14.0-427"),
            ("m-1", "m-0-rescue"),
            ("m-6.1.0-1", "m-6.1.0~rc1-1"),
        ] {
            assert_eq!(compare_ids(newer, older), Ordering::Greater, "{newer} {older}");
            assert_eq!(compare_ids(older, newer), Ordering::Less, "{newer} {older}");
        }
    }
}
