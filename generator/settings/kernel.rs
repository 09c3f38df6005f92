//! `kernel`: the newest installed kernel is the one that boots, and on a running system the one
//! that runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::{Look, running};

/// The newest kernel boots and runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kernel {}

impl Kind for Kernel {
    const SUMMARY: &'static str = "the newest installed kernel boots, and runs";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        "the newest installed kernel".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let kernels = match look.kernels() {
            Ok(kernels) => kernels,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let Some(newest) = kernels.newest() else {
            return vec![Observation::unobserved(plane, self.wanted(), "there is no kernel in /boot")];
        };
        let wanted = format!("kernel {newest}");
        vec![match plane {
            Plane::Configured => match &kernels.boots {
                Ok(boot) => {
                    let reason = format!("GRUB would boot this one, although {newest} is installed");
                    Observation::judge(
                        plane,
                        boot.release == newest,
                        format!("kernel {}", boot.release),
                        wanted,
                        reason,
                    )
                    .at(boot.at.clone())
                }
                Err(why) => Observation::unobserved(plane, wanted, why.clone()),
            },
            Plane::Running => match look.exec().and_then(|exec| running::ask(exec, &["uname", "-r"])) {
                Ok(release) => {
                    let reason = format!("{newest} is installed and waits for a reboot");
                    let good = release.trim() == newest;
                    Observation::judge(plane, good, format!("kernel {}", release.trim()), wanted, reason)
                        .at(Location::file("uname -r"))
                }
                Err(why) => Observation::unobserved(plane, wanted, why),
            },
        }]
    }
}
