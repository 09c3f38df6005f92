//! Builds an image from a recipe, without root and without a loop device.
//!
//! mmdebstrap installs the packages in a user namespace; fixed hooks in there put the recipe's
//! files in place, run its commands, set the boot loader up, record what is left to update, clean
//! up and pack the tree into an ext4 filesystem, straight into the disk. Outside, the partition
//! table and the boot sectors are added, and the disk is written as a qcow2 image.
//!
//! Owns how bytes become an image. Must not know why a file is wanted, nor what a profile is.

mod bootstrap;
mod disk;
mod evidence;
mod identity;
mod payload;
pub mod qcow2;
mod recipe;
mod record;
mod scratch;
pub mod tools;

pub use evidence::Evidence;
pub use payload::{REMOVALS, records};
pub use recipe::{Recipe, RecipeFile};
pub use record::{BaseRecord, RECORD, Record, Release};
pub use scratch::Scratch;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bootstrap::Bootstrap;
use disk::BootFiles;
use identity::Identity;

/// A long part of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Downloading, and unpacking the base system.
    Base,
    /// Installing the packages.
    Packages,
    /// The recipe's files and commands, the boot loader, cleaning up.
    Configuration,
    /// Making the root filesystem.
    Filesystem,
    /// Compressing the disk into the image.
    Image,
    /// Fetching a stock image, and making a disk of it.
    Stock,
    /// The stock image's first boot, with user-data.
    FirstBoot,
    /// Looking at the machine that came of it.
    Verification,
    /// Taking away what the machine has of its own, and switching it off.
    Sealing,
}

impl Step {
    /// The steps of an image of packages in order, for a display that counts.
    pub const OF_PACKAGES: &[Self] =
        &[Self::Base, Self::Packages, Self::Configuration, Self::Filesystem, Self::Image];

    /// The steps of an image of a stock image.
    pub const OF_STOCK: &[Self] =
        &[Self::Stock, Self::FirstBoot, Self::Verification, Self::Sealing, Self::Image];

    /// What people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Base => "base system",
            Self::Packages => "packages",
            Self::Configuration => "configuration",
            Self::Filesystem => "filesystem",
            Self::Image => "image",
            Self::Stock => "stock image",
            Self::FirstBoot => "first boot",
            Self::Verification => "verification",
            Self::Sealing => "sealing",
        }
    }
}

/// Hears how a build goes on.
pub trait Progress {
    /// A step begins; the one before it is done.
    fn step(&self, step: Step);
    /// Bytes done, of all, in the step that runs. Only some steps know.
    fn advance(&self, done: u64, total: u64);
    /// A line that the machine says which becomes the image, where there is one.
    fn hear(&self, _line: &str) {}
}

/// Tells nobody.
impl Progress for () {
    fn step(&self, _: Step) {}
    fn advance(&self, _: u64, _: u64) {}
}

