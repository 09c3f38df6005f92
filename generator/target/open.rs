//! Finds out what a path is, by its bytes and never by its name, and opens it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::{DirTree, DiskFormat, Result, TarTree, TargetError, Tree, disk};

/// What a target is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A directory of this machine.
    Directory,
    /// A tar archive, compressed with gzip or not.
    Tar,
    /// A disk image.
    Disk(DiskFormat),
}

/// An opened target.
pub struct Target {
    /// Its files.
    pub tree: Box<dyn Tree>,
    /// What it is made of.
    pub kind: TargetKind,
}

/// What [`open`] takes, for messages.
const ACCEPTED: &str = "accepted are a directory, a tar or tar.gz archive, \
                        and a raw or qcow2 disk image with ext4, XFS or btrfs";

/// Marks of formats that are recognised to be named, not read.
const FOREIGN: [(&[u8], &str); 9] = [
    (b"\xfd7zXZ\0", "xz-compressed data: decompress it first"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data: decompress it first"),
    (b"BZh", "bzip2-compressed data: decompress it first"),
    (b"KDMV", "a VMDK image: convert it with `qemu-img convert`"),
    (b"# Disk DescriptorFile", "a VMDK descriptor: convert it with `qemu-img convert`"),
    (b"vhdxfile", "a VHDX image: convert it with `qemu-img convert`"),
    (b"conectix", "a VHD image: convert it with `qemu-img convert`"),
    (b"<<< ", "a VDI image: convert it with `qemu-img convert`"),
    (b"PK\x03\x04", "a zip archive"),
];

/// Opens a directory, a tar archive or a disk image.
///
/// # Errors
/// What can't be read, is damaged, or is none of these; the message says what it is.
pub fn open(path: &Path) -> Result<Target> {
    let context = |e| TargetError::io(path.display().to_string(), e);
    let kind = std::fs::metadata(path).map_err(context)?.file_type();
    if kind.is_dir() {
        return Ok(Target { tree: Box::new(DirTree::open(path)?), kind: TargetKind::Directory });
    }
    if !kind.is_file() && !kind.is_block_device() {
        return Err(unknown(path, "neither a file nor a directory nor a disk"));
    }
    let mut start = Vec::new();
    File::open(path).and_then(|f| f.take(512).read_to_end(&mut start)).map_err(context)?;
    if start.is_empty() {
        return Err(unknown(path, "an empty file"));
    }
    if TarTree::recognises(&start) {
        return Ok(Target { tree: Box::new(TarTree::open(path)?), kind: TargetKind::Tar });
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(mark, _)| start.starts_with(mark)) {
        return Err(unknown(path, what));
    }
    if disk::looks_like_disk(path) {
        let (format, tree) = disk::open(path)?;
        return Ok(Target { tree, kind: TargetKind::Disk(format) });
    }
    Err(unknown(path, "of no known format"))
}

fn unknown(path: &Path, what: &str) -> TargetError {
    TargetError::Unsupported(format!("{} is {what}; {ACCEPTED}", path.display()))
}
