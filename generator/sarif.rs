//! SARIF 2.1.0, the form in which code hosts read findings of tools: the part of it that ironseed writes.
//!
//! Owns the shape alone. What a finding is, and how grave, its callers know. Names and meanings are those of the OASIS
//! standard: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::location::Location as Place;

/// Version of the standard.
pub const VERSION: &str = "2.1.0";

/// Where the standard's JSON Schema stands.
pub const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A SARIF file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    /// What was run, once for each run.
    pub runs: Vec<Run>,
}

/// One run of the tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// What ran.
    pub tool: Tool,
    /// What it found. An empty list says that it looked and found nothing.
    pub results: Vec<Finding>,
    /// Whether columns count UTF-16 units (the standard's default) or characters, as ours do.
    column_kind: &'static str,
    /// Whatever else readers may want.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tool {
    /// The program itself: SARIF knows its extensions too, and we have none.
    pub driver: Driver,
}

/// The program's own description of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Everything that it can find.
    pub rules: Vec<Rule>,
}

/// A kind of finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Stable name, as [`Finding::rule_id`] gives it.
    pub id: String,
    /// One sentence.
    pub short_description: Text,
    /// Everything there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_description: Option<Text>,
    /// A page about it: an absolute URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_uri: Option<String>,
    /// What to do, shown beside a finding. GitHub wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Text>,
    /// How grave a finding is where it does not say so itself.
    pub default_configuration: Configuration,
    /// Whatever else readers may want: `tags`, `precision`, `security-severity`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// How a rule behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// How grave its findings are.
    pub level: Level,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Nothing to do with gravity.
    None,
    /// Good to know.
    Note,
    /// Should be looked at.
    Warning,
    /// Wrong.
    Error,
}

/// What a finding says of its rule; the standard's `kind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// It was violated.
    #[default]
    Fail,
    /// It was met.
    Pass,
    /// It could not be evaluated for this target.
    NotApplicable,
    /// Someone has to look.
    Review,
    /// It was evaluated, and the answer is no.
    Open,
    /// Neither good nor bad.
    Informational,
}

/// One finding: a `result` in the standard's words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule.
    pub rule_id: String,
    /// Index of the rule in [`Driver::rules`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_index: Option<usize>,
    /// What it says of the rule. All but [`Kind::Fail`] want [`Level::None`].
    #[serde(skip_serializing_if = "is_fail")]
    pub kind: Kind,
    /// How grave.
    pub level: Level,
    /// What was found.
    pub message: Text,
    /// Where. One, as a rule: readers show it there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// What else has to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_locations: Vec<Location>,
    /// What makes it the same finding in the next run, by the name of the method that computed it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub partial_fingerprints: BTreeMap<String, String>,
    /// Who accepted it. An empty list says that nobody did, so it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
    /// Whatever else readers may want.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// A text, and the same in Markdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Plain.
    pub text: String,
    /// Markdown (GitHub's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Number of the place within its finding: `[text](1)` in a message links to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Where it is.
    pub physical_location: PhysicalLocation,
    /// What is to be seen there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
}

/// A file, and a region of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalLocation {
    /// The file.
    pub artifact_location: ArtifactLocation,
    /// The region; the whole file where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactLocation {
    /// A URI, relative to the repository's root as code hosts want it: percent-encoded.
    pub uri: String,
}

/// Lines and columns, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// First line.
    pub start_line: u32,
    /// First character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u32>,
    /// Last line; the first where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The character after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// Why a finding need not be dealt with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppression {
    /// Where the suppression is written.
    pub kind: SuppressionKind,
    /// Whether it holds.
    pub status: SuppressionStatus,
    /// Why, in the words of who accepted it.
    pub justification: String,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Whatever else readers may want: owner, expiry.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// Where a suppression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SuppressionKind {
    /// In the file that the finding is about.
    InSource,
    /// Elsewhere, such as a profile's waiver.
    External,
}

/// Whether a suppression holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SuppressionStatus {
    /// It does.
    Accepted,
    /// It is yet to be decided on.
    UnderReview,
    /// It does not: a waiver that has expired.
    Rejected,
}

impl Log {
    /// A file of one run of this program.
    pub fn new(rules: Vec<Rule>, results: Vec<Finding>) -> Self {
        let driver = Driver { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), rules };
        let run = Run {
            tool: Tool { driver },
            results,
            column_kind: "unicodeCodePoints",
            properties: BTreeMap::new(),
        };
        Self { schema: SCHEMA, version: VERSION, runs: vec![run] }
    }
}

impl Finding {
    /// A violation of a rule at some places.
    pub fn new(rule: &str, level: Level, message: impl Into<Text>, locations: Vec<Location>) -> Self {
        Self {
            rule_id: rule.to_owned(),
            rule_index: None,
            kind: Kind::Fail,
            level,
            message: message.into(),
            locations,
            related_locations: Vec::new(),
            partial_fingerprints: BTreeMap::new(),
            suppressions: Vec::new(),
            properties: BTreeMap::new(),
        }
    }
}

impl Location {
    /// A place with what is to be seen there.
    pub fn with_message(place: &Place, message: impl Into<Text>) -> Self {
        Self { message: Some(message.into()), ..Self::from(place) }
    }
}

impl From<&Place> for Location {
    fn from(place: &Place) -> Self {
        let region = place.line.map(|start_line| Region {
            start_line,
            start_column: place.column,
            end_line: None,
            end_column: None,
        });
        let artifact_location = ArtifactLocation { uri: uri(&place.file) };
        Self { id: None, physical_location: PhysicalLocation { artifact_location, region }, message: None }
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self { text: text.into(), markdown: None }
    }
}

fn is_fail(kind: &Kind) -> bool {
    *kind == Kind::Fail
}

/// A path as URI reference: `./` at the start is left out, an absolute path becomes a `file:` URI, and a colon never makes a scheme of
/// a relative one.
fn uri(path: &str) -> String {
    let mut relative = path;
    while let Some(rest) = relative.strip_prefix("./") {
        relative = rest.trim_start_matches('/');
    }
    let mut out = String::from(if relative.starts_with('/') { "file://" } else { "" });
    for byte in relative.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'@'
            | b'+'
            | b'='
            | b',' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris_that_no_scheme_hides_in() {
        assert_eq!(uri("profiles/lab.yaml"), "profiles/lab.yaml");
        assert_eq!(uri("./profiles/lab.yaml"), "profiles/lab.yaml");
        assert_eq!(uri("/etc/ssh/sshd_config"), "file:///etc/ssh/sshd_config");
        assert_eq!(uri("a b:ü%.yaml"), "a%20b%3A%C3%BC%25.yaml");
    }

    #[test]
    fn a_finding_has_the_standards_names_and_nothing_that_is_empty() {
        let place = Place { file: "profiles/lab.yaml".into(), line: Some(3), column: Some(5) };
        let mut finding =
            Finding::new("loosened", Level::Error, "more", vec![Location::with_message(&place, "here")]);
        finding.rule_index = Some(0);
        let written = serde_json::to_value(&finding).unwrap();
        let expected = serde_json::json!({
            "ruleId": "loosened", "ruleIndex": 0, "level": "error", "message": { "text": "more" },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": "profiles/lab.yaml" },
                    "region": { "startLine": 3, "startColumn": 5 }
                },
                "message": { "text": "here" }
            }]
        });
        assert_eq!(written, expected);
    }
}
