//! Inodes as stored.

use super::geometry::{Geometry, checksum};
use crate::target::disk::device::Device;
use crate::target::disk::volume::MAX_INODE;
use crate::target::fields::{array, be16, be32, be64, byte, le32, slice};
use crate::target::{FileKind, Result, TargetError};

/// Where an inode's fixed fields end.
const CORE: usize = 176;

/// Flag of files on a realtime device.
const REALTIME: u16 = 1;

/// Flag of inodes that count extents in more bits.
const LARGE_COUNTS: u64 = 1 << 4;

/// How a file's bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A device, which has none.
    Device,
    /// In the inode.
    Local,
    /// In extents listed in the inode.
    Extents,
    /// In extents listed in a tree.
    Tree,
}

/// One inode.
pub struct Inode {
    /// Its number.
    pub number: u64,
    /// Type and permissions.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Length of the content.
    pub size: u64,
    /// How the content is kept.
    pub format: Format,
    /// How many extents there are.
    pub extents: u64,
    /// The part of the inode that leads to the content, or is it.
    pub fork: Vec<u8>,
}

impl Inode {
    /// Reads an inode that a directory names.
    pub fn read(device: &dyn Device, geometry: &Geometry, number: u64) -> Result<Self> {
        let damaged = |what: &str| Err(TargetError::Corrupt(format!("inode {number} {what}")));
        let mut bytes = vec![0; geometry.inode];
        device.read_at(geometry.inode_place(number)?, &mut bytes)?;
        if &array(&bytes, 0)? != b"IN" || byte(&bytes, 4)? != 3 {
            return damaged("is none");
        }
        if checksum(&bytes, 100) != le32(&bytes, 100)? {
            return damaged("does not match its checksum");
        }
        if be64(&bytes, 152)? != number || array(&bytes, 160)? != geometry.seal || number >= MAX_INODE {
            return damaged("belongs elsewhere");
        }
        let mode = be16(&bytes, 2)?;
        if mode == 0 || be32(&bytes, 16)? == 0 {
            return damaged("is deleted, but a directory names it");
        }
        if be16(&bytes, 90)? & REALTIME != 0 {
            return Err(TargetError::Unsupported("a file on a realtime device is not read".into()));
        }
        let format = match byte(&bytes, 5)? {
            0 => Format::Device,
            1 => Format::Local,
            2 => Format::Extents,
            3 => Format::Tree,
            _ => return damaged("keeps its content in no known way"),
        };
        // What follows the data fork, where anything does, are extended attributes.
        let fork_len = match usize::from(byte(&bytes, 82)?) * 8 {
            0 => geometry.inode - CORE,
            len => len,
        };
        let large = be64(&bytes, 120)? & LARGE_COUNTS != 0;
        let inode = Self {
            number,
            mode,
            uid: be32(&bytes, 8)?,
            gid: be32(&bytes, 12)?,
            size: be64(&bytes, 56)?,
            format,
            extents: if large { be64(&bytes, 24)? } else { be32(&bytes, 76)?.into() },
            fork: slice(&bytes, CORE, fork_len)?.to_vec(),
        };
        match inode.is_sound() {
            true => Ok(inode),
            false => damaged("contradicts itself"),
        }
    }

    /// Whether content of this format is possible for this kind of file.
    fn is_sound(&self) -> bool {
        let fits = match self.kind() {
            FileKind::File => matches!(self.format, Format::Extents | Format::Tree),
            FileKind::Special => true,
            FileKind::Directory | FileKind::Symlink => self.format != Format::Device,
        };
        fits && self.size < 1 << 63
    }

    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        match self.mode & 0o170_000 {
            0o100_000 => FileKind::File,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }
}
