//! The superblock: sizes, where allocation groups are, which features there are; and the seal
//! (mark, checksum, owner, own place) that every block of metadata bears.

use crate::target::disk::device::Device;
use crate::target::fields::{array, be16, be32, be64, byte, le32};
use crate::target::{Result, TargetError};

/// Features without which the filesystem can't be read rightly, by their bit: those that are read.
/// Entries' types, sparse inodes, own UUID of metadata, times beyond 2038, large extent counts,
/// exchanged ranges, parent pointers.
const READ: u32 = 0b1110_1111;

/// Other features, by their bit.
const NOT_READ: [(u32, &str); 4] = [
    (1 << 4, "it needs a repair: run xfs_repair, then look again"),
    (1 << 8, "a directory tree of metadata (metadir) is not read"),
    (1 << 9, "zoned storage is not read"),
    (1 << 10, "zoned storage with gaps is not read"),
];

/// The feature that gives metadata another UUID.
const META_UUID: u32 = 1 << 2;

/// Sizes and places.
pub struct Geometry {
    /// Bytes of a block.
    pub block: u64,
    /// Logarithm of it.
    pub block_log: u32,
    /// Bytes of a directory's block.
    pub directory_block: u64,
    /// Bytes of an inode.
    pub inode: usize,
    /// Inode number of the root directory.
    pub root: u64,
    /// UUID that metadata bears.
    pub seal: [u8; 16],
    /// First byte of the log; `None` where it is on another device.
    pub log: Option<u64>,
    /// Bytes of the log.
    pub log_size: u64,
    blocks: u64,
    group_blocks: u64,
    groups: u64,
    group_log: u32,
    inodes_log: u32,
}

impl Geometry {
    /// Reads the superblock.
    pub fn read(device: &dyn Device) -> Result<Self> {
        let mut bytes = vec![0; 512];
        device.read_at(0, &mut bytes)?;
        let version = be16(&bytes, 100)? & 0xf;
        if version != 5 {
            return Err(TargetError::Unsupported(format!(
                "version {version} of the format, without checksums, is not read: \
                 xfsprogs makes version 5 since 3.2.3"
            )));
        }
        let sector = usize::from(be16(&bytes, 102)?);
        if !sector.is_power_of_two() || !(512..=32768).contains(&sector) {
            return Err(damaged("a sector size that no filesystem has"));
        }
        bytes.resize(sector, 0);
        device.read_at(0, &mut bytes)?;
        if checksum(&bytes, 224) != le32(&bytes, 224)? {
            return Err(damaged("the checksum is wrong"));
        }
        check_features(&bytes)?;
        let geometry = Self::parse(&bytes)?;
        match geometry.blocks.checked_mul(geometry.block) {
            Some(size) if size <= device.size() => Ok(geometry),
            _ => Err(damaged("it says that it is larger than its disk: the image is truncated")),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let log = |at: usize| Ok::<_, TargetError>(u32::from(byte(bytes, at)?));
        let (block_log, inode_log, inodes_log) = (log(120)?, log(122)?, log(123)?);
        let (group_log, directory_log) = (log(124)?, log(192)?);
        let sound = (9..=16).contains(&block_log)
            && (9..=11).contains(&inode_log)
            && block_log == inode_log + inodes_log
            && block_log + directory_log <= 16
            && group_log <= 31;
        if !sound {
            return Err(damaged("sizes that no filesystem has"));
        }
        let features = be32(bytes, 216)?;
        let mut geometry = Self {
            block: 1 << block_log,
            block_log,
            directory_block: 1 << (block_log + directory_log),
            inode: 1 << inode_log,
            root: be64(bytes, 56)?,
            seal: if features & META_UUID != 0 { array(bytes, 248)? } else { array(bytes, 32)? },
            log: None,
            log_size: u64::from(be32(bytes, 96)?) << block_log,
            blocks: be64(bytes, 8)?,
            group_blocks: be32(bytes, 84)?.into(),
            groups: be32(bytes, 88)?.into(),
            group_log,
            inodes_log,
        };
        if geometry.group_blocks == 0 || geometry.group_blocks > 1 << group_log || geometry.groups == 0 {
            return Err(damaged("allocation groups that no filesystem has"));
        }
        let log_start = be64(bytes, 48)?;
        if log_start != 0 {
            geometry.log = Some(geometry.place(log_start, geometry.log_size >> block_log)?);
        }
        Ok(geometry)
    }

    /// First byte of a run of blocks, which lies in one allocation group.
    pub fn place(&self, block: u64, count: u64) -> Result<u64> {
        let (group, inside) = (block >> self.group_log, block & ((1 << self.group_log) - 1));
        let first = group.checked_mul(self.group_blocks).and_then(|first| first.checked_add(inside));
        let end = first.and_then(|first| first.checked_add(count));
        match (first, end) {
            (Some(first), Some(end))
                if group < self.groups && inside + count <= self.group_blocks && end <= self.blocks =>
            {
                Ok(first << self.block_log)
            }
            _ => Err(TargetError::Corrupt(format!("blocks {block} (+{count}) are beyond its end"))),
        }
    }

    /// First byte of an inode.
    pub fn inode_place(&self, number: u64) -> Result<u64> {
        let index = number & ((1 << self.inodes_log) - 1);
        Ok(self.place(number >> self.inodes_log, 1)? + index * self.inode as u64)
    }
}

/// How blocks of one kind say what they are: byte positions in the block.
pub struct Seal {
    /// What it may begin with.
    pub marks: &'static [&'static [u8; 4]],
    /// Of the checksum.
    pub checksum: usize,
    /// Of the filesystem's UUID.
    pub id: usize,
    /// Of the inode's number.
    pub owner: usize,
    /// Of its own place, in units of 512 bytes.
    pub place: usize,
}

impl Seal {
    /// Whether a block is what it should be, and where it should be.
    pub fn check(&self, block: &[u8], at: u64, owner: u64, geometry: &Geometry) -> Result<()> {
        let mark: [u8; 4] = array(block, 0)?;
        let wrong = if !self.marks.contains(&&mark) {
            "is of another kind"
        } else if checksum(block, self.checksum) != le32(block, self.checksum)? {
            "does not match its checksum"
        } else if array(block, self.id)? != geometry.seal {
            "belongs to another filesystem"
        } else if be64(block, self.owner)? != owner || be64(block, self.place)? != at / 512 {
            "belongs elsewhere"
        } else {
            return Ok(());
        };
        Err(TargetError::Corrupt(format!("the block at byte {at} {wrong}")))
    }
}

/// CRC-32C of a structure, its own checksum at `at` taken as zero.
pub fn checksum(bytes: &[u8], at: usize) -> u32 {
    let (before, after) = bytes.split_at(at.min(bytes.len()));
    let after = after.get(4..).unwrap_or_default();
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]), after)
}

fn check_features(superblock: &[u8]) -> Result<()> {
    let features = be32(superblock, 216)? & !READ;
    let unsupported = |why: &str| Err(TargetError::Unsupported(why.into()));
    if byte(superblock, 126)? != 0 {
        return unsupported("it was never finished by mkfs");
    }
    if let Some((_, why)) = NOT_READ.iter().find(|(bit, _)| features & bit != 0) {
        return unsupported(why);
    }
    match features {
        0 => Ok(()),
        _ => unsupported(&format!("features {features:#x}, newer than this program, are not read")),
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("superblock: {what}"))
}
