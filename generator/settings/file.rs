//! `file`: a file that the profile writes whole.

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    const SUMMARY: &'static str = "a file with exactly this content, mode and owner";

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{} as the profile has it, {} {}:{}", self.path, self.mode, self.owner, self.group)
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
        let (found, reason) = match self.differences(look) {
            Ok(differences) if differences.is_empty() => ("as wanted", String::new()),
            Ok(differences) => ("different", differences.join("; ")),
            Err(why) => return vec![Observation::error(plane, self.wanted(), why)],
        };
        let seen = Observation::judge(plane, reason.is_empty(), found, self.wanted(), reason);
        vec![seen.at(Location::file(&self.path))]
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
}
