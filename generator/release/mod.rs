//! A release of a distribution: who it is and how long it is supported. Some are known by this alone;
//! for the others `images/` holds every fact, which is [`crate::distro`]'s business.
//!
//! Owns what a release's file says of its identity and dates. Knows nothing of rendering.

mod file;
pub mod refresh;
mod verdict;

pub use file::{Document, documents};
pub use verdict::{State, Verdict, WARN_DAYS};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;

/// What is known of every release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// Slug: the file's name.
    pub id: String,
    /// Name and code name.
    pub title: String,
    /// What `/etc/os-release` says; some systems have none.
    #[serde(default)]
    pub os_release: Option<OsRelease>,
    /// Code name, where the archive has one.
    #[serde(default)]
    pub codename: Option<String>,
    /// Dates of support.
    pub lifecycle: Lifecycle,
    /// Nothing but this is known: it can't be rendered, built or verified.
    #[serde(default)]
    pub known_only: bool,
}

/// Identity as in `/etc/os-release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OsRelease {
    /// `ID=`.
    pub id: String,
    /// `VERSION_ID=`, or its first part where minor releases follow each other within one release.
    pub version_id: String,
    /// `NAME=`, where two releases have `ID` and `VERSION_ID` in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl OsRelease {
    /// Whether a system that describes itself so is of this release.
    pub fn matches(&self, found: &crate::effective::os_release::OsRelease) -> bool {
        let version = found.version_id().unwrap_or_default();
        let minor = version.strip_prefix(self.version_id.as_str());
        let name = self.name.as_ref().is_none_or(|n| found.get("NAME").is_some_and(|f| f.value == *n));
        found.id() == self.id && name && minor.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// When a release is supported. A day that is named as an end is the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// Day of release.
    pub released: Date,
    /// Last day of regular support.
    pub end_of_support: Date,
    /// Last day with security updates at all (free long-term support included).
    pub end_of_life: Date,
    /// Who says so.
    pub source: String,
    /// Others that name another end of life.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherSource>,
    /// How endoflife.date calls it: product and cycle, with a slash in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked_as: Option<String>,
    /// Whether what trackers call extended support is free for all, so that it counts.
    #[serde(default)]
    pub extended_support_counts: bool,
    /// How one gets from it to a supported release.
    pub way_up: String,
    /// How its updates are installed by hand.
    pub patch: String,
    /// What has to be done before a machine of it is copied as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_snapshot: Option<String>,
}

/// A source that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherSource {
    /// Who.
    pub source: String,
    /// The last day that it names.
    pub end_of_life: Date,
}

/// Every release there is a file for, by name of the file.
///
/// # Errors
/// A broken file.
pub fn all(assets: &Assets) -> Result<Vec<Release>, ConfigError> {
    documents(assets)?.iter().map(Document::release).collect()
}

/// The release that a system's own description names, if it is known.
///
/// # Errors
/// A broken file.
pub fn of_system(
    found: &crate::effective::os_release::OsRelease,
    assets: &Assets,
) -> Result<Option<Release>, ConfigError> {
    let is_it = |r: &Release| r.os_release.as_ref().is_some_and(|o| o.matches(found));
    Ok(all(assets)?.into_iter().find(is_it))
}

/// Fields that a file of a release that is known only may have.
const KNOWN_FIELDS: [&str; 6] = ["id", "title", "os_release", "codename", "lifecycle", "known_only"];

impl Document {
    /// The release that the file is about.
    ///
    /// # Errors
    /// A missing or unknown field, with the file's name.
    pub fn release(&self) -> Result<Release, ConfigError> {
        let broken = |why: String| ConfigError::plain(format!("{}: {why}", self.name));
        let release: Release = serde_path_to_error::deserialize(self.facts.clone())
            .map_err(|e| broken(format!("(with what it extends): at `{}`: {}", e.path(), e.inner())))?;
        let alien = self.own.iter().find(|key| !KNOWN_FIELDS.contains(&key.as_str()));
        if let (true, Some(key)) = (release.known_only, alien) {
            return Err(broken(format!("`{key}` is no field of a release that is known only")));
        }
        Ok(release)
    }

    /// Every fact that the file and its families state.
    pub fn facts(&self) -> &Value {
        &self.facts
    }
}
