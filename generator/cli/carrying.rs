//! What an image carries to verify itself: the argument.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::Args;

use crate::carried::{self, Carried};
use crate::plan::Plan;

/// The program that an image carries.
#[derive(Args, Clone)]
pub struct Carrying {
    /// Program that the image carries to verify itself; `none` for none [default: this program]
    #[arg(long, value_name = "FILE|none")]
    verifier: Option<String>,
}

impl Carrying {
    /// Everything that the image of a plan carries.
    ///
    /// # Errors
    /// The program can't be read; or the profile wants one and there shall be none.
    pub fn of(&self, plan: &Plan) -> anyhow::Result<Carried> {
        let verifier = match self.verifier.as_deref() {
            Some("none") => None,
            Some(path) => Some(named(Path::new(path)).with_context(|| format!("--verifier {path}"))?),
            None => Some(std::fs::read("/proc/self/exe").context("reading this program")?),
        };
        Ok(carried::by(plan, verifier)?)
    }
}

/// A program's bytes. One that is no ironseed is refused here, and not after minutes in the image, where it is tried too.
fn named(path: &Path) -> anyhow::Result<Vec<u8>> {
    let path = path.canonicalize()?;
    let said = Command::new(&path).arg("--version").output().context("it does not run")?;
    anyhow::ensure!(
        said.status.success() && said.stdout.starts_with(b"ironseed "),
        "it is no ironseed: its `--version` says something else"
    );
    Ok(std::fs::read(&path)?)
}
