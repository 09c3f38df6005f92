//! Conditions and asserts of a unit (`ConditionPathExists=`…): whether the manager starts it when
//! asked to, as far as files tell.
//!
//! Follows systemd's `condition.c` and `config_parse_unit_condition_*`: every condition has to
//! hold, and of those with a `|` one; an empty value of any of them takes all back.

use super::{Unit, Units, name};
use crate::effective::files::matches;
use crate::location::Sourced;
use crate::target::{FileKind, Link, Result, Root};

/// What is known beside the files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Folders whose content is made while the machine runs: what stands below is unknown. The
    /// kernel's own (`/proc`, `/run`…) are always taken for such.
    pub changing: &'a [&'a str],
    /// The kernel's command line, where it is known.
    pub kernel_arguments: Option<&'a [String]>,
}

/// Lines that keep a unit from starting, or might.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Do not hold: `Key=value`.
    pub failed: Vec<Sourced<String>>,
    /// Only the running machine can tell.
    pub unknown: Vec<Sourced<String>>,
}

/// Folders that no image fills.
const CHANGING: [&str; 8] = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/lock", "/var/run", "/var/tmp"];

/// Tests of paths.
const OF_PATHS: [&str; 10] = [
    "PathExists",
    "PathExistsGlob",
    "PathIsDirectory",
    "PathIsSymbolicLink",
    "PathIsMountPoint",
    "PathIsReadWrite",
    "PathIsEncrypted",
    "DirectoryNotEmpty",
    "FileNotEmpty",
    "FileIsExecutable",
];
/// All others up to systemd 257.
const OTHERS: [&str; 23] = [
    "ACPower",
    "Architecture",
    "Capability",
    "ControlGroupController",
    "CPUFeature",
    "CPUPressure",
    "CPUs",
    "Credential",
    "Environment",
    "Firmware",
    "FirstBoot",
    "Group",
    "Host",
    "IOPressure",
    "KernelCommandLine",
    "KernelVersion",
    "Memory",
    "MemoryPressure",
    "NeedsUpdate",
    "OSRelease",
    "Security",
    "User",
    "Virtualization",
];

/// One condition.
struct Condition<'u> {
    /// Without `Condition` or `Assert`.
    test: &'u str,
    line: Sourced<String>,
    /// Of all those with a `|`, one has to hold.
    trigger: bool,
    negated: bool,
    parameter: String,
}

impl Units<'_> {
    /// What becomes of a unit's conditions and asserts.
    ///
    /// # Errors
    /// A path that can't be looked at.
    pub fn conditions(&self, unit: &Unit, facts: &Facts<'_>) -> Result<Conditions> {
        let mut all = Conditions::default();
        for prefix in ["Condition", "Assert"] {
            let mut triggers = Vec::new();
            for condition in list(unit, prefix) {
                let holds = condition.holds(self.root, facts)?;
                if condition.trigger {
                    triggers.push((condition.line, holds));
                } else {
                    all.add(condition.line, holds);
                }
            }
            if triggers.iter().any(|(_, holds)| *holds == Some(true)) {
                continue;
            }
            let undecided = triggers.iter().any(|(_, holds)| holds.is_none());
            for (line, holds) in triggers {
                all.add(line, if undecided { holds.and(Some(true)) } else { holds });
            }
        }
        Ok(all)
    }
}

impl Conditions {
    fn add(&mut self, line: Sourced<String>, holds: Option<bool>) {
        match holds {
            Some(true) => {}
            Some(false) => self.failed.push(line),
            None => self.unknown.push(line),
        }
    }
}

/// The conditions with a prefix that count, in order.
fn list<'u>(unit: &'u Unit, prefix: &str) -> Vec<Condition<'u>> {
    let mut conditions = Vec::new();
    for setting in unit.settings.iter().filter(|s| s.section == "Unit") {
        let Some(test) = setting.key.strip_prefix(prefix) else { continue };
        let of_path = OF_PATHS.contains(&test);
        if !of_path && !OTHERS.contains(&test) {
            continue;
        }
        let text = setting.value.value.as_str();
        if text.is_empty() {
            conditions.clear();
            continue;
        }
        let skip = |rest: &'u str| if of_path { rest } else { rest.trim_start() };
        let (trigger, rest) = flag(text, '|');
        let (negated, rest) = flag(skip(rest), '!');
        // A path that is not absolute makes no condition; a blank after a mark is a part of the path.
        if of_path && !rest.starts_with(['/', '%']) {
            continue;
        }
        conditions.push(Condition {
            test,
            line: Sourced::new(format!("{}={text}", setting.key), setting.value.at.clone()),
            trigger,
            negated,
            parameter: name::expand(skip(rest), &unit.name),
        });
    }
    conditions
}

