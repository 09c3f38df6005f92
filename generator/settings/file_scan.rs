//! `file-scan`: no file anywhere gives rights away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use super::permissions::Mode;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// What is looked for, over the whole tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileScan {
    /// What no file may be.
    pub none: Trouble,
}

/// What a file's metadata can give away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A program that runs with its owner's rights and that the release's facts don't name.
    UnlistedSetId,
    /// A file that anybody may write, or such a directory without the sticky bit.
    WorldWritable,
    /// A file whose owner or group is no account.
    Unowned,
}

/// Entries listed by name; the rest are counted.
const MAX_LISTED: usize = 20;

impl Kind for FileScan {
    const SUMMARY: &'static str = "no file anywhere gives rights away by its mode or its owner";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        match self.none {
            Trouble::UnlistedSetId => "set-id programs of the release's list only".into(),
            Trouble::WorldWritable => "nothing that anybody may write".into(),
            Trouble::Unowned => "an account behind every owner and group".into(),
        }
    }

    fn subject(&self) -> String {
        self.wanted()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let found = match self.look_for(look) {
            Ok(found) => found,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        if found.is_empty() {
            return vec![Observation::pass(plane, "none", self.wanted())];
        }
        let listed = found.iter().take(MAX_LISTED).map(|(path, what)| {
            Observation::fail(plane, what, self.wanted(), self.reason()).at(Location::file(path))
        });
        let mut seen: Vec<Observation> = listed.collect();
        if found.len() > MAX_LISTED {
            let rest = format!("{} more", found.len() - MAX_LISTED);
            seen.push(Observation::fail(plane, rest, self.wanted(), "too many to list"));
        }
        seen
    }
}

impl FileScan {
    fn reason(&self) -> &'static str {
        match self.none {
            Trouble::UnlistedSetId => {
                "it runs with its owner's rights, and the release's facts don't name it"
            }
            Trouble::WorldWritable => "anybody may change it",
            Trouble::Unowned => "the next account that gets this number owns it",
        }
    }

    fn look_for(&self, look: &Look<'_>) -> Result<Vec<(String, String)>, String> {
        let suspects = look.suspects()?;
        if let Some(skipped) = suspects.skipped.first()
            && look.exec().is_err()
        {
            return Err(format!("not every directory could be entered: {skipped}"));
        }
        let mode = |(path, mode): &(String, u32)| (path.clone(), format!("mode {}", Mode(*mode)));
        Ok(match self.none {
            Trouble::UnlistedSetId => {
                let known = &look.plan.distro.set_id_programs;
                suspects.set_id.iter().filter(|(path, _)| !known.contains(path)).map(mode).collect()
            }
            Trouble::WorldWritable => suspects.world_writable.iter().map(mode).collect(),
            Trouble::Unowned => {
                let accounts = look.accounts()?;
                let uids: std::collections::BTreeSet<u32> = accounts.users().map(|u| u.value.uid).collect();
                let gids: std::collections::BTreeSet<u32> =
                    accounts.groups.iter().flatten().map(|g| g.value.gid).collect();
                let alien =
                    suspects.owners.iter().filter(|(_, uid, gid)| !uids.contains(uid) || !gids.contains(gid));
                alien.map(|(path, uid, gid)| (path.clone(), format!("owner {uid}, group {gid}"))).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn what_gives_rights_away_is_found_and_what_is_listed_is_not() {
        let scan = |none| Setting::FileScan(FileScan { none });
        let machine = Machine::of(&[
            scan(Trouble::UnlistedSetId),
            scan(Trouble::WorldWritable),
            scan(Trouble::Unowned),
        ]);
        machine.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        machine.put("/etc/group", "root:x:0:\n");
        machine.put("/usr/bin/passwd", "");
        machine.chmod("/usr/bin/passwd", 0o4755);
        machine.put("/tmp/x", "");
        machine.chmod("/tmp", 0o1777);
        assert_eq!(machine.configured(), [Pass, Pass, Pass]);
        machine.chmod("/tmp", 0o777);
        machine.put("/usr/bin/surprise", "");
        machine.chmod("/usr/bin/surprise", 0o2755);
        assert_eq!(machine.configured(), [Fail, Fail, Pass]);
    }
}
