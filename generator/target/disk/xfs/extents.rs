//! Where a file's blocks are: a list in the inode, or a tree of such lists.

use super::Xfs;
use super::geometry::Seal;
use super::inode::{Format, Inode};
use crate::target::fields::{be16, be64, slice};
use crate::target::{Result, TargetError};

/// Most extents of one file: 1 GiB in pieces of one 4 KiB block.
const MAX_EXTENTS: usize = 1 << 18;

/// Most levels of a tree (`XFS_BTREE_MAXLEVELS`).
const MAX_LEVELS: u16 = 9;

/// Bytes of an extent.
const RECORD: usize = 16;

/// Bytes of a key, and of a pointer.
const KEY: usize = 8;

/// Bytes before a tree block's content.
const HEADER: usize = 72;

/// What says of itself that it is a block of an extent tree.
const TREE_BLOCK: Seal = Seal { marks: &[b"BMA3"], checksum: 64, id: 40, owner: 56, place: 24 };

/// A stretch of a file that is stored in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte in the file.
    pub from: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Its first byte on the device.
    pub at: u64,
    /// Room that was never written to: it reads as zeros.
    pub unwritten: bool,
}

impl Extent {
    /// The byte after its last, in the file.
    pub fn end(&self) -> u64 {
        self.from + self.len
    }
}

/// The extents of a file, in order and without overlap.
pub fn of(xfs: &Xfs, inode: &Inode) -> Result<Vec<Extent>> {
    let mut walk = Walk { xfs, inode, found: Vec::new() };
    match inode.format {
        Format::Extents => {
            let count = usize::try_from(inode.extents).unwrap_or(usize::MAX);
            walk.records(slice(&inode.fork, 0, count.saturating_mul(RECORD))?)?;
        }
        Format::Tree => {
            // The root, in the inode, has a short header of its own.
            let (level, room) = (be16(&inode.fork, 0)?, inode.fork.len().saturating_sub(4));
            if level == 0 || level > MAX_LEVELS {
                return Err(damaged("of impossible depth"));
            }
            let count = be16(&inode.fork, 2)?.into();
            walk.children(slice(&inode.fork, 4, room)?, count, level - 1)?;
        }
        Format::Device | Format::Local => return Err(damaged("that is none")),
    }
    match walk.found.len() as u64 == inode.extents {
        true => Ok(walk.found),
        false => Err(damaged("of another length than the inode says")),
    }
}

/// Collects extents. They must come in order, which also ends a tree that contains itself.
struct Walk<'a> {
    xfs: &'a Xfs,
    inode: &'a Inode,
    found: Vec<Extent>,
}

impl Walk<'_> {
    /// The blocks below: first all keys there is room for, then all pointers.
    fn children(&mut self, content: &[u8], count: usize, level: u16) -> Result<()> {
        let pointers = content.len() / (2 * KEY) * KEY;
        for index in 0..count {
            let pointer = be64(content, pointers + index * KEY)?;
            let before = self.found.len();
            self.block(pointer, level)?;
            if self.found.len() == before {
                return Err(damaged("with an empty branch"));
            }
        }
        Ok(())
    }

    fn block(&mut self, pointer: u64, level: u16) -> Result<()> {
        let geometry = &self.xfs.geometry;
        let at = geometry.place(pointer, 1)?;
        let mut block = vec![0; geometry.block as usize];
        self.xfs.device.read_at(at, &mut block)?;
        TREE_BLOCK.check(&block, at, self.inode.number, geometry)?;
        if be16(&block, 4)? != level {
            return Err(damaged("with a block of the wrong level"));
        }
        let (count, content) = (usize::from(be16(&block, 6)?), slice(&block, HEADER, block.len() - HEADER)?);
        match level {
            0 => self.records(slice(content, 0, count * RECORD)?),
            _ => self.children(content, count, level - 1),
        }
    }

    /// Extents as stored: one bit for what is unwritten, then 54 bits for the place in the file, 52
    /// for the block, 21 for the count.
    fn records(&mut self, records: &[u8]) -> Result<()> {
        let geometry = &self.xfs.geometry;
        for record in records.chunks_exact(RECORD) {
            let (high, low) = (be64(record, 0)?, be64(record, 8)?);
            let from = (high & !(1 << 63)) >> 9;
            let block = (high & 0x1ff) << 43 | low >> 21;
            let count = low & ((1 << 21) - 1);
            if from > (u64::MAX >> 2) >> geometry.block_log {
                return Err(damaged("beyond any file's end"));
            }
            let extent = Extent {
                from: from << geometry.block_log,
                len: count << geometry.block_log,
                at: geometry.place(block, count)?,
                unwritten: high >> 63 != 0,
            };
            let in_order = self.found.last().is_none_or(|last| last.end() <= extent.from);
            if count == 0 || !in_order || self.found.len() >= MAX_EXTENTS {
                return Err(damaged("out of order, empty or too long"));
            }
            self.found.push(extent);
        }
        Ok(())
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("a list of extents {what}"))
}
