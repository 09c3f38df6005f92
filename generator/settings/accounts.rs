//! `accounts`: nobody can log in whom the profile does not name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::effective::accounts::{Login, Password};
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// The accounts that may exist with a login shell, besides root and the cloud's default user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Their names.
    pub allowed: Vec<String>,
}

/// Accounts that every system has and whose "shell" is a single program (Debian's base-passwd).
const SYNC: &str = "sync";

impl Kind for Accounts {
    const SUMMARY: &'static str = "nobody can log in whom the profile does not name";
    const ORDER: Option<&'static str> = Some("one account more that may log in is looser");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        match self.allowed[..] {
            [] => "logins for root and the cloud's default user only".into(),
            _ => format!("logins for root, the cloud's default user and {} only", self.allowed.join(", ")),
        }
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::allowed("accounts", &self.allowed)]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let (accounts, logins) = match (look.accounts(), look.logins()) {
            (Ok(accounts), Ok(logins)) => (accounts, logins),
            (Err(why), _) | (_, Err(why)) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let mut seen = Vec::new();
        for line in accounts.malformed.iter().chain(&accounts.duplicates) {
            let reason = "programs disagree on what such a line means";
            let found = line.value.clone();
            seen.push(Observation::fail(plane, found, "well-formed accounts", reason).at(line.at.clone()));
        }
        let commented = accounts.nameless_groups.iter().filter(|group| group.value.name.starts_with('#'));
        for group in commented.filter(|group| !group.value.members.is_empty()) {
            let reason = "at a login the C library skips no comment: the members get this group's number";
            let found = format!("{} with {}", group.value.name, group.value.members.join(", "));
            seen.push(Observation::fail(plane, found, "well-formed groups", reason).at(group.at.clone()));
        }
        for login in logins {
            seen.extend(self.objection(look, login).map(|reason| {
                let found = describe(login);
                Observation::fail(plane, found, self.wanted(), reason).at(login.user.at.clone())
            }));
        }
        if seen.is_empty() {
            let names: Vec<&str> =
                logins.iter().filter(|l| l.shell_runs()).map(|l| l.user.value.name.as_str()).collect();
            let found = format!("accounts with a shell: {}", names.join(", "));
            seen.push(Observation::pass(plane, found, self.wanted()));
        }
        seen
    }
}

impl Accounts {
    fn objection(&self, look: &Look<'_>, login: &Login) -> Option<String> {
        let user = &login.user.value;
        if user.uid == 0 && user.name != "root" {
            return Some("a second account with root's user id".into());
        }
        if login.password.value == Password::Empty {
            return Some("the password is empty: anybody can log in".into());
        }
        let named = user.name == "root"
            || user.name == look.plan.distro.default_user
            || user.name == SYNC
            || self.allowed.contains(&user.name);
        if named || !login.shell_runs() {
            return None;
        }
        Some(format!(
            "`{}` has a shell that runs, and the profile's allowed_accounts does not name it",
            user.name
        ))
    }
}

fn describe(login: &Login) -> String {
    let user = &login.user.value;
    let keys = login.keys.len();
    format!("{} (uid {}, shell {}, {keys} keys)", user.name, user.uid, user.shell)
}
