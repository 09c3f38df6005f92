//! `ironseed verify`: every check of a plan against a target, or against several.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::civil::Date;

use super::remote::RemoteArgs;
use super::{Ended, Outcome, print, resolve, today};
use crate::assets::Assets;
use crate::build::Record;
use crate::diagnostic::ConfigError;
use crate::distro::{self, Distro};
use crate::effective::os_release::{self, OsRelease};
use crate::observation::Plane;
use crate::plan::Plan;
use crate::remote::{Access, Address};
use crate::report::{Failure, Form, Report, TargetReport};
use crate::target::{self, DiskFormat, LocalExec, Root, Target, TargetKind};
use crate::verify::{self, Look, Nature, Selection};

/// Verifies directories, tars, disk images, the running system or machines behind SSH against every check
///
/// Several targets stand side by side in one report; two of one distribution are before and after.
///
/// Exit code 0: nothing is wrong. 1: findings. 2: could not run, or some machine could not be reached.
#[derive(Args)]
pub struct Verify {
    /// Directory, tar, raw or qcow2 disk image; `/` is the running system; `ssh://user@host:port` a machine
    #[arg(required_unless_present = "hosts", value_name = "TARGET")]
    targets: Vec<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Profile: a built-in name, or the path of your own YAML
    #[arg(short, long, default_value = "nectar-base", value_name = "NAME|FILE")]
    profile: String,
    /// Distribution; what the target's os-release says where it is left out
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Option<String>,
    /// Hold targets against this plan, as `ironseed plan --format json` wrote it, instead of resolving one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "distro"])]
    plan: Option<PathBuf>,
    /// Start the disk image in QEMU, on a throw-away overlay, and look at it running as well
    #[arg(long)]
    boot: bool,
    /// Look at this check alone, by id or reference; repeatable. The others are reported as unobserved
    #[arg(long, value_name = "CHECK", conflicts_with = "skip")]
    only: Vec<String>,
    /// Don't look at this check, by id or reference; repeatable. It is reported as unobserved
    #[arg(long, value_name = "CHECK")]
    skip: Vec<String>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Form,
    /// Write the JSON report to this file as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Hold dates against this day instead of today
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<Date>,
}

impl Verify {
    pub fn run(self, assets: &Assets) -> Outcome {
        let today = self.on.unwrap_or_else(today);
        let (machines, paths) = self.parted()?;
        anyhow::ensure!(
            machines.is_empty() || !self.boot,
            "--boot starts disk images; a machine behind SSH runs already"
        );
        let looks: anyhow::Result<Vec<Report>> =
            paths.iter().map(|path| self.look(path, today, assets)).collect();
        let mut reports = looks?;
        let mut failures = Vec::new();
        let look = |access: &Access, machine: &Address| self.look_at(access, machine, today, assets);
        for (machine, result) in machines.iter().zip(self.remote.each(&machines, look)) {
            match result {
                Ok(report) => reports.push(report),
                Err(error) => {
                    failures.push(Failure { target: machine.to_string(), reason: format!("{error:#}") })
                }
            }
        }
        if let Some(path) = &self.report {
            super::file::write_whole(path, Form::Json.write_with(&reports, &failures)?.as_bytes())?;
        }
        print(&self.format.write_with(&reports, &failures)?)?;
        anyhow::ensure!(
            failures.is_empty(),
            "{} of {} machines could not be looked at:{}",
            failures.len(),
            machines.len(),
            list(&failures)
        );
        Ok(if reports.iter().all(Report::is_clean) { Ended::Fine } else { Ended::Findings })
    }

    /// The targets behind SSH, those of `--hosts` included, and those that are paths.
    fn parted(&self) -> anyhow::Result<(Vec<Address>, Vec<&Path>)> {
        let (mut machines, mut paths) = (Vec::new(), Vec::new());
        for target in &self.targets {
            match Address::of(target) {
                Some(address) => machines.push(address?),
                None => paths.push(target.as_path()),
            }
        }
        machines.extend(self.remote.hosts()?);
        Ok((machines, paths))
    }

    /// The report on a machine behind SSH.
    fn look_at(
        &self,
        access: &Access,
        machine: &Address,
        today: Date,
        assets: &Assets,
    ) -> anyhow::Result<Report> {
        let plan = self.plan(assets, || known(&access.os_release(machine)?, machine, assets))?;
        let selection = self.selection(&plan)?;
        let planes = [Plane::Configured, Plane::Running];
        let mut seen = access.look(machine, &plan)?;
        selection.apply(&plan, &planes, &mut seen);
        let target =
            TargetReport { name: machine.to_string(), kind: "running".to_owned(), sha256: None, base: None };
        Ok(verify::report(&plan, target, &planes, seen, today))
    }

