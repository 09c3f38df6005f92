//! The qcow2 image format, read-only: one file, zlib compression, no encryption.
//!
//! Owns header, cluster tables and decompression. Rules: QEMU's `docs/interop/qcow2.txt`.
//! Whatever would make the image's content depend on another file, or that isn't read here, is
//! refused by name when the image is opened.

use std::fs::File;
use std::os::unix::fs::FileExt;

use flate2::{Decompress, FlushDecompress};

use super::cache::Cache;
use super::device::{Device, within};
use crate::target::{Result, TargetError};

/// First bytes of the format.
pub const MAGIC: &[u8] = b"QFI\xfb";

/// Bytes of the header that are looked at (version 3's fixed part).
const HEADER_LEN: usize = 104;

/// Largest top-level table (QEMU's own bound, `QCOW_MAX_L1_SIZE`).
const MAX_L1_BYTES: u64 = 32 << 20;

/// Memory for decompressed clusters.
const CLUSTER_CACHE_BYTES: usize = 16 << 20;

/// Memory for second-level tables.
const TABLE_CACHE_BYTES: usize = 4 << 20;

/// Bits of a table entry that hold a file offset (9 to 55).
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;

/// Bit of an L2 entry: the cluster is compressed.
const COMPRESSED: u64 = 1 << 62;

/// Bit of an L2 entry in version 3: the cluster reads as zeros.
const ZEROS: u64 = 1;

/// An open qcow2 image.
pub struct Qcow2 {
    file: File,
    file_size: u64,
    version: u32,
    cluster_bits: u32,
    size: u64,
    l1: Vec<u64>,
    tables: Cache<u64, Vec<u64>>,
    clusters: Cache<u64, Vec<u8>>,
}

/// Where a cluster's bytes are.
enum Cluster {
    Zeros,
    /// As they are, at this offset.
    Plain(u64),
    /// Compressed: offset, and an upper bound of the length.
    Deflated(u64, u64),
}

impl Qcow2 {
    /// Reads the header and the top-level table.
    ///
    /// # Errors
    /// `Unsupported` for a backing file, an external data file, encryption and any feature
    /// that changes how clusters are found; `Corrupt` for a header that contradicts itself or
    /// points beyond the file.
    pub fn open(file: File, file_size: u64) -> Result<Self> {
        let mut header = [0; HEADER_LEN];
        let got = header.len().min(usize::try_from(file_size).unwrap_or(HEADER_LEN));
        read_at(&file, 0, &mut header[..got])?;
        let version = be32(&header, 4);
        // Version 2 ends at byte 72: what follows is no field of it.
        let need = if version == 2 { 72 } else { HEADER_LEN };
        if got < need {
            return Err(corrupt("the file ends inside its header"));
        }
        if version == 2 {
            header[72..].fill(0);
        }
        refuse_features(&file, file_size, version, &header)?;

        let cluster_bits = be32(&header, 20);
        if !(9..=21).contains(&cluster_bits) {
            return Err(corrupt(&format!("clusters of 2^{cluster_bits} bytes")));
        }
        let size = be64(&header, 24);
        let entries = u64::from(be32(&header, 36));
        // One L2 table of one cluster holds cluster / 8 entries of a cluster each.
        let per_entry = 1_u64 << (2 * cluster_bits - 3);
        if entries < size.div_ceil(per_entry) || entries * 8 > MAX_L1_BYTES {
            return Err(corrupt(&format!("{entries} table entries for {size} bytes")));
        }
        let l1 = read_table(&file, file_size, be64(&header, 40), entries)?;
        let cluster = 1_usize << cluster_bits;
        Ok(Self {
            file,
            file_size,
            version,
            cluster_bits,
            size,
            l1,
            tables: Cache::new(TABLE_CACHE_BYTES / cluster),
            clusters: Cache::new(CLUSTER_CACHE_BYTES / cluster),
        })
    }

    /// Looks up where the cluster with this number is.
    fn locate(&self, number: u64) -> Result<Cluster> {
        let table_bits = self.cluster_bits - 3;
        let top = usize::try_from(number >> table_bits).unwrap_or(usize::MAX);
        let Some(entry) = self.l1.get(top) else {
            return Err(corrupt("the cluster table is shorter than the disk"));
        };
        let offset = entry & OFFSET_MASK;
        if offset == 0 {
            return Ok(Cluster::Zeros);
        }
        let entries = 1_u64 << table_bits;
        let table = self.tables.get(offset, || read_table(&self.file, self.file_size, offset, entries))?;
        let entry = table[(number & (entries - 1)) as usize];
        if entry & COMPRESSED != 0 {
            // 62 bits: the low ones an offset, the rest the number of further 512-byte sectors.
            let offset_bits = 62 - (self.cluster_bits - 8);
            let offset = entry & ((1 << offset_bits) - 1);
            let sectors = ((entry & (COMPRESSED - 1)) >> offset_bits) + 1;
            return Ok(Cluster::Deflated(offset, sectors * 512 - (offset & 511)));
        }
        let offset = entry & OFFSET_MASK;
        if offset == 0 || (self.version >= 3 && entry & ZEROS != 0) {
            return Ok(Cluster::Zeros);
        }
        Ok(Cluster::Plain(offset))
    }

