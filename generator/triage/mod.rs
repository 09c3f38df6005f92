//! Triage: what vulnerability scanners found, rated by a policy, with the time that is left and what to do.
//!
//! Owns the way from scans to the triage's JSON and its other forms. Knows nothing of how images are made or verified:
//! checks are names that a file maps findings to, and a report is what somebody else read.

pub mod document;
pub mod finding;
mod gate;
mod human;
mod judge;
pub mod ledger;
mod markdown;
pub mod policy;
pub mod prevention;
pub mod rating;
pub mod scan;
pub mod system;
#[cfg(test)]
mod tests;

pub use gate::refusals;
pub use human::human;
pub use judge::{Image, Judge, Run};
pub use markdown::markdown;

use std::path::PathBuf;

use jiff::Timestamp;
use rayon::prelude::*;

use self::ledger::{Ledger, Look};
use self::policy::Policy;
use self::scan::{Host, Scan, ScanError};
use crate::location::Location;

/// Scans, and what their reader knows better than they.
#[derive(Clone, Copy, Debug)]
pub struct Scans<'s> {
    /// The files.
    pub files: &'s [PathBuf],
    /// When they were made, where they don't say so.
    pub seen: Option<Timestamp>,
    /// The host that they are about, where there is but one.
    pub host: Option<&'s str>,
}

impl Scans<'_> {
    /// Reads all of them, several at once.
    ///
    /// # Errors
    /// The first one that can't be read, or that leaves open which host it is about.
    pub fn read(&self, policy: &Policy) -> Result<Vec<Scan>, ScanError> {
        self.files.par_iter().map(|file| self.read_one(file, policy)).collect()
    }

    fn read_one(&self, file: &std::path::Path, policy: &Policy) -> Result<Scan, ScanError> {
        let mut scan = scan::open(file, &policy.zone, self.seen)?;
        let wrong = |why: String| ScanError { at: Location::file(&scan.name), why };
        match (self.host, scan.hosts.len()) {
            (Some(name), 0 | 1) => scan.hosts.iter_mut().for_each(|h| name.clone_into(&mut h.name)),
            (Some(_), count) => {
                return Err(wrong(format!("--host is for scans of one host; this one has {count}")));
            }
            (None, _) if scan.hosts.iter().any(|h| h.name.is_empty()) => {
                return Err(wrong("it does not tell which host it is about: say --host NAME".into()));
            }
            _ => {}
        }
        Ok(scan)
    }
}

/// Takes scans over into a ledger, the oldest look first, and tells what that did.
pub fn take(ledger: &mut Ledger, scans: Vec<Scan>, policy: &Policy, now: Timestamp) -> Run {
    let mut run = Run::default();
    let mut looks: Vec<(Look, Host)> = Vec::new();
    for scan in scans {
        let Scan { name, scanner, policy, hosts, notes } = scan;
        run.notes.extend(notes.into_iter().map(|note| format!("{name}: {note}")));
        let ahead = hosts.iter().filter(|h| h.at.is_some_and(|at| at > now)).count();
        if ahead > 0 {
            run.notes.push(format!("{name}: {ahead} hosts were looked at later than now: counted from now"));
        }
        looks.extend(hosts.into_iter().map(|host| {
            let at = host.at.unwrap_or(now).min(now);
            let look = Look { scanner, policy: policy.clone(), credentialed: host.credentialed, at };
            (look, host)
        }));
    }
    looks.sort_by_key(|(look, _)| look.at);
    for (look, host) in looks {
        run.looked_at.insert(host.name.clone());
        run.changes = run.changes.and(ledger.take(&look, host, policy));
    }
    run
}
