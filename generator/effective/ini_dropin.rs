//! systemd's own way of configuration: a main file, and drop-ins from four folders.
//!
//! The rules are those of systemd.syntax(7) and of "Configuration Directories and Precedence" in e.g.
//! journald.conf(5). What a key means is its program's reader's to know.

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Where files may be, most important first.
const FOLDERS: [&str; 4] = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];

/// A configuration, merged.
#[derive(Clone, Debug, Default)]
pub struct IniDropin {
    /// The files that are read, in the order in which they are read.
    pub files: Vec<String>,
    /// By section and key: every assignment, in order.
    assignments: BTreeMap<(String, String), Vec<Sourced<String>>>,
}

impl IniDropin {
    /// Reads e.g. `systemd/journald.conf` with its drop-ins; without any file, nothing is assigned.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn read(root: Root<'_>, name: &str) -> Result<Self> {
        let mut config = Self::default();
        for folder in FOLDERS {
            let path = format!("{folder}/{name}");
            if let Some(text) = root.read_text(&path)? {
                config.add(path, &text);
                break;
            }
        }
        // By file name: the more important folder's file hides those of the same name, also if it can't be
        // read (a link to /dev/null).
        let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
        for folder in FOLDERS {
            let folder = format!("{folder}/{name}.d");
            for entry in root.read_dir(&folder)? {
                let Ok(file) = String::from_utf8(entry.name) else { continue };
                if file.ends_with(".conf") && !file.starts_with('.') {
                    let path = format!("{folder}/{file}");
                    drop_ins.entry(file).or_insert(path);
                }
            }
        }
        for path in drop_ins.into_values() {
            if let Some(text) = root.read_text(&path)? {
                config.add(path, &text);
            }
        }
        Ok(config)
    }

    /// The value that counts: the last one assigned. `None` where the program's default does, because nothing
    /// is assigned or the last assignment is empty.
    pub fn get(&self, section: &str, key: &str) -> Option<&Sourced<String>> {
        self.all(section, key).last().filter(|last| !last.value.is_empty())
    }

    /// As [`IniDropin::get`], for programs that pass over a value they can't read: the last one that `parse`
    /// takes, unless an empty one follows.
    pub fn last_valid<T>(
        &self,
        section: &str,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Sourced<T>> {
        for assigned in self.all(section, key).iter().rev() {
            if assigned.value.is_empty() {
                return None;
            }
            if let Some(value) = parse(&assigned.value) {
                return Some(Sourced::new(value, assigned.at.clone()));
            }
        }
        None
    }

    /// Every assignment of a key, in the order of reading: all but the last one lose.
    pub fn all(&self, section: &str, key: &str) -> &[Sourced<String>] {
        self.assignments.get(&(section.to_owned(), key.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, path: String, text: &str) {
        let mut section = String::new();
        for (line, content) in logical_lines(text) {
            if let Some(name) = content.trim_end().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
            } else if let Some((key, value)) = content.split_once('=') {
                let value = Sourced::new(value.trim().to_owned(), Location::line(&path, line));
                let place = (section.clone(), key.trim().to_owned());
                self.assignments.entry(place).or_default().push(value);
            }
        }
        self.files.push(path);
    }
}

/// Lines without comments, those that end in a backslash joined to the next; each with its first line's number.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continued = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with(['#', ';']) || (line.is_empty() && !continued) {
            continue;
        }
        // An even number of backslashes escapes itself.
        let backslashes = line.bytes().rev().take_while(|b| *b == b'\\').count();
        let goes_on = backslashes % 2 == 1;
        let content = if goes_on { &line[..line.len() - 1] } else { line };
        match lines.last_mut() {
            Some((_, last)) if continued => {
                last.push(' ');
                last.push_str(content);
            }
            _ => lines.push((index + 1, content.to_owned())),
        }
        continued = goes_on;
    }
    lines
}

