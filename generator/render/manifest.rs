//! The image build manifest: what goes into an image, for people and programs that build or
//! audit it. Its JSON form is versioned; `docs/manifest.md` describes it.

use serde::Serialize;

use super::Bundle;
use super::bundle::{Phase, UnitState};
use crate::diagnostic::ConfigError;
use crate::plan::Plan;

/// Version of the JSON form.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Manifest<'a> {
    version: u32,
    ironseed: &'static str,
    plan: PlanRef<'a>,
    base: Base<'a>,
    packages: Vec<&'a String>,
    absent_packages: Vec<&'a String>,
    files: Vec<File<'a>>,
    units: Vec<(&'a String, UnitState)>,
    fstab: Vec<&'a String>,
    commands: Vec<Command<'a>>,
    checks: Vec<&'a str>,
    openstack: std::collections::BTreeMap<String, String>,
}

#[derive(Serialize)]
struct PlanRef<'a> {
    digest: String,
    profile: &'a str,
    distro: &'a str,
}

#[derive(Serialize)]
struct Base<'a> {
    engine: crate::distro::Engine,
    release: &'a str,
    architecture: &'a str,
    variant: &'a str,
    packages: &'a [String],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    mode: String,
    owner: &'a str,
    group: &'a str,
    sha256: String,
    checks: &'a [String],
}

#[derive(Serialize)]
struct Command<'a> {
    phase: Phase,
    argv: &'a [String],
    checks: &'a [String],
}

/// The manifest as JSON.
///
/// # Errors
/// None that a plan of this program can cause.
pub fn of(plan: &Plan, bundle: &Bundle) -> Result<String, ConfigError> {
    let distro = &plan.distro;
    let manifest = Manifest {
        version: FORMAT,
        ironseed: env!("CARGO_PKG_VERSION"),
        plan: PlanRef { digest: plan.digest(), profile: &plan.profile, distro: &distro.id },
        base: Base {
            engine: distro.image.engine,
            release: &distro.codename,
            architecture: &distro.architecture,
            variant: &distro.image.variant,
            packages: &distro.image.packages,
        },
        packages: bundle.packages.keys().collect(),
        absent_packages: bundle.absent.keys().collect(),
        files: (bundle.files.values())
            .map(|f| File {
                path: &f.path,
                mode: format!("{:04o}", f.mode),
                owner: &f.owner,
                group: &f.group,
                sha256: f.sha256(),
                checks: &f.checks,
            })
            .collect(),
        units: bundle.units.iter().map(|(name, (state, _))| (name, *state)).collect(),
        fstab: bundle.mounts.values().map(|(line, _)| line).collect(),
        commands: (bundle.commands.iter())
            .map(|c| Command { phase: c.phase, argv: &c.argv, checks: &c.checks })
            .collect(),
        checks: plan.checks.iter().map(|c| c.info.id.as_str()).collect(),
        openstack: super::openstack_properties(plan),
    };
    let mut text = serde_json::to_string_pretty(&manifest).map_err(|e| ConfigError::plain(e.to_string()))?;
    text.push('\n');
    Ok(text)
}
