//! `updates` where yum-cron installs: its file, and what its daily run would do.

use serde::Serialize;

use super::dnf::{repositories, yes};
use super::{Scope, Updates};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::effective::yum_cron::{self, DAILY, YumCron};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

#[derive(Serialize)]
struct Template {
    profile: String,
    update_cmd: &'static str,
}

/// The kind of updates to take, in yum-cron's word. Where repositories name no update as one for security, all.
fn kind(updates: &Updates, distro: &Distro) -> yum_cron::Updates {
    match updates.scope {
        Scope::Security if distro.archive.advisories => yum_cron::Updates::Security,
        _ => yum_cron::Updates::All,
    }
}

fn word(kind: yum_cron::Updates) -> &'static str {
    match kind {
        yum_cron::Updates::All => "default",
        yum_cron::Updates::Minimal => "minimal",
        yum_cron::Updates::Security => "security",
        yum_cron::Updates::MinimalSecurity => "minimal-security",
        yum_cron::Updates::Severities => "security-severity",
    }
}

/// Writes yum-cron's file.
///
/// # Errors
/// A template that fails, or a conflict with another item.
pub fn file(
    updates: &Updates,
    context: &Context<'_>,
    bundle: &mut Bundle,
    checks: &[&str],
) -> Result<(), ConfigError> {
    let distro = &context.plan.distro;
    let values = Template { profile: context.plan.profile.clone(), update_cmd: word(kind(updates, distro)) };
    let content = context.templates.render("yum-cron.conf", values)?;
    bundle.write(BundleFile::config(distro.path("updates")?, content), checks)?;
    Ok(())
}

/// What is seen of the policy.
pub fn observe(updates: &Updates, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
    let wanted = super::Kind::wanted(updates);
    if plane == Plane::Running {
        let reason = "yum has no dry run that shows which updates a made repository would give";
        return vec![Observation::unobserved(plane, wanted, reason)];
    }
    let run = match yum_cron::read(look.root, DAILY) {
        Ok(Some(Ok(run))) => run,
        Ok(Some(Err(problem))) => {
            let reason = "yum-cron ends at once because of this, so nothing is updated";
            return vec![Observation::fail(plane, problem.value, wanted, reason).at(problem.at)];
        }
        Ok(None) => {
            let reason = "yum-cron has no file, and its daily run ends at once";
            return vec![Observation::fail(plane, "no such file", wanted, reason).at(Location::file(DAILY))];
        }
        Err(error) => return vec![Observation::error(plane, wanted, error.to_string())],
    };
    let mut seen = vec![installs(&run), selects(updates, &run, &look.plan.distro)];
    seen.extend(repositories(look));
    seen
}

fn installs(run: &YumCron) -> Observation {
    let reason = "updates would be told of at most, and never installed";
    let found = format!("apply_updates = {}", yes(run.apply.value));
    Observation::judge(Plane::Configured, run.apply.value, found, "apply_updates = yes", reason)
        .at(run.apply.at.clone())
}

fn selects(updates: &Updates, run: &YumCron, distro: &Distro) -> Observation {
    let (found, wanted) = (run.updates.value, kind(updates, distro));
    let reason = "another set of updates installs itself than the profile wants";
    let [shown, wanted_text] = [found, wanted].map(|kind| format!("update_cmd = {}", word(kind)));
    Observation::judge(Plane::Configured, found == wanted, shown, wanted_text, reason)
        .at(run.updates.at.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::Setting;
    use crate::settings::fixture::Machine;

    #[test]
    fn updates_that_are_only_told_of_fail() {
        let wanted = Setting::Updates(Updates { scope: Scope::All });
        let machine = Machine::of_release("centos-7", &[wanted]);
        machine.put("/etc/yum.conf", "[main]\ngpgcheck=1\n");
        machine.put("/etc/yum.repos.d/base.repo", "[base]\nbaseurl=http://archive.example\n");
        assert_eq!(machine.configured(), [Pass, Pass, Pass]);
        let own = machine.get(DAILY);
        machine.put(DAILY, &own.replace("apply_updates = yes", "apply_updates = no"));
        assert_eq!(machine.configured(), [Fail, Pass, Pass]);
        machine.put(DAILY, &own.replace("update_cmd = default", "update_cmd = security"));
        assert_eq!(machine.configured(), [Pass, Fail, Pass]);
        machine.put(DAILY, &own);
        machine.put("/etc/yum.conf", "[main]\n");
        assert_eq!(machine.configured(), [Pass, Pass, Fail]);
        machine.remove(DAILY);
        assert_eq!(machine.configured(), [Fail]);
    }
}
