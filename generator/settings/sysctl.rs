//! `sysctl`: a switch of the kernel, as the boot sets it and as the running kernel has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, options};
use super::{Kind, Wanted, checks_of, drop_in};
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// A switch and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// Name with dots, as `sysctl(8)` shows it.
    pub key: String,
    /// Its value; several numbers are parted by one blank.
    pub value: String,
}

/// Sorts after every file that packages ship, `99-sysctl.conf` among them.
const PATH: &str = "/etc/sysctl.d/99-zz-ironseed.conf";

impl Kind for Sysctl {
    const SUMMARY: &'static str = "a switch of the kernel: set at boot, and set right now";
    const ORDER: Option<&'static str> =
        Some("each switch has its own scale; one without a scale has no order");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("{} = {}", self.key, self.value)
    }

    fn subject(&self) -> String {
        self.key.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::on("value", options::sysctl(&self.key), &self.value)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        let content = drop_in::content("sysctl.conf", all.iter().map(|w| w.setting.clone()), context)?;
        bundle.write(BundleFile::config(PATH, content), &checks)?;
        let unit = context.plan.distro.unit("sysctl")?;
        bundle.run(Phase::Activate, &["systemctl", "restart", unit], "set the kernel's switches", &checks);
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }]
    }
}

impl Sysctl {
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let sysctls = match look.sysctls() {
            Ok(sysctls) => sysctls,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let Some(found) = sysctls.get(&self.key) else {
            let reason = "no file sets it at boot, so the kernel's own default stays";
            return Observation::fail(plane, "not set", self.wanted(), reason)
                .at(Location::file("/etc/sysctl.d"));
        };
        let shown = format!("{} = {}", self.key, found.value.value);
        let reason = "this line comes last, and the last one wins";
        Observation::judge(
            plane,
            single_blanks(&found.value.value) == self.value,
            shown,
            self.wanted(),
            reason,
        )
        .at(found.value.at)
        .over(found.overridden.into_iter().map(|l| l.at).collect())
    }

    fn running(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let path = format!("/proc/sys/{}", self.key.replace('.', "/"));
        match look.exec().and_then(|exec| running::kernel_file(exec, &path)) {
            Ok(Some(value)) => {
                let value = single_blanks(&value);
                let reason = "the kernel has this value right now";
                let shown = format!("{} = {value}", self.key);
                Observation::judge(plane, value == self.value, shown, self.wanted(), reason)
                    .at(Location::file(path))
            }
            Ok(None) => {
                let reason = "the running kernel has no such switch, so what it guards is as it was built";
                Observation::fail(plane, "no such switch", self.wanted(), reason).at(Location::file(path))
            }
            Err(why) => Observation::unobserved(plane, self.wanted(), why),
        }
    }
}

/// The kernel parts numbers by tabs.
fn single_blanks(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome;
    use crate::settings::{Setting, fixture::Machine};

    fn switch(key: &str, value: &str) -> Setting {
        Setting::Sysctl(Sysctl { key: key.into(), value: value.into() })
    }

    #[test]
    fn what_is_rendered_passes_until_something_that_wins_shadows_it() {
        let wanted = [switch("kernel.sysrq", "0"), switch("net.ipv4.ip_local_port_range", "32768 65535")];
        let machine = Machine::of(&wanted);
        assert_eq!(machine.configured(), [Outcome::Pass; 2]);
        machine.put("/usr/lib/sysctl.d/99-zzz.conf", "-net.ipv4.ip_local_port_range = 1 2\n");
        machine.put("/etc/sysctl.d/00-early.conf", "kernel.sysrq = 1\n");
        assert_eq!(machine.configured(), [Outcome::Pass, Outcome::Fail]);
        machine.put("/run/sysctl.d/99-zz-ironseed.conf", "kernel.sysrq = 1\n");
        assert_eq!(machine.configured(), [Outcome::Pass, Outcome::Fail], "/etc shadows /run");
        machine.put("/etc/sysctl.d/99-zz-ironseed.conf", "");
        assert_eq!(machine.configured(), [Outcome::Fail; 2]);
    }
}
