//! Trivy's JSON, schema version 2: packages with known weaknesses, secrets and misconfigurations.
//!
//! A secret's own text, which Trivy shows in part, is never taken over.

use std::collections::BTreeMap;
use std::io::Read;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Host, Scan, ScanError, Scanner, json};
use crate::triage::finding::{Finding, Kind, Place};
use crate::triage::rating::{Score, Scores};

/// The document, as far as it counts here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    artifact_name: String,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    results: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "OS", default)]
    system: Option<System>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct System {
    #[serde(default)]
    family: String,
    #[serde(default)]
    name: String,
}

/// What was found in one part of the artifact: its packages, or a file.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    #[serde(default)]
    target: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    vulnerabilities: Option<Vec<Vulnerability>>,
    #[serde(default)]
    misconfigurations: Option<Vec<Misconfiguration>>,
    #[serde(default)]
    secrets: Option<Vec<Secret>>,
    #[serde(default)]
    experimental_modified_findings: Option<Vec<IgnoredAny>>,
}

/// A package's weakness, made a finding as soon as it is read.
#[derive(Deserialize)]
#[serde(try_from = "RawVulnerability")]
struct Vulnerability(Finding);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    pkg_name: String,
    #[serde(default)]
    pkg_path: Option<String>,
    #[serde(default)]
    installed_version: String,
    #[serde(default)]
    fixed_version: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    severity_source: String,
    #[serde(rename = "CVSS", default)]
    cvss: BTreeMap<String, Vendor>,
}

/// The scores that one vendor gives.
#[derive(Clone, Copy, Default, Deserialize)]
struct Vendor {
    #[serde(rename = "V2Score", default)]
    v2: Option<Score>,
    #[serde(rename = "V3Score", default)]
    v3: Option<Score>,
    #[serde(rename = "V40Score", default)]
    v4: Option<Score>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Misconfiguration {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    resolution: Option<String>,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    #[serde(rename = "RuleID")]
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    start_line: u64,
}

/// Reads a scan.
///
/// # Errors
/// Broken JSON, or JSON of another form.
pub fn read(input: impl Read, name: &str) -> Result<Scan, ScanError> {
    let document: Document = json::read(input, name)?;
    let mut notes = Vec::new();
    let mut findings = Vec::new();
    let mut hidden = 0;
    for part in document.results.into_iter().flatten() {
        hidden += part.experimental_modified_findings.as_ref().map_or(0, Vec::len);
        take(part, &mut findings);
    }
    if hidden > 0 {
        notes.push(format!("Trivy was told to leave {hidden} findings out"));
    }
    let system = document.metadata.and_then(|m| m.system).map(|s| format!("{} {}", s.family, s.name));
    let host =
        Host { name: document.artifact_name, system, at: document.created_at, findings, ..Host::default() };
    Ok(Scan { name: name.to_owned(), scanner: Scanner::Trivy, policy: None, hosts: vec![host], notes })
}

/// Takes over the findings of one part.
fn take(part: Part, findings: &mut Vec<Finding>) {
    let Part { target, class, .. } = part;
    for Vulnerability(mut finding) in part.vulnerabilities.into_iter().flatten() {
        if let Place::Package { of_system, file, .. } = &mut finding.place {
            *of_system = class == "os-pkgs";
            if *of_system {
                *file = None;
            } else {
                file.get_or_insert_with(|| target.clone());
            }
        }
        findings.push(finding);
    }
    let place = || Place::File { path: target.clone() };
    let failed = part.misconfigurations.into_iter().flatten().filter(|m| m.status != "PASS");
    findings.extend(failed.map(|m| {
        let finding = Finding {
            id: m.id,
            title: m.title,
            kind: Kind::Misconfiguration,
            place: place(),
            said: Some(m.severity),
            solution: m.resolution,
            ..Finding::default()
        };
        finding.tidied()
    }));
    findings.extend(part.secrets.into_iter().flatten().map(|s| {
        let finding = Finding {
            id: s.id,
            title: s.title,
            kind: Kind::Secret,
            place: Place::File { path: format!("{target}:{}", s.start_line) },
            said: Some(s.severity),
            ..Finding::default()
        };
        finding.tidied()
    }));
}

impl TryFrom<RawVulnerability> for Vulnerability {
    type Error = String;

    fn try_from(raw: RawVulnerability) -> Result<Self, String> {
        if raw.id.is_empty() || raw.pkg_name.is_empty() {
            return Err("a vulnerability has an id and a package".into());
        }
        let fixed = (!raw.fixed_version.is_empty()).then_some(&raw.fixed_version);
        let solution = match fixed {
            Some(version) => Some(format!("update {} to {version}", raw.pkg_name)),
            None if raw.status.is_empty() => None,
            None => Some(format!("no fixed version: {}", raw.status.replace('_', " "))),
        };
        let finding = Finding {
            cves: raw.id.starts_with("CVE-").then(|| raw.id.clone()).into_iter().collect(),
            scores: scores(&raw.cvss, &raw.severity_source),
            place: Place::Package {
                name: raw.pkg_name,
                version: raw.installed_version,
                of_system: false,
                file: raw.pkg_path.filter(|p| !p.is_empty()),
            },
            title: raw.title,
            said: Some(raw.severity),
            fixable: Some(!raw.fixed_version.is_empty()),
            solution,
            id: raw.id,
            ..Finding::default()
        };
        Ok(Self(finding.tidied()))
    }
}

/// The scores of the vendor whose severity Trivy shows, else those of the national database, else the highest of all.
fn scores(cvss: &BTreeMap<String, Vendor>, source: &str) -> Scores {
    let scores = |vendor: &Vendor| Scores { v2: vendor.v2, v3: vendor.v3, v4: vendor.v4 };
    let rated = |vendor: &&Vendor| scores(vendor).leading().is_some();
    match cvss.get(source).filter(rated).or_else(|| cvss.get("nvd").filter(rated)) {
        Some(vendor) => scores(vendor),
        None => cvss.values().map(scores).fold(Scores::default(), Scores::or_higher),
    }
}
