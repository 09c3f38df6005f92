//! Which system this is: `/etc/os-release`, else `/usr/lib/os-release`, as os-release(5) says.
//!
//! The first of the two that exists is the only one read. A later assignment of a key wins, as in a shell.
//! What an identifier means for a profile is not known here.

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Where the file may be, most important first.
const PLACES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The system's own description of itself.
#[derive(Clone, Debug)]
pub struct OsRelease {
    file: String,
    keys: BTreeMap<String, Sourced<String>>,
}

/// Reads the description; `None` where the target has none.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<OsRelease>> {
    for file in PLACES {
        if let Some(text) = root.read_text(file)? {
            return Ok(Some(parse(&text, file)));
        }
    }
    Ok(None)
}

/// Parses the text of such a file.
pub fn parse(text: &str, file: &str) -> OsRelease {
    let keys = text.lines().enumerate().filter_map(|(index, line)| {
        let (key, value) = assignment(line)?;
        Some((key.to_owned(), Sourced::new(value, Location::line(file, index + 1))))
    });
    OsRelease { file: file.to_owned(), keys: keys.collect() }
}

impl OsRelease {
    /// A key's value and its line.
    pub fn get(&self, key: &str) -> Option<&Sourced<String>> {
        self.keys.get(key)
    }

    /// `ID`: the distribution in lower case, `linux` where the file doesn't say.
    pub fn id(&self) -> &str {
        self.get("ID").map_or("linux", |id| &id.value)
    }

    /// `VERSION_ID`, where the file has one (a rolling distribution doesn't).
    pub fn version_id(&self) -> Option<&str> {
        self.get("VERSION_ID").map(|version| version.value.as_str())
    }

    /// The line of `VERSION_ID`, or the file where it has none.
    pub fn at(&self) -> Location {
        self.get("VERSION_ID")
            .map_or_else(|| Location::file(self.file.as_str()), |version| version.at.clone())
    }
}

/// `KEY=value` of one line, the value unquoted; `None` for anything else.
fn assignment(line: &str) -> Option<(&str, String)> {
    let (key, value) = line.trim_start().split_once('=')?;
    let valid = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then(|| (key, unquote(value.trim_end())))
}

