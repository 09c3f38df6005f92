//! Grype's JSON: packages with known weaknesses.

use std::io::Read;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Host, Scan, ScanError, Scanner, json};
use crate::triage::finding::{Finding, Place};
use crate::triage::rating::{Score, Scores};

/// Types of packages that the system's own package manager installs.
const OF_SYSTEM: [&str; 5] = ["deb", "rpm", "apk", "alpm", "portage"];

/// The document, as far as it counts here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    matches: Vec<Match>,
    #[serde(default)]
    ignored_matches: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    distro: Option<System>,
    #[serde(default)]
    descriptor: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    target: Value,
}

#[derive(Deserialize)]
struct System {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Descriptor {
    #[serde(default)]
    timestamp: Option<Timestamp>,
}

/// A package's weakness, made a finding as soon as it is read.
#[derive(Deserialize)]
#[serde(try_from = "RawMatch")]
struct Match(Finding);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMatch {
    vulnerability: Vulnerability,
    #[serde(default)]
    related_vulnerabilities: Option<Vec<Vulnerability>>,
    artifact: Artifact,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    cvss: Option<Vec<Cvss>>,
    #[serde(default)]
    fix: Option<Fix>,
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(default)]
    version: String,
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    base_score: Option<Score>,
}

#[derive(Deserialize)]
struct Fix {
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    locations: Option<Vec<PackageFile>>,
}

/// A file of a package.
#[derive(Deserialize)]
struct PackageFile {
    #[serde(default)]
    path: String,
}

/// Reads a scan.
///
/// # Errors
/// Broken JSON, or JSON of another form.
pub fn read(input: impl Read, name: &str) -> Result<Scan, ScanError> {
    let document: Document = json::read(input, name)?;
    let mut notes = Vec::new();
    let hidden = document.ignored_matches.map_or(0, |ignored| ignored.len());
    if hidden > 0 {
        notes.push(format!("Grype was told to leave {hidden} findings out"));
    }
    let host = Host {
        name: document.source.map(|s| target(&s.target)).unwrap_or_default(),
        system: document.distro.map(|d| format!("{} {}", d.name, d.version)).filter(|s| s.trim() != ""),
        at: document.descriptor.and_then(|d| d.timestamp),
        findings: document.matches.into_iter().map(|found| found.0).collect(),
        ..Host::default()
    };
    Ok(Scan { name: name.to_owned(), scanner: Scanner::Grype, policy: None, hosts: vec![host], notes })
}

/// What was looked at: a directory's path, or what an image was called.
fn target(target: &Value) -> String {
    let text = target.as_str().or_else(|| target.get("userInput").and_then(Value::as_str));
    text.unwrap_or_default().to_owned()
}

impl TryFrom<RawMatch> for Match {
    type Error = String;

    fn try_from(raw: RawMatch) -> Result<Self, String> {
        let RawMatch { vulnerability, related_vulnerabilities, artifact } = raw;
        if vulnerability.id.is_empty() || artifact.name.is_empty() {
            return Err("a match has a vulnerability's id and a package's name".into());
        }
        let related = related_vulnerabilities.unwrap_or_default();
        let ids = std::iter::once(&vulnerability).chain(&related).map(|v| &v.id);
        let mut cves: Vec<String> = ids.filter(|id| id.starts_with("CVE-")).cloned().collect();
        cves.dedup();
        let own = scores(&vulnerability);
        let all = || related.iter().map(scores).fold(Scores::default(), Scores::or_higher);
        let of_system = OF_SYSTEM.contains(&artifact.kind.as_str());
        let file = artifact.locations.unwrap_or_default().into_iter().next().map(|l| l.path);
        let fix = vulnerability.fix.as_ref();
        let fixed = fix.and_then(|f| f.versions.as_ref()?.first());
        let solution = match (fixed, fix.map(|f| f.state.as_str())) {
            (Some(version), _) => Some(format!("update {} to {version}", artifact.name)),
            (None, None | Some("" | "unknown")) => None,
            (None, Some(state)) => Some(format!("no fixed version: {}", state.replace('-', " "))),
        };
        let fixable = Some(fixed.is_some());
        let described = |v: &Vulnerability| v.description.clone().filter(|d| !d.is_empty());
        let finding = Finding {
            title: described(&vulnerability)
                .or_else(|| related.iter().find_map(described))
                .unwrap_or_default(),
            scores: if own.leading().is_some() { own } else { all() },
            place: Place::Package {
                name: artifact.name,
                version: artifact.version,
                of_system,
                file: file.filter(|f| !of_system && !f.is_empty()),
            },
            cves,
            fixable,
            solution,
            said: vulnerability.severity,
            id: vulnerability.id,
            ..Finding::default()
        };
        Ok(Self(finding.tidied()))
    }
}

/// The highest score of each version.
fn scores(vulnerability: &Vulnerability) -> Scores {
    let each = vulnerability.cvss.iter().flatten().map(|cvss| {
        let score = cvss.metrics.base_score;
        match cvss.version.chars().next() {
            Some('2') => Scores { v2: score, ..Scores::default() },
            Some('3') => Scores { v3: score, ..Scores::default() },
            Some('4') => Scores { v4: score, ..Scores::default() },
            _ => Scores::default(),
        }
    });
    each.fold(Scores::default(), Scores::or_higher)
}
