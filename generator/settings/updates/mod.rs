//! `updates`: security updates install themselves.
//!
//! Configured: the merged apt configuration turns the timers' work on and selects the security
//! archive of *this* release. Running: a dry run of the real program on a made archive selects a
//! security update and, where only those are wanted, leaves another update alone.

mod dnf;
mod dry_run;
mod yum_cron;

pub use dnf::{automatic as dnf_automatic, file as dnf_file, package_conf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::{ArchiveSuite, Distro, UpdatesBackend};
use crate::effective::apt::{self, AptConf, Archive, BadRule, OriginRules, UpdatePolicy, Verdict};
use crate::location::{Location, Sourced};
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Which updates install themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Security updates alone, or all.
    pub scope: Scope,
}

/// Which updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
        let security = distro.archive.security_patterns.iter().cloned();
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
    const ORDER: Option<&'static str> =
        Some("installing every update is tighter than installing those for security alone");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        match self.scope {
            Scope::Security => "security updates of this release install themselves, others do not".into(),
            Scope::All => "all updates of this release install themselves".into(),
        }
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let (word, rank) = match self.scope {
            Scope::Security => ("security", 0),
            Scope::All => ("all", 1),
        };
        vec![Aspect::at_least("scope", word, rank)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let distro = &context.plan.distro;
        let checks = checks_of(all);
        for wanted in all {
            match distro.backends.updates {
                UpdatesBackend::DnfAutomatic | UpdatesBackend::Dnf5Automatic => {
                    dnf::file(context, bundle, &checks)?;
                }
                UpdatesBackend::YumCron => yum_cron::file(wanted.setting, context, bundle, &checks)?,
                UpdatesBackend::UnattendedUpgrades => {
                    let patterns = wanted.setting.patterns(distro);
                    let values = Template { profile: context.plan.profile.clone(), patterns };
                    let content = context.templates.render("unattended-upgrades.conf", values)?;
                    bundle.write(BundleFile::config(distro.path("updates")?, content), &checks)?;
                }
            }
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match look.plan.distro.backends.updates {
            UpdatesBackend::DnfAutomatic | UpdatesBackend::Dnf5Automatic => {
                return dnf::observe(self, look, plane);
            }
            UpdatesBackend::YumCron => return yum_cron::observe(self, look, plane),
            UpdatesBackend::UnattendedUpgrades => {}
        }
        match plane {
            Plane::Configured => match look.apt_conf() {
                Ok(conf) => self.configured(look, conf),
                Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
            },
            Plane::Running => vec![self.dry_run(look)],
        }
    }
}

impl Updates {
    fn configured(&self, look: &Look<'_>, conf: &AptConf) -> Vec<Observation> {
        let policy = UpdatePolicy::read(conf);
        let mut seen = periodic(&policy);
        seen.extend(self.selection(look, conf));
        seen.extend(kept_back(&policy));
        seen.extend(sources(look));
        seen
    }

    /// The rules select the archives of this release that they should, and no others.
    fn selection(&self, look: &Look<'_>, conf: &AptConf) -> Vec<Observation> {
        let plane = Plane::Configured;
        let distro = &look.plan.distro;
        let rules = match OriginRules::read(conf, &distro.archive.distributor, &distro.codename) {
            Ok(rules) => rules,
            Err(bad) => return vec![stops(&bad, self.wanted())],
        };
        let judge = |suite: &ArchiveSuite| {
            let wants = self.wants(suite);
            let name = suite_name(&distro.archive, suite);
            let wanted = format!("updates of {name} {}", if wants { "selected" } else { "left alone" });
            match rules.judge(&archive(suite)) {
                Ok(Verdict::AllowedBy(line)) => {
                    let reason = format!("`{}` selects updates that the profile leaves alone", line.value);
                    Observation::judge(plane, wants, format!("selected by `{}`", line.value), wanted, reason)
                        .at(line.at.clone())
                }
                Ok(Verdict::Refused | Verdict::Local) => {
                    let tried: Vec<&str> = rules.lines().map(|l| l.value.as_str()).collect();
                    let reason = format!(
                        "no rule matches {name} (origin {}, label {}), so its updates never install themselves; rules: {}",
                        suite.origin,
                        suite.label,
                        if tried.is_empty() { "none".to_owned() } else { tried.join("; ") }
                    );
                    let at = rules.lines().next().map(|l| l.at.clone());
                    Observation::judge(plane, !wants, "not selected", wanted, reason)
                        .at(at.unwrap_or_else(|| Location::file(APT_FOLDER)))
                }
                Err(bad) => stops(&bad, wanted),
            }
        };
        distro.archive.suites.iter().filter(|s| s.role != "release" || !self.wants(s)).map(judge).collect()
    }
}

/// Where most of apt's configuration stands.
const APT_FOLDER: &str = "/etc/apt/apt.conf.d";