/// Removes a shell's quotes and backslashes, and a comment behind the value. Single quotes keep everything; in double
/// quotes a backslash escapes only ``$ " \ ` ``; outside, it escapes any character. Where a bare blank stands in a value,
/// a shell would run a command: systemd's reading is taken, which keeps the whole line.
fn unquote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None) => out.extend(chars.next()),
            ('\\', Some('"')) => match chars.next_if(|next| "$\"\\`".contains(*next)) {
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            },
            ('"' | '\'', None) => quote = Some(c),
            (' ' | '\t', None) if chars.clone().find(|next| !" \t".contains(*next)) == Some('#') => break,
            (_, Some(open)) if c == open => quote = None,
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

    #[test]
    fn the_administrators_file_wins_and_its_absence_falls_back() {
        let mut tree = MemoryTree::of(&[
            ("/etc/os-release", "# comment\nID=debian\nVERSION_ID=\"12\"\n"),
            ("/usr/lib/os-release", "ID=other\n"),
        ]);
        let release = read(tree.root()).unwrap().unwrap();
        assert_eq!((release.id(), release.version_id()), ("debian", Some("12")));
        assert_eq!(release.at().to_string(), "/etc/os-release:3");

        tree.remove("/etc/os-release");
        let release = read(tree.root()).unwrap().unwrap();
        assert_eq!((release.id(), release.version_id()), ("other", None));
        assert_eq!(release.at().to_string(), "/usr/lib/os-release");

        tree.remove("/usr/lib/os-release");
        assert!(read(tree.root()).unwrap().is_none());
    }

    #[test]
    fn the_later_assignment_wins() {
        let tree =
            MemoryTree::of(&[("/etc/os-release", "VERSION_ID=12\nVERSION_ID=13\nnot an = assignment\n")]);
        let release = read(tree.root()).unwrap().unwrap();
        assert_eq!(release.version_id(), Some("13"));
        assert_eq!(release.at().line, Some(2));
        assert_eq!(release.id(), "linux");
    }

    #[test]
    fn values_are_unquoted_as_a_shell_does() {
        let cases = [
            ("plain", "plain"),
            ("\"Debian GNU/Linux 12\"", "Debian GNU/Linux 12"),
            ("'$HOME \\n'", "$HOME \\n"),
            (r#""a \"b\" \$c \\ \x""#, r#"a "b" $c \ \x"#),
            (r"a\ b", "a b"),
            ("\"it's\"", "it's"),
            ("", ""),
            ("\"open", "open"),
        ];
        for (text, expected) in cases {
            assert_eq!(unquote(text), expected, "{text}");
        }
    }

    const KEYS: [&str; 3] = ["ID", "VERSION_ID", "A_1"];

    #[test]
    fn agrees_with_a_shell() {
        let tally = Differential::cases(300).run(generate, |tree| {
            let disk = tree.on_disk();
            let ours = read(tree.root()).unwrap().map(|release| {
                KEYS.map(|key| release.get(key).map_or(String::new(), |value| value.value.clone()))
            });
            // The first of the two files, as programs source it. A carriage return ends a line for systemd alone.
            let script = r#"for f in "$1/etc/os-release" "$1/usr/lib/os-release"; do [ -e "$f" ] && break; f=; done
                [ "$f" ] || exit 1; . "$f" || exit 2; printf '%s\037%s\037%s' "$ID" "$VERSION_ID" "$A_1""#;
            let mut shell = std::process::Command::new("sh");
            let out = shell.args(["-c", script, "sh"]).arg(disk.path()).env_clear().output().unwrap();
            if !matches!(out.status.code(), Some(0 | 1)) {
                return Verdict::Unanswered;
            }
            let said = String::from_utf8_lossy(&out.stdout).replace('\r', "");
            let mut values = said.split('\x1f').map(str::to_owned);
            let theirs = out.status.success().then(|| std::array::from_fn(|_| values.next().unwrap()));
            Verdict::of(ours, theirs)
        });
        assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
    }

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for file in dice.subset(&["/etc/os-release", "/usr/lib/os-release", "/opt/os-release"]) {
            let mut text = String::new();
            for _ in 0..dice.below(6) {
                let key = dice.pick(&["ID", "VERSION_ID", "A_1", "ID", "id", "IDX"]);
                let value = dice.pick(&[
                    "debian",
                    "\"12\"",
                    "'12 (x)'",
                    "",
                    "\"\"",
                    "''",
                    "a\\ b",
                    "\"a \\\"b\\\" \\$c \\\\ \\x\"",
                    "'$HOME \\n'",
                    "a'b'\"c\"",
                    "é",
                    "\"it's\"",
                    "a=b",
                    "a#b",
                    "'#'",
                    "\"a # b\"",
                    "12.04",
                    "\\\"",
                    "a\\#b",
                    "x\\\\",
                    "\"\\`\"",
                    "~",
                    "a:~",
                    "*",
                    "[a]",
                ]);
                let end = dice.pick(&[
                    "\n",
                    "\n",
                    "\n",
                    " \n",
                    "\r\n",
                    " # c 'x\n",
                    "\t#\n",
                    "\n\n",
                    "\n# ID=c\n",
                    "\n\t# x\n",
                ]);
                text += &format!("{}{key}={value}{end}", dice.pick(&["", "", "  ", "\t"]));
            }
            let text = if dice.once_in(8) { text.trim_end().to_owned() } else { text };
            tree.write(file, text);
        }
        if dice.once_in(5) {
            tree.link("/etc/os-release", "../usr/lib/os-release");
        }
        tree
    }

    #[test]
    fn a_shell_unquotes_alike() {
        for text in [r#""a \"b\" \$c \\ \x""#, r"a\ b\'c", "'$x'\"'\"", r#"a'b'"c""#] {
            let script = format!("V={text}; printf %s \"$V\"");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(unquote(text), String::from_utf8(output.stdout).unwrap(), "{text}");
        }
    }
}
