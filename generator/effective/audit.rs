//! The rules that `augenrules(8)` loads into the kernel's audit system at boot.
//!
//! Owns the order of `/etc/audit/rules.d`. Must not know which rules anybody wants.

use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};

/// Where the rules stand.
pub const FOLDER: &str = "/etc/audit/rules.d";

/// The merged rules, in the order of loading, blanks made single.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRules {
    /// What stands in the files and is no control of the audit system itself.
    pub rules: Vec<Sourced<String>>,
    /// `-b`, `-f`, `-e` and their kin: of each, `augenrules` keeps the last.
    pub controls: Vec<Sourced<String>>,
}

/// Reads the rule files; no file is no rule.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<AuditRules> {
    let mut names: Vec<String> = root
        .read_dir(FOLDER)?
        .into_iter()
        .filter(|e| matches!(e.meta.kind, FileKind::File | FileKind::Symlink))
        .filter_map(|e| String::from_utf8(e.name).ok())
        .filter(|n| n.ends_with(".rules") && !n.starts_with('.'))
        .collect();
    // `ls -1v`
    names.sort_by(|a, b| crate::effective::dpkg::compare_versions(a, b));
    let mut all = AuditRules::default();
    for name in names {
        let path = format!("{FOLDER}/{name}");
        let Some(text) = root.read_text(&path)? else { continue };
        for (index, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let rule = Sourced::new(words.join(" "), Location::line(&path, index + 1));
            match words.first() {
                None => {}
                Some(word) if word.starts_with('#') => {}
                Some(&("-w" | "-W" | "-a" | "-A" | "-d" | "-S")) => all.rules.push(rule),
                Some(_) => all.controls.push(rule),
            }
        }
    }
    Ok(all)
}

impl AuditRules {
    /// The control that holds for an option such as `-e`.
    pub fn control(&self, option: &str) -> Option<&Sourced<String>> {
        self.controls.iter().rfind(|c| c.value.split(' ').next() == Some(option))
    }

    /// Rules that keep the kernel from recording anything at all.
    pub fn silencers(&self) -> impl Iterator<Item = &Sourced<String>> {
        let switches = |list: &str| {
            let (mut task, mut never) = (false, false);
            list.split(',').for_each(|w| match w {
                "task" => task = true,
                "never" => never = true,
                _ => {}
            });
            task && never
        };
        self.rules.iter().filter(move |rule| {
            let mut words = rule.value.split(' ');
            matches!(words.next(), Some("-a" | "-A")) && words.next().is_some_and(switches)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn files_are_merged_in_version_order_and_the_last_control_holds() {
        let tree = MemoryTree::of(&[
            ("/etc/audit/rules.d/10-x.rules", "-w /etc/shadow  -p wa\n-e 2\n"),
            ("/etc/audit/rules.d/9-x.rules", "# no\n-D\n\n-w /etc/passwd -p wa\n-e 0\n"),
            ("/etc/audit/rules.d/x.conf", "-w /no -p wa\n"),
        ]);
        let audit = read(tree.root()).unwrap();
        let rules: Vec<&str> = audit.rules.iter().map(|r| r.value.as_str()).collect();
        assert_eq!(rules, ["-w /etc/passwd -p wa", "-w /etc/shadow -p wa"]);
        assert_eq!(audit.control("-e").unwrap().value, "-e 2");
        assert_eq!(audit.control("-b"), None);
        assert_eq!(audit.silencers().count(), 0);
    }

    #[test]
    fn a_rule_that_ends_all_recording_is_seen() {
        let tree =
            MemoryTree::of(&[("/etc/audit/rules.d/a.rules", "-a never,task\n-a never,exit -S open\n")]);
        assert_eq!(read(tree.root()).unwrap().silencers().count(), 1);
    }
}
