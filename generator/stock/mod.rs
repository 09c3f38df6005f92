//! The second build engine: an image of a distribution's own cloud image, without root.
//!
//! The stock image is fetched and held against its hash, unpacked into a disk, booted once with
//! user-data, judged, rid of everything that a machine has of its own, and written as a new image.
//!
//! Owns the order of work. Must not know what user-data wants of the machine: whoever orders an image
//! judges the machine and the image through [`Judge`].

mod base;
mod carry;
mod disk;
mod seal;

pub use base::{Base, Pin};
pub use seal::RESTORED;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use seal::Before;

use crate::build::{Built, Evidence, Progress, Record, Scratch, Step, log_path, qcow2, tools};
use crate::carried::Carried;
use crate::target::{self, Root, Target};
use crate::vm::{Disk, Options, Vm, VmError};

/// What is to become of a stock image.
pub struct Order<'a> {
    /// The stock image.
    pub base: &'a Base,
    /// How it is booted; the user-data is among it.
    pub options: Options,
    /// What stands in cloud-init's output once the user-data is applied.
    pub applied: String,
    /// What stands on the console for each part of it that failed.
    pub failed: String,
    /// Size of the disk in bytes, at least; the stock image's own where that is more.
    pub disk_size: u64,
    /// What tells which updates are pending.
    pub evidence: Evidence,
    /// What is put into the machine before it is judged.
    pub carried: Carried,
    /// Patterns (`*`, `?`, `[`) of absolute paths, deleted at the end beside the traces of a first boot.
    pub removals: Vec<String>,
}

