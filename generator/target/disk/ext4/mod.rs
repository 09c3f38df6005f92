//! An ext4 filesystem, and its forebears ext2 and ext3.
//!
//! Finding inodes and checking their checksums is `rust-fs-ext4`'s work. Which blocks a file has is
//! read here ([`BlockMap`]), bounded where a hostile image is not.

mod blocks;
mod library;

use std::sync::Arc;

use fs_ext4::dir::{DirEntry, parse_block_verified};
use fs_ext4::features::Incompat;
use fs_ext4::inode::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use fs_ext4::superblock::EXT4_ERROR_FS;
use fs_ext4::{Filesystem as Library, Superblock};

use self::blocks::{BlockMap, Run};
use self::library::{Adapter, error, not_clean};
use super::content::{Content, Piece};
use super::device::Device;
use super::volume::{Filesystem, MAX_ENTRIES, MAX_LINK, Names};
use crate::target::fields::{byte, le16, le32};
use crate::target::{FileKind, Meta, Result, TargetError};

/// Blocks of metadata that are cached.
const CACHED_BLOCKS: usize = 1024;

/// Most block groups: 32 TiB with the usual 128 MiB groups.
const MAX_GROUPS: u64 = 1 << 18;

/// Root directory's inode number.
const ROOT: u32 = 2;

/// Flag of a directory with an index.
const INDEX: u32 = 0x1000;

/// An open ext4 filesystem.
pub struct Ext4 {
    fs: Library,
    device: Arc<dyn Device>,
}

/// An inode: its number, what the library makes of it, and as it is stored.
pub struct Inode {
    number: u32,
    parsed: fs_ext4::inode::Inode,
    raw: Vec<u8>,
}

impl Ext4 {
    /// Opens the filesystem that fills `device`.
    ///
    /// # Errors
    /// `Unsupported` for a filesystem that was not unmounted cleanly (what is true lies partly
    /// in its journal) and for features that are not read; `Corrupt` for damage.
    pub fn open(device: Arc<dyn Device>) -> Result<Self> {
        let adapter = Arc::new(Adapter::new(device.clone()));
        let superblock = Superblock::read(&*adapter).map_err(error)?;
        if superblock.feature_incompat & Incompat::RECOVER.bits() != 0 {
            return Err(not_clean());
        }
        if superblock.state & EXT4_ERROR_FS != 0 {
            return Err(TargetError::Corrupt(
                "the kernel marked this filesystem as having errors; run e2fsck".into(),
            ));
        }
        superblock.check_fits_device(device.size()).map_err(error)?;
        if superblock.block_group_count() > MAX_GROUPS {
            return Err(TargetError::Corrupt("superblock: too many block groups".into()));
        }
        let fs = Library::mount_with_cache(adapter.clone(), CACHED_BLOCKS).map_err(error)?;
        // The library replays a journal that calls itself dirty; the kernel discards it unless
        // the superblock says that recovery is needed. Whoever is right, it can't be known.
        if fs.cache_pinned_blocks() > 0 {
            return Err(not_clean());
        }
        adapter.opened();
        Ok(Self { fs, device })
    }

    /// Reads an inode that a directory names.
    fn stored(&self, number: u32) -> fs_ext4::Result<Inode> {
        if number != ROOT && number < self.fs.sb.first_inode {
            return Err(fs_ext4::Error::InvalidInode(number));
        }
        let (parsed, raw) = self.fs.read_inode_verified(number)?;
        if parsed.links_count == 0 || parsed.mode == 0 {
            return Err(fs_ext4::Error::Corrupt("a directory names a deleted inode"));
        }
        Ok(Inode { number, parsed, raw })
    }
}

impl Ext4 {
    /// The names in a directory's block. One that only finds names in others has a checksum of its own
    /// kind, where the library expects that of names.
    fn block_names(&self, inode: &Inode, block: &[u8], filetype: bool) -> fs_ext4::Result<Vec<DirEntry>> {
        let (number, generation) = (inode.number, inode.parsed.generation);
        let index = if inode.parsed.flags & INDEX != 0 { index_at(block) } else { None };
        match index.map(|at| self.fs.csum.verify_dx_tail(number, generation, block, at)) {
            None => parse_block_verified(block, filetype, number, generation, &self.fs.csum),
            Some(Some(false)) => Err(fs_ext4::Error::BadChecksum { what: "index block of a directory" }),
            Some(_) => Ok(Vec::new()),
        }
    }
}

