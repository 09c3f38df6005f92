//! Writes a raw disk as a compressed qcow2 image: version 3, deflate, no backing file.
//!
//! Own writer instead of `qemu-img convert -c`: clusters are compressed on all processors and
//! stand in the order of the disk, so the same disk gives the same bytes.
//! Format: QEMU's `docs/interop/qcow2.txt`.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use flate2::{Compress, Compression, FlushCompress, Status};
use rayon::prelude::*;

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// An L2 table is one cluster of 8-byte entries.
const L2_ENTRIES: usize = (CLUSTER / 8) as usize;
/// A refcount block is one cluster of 2-byte counts.
const REFCOUNTS: usize = (CLUSTER / 2) as usize;
/// In an entry: the cluster is used once and not compressed.
const COPIED: u64 = 1 << 63;
/// In an L2 entry: the cluster is compressed.
const COMPRESSED: u64 = 1 << 62;
/// Where an L2 entry of a compressed cluster holds the number of further 512-byte sectors.
const SECTORS_SHIFT: u32 = 62 - (CLUSTER_BITS - 8);
/// QEMU inflates with a window of this many bits: reaching back further is corrupt to it.
const WINDOW_BITS: u8 = 12;
/// Clusters that are read and compressed at a time: 16 MiB.
const BATCH: usize = 256;

/// Writes the whole of `disk` to `image`, which must be empty. The disk's size must be a
/// multiple of 64 KiB. Calls `progress` with bytes done and bytes in all.
pub fn write(disk: &File, image: &File, mut progress: impl FnMut(u64, u64)) -> io::Result<()> {
    let size = disk.metadata()?.len();
    if size == 0 || !size.is_multiple_of(CLUSTER) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the disk's size is no multiple of 64 KiB"));
    }
    let mut writer = Writer { out: BufWriter::with_capacity(1 << 20, image), at: 0, refcounts: Vec::new() };
    writer.append(&[0; CLUSTER as usize])?;
    let mut l2 = vec![0u64; (size / CLUSTER) as usize];
    let mut first = 0;
    while let Some(data) = next_data(disk, first * CLUSTER, size)? {
        first = data / CLUSTER;
        let count = BATCH.min(l2.len() - first as usize);
        let batch: Vec<io::Result<Cluster>> = (first..first + count as u64)
            .into_par_iter()
            .map_init(Deflater::new, |deflater, n| deflater.cluster(disk, n))
            .collect();
        for (entry, cluster) in l2[first as usize..].iter_mut().zip(batch) {
            *entry = match cluster? {
                Cluster::Zero => 0,
                Cluster::Deflated(bytes) => writer.append_compressed(&bytes)?,
                Cluster::Plain(bytes) => writer.append_aligned(&bytes)? | COPIED,
            };
        }
        first += count as u64;
        progress(first * CLUSTER, size);
    }
    let mut l1 = Vec::new();
    for table in l2.chunks(L2_ENTRIES) {
        let used = table.iter().any(|entry| *entry != 0);
        l1.push(if used { writer.append_aligned(&big_endian(table, L2_ENTRIES))? | COPIED } else { 0 });
    }
    let l1_at = writer.append_aligned(&big_endian(&l1, L2_ENTRIES.max(l1.len())))?;
    let (refcounts_at, refcount_clusters) = writer.append_refcounts()?;
    let out = writer.out.into_inner().map_err(io::IntoInnerError::into_error)?;
    out.write_all_at(&header(size, l1.len() as u32, l1_at, refcounts_at, refcount_clusters), 0)?;
    progress(size, size);
    out.sync_all()
}

