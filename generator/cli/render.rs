//! `ironseed render`: the bundle as plain files, with everything that is made of the same plan.

use std::path::PathBuf;

use clap::Args;

use super::making::Making;
use super::{Ended, Outcome, print};
use crate::assets::Assets;
use crate::render::{self, output};

/// Writes everything made of a plan: files with an apply script, user-data, image manifest,
/// Packer template, security group
#[derive(Args)]
pub struct RenderVerb {
    #[command(flatten)]
    choice: Making,
    /// Directory to write; must not exist yet, or hold an earlier rendering
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl RenderVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        let bundle = render::bundle(&plan, assets)?;
        let written = output::write(&plan, &bundle, assets, &self.output)?;
        print(&written.iter().map(|p| format!("{}\n", p.display())).collect::<String>())?;
        Ok(Ended::Fine)
    }
}
