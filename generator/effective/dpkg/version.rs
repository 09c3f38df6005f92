//! The order of Debian package versions, as deb-version(7) says.

use std::cmp::Ordering;

/// Compares two versions as `dpkg --compare-versions` does.
///
/// Never fails: a text that is no version is compared by the same rules.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (epoch_a, upstream_a, revision_a) = parts(a);
    let (epoch_b, upstream_b, revision_b) = parts(b);
    compare_part(epoch_a, epoch_b)
        .then_with(|| compare_part(upstream_a, upstream_b))
        .then_with(|| compare_part(revision_a, revision_b))
}

/// Epoch, upstream version and revision; an absent epoch or revision counts as zero.
fn parts(version: &str) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.as_bytes(), upstream.as_bytes(), revision.as_bytes())
}

/// Compares by turns the leading non-digits by [`weight`] and the leading digits as a number.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = a.split_at(count(a, |byte| !byte.is_ascii_digit()));
        let (text_b, rest_b) = b.split_at(count(b, |byte| !byte.is_ascii_digit()));
        for index in 0..text_a.len().max(text_b.len()) {
            let order = weight(text_a.get(index)).cmp(&weight(text_b.get(index)));
            if order.is_ne() {
                return order;
            }
        }
        let (number_a, rest_a) = rest_a.split_at(count(rest_a, u8::is_ascii_digit));
        let (number_b, rest_b) = rest_b.split_at(count(rest_b, u8::is_ascii_digit));
        let order = significant(number_a).len().cmp(&significant(number_b).len());
        let order = order.then_with(|| significant(number_a).cmp(significant(number_b)));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// How a character sorts: `~` before the end, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

/// How many leading bytes fit.
fn count(bytes: &[u8], fits: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| fits(byte)).count()
}

/// A number without its leading zeros.
fn significant(digits: &[u8]) -> &[u8] {
    &digits[count(digits, |digit| *digit == b'0')..]
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::effective::fixture::{Dice, cases};

    #[test]
    fn known_orders() {
        let ascending = ["1.0~rc1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0a", "1.0+b", "1:0.9"];
        for pair in ascending.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_versions(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare_versions("0:1.0-0", "1.00"), Ordering::Equal);
        let huge = "9".repeat(4000);
        assert_eq!(compare_versions(&huge, "1"), Ordering::Greater);
    }

    fn version(dice: &mut Dice) -> String {
        let mut text = String::new();
        if dice.once_in(4) {
            text.push_str(dice.pick(&["0:", "1:", "2:", "10:"]));
        }
        text.push_str(dice.pick(&["0", "1", "2", "10"]));
        for _ in 0..dice.below(5) {
            text.push_str(dice.pick(&[".", "~", "+", "a", "Z", "rc", "0", "00", "1", "9", "10", "-"]));
        }
        if dice.once_in(2) {
            text.push_str(dice.pick(&["-1", "-0", "-1~bpo12+1", "-1+deb12u3", "-10", "-1ubuntu2"]));
        }
        text
    }

    #[test]
    fn dpkg_orders_alike() {
        let pairs: Vec<(String, String)> = (0..cases(4000))
            .map(|seed| {
                let mut dice = Dice::new(seed);
                let first = version(&mut dice);
                // Half of the pairs differ by their ends only: random ones rarely get to the hard rules.
                let end = dice.pick(&["", "~", "+", "0", "a", ".0", "~0"]);
                let second = if dice.once_in(2) { format!("{first}{end}") } else { version(&mut dice) };
                (first, second)
            })
            .filter(|(a, b)| !a.ends_with('-') && !b.ends_with('-'))
            .collect();
        assert!(pairs.len() > 2000);
        let script = r#"use Dpkg::Version; while (<>) { chomp; my ($x, $y) = split / /;
            my ($v, $w) = map { Dpkg::Version->new($_) } $x, $y; print $v <=> $w, "\n" }"#;
        let mut perl = Command::new("perl")
            .args(["-e", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs perl with Dpkg::Version (libdpkg-perl)");
        let input: String = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
        let mut stdin = perl.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let answer = String::from_utf8(perl.wait_with_output().unwrap().stdout).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(answer.lines().count(), pairs.len());
        for ((a, b), said) in pairs.iter().zip(answer.lines()) {
            assert_eq!(compare_versions(a, b) as i8, said.parse::<i8>().unwrap(), "{a} <=> {b}");
        }
    }
}
