//! `ironseed user-data`: cloud-config that hardens a stock cloud image.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::making::Making;
use super::{Ended, Outcome};
use crate::assets::Assets;
use crate::render::{self, user_data};

/// Writes cloud-init user-data that hardens a stock cloud image by itself
#[derive(Args)]
pub struct UserDataVerb {
    #[command(flatten)]
    choice: Making,
    /// Public SSH key for the cloud's default user, besides the one the cloud brings; repeatable
    #[arg(long, value_name = "FILE")]
    ssh_key: Vec<PathBuf>,
    /// Compress: cloud-init and cloudbase-init read gzip, and more fits under the cloud's limit
    #[arg(long)]
    gzip: bool,
}

impl UserDataVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        let bundle = render::bundle(&plan, assets)?;
        let mut keys = Vec::new();
        for path in &self.ssh_key {
            let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
            keys.extend(user_data::public_keys(&text, path)?);
        }
        let text = user_data::render(&plan, &bundle, &keys, assets)?;
        let bytes = user_data::pack(&text, self.gzip)?;
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()?;
        Ok(Ended::Fine)
    }
}
