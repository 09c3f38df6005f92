//! Scans as a gate for an image that is to be published.
//!
//! Owns what a scan must be to speak for an image. The gate itself is [`crate::publish`]'s.

use jiff::Timestamp;

use super::judge::Judge;
use super::ledger::Ledger;
use super::policy::Policy;
use super::prevention::Prevention;
use super::scan::Scan;
use super::{Scans, system, take};
use crate::assets::Assets;
use crate::release;

/// Why scans keep an image of a release from being published: a sentence each, none where they let it through.
///
/// # Errors
/// A scan, or a file among the assets, that can't be read.
pub fn refusals(
    scans: &Scans<'_>,
    distro: &str,
    policy: &Policy,
    now: Timestamp,
    assets: &Assets,
) -> anyhow::Result<Vec<String>> {
    let releases = release::all(assets)?;
    let prevention = Prevention::load(assets)?;
    let read = scans.read(policy)?;
    let mut reasons: Vec<String> =
        read.iter().flat_map(|scan| unfit(scan, distro, policy, now, &releases)).collect();
    let mut ledger = Ledger::default();
    let run = take(&mut ledger, read, policy, now);
    let judge = Judge { policy, prevention: &prevention, releases: &releases, image: None, now };
    reasons.extend(judge.triage(&ledger, run).refusals);
    Ok(reasons)
}

/// Why a scan says nothing of the image.
fn unfit(
    scan: &Scan,
    distro: &str,
    policy: &Policy,
    now: Timestamp,
    releases: &[release::Release],
) -> Vec<String> {
    let name = &scan.name;
    if scan.hosts.is_empty() {
        return vec![format!("the scan {name} looked at nothing")];
    }
    let mut reasons = Vec::new();
    for host in &scan.hosts {
        let release = host.system.as_deref().and_then(|words| system::release(words, releases));
        if let Some(other) = release.filter(|r| r.id != distro) {
            reasons.push(format!("the scan {name} is of {}, and the image of {distro}", other.title));
        }
        let too_old = policy
            .refuse
            .scans_older_than
            .is_some_and(|limit| host.at.is_none_or(|at| limit.after(at, &policy.zone) < now));
        if too_old {
            let limit = policy.refuse.scans_older_than.map(|l| l.to_string()).unwrap_or_default();
            let at = host.at.map_or("an unknown day".to_owned(), |at| {
                at.to_zoned(policy.zone.clone()).date().to_string()
            });
            reasons.push(format!("the scan {name} is of {at}, older than {limit}"));
        }
        if !host.undecided.is_empty() {
            let count = host.undecided.len();
            reasons.push(format!("the scan {name} could not decide {count} definitions"));
        }
    }
    reasons.dedup();
    reasons
}
