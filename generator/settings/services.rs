//! `services`: nothing starts at boot that the profile, or the distribution's own base, does not
//! name.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::effective::files::wildcard;
use crate::effective::systemd::Cause;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::parameter::Service;
use crate::verify::{Look, running};

/// The units that may start besides the distribution's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// Globs of unit names.
    pub allowed: Vec<String>,
    /// The profile's network services, whose units may start.
    pub services: Vec<Service>,
}

/// Suffixes of units that run programs, or start them on demand.
const KINDS: [&str; 4] = [".service", ".socket", ".timer", ".path"];

impl Kind for Services {
    const SUMMARY: &'static str = "nothing starts that the profile does not name";
    const ORDER: Option<&'static str> = Some("one unit more that may start is looser");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        "only units that the profile or the distribution's base names".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::allowed("units", self.allowed.iter().chain(self.services.iter().map(|s| &s.unit)))]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let found = match plane {
            Plane::Configured => self.at_boot(look),
            Plane::Running => running_units(look),
        };
        let units = match found {
            Ok(units) => units,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let allowed = self.names(look);
        let alien = units
            .iter()
            .filter(|(unit, ..)| !allowed.iter().any(|a| wildcard(a.as_bytes(), unit.as_bytes())));
        let mut seen: Vec<Observation> = alien
            .map(|(unit, how, at)| {
                let reason = format!("{how}, and the profile's allowed_units does not name it");
                Observation::fail(plane, unit.clone(), self.wanted(), reason).at(at.clone())
            })
            .collect();
        if seen.is_empty() {
            seen.push(Observation::pass(plane, format!("{} units, all named", units.len()), self.wanted()));
        }
        seen
    }
}

/// A unit, how it comes to run, and the file that says so.
type Found = (String, String, Location);

impl Services {
    /// Every name that may start.
    fn names(&self, look: &Look<'_>) -> BTreeSet<String> {
        let distro = &look.plan.distro;
        let roles = distro.units.values();
        let all = distro.base_units.values().flatten().chain(roles).chain(&self.allowed);
        let own =
            look.plan.settings().flat_map(|(_, setting)| setting.starts()).map(|unit| (*unit).to_owned());
        all.cloned().chain(self.services.iter().map(|s| s.unit.clone())).chain(own).collect()
    }

    fn at_boot(&self, look: &Look<'_>) -> Result<Vec<Found>, String> {
        let systemd = look.systemd()?;
        let started = systemd.starts_at_boot().map_err(|e| e.to_string())?;
        Ok(started
            .into_iter()
            .filter(|s| KINDS.iter().any(|k| s.unit.ends_with(k)))
            .map(|s| {
                let how = format!("it starts at boot ({} -> {})", s.chain.join(" -> "), s.unit);
                let at = match s.cause {
                    Cause::PulledIn(line) => line.at,
                    Cause::Default => Location::file(s.file),
                };
                (s.unit, how, at)
            })
            .collect())
    }
}

/// Services that run right now.
fn running_units(look: &Look<'_>) -> Result<Vec<Found>, String> {
    let command = ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"];
    let text = running::ask(look.exec()?, &command)?;
    let at = || Location::file("systemctl list-units --state=running");
    Ok(text
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .map(|unit| (unit.to_owned(), "it is running".to_owned(), at()))
        .collect())
}
