//! What triage tells, for programs: its JSON form, versioned.
//!
//! Owns the shape alone; it is filled in by `judge`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::finding::Kind;
use super::ledger::Changes;
use super::rating::Rating;
use super::scan::Scanner;
use crate::observation::Outcome;

/// Version of the JSON form.
pub const FORMAT: u32 = 1;

/// Everything that is open, host by host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Triage")]
pub struct Triage<'a> {
    /// Version of this form.
    pub version: u32,
    /// Version of the program.
    pub ironseed: &'static str,
    /// The instant that time limits are held against.
    pub now: Timestamp,
    /// The zone that days are counted in.
    pub zone: String,
    /// The policy's file.
    pub policy: &'a str,
    /// How much there is.
    pub summary: Summary,
    /// Why the gate is shut, a sentence each; none where it is open.
    pub refusals: Vec<String>,
    /// What has to be known of the scans.
    pub notes: Vec<String>,
    /// The checks that keep such findings from coming up, those with the most findings first.
    pub prevention: Vec<Prevented<'a>>,
    /// Hosts, by name.
    pub hosts: Vec<Host<'a>>,
}

/// How much there is.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Hosts that were ever looked at.
    pub hosts: usize,
    /// Open findings.
    pub open: usize,
    /// Those past their time limit.
    pub overdue: usize,
    /// Hosts that may be locked, for something on them is past its time limit.
    pub hosts_that_may_be_locked: usize,
    /// Open findings on which no scan of this run looked.
    pub not_looked_at: usize,
    /// What this run changed.
    pub changes: Changes,
    /// Open findings by rating.
    pub ratings: BTreeMap<Rating, Count>,
}

/// Findings of one rating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Count {
    /// Open ones.
    pub open: usize,
    /// Those past their time limit.
    pub overdue: usize,
}

/// A check that prevents findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Prevented<'a> {
    /// Its id.
    pub check: &'a str,
    /// Open findings that it would have prevented.
    pub findings: usize,
    /// Why, for each sort of findings.
    pub because: Vec<&'a str>,
    /// How the image that the hosts were made of stood, where its report was given and has the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Outcome>,
}

/// A host with its open findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Host<'a> {
    /// Its name or address.
    pub name: &'a str,
    /// Its operating system, in the scanner's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<&'a str>,
    /// Its release, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release<'a>>,
    /// What its owner does, in order; nothing where nothing is open.
    pub steps: Vec<String>,
    /// Whether something on it is past its time limit.
    pub may_be_locked: bool,
    /// Open findings, the worst and most urgent first.
    pub findings: Vec<Judged<'a>>,
}

/// A host's release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Release<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub title: &'a str,
    /// Last day with security updates.
    pub end_of_life: Date,
    /// Whether that day is over.
    pub past_end_of_life: bool,
    /// How it stands, in words.
    pub stands: String,
}

/// An open finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Judged<'a> {
    /// The scanner's id of it.
    pub id: &'a str,
    /// One line.
    pub title: &'a str,
    /// What sort of thing it is.
    pub kind: Kind,
    /// Where on the host: a port, a package, a file; empty for the host as a whole.
    pub place: String,
    /// Names of the weaknesses.
    pub cves: &'a [String],
    /// Who found it.
    pub scanner: Scanner,
    /// How bad it is.
    pub rating: Rating,
    /// Why.
    pub why: String,
    /// The scanner's own word, where it says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner_says: Option<String>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When its time began to run.
    pub counts_from: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Whether a scan of this run looked for it.
    pub looked_at: bool,
    /// When it must be gone, where the policy says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whole days until then, rounded down; negative after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
    /// Whole hours until then, rounded down; negative after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours_left: Option<i64>,
    /// Whether that is over, so that the host may be locked.
    pub overdue: bool,
    /// Whether the gate refuses it.
    pub refused: bool,
    /// What the scanner says to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution: Option<&'a str>,
    /// Whether there is a fixed version, where the scan tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixable: Option<bool>,
    /// Checks that would have prevented it.
    pub prevented_by: Vec<&'a str>,
}
