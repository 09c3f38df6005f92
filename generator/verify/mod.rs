//! Verifying: a plan is held against a target, and every planned setting gets an outcome on
//! every plane that was asked for. Never silence.
//!
//! Owns the order of work and the way into a [`Report`]. What a setting means is the
//! setting kind's business; what the files mean is `effective`'s.

pub mod boot;
mod look;
pub mod outside;
pub mod running;
mod scan;
mod selection;
pub mod start;

pub use look::{Look, Nature};
pub use outside::{Outside, Probe};
pub use scan::Scan;
pub use selection::Selection;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::observation::{Observation, Outcome, Plane, aggregate};
use crate::plan::{Plan, PlannedCheck};
use crate::profile::Waiver;
use crate::report::{CheckReport, PlanReport, Report, TargetReport, WaiverReport};

/// An observation and the setting it belongs to: what travels from a guest to its host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// Index into the plan's checks.
    pub check: usize,
    /// Index into the check's settings.
    pub setting: usize,
    /// What was seen.
    pub observation: Observation,
}

/// Looks at every setting of the plan on one plane, but for checks that the look leaves out.
pub fn observe(look: &Look<'_>, plane: Plane) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (check, planned) in look.plan.checks.iter().enumerate() {
        if look.leaves_out(&planned.info.id) {
            continue;
        }
        for (setting, wanted) in planned.settings.iter().enumerate() {
            if wanted.not_applicable.is_some() || !wanted.setting.planes().contains(&plane) {
                continue;
            }
            for observation in wanted.setting.observe(look, plane) {
                seen.push(Seen { check, setting, observation });
            }
        }
    }
    seen
}

/// What the settings make of the view from outside a running machine.
pub fn observe_outside(plan: &Plan, outside: &Outside) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (check, planned) in plan.checks.iter().enumerate() {
        for (setting, wanted) in planned.settings.iter().enumerate() {
            let observations = wanted.setting.observe_outside(outside).into_iter();
            seen.extend(observations.map(|observation| Seen { check, setting, observation }));
        }
    }
    seen
}

/// Makes the report of everything seen.
///
/// `planes` are those that were looked at; a setting that should have been seen there and was
/// not is unobserved.
pub fn report(plan: &Plan, target: TargetReport, planes: &[Plane], seen: Vec<Seen>, today: Date) -> Report {
    let mut by_check: Vec<Vec<Seen>> = plan.checks.iter().map(|_| Vec::new()).collect();
    for one in seen {
        if let Some(list) = by_check.get_mut(one.check) {
            list.push(one);
        }
    }
    let mut checks: Vec<CheckReport> = plan
        .checks
        .iter()
        .zip(by_check)
        .map(|(check, seen)| check_report(check, seen, planes, plan.waiver(&check.info.id), today))
        .collect();
    report_stale_waivers(plan, &mut checks, today);
    Report {
        version: crate::report::FORMAT,
        ironseed: env!("CARGO_PKG_VERSION").to_owned(),
        date: today,
        plan: PlanReport {
            digest: plan.digest(),
            profile: plan.profile.clone(),
            distro: plan.distro.id.clone(),
        },
        target,
        planes: planes.to_vec(),
        checks,
        digest: String::new(),
    }
    .sealed()
}

fn check_report(
    check: &PlannedCheck,
    seen: Vec<Seen>,
    planes: &[Plane],
    waiver: Option<&Waiver>,
    today: Date,
) -> CheckReport {
    let mut observations = Vec::new();
    for (index, wanted) in check.settings.iter().enumerate() {
        let expected = wanted.setting.planes().iter().filter(|p| planes.contains(p));
        for plane in expected {
            let mut here: Vec<Observation> = seen
                .iter()
                .filter(|s| s.setting == index && s.observation.plane == *plane)
                .map(|s| s.observation.clone())
                .collect();
            if let Some(why) = &wanted.not_applicable {
                here = vec![Observation::not_applicable(*plane, wanted.setting.wanted(), why)];
            } else if here.is_empty() {
                let reason = "nothing was seen of it";
                here = vec![Observation::unobserved(*plane, wanted.setting.wanted(), reason)];
            }
            // The inside of a machine and its host both look: what one can't judge the other may.
            if here.iter().any(|o| o.outcome != Outcome::NotApplicable) {
                here.retain(|o| o.outcome != Outcome::NotApplicable);
            }
            for observation in &mut here {
                observation.origin = Some(wanted.origin.clone());
            }
            observations.append(&mut here);
        }
    }
    let mut outcome = aggregate(&observations);
    if matches!(outcome, Outcome::Fail | Outcome::Unobserved) && waiver.is_some_and(|w| w.expires >= today) {
        outcome = Outcome::Waived;
    }
    CheckReport {
        id: check.info.id.clone(),
        title: check.info.title.clone(),
        severity: check.info.severity,
        references: check.info.references.clone(),
        outcome,
        rationale: check.info.rationale.clone(),
        remediation: check.info.remediation.clone(),
        waiver: waiver.map(|w| WaiverReport::new(w, today)),
        observations,
    }
}

/// A waiver that has expired, or that covers nothing that fails, is itself a finding.
fn report_stale_waivers(plan: &Plan, checks: &mut [CheckReport], today: Date) {
    for waiver in &plan.waivers {
        let Some(check) = checks.iter_mut().find(|c| c.id == waiver.check) else { continue };
        let plane = Plane::Configured;
        let wanted = "a waiver that is needed and in force";
        let finding = if waiver.expires < today {
            let found = format!("expired on {}", waiver.expires);
            let reason = "the waiver is over: mend what it covered, or renew it with a new reason";
            Observation::fail(plane, found, wanted, reason)
        } else if check.outcome != Outcome::Waived {
            let reason = "nothing fails that this waiver covers: take it out of the profile";
            Observation::fail(plane, "unused", wanted, reason)
        } else {
            continue;
        };
        check
            .observations
            .push(Observation { origin: Some(waiver.origin.clone()), ..finding.at(waiver.origin.clone()) });
        check.outcome = Outcome::Fail;
    }
}