/// The periodic jobs run: switched on, and with an interval each.
fn periodic(policy: &UpdatePolicy) -> Vec<Observation> {
    let plane = Plane::Configured;
    let mut seen = Vec::new();
    for line in &policy.broken {
        let reason = "apt refuses its configuration because of this line, so nothing is updated";
        let found = format!("`{}`", line.value);
        seen.push(
            Observation::fail(plane, found, "a configuration that apt reads", reason).at(line.at.clone()),
        );
    }
    if let Some(off) = policy.enable.as_ref().filter(|e| !e.value) {
        let reason = "this switches every periodic job off";
        let wanted = "APT::Periodic::Enable 1";
        seen.push(Observation::fail(plane, "APT::Periodic::Enable 0", wanted, reason).at(off.at.clone()));
    }
    for (name, what, job) in [
        ("APT::Periodic::Update-Package-Lists", "package lists are refreshed", &policy.update_lists),
        ("APT::Periodic::Unattended-Upgrade", "updates are installed", &policy.unattended_upgrade),
    ] {
        let wanted = format!("{name} 1, so that {what}");
        seen.push(match job {
            Some(job) if job.value.runs() => {
                Observation::pass(plane, format!("{name}: {:?}", job.value), wanted).at(job.at.clone())
            }
            Some(job) => {
                let reason = format!("with this value it is never so that {what}");
                Observation::fail(plane, format!("{name}: {:?}", job.value), wanted, reason)
                    .at(job.at.clone())
            }
            None => {
                let reason = format!("no file sets it, and the default is off: it is never so that {what}");
                Observation::fail(plane, format!("{name} not set"), wanted, reason)
                    .at(Location::file(APT_FOLDER))
            }
        });
    }
    seen
}

/// Packages and days that are left out.
fn kept_back(policy: &UpdatePolicy) -> Vec<Observation> {
    let plane = Plane::Configured;
    let lists = [
        (&policy.blacklist, "these packages are never updated"),
        (&policy.whitelist, "only these packages are updated"),
        (&policy.update_days, "updates wait for these days"),
    ];
    let judge = |(list, reason): (&Vec<Sourced<String>>, &str)| {
        list.iter()
            .map(|line| {
                let found = format!("`{}`", line.value);
                Observation::fail(plane, found, "every package, every day", reason).at(line.at.clone())
            })
            .collect::<Vec<_>>()
    };
    lists.into_iter().flat_map(judge).collect()
}

/// The security archive of this release is among apt's sources, and apt reads them.
fn sources(look: &Look<'_>) -> Vec<Observation> {
    let plane = Plane::Configured;
    let wanted = "the security archive of this release among the sources";
    let sources = match look.apt_sources() {
        Ok(sources) => sources,
        Err(why) => return vec![Observation::unobserved(plane, wanted, why)],
    };
    if let Some(line) = sources.broken.first() {
        let reason = "apt refuses its sources because of this line, so nothing is updated";
        return vec![
            Observation::fail(plane, format!("`{}`", line.value), wanted, reason).at(line.at.clone()),
        ];
    }
    let archive = &look.plan.distro.archive;
    let security = archive.suites.iter().filter(|s| s.role == "security");
    let judge = |suite: &ArchiveSuite| {
        // A suite may have a folder behind it.
        let names = |s: &String| {
            archive.is_named(suite, s) || archive.is_named(suite, s.split('/').next().unwrap_or(s))
        };
        let binary = |s: &&apt::Source| s.types.iter().any(|t| t == "deb") && s.suites.iter().any(names);
        match sources.enabled.iter().find(binary) {
            Some(source) => {
                let found = format!("{} {}", source.uris.join(" "), source.suites.join(" "));
                Observation::pass(plane, found, wanted).at(source.at.clone())
            }
            None => {
                let reason = format!(
                    "no source has the suite {}, so there is nothing to select",
                    suite_name(archive, suite)
                );
                let at = Location::file("/etc/apt/sources.list");
                Observation::fail(plane, "no such source", wanted, reason).at(at)
            }
        }
    };
    security.map(judge).collect()
}

/// The name by which people know a suite.
fn suite_name<'s>(archive: &crate::distro::Archive, suite: &'s ArchiveSuite) -> &'s str {
    if let Some(named) = &suite.named {
        return named;
    }
    if archive.is_named(suite, &suite.codename) { &suite.codename } else { &suite.suite }
}

fn stops(bad: &BadRule, wanted: String) -> Observation {
    let found = format!("`{}`", bad.rule.value);
    let reason = format!("unattended-upgrades stops here: {}", bad.reason);
    Observation::fail(Plane::Configured, found, wanted, reason).at(bad.rule.at.clone())
}

/// An archive of this release as apt would know it.
fn archive(suite: &ArchiveSuite) -> Archive {
    Archive {
        origin: suite.origin.clone(),
        label: suite.label.clone(),
        suite: suite.suite.clone(),
        codename: suite.codename.clone(),
        component: "main".into(),
        site: String::new(),
    }
}
