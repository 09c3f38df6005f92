//! `release-supported`: the release still gets security updates today.

use jiff::ToSpan;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// The release is not past its end of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSupported {}

/// Days before the end from which the report warns.
const WARN_DAYS: i32 = 90;

impl Kind for ReleaseSupported {
    const SUMMARY: &'static str = "the release is not past its end of life";
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "a release with security support".into()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let facts = &look.plan.distro;
        let release = match look.os_release() {
            Ok(release) => release,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let at = release.at().clone();
        let named = format!("{} {}", release.id(), release.version_id().unwrap_or("without a version"));
        if release.id() != facts.os_release.id || release.version_id() != Some(&facts.os_release.version_id) {
            let reason =
                format!("the target is {named}, but the plan is for {}: name its own with -d", facts.title);
            return vec![Observation::fail(plane, named, facts.title.clone(), reason).at(at)];
        }
        let end = facts.lifecycle.end_of_life;
        let found = format!("{}: security support until {end}", facts.title);
        if look.today > end {
            let reason =
                format!("past its end of life ({}): upgrade or replace the machine", facts.lifecycle.source);
            return vec![Observation::fail(plane, found, self.wanted(), reason).at(at)];
        }
        let mut seen = Observation::pass(plane, found, self.wanted()).at(at);
        if end.checked_sub(WARN_DAYS.days()).is_ok_and(|warn| look.today >= warn) {
            let days = (end - look.today).get_days();
            seen.reason = Some(format!("only {days} days of security support left"));
        }
        vec![seen]
    }
}
