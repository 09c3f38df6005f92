//! `ironseed publish` and `ironseed release`: what passed goes into the store.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::attest::SigningArgs;
use super::build::{build, name};
use super::making::Making;
use super::stock::FromStock;
use super::{Ended, Outcome, now, print, resolve, today, verify};
use crate::assets::Assets;
use crate::plan::Plan;
use crate::publish::evidence::file_name;
use crate::publish::{Evidence, Properties, Refusal, Signing, directory};
use crate::report::{self, Report};
use crate::triage::policy::Policy;
use crate::triage::{self, Scans};
use crate::verify::Selection;
use crate::{distro, target};

/// Publishes an image to a directory store, if its report lets it through
#[derive(Args)]
pub struct Publish {
    /// The disk image
    image: PathBuf,
    /// Its report, from `ironseed verify --boot --report`
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// The store
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Profile that the image must meet; the report's where it is left out
    #[arg(short, long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Distribution; the report's where it is left out
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Option<String>,
    /// Scans of the image, in which nothing may be open that the policy refuses; repeatable
    #[arg(long, num_args = 1.., value_name = "SCAN")]
    scan: Vec<PathBuf>,
    /// Policy that the scans are held against [default: the built-in one]
    #[arg(long, value_name = "FILE", requires = "scan")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningArgs,
}

impl Publish {
    pub fn run(self, assets: &Assets) -> Outcome {
        let report = saved(&self.report)?;
        let profile = self.profile.as_deref().unwrap_or(&report.plan.profile);
        let distro = self.distro.as_deref().unwrap_or(&report.plan.distro);
        let plan = resolve(profile, distro::load(distro, assets)?, assets)?;
        let refused = self.refused_by_scans(&plan, assets)?;
        publish(report, &self.image, &plan, &self.to, self.signing.signing()?.as_ref(), refused)
    }

    /// What the image's scans have against it.
    fn refused_by_scans(&self, plan: &Plan, assets: &Assets) -> anyhow::Result<Vec<String>> {
        if self.scan.is_empty() {
            return Ok(Vec::new());
        }
        let policy = Policy::load(self.policy.as_deref(), assets)?;
        // Whatever a scanner called the image, it is one host.
        let scans = Scans { files: &self.scan, seen: None, host: Some("the image") };
        triage::refusals(&scans, &plan.distro.id, &policy, Timestamp::now(), assets)
    }
}

/// A report as it was saved. Whether it was edited since is for the gate to say.
pub fn saved(path: &Path) -> anyhow::Result<Report> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| name.to_string())?;
    serde_json::from_str(&text)
        .with_context(|| format!("{name} is no report of `ironseed verify --format json`"))
}

/// Builds, verifies offline and booted, and publishes an image
#[derive(Args)]
pub struct Release {
    #[command(flatten)]
    choice: Making,
    #[command(flatten)]
    stock: FromStock,
    /// Store to publish into; the image is built in a hidden folder of it
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    signing: SigningArgs,
}

impl Release {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        // Before the work of minutes: a key that can't be read is no reason to find out at its end.
        let signing = self.signing.signing()?;
        // A folder of its own: another profile may be released into the same store meanwhile.
        let work = self.output.join(format!(".work-{}", name(&plan)));
        let Some(built) = build(&plan, assets, &self.stock, &work)? else { return Ok(Ended::Findings) };
        anstream::eprintln!("verifying {} offline and booted", built.image.display());
        let target = target::open(&built.image)?;
        let report = verify::report(&built.image, &target, &plan, &Selection::all(), true, today())?;
        let path = built.image.with_extension("report.json");
        super::write_whole(&path, report.to_json()?.as_bytes())?;
        print(&report::human(&report))?;
        let ended = publish(report, &built.image, &plan, &self.output, signing.as_ref(), Vec::new())?;
        if ended == Ended::Fine {
            std::fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
        }
        Ok(ended)
    }
}

/// Publishes what its report lets through, unless there are other reasons against it.
fn publish(
    report: Report,
    image: &Path,
    plan: &Plan,
    store: &Path,
    signing: Option<&Signing>,
    mut reasons: Vec<String>,
) -> Outcome {
    match report.passed(image, plan, today()).with_context(|| image.display().to_string())? {
        Ok(passed) if reasons.is_empty() => {
            let properties = Properties::of(&passed, plan);
            let evidence = Evidence::gather(&passed, file_name(&passed)?, &properties, signing, now()?)?;
            let build = directory::publish(&passed, &evidence, &properties, store)?;
            print(&format!("published {}\n", build.display()))?;
            return Ok(Ended::Fine);
        }
        Ok(_) => {}
        Err(refusal) => reasons.splice(0..0, refusal.reasons).for_each(drop),
    }
    anstream::eprintln!("{}", Refusal { reasons });
    Ok(Ended::Findings)
}
