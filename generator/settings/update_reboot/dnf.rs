//! `update-reboot` where dnf-automatic or yum-cron installs: by its own option, or by a timer where it has none.

use serde::Serialize;

use super::UpdateReboot;
use crate::diagnostic::ConfigError;
use crate::effective::systemd::{State, Units};
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

/// The timer itself: that it starts at boot, when it goes off, and what it starts.
fn by_timer(setting: &UpdateReboot, look: &Look<'_>) -> Vec<Observation> {
    let plane = Plane::Configured;
    match look.systemd().and_then(|systemd| timer(setting, systemd).map_err(|e| e.to_string())) {
        Ok(seen) => seen,
        Err(why) => vec![Observation::unobserved(plane, setting.wanted(), why)],
    }
}

fn timer(setting: &UpdateReboot, systemd: &Units<'_>) -> crate::target::Result<Vec<Observation>> {
    let (plane, wanted) = (Plane::Configured, setting.wanted());
    let unit = systemd.unit(TIMER)?;
    let line = unit.as_ref().and_then(|u| u.last("Timer", "OnCalendar"));
    let state = systemd.state(TIMER)?;
    let starts = state.value == State::Enabled;
    if !setting.automatic {
        let reason = "this timer reboots, and the profile says that nothing does";
        let found = if starts { "a timer that reboots" } else { "no timer" };
        return Ok(vec![Observation::judge(plane, !starts, found, wanted, reason).at(state.at)]);
    }
    let at = || Location::file(format!("/etc/systemd/system/{TIMER}"));
    let found = line.map_or_else(|| "no timer".to_owned(), |l| format!("OnCalendar={}", l.value));
    let reason = "what installs updates here does not reboot; the timer does, or nothing";
    let in_time = line.is_some_and(|l| l.value.ends_with(&format!(" {}:00", setting.time)));
    let time = Observation::judge(plane, in_time, found, wanted.clone(), reason)
        .at(line.map_or_else(at, |line| line.at.clone()));
    let reason = "a timer that no boot starts never goes off";
    let enabled =
        Observation::judge(plane, starts, state.value.to_string(), format!("{TIMER} enabled"), reason)
            .at(state.at);
    let service = systemd.unit(SERVICE)?;
    let command = service.as_ref().and_then(|unit| unit.last("Service", "ExecStart"));
    let reboots = command.is_some_and(|line| line.value.contains("systemctl reboot"));
    let found = command.map_or_else(|| "nothing".to_owned(), |line| format!("`{}`", line.value));
    let reason = "what the timer starts does not reboot";
    let starts = Observation::judge(plane, reboots, found, wanted, reason)
        .at(command
            .map_or_else(|| Location::file(format!("/etc/systemd/system/{SERVICE}")), |c| c.at.clone()));
    Ok(vec![time, enabled, starts])
}
