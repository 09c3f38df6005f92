//! `update-reboot` where dnf-automatic installs: by its own option, or by a timer where it has none.

use serde::Serialize;

use super::UpdateReboot;
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, UnitState};
use crate::render::{Bundle, Context};
use crate::settings::Kind;
use crate::settings::updates::{dnf_automatic, dnf_file};
use crate::verify::Look;

/// The timer that stands in for the option, and what it starts.
const TIMER: &str = "ironseed-reboot.timer";
const SERVICE: &str = "ironseed-reboot.service";

#[derive(Clone, Serialize)]
struct Template {
    profile: String,
    time: String,
}

/// Adds what makes the machine reboot, or not.
///
/// # Errors
/// A template that fails, or a conflict with another item.
pub fn render(
    setting: &UpdateReboot,
    context: &Context<'_>,
    bundle: &mut Bundle,
    check: &str,
) -> Result<(), ConfigError> {
    if context.plan.distro.archive.reboots {
        return dnf_file(context, bundle, &[check]);
    }
    if !setting.automatic {
        return bundle.unit(TIMER, UnitState::Disabled, check).map_err(ConfigError::from);
    }
    let values = Template { profile: context.plan.profile.clone(), time: setting.time.clone() };
    for (unit, template) in [(TIMER, "dnf-reboot.timer"), (SERVICE, "dnf-reboot.service")] {
        let content = context.templates.render(template, values.clone())?;
        bundle.write(BundleFile::config(format!("/etc/systemd/system/{unit}"), content), &[check])?;
    }
    bundle.unit(TIMER, UnitState::Enabled, check)?;
    Ok(())
}

/// What is seen of the policy.
pub fn observe(setting: &UpdateReboot, look: &Look<'_>) -> Vec<Observation> {
    if look.plan.distro.archive.reboots { by_option(setting, look) } else { by_timer(setting, look) }
}

fn by_option(setting: &UpdateReboot, look: &Look<'_>) -> Vec<Observation> {
    let plane = Plane::Configured;
    let found = match dnf_automatic(look) {
        Ok(found) => found,
        Err(why) => return vec![Observation::unobserved(plane, setting.wanted(), why)],
    };
    let reboots = found.reboot.value != "never";
    let reason = format!("dnf-automatic's `reboot` decides, and the profile says {}", setting.automatic);
    let shown = format!("reboot = {}", found.reboot.value);
    let policy = Observation::judge(plane, reboots == setting.automatic, shown, setting.wanted(), reason);
    let mut seen = vec![policy.at(found.reboot.at)];
    if setting.automatic {
        let command = found.reboot_command;
        let reason = format!("this restarts the machine, and the profile says at {}", setting.time);
        let good = command.value.split_whitespace().last() == Some(&setting.time);
        let shown = format!("`{}`", command.value);
        seen.push(Observation::judge(plane, good, shown, setting.wanted(), reason).at(command.at));
    }
    seen
}

/// The timer itself: that it starts at boot, and when it goes off.
fn by_timer(setting: &UpdateReboot, look: &Look<'_>) -> Vec<Observation> {
    let (plane, wanted) = (Plane::Configured, setting.wanted());
    let systemd = match look.systemd() {
        Ok(systemd) => systemd,
        Err(why) => return vec![Observation::unobserved(plane, wanted, why)],
    };
    let at = || Location::file(format!("/etc/systemd/system/{TIMER}"));
    let unit = match systemd.unit(TIMER) {
        Ok(unit) => unit,
        Err(error) => return vec![Observation::error(plane, wanted, error.to_string())],
    };
    let line = unit.as_ref().and_then(|u| u.last("Timer", "OnCalendar"));
    let found = line.map_or_else(|| "no timer".to_owned(), |l| format!("OnCalendar={}", l.value));
    let reason = "dnf-automatic of this release does not reboot; the timer does, or nothing";
    let in_time = line.is_some_and(|l| l.value.ends_with(&format!(" {}:00", setting.time)));
    let good = if setting.automatic { in_time } else { line.is_none() };
    vec![
        Observation::judge(plane, good, found, wanted, reason)
            .at(line.map_or_else(at, |line| line.at.clone())),
    ]
}
