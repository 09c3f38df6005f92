//! What an image tells of its own making: what was known when the package lists were still there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::target::Root;

/// Where an image holds its [`Record`].
pub const RECORD: &str = "/usr/share/ironseed/build.json";

/// The record of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this format: 1.
    pub format: u32,
    /// Packages for which the archives had a newer version; with dnf, where they tell, one for security.
    pub pending: Vec<String>,
    /// apt's security archives that were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_release: Vec<Release>,
    /// dnf's repositories that were asked, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// SHA-256 (hex) of the package database at the end of the build: of its file, and of SQLite's log (`-wal`) behind
    /// it where that is not empty.
    #[serde(alias = "dpkg_status_sha256")]
    pub package_database_sha256: String,
    /// The stock image that it was made of; `None` for an image of packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseRecord>,
}

/// A stock image that another was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseRecord {
    /// Path or URL, as it was given.
    pub source: String,
    /// SHA-256 (hex) of its bytes.
    pub sha256: String,
}

/// An archive's Release file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Suite (`stable-security`).
    pub suite: String,
    /// Codename (`trixie-security`).
    pub codename: String,
    /// When it was made, as written there.
    pub date: String,
}

impl Record {
    /// Reads a record's bytes.
    ///
    /// # Errors
    /// In words: they are none.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| format!("{RECORD}: {error}"))
    }

    /// The record that an image holds; `None` where it holds none.
    ///
    /// # Errors
    /// In words: what is there can't be read, or is none.
    pub fn of(root: Root<'_>) -> Result<Option<Self>, String> {
        match root.read(RECORD) {
            Ok(Some(json)) => Self::parse(&json).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(format!("{RECORD}: {error}")),
        }
    }
}
