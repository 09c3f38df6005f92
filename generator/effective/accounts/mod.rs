//! Accounts: passwd, shadow, group and gshadow, and who could log in with what.
//!
//! Owns the four files' formats as the C library and shadow-utils read them, and
//! authorized_keys. Must not know what a profile wants of an account, nor how sshd or PAM are
//! set up: where sshd looks for keys is a parameter.

mod aging;
mod key_options;
mod keys;
mod login;
mod password;
mod table;

pub use aging::Aging;
pub use key_options::KeyOptions;
pub use keys::{AuthorizedKey, read_keys};
pub use login::{Login, Shell, valid_shells, who_can_login};
pub use password::{Password, Scheme};

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// A line of passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Second field: `x` where the password is in shadow.
    pub password: String,
    /// Numeric user id.
    pub uid: u32,
    /// Numeric id of the primary group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell as written; empty means `/bin/sh`.
    pub shell: String,
}

impl User {
    /// Whether the password stands in shadow, as pam_unix takes it: `x` or `##` and the name.
    pub fn is_shadowed(&self) -> bool {
        self.password == "x" || self.password.strip_prefix("##") == Some(&self.name)
    }
}

/// A line of shadow. Days count from 1970-01-01; a field without a number is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Login name.
    pub name: String,
    /// The hash or a mark.
    pub password: String,
    /// Day of the last change; 0 forces a change at the next login.
    pub changed: Option<i64>,
    /// Days before a change is allowed.
    pub min_days: Option<i64>,
    /// Days after which a change is due.
    pub max_days: Option<i64>,
    /// Days of warning.
    pub warn_days: Option<i64>,
    /// Days after `max_days` until the account locks.
    pub inactive_days: Option<i64>,
    /// Day on which the account ends.
    pub expires: Option<i64>,
}

/// A line of group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Password; `x` where it is in gshadow.
    pub password: String,
    /// Numeric group id.
    pub gid: u32,
    /// Names of the members beside those whose primary group it is.
    pub members: Vec<String>,
}

/// A line of gshadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupShadow {
    /// Name.
    pub name: String,
    /// The hash or a mark.
    pub password: String,
    /// Names of its administrators.
    pub administrators: Vec<String>,
    /// Names of its members.
    pub members: Vec<String>,
}

/// The four files. `None` where a file does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `/etc/passwd`.
    pub users: Option<Vec<Sourced<User>>>,
    /// `/etc/shadow`.
    pub shadow: Option<Vec<Sourced<Shadow>>>,
    /// `/etc/group`.
    pub groups: Option<Vec<Sourced<Group>>>,
    /// `/etc/gshadow`.
    pub group_shadow: Option<Vec<Sourced<GroupShadow>>>,
    /// Lines of `/etc/group` that no name finds (without one, NIS's, and comments): their members
    /// get their numbers at a login nevertheless.
    pub nameless_groups: Vec<Sourced<Group>>,
    /// Lines that the C library skips because they are malformed.
    pub malformed: Vec<Sourced<String>>,
    /// A name or a uid (`uid 0`) that stands more than once, at each line but the first: the
    /// first line of a name decides.
    pub duplicates: Vec<Sourced<String>>,
}

/// Reads all four files.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: &Root<'_>) -> Result<Accounts> {
    let mut malformed = Vec::new();
    let mut accounts = Accounts {
        users: table::read(root, "/etc/passwd", table::user, &mut malformed)?,
        shadow: table::read(root, "/etc/shadow", table::shadow, &mut malformed)?,
        groups: table::read(root, "/etc/group", table::group, &mut malformed)?,
        group_shadow: table::read(root, "/etc/gshadow", table::group_shadow, &mut malformed)?,
        nameless_groups: table::nameless_groups(root, "/etc/group")?,
        malformed: Vec::new(),
        duplicates: Vec::new(),
    };
    accounts.duplicates = accounts.find_duplicates();
    accounts.malformed = malformed;
    Ok(accounts)
}

impl Accounts {
    /// All users; none where there is no passwd.
    pub fn users(&self) -> impl Iterator<Item = &Sourced<User>> {
        self.users.iter().flatten()
    }

    /// The shadow line of a name that decides: the first.
    pub fn shadow_of(&self, name: &str) -> Option<&Sourced<Shadow>> {
        self.shadow.iter().flatten().find(|s| s.value.name == name)
    }

    /// Names of the groups that a user is in: the primary one first.
    pub fn groups_of(&self, user: &User) -> Vec<String> {
        let groups = || self.groups.iter().flatten().map(|g| &g.value);
        let primary = groups().filter(|g| g.gid == user.gid).take(1);
        let others = groups().filter(|g| g.gid != user.gid && g.members.contains(&user.name));
        primary.chain(others).map(|g| g.name.clone()).collect()
    }

    /// Numbers of the groups that a user is in.
    pub fn gids_of(&self, user: &User) -> Vec<u32> {
        let groups = self.groups.iter().flatten().chain(&self.nameless_groups).map(|group| &group.value);
        let others = groups.filter(|group| group.members.contains(&user.name)).map(|group| group.gid);
        std::iter::once(user.gid).chain(others).collect()
    }

    fn find_duplicates(&self) -> Vec<Sourced<String>> {
        let users = || self.users().map(|u| (u.value.name.clone(), &u.at));
        let uids = || self.users().map(|u| (format!("uid {}", u.value.uid), &u.at));
        let shadow = self.shadow.iter().flatten().map(|s| (s.value.name.clone(), &s.at));
        let groups = || self.groups.iter().flatten();
        let group_names = groups().map(|g| (format!("group {}", g.value.name), &g.at));
        let gids = groups().map(|g| (format!("gid {}", g.value.gid), &g.at));
        let mut found = repeated(users());
        found.extend(repeated(uids()));
        found.extend(repeated(shadow));
        found.extend(repeated(group_names));
        found.extend(repeated(gids));
        found
    }
}

fn repeated<'a>(entries: impl Iterator<Item = (String, &'a Location)>) -> Vec<Sourced<String>> {
    let mut seen = std::collections::HashSet::new();
    entries
        .filter(|(name, _)| !seen.insert(name.clone()))
        .map(|(name, at)| Sourced::new(name, at.clone()))
        .collect()
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod keys_differential;
#[cfg(test)]
mod tests;
