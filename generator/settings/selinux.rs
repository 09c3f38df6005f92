//! `selinux`: SELinux enforces its policy after a boot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::distro::Distro;
use crate::effective::selinux::Mode;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::{Look, running};

/// SELinux enforces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selinux {}

impl Kind for Selinux {
    const SUMMARY: &'static str =
        "SELinux enforces its policy, whatever its file and the kernel's options say";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        (!distro.selinux).then(|| format!("{} has no SELinux", distro.title))
    }

    fn wanted(&self) -> String {
        "SELinux enforces".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => match look.selinux() {
                Ok(Some(selinux)) => {
                    let found = match selinux.mode.value {
                        Mode::Enforcing => "it enforces",
                        Mode::Permissive => "it only logs",
                        Mode::Off => "it is off",
                    };
                    let good = selinux.mode.value == Mode::Enforcing;
                    let boots =
                        look.kernels().and_then(|kernels| kernels.boots.as_ref().map_err(String::clone));
                    match boots {
                        Err(why) if good => {
                            let reason =
                                format!("the kernel's options, which go over the file, are unknown: {why}");
                            Observation::unobserved(plane, self.wanted(), reason)
                        }
                        _ => {
                            let reason = "this decides, and nothing is refused that the policy forbids";
                            Observation::judge(plane, good, found, self.wanted(), reason)
                        }
                    }
                    .at(selinux.mode.at.clone())
                }
                Ok(None) => {
                    let reason = "there is no /etc/selinux/config, so no policy is loaded";
                    Observation::fail(plane, "not configured", self.wanted(), reason)
                }
                Err(why) => Observation::unobserved(plane, self.wanted(), why),
            },
            Plane::Running => match look.exec().and_then(|exec| running::ask(exec, &["getenforce"])) {
                Ok(mode) => {
                    let reason = "nothing is refused that the policy forbids";
                    let good = mode.trim() == "Enforcing";
                    Observation::judge(plane, good, mode.trim(), self.wanted(), reason)
                        .at(Location::file("getenforce"))
                }
                Err(why) => Observation::unobserved(plane, self.wanted(), why),
            },
        }]
    }
}
