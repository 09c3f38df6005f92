//! `updates` and `update-reboot` where dnf-automatic installs: one file for both, and what is seen of
//! the first.

use serde::Serialize;

use super::{Scope, Updates};
use crate::diagnostic::ConfigError;
use crate::distro::{Distro, PackageBackend, UpdatesBackend};
use crate::effective::dnf::{self, Automatic, Generation, Invocation, UpgradeType};
use crate::location::{Location, Sourced};
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::settings::Setting;
use crate::verify::Look;

#[derive(Serialize)]
struct Template {
    profile: String,
    upgrade_type: &'static str,
    /// `when-needed` or `never`; `None` where the program does not know it.
    reboot: Option<&'static str>,
    /// Time of day of a reboot.
    time: Option<String>,
}

/// Writes dnf-automatic's file for all settings of the plan that are about it.
///
/// # Errors
/// A template that fails, or a conflict with another item.
pub fn file(context: &Context<'_>, bundle: &mut Bundle, checks: &[&str]) -> Result<(), ConfigError> {
    let distro = &context.plan.distro;
    let settings = || context.plan.settings().map(|(_, setting)| setting);
    let updates = settings().find_map(|s| if let Setting::Updates(u) = s { Some(u) } else { None });
    let reboot = settings().find_map(|s| if let Setting::UpdateReboot(r) = s { Some(r) } else { None });
    let reboot = reboot.filter(|_| distro.archive.reboots);
    let values = Template {
        profile: context.plan.profile.clone(),
        upgrade_type: match updates {
            Some(updates) if updates.scope == Scope::Security && distro.archive.advisories => "security",
            _ => "default",
        },
        reboot: reboot.map(|r| if r.automatic { "when-needed" } else { "never" }),
        time: reboot.filter(|r| r.automatic).map(|r| r.time.clone()),
    };
    let content = context.templates.render("dnf-automatic.conf", values)?;
    bundle.write(BundleFile::config(distro.path("updates")?, content), checks)?;
    Ok(())
}

/// What a run that the release's timer starts would do. The inner `Err` is a sentence.
///
/// # Errors
/// A target that can't be read.
pub fn automatic(look: &Look<'_>) -> Result<Automatic, String> {
    let distro = &look.plan.distro;
    let generation = match distro.backends.updates {
        UpdatesBackend::Dnf5Automatic => Generation::Dnf5,
        _ => Generation::Dnf4,
    };
    let timer = distro.unit("updates-install").map_err(|e| e.to_string())?;
    let service = timer.replace(".timer", ".service");
    let unit = look.systemd()?.unit(&service).map_err(|e| e.to_string())?;
    let command = unit.as_ref().and_then(|u| u.last("Service", "ExecStart")).map(|line| line.value.clone());
    let words: Vec<&str> = command.iter().flat_map(|c| c.split_whitespace()).collect();
    match dnf::automatic(&look.root, generation, Invocation::of(&words)) {
        Ok(Ok(automatic)) => Ok(automatic),
        Ok(Err(problem)) => Err(format!("dnf-automatic ends at once: {}: {}", problem.at, problem.value)),
        Err(error) => Err(error.to_string()),
    }
}

/// What is seen of the policy.
pub fn observe(updates: &Updates, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
    let wanted = super::Kind::wanted(updates);
    if plane == Plane::Running {
        let reason = "dnf has no dry run that shows which updates a made repository would give";
        return vec![Observation::unobserved(plane, wanted, reason)];
    }
    let automatic = match automatic(look) {
        Ok(automatic) => automatic,
        Err(why) => return vec![Observation::unobserved(plane, wanted, why)],
    };
    let mut seen = vec![installs(&automatic), selects(updates, &automatic, &look.plan.distro)];
    seen.extend(automatic.excludes.iter().map(left_out));
    seen.extend(automatic.ignored.iter().map(|bad| {
        let reason = "dnf-automatic does not know this value and goes on without it";
        Observation::fail(plane, format!("`{}`", bad.value), "values that are known", reason)
            .at(bad.at.clone())
    }));
    seen.extend(repositories(look));
    seen
}

