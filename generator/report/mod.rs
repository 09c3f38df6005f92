//! The report: every planned check with its outcome, bound to the plan and to the target's bytes.
//!
//! Owns the JSON form (versioned; see `docs/report.md`) and all others that one or several reports can be
//! written in: a file each. The gate is [`crate::publish`]'s.

mod evidence;
mod form;
mod github;
mod html;
mod human;
mod junit;
pub(crate) mod markdown;
mod sarif;
mod saved;
mod table;
pub(crate) mod text;
mod xccdf;
mod xml;

pub use form::{Form, FormError};
pub(crate) use github::command as github_command;
pub use human::human;
pub use saved::{Collection, Failure, SavedError, collection, read};
pub use table::{Comparison, Row, Turn, rows};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::build::BaseRecord;
use crate::check::Severity;
use crate::location::Location;
use crate::observation::{Observation, Outcome, Plane};
use crate::profile::Waiver;

/// Version of the report's JSON form.
pub const FORMAT: u32 = 1;

/// What was found of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Version of this JSON form.
    pub version: u32,
    /// Version of the program that made it.
    pub ironseed: String,
    /// The day it was made (UTC): what is past its end of life, and which waivers hold, depend on it.
    pub date: Date,
    /// What was wanted.
    pub plan: PlanReport,
    /// What was looked at.
    pub target: TargetReport,
    /// The planes that were looked at.
    pub planes: Vec<Plane>,
    /// Every planned check, in the plan's order.
    pub checks: Vec<CheckReport>,
    /// SHA-256 of everything above: shows a slip of an editor. It is no signature.
    pub digest: String,
}

/// Which plan a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// SHA-256 of what is wanted.
    pub digest: String,
    /// Profile's name.
    pub profile: String,
    /// Distribution's id.
    pub distro: String,
}

/// Which target a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetReport {
    /// The target as the user named it.
    pub name: String,
    /// `directory`, `tar`, `raw`, `qcow2` or `running`.
    pub kind: String,
    /// SHA-256 (hex) of the disk image's or tar's bytes; directories have none.
    pub sha256: Option<String>,
    /// The stock image that it was made of, by the record in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseRecord>,
}

/// What was found of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
    /// Slug.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// `Check-Security-NN` and others.
    pub references: Vec<String>,
    /// The worst of what was seen.
    pub outcome: Outcome,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// What to do about a failure.
    pub remediation: String,
    /// The waiver, if the profile has one for this check.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiver: Option<WaiverReport>,
    /// Everything seen, in the order of the check's settings.
    pub observations: Vec<Observation>,
}

/// A waiver as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverReport {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Last day it holds.
    pub expires: Date,
    /// Days left on the report's date; negative once it has expired.
    pub days_left: i32,
    /// The line of the profile.
    pub origin: Location,
}

impl WaiverReport {
    /// A waiver as seen on a day.
    pub fn new(waiver: &Waiver, today: Date) -> Self {
        let days = (waiver.expires - today).get_days();
        Self {
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            expires: waiver.expires,
            days_left: days,
            origin: waiver.origin.clone(),
        }
    }
}

impl Report {
    /// Whether nothing in it keeps a gate shut.
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|c| c.outcome.is_acceptable())
    }

    /// The report with its digest set.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.digest = self.content_digest();
        self
    }

    /// What [`Report::digest`] must be.
    pub fn content_digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("digest");
        }
        crate::hash::bytes(value.to_string().as_bytes())
    }

    /// The JSON form, with a line break at its end.
    ///
    /// # Errors
    /// None that a report of this program can cause.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// How many checks have each outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|c| c.outcome == outcome).count()
    }

    /// How many checks have which outcome, in words: what is good first.
    pub fn summary(&self) -> String {
        let counts = Outcome::ALL.into_iter().map(|o| (self.count(o), o.word()));
        let counts = counts.filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
        counts.collect::<Vec<_>>().join(", ")
    }
}
