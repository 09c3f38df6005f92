//! `unit`: what a systemd unit's enablement shall be.

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::observation::{Observation, Plane};
use crate::render::bundle::UnitState;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// A unit, named by its role or by itself, and its enablement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    const SUMMARY: &'static str = "a unit starts at boot, does not, or can't";

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("{} {}", self.role, self.state.word())
    }

    fn render(all: &[Wanted<'_, Self>], context: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
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
