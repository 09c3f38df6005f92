//! `ironseed build`: an image from a profile, by either engine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::carrying::Carrying;
use super::display::Display;
use super::making::Making;
use super::stock::FromStock;
use super::{Ended, Outcome, print};
use crate::assets::Assets;
use crate::build::{self, Built, Recipe, RecipeFile, Step};
use crate::carried::Carried;
use crate::distro::Engine;
use crate::plan::Plan;
use crate::render::bundle::{Bundle, BundleFile, Phase, UnitState};
use crate::stock::StockError;
use crate::{render, yaml};

/// Builds a bootable qcow2 image, without root
#[derive(Args)]
pub struct Build {
    #[command(flatten)]
    choice: Making,
    #[command(flatten)]
    stock: FromStock,
    #[command(flatten)]
    carrying: Carrying,
    /// Directory for the image and the engine's log
    #[arg(short, long, default_value = "dist", value_name = "DIR")]
    output: PathBuf,
}

impl Build {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        let Some(built) = build(&plan, assets, &self.stock, &self.carrying, &self.output)? else {
            return Ok(Ended::Findings);
        };
        print(&format!("{}\n", built.image.display()))?;
        Ok(Ended::Fine)
    }
}

/// Builds the image of a plan into a directory. `None`, after saying why, where what was made is not
/// as the plan wants it.
///
/// # Errors
/// Missing tools, a failing engine, a full disk: with the end of the engine's log.
pub fn build(
    plan: &Plan,
    assets: &Assets,
    stock: &FromStock,
    carrying: &Carrying,
    output: &Path,
) -> anyhow::Result<Option<Built>> {
    let bundle = render::bundle(plan, assets)?;
    let carried = carrying.of(plan)?;
    std::fs::create_dir_all(output).with_context(|| output.display().to_string())?;
    let built = match stock.order(plan, &bundle, &carried, assets)? {
        Some(order) => match order.build(output, &name(plan), &Display::new(Step::OF_STOCK)) {
            Err(StockError::Judged(why)) => {
                anstream::eprintln!("no image was made: {why}");
                return Ok(None);
            }
            built => built?,
        },
        None => {
            anyhow::ensure!(
                plan.distro.image.engine == Engine::Mmdebstrap,
                "{} is built of its own cloud image: name one with --from and --sha256",
                plan.distro.title
            );
            let recipe = recipe(plan, &bundle, carried)?;
            build::build(&recipe, output, &name(plan), &Display::new(Step::OF_PACKAGES))?
        }
    };
    let seconds = built.elapsed.as_secs();
    anstream::eprintln!(
        "built {} ({} MiB) in {seconds} s; the engine's log is {}",
        built.image.display(),
        built.size >> 20,
        built.log.display()
    );
    Ok(Some(built))
}

/// File name, without extension, of a plan's image.
pub fn name(plan: &Plan) -> String {
    format!("{}-{}", plan.profile, plan.distro.id)
}

/// Size of the virtual disk: the root filesystem grows at the first boot.
const DISK_SIZE: u64 = 3 << 30;

/// Sorts before the profile's own file, which wins.
const CLOUD_CONFIG: &str = "/etc/cloud/cloud.cfg.d/90-image.cfg";

/// Brings a unit's enablement about.
fn enable(state: UnitState, unit: String) -> Vec<String> {
    vec!["systemctl".into(), state.verb().into(), "--quiet".into(), unit]
}

fn recipe(plan: &Plan, bundle: &Bundle, carried: Carried) -> anyhow::Result<Recipe> {
    let distro = &plan.distro;
    let image = &distro.image;
    let absent: Vec<&String> = bundle.absent.keys().collect();
    let packages = image.packages.iter().chain(bundle.packages.keys());
    let mut packages: Vec<String> = packages.filter(|p| !absent.contains(p)).cloned().collect();
    packages.sort();
    packages.dedup();
    let purge = image.purge.iter().map(|p| ["dpkg", "--purge", p].map(str::to_owned).to_vec());
    let mut commands: Vec<Vec<String>> = purge.collect();
    commands.extend(bundle.phase(Phase::Configure).map(|c| c.argv.clone()));
    for (unit, (state, _)) in &bundle.units {
        commands.push(enable(*state, unit.clone()));
    }
    commands.extend(carried.commands);
    commands.extend(carried.enabled.into_iter().map(|unit| enable(UnitState::Enabled, unit)));
    Ok(Recipe {
        suite: distro.codename.clone(),
        variant: image.variant.clone(),
        packages,
        files: (bundle
            .files
            .values()
            .chain([&BundleFile::config(CLOUD_CONFIG, yaml::write(&image.cloud_config)?)]))
        .map(|f| RecipeFile {
            path: f.path.clone(),
            mode: f.mode,
            owner: f.owner.clone(),
            group: f.group.clone(),
            content: f.content.clone().into_bytes(),
        })
        .chain(carried.files)
        .collect(),
        commands,
        fstab: bundle.mounts.values().map(|(line, _)| line.clone()).collect(),
        removals: image.removals.iter().chain(bundle.removals.keys()).cloned().collect(),
        hostname: distro.openstack.os_distro.clone(),
        kernel_args: image.kernel_args.clone(),
        root_label: "cloudimg-rootfs".into(),
        efi_vendor: image.efi_vendor.clone(),
        disk_size: DISK_SIZE,
        source_date_epoch: image.source_date_epoch,
    })
}
