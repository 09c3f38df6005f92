//! What sudo concludes from sudoers: who may run what as whom, and which defaults hold.
//!
//! Owns sudoers(5) with its includes and aliases. Must not know which grants anybody wants, nor
//! other sources (LDAP, SSSD). Held against `cvtsudoers -f json` in the tests.

mod cursor;
#[cfg(test)]
mod differential;
mod load;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};
use parse::{Member, Statement};

/// sudo's main file.
pub const MAIN: &str = "/etc/sudoers";

/// Members of one list after all aliases are expanded; a hostile nest of aliases ends here.
const MAX_EXPANDED: usize = 10_000;

/// One permission. Lists have their aliases expanded; a negated member begins with `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Users: `name`, `#uid`, `%group`, `%#gid`, `+netgroup`, `ALL`.
    pub who: Vec<String>,
    /// Hosts.
    pub hosts: Vec<String>,
    /// As whom; `None` where the line does not say (root, or `runas_default`).
    pub runas: Option<RunAs>,
    /// Commands with their arguments, `ALL` among them.
    pub commands: Vec<String>,
    /// No password is asked for these commands (`NOPASSWD:`).
    pub nopasswd: bool,
    /// The line.
    pub at: Location,
}

/// `(users : groups)` of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunAs {
    /// Users whose rights may be taken.
    pub users: Vec<String>,
    /// Groups whose rights may be taken.
    pub groups: Vec<String>,
}

/// What a `Defaults` entry is restricted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    Global,
    /// `Defaults:users`
    Users(Vec<String>),
    /// `Defaults@hosts`
    Hosts(Vec<String>),
    /// `Defaults>users`
    RunAs(Vec<String>),
    /// `Defaults!commands`
    Commands(Vec<String>),
}

/// What a `Defaults` entry does to its option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `name`
    On,
    /// `!name`
    Off,
    /// `name=value`
    Set(String),
    /// `name+=value`
    Add(String),
    /// `name-=value`
    Remove(String),
}

/// One option of a `Defaults` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Default {
    /// The option's name.
    pub name: String,
    /// What is done to it.
    pub change: Change,
    /// Where it holds.
    pub scope: Scope,
    /// The line.
    pub at: Location,
}

/// sudo's policy, read once.
#[derive(Debug)]
pub struct Sudoers {
    statements: Vec<Sourced<Statement>>,
    aliases: HashMap<(parse::List, String), Vec<Member>>,
    /// Lines that sudo can't read (it skips them with a complaint, or refuses to run) and files
    /// that it ignores for their owner or mode.
    pub problems: Vec<Sourced<String>>,
}

/// Reads [`MAIN`] and all that it includes; `None` where there is none.
///
/// # Errors
/// A target that can't be read, or a policy beyond the bounds.
pub fn read(root: &Root<'_>) -> Result<Option<Sudoers>> {
    let Some((statements, mut problems)) = load::load(root, MAIN)? else { return Ok(None) };
    let mut aliases = HashMap::new();
    for statement in &statements {
        let Statement::Alias { list, name, members } = &statement.value else { continue };
        if aliases.insert((*list, name.clone()), members.clone()).is_some() {
            let text = format!("alias {name} is defined again");
            problems.push(Sourced::new(text, statement.at.clone()));
        }
    }
    Ok(Some(Sudoers { statements, aliases, problems }))
}

impl Sudoers {
    /// All permissions, in order: for one login the last that fits decides.
    pub fn grants(&self) -> Vec<Grant> {
        let mut grants = Vec::new();
        for statement in &self.statements {
            let Statement::Grant { who, hosts, commands } = &statement.value else { continue };
            for group in commands {
                let runas = group.runas.as_ref().map(|(users, groups)| RunAs {
                    users: self.expanded(parse::List::RunAs, users),
                    groups: self.expanded(parse::List::RunAs, groups),
                });
                grants.push(Grant {
                    who: self.expanded(parse::List::Users, who),
                    hosts: self.expanded(parse::List::Hosts, hosts),
                    runas,
                    commands: self.expanded(parse::List::Commands, &group.commands),
                    nopasswd: group.nopasswd,
                    at: statement.at.clone(),
                });
            }
        }
        grants
    }

    /// All `Defaults` for an option, in order and whatever their scope: of several global ones
    /// the last holds, and a scoped one beats the global one where it applies.
    pub fn defaults(&self, name: &str) -> Vec<Default> {
        self.all_defaults().filter(|d| d.name == name).collect()
    }

    /// The global value of an option: what the last line does to it; `None` where no line names
    /// it and sudo's built-in value holds.
    pub fn global_default(&self, name: &str) -> Option<Default> {
        self.defaults(name).into_iter().rfind(|d| d.scope == Scope::Global)
    }

    /// Every option of every `Defaults` line.
    pub fn all_defaults(&self) -> impl Iterator<Item = Default> {
        self.statements.iter().flat_map(|s| match &s.value {
            Statement::Defaults { scope, options } => {
                let scope = self.scope(scope);
                let own = |(name, change): &(String, Change)| Default {
                    name: name.clone(),
                    change: change.clone(),
                    scope: scope.clone(),
                    at: s.at.clone(),
                };
                options.iter().map(own).collect()
            }
            _ => Vec::new(),
        })
    }

    fn scope(&self, scope: &Option<(parse::List, Vec<Member>)>) -> Scope {
        let Some((list, members)) = scope else { return Scope::Global };
        let members = self.expanded(*list, members);
        match list {
            parse::List::Users => Scope::Users(members),
            parse::List::Hosts => Scope::Hosts(members),
            parse::List::RunAs => Scope::RunAs(members),
            parse::List::Commands => Scope::Commands(members),
        }
    }

    fn expanded(&self, list: parse::List, members: &[Member]) -> Vec<String> {
        let mut out = Vec::new();
        self.expand(list, members, false, &mut Vec::new(), &mut out);
        out
    }

    /// A negated alias negates each of its members. An alias inside itself stays a word.
    fn expand<'a>(
        &'a self,
        list: parse::List,
        members: &'a [Member],
        negated: bool,
        open: &mut Vec<&'a str>,
        out: &mut Vec<String>,
    ) {
        for member in members {
            if out.len() >= MAX_EXPANDED {
                return;
            }
            let negated = negated != member.negated;
            let alias = self.aliases.get_key_value(&(list, member.text.clone()));
            match alias.filter(|((_, name), _)| !open.contains(&name.as_str())) {
                Some(((_, name), inner)) => {
                    open.push(name);
                    self.expand(list, inner, negated, open, out);
                    open.pop();
                }
                None => out.push(format!("{}{}", if negated { "!" } else { "" }, member.text)),
            }
        }
    }
}
