//! Resource limits of a login, as `pam_limits` concludes them from `limits.conf` and `limits.d`.
//!
//! Owns the files' order, their lines and which of several lines counts for whom. Follows
//! Linux-PAM's `pam_limits.c` with Debian's patches. What is no resource limit (`maxlogins`,
//! `priority`, `chroot`, `nonewprivs`) is passed over, and so is whether a service's PAM stack asks
//! the module at all.

#[cfg(test)]
mod differential;
mod domain;
mod line;
#[cfg(test)]
mod tests;

pub use domain::{Domain, Login};
pub use line::{Bounds, Rule};

use std::collections::{BTreeMap, BTreeSet};

use self::domain::Strength;
use self::line::{Line, Says};
use crate::effective::files;
use crate::effective::pam::PamVersion;
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, TargetError};

const MAIN: &str = "/etc/security/limits.conf";
const FOLDER: &str = "/etc/security/limits.d/*.conf";
/// No machine has as many lines; each one may be asked about each other.
const MAX_LINES: usize = 4096;

/// A value without bound (`RLIM_INFINITY`).
pub const UNLIMITED: u64 = u64::MAX;

/// All lines that count, in order.
#[derive(Clone, Debug)]
pub struct Limits {
    version: PamVersion,
    lines: Vec<Line>,
    /// A file that the module can't read: it refuses the session.
    refused: Option<Sourced<String>>,
}

/// One limit: what a line says of either bound, in the kernel's units (bytes, seconds).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Where the program meets it; never above the hard one.
    pub soft: Option<Sourced<u64>>,
    /// How far the user may raise the soft one.
    pub hard: Option<Sourced<u64>>,
}

/// What becomes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// These limits, by item (`core`); of others the kernel's own stay.
    Limited(BTreeMap<&'static str, Limit>),
    /// None, by this line.
    Exempt(Location),
    /// The session is refused, for this reason.
    Refused(Sourced<String>),
}

impl Limits {
    /// Reads all files.
    ///
    /// # Errors
    /// The target can't be read, or has more than 4096 such lines.
    pub fn read(root: Root<'_>, version: PamVersion) -> Result<Self> {
        let mut limits = Self { version, lines: Vec::new(), refused: None };
        let folder = files::glob(root, FOLDER)?;
        for path in std::iter::once(MAIN.to_owned()).chain(folder) {
            if !limits.add(root, &path)? {
                break;
            }
        }
        Ok(limits)
    }

    /// `false` where nothing is read after the file.
    fn add(&mut self, root: Root<'_>, path: &str) -> Result<bool> {
        let there = match root.resolve(path) {
            Err(TargetError::LinkLoop { .. }) => return Ok(self.refuse(path, "links in a circle")),
            there => there?,
        };
        // A folder opens, and holds no line; so does the null device that a link may lead to.
        match there.map(|link| link.meta.kind) {
            None if root.entry(path)?.is_some_and(|link| is_null(root, &link.path)) => {}
            None if !self.version.takes_missing_limits() => return Ok(self.refuse(path, "no such file")),
            Some(FileKind::File) => {
                let text = root.read_text(path)?.unwrap_or_default();
                self.lines.extend(line::read(path, &text, self.version));
            }
            _ => {}
        }
        match self.lines.len() {
            0..=MAX_LINES => Ok(true),
            _ => Err(TargetError::Corrupt(format!("{path}: more than {MAX_LINES} lines of limits"))),
        }
    }

    fn refuse(&mut self, path: &str, why: &str) -> bool {
        self.refused = Some(Sourced::new(why.to_owned(), Location::file(path)));
        false
    }

    /// One login for each that a line names, and one that none names. A login that fits several
    /// lines at once gets what one of these gets.
    pub fn logins(&self) -> Vec<Login> {
        let domains: BTreeSet<&Domain> = self.lines.iter().map(|line| &line.domain).collect();
        std::iter::once(Login::default()).chain(domains.into_iter().filter_map(Domain::example)).collect()
    }

    /// Whether a rule is for a login at all.
    pub fn is_for(&self, rule: &Rule, login: &Login) -> bool {
        rule.domain.strength(login, self.version).is_some()
    }

    /// What becomes of a login.
    pub fn of(&self, login: &Login) -> Conclusion {
        let mut found: BTreeMap<&'static str, Strong> = BTreeMap::new();
        for line in &self.lines {
            match &line.says {
                Says::Exempt if line.domain.is_exempt(login) => return Conclusion::Exempt(line.at.clone()),
                Says::Exempt => {}
                Says::Limit { bounds, item, value } => {
                    let Some(strength) = line.domain.strength(login, self.version) else { continue };
                    let value = Sourced::new(*value, line.at.clone());
                    found.entry(item).or_default().set(*bounds, strength, &value);
                }
            }
        }
        match &self.refused {
            Some(why) => Conclusion::Refused(why.clone()),
            None => {
                Conclusion::Limited(found.into_iter().map(|(item, strong)| (item, strong.limit())).collect())
            }
        }
    }
}

/// The rules of one file's text.
pub fn rules(path: &str, text: &str, version: PamVersion) -> Vec<Rule> {
    line::read(path, text, version).into_iter().filter_map(Line::rule).collect()
}

/// A limit with the strength of what said it.
#[derive(Default)]
struct Strong {
    soft: Option<(Strength, Sourced<u64>)>,
    hard: Option<(Strength, Sourced<u64>)>,
}

impl Strong {
    /// As `process_limit`: of equally strong lines the later one counts, and a line that is too
    /// weak for the soft bound says nothing of the hard one either.
    fn set(&mut self, bounds: Bounds, strength: Strength, value: &Sourced<u64>) {
        let weak = |old: &Option<(Strength, _)>| old.as_ref().is_some_and(|(s, _)| *s > strength);
        if bounds.soft {
            if weak(&self.soft) {
                return;
            }
            self.soft = Some((strength, value.clone()));
        }
        if bounds.hard && !weak(&self.hard) {
            self.hard = Some((strength, value.clone()));
        }
    }

    fn limit(self) -> Limit {
        let (soft, hard) = (self.soft.map(|(_, v)| v), self.hard.map(|(_, v)| v));
        let soft = match (soft, &hard) {
            (Some(soft), Some(hard)) if soft.value > hard.value => Some(hard.clone()),
            (soft, _) => soft,
        };
        Limit { soft, hard }
    }
}

fn is_null(root: Root<'_>, link: &[u8]) -> bool {
    root.tree().read_link(link).is_ok_and(|text| text == b"/dev/null")
}
