//! OpenStack's image service as a store: an image that passed becomes an image of a cloud.
//!
//! [`clouds`] finds the cloud's settings, `session` logs in, `images` speaks Glance, `rotation` says what is to do. This
//! file does it: one step, then a new look at what is there, until nothing is left to do. A broken connection is a step that
//! wasn't done. Nothing looks into the image but for its format.

pub mod clouds;
mod http;
mod images;
mod rotation;
mod session;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::clouds::Cloud;
use self::http::{HttpError, pause};
use self::images::{Changes, Glance, Image};
use self::rotation::{BUILD, NAME, SHA256, Step, Wanted};
use super::{Passed, Properties};
use crate::hash;
use crate::target::{DiskFormat, DiskShape};

pub use self::images::Visibility;

/// How Nectar's images begin their names, in front of `nectar_name`.
const PREFIX: &str = "NeCTAR ";
/// How often an upload is begun.
const UPLOADS: u32 = 4;
/// How long Glance may go on after it took the last byte, in seconds.
const SAVING: u32 = 120;
/// More steps than any cloud takes: what was done is not what is seen.
const MAX_STEPS: u32 = 1000;

/// What may be said of an image beyond what plan and report know.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its name in the cloud; `None`: as Nectar calls it.
    pub name: Option<String>,
    /// Who is to see it; `None`: its project, and whoever sees it already.
    pub visibility: Option<Visibility>,
    /// Its number; `None`: the next one.
    pub build: Option<u64>,
}

/// Hears how publishing goes on.
pub trait Progress {
    /// A step begins.
    fn step(&self, text: &str);
    /// Bytes sent, of all.
    fn sent(&self, done: u64, total: u64);
}

/// An image as it is published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its number.
    pub build: String,
    /// Who sees it.
    pub visibility: Visibility,
}

/// An image on its way into a cloud.
pub struct Publication<'a> {
    passed: &'a Passed,
    glance: Glance<'a>,
    wanted: Wanted,
    shape: DiskShape,
}

impl<'a> Publication<'a> {
    /// Looks at the image and logs in.
    ///
    /// # Errors
    /// The image depends on another file, or the cloud lets nobody in.
    pub fn begin(
        passed: &'a Passed,
        properties: &Properties,
        options: &Options,
        cloud: &'a Cloud,
    ) -> anyhow::Result<Self> {
        // The very file that was hashed, whatever its path leads to by now.
        let path = PathBuf::from(format!("/proc/self/fd/{}", passed.image().as_raw_fd()));
        let shape = DiskShape::of(&path).with_context(|| passed.path().display().to_string())?;
        let wanted = wanted(passed, properties, options)?;
        Ok(Self { passed, glance: Glance::open(cloud)?, wanted, shape })
    }

    /// Everything that would be done.
    ///
    /// # Errors
    /// The service's, or an image there that is in the way.
    pub fn steps(&mut self) -> anyhow::Result<Vec<Step>> {
        Ok(rotation::steps(&self.images()?, &self.wanted, Timestamp::now())?)
    }

    /// Publishes it.
    ///
    /// # Errors
    /// The service's, or an image there that is in the way, or Glance holds other bytes than were sent. A half image is deleted
    /// then, and an older build public again; where that fails too, the error says so.
    pub fn publish(mut self, progress: &dyn Progress) -> anyhow::Result<Published> {
        let mut superseded = Vec::new();
        let mut broken_uploads = 0;
        for _ in 0..MAX_STEPS {
            let images = self.images()?;
            let steps = rotation::steps(&images, &self.wanted, Timestamp::now())?;
            let Some(step) = steps.into_iter().next() else { return self.published(&images) };
            progress.step(&step.to_string());
            match &step {
                Step::Discard { id, .. } => self.glance.delete(id)?,
                Step::Upload { build } => match self.upload(*build, progress) {
                    Ok(()) => {}
                    Err(error) if broken_uploads + 1 < UPLOADS && may_pass(&error) => {
                        broken_uploads += 1;
                        progress.step(&format!("{error:#}; once more"));
                        pause(broken_uploads);
                    }
                    Err(error) => return Err(error),
                },
                Step::Supersede { id, changes, .. } => {
                    superseded.extend(images.into_iter().find(|image| image.id == *id));
                    self.glance.change(id, changes)?;
                }
                Step::Settle { id: Some(id), changes } => {
                    if let Err(error) = self.glance.change(id, changes) {
                        return Err(self.undone(error, &superseded));
                    }
                }
                Step::Settle { id: None, .. } => bail!("an image can't be settled before it is uploaded"),
            }
        }
        bail!("{} does not become what it is told to be", self.glance.endpoint())
    }

    fn images(&mut self) -> anyhow::Result<Vec<Image>> {
        let name = self.wanted.properties.get(NAME).cloned().unwrap_or_default();
        self.glance.list(NAME, &name)
    }

    fn published(&self, images: &[Image]) -> anyhow::Result<Published> {
        let image = rotation::held(images, &self.wanted).context("the image is gone")?;
        Ok(Published {
            id: image.id.clone(),
            name: image.name.clone().unwrap_or_default(),
            build: image.property(BUILD).unwrap_or_default().to_owned(),
            visibility: image.visibility,
        })
    }

