//! Saved reports: reading them back, one or several to a file.
//!
//! A report that was changed since it was made, or that another version made, is refused: it would be shown as if
//! it were one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FORMAT, Report};

/// Several reports in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Version of this form and of the reports in it.
    pub version: u32,
    /// The reports, each with its own digest.
    pub reports: Vec<Report>,
    /// The machines that could not be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// A machine that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The target as the user named it.
    pub target: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Collection {
    /// Reports in the order given, and what could not be looked at.
    pub fn new(reports: Vec<Report>, failures: Vec<Failure>) -> Self {
        Self { version: FORMAT, reports, failures }
    }
}

/// Why a file's text is no report.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// No JSON, or another one.
    #[error("no report of `ironseed verify --format json`: {0}")]
    Malformed(#[from] serde_json::Error),
    /// From a program that writes another form.
    #[error("a report of version {found}; this program reads version {FORMAT}")]
    Version {
        /// What the file says.
        found: u64,
    },
    /// Its digest is another one.
    #[error("the report on {target} was changed since it was made: its digest does not fit")]
    Changed {
        /// Which of the reports.
        target: String,
    },
    /// A collection of none.
    #[error("there is no report in it")]
    Empty,
}

/// Reads one report, or a collection of them.
///
/// # Errors
/// Text that is no report, or one that was changed since it was made.
pub fn read(text: &str) -> Result<Vec<Report>, SavedError> {
    collection(text).map(|collection| collection.reports)
}

/// The same, with what could not be looked at.
///
/// # Errors
/// See [`read`].
pub fn collection(text: &str) -> Result<Collection, SavedError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
        #[serde(default)]
        reports: Option<serde::de::IgnoredAny>,
    }
    let head: Head = serde_json::from_str(text)?;
    if head.version != u64::from(FORMAT) {
        return Err(SavedError::Version { found: head.version });
    }
    let collection = match head.reports {
        Some(_) => serde_json::from_str(text)?,
        None => Collection::new(vec![serde_json::from_str(text)?], Vec::new()),
    };
    if let Some(changed) = collection.reports.iter().find(|r| r.content_digest() != r.digest) {
        return Err(SavedError::Changed { target: super::text::plain(&changed.target.name) });
    }
    if collection.reports.is_empty() { Err(SavedError::Empty) } else { Ok(collection) }
}
