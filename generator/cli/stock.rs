//! Building from a stock cloud image: the arguments, and who judges what comes of it.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use jiff::civil::Date;

use super::{today, verify as verb};
use crate::assets::Assets;
use crate::build::{Built, Evidence, Progress};
use crate::carried::Carried;
use crate::distro::{Distro, PackageBackend};
use crate::effective::os_release;
use crate::observation::{Outcome, Plane};
use crate::plan::Plan;
use crate::render::{self, Bundle};
use crate::report::{Report, TargetReport};
use crate::stock::{self, Base, Judge, Order, Pin, StockError};
use crate::target::{Root, Target};
use crate::verify::{self, Selection, boot};
use crate::vm::{Options, Vm};

/// The stock image to build from, if any.
#[derive(Args, Clone)]
pub struct FromStock {
    /// Build from this stock cloud image (qcow2 or raw), booted once, instead of from packages
    #[arg(long, value_name = "IMAGE|URL", requires = "sha256")]
    from: Option<String>,
    /// SHA-256 of that image's bytes: it is used only if they have it
    #[arg(long, value_name = "HEX", requires = "from")]
    sha256: Option<Pin>,
    /// Size of the disk in GiB; the stock image's own size where that is more [default: 4]
    #[arg(long, value_name = "GIB", requires = "from", value_parser = clap::value_parser!(u64).range(1..=2048))]
    disk_size: Option<u64>,
    /// Seconds that the first boot may take [default: 1200]
    #[arg(long, value_name = "SECONDS", requires = "from")]
    boot_limit: Option<u64>,
}

/// Size of the disk in GiB: what the profiles add fits beside any distribution's stock image.
const DISK_GIB: u64 = 4;

impl FromStock {
    /// What is to be built; `None` where no stock image was named.
    ///
    /// # Errors
    /// A source that is none, or a profile that can't be rendered.
    pub fn order<'a>(
        &self,
        plan: &'a Plan,
        bundle: &Bundle,
        carried: &Carried,
        assets: &Assets,
    ) -> anyhow::Result<Option<StockBuild<'a>>> {
        let (Some(from), Some(pin)) = (&self.from, &self.sha256) else { return Ok(None) };
        let base = Base::new(from, pin.clone()).map_err(|why| anyhow::anyhow!("--from: {why}"))?;
        let usual = boot::options(plan);
        let options = Options {
            user_data: Some(render::user_data::render(plan, bundle, &[], assets)?),
            limit: self.boot_limit.map_or(usual.limit, Duration::from_secs),
            ..usual
        };
        let disk_size = self.disk_size.unwrap_or(DISK_GIB) << 30;
        Ok(Some(StockBuild { plan, base, options, carried: carried.clone(), disk_size, today: today() }))
    }
}

/// A build from a stock image, and the plan that judges it.
pub struct StockBuild<'a> {
    plan: &'a Plan,
    base: Base,
    options: Options,
    carried: Carried,
    disk_size: u64,
    today: Date,
}

impl StockBuild<'_> {
    /// Builds `output`/`name`.qcow2.
    ///
    /// # Errors
    /// See [`stock::build`].
    pub fn build(&self, output: &Path, name: &str, progress: &dyn Progress) -> Result<Built, StockError> {
        let words = render::apply::words(self.plan);
        let order = Order {
            base: &self.base,
            options: self.options.clone(),
            applied: words.applied,
            failed: words.failed.into(),
            disk_size: self.disk_size,
            evidence: evidence(&self.plan.distro),
            carried: self.carried.clone(),
            removals: self.plan.distro.image.removals.clone(),
        };
        stock::build(&order, output, name, self, progress)
    }

    /// What is wrong on one plane, but for what is waived. Whether a waiver is needed shows on both
    /// planes together: that is for the gate.
    fn judge(&self, what: &str, report: &Report, plane: Plane) -> Result<(), String> {
        let waived = |id: &str| self.plan.waiver(id).is_some_and(|w| w.expires >= self.today);
        let wrong: Vec<String> = (report.checks.iter().filter(|c| !waived(&c.id)))
            .flat_map(|c| c.observations.iter().map(move |o| (c, o)))
            .filter(|(_, o)| o.plane == plane && !o.outcome.is_acceptable())
            .map(|(check, seen)| {
                let place = seen.location.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
                let reason = seen.reason.as_deref().unwrap_or("no reason given");
                let found =
                    if seen.outcome == Outcome::Fail { format!("{}: ", seen.found) } else { String::new() };
                format!("\n  {} ({}): {place}{found}{reason}", check.id, seen.outcome.word())
            })
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{what} is not as {} wants it{}", self.plan.profile, wrong.concat()))
    }
}

/// Who knows of a release's updates.
fn evidence(distro: &Distro) -> Evidence {
    let advisories = distro.archive.advisories;
    match distro.backends.packages {
        PackageBackend::Apt => Evidence::Apt,
        PackageBackend::Dnf => Evidence::Dnf { program: "dnf", advisories },
        PackageBackend::Yum => Evidence::Dnf { program: "yum", advisories },
    }
}

impl Judge for StockBuild<'_> {
    fn stock(&self, root: Root<'_>) -> Result<(), String> {
        let wanted = &self.plan.distro;
        match os_release::read(root).map_err(|error| error.to_string())? {
            Some(found) if wanted.os_release.matches(&found) => Ok(()),
            Some(found) => Err(format!(
                "the stock image is of `{}` `{}`, and the build is for {}",
                found.id(),
                found.version_id().unwrap_or_default(),
                wanted.title
            )),
            None => Err("the stock image has no /etc/os-release: it holds no system".into()),
        }
    }

    fn booted(&self, vm: &Vm) -> Result<(), String> {
        let seen = boot::look(vm, self.plan).map_err(|error| format!("{error:#}"))?;
        let target =
            TargetReport { name: self.base.to_string(), kind: "running".into(), sha256: None, base: None };
        let planes = [Plane::Running];
        let report = verify::report(self.plan, target, &planes, seen, self.today);
        self.judge("the booted machine", &report, Plane::Running)
    }

    fn finished(&self, image: &Path, target: &Target) -> Result<(), String> {
        let report = verb::report(image, target, self.plan, &Selection::all(), false, self.today)
            .map_err(|error| format!("{error:#}"))?;
        self.judge("the finished image", &report, Plane::Configured)
    }
}