/// A boolean as systemd reads it.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

    const NAME: &str = "systemd/journald.conf";

    fn read(tree: &MemoryTree) -> IniDropin {
        IniDropin::read(tree.root(), NAME).unwrap()
    }

    #[test]
    fn the_last_assignment_wins_and_an_empty_one_resets() {
        let mut tree = MemoryTree::of(&[
            ("/usr/lib/systemd/journald.conf", "[Journal]\nStorage=none\nA=hidden\n"),
            (
                "/etc/systemd/journald.conf",
                "[Journal]\n# Storage=x\nStorage = auto\nA=1\nA=2 \\\n; no\n  3\n",
            ),
        ]);
        let config = read(&tree);
        assert_eq!(config.get("Journal", "Storage").unwrap().value, "auto");
        assert_eq!(config.get("Journal", "A").unwrap().value, "2  3");
        assert_eq!(config.get("Journal", "A").unwrap().at.line, Some(5));
        assert_eq!(config.all("Journal", "A").len(), 2);
        assert!(config.get("Other", "A").is_none());

        tree.write("/usr/lib/systemd/journald.conf.d/50-x.conf", "[Journal]\nStorage=persistent\n");
        assert_eq!(read(&tree).get("Journal", "Storage").unwrap().value, "persistent");
        tree.write("/etc/systemd/journald.conf.d/60-x.conf", "[Journal]\nStorage=\n");
        assert!(read(&tree).get("Journal", "Storage").is_none());
        tree.write("/etc/systemd/journald.conf.d/70-x.conf", "[Journal]\nStorage=volatile\n");
        assert_eq!(read(&tree).get("Journal", "Storage").unwrap().value, "volatile");
    }

    #[test]
    fn a_file_hides_those_of_its_name_in_lesser_folders() {
        let mut tree =
            MemoryTree::of(&[("/usr/lib/systemd/journald.conf.d/a.conf", "[Journal]\nStorage=none\n")]);
        assert_eq!(read(&tree).get("Journal", "Storage").unwrap().value, "none");
        tree.write("/run/systemd/journald.conf.d/a.conf", "[Journal]\nStorage=auto\n");
        assert_eq!(read(&tree).get("Journal", "Storage").unwrap().value, "auto");
        tree.link("/etc/systemd/journald.conf.d/a.conf", "/dev/null");
        assert!(read(&tree).get("Journal", "Storage").is_none());
        tree.remove("/etc/systemd/journald.conf.d/a.conf");
        tree.write("/etc/systemd/journald.conf.d/.b.conf", "[Journal]\nStorage=none\n");
        tree.write("/etc/systemd/journald.conf.d/b.conf.bak", "[Journal]\nStorage=none\n");
        assert_eq!(read(&tree).get("Journal", "Storage").unwrap().value, "auto");
    }

    #[test]
    fn a_value_that_can_not_be_read_is_passed_over() {
        let tree = MemoryTree::of(&[(
            "/etc/systemd/journald.conf",
            "[Journal]\nSeal=no\nSeal=maybe \\\\\nX=1\nX=\nX=?\n",
        )]);
        let seal = read(&tree).last_valid("Journal", "Seal", parse_boolean).unwrap();
        assert_eq!((seal.value, seal.at.line), (false, Some(2)));
        assert!(read(&tree).last_valid("Journal", "X", parse_boolean).is_none());
    }

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut tree = MemoryTree::of(&[("/etc/systemd/journald.conf", "[Journal]\n")]);
        for folder in FOLDERS {
            if dice.once_in(3) {
                tree.write(format!("{folder}/{NAME}"), "[Journal]\n");
            }
            for file in ["a.conf", "B.conf", "10-x.conf", "2-x.conf", "x.conf~", ".h.conf", "é.conf"] {
                if dice.once_in(3) {
                    tree.write(format!("{folder}/{NAME}.d/{file}"), "[Journal]\nStorage=auto\n");
                }
            }
        }
        tree
    }

    fn files_of_systemd(tree: &MemoryTree) -> Vec<String> {
        let disk = tree.on_disk();
        let root = format!("--root={}", disk.path().display());
        let output = std::process::Command::new("systemd-analyze")
            .args([root.as_str(), "cat-config", "--no-pager", NAME])
            .output()
            .expect("this test needs systemd-analyze");
        let said = String::from_utf8(output.stdout).unwrap();
        let prefix = format!("# {}", disk.path().display());
        said.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    #[test]
    fn systemd_reads_the_same_files_in_the_same_order() {
        let judge = |tree: &MemoryTree| Verdict::same(&read(tree).files, &files_of_systemd(tree));
        Differential::cases(25).run(generate, judge);
    }

    #[test]
    fn nonsense_assigns_nothing() {
        for text in ["[", "]", "=", "\\", "[a\n=\\\n\\\n", "a\\\n\n\nb", "\u{0}"] {
            read(&MemoryTree::of(&[("/etc/systemd/journald.conf", text)]));
        }
        assert_eq!(read(&MemoryTree::new()).files, [""; 0]);
    }
}
