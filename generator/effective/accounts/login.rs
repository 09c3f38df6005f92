//! Who could log in, and with what: each account's shell, password and keys.

use super::keys::{self, AuthorizedKey};
use super::{Accounts, Aging, Password, Shadow, User};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};

/// What an account's shell lets a login do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shell {
    /// A shell that `/etc/shells` lists.
    Login(String),
    /// A program that refuses or ends at once: `nologin`, `false`.
    Refuses(String),
    /// Some other program that exists: it runs.
    Program(String),
    /// No such program: a login fails.
    Absent(String),
}

/// One account as a way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub user: Sourced<User>,
    /// Its groups, the primary first.
    pub groups: Vec<String>,
    /// Its shell.
    pub shell: Shell,
    /// Its password, and the line that holds it.
    pub password: Sourced<Password>,
    /// Its authorized keys.
    pub keys: Vec<AuthorizedKey>,
    /// What shadow says of its age: the line; `None` where there is none.
    pub shadow: Option<Sourced<Shadow>>,
}

impl Login {
    /// Whether a shell or program would start at all.
    pub fn shell_runs(&self) -> bool {
        matches!(self.shell, Shell::Login(_) | Shell::Program(_))
    }

    /// What pam_unix says of the account on a day counted from 1970-01-01.
    pub fn aging(&self, today: i64) -> Aging {
        self.shadow.as_ref().map_or(Aging::Fine, |line| line.value.aging(today))
    }

    /// A shell that runs, and a password or a key to get to it.
    pub fn possible(&self) -> bool {
        self.shell_runs() && (self.password.value.lets_in() || !self.keys.is_empty())
    }
}

/// Every account as a way in. `key_files` are sshd's `AuthorizedKeysFile` patterns (`%h`, `%u`,
/// `%U`, `%%`; relative ones start at the home).
///
/// # Errors
/// A target that can't be read.
pub fn who_can_login(root: &Root<'_>, accounts: &Accounts, key_files: &[&str]) -> Result<Vec<Login>> {
    let shells = valid_shells(root)?;
    let login = |user: &Sourced<User>| {
        Ok(Login {
            groups: accounts.groups_of(&user.value),
            shell: shell(root, &shells, &user.value.shell)?,
            password: password(accounts, user),
            keys: keys_of(root, &user.value, key_files)?,
            shadow: accounts.shadow_of(&user.value.name).filter(|_| user.value.is_shadowed()).cloned(),
            user: user.clone(),
        })
    };
    accounts.users().map(login).collect()
}

/// The shells of `/etc/shells`, as getusershell(3) gives them: the first path of each line. Where
/// there is no file, the C library's own list.
///
/// # Errors
/// A target that can't be read.
pub fn valid_shells(root: &Root<'_>) -> Result<Vec<String>> {
    let Some(text) = root.read_text("/etc/shells")? else {
        return Ok(["/bin/sh", "/bin/csh"].map(str::to_owned).to_vec());
    };
    let paths = text.split('\n').filter_map(|line| {
        let path = &line[line.find(['#', '/', '\0'])?..];
        let end = path.find(|c: char| c.is_ascii_whitespace() || matches!(c, '\x0b' | '#' | '\0'));
        path.starts_with('/').then(|| path[..end.unwrap_or(path.len())].to_owned())
    });
    Ok(paths.collect())
}

fn shell(root: &Root<'_>, shells: &[String], written: &str) -> Result<Shell> {
    // login(1) and sshd run /bin/sh for an empty field.
    let path = if written.is_empty() { "/bin/sh" } else { written };
    let name = path.rsplit('/').next().unwrap_or_default();
    let runs = root.resolve(path)?.is_some_and(|l| l.meta.kind == FileKind::File && l.meta.mode & 0o111 != 0);
    Ok(match name {
        "nologin" | "false" => Shell::Refuses(path.to_owned()),
        _ if !runs => Shell::Absent(path.to_owned()),
        _ if shells.iter().any(|shell| shell == path) || written.is_empty() => Shell::Login(path.to_owned()),
        _ => Shell::Program(path.to_owned()),
    })
}

fn password(accounts: &Accounts, user: &Sourced<User>) -> Sourced<Password> {
    if !user.value.is_shadowed() {
        return Sourced::new(Password::of(&user.value.password), user.at.clone());
    }
    match accounts.shadow_of(&user.value.name) {
        Some(shadow) => Sourced::new(Password::of(&shadow.value.password), shadow.at.clone()),
        None => Sourced::new(Password::Missing, Location::file("/etc/shadow")),
    }
}

fn keys_of(root: &Root<'_>, user: &User, key_files: &[&str]) -> Result<Vec<AuthorizedKey>> {
    let mut found = Vec::new();
    for pattern in key_files.iter().filter(|p| !p.eq_ignore_ascii_case("none")) {
        let path = expanded(pattern, user);
        let path = if path.starts_with('/') { path } else { format!("{}/{path}", user.home) };
        found.extend(keys::read_keys(root, &path)?.into_iter().flatten());
    }
    Ok(found)
}

fn expanded(pattern: &str, user: &User) -> String {
    let mut path = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c == '%').then(|| chars.next()).flatten() {
            Some('h') => path.push_str(&user.home),
            Some('u') => path.push_str(&user.name),
            Some('U') => path.push_str(&user.uid.to_string()),
            Some('%') => path.push('%'),
            Some(other) => path.extend(['%', other]),
            None => path.push(c),
        }
    }
    path
}
