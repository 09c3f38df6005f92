//! `pending-updates`: no security update was pending when the image was built.
//!
//! Two witnesses: the package lists, where the target still has them; else the record that the
//! build left, which holds only for the package database that it was made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::build::RECORD;
use crate::effective::apt;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// Nothing was pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PendingUpdates {}

/// The package database that the record is bound to.
const DATABASE: &str = "/var/lib/dpkg/status";

/// What a build records, before it removes the package lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of this form.
    pub format: u32,
    /// Packages for which a newer version was to be had.
    pub pending: Vec<String>,
    /// SHA-256 (hex) of the package database at the end of the build.
    pub dpkg_status_sha256: String,
}

impl Kind for PendingUpdates {
    const SUMMARY: &'static str = "no security update was pending when the image was built";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "no pending security update".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let packages = match look.packages() {
            Ok(packages) => packages,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let of_release = &look.plan.distro.archive;
        let is_security = |archive: &apt::Archive| {
            let named = |s| [&archive.suite, &archive.codename].iter().any(|n| of_release.is_named(s, n));
            of_release.suites.iter().any(|s| s.role == "security" && named(s) && s.label == archive.label)
        };
        let pending = match apt::pending_upgrades(look.root, packages, is_security) {
            Ok(Some(pending)) => pending,
            Ok(None) => return vec![self.recorded(look, plane)],
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        if pending.is_empty() {
            return vec![
                Observation::pass(plane, "none by the package lists", self.wanted())
                    .at(Location::file("/var/lib/apt/lists")),
            ];
        }
        let judge = |p: &apt::Pending| {
            let found = format!("{} {} -> {}", p.package, p.installed, p.candidate.value);
            let reason = "the security archive has a newer version";
            Observation::fail(plane, found, self.wanted(), reason).at(p.candidate.at.clone())
        };
        pending.iter().map(judge).collect()
    }
}

impl PendingUpdates {
    fn recorded(&self, look: &Look<'_>, plane: Plane) -> Observation {
        let at = Location::file(RECORD);
        let (record, database) = match (look.root.read(RECORD), look.root.read(DATABASE)) {
            (Ok(Some(record)), Ok(Some(database))) => (record, database),
            (Ok(None), _) => {
                let reason = "there are no package lists and no record of the build, so nobody knows";
                return Observation::unobserved(plane, self.wanted(), reason);
            }
            (_, Ok(None)) => {
                return Observation::unobserved(plane, self.wanted(), "there is no package database");
            }
            (Err(error), _) | (_, Err(error)) => {
                return Observation::error(plane, self.wanted(), error.to_string());
            }
        };
        let record: Record = match serde_json::from_slice(&record) {
            Ok(record) => record,
            Err(error) => {
                return Observation::error(plane, self.wanted(), format!("{RECORD}: {error}")).at(at);
            }
        };
        if record.dpkg_status_sha256 != crate::hash::bytes(&database) {
            let reason = "packages were changed after the build took its record, so it proves nothing";
            return Observation::fail(plane, "a record of other packages", self.wanted(), reason).at(at);
        }
        let found = match record.pending[..] {
            [] => "none by the build's record".to_owned(),
            _ => record.pending.join(", "),
        };
        let reason = "the build's record names pending updates";
        Observation::judge(plane, record.pending.is_empty(), found, self.wanted(), reason).at(at)
    }
}
