//! Presets: whether `systemctl preset`, and the first boot of a machine, would enable a unit.
//!
//! Follows systemd's `install.c`. A first boot is one without an `/etc/machine-id`, or with one that
//! says `uninitialized` (machine-id(5)); it enables what presets enable, and disables nothing.

use std::collections::BTreeMap;
use std::fmt;

use super::name;
use crate::effective::files::{names, wildcard};
use crate::effective::lines::systemd_lines;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Folders of presets, the strongest first (systemd.preset(5)).
const FOLDERS: [&str; 5] = [
    "/etc/systemd/system-preset",
    "/run/systemd/system-preset",
    "/usr/local/lib/systemd/system-preset",
    "/usr/lib/systemd/system-preset",
    "/lib/systemd/system-preset",
];

/// What presets say of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// It is to be enabled.
    Enable,
    /// It is to be disabled.
    Disable,
    /// It stays as it is. Only releases from 256 know this.
    Ignore,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enable => "enabled",
            Self::Disable => "disabled",
            Self::Ignore => "ignored",
        })
    }
}

/// All rules, in order: the first that fits a unit decides.
#[derive(Clone, Debug, Default)]
pub struct Presets {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    /// Instances of a template that are enabled in its place.
    instances: Vec<String>,
    preset: Sourced<Preset>,
}

impl Presets {
    /// Reads all preset files. `version` is systemd's major version on the target.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn read(root: Root<'_>, version: u32) -> Result<Self> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for folder in FOLDERS {
            for name in names(root, folder, ".preset")? {
                let path = format!("{folder}/{name}");
                files.entry(name).or_insert(path);
            }
        }
        let mut rules = Vec::new();
        for path in files.into_values() {
            let text = root.read_text(&path)?.unwrap_or_default();
            for (line, text) in systemd_lines(&text) {
                rules.extend(rule(text, Location::line(&path, line), version));
            }
        }
        Ok(Self { rules })
    }

    /// What presets say of a unit, with the line that decides; `None` where no line does, which enables it.
    pub fn of(&self, unit: &str) -> Option<&Sourced<Preset>> {
        self.rules.iter().find(|rule| rule.fits(unit)).map(|rule| &rule.preset)
    }
}

impl Rule {
    fn fits(&self, unit: &str) -> bool {
        if !self.instances.is_empty() {
            let template = name::template(unit).unwrap_or_else(|| unit.to_owned());
            let (_, instance, _) = name::parts(unit);
            let named =
                instance.is_some_and(|i| i.is_empty() || self.instances.iter().any(|known| known == i));
            if template == self.pattern && named {
                return true;
            }
        }
        // FNM_NOESCAPE: a backslash is one.
        wildcard(self.pattern.replace('\\', "\\\\").as_bytes(), unit.as_bytes())
    }
}

