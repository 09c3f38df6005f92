//! `unit`: what a systemd unit's enablement shall be; one that is enabled also does what it is for.

mod task;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::task::Task;
use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::effective::systemd::State;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::UnitState;
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// A unit, named by its role or by itself, and its enablement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Role in the distribution's facts, or a unit's full name.
    pub role: String,
    /// What is wanted.
    pub state: UnitState,
}

impl Unit {
    fn name<'a>(&'a self, look: &'a Look<'_>) -> &'a str {
        look.plan.distro.units.get(&self.role).map_or(&self.role, String::as_str)
    }
}

impl Kind for Unit {
    const SUMMARY: &'static str = "a unit starts at boot and does what it is for, does not, or can't";
    const ORDER: Option<&'static str> = Some("masked is tighter than disabled; enabled is neither");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        let is_name = self.role.contains('.');
        (!is_name && !distro.units.contains_key(&self.role))
            .then(|| format!("{} has no unit for the role `{}`", distro.title, self.role))
    }

    fn wanted(&self) -> String {
        format!("{} {}", self.role, self.state.word())
    }

    fn subject(&self) -> String {
        self.role.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let state = self.state.word();
        vec![match self.state {
            UnitState::Enabled => Aspect::plain("state", state),
            UnitState::Disabled => Aspect::at_least("state", state, 0),
            UnitState::Masked => Aspect::at_least("state", state, 1),
        }]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        for wanted in all {
            let role = &wanted.setting.role;
            let name = context.plan.distro.units.get(role).unwrap_or(role);
            bundle.unit(name, wanted.setting.state, wanted.check)?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let name = self.name(look);
        vec![match plane {
            Plane::Configured => self.configured(look, name),
            Plane::Running => self.running(look, name),
        }]
    }
}

impl Unit {
    fn configured(&self, look: &Look<'_>, name: &str) -> Observation {
        let plane = Plane::Configured;
        let systemd = match look.systemd() {
            Ok(systemd) => systemd,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let state = match systemd.state(name) {
            Ok(state) => state,
            Err(error) => return Observation::error(plane, self.wanted(), error.to_string()),
        };
        let good = match self.state {
            UnitState::Enabled => state.value == State::Enabled,
            UnitState::Disabled => matches!(state.value, State::Disabled | State::Masked | State::NotFound),
            UnitState::Masked => state.value == State::Masked,
        };
        let (found, wanted) = (format!("{name} {}", state.value), format!("{name} {}", self.state.word()));
        if !good || self.state != UnitState::Enabled {
            let reason = format!("systemd would call {name} {}", state.value);
            return Observation::judge(plane, good, found, wanted, reason).at(state.at);
        }
        match task::judge(look, systemd, name) {
            Ok(Task::Done(notes)) => {
                let found = std::iter::once(found).chain(notes).collect::<Vec<_>>().join("; ");
                Observation::pass(plane, found, wanted).at(state.at)
            }
            Ok(Task::Undone(why)) => {
                let found = format!("{found}, without effect");
                Observation::fail(plane, found, wanted, why.value).at(why.at)
            }
            Err(why) => Observation::error(plane, wanted, why),
        }
    }

    fn running(&self, look: &Look<'_>, name: &str) -> Observation {
        let plane = Plane::Running;
        let wanted = match self.state {
            UnitState::Enabled => format!("{name} active"),
            _ => format!("{name} not active"),
        };
        let properties = look
            .exec()
            .and_then(|exec| running::unit_properties(exec, name, &["ActiveState", "SubState", "Result"]));
        let at = Location::file(format!("systemctl show {name}"));
        match properties.as_deref() {
            Ok([active, sub, result]) => {
                let good = (active == "active") == (self.state == UnitState::Enabled);
                let reason = format!("systemd says its last result was `{result}`");
                Observation::judge(plane, good, format!("{name} {active} ({sub})"), wanted, reason).at(at)
            }
            Ok(_) => Observation::error(plane, wanted, "systemctl show gave other properties than asked for"),
            Err(why) => Observation::unobserved(plane, wanted, why.clone()),
        }
    }
}