fn installs(automatic: &Automatic) -> Observation {
    let reason = "updates would be told of at most, and never installed";
    let (found, good) = (format!("apply_updates = {}", yes(automatic.apply.value)), automatic.apply.value);
    Observation::judge(Plane::Configured, good, found, "apply_updates = yes", reason)
        .at(automatic.apply.at.clone())
}

/// The kind of updates is the wanted one, and there are some of that kind.
fn selects(updates: &Updates, automatic: &Automatic, distro: &Distro) -> Observation {
    let plane = Plane::Configured;
    let found = automatic.upgrade_type.value;
    let name = |kind| match kind {
        UpgradeType::Default => "default",
        UpgradeType::Security => "security",
        UpgradeType::DistroSync => "distro-sync",
    };
    let security = updates.scope == Scope::Security && distro.archive.advisories;
    let wanted = if security { UpgradeType::Security } else { UpgradeType::Default };
    let reason = match found {
        UpgradeType::Security if !distro.archive.advisories => {
            "the repositories of this release name no update as one for security, so none is ever installed"
        }
        _ => "another set of updates installs itself than the profile wants",
    };
    let [shown, wanted_text] = [found, wanted].map(|kind| format!("upgrade_type = {}", name(kind)));
    Observation::judge(plane, found == wanted, shown, wanted_text, reason)
        .at(automatic.upgrade_type.at.clone())
}

fn left_out(list: &Sourced<Vec<String>>) -> Observation {
    let found = format!("excludes {}", list.value.join(" "));
    let reason = "these packages are never updated";
    Observation::judge(Plane::Configured, list.value.is_empty(), found, "every package", reason)
        .at(list.at.clone())
}

/// The package manager's own file.
pub fn package_conf(distro: &Distro) -> &'static str {
    match distro.backends.packages {
        PackageBackend::Yum => dnf::YUM_CONF,
        PackageBackend::Dnf | PackageBackend::Apt => dnf::DNF_CONF,
    }
}

/// Packages of every used repository have to be signed, and none is left out for all of dnf.
pub(super) fn repositories(look: &Look<'_>) -> Vec<Observation> {
    let (plane, wanted) = (Plane::Configured, "signed packages from every repository");
    let main = match dnf::main_conf(&look.root, package_conf(&look.plan.distro)) {
        Ok(Ok(main)) => main,
        Ok(Err(problem)) => {
            let reason =
                "the package manager refuses its configuration because of this line, so nothing is updated";
            return vec![Observation::fail(plane, problem.value, wanted, reason).at(problem.at)];
        }
        Err(error) => return vec![Observation::error(plane, wanted, error.to_string())],
    };
    let mut seen: Vec<Observation> = main.excludes.iter().map(left_out).collect();
    let (repositories, problems) = match dnf::repositories(&look.root, &main) {
        Ok(found) => found,
        Err(error) => return vec![Observation::error(plane, wanted, error.to_string())],
    };
    seen.extend(problems.into_iter().map(|problem| {
        let reason = "the package manager leaves this file out, so its repositories give no updates";
        Observation::fail(plane, problem.value, wanted, reason).at(problem.at)
    }));
    let used: Vec<_> = repositories.iter().filter(|r| r.enabled.value).collect();
    if used.is_empty() {
        let reason = "no repository is in use, so there is nothing to update from";
        let at = Location::file("/etc/yum.repos.d");
        seen.push(Observation::fail(plane, "no repository", wanted, reason).at(at));
    }
    seen.extend(used.into_iter().map(|repository| {
        let (id, check) = (&repository.id, &repository.gpgcheck);
        let reason = "whoever stands between could give it any package";
        let found = format!("{id}: gpgcheck = {}", yes(check.value));
        Observation::judge(plane, check.value, found, wanted, reason).at(check.at.clone())
    }));
    seen
}

pub(super) fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
