//! `pending-updates`: no security update was pending when the image was built.
//!
//! Two witnesses: what the package manager keeps of its repositories, where the target still has it; else the
//! record that the build left, which holds only for the package database that it was made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use super::updates::package_conf;
use crate::build::{RECORD, Record};
use crate::distro::ArchiveSuite;
use crate::effective::packages::Packages;
use crate::effective::{apt, dnf, dpkg, rpm};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// Nothing was pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PendingUpdates {}

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
        let listed = match packages {
            Packages::Dpkg(database) => self.by_apt(look, plane, database),
            Packages::Rpm(database) => self.by_dnf(look, plane, database),
        };
        listed.unwrap_or_else(|| vec![self.recorded(look, plane, packages)])
    }
}

impl PendingUpdates {
    /// What apt's package lists say; `None` where there are none.
    fn by_apt(&self, look: &Look<'_>, plane: Plane, installed: &dpkg::Database) -> Option<Vec<Observation>> {
        let of_release = &look.plan.distro.archive;
        let is_security = |archive: &apt::Archive| {
            let named = |s: &ArchiveSuite| match &s.named {
                Some(_) => s.suite == archive.suite,
                None => [&archive.suite, &archive.codename].iter().any(|n| of_release.is_named(s, n)),
            };
            of_release.suites.iter().any(|s| s.role == "security" && named(s) && s.label == archive.label)
        };
        let pending = match apt::pending_upgrades(look.root, installed, is_security) {
            Ok(pending) => pending?,
            Err(error) => return Some(vec![Observation::error(plane, self.wanted(), error.to_string())]),
        };
        if pending.is_empty() {
            let at = Location::file("/var/lib/apt/lists");
            return Some(vec![Observation::pass(plane, "none by the package lists", self.wanted()).at(at)]);
        }
        let judge = |p: &apt::Pending| {
            let found = format!("{} {} -> {}", p.package, p.installed, p.candidate.value);
            let reason = "the security archive has a newer version";
            Observation::fail(plane, found, self.wanted(), reason).at(p.candidate.at.clone())
        };
        Some(pending.iter().map(judge).collect())
    }

    /// What dnf's metadata says; `None` where there is none, or none that tells of security.
    fn by_dnf(&self, look: &Look<'_>, plane: Plane, installed: &rpm::Database) -> Option<Vec<Observation>> {
        if !look.plan.distro.archive.advisories {
            return None;
        }
        let error = |text: String| Some(vec![Observation::error(plane, self.wanted(), text)]);
        let main = match dnf::main_conf(&look.root, package_conf(&look.plan.distro)) {
            Ok(Ok(main)) => main,
            Ok(Err(problem)) => return error(format!("{}: {}", problem.at, problem.value)),
            Err(why) => return error(why.to_string()),
        };
        let found = dnf::repositories(&look.root, &main)
            .and_then(|(repositories, _)| dnf::advisories(&look.root, &repositories, installed));
        let found = match found {
            Ok(found) => found,
            Err(why) => return error(why.to_string()),
        };
        if found.known.is_empty() {
            return None;
        }
        let judge = |p: &dnf::Pending| {
            let (name, architecture) = (&p.package, &p.architecture);
            let shown = format!("{name}.{architecture} {} -> {}", p.installed, p.candidate.value);
            let reason = format!("{} says that this is a security update", p.advisory);
            Observation::fail(plane, shown, self.wanted(), reason).at(p.candidate.at.clone())
        };
        let mut seen: Vec<Observation> = found.pending.iter().map(judge).collect();
        seen.extend(
            found
                .unknown
                .into_iter()
                .map(|unknown| Observation::unobserved(plane, self.wanted(), unknown.value).at(unknown.at)),
        );
        if seen.is_empty() {
            let shown = format!("none by the advisories of {}", found.known.join(", "));
            seen.push(Observation::pass(plane, shown, self.wanted()));
        }
        Some(seen)
    }

    fn recorded(&self, look: &Look<'_>, plane: Plane, packages: &Packages) -> Observation {
        let at = Location::file(RECORD);
        let (record, database) = match (Record::of(look.root), packages.sha256(look.root)) {
            (Ok(Some(record)), Ok(database)) => (record, database),
            (Ok(None), _) => {
                let reason = "there are no package lists and no record of the build, so nobody knows";
                return Observation::unobserved(plane, self.wanted(), reason);
            }
            (Err(error), _) => return Observation::error(plane, self.wanted(), error).at(at),
            (_, Err(error)) => return Observation::error(plane, self.wanted(), error.to_string()),
        };
        if record.package_database_sha256 != database {
            let reason = "packages were changed after the build took its record, so it proves nothing";
            return Observation::unobserved(plane, self.wanted(), reason).at(at);
        }
        let found = match record.pending[..] {
            [] => "none by the build's record".to_owned(),
            _ => record.pending.join(", "),
        };
        let reason = "the build's record names pending updates";
        Observation::judge(plane, record.pending.is_empty(), found, self.wanted(), reason).at(at)
    }
}