/// Whoever ordered an image, asked at three moments. `Err` is in words, and there will be no image.
pub trait Judge {
    /// The stock image, before it runs.
    fn stock(&self, root: Root<'_>) -> Result<(), String>;
    /// The machine that came of it.
    fn booted(&self, vm: &Vm) -> Result<(), String>;
    /// The image, before it gets its name.
    fn finished(&self, image: &Path, target: &Target) -> Result<(), String>;
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// The stock image has other bytes.
    #[error("{base} has sha256 {found}, and pinned is {pinned}: these are not the bytes you mean")]
    Hash {
        /// The stock image.
        base: String,
        /// What its hash has to be, in hex.
        pinned: String,
        /// What it is.
        found: String,
    },
    /// It can't be fetched.
    #[error("{url} can't be fetched: {said}")]
    Download {
        /// Where from.
        url: String,
        /// curl's words.
        said: String,
    },
    /// The stock image is none, or its disk can't be read.
    #[error("{0}")]
    Disk(String),
    /// The machine does not do what it has to.
    #[error("{0}")]
    Machine(String),
    /// It was looked at, and is not as ordered.
    #[error("{0}")]
    Judged(String),
    /// It does not come up.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// What every build needs failed.
    #[error(transparent)]
    Build(#[from] crate::build::BuildError),
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

impl StockError {
    /// Wraps an I/O error with what was being done, for `map_err`.
    fn io(context: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { context: context.into(), source }
    }
}

/// The cloud's part of the first boot: nothing that has an update stays as it was.
const VENDOR_DATA: &str = "#cloud-config\npackage_update: true\npackage_upgrade: true\n";
/// Until a machine is off. Its last act takes away its traces.
const POWER_OFF: Duration = Duration::from_secs(300);
/// Words of a package manager, a shell or a kernel for a full disk.
const FULL: [&str; 2] = ["No space left on device", "enough free space"];

/// Builds `out_dir`/`name`.qcow2, with the machine's console beside it in `name`.build.log.
///
/// Nothing stands under the image's name before it is whole and judged. If the calling thread dies,
/// so does the machine.
///
/// # Errors
/// See [`StockError`]: none leaves an image.
pub fn build(
    order: &Order<'_>,
    out_dir: &Path,
    name: &str,
    judge: &dyn Judge,
    progress: &dyn Progress,
) -> Result<Built, StockError> {
    let start = Instant::now();
    tools::require(&[order.base.tools(), &[tools::QEMU, tools::QEMU_IMG, tools::SETPRIV]].concat())
        .map_err(crate::build::BuildError::from)?;
    let scratch = Scratch::new(out_dir, name)?;
    let in_scratch = |name: &str| scratch.path().join(name);

    progress.step(Step::Stock);
    let (stock, disk) = (in_scratch("stock"), in_scratch("disk.raw"));
    order.base.fetch(&stock, progress)?;
    disk::make(&stock, &disk, order.disk_size)?;
    fs::remove_file(&stock).map_err(StockError::io("removing the stock image's copy"))?;
    let before = {
        let target = open(&disk, "the stock image's disk")?;
        let root = Root::new(target.tree.as_ref());
        judge.stock(root).map_err(StockError::Disk)?;
        Before::read(root, &order.options.user)?
    };

    let log = log_path(out_dir, name);
    let console = Console::new(&log, order, progress)?;
    progress.step(Step::FirstBoot);
    let options = Options { vendor_data: Some(VENDOR_DATA.to_owned()), ..order.options.clone() };
    let mut vm = Vm::boot_watched(Disk::Own(&disk), options, &mut |line| console.hear(line))?;
    applied(&vm, order)?;
    if runs_old_kernel(&vm)? {
        vm.reboot(&mut |line| console.hear(line))?;
    }
    carry::carry(&vm, order)?;
    progress.step(Step::Verification);
    judge.booted(&vm).map_err(StockError::Judged)?;

    progress.step(Step::Sealing);
    seal::arm(&vm, &before, order)?;
    let said = vm.power_off(POWER_OFF)?;
    said.lines().try_for_each(|line| console.note(line))?;
    if !said.contains(seal::SEALED) {
        let end = said.lines().rev().take(20).collect::<Vec<_>>();
        let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
        return Err(StockError::Machine(format!("the machine kept its traces; its last words:\n{end}")));
    }

    progress.step(Step::Image);
    let unfinished = in_scratch("image.qcow2");
    File::open(&disk)
        .and_then(|disk| Ok((disk, File::create_new(&unfinished)?)))
        .and_then(|(disk, file)| qcow2::write(&disk, &file, |done, total| progress.advance(done, total)))
        .map_err(StockError::io(format!("writing {}", unfinished.display())))?;
    let target = open(&unfinished, "the finished image")?;
    judge.finished(&unfinished, &target).map_err(StockError::Judged)?;
    let record = Record::of(Root::new(target.tree.as_ref())).map_err(StockError::Disk)?;
    let image = publish(&unfinished, out_dir, name)
        .map_err(StockError::io(format!("writing {name}.qcow2 into {}", out_dir.display())))?;
    let size = image.metadata().map_err(StockError::io("measuring the image"))?.len();
    Ok(Built { image, size, log, record, elapsed: start.elapsed() })
}

fn open(disk: &Path, what: &str) -> Result<Target, StockError> {
    target::open(disk).map_err(|error| StockError::Disk(format!("{what} can't be read: {error}")))
}

/// Gives the whole image its name.
fn publish(unfinished: &Path, out_dir: &Path, name: &str) -> std::io::Result<PathBuf> {
    let image = out_dir.join(format!("{name}.qcow2"));
    fs::rename(unfinished, &image)?;
    File::open(out_dir)?.sync_all()?;
    Ok(image)
}

/// What the console says goes into the log and to whoever watches; a failure that it tells of ends the
/// wait, for the login that comes next may never be.
struct Console<'a> {
    log: RefCell<File>,
    order: &'a Order<'a>,
    progress: &'a dyn Progress,
    full: RefCell<Option<String>>,
}

impl<'a> Console<'a> {
    fn new(log: &Path, order: &'a Order<'a>, progress: &'a dyn Progress) -> Result<Self, StockError> {
        let log = File::create(log).map_err(StockError::io(format!("creating {}", log.display())))?;
        Ok(Self { log: RefCell::new(log), order, progress, full: RefCell::new(None) })
    }

    fn note(&self, line: &str) -> Result<(), StockError> {
        writeln!(self.log.borrow_mut(), "{line}").map_err(StockError::io("writing the log"))
    }

    fn hear(&self, line: &str) -> Result<(), String> {
        self.note(line).map_err(|error| error.to_string())?;
        self.progress.hear(line);
        if FULL.iter().any(|words| line.contains(words)) {
            self.full.borrow_mut().get_or_insert_with(|| line.trim().to_owned());
        }
        let failed = line.contains(&self.order.failed);
        match self.full.borrow().as_deref() {
            Some(full) if failed => Err(format!(
                "the image has not enough space, so user-data failed; give it more with --disk-size. It said: {full}"
            )),
            None if failed => Err(format!("user-data failed: {}", line.trim())),
            _ => Ok(()),
        }
    }
}

/// What cloud-init wrote down must say that user-data came to its end.
fn applied(vm: &Vm, order: &Order<'_>) -> Result<(), StockError> {
    let output = vm
        .ssh(&["sudo", "-n", "cat", "/var/log/cloud-init-output.log"], b"")
        .map_err(StockError::io("running ssh"))?;
    if output.stdout.contains(&order.applied) {
        return Ok(());
    }
    let lines: Vec<_> = output.stdout.lines().collect();
    let end = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(StockError::Machine(format!("user-data was not applied; the end of cloud-init's output:\n{end}")))
}

/// Whether a newer kernel was installed than the one that runs.
fn runs_old_kernel(vm: &Vm) -> Result<bool, StockError> {
    let newest = "[ \"$(ls -v /lib/modules | tail -n 1)\" = \"$(uname -r)\" ]";
    let output = vm.ssh(&["sh", "-c", newest], b"").map_err(StockError::io("running ssh"))?;
    Ok(output.status != 0)
}
