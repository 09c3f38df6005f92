//! `group`: a group and who is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// A group without members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub empty: String,
}

impl Kind for Group {
    const SUMMARY: &'static str = "a group that exists and has no members";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("group {} without members", self.empty)
    }

    fn subject(&self) -> String {
        self.empty.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let name = &wanted.setting.empty;
            let purpose = format!("make group {name}");
            bundle.run(
                Phase::Configure,
                &["groupadd", "--force", "--system", name],
                &purpose,
                &[wanted.check],
            );
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let accounts = match look.accounts() {
            Ok(accounts) => accounts,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let group = accounts.groups.iter().flatten().find(|g| g.value.name == self.empty);
        let Some(group) = group else {
            let at = Location::file("/etc/group");
            return vec![
                Observation::fail(plane, "no such group", self.wanted(), "the group is missing").at(at),
            ];
        };
        let primary = accounts.users().filter(|u| u.value.gid == group.value.gid).map(|u| &u.value.name);
        let members: Vec<&str> = group.value.members.iter().chain(primary).map(String::as_str).collect();
        let found = if members.is_empty() { "empty".to_owned() } else { members.join(", ") };
        let reason = format!("{found} may do what is meant for nobody");
        vec![Observation::judge(plane, members.is_empty(), found, self.wanted(), reason).at(group.at.clone())]
    }
}