    /// Uploads the image under a name that says that it isn't ready, and holds what Glance got against what passed.
    fn upload(&mut self, build: u64, progress: &dyn Progress) -> anyhow::Result<()> {
        let id = self.glance.create(&self.body(build))?.id;
        let Err(error) = self.send(&id, progress) else { return Ok(()) };
        match self.glance.delete(&id) {
            Ok(()) => Err(error),
            Err(why) => Err(error.context(format!(
                "the half image {id} is left behind, private and named {}, and goes with the next run ({why:#})",
                self.wanted.incomplete_name()
            ))),
        }
    }

    fn send(&mut self, id: &str, progress: &dyn Progress) -> anyhow::Result<()> {
        let mut stream = Sending::of(self.passed.image(), self.wanted.size, progress)?;
        if let Err(error) = self.glance.upload(id, &mut stream, self.wanted.size) {
            // The answer alone may have been lost.
            let arrived =
                error.status().is_none() && self.glance.get(id).is_ok_and(|i| self.wanted.is_held_by(&i));
            return if arrived { Ok(()) } else { Err(error.into()) };
        }
        let mut image = self.glance.get(id)?;
        for _ in 0..SAVING {
            if image.status != "saving" && image.status != "importing" {
                break;
            }
            std::thread::sleep(Duration::from_secs(1));
            image = self.glance.get(id)?;
        }
        if self.wanted.is_held_by(&image) {
            return Ok(());
        }
        bail!(
            "Glance holds something else than was sent: status {}, {} bytes, {} {}; wanted are {} bytes with sha512 {}",
            image.status,
            image.size.unwrap_or_default(),
            image.os_hash_algo.as_deref().unwrap_or("no hash"),
            image.os_hash_value.as_deref().unwrap_or_default(),
            self.wanted.size,
            self.wanted.digests.sha512
        )
    }

    fn body(&self, build: u64) -> Value {
        let format = match self.shape.format {
            DiskFormat::Raw => "raw",
            DiskFormat::Qcow2 => "qcow2",
        };
        let mut body = json!({
            "name": self.wanted.incomplete_name(),
            "visibility": Visibility::Private.word(),
            "disk_format": format,
            "container_format": "bare",
            "min_disk": self.shape.size.div_ceil(1 << 30),
            "tags": self.wanted.tags,
            BUILD: build.to_string(),
        });
        for (name, value) in &self.wanted.properties {
            body[name] = value.as_str().into();
        }
        body
    }

    /// Gives older builds back what this run took, as the new one was refused what it should get.
    fn undone(&mut self, error: anyhow::Error, superseded: &[Image]) -> anyhow::Error {
        // Only a refusal is sure to have changed nothing; after anything else, two could be public.
        let refused = error.downcast_ref::<HttpError>().and_then(HttpError::status);
        if !refused.is_some_and(|status| (400..500).contains(&status)) {
            return error.context("publishing ended half-way: run it again");
        }
        for image in superseded {
            let name = image.name.clone();
            let back = Changes { name, visibility: Some(image.visibility), ..Changes::default() };
            if let Err(why) = self.glance.change(&image.id, &back) {
                let id = &image.id;
                return error.context(format!("build {id} could not be given back what it had: {why:#}"));
            }
        }
        error.context(format!(
            "the image was uploaded and may not become what it is to be; whole, private and named {}, it waits for the \
             next run, which goes on there",
            self.wanted.incomplete_name()
        ))
    }
}

/// Whether the same upload may fare better in a moment.
fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<HttpError>().is_some_and(HttpError::passes)
}

fn wanted(passed: &Passed, properties: &Properties, options: &Options) -> anyhow::Result<Wanted> {
    let report = passed.report();
    let mut values = properties.values.clone();
    let name = match &options.name {
        Some(name) => name.clone(),
        None => format!("{PREFIX}{}", values.get(NAME).context("the distribution has no `nectar_name`")?),
    };
    let short = name.strip_prefix(PREFIX).unwrap_or(&name).to_owned();
    let report_sha256 = hash::bytes(report.to_json()?.as_bytes());
    values.extend([
        (NAME.to_owned(), short),
        ("ironseed_version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("ironseed_plan_sha256".to_owned(), report.plan.digest.clone()),
        ("ironseed_report_sha256".to_owned(), report_sha256),
        (SHA256.to_owned(), passed.sha256().to_owned()),
    ]);
    Ok(Wanted {
        name,
        digests: passed.digests().clone(),
        size: passed.image().metadata()?.len(),
        visibility: options.visibility,
        build: options.build,
        properties: values,
        tags: properties.tags.clone(),
    })
}

/// An image's bytes on their way.
struct Sending<'a> {
    file: &'a File,
    left: u64,
    total: u64,
    progress: &'a dyn Progress,
}

impl<'a> Sending<'a> {
    fn of(mut file: &'a File, total: u64, progress: &'a dyn Progress) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file, left: total, total, progress })
    }
}

impl Read for Sending<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read(&mut buffer[..room])?;
        self.left -= n as u64;
        self.progress.sent(self.total - self.left, self.total);
        Ok(n)
    }
}
