//! `ironseed render`: the bundle as plain files, with everything that is made of the same plan.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;

use super::making::Making;
use super::{Ended, Outcome, build, print, today};
use crate::assets::Assets;
use crate::check::Catalogue;
use crate::diagnostic::ConfigError;
use crate::distro::{self, Distro};
use crate::parameter;
use crate::plan::Plan;
use crate::profile::{self, Profile, Vocabulary};
use crate::render::{self, output};

/// Writes everything made of a plan: files with an apply script, user-data, image manifest,
/// Packer template, security group
#[derive(Args)]
pub struct RenderVerb {
    #[command(flatten)]
    choice: Making,
    /// Every built-in profile for every supported release, each in a folder of its own below the directory
    #[arg(long, conflicts_with_all = ["profile", "distro", "allow_eol"])]
    all: bool,
    /// Directory to write; must not exist yet, or hold an earlier rendering
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl RenderVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        if self.all {
            return all(&self.output, assets);
        }
        let plan = self.choice.resolve(assets)?;
        let bundle = render::bundle(&plan, assets)?;
        let written = output::write(&plan, &bundle, assets, &self.output)?;
        print(&written.iter().map(|p| format!("{}\n", p.display())).collect::<String>())?;
        Ok(Ended::Fine)
    }
}

/// Renders every profile for every supported release, on all processors. What they share is read once.
fn all(directory: &Path, assets: &Assets) -> Outcome {
    let catalogue = Catalogue::load(assets)?;
    let declarations = parameter::load(assets)?;
    let vocabulary = Vocabulary { assets, catalogue: &catalogue, declarations: &declarations };
    let names = profile::names(assets)?;
    let profiles: Vec<Profile> =
        names.iter().map(|name| profile::load(name, &vocabulary)).collect::<Result<_, ConfigError>>()?;
    let ids = distro::supported(assets, today())?;
    let distros: Vec<Distro> =
        ids.par_iter().map(|id| distro::load(id, assets)).collect::<Result<_, ConfigError>>()?;
    let combinations: Vec<_> = distros.iter().flat_map(|d| profiles.iter().map(move |p| (p, d))).collect();
    let written = combinations.par_iter().map(|(profile, distro)| {
        let plan = Plan::resolve(profile, (*distro).clone(), &catalogue, &declarations)?;
        let folder = directory.join(build::name(&plan));
        output::write(&plan, &render::bundle(&plan, assets)?, assets, &folder)?;
        Ok(format!("{}\n", folder.display()))
    });
    print(&written.collect::<anyhow::Result<String>>()?)?;
    Ok(Ended::Fine)
}
