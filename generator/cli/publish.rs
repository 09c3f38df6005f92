//! `ironseed publish` and `ironseed release`: what passed goes into a store.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::attest::SigningArgs;
use super::build::{build, name};
use super::carrying::Carrying;
use super::glance::CloudArgs;
use super::making::Making;
use super::stock::FromStock;
use super::{Ended, Outcome, now, print, resolve, today, verify};
use crate::assets::Assets;
use crate::carried::{LABEL, Label};
use crate::distro;
use crate::plan::Plan;
use crate::publish::evidence::file_name;
use crate::publish::glance::clouds::Surroundings;
use crate::publish::{Evidence, Passed, Properties, Refusal, Signing, Store, directory};
use crate::report::{self, Report};
use crate::target::{self, Root};
use crate::triage::policy::Policy;
use crate::triage::{self, Scans};
use crate::verify::Selection;

/// Publishes an image to a store, if its report lets it through
#[derive(Args)]
pub struct Publish {
    /// The disk image
    image: PathBuf,
    /// Its report, from `ironseed verify --boot --report`
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// The store: a directory, or a cloud of clouds.yaml (`glance:` alone is the one that OS_CLOUD or OS_… say)
    #[arg(long, value_name = "DIR|glance:CLOUD")]
    to: Store,
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
    #[command(flatten)]
    cloud: CloudArgs,
}

impl Publish {
    pub fn run(self, assets: &Assets) -> Outcome {
        let report = saved(&self.report)?;
        let profile = self.profile.as_deref().unwrap_or(&report.plan.profile);
        let distro = self.distro.as_deref().unwrap_or(&report.plan.distro);
        let plan = resolve(profile, distro::load(distro, assets)?, assets)?;
        let to = Destination { store: &self.to, cloud: &self.cloud };
        let refused = self.refused_by_scans(&plan, assets)?;
        publish(report, &self.image, &plan, &to, self.signing.signing()?.as_ref(), refused)
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
    #[command(flatten)]
    carrying: Carrying,
    /// Store to publish into; the image is built in a hidden folder of it
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
    /// Publish into this store instead, and only build in a hidden folder of --output
    #[arg(long, value_name = "DIR|glance:CLOUD")]
    to: Option<Store>,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    cloud: CloudArgs,
}

impl Release {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        // Before the work of minutes: a key that can't be read is no reason to find out at its end.
        let signing = self.signing.signing()?;
        let store = self.to.unwrap_or_else(|| Store::Directory(self.output.clone()));
        let to = Destination { store: &store, cloud: &self.cloud };
        to.check()?;
        self.cloud.refuse_dry_run()?;
        // A folder of its own: another profile may be released into the same store meanwhile.
        let work = self.output.join(format!(".work-{}", name(&plan)));
        let Some(built) = build(&plan, assets, &self.stock, &self.carrying, &work)? else {
            return Ok(Ended::Findings);
        };
        anstream::eprintln!("verifying {} offline and booted", built.image.display());
        let target = target::open(&built.image)?;
        let report = verify::report(&built.image, &target, &plan, &Selection::all(), true, today())?;
        let path = built.image.with_extension("report.json");
        super::file::write_whole(&path, report.to_json()?.as_bytes())?;
        print(&report::human(&report))?;
        let ended = publish(report, &built.image, &plan, &to, signing.as_ref(), Vec::new())?;
        if ended == Ended::Fine {
            std::fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
        }
        Ok(ended)
    }
}

/// A store, and how an image is published there.
struct Destination<'a> {
    store: &'a Store,
    cloud: &'a CloudArgs,
}

impl Destination<'_> {
    /// Finds out what needs no image to be found out.
    fn check(&self) -> anyhow::Result<()> {
        match self.store {
            Store::Directory(_) => self.cloud.refuse_for_directory(),
            Store::Glance(cloud) => Surroundings::of_process().cloud(cloud).map(drop),
        }
    }

    fn take(&self, passed: &Passed, evidence: &Evidence, properties: &Properties) -> Outcome {
        match self.store {
            Store::Directory(folder) => {
                let build = directory::publish(passed, evidence, properties, folder)?;
                print(&format!("published {}\n", build.display()))?;
                Ok(Ended::Fine)
            }
            Store::Glance(cloud) => self.cloud.publish(passed, evidence, properties, cloud),
        }
    }
}

/// What the image says of itself against the plan that it passed by: its VMs would be held against another one.
fn refused_by_label(passed: &Passed, plan: &Plan) -> anyhow::Result<Option<String>> {
    let target = target::open(passed.path())?;
    let wrong = match Label::of(Root::new(target.tree.as_ref())) {
        Ok(label) => label.and_then(|label| label.is_not_of(plan)),
        Err(why) => Some(why),
    };
    Ok(wrong.map(|why| format!("the image's own {LABEL}: {why}: build it anew")))
}

/// Publishes what its report lets through, unless there are other reasons against it.
fn publish(
    report: Report,
    image: &Path,
    plan: &Plan,
    to: &Destination,
    signing: Option<&Signing>,
    mut reasons: Vec<String>,
) -> Outcome {
    to.check()?;
    match report.passed(image, plan, today()).with_context(|| image.display().to_string())? {
        Ok(passed) => {
            reasons.extend(refused_by_label(&passed, plan)?);
            if reasons.is_empty() {
                let properties = Properties::of(&passed, plan);
                let evidence = Evidence::gather(&passed, file_name(&passed)?, &properties, signing, now()?)?;
                return to.take(&passed, &evidence, &properties);
            }
        }
        Err(refusal) => reasons.splice(0..0, refusal.reasons).for_each(drop),
    }
    anstream::eprintln!("{}", Refusal { reasons });
    Ok(Ended::Findings)
}