/// Where a block's index begins, if it is one: it hides behind a name that reaches over the whole block,
/// or behind `..`.
fn index_at(block: &[u8]) -> Option<usize> {
    let reaches = |at: usize| le16(block, at).ok().map(usize::from);
    let (whole, after_dot) = (block.len(), block.len().checked_sub(12)?);
    if le32(block, 0).ok()? == 0 && reaches(4) == Some(whole) {
        Some(8)
    } else if reaches(4) == Some(12) && reaches(16) == Some(after_dot) && byte(block, 29).ok()? == 8 {
        Some(32)
    } else {
        None
    }
}

impl Filesystem for Ext4 {
    type Id = u32;
    type Inode = Inode;
    type Map = BlockMap;

    const NAME: &'static str = "ext4";

    fn device(&self) -> &dyn Device {
        &*self.device
    }

    fn root(&self) -> u32 {
        ROOT
    }

    fn inode(&self, number: u32) -> Result<Inode> {
        self.stored(number).map_err(error)
    }

    fn id(&self, inode: &Inode) -> u32 {
        inode.number
    }

    fn meta(&self, inode: &Inode) -> Meta {
        let (number, inode) = (inode.number, &inode.parsed);
        let kind = match inode.mode & S_IFMT {
            S_IFREG => FileKind::File,
            S_IFDIR => FileKind::Directory,
            S_IFLNK => FileKind::Symlink,
            _ => FileKind::Special,
        };
        let has_size = matches!(kind, FileKind::File | FileKind::Symlink);
        Meta {
            kind,
            mode: u32::from(inode.mode & 0o7777),
            uid: inode.uid,
            gid: inode.gid,
            size: if has_size { inode.size } else { 0 },
            inode: number.into(),
        }
    }

    fn names(&self, inode: &Inode) -> Result<Names<u32>> {
        let Inode { number, parsed, raw } = inode;
        let filetype = self.fs.sb.feature_incompat & Incompat::FILETYPE.bits() != 0;
        let block_size = self.fs.sb.block_size();
        fs_ext4::file_io::refuse_encrypted_names(parsed).map_err(error)?;
        let mut names = Vec::new();
        let mut keep = |entries: fs_ext4::Result<Vec<DirEntry>>| {
            names.extend(entries.map_err(error)?.into_iter().map(|e| (e.name, e.inode)));
            match names.len() {
                0..=MAX_ENTRIES => Ok(()),
                _ => Err(TargetError::Corrupt(format!("a directory of more than {MAX_ENTRIES} entries"))),
            }
        };
        if parsed.has_inline_data() {
            let (dev, inode_size) = (self.fs.dev.as_ref(), self.fs.sb.inode_size);
            let read = fs_ext4::inline_data::read_dir;
            keep(read(dev, *number, parsed, raw, inode_size, block_size, filetype))?;
        } else {
            let mut content = Content::new(self, self.map(inode)?, parsed.size);
            let mut block = vec![0; block_size as usize];
            for _ in 0..parsed.size / u64::from(block_size) {
                content.fill(&mut block)?;
                keep(self.block_names(inode, &block, filetype))?;
            }
        }
        names.retain(|(name, _)| name != b"." && name != b"..");
        Ok(names)
    }

    fn link(&self, inode: &Inode) -> Result<Vec<u8>> {
        let parsed = &inode.parsed;
        if parsed.size > MAX_LINK {
            return Err(TargetError::Corrupt("a symbolic link longer than any path".into()));
        }
        let mut text = vec![0; parsed.size as usize];
        match parsed.block.get(..text.len()) {
            // A short text takes the place of the block map.
            Some(short) if text.len() < parsed.block.len() && !parsed.has_inline_data() => {
                fs_ext4::file_io::refuse_encrypted(parsed).map_err(error)?;
                text.copy_from_slice(short);
            }
            _ => Content::new(self, self.map(inode)?, parsed.size).fill(&mut text)?,
        }
        Ok(text)
    }

    fn map(&self, inode: &Inode) -> Result<BlockMap> {
        BlockMap::of(&self.fs, inode.number, &inode.parsed, &inode.raw).map_err(error)
    }

    fn piece(&self, map: &mut BlockMap, position: u64) -> Result<Piece> {
        let size = u64::from(self.fs.sb.block_size());
        let inside = position % size;
        let len = |blocks: u64| blocks.saturating_mul(size).saturating_sub(inside);
        Ok(match map.run_at(&self.fs, position / size).map_err(error)? {
            Run::Hole { blocks } => Piece::Zeros { len: len(blocks) },
            Run::Blocks { first, blocks } => {
                Piece::Stored { at: first.saturating_mul(size).saturating_add(inside), len: len(blocks) }
            }
            Run::Inline(bytes) => Piece::Decoded { range: position as usize..bytes.len(), bytes },
        })
    }

    fn start(&self, map: &BlockMap) -> u64 {
        map.first_block().unwrap_or(0)
    }
}