/// `enable PATTERN [INSTANCE…]` or `disable PATTERN`; anything else is no rule.
fn rule(line: &str, at: Location, version: u32) -> Option<Rule> {
    let line = line.trim_matches(BLANK);
    let (word, rest) = line.split_once(BLANK)?;
    let rest = rest.trim_start_matches(BLANK);
    let (pattern, instances, preset) = match word {
        "enable" => {
            let (pattern, instances) = rest.split_once(BLANK).unwrap_or((rest, ""));
            let instances: Vec<String> =
                instances.split(BLANK).filter(|i| !i.is_empty()).map(str::to_owned).collect();
            if !instances.is_empty() && name::kind(pattern) != Some(name::Kind::Template) {
                return None;
            }
            (pattern, instances, Preset::Enable)
        }
        "disable" => (rest, Vec::new(), Preset::Disable),
        "ignore" if version >= 256 => (rest, Vec::new(), Preset::Ignore),
        _ => return None,
    };
    Some(Rule { pattern: pattern.to_owned(), instances, preset: Sourced::new(preset, at) })
}

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, agree, program};

    const UNITS: [&str; 9] = [
        "a.service",
        "b.service",
        "ab.socket",
        "t@.service",
        "t@x.service",
        "t@y.service",
        "a\\x2db.service",
        "c.timer",
        "u@.service",
    ];

    /// The presets that `systemctl list-unit-files` shows. It knows nothing of instances: of these, what
    /// `systemctl preset` makes.
    fn real(tree: &MemoryTree) -> Vec<String> {
        let disk = tree.on_disk();
        let root = format!("--root={}", disk.path().display());
        let ask = |arguments: &[&str]| {
            let out = Command::new("systemctl").arg(&root).args(arguments).output().unwrap();
            String::from_utf8_lossy(&out.stdout).into_owned()
        };
        let text = ask(&["list-unit-files", "--no-legend", "--full"]);
        let mut presets = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(unit), Some(mut preset)) = (words.next(), words.nth(1)) else { continue };
            let made;
            if name::kind(unit) == Some(name::Kind::Instance) {
                ask(&["preset", unit]);
                made = ask(&["is-enabled", unit]);
                preset = made.trim();
            }
            presets.push(format!("{unit} {preset}"));
        }
        presets.sort();
        presets
    }

    #[test]
    fn agrees_with_systemctl() {
        if program("systemctl").is_none() {
            return;
        }
        let judge = |tree: &MemoryTree| {
            let mut units = MemoryTree::new();
            for unit in UNITS {
                units.write(format!("/usr/lib/systemd/system/{unit}"), "[Install]\nWantedBy=x.target\n");
            }
            units.overlay(tree);
            let theirs = real(&units);
            if theirs.is_empty() {
                // 252 crashes on a rule without a pattern.
                return Verdict::Unanswered;
            }
            let Ok(presets) = Presets::read(tree.root(), 252) else {
                // A file that can't be read, such as a link to itself: systemd knows no preset then.
                return match theirs.iter().any(|preset| preset.ends_with(" enabled")) {
                    false => Verdict::Refuse,
                    true => Verdict::differ("unreadable", theirs.join("\n")),
                };
            };
            let preset = |unit: &str| presets.of(unit).map_or(Preset::Enable, |preset| preset.value);
            let mut ours: Vec<String> = UNITS.iter().map(|unit| format!("{unit} {}", preset(unit))).collect();
            ours.sort();
            Verdict::same(&ours, &theirs)
        };
        Differential::cases(100).run(generate, judge);
        let shipped = std::path::Path::new("/usr/lib/systemd/system-preset");
        agree(MemoryTree::load(shipped, "/usr/lib/systemd/system-preset"), judge);
    }

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for _ in 0..dice.range(1..=4) {
            let folder = dice.pick(&FOLDERS[..4]);
            let name = dice.pick(&[
                "10-a.preset",
                "90-b.preset",
                "50-c.preset",
                "x.conf",
                ".h.preset",
                "99-é.preset",
            ]);
            let path = format!("{folder}/{name}");
            if dice.once_in(8) {
                tree.link(&path, dice.pick(&["/dev/null", "/nowhere", "90-b.preset"]));
                continue;
            }
            let mut text = String::new();
            for _ in 0..dice.below(6) {
                let word = dice.pick(&[
                    "enable", "disable", "enable", "disable", "Enable", "ignore", "enabled", "#enable",
                    ";enable", "",
                ]);
                let pattern = dice.pick(&[
                    "*",
                    "a.service",
                    "a*",
                    "?.service",
                    "[ab].service",
                    "[!a].service",
                    "*.socket",
                    "t@.service x",
                    "t@.service x y",
                    "t@.service",
                    "t@*.service",
                    "t@x.service",
                    "a.service b",
                    "a\\x2db.service",
                    "a*.service",
                    "u@.service\tx  y",
                    "\"a.service\"",
                    "a.service # c",
                    "b.service b.service",
                    "",
                    "\"t@.service\" x",
                    "[a-b]*",
                    "t@.service \"x\"",
                    "*.timer",
                ]);
                let blank = dice.pick(&[" ", " ", "\t", "  "]);
                let end = dice.pick(&["\n", "\n", "\n", "\r\n", " \n", "\n\n", " \\\n", "\0\n"]);
                let indent = dice.pick(&["", "", " ", "\t", "\u{feff}"]);
                text += &format!("{indent}{word}{blank}{pattern}{end}");
            }
            if !tree.is_link(&path) {
                tree.write(&path, text);
            }
        }
        tree
    }
}
