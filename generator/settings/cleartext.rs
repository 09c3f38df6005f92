//! `cleartext`: no program that talks to other hosts in the clear is installed, and packages are
//! taken only from archives that are signed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::location::Sourced;
use crate::observation::{Observation, Plane};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// No clear-text remote access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cleartext {}

/// Options of apt that let it take what nobody signed (apt-secure(8)). Off by default.
const UNSIGNED: [&str; 2] = ["APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories"];

/// The role under which the facts list the packages.
const ROLE: &str = "cleartext";

impl Kind for Cleartext {
    const SUMMARY: &'static str = "no clear-text remote access or file transfer is installed";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "no telnet, rsh, talk, ftp, tftp or NIS".into()
    }

    fn subject(&self) -> String {
        String::new()
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
            for name in context.plan.distro.package_names(ROLE) {
                bundle.remove_package(name, wanted.check);
            }
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let packages = match look.packages() {
            Ok(packages) => packages,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let mut seen = Vec::new();
        for name in look.plan.distro.package_names(ROLE) {
            if let Some(package) = packages.get(name) {
                let reason = "it sends passwords and data in the clear";
                let found = format!("{name} {} installed", package.version);
                seen.push(Observation::fail(plane, found, self.wanted(), reason).at(package.at.clone()));
            }
        }
        seen.extend(unsigned(look));
        match look.apt_sources() {
            Ok(sources) => {
                for source in sources.enabled.iter().filter(|s| s.trusted() == Some(true)) {
                    let reason = "packages of this archive are installed without a signature";
                    let found = format!("{} without a signature", source.uris.join(" "));
                    seen.push(
                        Observation::fail(plane, found, "signed archives", reason).at(source.at.clone()),
                    );
                }
            }
            Err(why) => seen.push(Observation::unobserved(plane, "signed archives", why)),
        }
        if seen.is_empty() {
            seen.push(Observation::pass(plane, "none installed", self.wanted()));
        }
        seen
    }
}

/// What lets apt take packages without a signature, whatever the sources say.
fn unsigned(look: &Look<'_>) -> Vec<Observation> {
    let (plane, wanted) = (Plane::Configured, "signed archives");
    let conf = match look.apt_conf() {
        Ok(conf) => conf,
        Err(why) => return vec![Observation::unobserved(plane, wanted, why)],
    };
    let on = |name: &&str| conf.boolean(name).filter(|switch| switch.value);
    let fail = |(name, switch): (&str, Sourced<bool>)| {
        let reason = "packages without a signature are installed";
        Observation::fail(plane, format!("{name} true"), wanted, reason).at(switch.at)
    };
    UNSIGNED.into_iter().filter_map(|name| Some((name, on(&name)?))).map(fail).collect()
}
