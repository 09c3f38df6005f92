//! `publish --to glance:CLOUD`: options and output.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::display::Transfer;
use super::{Ended, Outcome, print};
use crate::publish::glance::clouds::Surroundings;
use crate::publish::glance::{Options, Publication, Visibility};
use crate::publish::{Evidence, Passed, Properties, directory};
use crate::report::text::plain;

/// How an image is published in a cloud.
#[derive(Args)]
pub struct CloudArgs {
    /// In a cloud: the image's name [default: as Nectar calls it, such as `NeCTAR Debian 12 (Bookworm) amd64`]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// In a cloud: who sees the image [default: private, or as it is where it is there already]
    #[arg(long, value_name = "WHO")]
    visibility: Option<Visibility>,
    /// In a cloud: the build's number [default: the highest one there and one more]
    #[arg(long, value_name = "N")]
    build: Option<u64>,
    /// In a cloud: say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Beside a cloud: write report, manifest, bills of materials, statements, .facts and .tags there
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
}

impl CloudArgs {
    /// Refuses what only a cloud understands.
    pub fn refuse_for_directory(&self) -> anyhow::Result<()> {
        let given = [
            ("--name", self.name.is_some()),
            ("--visibility", self.visibility.is_some()),
            ("--build", self.build.is_some()),
            ("--dry-run", self.dry_run),
            ("--evidence", self.evidence.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                bail!("{option} is for clouds (`--to glance:CLOUD`), and this store is a directory")
            }
            None => Ok(()),
        }
    }

    /// Refuses to build for minutes what is thrown away then.
    pub fn refuse_dry_run(&self) -> anyhow::Result<()> {
        if self.dry_run {
            bail!("--dry-run is for `publish`: a release is built to be published");
        }
        Ok(())
    }

    /// Publishes an image that passed.
    pub fn publish(
        &self,
        passed: &Passed,
        evidence: &Evidence,
        properties: &Properties,
        cloud: &str,
    ) -> Outcome {
        let cloud = Surroundings::of_process().cloud(cloud)?;
        let options = Options { name: self.name.clone(), visibility: self.visibility, build: self.build };
        let mut publication = Publication::begin(passed, properties, &options, &cloud)?;
        if self.dry_run {
            for step in publication.steps()? {
                // Names are whatever somebody called an image in the cloud.
                print(&format!("would {}\n", plain(&step.to_string())))?;
            }
            return Ok(Ended::Fine);
        }
        // Before the image is public, not after: evidence that can't be written is a reason to stop.
        if let Some(folder) = &self.evidence {
            directory::write_evidence(passed, evidence, properties, folder)?;
        }
        let published = publication.publish(&Transfer::new())?;
        let (name, build, id) = (&published.name, &published.build, &published.id);
        print(&format!("published {name}, build {build}, {}: {id}\n", published.visibility.word()))?;
        Ok(Ended::Fine)
    }
}
