//! `file-mode`: the most that may be done with files that somebody else writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, permissions};
use super::permissions::{Mode, root, wrong_owners};
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::effective::files;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::target::FileKind;
use crate::verify::Look;

/// Files, and the permission bits that they may have at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMode {
    /// Absolute path; `*`, `?` and `[…]` match within one component.
    pub path: String,
    /// The bits that are allowed.
    pub at_most: Mode,
    /// Owner.
    #[serde(default = "root")]
    pub owner: String,
    /// Group.
    #[serde(default = "root")]
    pub group: String,
    /// Whether no such file is fine, too.
    #[serde(default)]
    pub optional: bool,
}

/// The sticky bit only ever takes rights away.
const COUNTED: u32 = 0o6777;

impl Kind for FileMode {
    const SUMMARY: &'static str = "the most that the permission bits of files may allow, and their owner";
    const ORDER: Option<&'static str> =
        Some("fewer permissions, and a file that has to be there, are tighter; another owner is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{} at most {} {}:{}", self.path, self.at_most, self.owner, self.group)
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let present = if self.optional { "optional" } else { "has to be there" };
        vec![
            Aspect::allowed("permissions", permissions(self.at_most.0 & COUNTED)),
            Aspect::plain("owner", &self.owner),
            Aspect::plain("group", &self.group),
            Aspect::at_most("file", present, self.optional),
        ]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let FileMode { path, at_most, owner, group, .. } = wanted.setting;
            // find(1) is content where nothing matches, and follows no link. Its `*` matches
            // slashes, too, so the depth is fixed.
            let mut parts = path.split('/').filter(|p| !p.is_empty());
            let top = format!("/{}", parts.next().unwrap_or_default());
            let depth = parts.count().to_string();
            let owners = format!("{owner}:{group}");
            let spec = forbid(*at_most);
            let mut argv =
                vec!["find", &top, "-xdev", "-mindepth", &depth, "-maxdepth", &depth, "-path", path];
            argv.extend([
                "!", "-type", "l", "-exec", "chown", &owners, "{}", "+", "-exec", "chmod", &spec, "{}", "+",
            ]);
            bundle.run(Phase::Configure, &argv, &format!("narrow {path}"), &[wanted.check]);
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let seen = self.matching(look).and_then(|paths| {
            paths.into_iter().map(|path| self.judge(look, plane, path)).collect::<Result<Vec<_>, _>>()
        });
        match seen {
            Ok(seen) if !seen.is_empty() => seen,
            Ok(_) if self.optional => {
                vec![Observation::not_applicable(plane, self.wanted(), "there is no such file")]
            }
            Ok(_) => {
                let at = Location::file(&self.path);
                vec![Observation::fail(plane, "no such file", self.wanted(), "it is missing").at(at)]
            }
            Err(why) => vec![Observation::error(plane, self.wanted(), why)],
        }
    }
}

impl FileMode {
    fn matching(&self, look: &Look<'_>) -> Result<Vec<String>, String> {
        let mut paths = files::glob(look.root, &self.path).map_err(|e| e.to_string())?;
        paths.retain(|path| {
            let entry = look.root.entry(path).ok().flatten();
            entry.is_some_and(|e| e.meta.kind != FileKind::Symlink)
        });
        Ok(paths)
    }

    fn judge(&self, look: &Look<'_>, plane: Plane, path: String) -> Result<Observation, String> {
        let entry = look.root.entry(&path).map_err(|e| e.to_string())?;
        let Some(entry) = entry else { return Err(format!("{path} went away")) };
        let mut wrong = wrong_owners(look, &entry.meta, &self.owner, &self.group)?;
        if entry.meta.mode & COUNTED & !self.at_most.0 != 0 {
            wrong.push(format!("it allows more than {}", self.at_most));
        }
        let found = format!("{path} {}", Mode(entry.meta.mode));
        Ok(Observation::judge(plane, wrong.is_empty(), found, self.wanted(), wrong.join("; "))
            .at(Location::file(path)))
    }
}

/// chmod's words that take away every bit that is not allowed.
fn forbid(at_most: Mode) -> String {
    let classes = [("u", 6, 0o4000), ("g", 3, 0o2000), ("o", 0, 0)];
    let words = classes.iter().filter_map(|(class, shift, set_id)| {
        let bits = [(0o4 << shift, 'r'), (0o2 << shift, 'w'), (0o1 << shift, 'x'), (*set_id, 's')];
        let denied: String =
            bits.iter().filter(|(bit, _)| *bit != 0 && at_most.0 & bit == 0).map(|(_, c)| c).collect();
        (!denied.is_empty()).then(|| format!("{class}-{denied}"))
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, NotApplicable, Pass};
    use crate::settings::{Setting, fixture::Machine};

    fn at_most(path: &str, mode: u32) -> FileMode {
        FileMode { path: path.into(), at_most: Mode(mode), owner: root(), group: root(), optional: false }
    }

    #[test]
    fn the_command_narrows_what_is_there_and_what_it_left_passes() {
        let machine = Machine::of(&[Setting::FileMode(at_most("/etc/cron.*", 0o700))]);
        machine.put("/etc/cron.d/x", "");
        machine.put("/etc/cron.daily/x", "");
        machine.chmod("/etc/cron.d", 0o2775);
        machine.chmod("/etc/cron.daily", 0o500);
        assert_eq!(machine.configured(), [Fail, Pass]);
        machine.configure();
        assert_eq!(machine.configured(), [Pass, Pass]);
        assert_eq!((machine.mode("/etc/cron.d"), machine.mode("/etc/cron.daily")), (0o700, 0o500));
        assert_eq!(machine.mode("/etc/cron.d/x"), 0o644, "deeper files are left alone");
    }

    #[test]
    fn absence_is_no_pass() {
        let mut mode = at_most("/etc/at.deny", 0o600);
        assert_eq!(Machine::of(&[Setting::FileMode(mode.clone())]).configured(), [Fail]);
        mode.optional = true;
        assert_eq!(Machine::of(&[Setting::FileMode(mode)]).configured(), [NotApplicable]);
    }

    #[test]
    fn words_for_chmod() {
        assert_eq!(forbid(Mode(0o640)), "u-xs,g-wxs,o-rwx");
        assert_eq!(forbid(Mode(0o6777)), "");
    }
}
