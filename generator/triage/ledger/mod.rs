//! The ledger: since when each finding is open, over many scans.
//!
//! Owns first seen, closed and reopened. A finding is the scanner's id at a place of a host. It is gone when a later look
//! by the same scanner, which would have seen it, does not see it any more. Knows no ratings but what is worth keeping, and
//! no files but its own (`store`).

mod store;
#[cfg(test)]
mod tests;

pub use store::{Store, StoreError};

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::policy::Policy;
use super::rating;
use super::scan::{Host, Scanner};

/// Version of the ledger's form.
const FORMAT: u32 = 1;

/// Everything that was ever found.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Hosts by name.
    pub hosts: BTreeMap<String, Record>,
}

/// A host, with all that was found on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its name or address.
    pub name: String,
    /// Its operating system, in the last scanner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The last look of each kind.
    #[serde(default)]
    pub looks: Vec<Look>,
    /// What was found.
    #[serde(default)]
    pub entries: Vec<Entry>,
}

/// One look of a scanner at a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Who looked.
    pub scanner: Scanner,
    /// By which of the scanner's own policies, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Whether it could log in, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentialed: Option<bool>,
    /// When.
    pub at: Timestamp,
}

impl Look {
    /// Whether this look would have seen what another one saw.
    fn covers(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        self.scanner == other.scanner
            && same(&self.policy, &other.policy)
            && !(self.credentialed == Some(false) && other.credentialed == Some(true))
    }
}

/// A finding with its dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The finding as it was last seen.
    pub finding: Finding,
    /// The look that last saw it.
    pub seen: Look,
    /// When it was first seen at all.
    pub first_seen: Timestamp,
    /// When its time began to run: later than the first time where it was gone for long.
    pub since: Timestamp,
    /// When it was found to be gone; open where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// How often it came back.
    #[serde(default)]
    pub reopened: u32,
}

/// What a look changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    /// Findings that were never seen before.
    pub new: usize,
    /// Findings that came back.
    pub reopened: usize,
    /// Findings that are gone.
    pub closed: usize,
    /// Findings that were not seen and yet stay open, for the look would not have seen them.
    pub kept: usize,
}

impl Changes {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            new: self.new + other.new,
            reopened: self.reopened + other.reopened,
            closed: self.closed + other.closed,
            kept: self.kept + other.kept,
        }
    }
}

impl Ledger {
    /// Takes over what a look at a host found. Looks may come in any order.
    pub fn take(&mut self, look: &Look, host: Host, policy: &Policy) -> Changes {
        let record = self.hosts.entry(host.name.clone()).or_default();
        record.name.clone_from(&host.name);
        let is_latest = record.looks.iter().all(|l| l.at <= look.at);
        if host.system.is_some() && (is_latest || record.system.is_none()) {
            record.system = host.system;
        }
        let mut changes = Changes::default();
        let seen = record.see(look, host.findings, policy, &mut changes);
        record.close(look, &seen, &host.undecided, &mut changes);
        record.remember(look);
        changes
    }

    /// Closes everything on a host that is no more; whether there was such a host.
    pub fn forget(&mut self, host: &str, now: Timestamp) -> Option<Changes> {
        let record = self.hosts.get_mut(host)?;
        let open = record.entries.iter_mut().filter(|e| e.closed.is_none());
        let closed = open.map(|entry| entry.closed = Some(now)).count();
        Some(Changes { closed, ..Changes::default() })
    }
}

impl Record {
    /// Takes over the findings, and tells which entries they are.
    fn see(
        &mut self,
        look: &Look,
        findings: Vec<Finding>,
        policy: &Policy,
        changes: &mut Changes,
    ) -> HashSet<usize> {
        let key = |finding: &Finding| (finding.id.clone(), finding.place.key());
        let entries = self.entries.iter().enumerate();
        let known: HashMap<(String, String), usize> = entries
            .filter(|(_, e)| e.seen.scanner == look.scanner)
            .map(|(i, e)| (key(&e.finding), i))
            .collect();
        let gone_by = self.looks.iter().filter(|l| l.at > look.at);
        let gone_by: Vec<&Look> = gone_by.collect();
        let mut seen = HashSet::with_capacity(findings.len());
        for finding in findings {
            if rating::says_nothing(&finding, &self.name, policy) {
                continue;
            }
            if let Some(index) = known.get(&key(&finding)).copied() {
                seen.insert(index);
                if let Some(entry) = self.entries.get_mut(index) {
                    changes.reopened += usize::from(entry.see(look, finding, policy));
                }
                continue;
            }
            // An older scan that comes in late tells of what a newer one did not see any more.
            let closed = gone_by.iter().filter(|l| l.covers(look)).map(|l| l.at).min();
            changes.new += usize::from(closed.is_none());
            seen.insert(self.entries.len());
            self.entries.push(Entry {
                finding,
                seen: look.clone(),
                first_seen: look.at,
                since: look.at,
                closed,
                reopened: 0,
            });
        }
        seen
    }

    /// Closes what the look would have seen and did not.
    fn close(&mut self, look: &Look, seen: &HashSet<usize>, undecided: &[String], changes: &mut Changes) {
        let undecided: HashSet<&String> = undecided.iter().collect();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let open =
                entry.closed.is_none() && entry.seen.scanner == look.scanner && entry.seen.at < look.at;
            if !open || seen.contains(&index) {
                continue;
            }
            if look.covers(&entry.seen) && !undecided.contains(&entry.finding.id) {
                entry.closed = Some(look.at);
                changes.closed += 1;
            } else {
                changes.kept += 1;
            }
        }
    }

    /// Keeps the last look of each kind.
    fn remember(&mut self, look: &Look) {
        let alike = |l: &&mut Look| {
            (l.scanner, &l.policy, l.credentialed) == (look.scanner, &look.policy, look.credentialed)
        };
        match self.looks.iter_mut().find(alike) {
            Some(last) => last.at = last.at.max(look.at),
            None => self.looks.push(look.clone()),
        }
    }
}

impl Entry {
    /// Takes over that it was seen; whether it came back by that.
    fn see(&mut self, look: &Look, finding: Finding, policy: &Policy) -> bool {
        self.first_seen = self.first_seen.min(look.at);
        let back = self.closed.filter(|closed| look.at > *closed);
        match back {
            Some(closed) => {
                let soon = look.at <= policy.reopens_within.after(closed, &policy.zone);
                if !soon {
                    self.since = look.at;
                }
                self.closed = None;
                self.reopened += 1;
            }
            None if self.reopened == 0 => self.since = self.since.min(look.at),
            None => {}
        }
        if look.at >= self.seen.at {
            self.seen = look.clone();
            self.finding = finding;
        }
        back.is_some()
    }
}
