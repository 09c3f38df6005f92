//! Images and archives. A filesystem is too large to be an input, so an input is a list of changes
//! to a small real one: four bytes of place (modulo its size, blank pages not counted), one of length,
//! and that many bytes.
//! An input that begins with an odd byte has its checksums mended afterwards, as somebody would do
//! who means harm.

use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::LazyLock;

use flate2::Crc;
use flate2::read::GzDecoder;
use ironseed::target::{self, FileKind, Root, walk};
use tempfile::NamedTempFile;

use super::{Takes, Target};

/// Bytes read of one file: what is read of a damaged one may have no end.
const MAX_CONTENT: u64 = 1 << 20;

/// A real image, without its blank pages.
struct Base {
    /// The pages that are not blank, one after the other.
    pages: Vec<u8>,
    /// Where each is.
    places: Vec<usize>,
    /// Length of the whole.
    size: usize,
}

/// Bytes of a page.
const PAGE: usize = 4096;

impl Base {
    fn new(packed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut bytes).expect("a whole base");
        let used = bytes.chunks(PAGE).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        let places = used.clone().map(|(index, _)| index * PAGE).collect();
        let pages = used.flat_map(|(_, page)| page).copied().collect();
        Self { pages, places, size: bytes.len() }
    }
}

/// Makes a base of its compressed bytes when it is first used.
macro_rules! base {
    ($file:literal) => {
        LazyLock::new(|| Base::new(include_bytes!(concat!("../bases/", $file, ".gz"))))
    };
}

static BTRFS_BASE: LazyLock<Base> = base!("btrfs");
static EXT4_BASE: LazyLock<Base> = base!("ext4");
static PARTITIONS_BASE: LazyLock<Base> = base!("partitions");
static QCOW2_BASE: LazyLock<Base> = base!("qcow2");
static TAR_BASE: LazyLock<Base> = base!("tar");
static XFS_BASE: LazyLock<Base> = base!("xfs");

/// A filesystem with subvolumes and compressed files.
pub const BTRFS: Target =
    Target { name: "btrfs", takes: Takes::Bytes(|input| changed(&BTRFS_BASE, input, mend_btrfs)) };

/// A filesystem without a partition table.
pub const EXT4: Target =
    Target { name: "ext4", takes: Takes::Bytes(|input| changed(&EXT4_BASE, input, |_| ())) };

/// A GPT, of which the protective MBR is a part, and the smallest filesystem.
pub const PARTITIONS: Target =
    Target { name: "partitions", takes: Takes::Bytes(|input| changed(&PARTITIONS_BASE, input, mend_gpt)) };

/// The header and the tables of a qcow2 image with compressed clusters.
pub const QCOW2: Target =
    Target { name: "qcow2", takes: Takes::Bytes(|input| changed(&QCOW2_BASE, input, |_| ())) };

/// A tar archive with long names, links and sparse files.
pub const TAR: Target =
    Target { name: "tar", takes: Takes::Bytes(|input| changed(&TAR_BASE, input, mend_tar)) };

/// A filesystem with large and small directories, and a file of many pieces.
pub const XFS: Target =
    Target { name: "xfs", takes: Takes::Bytes(|input| changed(&XFS_BASE, input, mend_xfs)) };

/// Looks into a base with an input's changes.
fn changed(base: &Base, input: &[u8], mend: fn(&mut [u8])) {
    let mut pages = base.pages.clone();
    let (first, mut rest) = input.split_first().unwrap_or((&0, &[]));
    while let [a, b, c, d, length, after @ ..] = rest {
        let at = u32::from_le_bytes([*a, *b, *c, *d]) as usize % pages.len();
        let length = usize::from(*length).min(after.len()).min(pages.len() - at);
        pages[at..at + length].copy_from_slice(&after[..length]);
        rest = &after[length..];
    }
    if first % 2 == 1 {
        mend(&mut pages);
    }
    let file = NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(base.size as u64).expect("room for an image");
    for (page, place) in pages.chunks(PAGE).zip(&base.places) {
        file.as_file().write_all_at(page, *place as u64).expect("room for an image");
    }
    look_into(file.path());
}

/// Gives a structure its CRC-32C, whose place counts as zero.
fn seal(structure: &mut [u8], at: usize) {
    structure[at..at + 4].fill(0);
    let sum = crc32c(structure).to_le_bytes();
    structure[at..at + 4].copy_from_slice(&sum);
}

/// The checksums of superblock, inodes, and blocks that say what they are.
fn mend_xfs(pages: &mut [u8]) {
    for page in pages.chunks_exact_mut(PAGE) {
        match &page[..4] {
            b"XFSB" => seal(&mut page[..512], 224),
            b"XDD3" | b"XDB3" => seal(page, 4),
            b"BMA3" => seal(page, 64),
            b"XSLM" => seal(page, 12),
            _ => {
                let inodes = page.chunks_exact_mut(512).filter(|inode| inode.starts_with(b"IN"));
                inodes.for_each(|inode| seal(inode, 100));
            }
        }
    }
}

/// The checksums of superblock and nodes, known by what they begin with: checksum, UUID.
fn mend_btrfs(pages: &mut [u8]) {
    let is_superblock = |page: &&[u8]| &page[64..72] == b"_BHRfS_M";
    let Some(id) = pages.chunks_exact(PAGE).find(is_superblock).map(|page| page[32..48].to_vec()) else {
        return;
    };
    for page in pages.chunks_exact_mut(PAGE).filter(|page| page[32..48] == id[..]) {
        let sum = crc32c(&page[32..]).to_le_bytes();
        page[..4].copy_from_slice(&sum);
    }
}

/// CRC-32C, apart from the one that is tested.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| CRC32C[usize::from(sum as u8 ^ byte)] ^ sum >> 8)
}

/// What each byte does to a CRC-32C.
static CRC32C: [u32; 256] = {
    let (mut table, mut index) = ([0; 256], 0);
    while index < table.len() {
        let (mut sum, mut bit) = (index as u32, 0);
        while bit < 8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

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
fn look_into(image: &Path) {
    let Ok(found) = target::open(image) else { return };
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
