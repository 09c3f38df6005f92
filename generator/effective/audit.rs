//! The rules that `augenrules(8)` merges at boot, and how far `auditctl -R` loads them into the kernel.
//!
//! Owns the order of `/etc/audit/rules.d`, the script's treatment of lines and the words that auditctl cuts them into.
//! Must not know which rules anybody wants, nor whether the kernel takes a rule's fields.

use crate::effective::filevercmp;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

#[cfg(test)]
mod differential;

/// Where the rules stand.
pub const FOLDER: &str = "/etc/audit/rules.d";

/// The program that augenrules looks at lines with.
const AWK: &str = "/usr/bin/awk";

/// The merged rules, in the order of loading, words parted by one blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRules {
    /// What stands in the files and is no control of the audit system itself.
    pub rules: Vec<Sourced<String>>,
    /// `-b`, `-f`, `-e` and their kin: of each, `augenrules` keeps the last.
    pub controls: Vec<Sourced<String>>,
    /// The line at which auditctl ends loading, because it can't be a rule: what follows is not in the kernel. Fields
    /// and their values are not judged here.
    pub refused: Option<Sourced<String>>,
}

/// Reads the rule files; no file is no rule.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<AuditRules> {
    let mut all = AuditRules::default();
    let mut goes_on = false;
    for line in merged(root)? {
        let words: Vec<&str> = line.value.split(' ').filter(|word| !word.is_empty()).collect();
        let Some(option) = words.first().copied().filter(|word| !word.starts_with('#')) else { continue };
        goes_on |= matches!(option, "-c" | "-i");
        let rule = Sourced::new(words.join(" "), line.at);
        // A tab or a carriage return is part of a word, and no option or value has one.
        if !option.starts_with('-') || rule.value.contains(['\t', '\r']) {
            all.refused = all.refused.or(Some(rule));
            if goes_on {
                continue;
            }
            break;
        }
        match option {
            "-w" | "-W" | "-a" | "-A" | "-d" | "-S" => all.rules.push(rule),
            _ => all.controls.push(rule),
        }
    }
    Ok(all)
}

/// The lines of the file that augenrules writes, in its order.
fn merged(root: Root<'_>) -> Result<Vec<Sourced<String>>> {
    let blank = if is_mawk(root)? { is_s } else { |c: char| c.is_ascii_whitespace() };
    let (mut deletes, mut backlog, mut failure, mut enabled) = (None, None, None, None);
    let mut rest = Vec::new();
    for line in lines(root)?.into_iter().filter(|line| !line.value.is_empty()) {
        let start = line.value.trim_start_matches(blank);
        if start.starts_with('#') {
            continue;
        }
        if start.starts_with("-e") {
            enabled = Some(line);
        } else if start.strip_prefix("-D").is_some_and(|after| after.trim_start_matches(blank).is_empty()) {
            deletes = Some(line);
        } else if start.starts_with("-f") {
            failure = Some(line);
        } else if start.starts_with("-b") {
            backlog = Some(line);
        } else {
            rest.push(line);
        }
    }
    let first = [deletes, backlog, failure].into_iter().flatten();
    Ok(first.chain(rest).chain(enabled).collect())
}

/// All files one after the other, as `cat` joins them: a last line without an end goes on in the next file.
fn lines(root: Root<'_>) -> Result<Vec<Sourced<String>>> {
    let entries = root.read_dir(FOLDER)?.into_iter();
    let mut names: Vec<String> = entries
        .filter_map(|entry| String::from_utf8(entry.name).ok())
        .filter(|name| name.ends_with(".rules") && !name.starts_with('.'))
        .collect();
    names.sort_by(|a, b| filevercmp::compare(a, b));
    let mut lines: Vec<Sourced<String>> = Vec::new();
    let mut open = false;
    // The shell parts a name with a blank in it.
    for name in names.iter().flat_map(|name| name.split_whitespace()) {
        let path = format!("{FOLDER}/{name}");
        let text = root.read_text(&path)?.unwrap_or_default();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let content = line.strip_suffix('\n').unwrap_or(line);
            match lines.last_mut().filter(|_| open) {
                Some(last) => last.value.push_str(content),
                None => lines.push(Sourced::new(content.to_owned(), Location::line(&path, index + 1))),
            }
            open = !line.ends_with('\n');
        }
    }
    Ok(lines)
}

/// Whether the script's patterns run in mawk, which takes the `\s` in them for the letter: there, a line that begins
/// with blanks is neither a comment nor a control that moves.
fn is_mawk(root: Root<'_>) -> Result<bool> {
    Ok(root.resolve(AWK)?.is_some_and(|awk| awk.path.ends_with(b"mawk")))
}

fn is_s(c: char) -> bool {
    c == 's'
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
    fn loading_ends_at_a_line_that_can_be_no_rule() {
        let mut tree =
            MemoryTree::of(&[("/etc/audit/rules.d/a.rules", "-w /a -p wa\n-w /b -p wa\r\n-w /c -p wa\n")]);
        let audit = read(tree.root()).unwrap();
        assert_eq!(audit.rules.len(), 1);
        assert_eq!(audit.refused.unwrap().at, Location::line("/etc/audit/rules.d/a.rules", 2));
        tree.write("/etc/audit/rules.d/0.rules", "-c\n");
        let audit = read(tree.root()).unwrap();
        assert_eq!((audit.rules.len(), audit.refused.is_some()), (2, true));
    }

    #[test]
    fn a_rule_that_ends_all_recording_is_seen() {
        let tree =
            MemoryTree::of(&[("/etc/audit/rules.d/a.rules", "-a never,task\n-a never,exit -S open\n")]);
        assert_eq!(read(tree.root()).unwrap().silencers().count(), 1);
    }
}
