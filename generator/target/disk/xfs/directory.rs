//! Directories: names in the inode, in one block, or in many.
//!
//! What finds a name quickly in a large directory (leaf and node blocks, beyond 32 GiB in the
//! directory's content) only repeats what the data blocks hold, and is not read.

use super::geometry::Seal;
use super::inode::{Format, Inode};
use super::{Xfs, extents};
use crate::target::disk::volume::{MAX_ENTRIES, Names};
use crate::target::fields::{array, be16, be32, be64, byte, slice};
use crate::target::{Result, TargetError};

/// Where in a directory's content its data blocks end.
const DATA_END: u64 = 1 << 35;

/// Most bytes of data blocks: what [`MAX_ENTRIES`] long names take.
const MAX_DATA: u64 = 256 << 20;

/// What says of itself that it is a directory's data: one of several blocks, or the only one.
const DATA_BLOCK: Seal = Seal { marks: &[b"XDD3", b"XDB3"], checksum: 4, id: 24, owner: 40, place: 8 };

/// Bytes before a data block's entries.
const HEADER: usize = 64;

/// Mark of room that no entry uses.
const UNUSED: u16 = 0xffff;

/// A directory's names with their inodes' numbers, without `.` and `..`.
pub fn names(xfs: &Xfs, inode: &Inode) -> Result<Names<u64>> {
    if inode.format == Format::Local {
        return short_names(slice(&inode.fork, 0, usize::try_from(inode.size).unwrap_or(usize::MAX))?);
    }
    let mut names = Vec::new();
    let mut blocks = Blocks { size: xfs.geometry.directory_block, read: 0, block: Vec::new(), at: 0 };
    for extent in extents::of(xfs, inode)?.iter().take_while(|extent| extent.from < DATA_END) {
        if extent.unwritten {
            return Err(damaged("blocks that were never written"));
        }
        blocks.extent(xfs, extent, &mut |block, at| {
            DATA_BLOCK.check(block, at, inode.number, &xfs.geometry)?;
            block_names(block, &mut names)
        })?;
    }
    match blocks.block.is_empty() {
        true => Ok(names),
        false => Err(damaged("a part of a block")),
    }
}

/// Puts a directory's blocks together, each of which may lie in several extents.
struct Blocks {
    size: u64,
    read: u64,
    block: Vec<u8>,
    /// Where the first part of `block` is.
    at: u64,
}

impl Blocks {
    fn extent(
        &mut self,
        xfs: &Xfs,
        extent: &extents::Extent,
        see: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<()> {
        let mut inside = 0;
        while inside < extent.len {
            let position = extent.from + inside;
            if position % self.size != self.block.len() as u64 {
                return Err(damaged("blocks with gaps"));
            }
            let part = (extent.len - inside).min(self.size - self.block.len() as u64);
            self.read += part;
            if self.read > MAX_DATA {
                return Err(damaged("more than 256 MiB"));
            }
            if self.block.is_empty() {
                self.at = extent.at + inside;
            }
            let start = self.block.len();
            self.block.resize(start + part as usize, 0);
            xfs.device.read_at(extent.at + inside, &mut self.block[start..])?;
            inside += part;
            if self.block.len() as u64 == self.size {
                see(&self.block, self.at)?;
                self.block.clear();
            }
        }
        Ok(())
    }
}

/// Names in the inode itself: length, unused place, name, type, number of 4 or 8 bytes.
fn short_names(bytes: &[u8]) -> Result<Names<u64>> {
    let (count, wide) = (byte(bytes, 0)?, byte(bytes, 1)? != 0);
    let number_len = if wide { 8 } else { 4 };
    let mut at = 2 + number_len;
    let mut names = Vec::new();
    for _ in 0..count {
        let len = usize::from(byte(bytes, at)?);
        let name = slice(bytes, at + 3, len)?.to_vec();
        let number = at + 3 + len + 1;
        names.push((name, if wide { be64(bytes, number)? } else { be32(bytes, number)?.into() }));
        at = number + number_len;
    }
    Ok(names)
}

/// Names of a data block: number, length, name, type, room up to a multiple of 8 with a tag at its end.
fn block_names(block: &[u8], names: &mut Names<u64>) -> Result<()> {
    let end = if &array(block, 0)? == b"XDB3" {
        // The only block ends with the index of its names and that index's length.
        let index = be32(block, block.len() - 8)? as usize * 8 + 8;
        block.len().checked_sub(index).ok_or_else(|| damaged("an index larger than its block"))?
    } else {
        block.len()
    };
    let mut at = HEADER;
    while at < end {
        if be16(block, at)? == UNUSED {
            let len = usize::from(be16(block, at + 2)?);
            if len < 8 || len % 8 != 0 {
                return Err(damaged("unused room of impossible size"));
            }
            at += len;
            continue;
        }
        let len = usize::from(byte(block, at + 8)?);
        let name = slice(block, at + 9, len)?;
        if name != b"." && name != b".." {
            names.push((name.to_vec(), be64(block, at)?));
        }
        if names.len() > MAX_ENTRIES {
            return Err(damaged(&format!("more than {MAX_ENTRIES} entries")));
        }
        at += (len + 12).next_multiple_of(8);
    }
    match at == end {
        true => Ok(()),
        false => Err(damaged("an entry that reaches beyond its block")),
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("a directory with {what}"))
}
