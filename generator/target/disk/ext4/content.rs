//! Reading a file's content in large pieces, straight from the device: the library would read
//! block by block, through a lock.

use std::io::Read;

use fs_ext4::Filesystem;

use super::blocks::{BlockMap, Run};
use super::library::error;
use crate::target::disk::device::Device;

/// A file's bytes, from its start.
pub struct Content<'a> {
    fs: &'a Filesystem,
    device: &'a dyn Device,
    map: BlockMap,
    size: u64,
    position: u64,
}

impl<'a> Content<'a> {
    /// The `size` bytes that `map` leads to.
    pub fn new(fs: &'a Filesystem, device: &'a dyn Device, map: BlockMap, size: u64) -> Self {
        Self { fs, device, map, size, position: 0 }
    }

    /// First block on disk, to read files in the order in which they lie.
    pub fn first_block(&self) -> Option<u64> {
        self.map.first_block()
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let rest = self.size.saturating_sub(self.position);
        let most = buf.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let block_size = u64::from(self.fs.sb.block_size());
        let (block, inside) = (self.position / block_size, self.position % block_size);
        let len =
            match self.map.run_at(self.fs, block).map_err(|e| error("", e)).map_err(std::io::Error::other)? {
                Run::Hole { blocks } => {
                    let len = piece(blocks, block_size, inside, most);
                    buf[..len].fill(0);
                    len
                }
                Run::Blocks { first, blocks } => {
                    let len = piece(blocks, block_size, inside, most);
                    let at = first.saturating_mul(block_size).saturating_add(inside);
                    self.device.read_at(at, &mut buf[..len]).map_err(std::io::Error::other)?;
                    len
                }
                Run::Inline(bytes) => {
                    let start = bytes.len().min(self.position as usize);
                    let len = most.min(bytes.len() - start);
                    buf[..len].copy_from_slice(&bytes[start..start + len]);
                    len
                }
            };
        self.position += len as u64;
        Ok(len)
    }
}

/// How much of a run of `blocks` a read of at most `most` bytes takes.
fn piece(blocks: u64, block_size: u64, inside: u64, most: usize) -> usize {
    let run = blocks.saturating_mul(block_size).saturating_sub(inside);
    most.min(usize::try_from(run).unwrap_or(usize::MAX))
}
