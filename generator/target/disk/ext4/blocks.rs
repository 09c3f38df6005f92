//! Where an ext4 file's blocks are.
//!
//! Extents are collected here rather than by `rust-fs-ext4`, whose walk follows whatever tree
//! an image claims: one that refers to itself would never end. Layouts: the kernel's
//! `Documentation/filesystems/ext4/ifork.rst`.

use std::sync::Arc;

use fs_ext4::Filesystem;
use fs_ext4::extent::{EXT4_EXT_MAX_DEPTH, EXT4_EXT_NODE_SIZE, Extent, ExtentHeader, ExtentIdx};
use fs_ext4::indirect::{self, IndirectCache};
use fs_ext4::inode::Inode;
use fs_ext4::{Error, Result};

/// Most extents of one file: 1 GiB in pieces of one 4 KiB block.
const MAX_EXTENTS: usize = 1 << 18;

/// How a file's content is stored.
pub enum BlockMap {
    /// Stretches of blocks, in order.
    Extents(Vec<Extent>),
    /// The older scheme of ext2 and ext3: block by block.
    Indirect { root: [u8; 60], cache: IndirectCache },
    /// In the inode itself.
    Inline(Arc<Vec<u8>>),
}

/// What a stretch of a file is made of.
pub enum Run {
    /// Nothing: zeros, for this many blocks.
    Hole { blocks: u64 },
    /// `blocks` blocks on disk from `first` on.
    Blocks { first: u64, blocks: u64 },
    /// The whole content.
    Inline(Arc<Vec<u8>>),
}

impl BlockMap {
    /// Reads the map of an inode, whose stored bytes are `raw`.
    pub fn of(fs: &Filesystem, number: u32, inode: &Inode, raw: &[u8]) -> Result<Self> {
        if !inode.is_dir() {
            fs_ext4::file_io::refuse_encrypted(inode)?;
        }
        if inode.has_inline_data() {
            return Ok(Self::Inline(Arc::new(fs_ext4::file_io::read_inline(fs, inode, raw)?)));
        }
        if !inode.has_extents() {
            return Ok(Self::Indirect { root: inode.block, cache: IndirectCache::new() });
        }
        let mut walk = Walk { fs, number, generation: inode.generation, found: Vec::new() };
        let header = ExtentHeader::parse(&inode.block)?;
        if header.depth > EXT4_EXT_MAX_DEPTH {
            return Err(Error::CorruptExtentTree("deeper than any"));
        }
        walk.node(&inode.block, header.depth)?;
        Ok(Self::Extents(walk.found))
    }

    /// What is at a file's block with this number, and for how long.
    pub fn run_at(&mut self, fs: &Filesystem, block: u64) -> Result<Run> {
        match self {
            Self::Inline(bytes) => Ok(Run::Inline(bytes.clone())),
            Self::Indirect { root, cache } => {
                let size = fs.sb.block_size();
                Ok(match indirect::lookup(root, fs.dev.as_ref(), size, block, cache)? {
                    Some(first) => Run::Blocks { first, blocks: 1 },
                    None => Run::Hole { blocks: 1 },
                })
            }
            Self::Extents(extents) => {
                let next = extents.partition_point(|e| end(e) <= block);
                Ok(match extents.get(next) {
                    None => Run::Hole { blocks: u64::MAX },
                    Some(e) if !e.contains(block) => Run::Hole { blocks: u64::from(e.logical_block) - block },
                    Some(e) if e.uninitialized => Run::Hole { blocks: end(e) - block },
                    Some(e) => Run::Blocks { first: e.map(block), blocks: end(e) - block },
                })
            }
        }
    }

    /// First block on disk, to read files in the order in which they lie.
    pub fn first_block(&self) -> Option<u64> {
        match self {
            Self::Inline(_) => None,
            Self::Indirect { root, .. } => {
                Some(root[..4].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
            }
            Self::Extents(extents) => extents.first().map(|e| e.physical_block),
        }
    }
}

/// The block after an extent's last.
fn end(extent: &Extent) -> u64 {
    u64::from(extent.logical_block) + u64::from(extent.length)
}

/// Collects a tree's extents. Extents must come in order and not overlap, which also ends a
/// tree that contains itself.
struct Walk<'a> {
    fs: &'a Filesystem,
    number: u32,
    generation: u32,
    found: Vec<Extent>,
}

impl Walk<'_> {
    fn node(&mut self, node: &[u8], depth: u16) -> Result<()> {
        let header = ExtentHeader::parse(node)?;
        if header.depth != depth {
            return Err(Error::CorruptExtentTree("a node of the wrong depth"));
        }
        let entries = usize::from(header.entries);
        let Some(bytes) = node.get(EXT4_EXT_NODE_SIZE..(entries + 1) * EXT4_EXT_NODE_SIZE) else {
            return Err(Error::CorruptExtentTree("more entries than fit the node"));
        };
        for entry in bytes.chunks_exact(EXT4_EXT_NODE_SIZE) {
            if depth == 0 {
                self.leaf(Extent::parse(entry)?)?;
                continue;
            }
            let before = self.found.len();
            let child = ExtentIdx::parse(entry)?.leaf_block;
            let block = self.fs.read_block(child)?;
            if !self.fs.csum.verify_extent_tail(self.number, self.generation, &block) {
                return Err(Error::BadChecksum { what: "extent block" });
            }
            self.node(&block, depth - 1)?;
            if self.found.len() == before {
                return Err(Error::CorruptExtentTree("a branch without extents"));
            }
        }
        Ok(())
    }

    fn leaf(&mut self, extent: Extent) -> Result<()> {
        let in_order = self.found.last().is_none_or(|last| end(last) <= extent.logical_block.into());
        if extent.length == 0 || !in_order || self.found.len() >= MAX_EXTENTS {
            return Err(Error::CorruptExtentTree("extents out of order, empty or too many"));
        }
        self.found.push(extent);
        Ok(())
    }
}
