//! A check: a piece of desired state, written once as data in `profiles/checks/`.
//!
//! Owns the catalogue's file format. Knows neither distributions nor how a setting is rendered
//! or observed.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::settings::Setting;
use crate::yaml::{self, Source, Spanned};

/// How bad it is when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good practice.
    Low,
    /// Makes an attack easier.
    Medium,
    /// Opens a way in, or leaves known holes open.
    High,
}

/// What a check is, apart from its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInfo {
    /// Slug, such as `ssh-password-login`.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// `Check-Security-NN`, CIS, ANSSI… identifiers.
    pub references: Vec<String>,
    /// Why it matters.
    pub rationale: String,
    /// What the owner of a failing machine does.
    pub remediation: String,
}

/// A check as its file holds it: settings still have `${parameter}` places.
#[derive(Debug)]
pub struct Check {
    /// What it is.
    pub info: CheckInfo,
    /// The settings it demands, parameters not yet filled in.
    pub settings: Vec<Spanned<Value>>,
    /// The file.
    pub source: Source,
}

/// A piece of desired state: what it is, why, and the settings that bring it about.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Check")]
struct CheckFile {
    /// Slug, such as `ssh-password-login`: the file's name.
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// One line.
    title: String,
    /// How bad a failure is.
    severity: Severity,
    /// `Check-Security-NN`, CIS, ANSSI… identifiers.
    references: Vec<String>,
    /// Why it matters.
    rationale: String,
    /// What the owner of a failing machine does.
    remediation: String,
    /// The settings that it demands, with `${parameter}` where a profile chooses.
    #[schemars(with = "Vec<Setting>")]
    settings: Vec<Spanned<Value>>,
}

/// The form of a check's file, before parameters are filled in.
pub fn file_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.root_schema_for::<CheckFile>()
}

/// Every check there is, by id.
#[derive(Debug)]
pub struct Catalogue {
    checks: Vec<Check>,
}

impl Catalogue {
    /// Reads `profiles/checks/`.
    ///
    /// # Errors
    /// A broken file, or an id that is not its file's name.
    pub fn load(assets: &Assets) -> Result<Self, ConfigError> {
        let mut checks = Vec::new();
        for source in assets.list("profiles/checks")? {
            checks.push(Check::parse(source)?);
        }
        Ok(Self { checks })
    }

    /// All checks, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter()
    }

    /// One check.
    pub fn get(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.info.id == id)
    }

    /// Every id, for "did you mean".
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().map(|c| c.info.id.as_str())
    }
}

impl Check {
    fn parse(source: Source) -> Result<Self, ConfigError> {
        let file: CheckFile = yaml::parse(&source)?;
        let stem = source.file_name().trim_end_matches(".yaml");
        if file.id.value != stem {
            return Err(ConfigError::at(
                &source,
                file.id.referenced,
                file.id.value.chars().count(),
                "a check's id is its file's name",
                &format!("the file is named `{stem}.yaml`"),
                "rename one of the two",
            ));
        }
        Ok(Self {
            info: CheckInfo {
                id: file.id.value,
                title: file.title,
                severity: file.severity,
                references: file.references,
                rationale: file.rationale.trim().to_owned(),
                remediation: file.remediation.trim().to_owned(),
            },
            settings: file.settings,
            source,
        })
    }
}
