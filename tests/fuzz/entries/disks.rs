//! Images and archives. A filesystem is too large to be an input, so an input is a list of changes
//! to a small real one: four bytes of place (modulo its size), one of length, and that many bytes.
//! An input that begins with an odd byte has its checksums mended afterwards, as somebody would do
//! who means harm.

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::LazyLock;

use flate2::Crc;
use flate2::read::GzDecoder;
use ironseed::target::{self, FileKind, Root, walk};
use tempfile::NamedTempFile;

use super::{Takes, Target};

/// Bytes read of one file: what is read of a damaged one may have no end.
const MAX_CONTENT: u64 = 1 << 20;

/// Makes a base of its compressed bytes when it is first used.
macro_rules! base {
    ($file:literal) => {
        LazyLock::new(|| {
            let mut bytes = Vec::new();
            let packed = include_bytes!(concat!("../bases/", $file, ".gz")).as_slice();
            GzDecoder::new(packed).read_to_end(&mut bytes).expect("a whole base");
            bytes
        })
    };
}

static EXT4_BASE: LazyLock<Vec<u8>> = base!("ext4");
static PARTITIONS_BASE: LazyLock<Vec<u8>> = base!("partitions");
static QCOW2_BASE: LazyLock<Vec<u8>> = base!("qcow2");
static TAR_BASE: LazyLock<Vec<u8>> = base!("tar");

/// A filesystem without a partition table.
pub const EXT4: Target =
    Target { name: "ext4", takes: Takes::Bytes(|input| look_into(&changed(&EXT4_BASE, input, |_| ()))) };

/// A GPT, of which the protective MBR is a part, and the smallest filesystem.
pub const PARTITIONS: Target = Target {
    name: "partitions",
    takes: Takes::Bytes(|input| look_into(&changed(&PARTITIONS_BASE, input, mend_gpt))),
};

/// The header and the tables of a qcow2 image with compressed clusters.
pub const QCOW2: Target =
    Target { name: "qcow2", takes: Takes::Bytes(|input| look_into(&changed(&QCOW2_BASE, input, |_| ()))) };

/// A tar archive with long names, links and sparse files.
pub const TAR: Target =
    Target { name: "tar", takes: Takes::Bytes(|input| look_into(&changed(&TAR_BASE, input, mend_tar))) };

/// A base with an input's changes.
fn changed(base: &[u8], input: &[u8], mend: fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = base.to_vec();
    let (first, mut rest) = input.split_first().unwrap_or((&0, &[]));
    while let [a, b, c, d, length, after @ ..] = rest {
        let at = u32::from_le_bytes([*a, *b, *c, *d]) as usize % bytes.len();
        let length = usize::from(*length).min(after.len()).min(bytes.len() - at);
        bytes[at..at + length].copy_from_slice(&after[..length]);
        rest = &after[length..];
    }
    if first % 2 == 1 {
        mend(&mut bytes);
    }
    bytes
}

/// The checksums of the first GPT: the entries', then the header's.
fn mend_gpt(disk: &mut [u8]) {
    let number =
        |disk: &[u8], at: usize| u32::from_le_bytes([disk[at], disk[at + 1], disk[at + 2], disk[at + 3]]);
    let (start, count, length) = (number(disk, 512 + 72), number(disk, 512 + 80), number(disk, 512 + 84));
    let (start, size) = (start as usize * 512, count as usize * length as usize);
    if let Some(entries) = start.checked_add(size).and_then(|end| disk.get(start..end)) {
        let sum = crc(entries);
        disk[512 + 88..512 + 92].copy_from_slice(&sum);
    }
    let length = (number(disk, 512 + 12) as usize).min(512);
    disk[512 + 16..512 + 20].fill(0);
    let sum = crc(&disk[512..512 + length]);
    disk[512 + 16..512 + 20].copy_from_slice(&sum);
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// The checksum of every block that says that it is a header.
fn mend_tar(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Opens an image and reads everything in it, as a scan does.
fn look_into(image: &[u8]) {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(image).expect("room for an image");
    let Ok(found) = target::open(file.path()) else { return };
    let (tree, root) = (found.tree.as_ref(), Root::new(found.tree.as_ref()));
    let _ = black_box((root.read("etc/os-release"), root.resolve("etc/link"), root.entry("etc/none")));
    let mut files = Vec::new();
    let _ = black_box(walk(tree, &mut |path, meta| match meta.kind {
        FileKind::File => files.push(path.to_vec()),
        FileKind::Symlink => drop(black_box(tree.read_link(path))),
        FileKind::Directory | FileKind::Special => {}
    }));
    tree.read_many(&files, &|_, reader| {
        if let Ok(reader) = reader {
            let _ = black_box(std::io::copy(&mut reader.take(MAX_CONTENT), &mut std::io::sink()));
        }
    });
}
