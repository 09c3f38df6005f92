//! `ironseed sbom`: the bill of materials of a target.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Ended, Outcome, print};
use crate::bom::{Form, Inventory, Subject};
use crate::hash::Digests;
use crate::target::{self, Root};

/// Lists every package of a target as CycloneDX or SPDX
///
/// Read from the package database in the target: of dpkg, of rpm, or both. What was installed past
/// the package manager is not listed.
#[derive(Args)]
pub struct Sbom {
    /// Directory, tar, raw or qcow2 disk image
    target: PathBuf,
    /// Form of the bill
    #[arg(long, default_value = "cyclonedx")]
    format: Form,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Sbom {
    pub fn run(self) -> Outcome {
        let name = self.target.display().to_string();
        let target = target::open(&self.target)?;
        let inventory = Inventory::read(Root::new(target.tree.as_ref())).with_context(|| name.clone())?;
        let digests = match self.target.is_file() {
            true => Some(Digests::of(&mut File::open(&self.target)?).with_context(|| name.clone())?),
            false => None,
        };
        let file = self.target.file_name().map(|name| name.to_string_lossy().into_owned());
        let subject = Subject { name: file.unwrap_or(name), digests, made: super::now()? };
        let bill = self.format.write(&inventory, &subject)?;
        match &self.output {
            Some(path) => super::file::write_whole(path, bill.as_bytes())?,
            None => print(&bill)?,
        }
        Ok(Ended::Fine)
    }
}
