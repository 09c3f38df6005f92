//! The apply script: the part of a bundle that is commands, in the safe order. The same script
//! serves user-data (cloud-init has put packages and files in place) and the plain bundle.

use serde::Serialize;

use super::bundle::{Bundle, Command, Phase};
use super::template::{Templates, quote};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::distro::PackageBackend;
use crate::plan::Plan;

/// Who has put packages and files in place when the script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// cloud-init.
    CloudInit,
    /// Nobody: the script installs packages and copies files from beside itself.
    Itself,
}

#[derive(Serialize)]
struct Script {
    profile: String,
    distro: String,
    standalone: bool,
    package_script: &'static str,
    packages: Vec<String>,
    absent: Vec<String>,
    files: Vec<File>,
    removals: Vec<String>,
    mounts: Vec<Mount>,
    configure: Vec<Step>,
    validate: Vec<Step>,
    units: Vec<Unit>,
    activate: Vec<Step>,
}

#[derive(Serialize)]
struct File {
    path: String,
    mode: String,
    owner: String,
    group: String,
}

#[derive(Serialize)]
struct Mount {
    point: String,
    line: String,
}

#[derive(Serialize)]
struct Unit {
    name: String,
    verb: &'static str,
}

#[derive(Serialize)]
struct Step {
    purpose: String,
    words: String,
    guards: Vec<String>,
}

impl From<&Command> for Step {
    fn from(command: &Command) -> Self {
        let words: Vec<String> = command.argv.iter().map(|w| quote(w)).collect();
        Self { purpose: command.purpose.clone(), words: words.join(" "), guards: command.guards.clone() }
    }
}

/// Renders the script.
///
/// # Errors
/// A template that fails.
pub fn script(
    plan: &Plan,
    bundle: &Bundle,
    carrier: Carrier,
    assets: &Assets,
) -> Result<String, ConfigError> {
    let steps = |phase| bundle.phase(phase).map(Step::from).collect();
    let script = Script {
        profile: plan.profile.clone(),
        distro: plan.distro.title.clone(),
        standalone: carrier == Carrier::Itself,
        package_script: match plan.distro.backends.packages {
            PackageBackend::Apt => "packages-apt.sh",
        },
        packages: bundle.packages.keys().cloned().collect(),
        absent: bundle.absent.keys().cloned().collect(),
        files: (bundle.files.values())
            .map(|f| File {
                path: f.path.clone(),
                mode: format!("{:04o}", f.mode),
                owner: f.owner.clone(),
                group: f.group.clone(),
            })
            .collect(),
        removals: bundle.removals.keys().cloned().collect(),
        mounts: (bundle.mounts.iter())
            .map(|(point, (line, _))| Mount { point: point.clone(), line: line.clone() })
            .collect(),
        configure: steps(Phase::Configure),
        validate: steps(Phase::Validate),
        units: (bundle.units.iter())
            .map(|(name, (state, _))| Unit { name: name.clone(), verb: state.verb() })
            .collect(),
        activate: steps(Phase::Activate),
    };
    Templates::load(assets)?.render("cloud-init/apply.sh", script)
}
