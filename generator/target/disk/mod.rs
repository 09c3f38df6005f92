//! Disk images: image format → partition → filesystem → tree.
//!
//! Owns the choice of the root filesystem. What it reads is untrusted: each layer bounds what it
//! reads and answers damage with an error.

mod btrfs;
mod cache;
mod device;
mod ext4;
mod fields;
mod partitions;
mod qcow2;
mod volume;
mod xfs;

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use self::btrfs::{Btrfs, Pool};
use self::device::{Device, Raw, Slice};
use self::ext4::Ext4Tree;
use self::partitions::PartitionKind;
use self::qcow2::Qcow2;
use self::volume::{Volume, named, prefixed};
use self::xfs::Xfs;
use super::{Result, Root, TargetError, Tree};

/// How an image holds a disk's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFormat {
    /// As they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

/// Filesystems and containers that are recognised but not read: offset, mark, name.
const FOREIGN: [(u64, &[u8], &str); 4] = [
    (0, b"LUKS\xba\xbe", "an encrypted volume (LUKS)"),
    (512, b"LABELONE", "an LVM physical volume"),
    (0, b"hsqs", "squashfs"),
    (4086, b"SWAPSPACE2", "swap space"),
];

/// Where ext4's superblock holds its mark.
const EXT4_MARK: (u64, &[u8]) = (1080, b"\x53\xef");

/// Where XFS's superblock holds its mark.
const XFS_MARK: (u64, &[u8]) = (0, b"XFSB");

/// Where btrfs' superblock holds its mark.
const BTRFS_MARK: (u64, &[u8]) = (0x1_0040, b"_BHRfS_M");

/// Opens a disk image and the root filesystem in it.
///
/// # Errors
/// `Unsupported` for image formats, features and filesystems that are not read, and where there
/// is no root filesystem or more than one; `Corrupt` for damage.
pub fn open(path: &Path) -> Result<(DiskFormat, Box<dyn Tree>)> {
    let context = |e| TargetError::io(path.display().to_string(), e);
    let mut file = File::open(path).map_err(context)?;
    // Metadata has no size for a block device; its end does.
    let size = file.seek(SeekFrom::End(0)).map_err(context)?;
    let raw = Raw::new(file.try_clone().map_err(context)?, size);
    let (format, device): (_, Arc<dyn Device>) = if has_mark(&raw, 0, qcow2::MAGIC) {
        (DiskFormat::Qcow2, Arc::new(Qcow2::open(file, size)?))
    } else {
        (DiskFormat::Raw, Arc::new(raw))
    };
    Ok((format, find_root(device)?))
}

/// Whether a file that isn't anything else may be a disk: a partition table or a filesystem.
pub fn looks_like_disk(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    let Ok(size) = file.seek(SeekFrom::End(0)) else {
        return false;
    };
    let raw = Raw::new(file, size);
    let filesystem = FOREIGN.iter().any(|(at, mark, _)| has_mark(&raw, *at, mark));
    has_mark(&raw, 0, qcow2::MAGIC)
        || has_mark(&raw, 510, &[0x55, 0xaa])
        || has_mark(&raw, 512, b"EFI PART")
        || has_mark(&raw, 4096, b"EFI PART")
        || has_mark(&raw, EXT4_MARK.0, EXT4_MARK.1)
        || has_mark(&raw, XFS_MARK.0, XFS_MARK.1)
        || has_mark(&raw, BTRFS_MARK.0, BTRFS_MARK.1)
        || filesystem
}

/// Chooses the root filesystem: the partition that says it is one, else the one Linux
/// partition that holds a system, else the whole disk where it has no partitions.
fn find_root(device: Arc<dyn Device>) -> Result<Box<dyn Tree>> {
    let Some(mut partitions) = partitions::read(&*device)? else {
        let tree = open_filesystem(device, "the disk (it has no partition table)")?;
        return match holds_system(&*tree)? {
            true => Ok(tree),
            false => Err(no_root("the filesystem has neither /etc/os-release nor /usr")),
        };
    };
    partitions.retain(|p| p.kind != PartitionKind::Other);
    partitions.sort_by_key(|p| p.kind);
    let mut found: Option<(usize, PartitionKind, Box<dyn Tree>)> = None;
    let mut passed_over = Vec::new();
    for partition in partitions {
        let (number, kind) = (partition.number, partition.kind);
        if found.as_ref().is_some_and(|(_, better, _)| *better < kind) {
            break;
        }
        let place = format!("partition {number}");
        let slice = Arc::new(Slice::new(device.clone(), partition.start, partition.size)?);
        let tree = match open_filesystem(slice, &place) {
            Ok(tree) => tree,
            // A data partition may hold anything; a root that can't be read is the answer.
            Err(TargetError::Unsupported(why)) if kind == PartitionKind::LinuxData => {
                passed_over.push(why);
                continue;
            }
            Err(e) => return Err(e),
        };
        if !holds_system(&*tree)? {
            passed_over.push(format!("{place} has neither /etc/os-release nor /usr"));
        } else if let Some((other, ..)) = found {
            return Err(no_root(&format!("partitions {other} and {number} both hold a system")));
        } else {
            found = Some((number, kind, tree));
        }
    }
    match found {
        Some((_, _, tree)) => Ok(tree),
        None if passed_over.is_empty() => Err(no_root("no partition has a Linux type")),
        None => Err(no_root(&passed_over.join("; "))),
    }
}

/// Opens the filesystem that fills a device, or says what is there instead.
fn open_filesystem(device: Arc<dyn Device>, place: &str) -> Result<Box<dyn Tree>> {
    let has = |(at, mark): (u64, &[u8])| has_mark(&*device, at, mark);
    let opened: Result<Box<dyn Tree>> = if has(EXT4_MARK) {
        Ext4Tree::open(device).map(|tree| Box::new(tree) as _)
    } else if has(XFS_MARK) {
        Xfs::open(device).map(|xfs| Box::new(Volume::new(xfs)) as _).map_err(named::<Xfs>)
    } else if has(BTRFS_MARK) {
        let open = |device| {
            let pool = Arc::new(Pool::open(device)?);
            let tree = pool.default_subvolume()?;
            Ok(Box::new(Volume::new(Btrfs::new(pool, tree))) as _)
        };
        open(device).map_err(named::<Btrfs>)
    } else {
        let known = FOREIGN.iter().find(|(at, mark, _)| has((*at, mark)));
        let what = known.map_or("no filesystem that is known here", |(_, _, name)| *name);
        return Err(TargetError::Unsupported(format!("{place} holds {what}; ext4, XFS and btrfs are read")));
    };
    opened.map_err(|e| prefixed(place, e))
}

/// Whether a tree is an operating system's root.
fn holds_system(tree: &dyn Tree) -> Result<bool> {
    let root = Root::new(tree);
    Ok(root.exists("etc/os-release")? || (root.exists("etc")? && root.exists("usr")?))
}

fn has_mark(device: &dyn Device, at: u64, mark: &[u8]) -> bool {
    let mut bytes = vec![0; mark.len()];
    device.read_at(at, &mut bytes).is_ok() && bytes == mark
}

fn no_root(why: &str) -> TargetError {
    TargetError::Unsupported(format!("no root filesystem to look into: {why}"))
}
