//! `release-supported`: the release still gets security updates today.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::observation::{Observation, Plane};
use crate::release::State;
use crate::verify::Look;

/// The release is not past its end of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSupported {}

impl Kind for ReleaseSupported {
    const SUMMARY: &'static str = "the release is not past its end of life";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "a release with security support".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let facts = &look.plan.distro;
        let release = match look.os_release() {
            Ok(release) => release,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let at = release.at().clone();
        let named = format!("{} {}", release.id(), release.version_id().unwrap_or("without a version"));
        if !facts.os_release.matches(release) {
            let reason =
                format!("the target is {named}, but the plan is for {}: name its own with -d", facts.title);
            return vec![Observation::fail(plane, named, facts.title.clone(), reason).at(at)];
        }
        let lifecycle = &facts.lifecycle;
        let verdict = lifecycle.on(look.today);
        let found = format!("{}: security support until {}", facts.title, lifecycle.end_of_life);
        if verdict.is_past() {
            let reason = format!("past its end of life ({}): {}", lifecycle.source, lifecycle.way_up);
            return vec![Observation::fail(plane, found, self.wanted(), reason).at(at)];
        }
        let mut seen = Observation::pass(plane, found, self.wanted()).at(at);
        if verdict.state == State::Ending {
            seen.reason = Some(format!("only {} days of security support left", verdict.days));
        }
        vec![seen]
    }
}
