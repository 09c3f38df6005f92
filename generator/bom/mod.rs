//! A target's bill of materials, out of its own package database.
//!
//! Owns which packages are named and how they are identified, and the two forms of the field:
//! `cyclonedx` 1.6 and `spdx` 2.3. Must not know what anybody wants installed.
//!
//! What was copied in past the package manager is in no database, and so in no bill.

mod cyclonedx;
mod inventory;
mod purl;
mod spdx;
#[cfg(test)]
mod tests;
mod uuid;

use clap::ValueEnum;
use jiff::Timestamp;

pub use inventory::{Component, Inventory, Source, System};

use crate::hash::Digests;

/// The forms of a bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// CycloneDX 1.6, JSON.
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// SPDX 2.3, JSON.
    Spdx,
}

/// What a bill is about, and when it was made.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The image's file name, or the directory's.
    pub name: String,
    /// Of its bytes; a directory has none.
    pub digests: Option<Digests>,
    /// When the bill was made; both forms keep seconds only.
    pub made: Timestamp,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::CycloneDx, Self::Spdx];

    /// What follows an image's name in the bill's, as the tools of the field know it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::CycloneDx => "cdx.json",
            Self::Spdx => "spdx.json",
        }
    }

    /// The bill as JSON. The same inventory, subject and time give the same bytes.
    ///
    /// # Errors
    /// None in practice: everything in it can be written as JSON.
    pub fn write(self, inventory: &Inventory, subject: &Subject) -> serde_json::Result<String> {
        Ok(match self {
            Self::CycloneDx => serde_json::to_string_pretty(&cyclonedx::bill(inventory, subject)),
            Self::Spdx => serde_json::to_string_pretty(&spdx::bill(inventory, subject)),
        }? + "\n")
    }
}

/// `2026-11-23T21:00:00Z`.
fn seconds(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A bill's own number, out of all that makes it another than the next.
fn number(form: &str, inventory: &Inventory, subject: &Subject) -> String {
    let sha256 = subject.digests.as_ref().map_or("", |digests| digests.sha256.as_str());
    let made = seconds(subject.made);
    let mut parts = vec![form, VERSION, &subject.name, sha256, &made];
    parts.extend(inventory.components.iter().map(|package| package.purl.as_str()));
    uuid::urn(&parts)
}

/// The version of this program, as both forms name it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