    /// Decompresses the cluster whose data start at `offset`.
    fn inflate(&self, offset: u64, most: u64) -> Result<Vec<u8>> {
        // The bound counts whole sectors, of which the file's last one may be cut short.
        let len = most.min(self.file_size.saturating_sub(offset));
        let mut packed = vec![0; len as usize];
        read_at(&self.file, offset, &mut packed)?;
        let mut cluster = vec![0; 1 << self.cluster_bits];
        let mut inflate = Decompress::new(false);
        let done = inflate.decompress(&packed, &mut cluster, FlushDecompress::Finish);
        if done.is_err() || inflate.total_out() != cluster.len() as u64 {
            return Err(corrupt(&format!("the compressed cluster at byte {offset} is damaged")));
        }
        Ok(cluster)
    }
}

impl Device for Qcow2 {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        within(offset, buf.len(), self.size)?;
        let cluster_size = 1_u64 << self.cluster_bits;
        let mut position = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let inside = position & (cluster_size - 1);
            let len = rest.len().min((cluster_size - inside) as usize);
            let (piece, tail) = rest.split_at_mut(len);
            match self.locate(position >> self.cluster_bits)? {
                Cluster::Zeros => piece.fill(0),
                Cluster::Plain(at) => {
                    within(at + inside, len, self.file_size)?;
                    read_at(&self.file, at + inside, piece)?;
                }
                Cluster::Deflated(at, most) => {
                    let cluster = self.clusters.get(at, || self.inflate(at, most))?;
                    let inside = inside as usize;
                    piece.copy_from_slice(&cluster[inside..inside + len]);
                }
            }
            position += len as u64;
            rest = tail;
        }
        Ok(())
    }
}

/// Refuses, by name, what would make this reader's answer wrong.
fn refuse_features(file: &File, file_size: u64, version: u32, header: &[u8]) -> Result<()> {
    let unsupported = |what: String| Err(TargetError::Unsupported(format!("qcow2 image {what}")));
    if !(2..=3).contains(&version) {
        return unsupported(format!("of version {version}; 2 and 3 are read"));
    }
    let backing = be64(header, 8);
    if backing != 0 {
        let mut name = vec![0; (be32(header, 16) as usize).min(1023)];
        within(backing, name.len(), file_size)?;
        read_at(file, backing, &mut name)?;
        return unsupported(format!(
            "with a backing file, {:?}: its content depends on another file; flatten it with \
             `qemu-img convert`",
            String::from_utf8_lossy(&name)
        ));
    }
    match be32(header, 32) {
        0 => {}
        1 => return unsupported("encrypted with AES: decrypt it first".into()),
        2 => return unsupported("encrypted with LUKS: decrypt it first".into()),
        other => return unsupported(format!("encrypted with the unknown method {other}")),
    }
    // Bit 0, dirty, speaks of reference counts, which reading does not use.
    for (bit, what) in [
        (2, "with an external data file: its content is in another file"),
        (3, "with a compression other than zlib: convert it with `qemu-img convert`"),
        (4, "with extended L2 entries (subclusters): convert it with `qemu-img convert`"),
    ] {
        if be64(header, 72) & (1 << bit) != 0 {
            return unsupported(what.into());
        }
    }
    match be64(header, 72) & !0b1 {
        0 => Ok(()),
        0b10 => Err(corrupt("it is marked as corrupt; see `qemu-img check`")),
        more => unsupported(format!("with unknown features (bits {more:#x})")),
    }
}

/// Reads a table of big-endian 64-bit entries.
fn read_table(file: &File, file_size: u64, offset: u64, entries: u64) -> Result<Vec<u64>> {
    let len = (entries * 8) as usize;
    within(offset, len, file_size)?;
    let mut bytes = vec![0; len];
    read_at(file, offset, &mut bytes)?;
    Ok((0..len).step_by(8).map(|at| be64(&bytes, at)).collect())
}

fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> Result<()> {
    file.read_exact_at(buf, offset)
        .map_err(|e| TargetError::io(format!("reading the qcow2 image at byte {offset}"), e))
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from(be32(bytes, at)) << 32 | u64::from(be32(bytes, at + 4))
}

fn corrupt(what: &str) -> TargetError {
    TargetError::Corrupt(format!("damaged qcow2 image: {what}"))
}
