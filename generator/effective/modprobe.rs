//! What `modprobe` does instead of loading a module: `modprobe.d(5)`.
//!
//! Owns the precedence of files and lines. Must not know which modules anybody wants.

use super::files::{drop_ins, wildcard};
use super::keyvalue::Chosen;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// A name in an earlier directory shadows the same name in later ones.
pub const FOLDERS: [&str; 4] =
    ["/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d"];

/// The lines that keep modules from being loaded, in the order in which they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modprobe {
    installs: Vec<(String, Sourced<String>)>,
    blacklist: Vec<Sourced<String>>,
}

/// Reads every `modprobe.d` directory.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<Modprobe> {
    let mut config = Modprobe::default();
    for path in drop_ins(root, &FOLDERS, ".conf")? {
        if let Some(text) = root.read_text(&path)? {
            config.add(&path, &text);
        }
    }
    Ok(config)
}

impl Modprobe {
    fn add(&mut self, path: &str, text: &str) {
        for (number, line) in logical_lines(text) {
            let at = Location::line(path, number);
            let mut words = line.split([' ', '\t']).filter(|w| !w.is_empty());
            match (words.next(), words.next()) {
                (Some("blacklist"), Some(name)) => self.blacklist.push(Sourced::new(underscored(name), at)),
                (Some("install"), Some(name)) => {
                    let after = line.trim_start().trim_start_matches("install").trim_start();
                    let command = after.trim_start_matches(name).trim_start();
                    if !command.is_empty() {
                        self.installs.push((underscored(name), Sourced::new(command.to_owned(), at)));
                    }
                }
                _ => {}
            }
        }
    }

    /// The command that runs instead of loading a module, and those that lose against it: the
    /// first line whose pattern fits decides. `None` where the module itself is loaded.
    pub fn install(&self, module: &str) -> Option<Chosen> {
        let module = underscored(module);
        let fits = |pattern: &str| wildcard(pattern.as_bytes(), module.as_bytes());
        let mut found =
            self.installs.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, line)| line.clone());
        Some(Chosen { value: found.next()?, overridden: found.collect() })
    }

    /// The line that keeps a module from being loaded for a device; asking for it by name still
    /// loads it.
    pub fn blacklisted(&self, module: &str) -> Option<&Location> {
        let module = underscored(module);
        self.blacklist.iter().find(|line| line.value == module).map(|line| &line.at)
    }
}

/// The kernel's spelling of a module's name.
pub fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// Lines that are no comment, continued ones (`\` at the end) joined, with the first's number.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, mut joined) = pending.take().unwrap_or((index + 1, String::new()));
        match line.strip_suffix('\\') {
            Some(start) => {
                joined.push_str(start);
                pending = Some((number, joined));
            }
            None => {
                joined.push_str(line);
                lines.push((number, joined));
            }
        }
    }
    lines.extend(pending);
    lines.retain(|(_, line)| !line.trim_start().starts_with('#'));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn the_first_install_line_wins_and_dashes_are_underscores() {
        let tree = MemoryTree::of(&[
            ("/etc/modprobe.d/b.conf", "install usb-storage /bin/false\nblacklist usb_storage\n"),
            ("/etc/modprobe.d/c.conf", "install usb_storage /sbin/modprobe -i usb-storage\n"),
            ("/usr/lib/modprobe.d/b.conf", "install dccp /bin/false"),
        ]);
        let config = read(tree.root()).unwrap();
        let chosen = config.install("usb-storage").unwrap();
        assert_eq!(
            chosen.value,
            Sourced::new("/bin/false".into(), Location::line("/etc/modprobe.d/b.conf", 1))
        );
        assert_eq!(chosen.overridden[0].at, Location::line("/etc/modprobe.d/c.conf", 1));
        assert_eq!(config.blacklisted("usb-storage"), Some(&Location::line("/etc/modprobe.d/b.conf", 2)));
        assert_eq!(config.install("dccp"), None, "its file is shadowed");
    }

    /// `modprobe --showconfig` prints the lines as it took them.
    #[test]
    fn lines_are_cut_as_modprobe_cuts_them() {
        let text = "install  a-b   /bin/false  x\n\tblacklist\tc-d \n# install e /bin/true\ninstall f \\\n/bin/true\n\
                    install g\nblacklist\ninstall u* /bin/false\noptions h i=1\nblacklist j k\n";
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x.conf"), text).unwrap();
        let output = std::process::Command::new("modprobe")
            .args(["--showconfig", "-C"])
            .arg(directory.path())
            .output()
            .unwrap();
        let mut config = Modprobe::default();
        config.add("/x.conf", text);
        let mut ours: Vec<String> =
            config.blacklist.iter().map(|l| format!("blacklist {}", l.value)).collect();
        ours.extend(config.installs.iter().map(|(name, line)| format!("install {name} {}", line.value)));
        let theirs: Vec<String> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("blacklist ") || l.starts_with("install "))
            .map(|l| l.to_owned())
            .collect();
        // kmod keeps the blanks around the command, which mean nothing to the shell.
        let tidy = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let (ours, theirs) = (tidy(ours), tidy(theirs));
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs);
    }
}
