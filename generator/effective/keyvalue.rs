//! Plain files of keys and values: `login.defs`, `pwquality.conf`, `faillock.conf` and their kin.
//!
//! Which of several lines wins differs by program, so the caller says it.

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// How a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `KEY value`, as shadow-utils reads `login.defs`: quotes around the value go, a `#` starts
    /// a comment at the line's beginning only, a key without a value says nothing.
    Blank,
    /// `key = value`, as libpwquality and pam_faillock read their files: a `#` starts a comment
    /// anywhere, a key without a value is a switch (its value is empty); a key may be missing, too.
    Equals,
}

/// Which of several lines for one key decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    /// The first.
    First,
    /// The last.
    Last,
}

/// The lines of one or several files, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues {
    entries: Vec<(String, Sourced<String>)>,
}

/// The value that decides, and the lines that lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The value and its line.
    pub value: Sourced<String>,
    /// Lines for the same key that are without effect.
    pub overridden: Vec<Sourced<String>>,
}

/// Reads one file; `None` where it does not exist.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: &Root<'_>, path: &str, syntax: Syntax) -> Result<Option<KeyValues>> {
    let keys = root.read_text(path)?.map(|text| KeyValues::parse(path, &text, syntax));
    Ok(keys.map(|keys| if path == PWQUALITY { keys.folded_for_pwquality() } else { keys }))
}

/// libpwquality's file.
const PWQUALITY: &str = "/etc/security/pwquality.conf";

/// The settings that libpwquality 1.4 knows (`src/settings.c`).
const PWQUALITY_KEYS: [&str; 20] = [
    "difok",
    "minlen",
    "dcredit",
    "ucredit",
    "lcredit",
    "ocredit",
    "minclass",
    "maxrepeat",
    "maxclassrepeat",
    "maxsequence",
    "gecoscheck",
    "dictcheck",
    "usercheck",
    "usersubstr",
    "enforcing",
    "badwords",
    "dictpath",
    "retry",
    "enforce_for_root",
    "local_users_only",
];

/// Those of them that are no numbers.
const PWQUALITY_TEXTS: [&str; 4] = ["badwords", "dictpath", "enforce_for_root", "local_users_only"];

impl KeyValues {
    fn parse(path: &str, text: &str, syntax: Syntax) -> Self {
        let lines = text.split('\n').enumerate();
        let entries = lines
            .filter_map(|(index, line)| {
                // C strings end at the first NUL.
                let line = line.split('\0').next().unwrap_or_default();
                let (key, value) = match syntax {
                    Syntax::Blank => blank(line)?,
                    Syntax::Equals => equals(line)?,
                };
                let at = Location::line(path, index + 1);
                Some((key.to_owned(), Sourced::new(value.to_owned(), at)))
            })
            .collect();
        Self { entries }
    }

    /// libpwquality takes keys in any case, and reads no further than the first that it does not
    /// know, or whose value should be a number and is none.
    fn folded_for_pwquality(self) -> Self {
        let lower = self.entries.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value));
        let good = |(key, value): &(String, Sourced<String>)| {
            let any = PWQUALITY_TEXTS.contains(&key.as_str());
            PWQUALITY_KEYS.contains(&key.as_str()) && (any || value.value.parse::<i32>().is_ok())
        };
        Self { entries: lower.take_while(good).collect() }
    }

    /// These lines followed by another file's.
    pub fn followed_by(mut self, later: Self) -> Self {
        self.entries.extend(later.entries);
        self
    }

    /// The value of a key (exact spelling); `None` where no line has it.
    pub fn get(&self, key: &str, wins: Wins) -> Option<Chosen> {
        let mut lines: Vec<Sourced<String>> =
            self.entries.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect();
        let index = match wins {
            Wins::First => 0,
            Wins::Last => lines.len().checked_sub(1)?,
        };
        (index < lines.len()).then(|| Chosen { value: lines.remove(index), overridden: lines })
    }

    /// All keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Sourced<String>)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }
}

const BLANK: [char; 2] = [' ', '\t'];

fn blank(line: &str) -> Option<(&str, &str)> {
    // isspace() at the end: a carriage return goes too.
    let line = line.trim_end().trim_start_matches(BLANK);
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once(BLANK)?;
    let value = value.trim_start_matches([' ', '\t', '"']);
    Some((key, value.split('"').next().unwrap_or_default()))
}

fn equals(line: &str) -> Option<(&str, &str)> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    (!line.is_empty()).then_some((key, value))
}

#[cfg(test)]
mod differential;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    fn file(text: &str, syntax: Syntax) -> KeyValues {
        let tree = MemoryTree::of(&[("/etc/x", text)]);
        read(&tree.root(), "/etc/x", syntax).unwrap().unwrap()
    }

    fn value(keys: &KeyValues, key: &str, wins: Wins) -> Option<String> {
        keys.get(key, wins).map(|c| c.value.value)
    }

    #[test]
    fn an_absent_file_is_not_an_empty_one() {
        let tree = MemoryTree::new();
        assert!(read(&tree.root(), "/etc/x", Syntax::Blank).unwrap().is_none());
    }

    #[test]
    fn which_line_wins_is_said_by_the_caller() {
        let keys = file("UMASK 022\n#UMASK 077\n\tUMASK\t 027 \r\n", Syntax::Blank);
        assert_eq!(value(&keys, "UMASK", Wins::Last).as_deref(), Some("027"));
        assert_eq!(value(&keys, "UMASK", Wins::First).as_deref(), Some("022"));
        let chosen = keys.get("UMASK", Wins::Last).unwrap();
        assert_eq!(chosen.value.at, Location::line("/etc/x", 3));
        assert_eq!(chosen.overridden, [Sourced::new("022".to_owned(), Location::line("/etc/x", 1))]);
        assert_eq!(value(&keys, "umask", Wins::Last), None);
    }

    #[test]
    fn a_key_without_a_value_says_nothing_with_blanks_and_is_a_switch_with_equals() {
        let keys = file("UMASK\nENV_PATH \"PATH=/bin\" x\n\u{feff}MAIL /x\n", Syntax::Blank);
        assert_eq!(value(&keys, "UMASK", Wins::Last), None);
        assert_eq!(value(&keys, "ENV_PATH", Wins::Last).as_deref(), Some("PATH=/bin"));
        assert_eq!(value(&keys, "MAIL", Wins::Last), None, "a byte order mark is part of the key");
        let keys = file("minlen=14 # x\n deny = 4\nsilent\n# deny = 9\nunlock_time 900\n", Syntax::Equals);
        for (key, want) in [("minlen", "14"), ("deny", "4"), ("silent", ""), ("unlock_time", "900")] {
            assert_eq!(value(&keys, key, Wins::Last).as_deref(), Some(want), "{key}");
        }
    }

    #[test]
    fn files_follow_each_other() {
        let keys = file("minlen = 8", Syntax::Equals).followed_by(file("minlen = 14", Syntax::Equals));
        assert_eq!(value(&keys, "minlen", Wins::Last).as_deref(), Some("14"));
    }
}
