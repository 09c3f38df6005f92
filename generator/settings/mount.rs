//! `mount`: a filesystem is mounted with options that take rights away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::effective::fstab;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// A filesystem in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Where it is mounted.
    pub tmpfs: String,
    /// Options that must hold, such as `nodev`.
    pub options: Vec<String>,
    /// Options that are rendered and not looked at, such as `size=50%`.
    #[serde(default)]
    pub also: Vec<String>,
}

impl Kind for Mount {
    const SUMMARY: &'static str = "a filesystem in memory, mounted with options that take rights away";
    const ORDER: Option<&'static str> = Some("one option more is tighter");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("{} mounted with {}", self.tmpfs, self.options.join(","))
    }

    fn subject(&self) -> String {
        self.tmpfs.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::demanded("options", &self.options), Aspect::plain("also", self.also.join(","))]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let Mount { tmpfs, options, also } = wanted.setting;
            let options: Vec<&str> =
                ["rw"].into_iter().chain(options.iter().chain(also).map(String::as_str)).collect();
            bundle.mount(tmpfs, &format!("tmpfs {tmpfs} tmpfs {} 0 0", options.join(",")), wanted.check)?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }]
    }
}

impl Mount {
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let units = match look.systemd() {
            Ok(units) => units,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        match fstab::mount(look.root, units, &self.tmpfs) {
            Ok(Some(mount)) => self.judge(plane, &mount.options, mount.at, mount.overridden),
            Ok(None) => {
                let reason = "nothing mounts it, or not with these options";
                Observation::fail(plane, "no line", self.wanted(), reason).at(Location::file("/etc/fstab"))
            }
            Err(error) => Observation::error(plane, self.wanted(), error.to_string()),
        }
    }

    /// A line of mountinfo: `36 35 98:0 /root /point rw,nosuid - ext4 /dev/x rw`.
    fn running(&self, look: &Look<'_>) -> Observation {
        let (plane, path) = (Plane::Running, "/proc/self/mountinfo");
        let text = match look.exec().and_then(|exec| running::kernel_file(exec, path)) {
            Ok(text) => text.unwrap_or_default(),
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        // Of several at one place the last is on top.
        let line = text.lines().rfind(|l| l.split(' ').nth(4) == Some(&self.tmpfs));
        match line.and_then(|l| l.split(' ').nth(5)) {
            Some(options) => {
                let options: Vec<String> = options.split(',').map(str::to_owned).collect();
                self.judge(plane, &options, Location::file(path), Vec::new())
            }
            None => {
                Observation::fail(plane, "not mounted", self.wanted(), "it is part of another filesystem")
                    .at(Location::file(path))
            }
        }
    }

    fn judge(&self, plane: Plane, options: &[String], at: Location, losing: Vec<Location>) -> Observation {
        let missing: Vec<&str> =
            self.options.iter().filter(|o| !options.contains(o)).map(String::as_str).collect();
        let found = format!("{} {}", self.tmpfs, options.join(","));
        let reason = format!("it is mounted without {}", missing.join(", "));
        Observation::judge(plane, missing.is_empty(), found, self.wanted(), reason).at(at).over(losing)
    }
}
