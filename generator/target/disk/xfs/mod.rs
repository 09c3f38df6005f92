//! An XFS filesystem of version 5, as the RHEL family makes it.
//!
//! Owns inodes and how files are reached through them. Every structure carries its own place, its
//! owner and a checksum; all three are looked at, so that damage and loops end as errors. Layouts:
//! "XFS Algorithms & Data Structures", 3rd edition.

mod directory;
mod extents;
mod geometry;
mod inode;
mod log;

use std::sync::Arc;

use self::extents::Extent;
use self::geometry::Geometry;
use self::inode::{Format, Inode};
use super::content::Piece;
use super::device::Device;
use super::volume::{Filesystem, MAX_LINK, Names};
use crate::target::fields::slice;
use crate::target::{FileKind, Meta, Result, TargetError};

/// Header of a block that holds a symbolic link's text.
const LINK_HEADER: usize = 56;

/// What says of itself that it holds a symbolic link's text.
const LINK_BLOCK: geometry::Seal =
    geometry::Seal { marks: &[b"XSLM"], checksum: 12, id: 16, owner: 32, place: 40 };

/// An open XFS filesystem.
pub struct Xfs {
    device: Arc<dyn Device>,
    geometry: Geometry,
}

impl Xfs {
    /// Opens the filesystem that fills `device`.
    ///
    /// # Errors
    /// `Unsupported` for one that was not unmounted cleanly (what is true lies partly in its log)
    /// and for features that are not read; `Corrupt` for damage.
    pub fn open(device: Arc<dyn Device>) -> Result<Self> {
        let geometry = Geometry::read(&*device)?;
        log::check_clean(&*device, &geometry)?;
        Ok(Self { device, geometry })
    }

    /// The text of a link that does not fit its inode: each extent is one sealed buffer.
    fn remote_link(&self, inode: &Inode) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for extent in extents::of(self, inode)? {
            let rest = inode.size as usize - text.len();
            if rest == 0 {
                break;
            }
            if extent.len > MAX_LINK * 4 || extent.unwritten {
                return Err(TargetError::Corrupt("a symbolic link of impossible blocks".into()));
            }
            let mut block = vec![0; extent.len as usize];
            self.device.read_at(extent.at, &mut block)?;
            LINK_BLOCK.check(&block, extent.at, inode.number, &self.geometry)?;
            let part = rest.min(block.len() - LINK_HEADER);
            text.extend_from_slice(slice(&block, LINK_HEADER, part)?);
        }
        match text.len() as u64 == inode.size {
            true => Ok(text),
            false => Err(TargetError::Corrupt("a symbolic link shorter than its size".into())),
        }
    }
}

impl Filesystem for Xfs {
    type Id = u64;
    type Inode = Inode;
    type Map = Vec<Extent>;

    const NAME: &'static str = "XFS";

    fn device(&self) -> &dyn Device {
        &*self.device
    }

    fn root(&self) -> u64 {
        self.geometry.root
    }

    fn inode(&self, number: u64) -> Result<Inode> {
        Inode::read(&*self.device, &self.geometry, number)
    }

    fn id(&self, inode: &Inode) -> u64 {
        inode.number
    }

    fn meta(&self, inode: &Inode) -> Meta {
        let kind = inode.kind();
        let size = if matches!(kind, FileKind::File | FileKind::Symlink) { inode.size } else { 0 };
        let mode = u32::from(inode.mode & 0o7777);
        Meta { kind, mode, uid: inode.uid, gid: inode.gid, size, inode: inode.number }
    }

    fn names(&self, inode: &Inode) -> Result<Names<u64>> {
        directory::names(self, inode)
    }

    fn link(&self, inode: &Inode) -> Result<Vec<u8>> {
        match inode.format {
            _ if inode.size > MAX_LINK => {
                Err(TargetError::Corrupt("a symbolic link longer than any path".into()))
            }
            Format::Local => Ok(slice(&inode.fork, 0, inode.size as usize)?.to_vec()),
            _ => self.remote_link(inode),
        }
    }

    fn map(&self, inode: &Inode) -> Result<Vec<Extent>> {
        extents::of(self, inode)
    }

    fn piece(&self, extents: &mut Vec<Extent>, position: u64) -> Result<Piece> {
        let next = extents.partition_point(|extent| extent.end() <= position);
        Ok(match extents.get(next) {
            None => Piece::Zeros { len: u64::MAX },
            Some(extent) if extent.from > position => Piece::Zeros { len: extent.from - position },
            Some(extent) if extent.unwritten => Piece::Zeros { len: extent.end() - position },
            Some(extent) => {
                let inside = position - extent.from;
                Piece::Stored { at: extent.at + inside, len: extent.len - inside }
            }
        })
    }

    fn start(&self, extents: &Vec<Extent>) -> u64 {
        extents.first().map_or(0, |extent| extent.at)
    }
}
