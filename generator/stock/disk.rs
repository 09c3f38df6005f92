//! The working disk: a stock image as a raw file with holes, large enough for what is added.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::StockError;
use crate::build::tools::{QEMU_IMG, search_path};

/// Disks end on this boundary, in bytes (1 MiB): partition tables and the image's clusters fit it.
const ALIGN: u64 = 1 << 20;

/// Where a qcow2 header says that there is a backing file, and which features a reader must know
/// (QEMU's `docs/interop/qcow2.txt`).
const BACKING: std::ops::Range<usize> = 8..16;
const INCOMPATIBLE: std::ops::Range<usize> = 72..80;
/// Of these features: the data stand in another file.
const EXTERNAL_DATA: u64 = 1 << 2;

/// Makes a raw disk of an image. It has at least `size` bytes; the machine's own first boot lets the
/// root filesystem grow into them.
///
/// # Errors
/// An image of another format, or one that leans on another file; a disk that does not fit here.
pub fn make(image: &Path, disk: &Path, size: u64) -> Result<(), StockError> {
    let format = format(image)?;
    // QEMU stops a machine whose disk can't grow any more, and nobody would hear why.
    let free = free_space(image)?;
    if free < size {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        return Err(StockError::Disk(format!(
            "the disk may take {:.1} GiB, and {:.1} GiB are free where the image is made",
            gib(size),
            gib(free)
        )));
    }
    let output = Command::new(QEMU_IMG.name)
        .args(["convert", "-q", "-f", format, "-O", "raw"])
        .args([image, disk])
        .env("PATH", search_path())
        .output()
        .map_err(StockError::io("running qemu-img"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(StockError::Disk(format!("qemu-img can't unpack the stock image: {said}")));
    }
    let grow = || {
        let file = File::options().write(true).open(disk)?;
        let own = file.metadata()?.len();
        file.set_len(own.max(size).next_multiple_of(ALIGN))
    };
    grow().map_err(StockError::io("making the disk larger"))
}

/// Bytes that are free on the filesystem of a file.
fn free_space(file: &Path) -> Result<u64, StockError> {
    let stats = rustix::fs::statvfs(file).map_err(|error| {
        StockError::io(format!("asking for free space at {}", file.display()))(error.into())
    })?;
    Ok(stats.f_bavail.saturating_mul(stats.f_frsize))
}

/// qcow2 by its mark; raw by a boot sector's, for a disk that boots has one.
fn format(image: &Path) -> Result<&'static str, StockError> {
    let mut start = Vec::new();
    File::open(image)
        .and_then(|file| file.take(512).read_to_end(&mut start))
        .map_err(StockError::io(format!("reading {}", image.display())))?;
    let number = |place: std::ops::Range<usize>| {
        start.get(place).map_or(0, |bytes| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    };
    if start.starts_with(b"QFI\xfb") {
        // Version 2 ends before the features.
        let external = number(4..8) >= 3 && number(INCOMPATIBLE) & EXTERNAL_DATA != 0;
        if number(BACKING) != 0 || external {
            return Err(StockError::Disk("the stock image's content depends on another file".into()));
        }
        return Ok("qcow2");
    }
    if start.get(510..512) == Some(&[0x55, 0xaa]) {
        return Ok("raw");
    }
    Err(StockError::Disk(
        "the stock image is neither a qcow2 nor a raw disk image (is it compressed?)".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leans_on_another_file_or_is_no_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        let mut header = [0; 512];
        header[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            format(&path).map_err(|error| error.to_string())
        };
        assert_eq!(said(&header), Ok("qcow2"));
        let mut backed = header;
        backed[15] = 104;
        assert!(said(&backed).unwrap_err().contains("another file"));
        let mut external = header;
        external[79] = 1 << 2;
        assert!(said(&external).unwrap_err().contains("another file"));
        let mut raw = [0; 512];
        raw[510..].copy_from_slice(&[0x55, 0xaa]);
        assert_eq!(said(&raw), Ok("raw"));
        for no_disk in [&b"\xfd7zXZ\0"[..], b"", &[0; 512]] {
            assert!(said(no_disk).unwrap_err().contains("neither"));
        }
    }
}
