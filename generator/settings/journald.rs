//! `journald`: an option of the system's journal.

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

/// An option of `journald.conf(5)` and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journald {
    /// Option.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Sorts after every drop-in that packages ship.
const PATH: &str = "/etc/systemd/journald.conf.d/zz-ironseed.conf";

impl Kind for Journald {
    const SUMMARY: &'static str = "an option of the system's journal";
    const ORDER: Option<&'static str> =
        Some("an option that keeps more evidence is tighter (Storage, Seal); any other is a change");

    fn planes(&self) -> &'static [Plane] {
        match self.key.as_str() {
            "Storage" => &[Plane::Configured, Plane::Running],
            _ => &[Plane::Configured],
        }
    }

    fn wanted(&self) -> String {
        format!("{}={}", self.key, self.value)
    }

    fn subject(&self) -> String {
        self.key.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::on("value", options::journald(&self.key), &self.value)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        let content = drop_in::content("journald.conf", all.iter().map(|w| w.setting.clone()), context)?;
        bundle.write(BundleFile::config(PATH, content), &checks)?;
        let unit = context.plan.distro.unit("journal")?;
        bundle.run(Phase::Activate, &["systemctl", "restart", unit], "restart the journal", &checks);
        bundle.run(Phase::Activate, &["journalctl", "--flush"], "keep the journal on disk", &checks);
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.on_disk(look),
        }]
    }
}

impl Journald {
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let journal = match look.journald() {
            Ok(journal) => journal,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let Some((decides, losing)) = journal.option(&self.key) else {
            let reason = "no file sets it, so journald's default counts";
            return Observation::fail(plane, "not set", self.wanted(), reason)
                .at(Location::file("/etc/systemd/journald.conf"));
        };
        let found = format!("{}={}", self.key, decides.value);
        let reason = "journald takes the last value that it can read, and this line has it";
        Observation::judge(plane, decides.value == self.value, found, self.wanted(), reason)
            .at(decides.at.clone())
            .over(losing)
    }

    /// With `Storage=persistent`, the journal of this very boot is on disk.
    fn on_disk(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let header =
            look.exec().and_then(|exec| running::ask(exec, &["journalctl", "--header", "--system", "-b"]));
        match header {
            Ok(header) => {
                let paths: Vec<&str> =
                    header.lines().filter_map(|l| l.trim().strip_prefix("File path: ")).collect();
                let kept = paths.iter().any(|p| p.starts_with("/var/log/journal/"));
                let found = if kept { "the journal is on disk" } else { "the journal is in memory only" };
                let reason = "this boot's log is lost at the next one";
                Observation::judge(plane, kept, found, self.wanted(), reason)
                    .at(Location::file("journalctl --header"))
            }
            Err(why) => Observation::unobserved(plane, self.wanted(), why),
        }
    }
}
