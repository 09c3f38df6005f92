//! A file's bytes, read in large pieces straight from the device, whatever filesystem they are in.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use super::volume::{Filesystem, named};
use crate::target::{Result, TargetError};

/// What a stretch of a file is made of.
pub enum Piece {
    /// Nothing: zeros.
    Zeros {
        /// So many bytes.
        len: u64,
    },
    /// Bytes of the device.
    Stored {
        /// From here on.
        at: u64,
        /// So many.
        len: u64,
    },
    /// Bytes that were decoded or checked.
    Decoded {
        /// These.
        bytes: Arc<Vec<u8>>,
        /// This part of them.
        range: Range<usize>,
    },
}

/// A file's bytes, from its start.
pub struct Content<'a, F: Filesystem> {
    filesystem: &'a F,
    /// Where they are.
    pub map: F::Map,
    size: u64,
    position: u64,
}

impl<'a, F: Filesystem> Content<'a, F> {
    /// The `size` bytes that `map` leads to.
    pub fn new(filesystem: &'a F, map: F::Map, size: u64) -> Self {
        Self { filesystem, map, size, position: 0 }
    }

    /// Reads the next bytes, all that there is room for.
    ///
    /// # Errors
    /// There are not as many.
    pub fn fill(&mut self, mut buf: &mut [u8]) -> Result<()> {
        while !buf.is_empty() {
            match self.next(buf)? {
                0 => return Err(TargetError::Corrupt("content that is shorter than it has to be".into())),
                len => buf = &mut buf[len..],
            }
        }
        Ok(())
    }

    fn next(&mut self, buf: &mut [u8]) -> Result<usize> {
        let most = usize::try_from(self.size.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = most.min(buf.len());
        if most == 0 {
            return Ok(0);
        }
        let part = |len: u64| most.min(usize::try_from(len).unwrap_or(usize::MAX));
        let len = match self.filesystem.piece(&mut self.map, self.position)? {
            Piece::Zeros { len } => {
                buf[..part(len)].fill(0);
                part(len)
            }
            Piece::Stored { at, len } => {
                self.filesystem.device().read_at(at, &mut buf[..part(len)])?;
                part(len)
            }
            Piece::Decoded { bytes, range } => {
                let bytes = bytes.get(range).unwrap_or_default();
                let len = most.min(bytes.len());
                buf[..len].copy_from_slice(&bytes[..len]);
                len
            }
        };
        if len == 0 {
            return Err(TargetError::Corrupt("a file's content ends before its size".into()));
        }
        self.position += len as u64;
        Ok(len)
    }
}

impl<F: Filesystem> Read for Content<'_, F> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.next(buf).map_err(|e| std::io::Error::other(named::<F>(e)))
    }
}
