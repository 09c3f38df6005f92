//! Partition tables: GPT (UEFI specification, chapter 5) and the four primary entries of an MBR.
//!
//! Owns where partitions are and what their type says. Knows nothing of what they hold.

use flate2::Crc;

use super::device::Device;
use crate::target::{Result, TargetError};

/// What a partition's type claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionKind {
    /// A root filesystem, by the Discoverable Partitions Specification.
    LinuxRoot,
    /// A Linux filesystem with no said purpose.
    LinuxData,
    /// Anything else: boot loader, swap, ...
    Other,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the table, from 1.
    pub number: usize,
    /// What its type claims.
    pub kind: PartitionKind,
    /// Its own GUID; an MBR gives none.
    pub guid: Option<String>,
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub size: u64,
}

/// Type GUIDs, as text; the first three groups are stored little-endian.
const TYPES: [(&str, PartitionKind); 4] = [
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", PartitionKind::LinuxRoot), // x86-64
    ("b921b045-1df0-41c3-af44-4c6f280d3fae", PartitionKind::LinuxRoot), // 64-bit ARM
    ("72ec70a6-cf74-40e6-bd49-4bda08e8f224", PartitionKind::LinuxRoot), // 64-bit RISC-V
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", PartitionKind::LinuxData),
];

/// Partition type of an MBR that only shields a GPT.
const MBR_PROTECTIVE: u8 = 0xee;

/// Partition type of a Linux filesystem in an MBR.
const MBR_LINUX: u8 = 0x83;

/// Most GPT entries that are read: the usual table has 128.
const MAX_ENTRIES: u32 = 1024;

/// The partitions of a device; `None` where there is no partition table.
///
/// # Errors
/// A table that is damaged: wrong checksum, or sizes that no table has.
pub fn read(device: &dyn Device) -> Result<Option<Vec<Partition>>> {
    if device.size() < 1024 {
        return Ok(None);
    }
    for sector in [512, 4096] {
        if let Some(partitions) = read_gpt(device, sector)? {
            return Ok(Some(partitions));
        }
    }
    read_mbr(device)
}

fn read_gpt(device: &dyn Device, sector: u64) -> Result<Option<Vec<Partition>>> {
    if device.size() < 2 * sector {
        return Ok(None);
    }
    let mut header = [0; 512];
    device.read_at(sector, &mut header)?;
    if &header[..8] != b"EFI PART" {
        return Ok(None);
    }
    let header_len = le32(&header, 12) as usize;
    if !(92..=512).contains(&header_len) {
        return Err(damaged(&format!("a header of {header_len} bytes")));
    }
    let stored = le32(&header, 16);
    header[16..20].fill(0);
    if crc32(&header[..header_len]) != stored {
        return Err(damaged("the header's checksum is wrong"));
    }
    let (count, entry_len) = (le32(&header, 80), le32(&header, 84));
    if count > MAX_ENTRIES || !(128..=4096).contains(&entry_len) {
        return Err(damaged(&format!("{count} entries of {entry_len} bytes")));
    }
    let mut table = vec![0; (count * entry_len) as usize];
    device.read_at(bytes(le64(&header, 72), sector)?, &mut table)?;
    if crc32(&table) != le32(&header, 88) {
        return Err(damaged("the entries' checksum is wrong"));
    }
    let mut partitions = Vec::new();
    for (index, entry) in table.chunks_exact(entry_len as usize).enumerate() {
        let guid = guid(&entry[..16]);
        if entry[..16].iter().all(|b| *b == 0) {
            continue;
        }
        let (first, last) = (le64(entry, 32), le64(entry, 40));
        let Some(sectors) = last.checked_sub(first).and_then(|n| n.checked_add(1)) else {
            return Err(damaged(&format!("partition {} ends before it starts", index + 1)));
        };
        let known = TYPES.iter().find(|(text, _)| *text == guid);
        partitions.push(Partition {
            number: index + 1,
            kind: known.map_or(PartitionKind::Other, |(_, kind)| *kind),
            guid: Some(self::guid(&entry[16..32])),
            start: bytes(first, sector)?,
            size: bytes(sectors, sector)?,
        });
    }
    Ok(Some(partitions))
}

/// Reads the primary entries. Extended partitions are not looked into: they count as `Other`.
fn read_mbr(device: &dyn Device) -> Result<Option<Vec<Partition>>> {
    let mut sector = [0; 512];
    device.read_at(0, &mut sector)?;
    if sector[510..] != [0x55, 0xaa] {
        return Ok(None);
    }
    let mut partitions = Vec::new();
    for (index, entry) in sector[446..510].chunks_exact(16).enumerate() {
        let kind = match entry[4] {
            0 => continue,
            MBR_PROTECTIVE => return Err(damaged("only its protective MBR is there")),
            MBR_LINUX => PartitionKind::LinuxData,
            _ => PartitionKind::Other,
        };
        partitions.push(Partition {
            number: index + 1,
            kind,
            guid: None,
            start: u64::from(le32(entry, 8)) * 512,
            size: u64::from(le32(entry, 12)) * 512,
        });
    }
    // A boot sector with the mark but no partition: a bare filesystem may carry one.
    Ok((!partitions.is_empty()).then_some(partitions))
}

/// Sectors as bytes.
fn bytes(sectors: u64, sector: u64) -> Result<u64> {
    sectors.checked_mul(sector).ok_or_else(|| damaged("a position beyond 2^64 bytes"))
}

/// A GUID's text: the first three groups are stored little-endian, the others as written.
fn guid(raw: &[u8]) -> String {
    let hex = |order: &[usize]| order.iter().map(|i| format!("{:02x}", raw[*i])).collect::<String>();
    [hex(&[3, 2, 1, 0]), hex(&[5, 4]), hex(&[7, 6]), hex(&[8, 9]), hex(&[10, 11, 12, 13, 14, 15])].join("-")
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |n, b| n << 8 | u32::from(*b))
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at + 4)) << 32 | u64::from(le32(bytes, at))
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("damaged partition table (GPT): {what}"))
}