/// A finished image.
#[derive(Clone, Debug)]
pub struct Built {
    /// The qcow2 image.
    pub image: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// What mmdebstrap and the hooks said.
    pub log: PathBuf,
    /// What the build recorded in the image.
    pub record: Option<Record>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The recipe holds something that can't be built.
    #[error("recipe: {0}")]
    Recipe(String),
    /// Programs are missing.
    #[error(transparent)]
    Tools(#[from] tools::Missing),
    /// Another build of the same name runs.
    #[error("another build writes {}", .0.display())]
    Busy(PathBuf),
    /// mmdebstrap or a hook failed.
    #[error("mmdebstrap failed ({status}); the end of {}:\n{tail}", log.display())]
    Bootstrap {
        /// How it ended.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Updates are left over at the end.
    #[error("updates are pending at the end of the build: {}", .0.join(", "))]
    Pending(Vec<String>),
    /// The disk can't be put together.
    #[error("{0}")]
    Disk(String),
    /// The system refused something.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

impl BuildError {
    /// Wraps an I/O error with what was being done, for `map_err`.
    fn io(context: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { context: context.into(), source }
    }
}

/// Builds `out_dir`/`name`.qcow2, with the log beside it in `name`.build.log.
///
/// Works as an ordinary user with subordinate ids in `/etc/subuid` and `/etc/subgid`, and as root.
/// Nothing stands under the image's name before it is whole. Runs to its end in the calling
/// thread; if that thread dies, so does the build.
pub fn build(
    recipe: &Recipe,
    out_dir: &Path,
    name: &str,
    progress: &dyn Progress,
) -> Result<Built, BuildError> {
    let start = Instant::now();
    recipe.check()?;
    let root_kib = disk::root_kib(recipe.disk_size)?;
    let mut needed = vec![tools::MMDEBSTRAP, tools::MKE2FS, tools::SETPRIV];
    if !rustix::process::geteuid().is_root() {
        needed.push(tools::NEWUIDMAP);
    }
    tools::require(&needed)?;

    let scratch = Scratch::new(out_dir, name)?;
    let identity = Identity::derive(&recipe.digest());
    let mut disk = create_disk(&scratch.path().join("disk.raw"), recipe.disk_size)?;
    let mut bootstrap = {
        // A duplicate has no close-on-exec flag: the hooks inherit it. They may not see the
        // output folder at all, as another user; so they get the open file.
        let inherited =
            rustix::io::dup(&disk).map_err(|error| BuildError::io("sharing the disk")(error.into()))?;
        let values =
            payload::Values { identity: &identity, root_kib, disk_descriptor: inherited.as_raw_fd() };
        File::create(scratch.path().join(bootstrap::PAYLOAD))
            .and_then(|archive| payload::write(recipe, &values, archive))
            .map_err(BuildError::io("writing the payload"))?;
        Bootstrap::start(recipe, scratch.path(), &log_path(out_dir, name))?
    };
    bootstrap.until_packed(progress)?;
    let mut result = read_result(&scratch.path().join(bootstrap::RESULT))?;
    let record = Record::parse(&take(&mut result, "build.json")?).map_err(BuildError::Disk)?;
    if !record.pending.is_empty() {
        return Err(BuildError::Pending(record.pending));
    }

    let boot = BootFiles {
        boot_img: take(&mut result, "boot.img")?,
        core_img: take(&mut result, "core.img")?,
        shim: take(&mut result, "shimx64.efi")?,
        grub: take(&mut result, "grubx64.efi")?,
        mok_manager: take(&mut result, "mmx64.efi")?,
    };
    disk::complete(&mut disk, &boot, &recipe.efi_vendor, &identity)?;
    let unfinished = scratch.path().join("image.qcow2");
    let image = out_dir.join(format!("{name}.qcow2"));
    File::create_new(&unfinished)
        .and_then(|file| qcow2::write(&disk, &file, |done, total| progress.advance(done, total)))
        .map_err(BuildError::io(format!("writing {}", unfinished.display())))?;
    bootstrap.finish()?;
    fs::rename(&unfinished, &image)
        .and_then(|()| File::open(out_dir)?.sync_all())
        .map_err(BuildError::io(format!("writing {}", image.display())))?;
    let size = image.metadata().map_err(BuildError::io("measuring the image"))?.len();
    Ok(Built { image, size, log: log_path(out_dir, name), record: Some(record), elapsed: start.elapsed() })
}

/// Where the log of a build stands.
pub fn log_path(out_dir: &Path, name: &str) -> PathBuf {
    out_dir.join(format!("{name}.build.log"))
}

/// An empty disk that the hooks may open, whoever they are to the kernel: the folder around it
/// is closed to everybody else.
fn create_disk(path: &Path, size: u64) -> Result<File, BuildError> {
    let create = || {
        let disk = File::options().read(true).write(true).create_new(true).open(path)?;
        disk.set_len(size)?;
        disk.set_permissions(fs::Permissions::from_mode(0o666))?;
        Ok(disk)
    };
    create().map_err(BuildError::io("creating the disk"))
}

/// Files by name that the hooks left.
fn read_result(archive: &Path) -> Result<HashMap<String, Vec<u8>>, BuildError> {
    let read = || {
        let mut files = HashMap::new();
        for entry in tar::Archive::new(File::open(archive)?).entries()? {
            let mut entry = entry?;
            let name = entry.path()?.file_name().map(|name| name.to_string_lossy().into_owned());
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.extend(name.map(|name| (name, content)));
        }
        Ok(files)
    };
    read().map_err(BuildError::io("reading what the build left"))
}

fn take(files: &mut HashMap<String, Vec<u8>>, name: &str) -> Result<Vec<u8>, BuildError> {
    files.remove(name).ok_or_else(|| BuildError::Disk(format!("the build left no {name}")))
}