fn flag(text: &str, mark: char) -> (bool, &str) {
    text.strip_prefix(mark).map_or((false, text), |rest| (true, rest))
}

impl Condition<'_> {
    /// `None` where the files don't tell.
    fn holds(&self, root: Root<'_>, facts: &Facts<'_>) -> Result<Option<bool>> {
        let parameter = self.parameter.as_str();
        // A specifier that is not the name's: folders and users of the running manager.
        if parameter.contains('%') {
            return Ok(None);
        }
        let found = match self.test {
            "KernelCommandLine" => facts.kernel_arguments.map(|given| is_given(parameter, given)),
            // The manager runs as root, and nothing has a name yet (`condition_test_user`).
            "User" => Some(matches!(parameter, "root" | "0" | "@system")),
            "Group" => Some(matches!(parameter, "root" | "0")),
            test if OF_PATHS.contains(&test) => on_path(test, root, parameter, facts)?,
            _ => None,
        };
        Ok(found.map(|holds| holds != self.negated))
    }
}

fn on_path(test: &str, root: Root<'_>, path: &str, facts: &Facts<'_>) -> Result<Option<bool>> {
    let below =
        |folder: &&str| path.strip_prefix(*folder).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    if CHANGING.iter().chain(facts.changing).any(below) {
        return Ok(None);
    }
    let there = root.resolve(path)?;
    let is = |what: fn(&Link) -> bool| there.as_ref().is_some_and(what);
    Ok(Some(match test {
        "PathExists" => there.is_some(),
        "PathIsDirectory" => is(|l| l.meta.kind == FileKind::Directory),
        "PathIsSymbolicLink" => root.entry(path)?.is_some_and(|l| l.meta.kind == FileKind::Symlink),
        "FileNotEmpty" => is(|l| l.meta.kind == FileKind::File && l.meta.size > 0),
        "FileIsExecutable" => is(|l| l.meta.kind == FileKind::File && l.meta.mode & 0o111 != 0),
        "DirectoryNotEmpty" => root.read_dir(path)?.iter().any(|entry| !entry.name.starts_with(b".")),
        "PathExistsGlob" if in_last_part_only(path) => {
            let (folder, pattern) = path.rsplit_once('/').unwrap_or_default();
            root.read_dir(folder)?.iter().any(|entry| matches(pattern.as_bytes(), &entry.name))
        }
        // How a path is mounted shows at a boot; one that is not there is not mounted at all.
        "PathIsMountPoint" | "PathIsReadWrite" | "PathIsEncrypted" if there.is_none() => false,
        _ => return Ok(None),
    }))
}

/// Whether a pattern has wildcards in its last part alone, and none but `*` and `?`.
fn in_last_part_only(pattern: &str) -> bool {
    let folder = pattern.rsplit_once('/').map_or("", |(folder, _)| folder);
    !folder.contains(['*', '?']) && !pattern.contains(['[', '\\', '{'])
}

