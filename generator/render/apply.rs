//! The apply script: the part of a bundle that is commands, in the safe order. The same script
//! serves user-data (cloud-init has put packages and files in place) and the plain bundle.

use serde::Serialize;

use super::bundle::{Bundle, Command, Phase, PortLabel};
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
    /// cloud-init, but the files stand beside the script: before 21.4 it writes them before packages and users are there.
    Beside,
    /// Nobody: the script installs packages and copies files from beside itself.
    Itself,
}

/// What the script says of its end: once, where all went well, and for each step that failed.
#[derive(Clone, Debug)]
pub struct Words {
    /// All of it is applied.
    pub applied: String,
    /// A step failed; its purpose follows.
    pub failed: &'static str,
}

/// The words of a plan's script.
pub fn words(plan: &Plan) -> Words {
    Words { applied: format!("ironseed: profile {} is applied", plan.profile), failed: "ironseed: FAILED: " }
}

#[derive(Serialize)]
struct Script {
    profile: String,
    distro: String,
    /// Whether nobody runs it but the administrator.
    standalone: bool,
    /// Whether files stand below `files/` beside the script, and it puts them in place.
    places: bool,
    package_script: &'static str,
    /// The package manager's program.
    manager: &'static str,
    /// The package of another repository, where some packages come from there.
    repository: Option<String>,
    packages: Vec<String>,
    absent: Vec<String>,
    files: Vec<File>,
    removals: Vec<String>,
    mounts: Vec<Mount>,
    port_labels: Vec<PortLabel>,
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

/// The bundle's packages, by when they can be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    /// All.
    pub all: Vec<String>,
    /// Those that the release's own repositories have.
    pub early: Vec<String>,
    /// Those that wait for another repository.
    pub late: Vec<String>,
    /// The package that sets up that repository, where one is needed.
    pub repository: Option<String>,
}

impl Packages {
    /// Sorts the packages of a bundle.
    pub fn of(plan: &Plan, bundle: &Bundle) -> Self {
        let extra = plan.distro.archive.extra.as_ref();
        let waits = |name: &&String| extra.is_some_and(|e| e.provides.contains(name));
        let all: Vec<String> = bundle.packages.keys().cloned().collect();
        let (late, early): (Vec<&String>, Vec<&String>) = all.iter().partition(waits);
        let repository = extra.filter(|_| !late.is_empty()).map(|e| e.package.clone());
        let [late, early] = [late, early].map(|names| names.into_iter().cloned().collect());
        Self { all, early, late, repository }
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
    let packages = Packages::of(plan, bundle);
    let steps = |phase| bundle.phase(phase).map(Step::from).collect();
    let (package_script, manager) = match plan.distro.backends.packages {
        PackageBackend::Apt => ("packages-apt.sh", "apt-get"),
        PackageBackend::Dnf => ("packages-dnf.sh", "dnf"),
        PackageBackend::Yum => ("packages-dnf.sh", "yum"),
    };
    let script = Script {
        profile: plan.profile.clone(),
        distro: plan.distro.title.clone(),
        standalone: carrier == Carrier::Itself,
        places: carrier != Carrier::CloudInit,
        package_script,
        manager,
        repository: packages.repository,
        packages: if carrier == Carrier::Itself { packages.all } else { packages.late },
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
        port_labels: bundle.port_labels.values().map(|(label, _)| label.clone()).collect(),
        configure: steps(Phase::Configure),
        validate: steps(Phase::Validate),
        units: (bundle.units.iter())
            .map(|(name, (state, _))| Unit { name: name.clone(), verb: state.verb() })
            .collect(),
        activate: steps(Phase::Activate),
    };
    Templates::load(assets)?.render("cloud-init/apply.sh", script)
}
