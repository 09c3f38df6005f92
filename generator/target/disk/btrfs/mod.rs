//! A btrfs filesystem on one device, as Fedora makes it.
//!
//! Owns inodes and directories of a subvolume, and which subvolumes are reached from it. Layouts: "On-disk
//! Format" of the btrfs documentation. Metadata and contents are held against their checksums.

mod extents;
mod lzo;
mod packed;
mod pool;
mod subvolumes;
mod tree;

use std::sync::Arc;

use self::extents::Map;
pub use self::pool::Pool;
pub use self::subvolumes::TOP_LEVEL;
use self::tree::{Key, Pointer};
use super::content::{Content, Piece};
use super::device::Device;
use super::volume::{Filesystem, MAX_ENTRIES, MAX_LINK, Names};
use crate::target::fields::{le16, le32, le64, slice};
use crate::target::{FileKind, Meta, Result, TargetError};

/// Kinds of items of inodes.
const INODE: u8 = 1;
const DIRECTORY: u8 = 96;

/// Inode number of a subvolume's root directory.
pub const TOP: u64 = 256;

/// Bits of inode numbers, and of trees' numbers, that are read: together below [`super::volume::MAX_INODE`].
const INODE_BITS: u32 = 40;
const TREE_BITS: u32 = 16;

/// Flag of an inode whose contents have no checksums.
const NO_CHECKSUMS: u64 = 1;

/// A subvolume and all that is below it.
#[derive(Clone)]
pub struct Btrfs {
    pool: Arc<Pool>,
    tree: u64,
}

/// Finds an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// An inode of a subvolume's tree.
    Inode {
        /// The tree's number.
        tree: u64,
        /// The inode's.
        number: u64,
    },
    /// What is left of a subvolume in a snapshot of the subvolume above it: an empty directory.
    Stub {
        /// The tree of the directory that it is in.
        tree: u64,
        /// That directory's number.
        parent: u64,
    },
}

/// A file's stored metadata.
pub struct Inode {
    id: Id,
    /// Top of the tree that it is in.
    tree: Pointer,
    meta: Meta,
    checked: bool,
}

impl Btrfs {
    /// The files of the subvolume with this number.
    pub fn new(pool: Arc<Pool>, tree: u64) -> Self {
        Self { pool, tree }
    }

    /// The entry of a directory that leads to `location`.
    fn target(&self, tree: u64, directory: u64, name: &[u8], location: Key) -> Result<Id> {
        match location.kind {
            INODE => Ok(Id::Inode { tree, number: location.object }),
            subvolumes::ROOT => {
                let child = location.object;
                Ok(match self.pool.is_subvolume_at(child, tree, directory, name)? {
                    true => Id::Inode { tree: child, number: TOP },
                    false => Id::Stub { tree, parent: directory },
                })
            }
            _ => Err(damaged("a directory's entry leads to no file")),
        }
    }

    fn stored(&self, tree: u64, number: u64) -> Result<Inode> {
        if number >> INODE_BITS != 0 || tree >> TREE_BITS != 0 {
            let what = format!("inode {number} of subvolume {tree}: numbers as large as these are not read");
            return Err(TargetError::Unsupported(what));
        }
        let top = self.pool.tree(tree)?;
        let Some(item) = self.pool.item(top, Key::first(number, INODE))? else {
            return Err(damaged(&format!(
                "inode {number} of subvolume {tree} is not there, but a directory names it"
            )));
        };
        let (size, links, mode, flags) =
            (le64(&item, 16)?, le32(&item, 40)?, le32(&item, 52)?, le64(&item, 64)?);
        if links == 0 || size >= 1 << 63 {
            return Err(damaged(&format!(
                "inode {number} of subvolume {tree} is deleted, but a directory names it"
            )));
        }
        let kind = match mode & 0o170_000 {
            0o100_000 => FileKind::File,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Symlink,
            _ => FileKind::Special,
        };
        let has_size = matches!(kind, FileKind::File | FileKind::Symlink);
        let meta = Meta {
            kind,
            mode: mode & 0o7777,
            uid: le32(&item, 44)?,
            gid: le32(&item, 48)?,
            size: if has_size { size } else { 0 },
            inode: tree << INODE_BITS | number,
        };
        Ok(Inode { id: Id::Inode { tree, number }, tree: top, meta, checked: flags & NO_CHECKSUMS == 0 })
    }
}

impl Filesystem for Btrfs {
    type Id = Id;
    type Inode = Inode;
    type Map = Map;

    const NAME: &'static str = "btrfs";

    fn device(&self) -> &dyn Device {
        &*self.pool.device
    }

    fn root(&self) -> Id {
        Id::Inode { tree: self.tree, number: TOP }
    }

    fn inode(&self, id: Id) -> Result<Inode> {
        match id {
            Id::Inode { tree, number } => self.stored(tree, number),
            Id::Stub { tree, parent } => {
                let above = self.stored(tree, parent)?;
                // As the kernel shows it. It gives all of them one number, which would look like a loop.
                let meta = Meta { mode: 0o755, size: 0, inode: 0, ..above.meta };
                Ok(Inode { id, meta, ..above })
            }
        }
    }

    fn id(&self, inode: &Inode) -> Id {
        inode.id
    }

    fn meta(&self, inode: &Inode) -> Meta {
        inode.meta.clone()
    }

    fn names(&self, inode: &Inode) -> Result<Names<Id>> {
        let Id::Inode { tree, number } = inode.id else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        self.pool.range(
            inode.tree,
            Key::first(number, DIRECTORY),
            Key::last(number, DIRECTORY),
            &mut |_, item| {
                let location = Key::read(item, 0)?;
                let name = slice(item, 30, le16(item, 27)?.into())?;
                names.push((name.to_vec(), location));
                match names.len() {
                    0..=MAX_ENTRIES => Ok(()),
                    _ => Err(damaged(&format!("a directory of more than {MAX_ENTRIES} entries"))),
                }
            },
        )?;
        let target = |(name, location): (Vec<u8>, Key)| {
            let id = self.target(tree, number, &name, location)?;
            Ok((name, id))
        };
        names.into_iter().map(target).collect()
    }

    fn link(&self, inode: &Inode) -> Result<Vec<u8>> {
        if inode.meta.size > MAX_LINK {
            return Err(damaged("a symbolic link longer than any path"));
        }
        let mut text = vec![0; inode.meta.size as usize];
        Content::new(self, self.map(inode)?, inode.meta.size).fill(&mut text)?;
        Ok(text)
    }

    fn map(&self, inode: &Inode) -> Result<Map> {
        let Id::Inode { number, .. } = inode.id else {
            return Err(damaged("an empty directory is read as a file"));
        };
        Map::read(&self.pool, inode.tree, number, inode.checked)
    }

    fn piece(&self, map: &mut Map, position: u64) -> Result<Piece> {
        extents::piece(&self.pool, map, position)
    }

    fn start(&self, map: &Map) -> u64 {
        map.start()
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(what.into())
}
