//! `file`: a file that the profile writes whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, permissions};
use super::overruled::overruled;
use super::permissions::{Mode, root, wrong_owners};
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::target::FileKind;
use crate::verify::Look;

/// A file, its content, its permission bits and its owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// The whole content.
    pub content: String,
    /// Permission bits.
    #[serde(default = "readable")]
    pub mode: Mode,
    /// Owner.
    #[serde(default = "root")]
    pub owner: String,
    /// Group.
    #[serde(default = "root")]
    pub group: String,
}

fn readable() -> Mode {
    Mode(0o644)
}

impl Kind for File {
    const SUMMARY: &'static str =
        "a file with exactly this content, mode and owner, which no other file overrules";
    const ORDER: Option<&'static str> =
        Some("fewer permissions are tighter; another content or owner is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{} as the profile has it, {} {}:{}", self.path, self.mode, self.owner, self.group)
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let sha256 = crate::hash::bytes(self.content.as_bytes());
        let sticky = self.mode.is_sticky();
        vec![
            Aspect::plain("content", format!("sha256 {}", &sha256[..12])),
            Aspect::allowed("permissions", permissions(self.mode.0)),
            Aspect::at_least("sticky bit", if sticky { "set" } else { "not set" }, sticky),
            Aspect::plain("owner", &self.owner),
            Aspect::plain("group", &self.group),
        ]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let File { path, content, mode, owner, group } = wanted.setting.clone();
            let file = BundleFile { owner, group, ..BundleFile::config(path, content).mode(mode.0) };
            bundle.write(file, &[wanted.check])?;
        }
        Ok(())
    }

    fn writes(&self, _: &Distro) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let own = || Location::file(&self.path);
        let overruled = || overruled(look, &self.path, &self.content);
        vec![match self.differences(look).map(|found| found.join("; ")) {
            Ok(found) if !found.is_empty() => {
                Observation::fail(plane, "different", self.wanted(), found).at(own())
            }
            Ok(_) => match overruled() {
                Ok(None) => Observation::pass(plane, "as wanted", self.wanted()).at(own()),
                Ok(Some(why)) => {
                    let seen = Observation::fail(plane, "without effect", self.wanted(), why.value);
                    seen.at(why.at).over(vec![own()])
                }
                Err(why) => Observation::error(plane, self.wanted(), why),
            },
            Err(why) => Observation::error(plane, self.wanted(), why),
        }]
    }
}

impl File {
    /// How the file differs from what is wanted, in words.
    fn differences(&self, look: &Look<'_>) -> Result<Vec<String>, String> {
        let Some(entry) = look.root.entry(&self.path).map_err(|e| e.to_string())? else {
            return Ok(vec!["there is no such file".into()]);
        };
        if entry.meta.kind != FileKind::File {
            return Ok(vec!["it is no regular file".into()]);
        }
        let mut differences = wrong_owners(look, &entry.meta, &self.owner, &self.group)?;
        if entry.meta.mode != self.mode.0 {
            differences.push(format!("its mode is {}", Mode(entry.meta.mode)));
        }
        let content = look.root.read(&self.path).map_err(|e| e.to_string())?.unwrap_or_default();
        if content != self.content.as_bytes() {
            let same = content.split(|b| *b == b'\n').zip(self.content.split('\n'));
            let line = same.take_while(|(found, wanted)| *found == wanted.as_bytes()).count() + 1;
            differences.push(format!("its line {line} differs"));
        }
        Ok(differences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn content_mode_and_kind_count() {
        let file = File {
            path: "/etc/issue".into(),
            content: "private\n".into(),
            mode: Mode(0o640),
            owner: root(),
            group: root(),
        };
        let machine = Machine::of(&[Setting::File(file)]);
        assert_eq!(machine.configured(), [Pass]);
        machine.chmod("/etc/issue", 0o644);
        assert_eq!(machine.configured(), [Fail]);
        machine.chmod("/etc/issue", 0o640);
        assert_eq!(machine.configured(), [Pass]);
        machine.put("/etc/issue", "private\nDebian\n");
        assert_eq!(machine.configured(), [Fail]);
        machine.remove("/etc/issue");
        assert_eq!(machine.configured(), [Fail]);
    }

    #[test]
    fn another_file_of_the_program_can_overrule_it() {
        let file = |path: &str, content: &str| {
            let (path, content) = (path.to_owned(), content.to_owned());
            Setting::File(File { path, content, mode: readable(), owner: root(), group: root() })
        };
        let machine = Machine::of(&[
            file("/etc/security/limits.d/10-x.conf", "* hard core 0\n* soft core 0\n"),
            file("/etc/systemd/coredump.conf.d/x.conf", "[Coredump]\nStorage=none\n"),
            file("/etc/profile.d/x.sh", "ulimit -c 0\n"),
        ]);
        machine.put("/etc/security/limits.conf", "* hard core unlimited\n");
        machine.put("/etc/systemd/coredump.conf", "[Coredump]\nStorage=external\n");
        machine.put("/etc/profile", "ulimit -c 1\nfor i in /etc/profile.d/*.sh; do . $i; done\n");
        assert_eq!(machine.configured(), [Pass; 3]);
        machine.put("/etc/security/limits.d/z.conf", "* soft core unlimited\n");
        assert_eq!(machine.configured()[0], Pass, "the hard limit bounds it");
        for line in ["* hard core 1", "alice - core 1", "@adm hard core unlimited", "1000: -", "bob -"] {
            machine.put("/etc/security/limits.d/z.conf", line);
            assert_eq!(machine.configured(), [Fail, Pass, Pass], "{line}");
        }
        machine.remove("/etc/security/limits.d/z.conf");
        machine.put("/usr/lib/systemd/coredump.conf.d/z.conf", "[Coredump]\nStorage=journal\n");
        assert_eq!(machine.configured(), [Pass, Fail, Pass]);
        machine.remove("/usr/lib/systemd/coredump.conf.d/z.conf");
        machine.put("/etc/profile.d/z.sh", "ulimit -c unlimited\n");
        assert_eq!(machine.configured(), [Pass, Pass, Fail]);
        machine.remove("/etc/profile.d/z.sh");
        machine.put("/etc/profile", "");
        assert_eq!(machine.configured(), [Pass, Pass, Fail], "nothing reads it");
    }
}
