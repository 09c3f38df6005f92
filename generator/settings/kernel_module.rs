//! `kernel-module`: a module that can't be loaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted, checks_of, drop_in};
use crate::diagnostic::ConfigError;
use crate::effective::modprobe::underscored;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// A module that is wanted out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// Its name, dashes or underscores.
    pub off: String,
}

/// For one module the first `install` line wins, so this sorts before what packages ship.
const PATH: &str = "/etc/modprobe.d/00-ironseed.conf";

/// Programs that load nothing.
const NOTHING: [&str; 4] = ["/bin/false", "/usr/bin/false", "/bin/true", "/usr/bin/true"];

impl Kind for KernelModule {
    const SUMMARY: &'static str = "a kernel module that can't be loaded, and is not";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("module {} can't be loaded", self.off)
    }

    fn subject(&self) -> String {
        self.off.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let content = drop_in::content("modprobe.conf", all.iter().map(|w| w.setting.off.clone()), context)?;
        bundle.write(BundleFile::config(PATH, content), &checks_of(all))?;
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => vec![self.running(look)],
        }
    }
}

impl KernelModule {
    /// `install` keeps it from being loaded by name, and `blacklist` for a device.
    fn configured(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Configured;
        let config = match look.modprobe() {
            Ok(config) => config,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let folder = || Location::file("/etc/modprobe.d");
        let by_name = match config.install(&self.off) {
            Some(found) => {
                let good = found.value.value.split_whitespace().next().is_some_and(|p| NOTHING.contains(&p));
                let shown = format!("install {} {}", self.off, found.value.value);
                let reason = "this line comes first, and its command may load the module";
                Observation::judge(plane, good, shown, self.wanted(), reason)
                    .at(found.value.at)
                    .over(found.overridden.into_iter().map(|l| l.at).collect())
            }
            None => {
                let reason = "no `install` line keeps modprobe from loading it";
                Observation::fail(plane, "no install line", self.wanted(), reason).at(folder())
            }
        };
        let for_device = match config.blacklisted(&self.off) {
            Some(at) => {
                Observation::pass(plane, format!("blacklist {}", self.off), self.wanted()).at(at.clone())
            }
            None => {
                let reason = "no `blacklist` line keeps a device from asking for it";
                Observation::fail(plane, "no blacklist line", self.wanted(), reason).at(folder())
            }
        };
        vec![by_name, for_device]
    }

    fn running(&self, look: &Look<'_>) -> Observation {
        let (plane, path) = (Plane::Running, "/proc/modules");
        let name = underscored(&self.off);
        match look.exec().and_then(|exec| running::kernel_file(exec, path)) {
            Ok(modules) => {
                // A kernel without modules has no such file.
                let loaded =
                    modules.iter().flat_map(|m| m.lines()).any(|l| l.split(' ').next() == Some(&name));
                let found = if loaded { "loaded" } else { "not loaded" };
                Observation::judge(plane, !loaded, found, self.wanted(), "it is in the kernel right now")
                    .at(Location::file(path))
            }
            Err(why) => Observation::unobserved(plane, self.wanted(), why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn what_is_rendered_passes_until_something_that_wins_shadows_it() {
        let machine = Machine::of(&[Setting::KernelModule(KernelModule { off: "usb-storage".into() })]);
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put(
            "/etc/modprobe.d/zz.conf",
            "install usb_storage /sbin/modprobe --ignore-install usb_storage\n",
        );
        assert_eq!(machine.configured(), [Pass, Pass], "it comes later and loses");
        machine.put("/usr/lib/modprobe.d/00-a.conf", "install usb* /sbin/modprobe -i usb_storage\n");
        assert_eq!(machine.configured(), [Fail, Pass], "it comes first and wins");
    }
}
