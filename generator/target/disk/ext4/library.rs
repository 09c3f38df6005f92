//! What stands between `rust-fs-ext4` and this program: its view of the device, and its errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fs_ext4::block_io::BlockDevice;

use crate::target::TargetError;
use crate::target::disk::device::Device;

/// What opening may read: superblock, group descriptors, the journal's head. A replay of a
/// journal, which would hold its blocks in memory, soon exceeds it.
const MAX_OPENING_BYTES: u64 = 48 << 20;

/// Lets the library read the device.
pub struct Adapter {
    device: Arc<dyn Device>,
    /// Bytes that may still be read; unlimited once the filesystem is open.
    allowance: AtomicU64,
}

impl Adapter {
    /// Lets the library open what is on `device`.
    pub fn new(device: Arc<dyn Device>) -> Self {
        Self { device, allowance: AtomicU64::new(MAX_OPENING_BYTES) }
    }

    /// Lifts the bound on what may be read.
    pub fn opened(&self) {
        self.allowance.store(u64::MAX, Ordering::Relaxed);
    }
}

impl BlockDevice for Adapter {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> fs_ext4::Result<()> {
        let len = buf.len() as u64;
        let spend = |left| match left {
            u64::MAX => Some(left),
            left => left.checked_sub(len),
        };
        if self.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(fs_ext4::Error::Unsupported(
                "opening it reads more than a cleanly unmounted filesystem needs",
            ));
        }
        Ok(self.device.read_at(offset, buf).map_err(std::io::Error::other)?)
    }

    fn size_bytes(&self) -> u64 {
        self.device.size()
    }
}

/// What is said of a filesystem whose journal holds changes.
pub fn not_clean() -> TargetError {
    TargetError::Unsupported(
        "the filesystem was not unmounted cleanly: part of its content is in the journal \
         only; start and shut down the machine, or run e2fsck, then look again"
            .into(),
    )
}

/// Says what the library said, in this program's terms; errors of the device below come back
/// as they were.
pub fn error(e: fs_ext4::Error) -> TargetError {
    use fs_ext4::Error::{Io, Unsupported, UnsupportedIncompat, UnsupportedRoCompat};
    match e {
        Io(e) => match e.downcast::<TargetError>() {
            Ok(inner) => inner,
            Err(e) => TargetError::io("reading the filesystem", e),
        },
        e @ (Unsupported(_) | UnsupportedIncompat(_) | UnsupportedRoCompat(_)) => {
            TargetError::Unsupported(e.to_string())
        }
        e => TargetError::Corrupt(e.to_string()),
    }
}
