//! `pam-rule`: one line in the stack of one service, after a line of the package's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Line, observe};
use crate::diagnostic::ConfigError;
use crate::effective::pam::Facility;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::settings::order::Aspect;
use crate::settings::{Kind, Wanted};
use crate::verify::Look;

/// A line of the `auth` stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamRule {
    /// File below `/etc/pam.d`.
    pub service: String,
    /// The line.
    pub auth: Line,
    /// The module whose line it follows, and which may let a login through before it.
    pub after: String,
}

impl Kind for PamRule {
    const SUMMARY: &'static str = "one line in the PAM stack of one service";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{}: auth {}", self.service, self.auth)
    }

    fn subject(&self) -> String {
        format!("{} in {}", self.auth.module, self.service)
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("line", &self.auth), Aspect::plain("after", &self.after)]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let PamRule { service, auth, after } = wanted.setting;
            let pattern =
                |module: &str| format!("^[[:space:]]*auth[[:space:]].*{}", module.replace('.', "\\."));
            let remove = format!("/{}/d", pattern(&auth.module));
            let add = format!("/{}/a auth {auth}", pattern(after));
            let path = format!("/etc/pam.d/{service}");
            let argv = ["sed", "-i", "-E", "-e", &remove, "-e", &add, &path];
            bundle.run(
                Phase::Configure,
                &argv,
                &format!("add {} to {service}", auth.module),
                &[wanted.check],
            );
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, _: Plane) -> Vec<Observation> {
        let line = std::slice::from_ref(&self.auth);
        vec![observe(look, &self.service, Facility::Auth, line, Some(&self.after))]
    }
}
