//! What an image carries to verify itself: the argument.

use std::path::Path;

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
        let read = |path: &Path| {
            std::fs::read(path)
                .with_context(|| format!("{}: the verifier that the image is to carry", path.display()))
        };
        let verifier = match self.verifier.as_deref() {
            Some("none") => None,
            Some(path) => Some(read(Path::new(path))?),
            None => Some(read(Path::new("/proc/self/exe"))?),
        };
        Ok(carried::by(plan, verifier)?)
    }
}
