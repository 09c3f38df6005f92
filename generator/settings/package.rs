//! `package`: the packages of a role are installed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// The packages that play a role are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Role in the distribution's facts.
    pub role: String,
}

impl Kind for Package {
    const SUMMARY: &'static str = "the packages of a role are installed";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        distro
            .package_names(&self.role)
            .is_empty()
            .then(|| format!("{} has no package for the role `{}`", distro.title, self.role))
    }

    fn wanted(&self) -> String {
        format!("packages of the role `{}` installed", self.role)
    }

    fn subject(&self) -> String {
        self.role.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        for wanted in all {
            for name in context.plan.distro.package_names(&wanted.setting.role) {
                bundle.install(name, wanted.check);
            }
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let names = look.plan.distro.package_names(&self.role);
        let packages = match look.packages() {
            Ok(packages) => packages,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let observe = |name: &String| {
            let wanted = format!("{name} installed");
            match packages.get(name) {
                Some(package) => {
                    Observation::pass(plane, format!("{name} {}", package.version), wanted).at(package.at)
                }
                None => Observation::fail(
                    plane,
                    "not installed",
                    wanted,
                    format!("the package database has no installed package `{name}`"),
                )
                .at(Location::file(packages.path())),
            }
        };
        names.iter().map(observe).collect()
    }
}
