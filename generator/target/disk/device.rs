//! Bytes by position: a whole image, or a stretch of one.
//!
//! Owns bounds and positions. Knows neither partitions nor filesystems.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::target::{Result, TargetError};

/// A disk's bytes, read by position from any thread.
pub trait Device: Send + Sync {
    /// Length in bytes.
    fn size(&self) -> u64;

    /// Fills `buf` from `offset` on; what lies beyond the end is an error.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()>;
}

/// An image that holds the disk's bytes as they are.
pub struct Raw {
    file: File,
    size: u64,
}

impl Raw {
    /// Takes an open file of `size` bytes.
    pub fn new(file: File, size: u64) -> Self {
        Self { file, size }
    }
}

impl Device for Raw {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        within(offset, buf.len(), self.size)?;
        self.file
            .read_exact_at(buf, offset)
            .map_err(|e| TargetError::io(format!("reading the image at byte {offset}"), e))
    }
}

/// A stretch of a device: a partition.
pub struct Slice {
    device: Arc<dyn Device>,
    start: u64,
    size: u64,
}

impl Slice {
    /// The `size` bytes of `device` from `start` on.
    ///
    /// # Errors
    /// The stretch reaches beyond the device's end.
    pub fn new(device: Arc<dyn Device>, start: u64, size: u64) -> Result<Self> {
        match start.checked_add(size) {
            Some(end) if end <= device.size() => Ok(Self { device, start, size }),
            _ => Err(TargetError::Corrupt(format!(
                "a partition of {size} bytes from byte {start} on reaches beyond the disk's end \
                 at {}: the image is truncated or its partition table is damaged",
                device.size()
            ))),
        }
    }
}

impl Device for Slice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        within(offset, buf.len(), self.size)?;
        self.device.read_at(self.start + offset, buf)
    }
}

/// Checks that `len` bytes from `offset` on lie inside `size` bytes.
pub fn within(offset: u64, len: usize, size: u64) -> Result<()> {
    match offset.checked_add(len as u64) {
        Some(end) if end <= size => Ok(()),
        _ => Err(TargetError::Corrupt(format!(
            "something points at byte {offset} (+{len}), beyond the end at {size}: \
             truncated or damaged"
        ))),
    }
}
