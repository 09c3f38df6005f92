//! Boots an image in QEMU and logs in as a user of a cloud would.
//!
//! An image is never written to: its machine runs on an overlay that is thrown away. Who makes an
//! image has a disk of their own written instead. Either way a configuration drive carries a key made
//! for this one machine. Owns the machine's life and the way in; must not know what anybody wants to
//! learn of it.

mod frames;
mod login;
mod qemu;
mod scan;
mod seed;
mod wait;

pub use scan::{Scan, ScanError};

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

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
    /// What the cloud itself adds to the user-data, and the user-data may overrule.
    pub vendor_data: Option<String>,
}

/// What a machine's disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk<'a> {
    /// An image that stays as it is: what is written goes to an overlay, and away with it.
    Image(&'a Path),
    /// A raw disk that keeps what is written. What the machine discards becomes a hole in it.
    Own(&'a Path),
}

/// Hears the lines of a machine's console while it starts. An error, in words, gives the machine up.
pub type Watch<'a> = &'a mut dyn FnMut(&str) -> Result<(), String>;

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
    /// Starts a machine on an image and waits until cloud-init is done and a login works.
    ///
    /// # Errors
    /// Missing programs; a machine that ends, panics or is not up in time, with its console.
    pub fn boot(image: &Path, options: Options) -> Result<Self, VmError> {
        Self::boot_watched(Disk::Image(image), options, &mut |_| Ok(()))
    }

    /// The same on any disk, with somebody who hears the console meanwhile.
    ///
    /// # Errors
    /// As [`Vm::boot`], and what `watch` gave up for.
    pub fn boot_watched(disk: Disk<'_>, options: Options, watch: Watch<'_>) -> Result<Self, VmError> {
        tools::require(&[tools::QEMU, tools::QEMU_IMG, tools::SSH, tools::SSH_KEYGEN, tools::SETPRIV])?;
        let mut starts = 1;
        loop {
            let mut vm = Self::start(disk, options.clone())?;
            match vm.wait(watch) {
                Err(VmError::Boot { console, .. }) if starts < STARTS && console.contains(STARVED) => {
                    starts += 1
                }
                ended => return ended.map(|()| vm),
            }
        }
    }

    fn start(disk: Disk<'_>, options: Options) -> Result<Self, VmError> {
        let folder = tempfile::Builder::new()
            .prefix("ironseed-vm-")
            .tempdir()
            .map_err(VmError::io("making a folder for the machine"))?;
        let drive = match disk {
            Disk::Own(disk) => qemu::Drive { format: "raw", path: disk.to_owned() },
            Disk::Image(image) => {
                let path = folder.path().join(OVERLAY);
                qemu::overlay(image, &path)?;
                qemu::Drive { format: "qcow2", path }
            }
        };
        seed::write(folder.path(), &options)?;
        let host_port = free_port().map_err(VmError::io("looking for a free port"))?;
        // A file, not a pipe: a pipe that nobody reads would stop QEMU when it is full.
        let complaints = std::fs::File::create(folder.path().join(COMPLAINTS))
            .map_err(VmError::io("creating QEMU's log"))?;
        let child = qemu::command(&options, &drive, folder.path(), host_port)?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints)
            .spawn()
            .map_err(VmError::io("starting QEMU"))?;
        Ok(Self { child, folder, options, host_port, console_seen: 0 })
    }

    /// Tries every TCP port from a neighbour on the machine's own network, over IPv4 and IPv6.
    ///
    /// # Errors
    /// The network can't be reached, or the machine does not answer there.
    pub fn scan(&self) -> Result<Scan, ScanError> {
        scan::scan(&self.folder.path().join(INJECT), &self.folder.path().join(LISTEN))
    }

    /// The way in for other programs: the key file, and the port of the loopback address.
    pub fn door(&self) -> (PathBuf, u16) {
        (self.folder.path().join(KEY), self.host_port)
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
