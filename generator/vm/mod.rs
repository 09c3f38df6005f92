//! Boots an image in QEMU and logs in as a user of a cloud would.
//!
//! The image is never written to: the machine runs on an overlay that is thrown away, with a
//! configuration drive that carries a key made for this one boot. Owns the machine's life and the
//! way in; must not know what anybody wants to learn of it.

mod frames;
mod login;
mod qemu;
mod scan;
mod seed;

pub use scan::{Scan, ScanError};

use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::build::tools;

/// What starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF with Secure Boot on and the usual keys enrolled.
    Uefi,
}

/// How to boot.
#[derive(Clone, Debug)]
pub struct Options {
    /// What starts the machine.
    pub firmware: Firmware,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// The account that the key is for: the image's default user.
    pub user: String,
    /// The port on which sshd listens in the machine.
    pub ssh_port: u16,
    /// Time until the machine must be up.
    pub limit: Duration,
    /// User-data that the machine gets; `None` for an empty cloud-config.
    pub user_data: Option<String>,
}

/// Why there is no machine, or none that answers.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// Programs are missing.
    #[error(transparent)]
    Tools(#[from] tools::Missing),
    /// The system refused something.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A helper program failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The machine did not come up, or ended.
    #[error("{what}; the console's last lines:\n{console}")]
    Boot {
        /// What was waited for, and for how long.
        what: String,
        /// The end of the serial console.
        console: String,
    },
}

impl VmError {
    fn io(context: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { context: context.into(), source }
    }
}

/// A running machine. Dropping it kills it and removes all it wrote.
///
/// It also dies with the thread that started it: start it in one that lives long enough.
pub struct Vm {
    child: Child,
    folder: tempfile::TempDir,
    options: Options,
    host_port: u16,
    /// How much of the console earlier waits have read.
    console_seen: u64,
}

/// Names in the machine's folder.
const OVERLAY: &str = "overlay.qcow2";
const SEED: &str = "seed.img";
const KEY: &str = "key";
const CONSOLE: &str = "console.log";
const INJECT: &str = "inject.sock";
const LISTEN: &str = "listen.sock";
const COMPLAINTS: &str = "qemu.log";

/// The kernel's last words where a busy host starved QEMU's timer. Nothing of the image has run by
/// then, so starting once more hides nothing.
const STARVED: &str = "IO-APIC + timer doesn't work";
/// How often a machine is started at most.
const STARTS: u32 = 3;

impl Vm {
    /// Starts the machine and waits until cloud-init is done and a login works.
    ///
    /// # Errors
    /// Missing programs; a machine that ends, panics or is not up in time, with its console.
    pub fn boot(image: &Path, options: Options) -> Result<Self, VmError> {
        tools::require(&[tools::QEMU, tools::QEMU_IMG, tools::SSH, tools::SSH_KEYGEN, tools::SETPRIV])?;
        let mut starts = 1;
        loop {
            let mut vm = Self::start(image, options.clone())?;
            match vm.wait() {
                Err(VmError::Boot { console, .. }) if starts < STARTS && console.contains(STARVED) => {
                    starts += 1
                }
                ended => return ended.map(|()| vm),
            }
        }
    }

    fn start(image: &Path, options: Options) -> Result<Self, VmError> {
        let folder = tempfile::Builder::new()
            .prefix("ironseed-vm-")
            .tempdir()
            .map_err(VmError::io("making a folder for the machine"))?;
        qemu::overlay(image, &folder.path().join(OVERLAY))?;
        seed::write(folder.path(), options.user_data.as_deref())?;
        let host_port = free_port().map_err(VmError::io("looking for a free port"))?;
        // A file, not a pipe: a pipe that nobody reads would stop QEMU when it is full.
        let complaints = std::fs::File::create(folder.path().join(COMPLAINTS))
            .map_err(VmError::io("creating QEMU's log"))?;
        let child = qemu::command(&options, folder.path(), host_port)?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints)
            .spawn()
            .map_err(VmError::io("starting QEMU"))?;
        Ok(Self { child, folder, options, host_port, console_seen: 0 })
    }

    /// Restarts the machine from within and waits until it is up again.
    ///
    /// # Errors
    /// As [`Vm::boot`].
    pub fn reboot(&mut self) -> Result<(), VmError> {
        // The connection breaks while the machine goes down: no status tells anything.
        self.ssh(&["sudo", "systemctl", "reboot"], b"").map_err(VmError::io("running ssh"))?;
        self.wait()
    }

    /// Waits for cloud-init's last word on the console, then for a login.
    fn wait(&mut self) -> Result<(), VmError> {
        let deadline = Instant::now() + self.options.limit;
        let limit = self.options.limit.as_secs();
        loop {
            let console = self.new_console().map_err(VmError::io("reading the console"))?;
            if console.contains("finished at") {
                break;
            }
            if let Some(end) =
                ["Kernel panic", "emergency mode", "grub rescue>"].iter().find(|end| console.contains(**end))
            {
                return Err(self.failed(format!("the machine does not boot: {end}")));
            }
            if self.child.try_wait().map_err(VmError::io("asking for QEMU"))?.is_some() {
                let said = std::fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default();
                return Err(self.failed(format!("QEMU ended: {}", said.trim())));
            }
            if Instant::now() > deadline {
                return Err(self.failed(format!("cloud-init did not finish within {limit} s")));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        self.console_seen = self.console_path().metadata().map_err(VmError::io("reading the console"))?.len();
        loop {
            let output = self.ssh(&["true"], b"").map_err(VmError::io("running ssh"))?;
            if output.status == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let said = output.stderr.trim();
                return Err(
                    self.failed(format!("no login as {} within {limit} s: {said}", self.options.user))
                );
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn failed(&self, what: String) -> VmError {
        const BYTES: u64 = 4096;
        let length = self.console_path().metadata().map_or(0, |meta| meta.len());
        let console = self.console_from(length.saturating_sub(BYTES)).unwrap_or_default();
        let lines: Vec<_> = console.lines().collect();
        VmError::Boot { what, console: lines[lines.len().saturating_sub(30)..].join("\n") }
    }

    fn console_path(&self) -> PathBuf {
        self.folder.path().join(CONSOLE)
    }

    /// What the console has said so far, without what earlier boots said.
    fn new_console(&self) -> io::Result<String> {
        self.console_from(self.console_seen)
    }

    fn console_from(&self, start: u64) -> io::Result<String> {
        /// More than any boot says.
        const LIMIT: u64 = 16 << 20;
        let mut file = match std::fs::File::open(self.console_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            other => other?,
        };
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(LIMIT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Everything the serial console has said.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn console(&self) -> io::Result<String> {
        self.console_from(0)
    }

    /// Tries every TCP port from a neighbour on the machine's own network, over IPv4 and IPv6.
    ///
    /// # Errors
    /// The network can't be reached, or the machine does not answer there.
    pub fn scan(&self) -> Result<Scan, ScanError> {
        scan::scan(&self.folder.path().join(INJECT), &self.folder.path().join(LISTEN))
    }

    /// How the machine was booted.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback address that nothing listens on now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
