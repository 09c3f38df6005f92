//! The two statements about an image (in-toto Statement v1): how it was made (SLSA Provenance v1), and that it
//! passed (SLSA Verification Summary v1).
//!
//! Readers of these forms skip fields that they don't know, and so what only this program says stands
//! under `ironseed`. URNs name what has no address of its own.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Companion, DigestSet, Resource};
use crate::observation::Plane;
use crate::publish::Passed;

/// in-toto's statement, version 1.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// SLSA's provenance, version 1.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// SLSA's summary of a verification, version 1.
pub const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How this program builds, and which version of that.
const BUILD_TYPE: &str = "urn:ironseed:build:v1";
/// Who verified.
const VERIFIER: &str = "urn:ironseed:verify";
/// The builder, where nobody says who that was.
pub const BUILDER: &str = "urn:ironseed:builder:unnamed";

/// A statement about an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// The image.
    pub subject: Vec<Resource>,
    /// What the predicate is.
    pub predicate_type: String,
    /// What is said of the image.
    pub predicate: serde_json::Value,
}

/// How an image was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What went in.
    pub build_definition: BuildDefinition,
    /// Who built, and what else came out.
    pub run_details: RunDetails,
}

/// What went into an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// The way of building.
    pub build_type: String,
    /// What the user chose.
    pub external_parameters: Choice,
    /// What follows from that.
    pub internal_parameters: Resolved,
    /// The stock image that it was made of; empty for an image of packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_dependencies: Vec<Resource>,
}

/// The user's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Profile's name.
    pub profile: String,
    /// Distribution's id.
    pub distro: String,
}

/// What a choice resolves to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// SHA-256 (hex) of the plan.
    pub plan_sha256: String,
}

/// Who built, and what else came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetails {
    /// The builder.
    pub builder: Agent,
    /// Report and bills of materials.
    pub byproducts: Vec<Resource>,
}

/// A builder or a verifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// A URI.
    pub id: String,
    /// Versions of its programs.
    pub version: Versions,
}

/// Versions of programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// This one's.
    pub ironseed: String,
}

/// That an image passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who says so.
    pub verifier: Agent,
    /// When.
    pub time_verified: Timestamp,
    /// What was verified.
    pub resource_uri: String,
    /// The plan.
    pub policy: Resource,
    /// The report.
    pub input_attestations: Vec<Resource>,
    /// `PASSED`.
    pub verification_result: String,
    /// What that amounts to, in our words: SLSA's levels are about builders.
    pub verified_levels: Vec<String>,
    /// What SLSA has no words for.
    pub ironseed: Findings,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The planes that were looked at.
    pub planes: Vec<Plane>,
    /// How many checks were planned.
    pub checks: usize,
    /// Accepted failures.
    pub waivers: Vec<Accepted>,
}

/// A waiver that the image passed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Check's id.
    pub check: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Date,
}

/// Both statements about an image that passed, under its published name. `builder` is a URI.
///
/// # Errors
/// None in practice: everything in them can be written as JSON.
pub fn of(
    passed: &Passed,
    name: &str,
    companions: &[Companion],
    builder: &str,
    now: Timestamp,
) -> serde_json::Result<[Statement; 2]> {
    let statement = |kind: &str, predicate| Statement {
        kind: STATEMENT.into(),
        subject: vec![subject(passed, name)],
        predicate_type: kind.into(),
        predicate,
    };
    let provenance = serde_json::to_value(provenance(passed, companions, builder))?;
    let summary = serde_json::to_value(summary(passed, name, companions, now))?;
    Ok([statement(PROVENANCE, provenance), statement(SUMMARY, summary)])
}

fn subject(passed: &Passed, name: &str) -> Resource {
    let digests = passed.digests();
    let (sha256, sha512) = (Some(digests.sha256.clone()), Some(digests.sha512.clone()));
    Resource {
        name: Some(name.to_owned()),
        uri: None,
        digest: DigestSet { sha256, sha512 },
        media_type: None,
    }
}

fn provenance(passed: &Passed, companions: &[Companion], builder: &str) -> Provenance {
    let report = passed.report();
    let base = report.target.base.iter().map(|base| Resource {
        name: None,
        uri: Some(base.source.clone()),
        digest: DigestSet { sha256: Some(base.sha256.clone()), sha512: None },
        media_type: None,
    });
    let (profile, distro) = (report.plan.profile.clone(), report.plan.distro.clone());
    Provenance {
        build_definition: BuildDefinition {
            build_type: BUILD_TYPE.into(),
            external_parameters: Choice { profile, distro },
            internal_parameters: Resolved { plan_sha256: report.plan.digest.clone() },
            resolved_dependencies: base.collect(),
        },
        run_details: RunDetails {
            builder: agent(builder),
            byproducts: companions.iter().map(Companion::resource).collect(),
        },
    }
}

fn summary(passed: &Passed, name: &str, companions: &[Companion], now: Timestamp) -> Summary {
    let report = passed.report();
    let plan = &report.plan;
    let levels = report.planes.iter().map(|plane| match plane {
        Plane::Configured => "IRONSEED_CONFIGURED".to_owned(),
        Plane::Running => "IRONSEED_RUNNING".to_owned(),
    });
    Summary {
        verifier: agent(VERIFIER),
        time_verified: now,
        resource_uri: format!("urn:ironseed:image:{name}"),
        policy: Resource {
            name: None,
            uri: Some(format!("urn:ironseed:plan:{}:{}", plan.profile, plan.distro)),
            digest: DigestSet { sha256: Some(plan.digest.clone()), sha512: None },
            media_type: None,
        },
        input_attestations: companions.iter().map(Companion::resource).collect(),
        verification_result: "PASSED".into(),
        verified_levels: levels.collect(),
        ironseed: Findings {
            planes: report.planes.clone(),
            checks: report.checks.len(),
            waivers: accepted(report),
        },
    }
}

/// The waivers of a report.
pub fn accepted(report: &crate::report::Report) -> Vec<Accepted> {
    let waived = report.checks.iter().filter_map(|check| Some((check, check.waiver.as_ref()?)));
    waived
        .map(|(check, waiver)| Accepted {
            check: check.id.clone(),
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            expires: waiver.expires,
        })
        .collect()
}

fn agent(id: &str) -> Agent {
    Agent { id: id.to_owned(), version: Versions { ironseed: VERSION.into() } }
}
