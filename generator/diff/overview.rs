//! What plans and reports have in common: their checks and their waivers.

use std::collections::BTreeMap;

use super::compare::Lines;
use crate::check::CheckInfo;
use crate::location::Location;
use crate::observation::Outcome;
use crate::plan::Plan;
use crate::profile::Waiver;
use crate::report::{CheckReport, Report};
use crate::settings::order::Aspect;

/// The checks and waivers of a plan or a report.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Checks by id.
    pub checks: BTreeMap<String, Entry>,
    /// Waivers by check. Of several, the first one counts, as in [`Plan::waiver`].
    pub waivers: BTreeMap<String, Waiver>,
    /// Where checks are dropped, by id.
    pub dropped: BTreeMap<String, Location>,
}

/// A check, as far as both know it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// One line.
    pub title: String,
    severity: String,
    references: String,
    remediation: String,
    /// Why it matters; reports don't say.
    rationale: Option<String>,
    /// The line of the profile that chose it, where it is known.
    pub origin: Option<Location>,
    /// What was found of it; plans don't say.
    pub outcome: Option<Outcome>,
}

impl Overview {
    /// Of a plan.
    pub fn of_plan(plan: &Plan, lines: &Lines) -> Self {
        let entry = |info: &CheckInfo, origin: &Location| Entry {
            title: info.title.clone(),
            severity: format!("{:?}", info.severity).to_lowercase(),
            references: info.references.join(", "),
            remediation: info.remediation.clone(),
            rationale: Some(info.rationale.clone()),
            origin: Some(origin.clone()),
            outcome: None,
        };
        Self {
            checks: plan.checks.iter().map(|c| (c.info.id.clone(), entry(&c.info, &c.origin))).collect(),
            waivers: plan.waivers.iter().rev().map(|w| (w.check.clone(), w.clone())).collect(),
            dropped: lines.dropped.clone(),
        }
    }

    /// Of a report.
    pub fn of_report(report: &Report) -> Self {
        let entry = |check: &CheckReport| Entry {
            title: check.title.clone(),
            severity: format!("{:?}", check.severity).to_lowercase(),
            references: check.references.join(", "),
            remediation: check.remediation.clone(),
            rationale: None,
            origin: None,
            outcome: Some(check.outcome),
        };
        let waiver = |check: &CheckReport| {
            let waiver = check.waiver.as_ref()?;
            let waiver = Waiver {
                check: check.id.clone(),
                owner: waiver.owner.clone(),
                reason: waiver.reason.clone(),
                expires: waiver.expires,
                origin: waiver.origin.clone(),
            };
            Some((check.id.clone(), waiver))
        };
        Self {
            checks: report.checks.iter().map(|c| (c.id.clone(), entry(c))).collect(),
            waivers: report.checks.iter().filter_map(waiver).collect(),
            dropped: BTreeMap::new(),
        }
    }

    /// Leaves out what reports don't say, so that nothing is missed where one of the sides is a report: rationales, and
    /// waivers of checks that are not there.
    pub fn know_what_reports_know(&mut self) {
        let checks = &self.checks;
        self.waivers.retain(|check, _| checks.contains_key(check));
        self.checks.values_mut().for_each(|entry| entry.rationale = None);
    }
}

impl Entry {
    /// What describes it, as far as it is known.
    pub fn description(&self) -> Vec<Aspect> {
        let known = [
            Aspect::plain("title", &self.title),
            Aspect::plain("severity", &self.severity),
            Aspect::plain("references", &self.references),
            Aspect::plain("remediation", &self.remediation),
        ];
        known.into_iter().chain(self.rationale.iter().map(|r| Aspect::plain("rationale", r))).collect()
    }
}
