//! `kernel-argument`: an argument of the kernel's command line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, options};
use super::{Kind, Wanted, checks_of, drop_in};
use crate::diagnostic::ConfigError;
use crate::distro::BootBackend;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// An argument and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelArgument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Where GRUB's defaults take more arguments, and the files that give them: the second sees to it
/// that no drop-in in between has dropped them. The boot menu is made of both: by the image's
/// builder, and by `update-grub` on a running machine.
const FILES: [(&str, &str); 2] =
    [("/etc/default/grub", "grub-defaults"), ("/etc/default/grub.d/60-ironseed.cfg", "grub-arguments.cfg")];

#[derive(Serialize)]
struct Template {
    profile: String,
    arguments: String,
}

impl Kind for KernelArgument {
    const SUMMARY: &'static str = "an argument of the kernel that boots by default, and of the one that runs";
    const ORDER: Option<&'static str> =
        Some("each argument has its own scale; one without a scale has no order");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("kernel argument {}={}", self.name, self.value)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::on("value", options::kernel_argument(&self.name), &self.value)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        let wanted = drop_in::each_once(all.iter().map(|w| w.setting));
        let arguments: Vec<String> = wanted.iter().map(|a| format!("{}={}", a.name, a.value)).collect();
        if context.plan.distro.backends.boot == BootBackend::Grubby {
            let arguments = format!("--args={}", arguments.join(" "));
            let argv = ["grubby", "--update-kernel=ALL", &arguments];
            bundle.run(Phase::Configure, &argv, "give the kernels their arguments", &checks);
            return Ok(());
        }
        for (path, template) in FILES {
            let values = Template { profile: context.plan.profile.clone(), arguments: arguments.join(" ") };
            let content = context.templates.render(template, values)?;
            bundle.write(BundleFile::config(path, content), &checks)?;
        }
        bundle.run(Phase::Activate, &["update-grub"], "write the boot menu anew", &checks);
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }]
    }
}

impl KernelArgument {
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let boot = match look.kernels().map(|kernels| &kernels.boots) {
            Ok(Ok(boot)) => boot,
            Ok(Err(why)) => return Observation::unobserved(plane, self.wanted(), why),
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        self.judge(plane, boot.argument(&self.name)).at(boot.at.clone())
    }

    fn running(&self, look: &Look<'_>) -> Observation {
        let (plane, path) = (Plane::Running, "/proc/cmdline");
        match look.exec().and_then(|exec| running::kernel_file(exec, path)) {
            Ok(text) => {
                let text = text.unwrap_or_default();
                let mut values = text.split_whitespace().rev().filter_map(|a| a.split_once('='));
                let value = values.find(|(name, _)| *name == self.name).map(|(_, value)| value);
                self.judge(plane, value).at(Location::file(path))
            }
            Err(why) => Observation::unobserved(plane, self.wanted(), why),
        }
    }

    fn judge(&self, plane: Plane, value: Option<&str>) -> Observation {
        let found = value.map_or_else(|| "not given".into(), |value| format!("{}={value}", self.name));
        let reason = "the kernel takes the last value on its command line";
        Observation::judge(plane, value == Some(&self.value), found, self.wanted(), reason)
    }
}