/// Whether an argument is on the command line: by its name, or with its value where one is asked for.
fn is_given(wanted: &str, arguments: &[String]) -> bool {
    let fits = |argument: &str| {
        argument == wanted || argument.split_once('=').is_some_and(|(name, _)| name == wanted)
    };
    arguments.iter().any(|argument| fits(argument))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};
    use crate::target::DirTree;

    fn judged(tree: &MemoryTree, facts: &Facts<'_>) -> (Vec<String>, Vec<String>) {
        let units = Units::read(tree.root(), 252).unwrap();
        let unit = units.unit("x.service").unwrap().unwrap();
        let found = units.conditions(&unit, facts).unwrap();
        let lines = |lines: Vec<Sourced<String>>| lines.into_iter().map(|l| l.value).collect();
        (lines(found.failed), lines(found.unknown))
    }

    fn tree(conditions: &str) -> MemoryTree {
        let unit = format!("[Unit]\n{conditions}\n[Service]\nExecStart=/bin/true\n");
        MemoryTree::of(&[("/usr/lib/systemd/system/x.service", &unit), ("/etc/x", "x"), ("/var/x", "x")])
    }

    #[test]
    fn a_drop_in_adds_to_the_conditions_or_takes_all_back() {
        let mut tree = tree("ConditionPathExists=/no\nAssertPathExists=!/etc/%N");
        let both = ["ConditionPathExists=/no".to_owned(), "AssertPathExists=!/etc/%N".to_owned()];
        assert_eq!(judged(&tree, &Facts::default()), (both.to_vec(), Vec::new()));
        tree.write("/etc/systemd/system/x.service.d/a.conf", "[Unit]\nConditionUser=\n");
        assert_eq!(judged(&tree, &Facts::default()), (both[1..].to_vec(), Vec::new()));
    }

    #[test]
    fn what_only_a_boot_can_tell_is_not_decided() {
        let lines = "ConditionPathExists=/run/x\nConditionVirtualization=vm\nConditionACPower=true";
        assert_eq!(judged(&tree(lines), &Facts::default()).1.len(), 3);
        let var = tree("ConditionPathExists=!/var/x");
        assert_eq!(judged(&var, &Facts::default()).0.len(), 1);
        assert_eq!(judged(&var, &Facts { changing: &["/var"], ..Facts::default() }).1.len(), 1);
        // One that may hold is enough.
        let any = tree("ConditionPathExists=|/no\nConditionVirtualization=|vm");
        assert_eq!(judged(&any, &Facts::default()), (Vec::new(), vec!["ConditionVirtualization=|vm".into()]));
    }

    #[test]
    fn the_command_line_counts_where_it_is_known() {
        let tree = tree("ConditionKernelCommandLine=!audit=0");
        assert_eq!(judged(&tree, &Facts::default()).1.len(), 1);
        for (line, fails) in [("quiet", false), ("quiet audit=0", true), ("audit=1", false)] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let facts = Facts { kernel_arguments: Some(&arguments), ..Facts::default() };
            assert_eq!(judged(&tree, &facts), (judged(&tree, &facts).0, Vec::new()));
            assert_eq!(!judged(&tree, &facts).0.is_empty(), fails, "{line}");
        }
    }

    /// Held against `systemd-analyze condition`, on files that every machine has.
    #[test]
    fn agrees_with_systemd() {
        let Some(systemd) = program("systemd-analyze") else { return };
        let disk = DirTree::open("/".as_ref()).unwrap();
        Differential::cases(120).run(conditions, |text| {
            let unit = tree(text);
            let unit = Units::read(unit.root(), 252).unwrap().unit("x.service").unwrap().unwrap();
            let units = Units::read(Root::new(&disk), 252).unwrap();
            let ours = units.conditions(&unit, &Facts::default()).unwrap();
            if text.is_empty() || !ours.unknown.is_empty() {
                return Verdict::Unanswered;
            }
            let said = Command::new(&systemd).arg("condition").args(text.lines()).output().unwrap();
            match ours.failed.is_empty() == said.status.success() {
                true => Verdict::Agree,
                false => Verdict::differ(format!("{:?}", ours.failed), String::from_utf8_lossy(&said.stderr)),
            }
        });
    }

    /// Conditions on this machine's files and users, one on a line.
    fn conditions(dice: &mut Dice) -> String {
        let paths = ["/etc", "/etc/passwd", "/no", "/bin/true", "/etc/pass*", "/etc/no*", "/usr/bin", "no"];
        let lines: Vec<String> = (0..dice.range(1..=4))
            .map(|_| {
                let kind = dice.pick(&["Condition", "Condition", "Assert"]);
                let mark = dice.pick(&["", "", "!", "|", "|!", "| ! "]);
                match dice.range(0..=8) {
                    0 => format!("{kind}User={mark}{}", dice.pick(&["root", "0", "nobody", "@system"])),
                    1 => format!("{kind}{}=", dice.pick(&["PathExists", "User"])),
                    _ => format!("{kind}{}={mark}{}", dice.pick(&OF_PATHS), dice.pick(&paths)),
                }
            })
            .collect();
        lines.join("\n")
    }
}
