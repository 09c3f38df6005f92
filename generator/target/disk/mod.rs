//! Disk images: image format → partition → filesystem → tree.
//!
//! Owns the choice of the root filesystem; what is mounted on it is [`assembly`]'s matter. What it reads is untrusted: each layer bounds what it
//! reads and answers damage with an error.

mod assembly;
mod btrfs;
mod cache;
mod content;
mod device;
mod ext4;
mod filesystem;
mod mounts;
mod partitions;
mod qcow2;
mod volume;
mod xfs;

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use self::assembly::Part;
use self::device::{Device, Raw, Slice};
use self::filesystem::has_mark;
use self::partitions::{Partition, PartitionKind};
use self::qcow2::Qcow2;
use super::{Result, TargetError, Tree};

/// How an image holds a disk's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFormat {
    /// As they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

/// What a disk image is, whatever the disk in it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskShape {
    /// How it holds the disk's bytes.
    pub format: DiskFormat,
    /// The disk's length in bytes, as a machine sees it.
    pub size: u64,
}

impl DiskShape {
    /// Of an image that depends on no other file.
    ///
    /// # Errors
    /// `Unsupported` for an image with a backing file, a data file of its own or encryption; `Corrupt` for damage.
    pub fn of(path: &Path) -> Result<Self> {
        let (format, device) = device(path)?;
        Ok(Self { format, size: device.size() })
    }
}

/// Opens a disk image and the root filesystem in it.
///
/// # Errors
/// `Unsupported` for image formats, features and filesystems that are not read, and where there
/// is no root filesystem or more than one; `Corrupt` for damage.
pub fn open(path: &Path) -> Result<(DiskFormat, Box<dyn Tree>)> {
    let (format, device) = device(path)?;
    Ok((format, open_system(device)?))
}

/// The disk in an image.
fn device(path: &Path) -> Result<(DiskFormat, Arc<dyn Device>)> {
    let context = |e| TargetError::io(path.display().to_string(), e);
    let mut file = File::open(path).map_err(context)?;
    // Metadata has no size for a block device; its end does.
    let size = file.seek(SeekFrom::End(0)).map_err(context)?;
    let raw = Raw::new(file.try_clone().map_err(context)?, size);
    if has_mark(&raw, 0, qcow2::MAGIC) {
        return Ok((DiskFormat::Qcow2, Arc::new(Qcow2::open(file, size)?)));
    }
    Ok((DiskFormat::Raw, Arc::new(raw)))
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
    has_mark(&raw, 0, qcow2::MAGIC)
        || has_mark(&raw, 510, &[0x55, 0xaa])
        || has_mark(&raw, 512, b"EFI PART")
        || has_mark(&raw, 4096, b"EFI PART")
        || filesystem::is_any(&raw)
}

/// Opens the root filesystem, with everything on it that is mounted when the system runs.
fn open_system(device: Arc<dyn Device>) -> Result<Box<dyn Tree>> {
    let Some(partitions) = partitions::read(&*device)? else {
        let place = "the disk (it has no partition table)";
        let opened = filesystem::open(device.clone(), place)?;
        let root = assembly::system(opened, place)?;
        let root = root.ok_or_else(|| no_root("the filesystem has neither /etc/os-release nor /usr"))?;
        return assembly::assemble(root, &[Part { place: place.into(), guid: None, device }]);
    };
    let parts: Vec<Part> = partitions.iter().filter_map(|partition| part(&device, partition).ok()).collect();
    assembly::assemble(find_root(&device, partitions)?, &parts)
}

fn part(device: &Arc<dyn Device>, partition: &Partition) -> Result<Part> {
    let slice = Slice::new(device.clone(), partition.start, partition.size)?;
    let place = format!("partition {}", partition.number);
    Ok(Part { place, guid: partition.guid.clone(), device: Arc::new(slice) })
}

/// Chooses the root filesystem: the partition that says it is one, else the one Linux
/// partition that holds a system.
fn find_root(device: &Arc<dyn Device>, mut partitions: Vec<Partition>) -> Result<Box<dyn Tree>> {
    partitions.sort_by_key(|p| p.kind);
    let mut found: Option<(usize, PartitionKind, Box<dyn Tree>)> = None;
    let mut passed_over = Vec::new();
    for partition in partitions {
        let (number, kind) = (partition.number, partition.kind);
        if found.as_ref().is_some_and(|(_, better, _)| *better < kind) {
            break;
        }
        let part = part(device, &partition);
        if kind == PartitionKind::Other {
            let what = part.ok().and_then(|part| filesystem::foreign(&*part.device));
            passed_over
                .extend(what.map(|what| format!("partition {number} holds {what}, which is not read")));
            continue;
        }
        let Part { place, device, .. } = part?;
        let opened = match filesystem::open(device, &place) {
            Ok(opened) => opened,
            // A data partition may hold anything; a root that can't be read is the answer.
            Err(TargetError::Unsupported(why)) if kind == PartitionKind::LinuxData => {
                passed_over.push(why);
                continue;
            }
            Err(e) => return Err(e),
        };
        let Some(tree) = assembly::system(opened, &place)? else {
            passed_over.push(format!("{place} has neither /etc/os-release nor /usr"));
            continue;
        };
        if let Some((other, ..)) = found {
            return Err(no_root(&format!("partitions {other} and {number} both hold a system")));
        }
        found = Some((number, kind, tree));
    }
    match found {
        Some((_, _, tree)) => Ok(tree),
        None if passed_over.is_empty() => Err(no_root("no partition has a Linux type")),
        None => Err(no_root(&passed_over.join("; "))),
    }
}

fn no_root(why: &str) -> TargetError {
    TargetError::Unsupported(format!("no root filesystem to look into: {why}"))
}