    /// The report on one of the targets.
    fn look(&self, path: &Path, today: Date, assets: &Assets) -> anyhow::Result<Report> {
        let target = target::open(path)?;
        let plan = self.plan(assets, || detect(Root::new(target.tree.as_ref()), path, assets))?;
        report(path, &target, &plan, &self.selection(&plan)?, self.boot, today)
    }

    /// The plan that was named, or that of the profile for the distribution, which `detect` finds where none is named.
    fn plan(&self, assets: &Assets, detect: impl FnOnce() -> anyhow::Result<Distro>) -> anyhow::Result<Plan> {
        if let Some(path) = &self.plan {
            return super::plan::saved(path);
        }
        let distro = match &self.distro {
            Some(id) => distro::load(id, assets)?,
            None => detect()?,
        };
        Ok(resolve(&self.profile, distro, assets)?)
    }

    fn selection(&self, plan: &Plan) -> anyhow::Result<Selection> {
        Ok(match &self.only[..] {
            [] => Selection::skip(plan, &self.skip)?,
            only => Selection::only(plan, only)?,
        })
    }
}

/// Looks at a target on every plane there is, at the selected checks.
///
/// # Errors
/// A target that can't be booted although it should be, or whose bytes can't be read.
pub fn report(
    path: &Path,
    target: &Target,
    plan: &Plan,
    selection: &Selection,
    boot: bool,
    today: Date,
) -> anyhow::Result<Report> {
    let root = Root::new(target.tree.as_ref());
    let running = path == Path::new("/");
    let exec = LocalExec;
    let nature = if running { Nature::Instance } else { Nature::Image };
    let look = Look::new(root, plan, nature, today).selecting(selection);
    let look = if running { look.asking(&exec) } else { look };
    let mut planes = vec![Plane::Configured];
    let mut seen = verify::observe(&look, Plane::Configured);
    if running {
        planes.push(Plane::Running);
        seen.extend(verify::observe(&look, Plane::Running));
    }
    if boot {
        anyhow::ensure!(
            matches!(target.kind, TargetKind::Disk(_)),
            "--boot needs a disk image, and {} is none",
            path.display()
        );
        planes.push(Plane::Running);
        seen.extend(verify::boot::boot(path, plan)?);
    }
    selection.apply(plan, &planes, &mut seen);
    let kind = match target.kind {
        _ if running => "running".to_owned(),
        TargetKind::Directory => "directory".to_owned(),
        TargetKind::Tar => "tar".to_owned(),
        TargetKind::Disk(DiskFormat::Raw) => "raw".to_owned(),
        TargetKind::Disk(DiskFormat::Qcow2) => "qcow2".to_owned(),
    };
    let sha256 = match target.kind {
        TargetKind::Directory => None,
        _ => Some(target::sha256_file(path)?),
    };
    // Where the record can't be read, the check of pending updates says so.
    let base = Record::of(root).ok().flatten().and_then(|record| record.base);
    let target = TargetReport { name: path.display().to_string(), kind, sha256, base };
    Ok(verify::report(plan, target, &planes, seen, today))
}

/// The built-in distribution that a target's os-release names.
fn detect(root: Root<'_>, path: &Path, assets: &Assets) -> anyhow::Result<Distro> {
    let name = path.display();
    let release = os_release::read(root)
        .with_context(|| format!("{name}: which distribution is it?"))?
        .ok_or_else(|| {
            ConfigError::plain(format!(
                "{name} has no /etc/os-release, so it is no Linux root; or name it with -d"
            ))
        })?;
    known(&release, &name, assets)
}

/// The built-in distribution of this id and version.
fn known(release: &OsRelease, target: &dyn Display, assets: &Assets) -> anyhow::Result<Distro> {
    let (id, version) = (release.id(), release.version_id().unwrap_or_default());
    let known = distro::of_system(release, assets)?;
    known.ok_or_else(|| {
        ConfigError::plain(format!(
            "{target} is `{id}` `{version}`, for which there is no file in images/; name one with -d (see `ironseed list distros`)"
        ))
        .into()
    })
}

/// Each failure on a line of its own.
fn list(failures: &[Failure]) -> String {
    failures.iter().map(|failure| format!("\n  {}", failure.reason)).collect()
}
