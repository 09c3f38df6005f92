//! Which filesystem is on a device, and opening it.
//!
//! Owns the marks that tell filesystems apart, and the names that `/etc/fstab` calls them by.

use std::sync::Arc;

use super::btrfs::{Btrfs, Pool};
use super::device::Device;
use super::ext4::Ext4;
use super::volume::{Filesystem, Volume, named, prefixed};
use super::xfs::Xfs;
use crate::target::{Result, Root, TargetError, Tree};

/// Filesystems that are read, and where they hold their mark, UUID and label.
const READ: [Layout; 3] = [
    Layout { name: "ext4", mark: (1080, b"\x53\xef"), uuid: 1128, label: (1144, 16) },
    Layout { name: "XFS", mark: (0, b"XFSB"), uuid: 32, label: (108, 12) },
    Layout { name: "btrfs", mark: (0x1_0040, b"_BHRfS_M"), uuid: 0x1_0020, label: (0x1_012b, 256) },
];

/// Filesystems and containers that are recognised but not read: offset, mark, name.
const FOREIGN: [(u64, &[u8], &str); 4] = [
    (0, b"LUKS\xba\xbe", "an encrypted volume (LUKS)"),
    (512, b"LABELONE", "an LVM physical volume"),
    (0, b"hsqs", "squashfs"),
    (4086, b"SWAPSPACE2", "swap space"),
];

/// Where a filesystem keeps what tells it from others.
struct Layout {
    name: &'static str,
    mark: (u64, &'static [u8]),
    uuid: u64,
    label: (u64, usize),
}

/// An open filesystem.
pub enum Opened {
    /// With one tree of files.
    Single(Box<dyn Tree>),
    /// With many.
    Btrfs(Arc<Pool>),
}

/// Whether a device begins like a filesystem, read or not.
pub fn is_any(device: &dyn Device) -> bool {
    layout(device).is_some() || foreign(device).is_some()
}

/// What is on a device that is not read; `None` where nothing is known about it.
pub fn foreign(device: &dyn Device) -> Option<&'static str> {
    FOREIGN.iter().find(|(at, mark, _)| has_mark(device, *at, mark)).map(|(_, _, name)| *name)
}

/// UUID (as text, in lower case) and label of the filesystem on a device, where one is read.
pub fn identity(device: &dyn Device) -> Option<(String, Vec<u8>)> {
    let layout = layout(device)?;
    let (mut uuid, mut label) = ([0; 16], vec![0; layout.label.1]);
    device.read_at(layout.uuid, &mut uuid).ok()?;
    device.read_at(layout.label.0, &mut label).ok()?;
    label.truncate(label.iter().position(|b| *b == 0).unwrap_or(label.len()));
    let hex: String = uuid.iter().map(|b| format!("{b:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some((parts.join("-"), label))
}

/// Opens the filesystem that fills a device, or says what is there instead.
///
/// # Errors
/// `Unsupported` for other filesystems, features that are not read, and ones that were not
/// unmounted cleanly; `Corrupt` for damage. All name `place`.
pub fn open(device: Arc<dyn Device>, place: &str) -> Result<Opened> {
    let opened = match layout(&*device).map(|layout| layout.name) {
        Some("ext4") => single(Ext4::open(device)),
        Some("XFS") => single(Xfs::open(device)),
        Some(_) => Pool::open(device).map(|pool| Opened::Btrfs(Arc::new(pool))).map_err(named::<Btrfs>),
        None => {
            let what = foreign(&*device).unwrap_or("no filesystem that is known here");
            let why = format!("{place} holds {what}; ext4, XFS and btrfs are read");
            return Err(TargetError::Unsupported(why));
        }
    };
    opened.map_err(|e| prefixed(place, e))
}

/// Whether bytes are at a place.
pub fn has_mark(device: &dyn Device, at: u64, mark: &[u8]) -> bool {
    let mut bytes = vec![0; mark.len()];
    device.read_at(at, &mut bytes).is_ok() && bytes == mark
}

/// Whether a tree is an operating system's root.
pub fn holds_system(tree: &dyn Tree) -> Result<bool> {
    let root = Root::new(tree);
    Ok(root.exists("etc/os-release")? || (root.exists("etc")? && root.exists("usr")?))
}

fn layout(device: &dyn Device) -> Option<&'static Layout> {
    READ.iter().find(|layout| has_mark(device, layout.mark.0, layout.mark.1))
}

fn single<F: Filesystem + 'static>(opened: Result<F>) -> Result<Opened> {
    opened.map(|filesystem| Opened::Single(Box::new(Volume::new(filesystem)))).map_err(named::<F>)
}
