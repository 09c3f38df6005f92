//! iptables' own files, as iptables-restore reads them: what `iptables-save` prints, and what
//! people write in its manner.
//!
//! Follows iptables 1.8 with either of its backends. Options are known by their full names; an
//! abbreviation, a match, a target or a host name that is not known makes the answer unknown.
//! A file that iptables-restore refuses does so table by table: what was committed before stays.

mod extensions;
mod icmp;
mod restore;
mod rule;
#[cfg(test)]
pub(super) mod tests;
mod values;
mod words;

pub(super) use extensions::{holds_for_some, only_notes};
pub(super) use restore::Restore;

use super::Family;
use super::model::RuleSet;
use super::names::Names;
use crate::location::Location;
use crate::target::{Result, Root};

/// Reads the rule set that `iptables-restore` (or `ip6tables-restore`, by the family) would load
/// from a file into an empty kernel; `None` where there is no such file.
///
/// # Errors
/// A file that can't be read.
pub fn iptables_file(root: Root<'_>, path: &str, family: Family) -> Result<Option<RuleSet>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    Ok(Some(rules(&text, path, &Names::read(root)?, family)))
}

/// Reads what `iptables-save` (or `ip6tables-save`) prints of a kernel's rules; `root` has the names of services.
///
/// # Errors
/// A file that can't be read.
pub fn iptables_listing(root: Root<'_>, text: &str, family: Family) -> Result<RuleSet> {
    let program = match family {
        Family::V4 => "iptables-save",
        Family::V6 => "ip6tables-save",
    };
    Ok(rules(text, program, &Names::read(root)?, family))
}

fn rules(text: &str, origin: &str, names: &Names, family: Family) -> RuleSet {
    let mut restore = Restore::new(family, names);
    let refused = restore.run(text, true, |line| Location::line(origin, line)).err();
    RuleSet {
        tables: restore.tables(),
        unknown: refused.into_iter().collect(),
        origin: origin.to_owned(),
        flushes: None,
    }
}
