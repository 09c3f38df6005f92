//! `update-reboot`: the machine says whether and when it reboots after an update.

mod dnf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, Direction};
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::UpdatesBackend;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Whether and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateReboot {
    /// Whether the machine reboots by itself when an update needs it.
    pub automatic: bool,
    /// Local time of day, `HH:MM`.
    pub time: String,
}

/// Sorts after the file that the `updates` kind writes.
const PATH: &str = "/etc/apt/apt.conf.d/99-ironseed-reboot";

#[derive(Serialize)]
struct Template {
    profile: String,
    automatic: bool,
    time: String,
}

impl Kind for UpdateReboot {
    const SUMMARY: &'static str = "whether and when the machine reboots after an update";
    const ORDER: Option<&'static str> =
        Some("a machine that reboots by itself is tighter; another time is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        if self.automatic {
            format!("automatic reboot at {}", self.time)
        } else {
            "no automatic reboot".into()
        }
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let reboot = if self.automatic { "automatic" } else { "by hand" };
        vec![Aspect::at_least("reboot", reboot, self.automatic), Aspect::plain("time", &self.time)]
    }

    fn presence(&self) -> Direction {
        if self.automatic { Direction::Tighter } else { Direction::Unordered }
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        if context.plan.distro.backends.updates != UpdatesBackend::UnattendedUpgrades {
            return all.iter().try_for_each(|w| dnf::render(w.setting, context, bundle, w.check));
        }
        for wanted in all {
            let values = Template {
                profile: context.plan.profile.clone(),
                automatic: wanted.setting.automatic,
                time: wanted.setting.time.clone(),
            };
            let content = context.templates.render("update-reboot.conf", values)?;
            bundle.write(BundleFile::config(PATH, content), &[wanted.check])?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        if look.plan.distro.backends.updates != UpdatesBackend::UnattendedUpgrades {
            return dnf::observe(self, look);
        }
        let conf = match look.apt_conf() {
            Ok(conf) => conf,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        if let Some(line) = conf.broken().first() {
            let reason = "apt refuses its configuration because of this line, so no policy holds";
            let found = format!("`{}`", line.value);
            return vec![Observation::fail(plane, found, self.wanted(), reason).at(line.at.clone())];
        }
        let name = "Unattended-Upgrade::Automatic-Reboot";
        // unattended-upgrades' own default is not to reboot; a stated policy is wanted all the same.
        let stated = conf.boolean(name);
        let mut seen = vec![match &stated {
            Some(value) => {
                let reason = format!("{name} decides, and the profile says {}", self.automatic);
                let good = value.value == self.automatic;
                Observation::judge(plane, good, format!("{name} {}", value.value), self.wanted(), reason)
                    .at(value.at.clone())
            }
            None => {
                let reason = "no file states a policy, and the default leaves new kernels asleep";
                Observation::fail(plane, format!("{name} not set"), self.wanted(), reason)
                    .at(Location::file("/etc/apt/apt.conf.d"))
            }
        }];
        if self.automatic {
            let name = "Unattended-Upgrade::Automatic-Reboot-Time";
            seen.push(match conf.get(name) {
                Some(time) => {
                    let reason = format!("{name} decides, and the profile says {}", self.time);
                    let good = time.value == self.time;
                    Observation::judge(plane, good, format!("at {}", time.value), self.wanted(), reason)
                        .at(time.at.clone())
                }
                None => {
                    Observation::fail(plane, "no time", self.wanted(), "it would reboot at once, at any hour")
                        .at(Location::file("/etc/apt/apt.conf.d"))
                }
            });
        }
        seen
    }
}