/// Where the next cluster with data starts, from `from` on; `None` where only a hole follows.
fn next_data(disk: &File, from: u64, size: u64) -> io::Result<Option<u64>> {
    if from >= size {
        return Ok(None);
    }
    match rustix::fs::seek(disk, rustix::fs::SeekFrom::Data(from)) {
        Ok(at) => Ok(Some(at / CLUSTER * CLUSTER)),
        Err(rustix::io::Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

enum Cluster {
    Zero,
    Deflated(Vec<u8>),
    Plain(Vec<u8>),
}

struct Deflater {
    deflate: Compress,
    plain: Vec<u8>,
}

impl Deflater {
    fn new() -> Self {
        let deflate = Compress::new_with_window_bits(Compression::new(6), false, WINDOW_BITS);
        Self { deflate, plain: vec![0; CLUSTER as usize] }
    }

    fn cluster(&mut self, disk: &File, number: u64) -> io::Result<Cluster> {
        disk.read_exact_at(&mut self.plain, number * CLUSTER)?;
        if self.plain.iter().all(|byte| *byte == 0) {
            return Ok(Cluster::Zero);
        }
        self.deflate.reset();
        let mut packed = Vec::with_capacity(CLUSTER as usize - 1);
        let status = self
            .deflate
            .compress_vec(&self.plain, &mut packed, FlushCompress::Finish)
            .map_err(io::Error::other)?;
        // No end within less than a cluster: it does not compress.
        Ok(if status == Status::StreamEnd {
            Cluster::Deflated(packed)
        } else {
            Cluster::Plain(self.plain.clone())
        })
    }
}

/// Appends to the image and counts the uses of its clusters.
struct Writer<'f> {
    out: BufWriter<&'f File>,
    at: u64,
    refcounts: Vec<u16>,
}

impl Writer<'_> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = self.at;
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        let last = (self.at - 1) / CLUSTER;
        self.refcounts.resize(last as usize + 1, 0);
        for count in &mut self.refcounts[(start / CLUSTER) as usize..] {
            *count += 1;
        }
        Ok(start)
    }

    fn append_compressed(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = self.append(bytes)?;
        let further_sectors = (self.at - 1) / 512 - start / 512;
        Ok(start | COMPRESSED | further_sectors << SECTORS_SHIFT)
    }

    fn append_aligned(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.align()?;
        self.append(bytes)
    }

    fn align(&mut self) -> io::Result<()> {
        self.at = self.at.next_multiple_of(CLUSTER);
        self.out.seek(SeekFrom::Start(self.at)).map(|_| ())
    }

    /// Appends the refcount blocks and their table, which count themselves too. Gives the
    /// table's place and its length in clusters.
    fn append_refcounts(&mut self) -> io::Result<(u64, u32)> {
        self.align()?;
        let used = (self.at / CLUSTER) as usize;
        let (mut blocks, mut tables) = (0, 0);
        loop {
            let wanted = (used + blocks + tables).div_ceil(REFCOUNTS);
            let wanted_tables = wanted.div_ceil(L2_ENTRIES);
            if (wanted, wanted_tables) == (blocks, tables) {
                break;
            }
            (blocks, tables) = (wanted, wanted_tables);
        }
        self.refcounts.resize(used + blocks + tables, 1);
        let mut counts: Vec<u8> = self.refcounts.iter().flat_map(|count| count.to_be_bytes()).collect();
        counts.resize(blocks * CLUSTER as usize, 0);
        let blocks_at = self.at;
        self.out.write_all(&counts)?;
        let places: Vec<u64> = (0..blocks as u64).map(|n| blocks_at + n * CLUSTER).collect();
        self.out.write_all(&big_endian(&places, tables * L2_ENTRIES))?;
        Ok((blocks_at + blocks as u64 * CLUSTER, tables as u32))
    }
}

/// 8-byte entries in the format's byte order, filled up with zeros to `length` entries.
fn big_endian(entries: &[u64], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_be_bytes()).collect();
    bytes.resize(length * 8, 0);
    bytes
}

fn header(size: u64, l1_entries: u32, l1_at: u64, refcounts_at: u64, refcount_clusters: u32) -> Vec<u8> {
    let mut header = b"QFI\xfb".to_vec();
    let mut word = |value: u32| header.extend(value.to_be_bytes());
    word(3);
    // No backing file: offset (8 bytes) and length.
    [0, 0, 0].into_iter().for_each(&mut word);
    word(CLUSTER_BITS);
    header.extend(size.to_be_bytes());
    // Not encrypted.
    header.extend(0u32.to_be_bytes());
    header.extend(l1_entries.to_be_bytes());
    header.extend(l1_at.to_be_bytes());
    header.extend(refcounts_at.to_be_bytes());
    header.extend(refcount_clusters.to_be_bytes());
    // No snapshots (count, place); no incompatible, compatible or autoclear features.
    header.extend([0; 4 + 8 + 3 * 8]);
    // Refcounts of 2^4 bits; length of this header.
    header.extend(4u32.to_be_bytes());
    header.extend(104u32.to_be_bytes());
    // The end of header extensions.
    header.extend([0; 8]);
    header
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What QEMU's own program reads back is the disk, and it finds nothing to mend.
    #[test]
    fn qemu_reads_back_the_same_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (raw, image) = (folder.path().join("raw"), folder.path().join("image"));
        let disk = File::options().read(true).write(true).create_new(true).open(&raw).unwrap();
        disk.set_len(1 << 30).unwrap();
        disk.write_all_at(&b"compresses well ".repeat(50_000), 3 * CLUSTER + 17).unwrap();
        // A linear congruential generator's bytes do not compress.
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .take(5 * CLUSTER as usize)
        .collect();
        disk.write_all_at(&noise, 600 << 20).unwrap();
        disk.write_all_at(b"last", (1 << 30) - 4).unwrap();
        write(&disk, &File::create_new(&image).unwrap(), |_, _| ()).unwrap();

        for arguments in [["check", "-q"], ["compare", "-q"]] {
            let mut command = Command::new("qemu-img");
            command.args(arguments);
            if arguments[0] == "compare" {
                command.arg(&raw);
            }
            let output = command.arg(&image).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        }
        assert!(image.metadata().unwrap().len() < 20 * CLUSTER);
    }
}
