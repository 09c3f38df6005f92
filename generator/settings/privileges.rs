//! `privileges`: only named accounts may become root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::effective::sudoers::Grant;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// Who may become root besides root, the admin group and the cloud's default user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Privileges {
    /// Names, and groups with `%` in front.
    pub allowed: Vec<String>,
}

/// Groups whose members own the machine without sudo: disks, the kernel's memory, containers,
/// the password file. (Debian's base-passwd documents them.)
const POWERFUL_GROUPS: [&str; 7] = ["root", "disk", "kmem", "shadow", "docker", "lxd", "wheel"];

impl Kind for Privileges {
    const SUMMARY: &'static str = "only named accounts may become root";
    const ORDER: Option<&'static str> = Some("one account more that may become root is looser");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        match self.allowed[..] {
            [] => "root's rights for root, the admin group and the cloud's default user only".into(),
            _ => format!(
                "root's rights for root, the admin group, the cloud's default user and {} only",
                self.allowed.join(", ")
            ),
        }
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::allowed("accounts", &self.allowed)]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let mut seen = self.sudo(look, plane);
        seen.extend(self.groups(look, plane));
        if seen.is_empty() {
            seen.push(Observation::pass(plane, "nobody else", self.wanted()));
        }
        seen
    }
}

impl Privileges {
    fn is_named(&self, look: &Look<'_>, who: &str) -> bool {
        let distro = &look.plan.distro;
        let admins = format!("%{}", distro.admin_group);
        who == "root" || who == distro.default_user || who == admins || self.allowed.iter().any(|a| a == who)
    }

    fn sudo(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let sudoers = match look.sudoers() {
            Ok(Some(sudoers)) => sudoers,
            // Without sudo nobody becomes root through it.
            Ok(None) => return Vec::new(),
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let mut seen = Vec::new();
        for problem in &sudoers.problems {
            let reason = "sudo refuses its configuration because of this line";
            let found = problem.value.clone();
            seen.push(
                Observation::fail(plane, found, "a sudoers file that sudo reads", reason)
                    .at(problem.at.clone()),
            );
        }
        for grant in sudoers.grants() {
            let alien: Vec<&str> =
                grant.who.iter().filter(|w| !self.is_named(look, w)).map(String::as_str).collect();
            if !alien.is_empty() {
                let reason = format!("the profile's allowed_admins does not name {}", alien.join(", "));
                seen.push(
                    Observation::fail(plane, describe(&grant), self.wanted(), reason).at(grant.at.clone()),
                );
            }
        }
        seen
    }

    /// Members of groups that are as good as root: the admin group and the powerful ones.
    fn groups(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let accounts = match look.accounts() {
            Ok(accounts) => accounts,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let admin_group = &look.plan.distro.admin_group;
        let mut seen = Vec::new();
        for group in accounts.groups.iter().flatten() {
            let name = &group.value.name;
            if name != admin_group && !POWERFUL_GROUPS.contains(&name.as_str()) {
                continue;
            }
            for member in group.value.members.iter().filter(|m| !self.is_named(look, m)) {
                let found = format!("{member} is in group {name}");
                let reason =
                    format!("group {name} is as good as root, and allowed_admins does not name {member}");
                seen.push(Observation::fail(plane, found, self.wanted(), reason).at(group.at.clone()));
            }
        }
        seen
    }
}

fn describe(grant: &Grant) -> String {
    let password = if grant.nopasswd { " without a password" } else { "" };
    let who = grant.who.join(", ");
    let runas = grant.runas.as_ref().map_or_else(|| "root".to_owned(), |r| r.users.join(", "));
    format!("{who} may run {} as {runas}{password}", grant.commands.join(", "))
}
