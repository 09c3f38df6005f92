//! `updates`: security updates install themselves.
//!
//! Configured: the merged apt configuration turns the timers' work on and selects the security
//! archive of *this* release. Running: a dry run of the real program on a made archive selects a
//! security update and, where only those are wanted, leaves another update alone.

mod dry_run;

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::{ArchiveSuite, Distro, UpdatesBackend};
use crate::effective::apt::{self, AptConf};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Which updates install themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Security updates alone, or all.
    pub scope: Scope,
}

/// Which updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Security updates alone.
    Security,
    /// Every update of the release.
    All,
}

#[derive(Serialize)]
struct Template {
    profile: String,
    patterns: Vec<String>,
}

impl Updates {
    fn patterns(&self, distro: &Distro) -> Vec<String> {
        let security = std::iter::once(distro.archive.security_pattern.clone());
        match self.scope {
            Scope::Security => security.collect(),
            Scope::All => security.chain(distro.archive.all_patterns.iter().cloned()).collect(),
        }
    }

    /// Whether updates of an archive are to install themselves.
    fn wants(&self, suite: &ArchiveSuite) -> bool {
        suite.role == "security" || self.scope == Scope::All
    }
}

impl Kind for Updates {
    const SUMMARY: &'static str = "security updates (or all) install themselves";

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        match self.scope {
            Scope::Security => "security updates of this release install themselves, others do not".into(),
            Scope::All => "all updates of this release install themselves".into(),
        }
    }

    fn render(all: &[Wanted<'_, Self>], context: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        let distro = &context.plan.distro;
        let checks = checks_of(all);
        for wanted in all {
            let values =
                Template { profile: context.plan.profile.clone(), patterns: wanted.setting.patterns(distro) };
            match distro.backends.updates {
                UpdatesBackend::UnattendedUpgrades => {
                    let content = context.templates.render("unattended-upgrades.conf", values)?;
                    bundle.write(BundleFile::config(distro.path("updates")?, content), &checks)?;
                }
            }
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => match look.apt_conf() {
                Ok(conf) => self.configured(look, conf),
                Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
            },
            Plane::Running => vec![self.dry_run(look)],
        }
    }
}

/// Periodic work that must be on, with what it does.
const PERIODIC: [(&str, &str); 2] = [
    ("APT::Periodic::Update-Package-Lists", "package lists are refreshed"),
    ("APT::Periodic::Unattended-Upgrade", "updates are installed"),
];

impl Updates {
    fn configured(&self, look: &Look<'_>, conf: &AptConf) -> Vec<Observation> {
        let mut seen: Vec<Observation> = PERIODIC.iter().map(|(name, what)| periodic(conf, name, what)).collect();
        seen.extend(switched_off(conf));
        seen.extend(self.selection(look, conf));
        seen.extend(sources(look));
        seen
    }
}
