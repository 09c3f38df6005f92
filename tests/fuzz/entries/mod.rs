//! What is fuzzed: every place where bytes of a stranger come in, each as a function of bytes.
//!
//! Two callers share it: libFuzzer (`tests/fuzz/engine.rs`, `make fuzz`), and the replay of the
//! kept corpus with mutations of it in the ordinary tests (`tests/it/fuzz.rs`). Nothing here judges
//! an answer: a target fails by a panic, by time or by memory.

mod disks;
pub mod input;
mod linting;
mod profiles;
mod readers;
mod scans;
mod whole;

use ironseed::target::Root;

use self::input::Files;

/// One thing to fuzz.
pub struct Target {
    /// Its name: the folder of its corpus, and the engine's program.
    pub name: &'static str,
    /// What it makes of its input.
    pub takes: Takes,
}

/// What a target makes of its input.
pub enum Takes {
    /// Files; see [`input`].
    Files {
        /// The paths that an input may fill.
        paths: &'static [&'static str],
        /// Files that are always there, such as the program that a reader looks for.
        shipped: &'static [&'static str],
        /// Reads them.
        read: fn(Root<'_>),
    },
    /// The bytes themselves.
    Bytes(fn(&[u8])),
}

/// All of them.
pub const TARGETS: [&Target; 29] = [
    &readers::ACCOUNTS,
    &readers::APT,
    &readers::CLOUD_INIT,
    &readers::DNS,
    &readers::DPKG,
    &readers::FAIL2BAN,
    &readers::GRUB,
    &readers::KERNEL,
    &readers::MAIL,
    &readers::NFT_JSON,
    &readers::NFT_TEXT,
    &readers::RPM,
    &readers::SECRETS,
    &readers::SSHD,
    &readers::SUDOERS,
    &readers::SYSTEMD,
    &readers::TIME_AND_LOGS,
    &whole::REPORT,
    &whole::RUNNING,
    &whole::VERIFY,
    &disks::BTRFS,
    &disks::EXT4,
    &disks::PARTITIONS,
    &disks::QCOW2,
    &disks::TAR,
    &disks::XFS,
    &linting::LINT,
    &profiles::PROFILE,
    &scans::SCANS,
];

/// The target of a name.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target {name}"))
}

impl Target {
    /// Gives it an input.
    pub fn run(&self, input: &[u8]) {
        match self.takes {
            Takes::Bytes(read) => read(input),
            Takes::Files { paths, shipped, read } => {
                let files = Files::new(input, paths, shipped);
                read(Root::new(&files));
            }
        }
    }
}
