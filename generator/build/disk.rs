//! The disk around the root filesystem: partition table, boot sectors, EFI system partition.
//!
//! One disk boots under BIOS (GRUB in a BIOS boot partition) and under UEFI (signed shim and
//! GRUB). Partition numbers and order are those of Debian's own cloud images: the root
//! filesystem is number 1 and stands last, where it can grow. Must not know how the files came
//! to be; nothing here needs root, a loop device or a program.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use gptman::{GPT, GPTPartitionEntry};

use super::BuildError;
use super::identity::{Identity, Uuid};
use crate::fat;

const SECTOR: u64 = 512;
/// First sectors of the partitions; each ends where the next begins.
const BIOS_START: u64 = 2048;
const ESP_START: u64 = 8192;
const ROOT_START: u64 = 262_144;
/// Partitions end on this boundary (1 MiB).
const ALIGN: u64 = 2048;

const BIOS_BOOT: Uuid = Uuid(0x21686148_6449_6E6F_744E_656564454649);
const EFI_SYSTEM: Uuid = Uuid(0xC12A7328_F81F_11D2_BA4B_00A0C93EC93B);
const ROOT_X86_64: Uuid = Uuid(0x4F68BCE3_E8CD_4DB1_96E7_FBCAF984B709);

/// Offset of the root filesystem, in bytes.
pub const ROOT_OFFSET: u64 = ROOT_START * SECTOR;

/// Smallest and largest disk, in bytes: room for a system; what a 32-bit tool still reads.
const SIZES: std::ops::RangeInclusive<u64> = 1 << 30..=2 << 40;

/// First sector after the root filesystem, for a disk of `size` bytes; a place for the second
/// partition table stays free after it.
fn root_end(size: u64) -> u64 {
    (size / SECTOR - ALIGN) / ALIGN * ALIGN
}

/// Size of the root filesystem, in KiB, on a disk of `size` bytes.
pub fn root_kib(size: u64) -> Result<u64, BuildError> {
    if !SIZES.contains(&size) || !size.is_multiple_of(1 << 20) {
        return Err(BuildError::Recipe(format!("disk size {size}: wants whole MiB from 1 GiB to 2 TiB")));
    }
    Ok((root_end(size) - ROOT_START) * SECTOR / 1024)
}

/// The boot loader's files, as the image's own packages have them.
pub struct BootFiles {
    /// GRUB's boot sector.
    pub boot_img: Vec<u8>,
    /// GRUB's core image, made for this disk.
    pub core_img: Vec<u8>,
    /// The signed first stage.
    pub shim: Vec<u8>,
    /// The signed GRUB.
    pub grub: Vec<u8>,
    /// The signed key manager, which shim starts where a key is to be enrolled.
    pub mok_manager: Vec<u8>,
}

/// Writes everything but the root filesystem into the disk. `efi_vendor` is the folder under
/// `EFI/` where the signed GRUB looks for its configuration.
pub fn complete(
    disk: &mut File,
    boot: &BootFiles,
    efi_vendor: &str,
    identity: &Identity,
) -> Result<(), BuildError> {
    let size = disk.metadata().map_err(BuildError::io("measuring the disk"))?.len();
    write_partitions(disk, size, identity)
        .map_err(|error| BuildError::Disk(format!("partition table: {error}")))?;
    write_bios(disk, boot)?;
    write_esp(disk, boot, efi_vendor, identity).map_err(BuildError::io("writing the EFI system partition"))
}

fn write_partitions(disk: &mut File, size: u64, identity: &Identity) -> Result<(), gptman::Error> {
    let entry = |kind: Uuid, own: Uuid, name: &str, start: u64, end: u64| GPTPartitionEntry {
        partition_type_guid: kind.mixed_endian(),
        unique_partition_guid: own.mixed_endian(),
        starting_lba: start,
        ending_lba: end - 1,
        attribute_bits: 0,
        partition_name: name.into(),
    };
    let mut table = GPT::new_from(disk, SECTOR, identity.disk.mixed_endian())?;
    table[1] = entry(ROOT_X86_64, identity.root_partition, "root", ROOT_START, root_end(size));
    table[14] = entry(BIOS_BOOT, identity.bios_partition, "bios", BIOS_START, ESP_START);
    table[15] = entry(EFI_SYSTEM, identity.esp_partition, "esp", ESP_START, ROOT_START);
    table.write_into(disk)?;
    GPT::write_protective_mbr_into(disk, SECTOR)
}

/// What `grub-bios-setup` does: the boot sector learns where the core image is, the core
/// image's first sector where its rest is. Offsets: GRUB's `include/grub/i386/pc/boot.h`.
fn write_bios(disk: &File, boot: &BootFiles) -> Result<(), BuildError> {
    const KERNEL_SECTOR: usize = 0x5c;
    const DRIVE_CHECK: usize = 0x66;
    const BLOCKLIST: usize = 512 - 12;
    /// The boot sector's code; after it come the disk's signature and the partition table.
    const CODE: usize = 440;

    let room = (ESP_START - BIOS_START) * SECTOR;
    let (mut sector, mut core) = (boot.boot_img.clone(), boot.core_img.clone());
    if sector.len() != 512 || core.len() <= 512 || core.len() as u64 > room {
        return Err(BuildError::Disk(format!(
            "GRUB's images have {} and {} bytes",
            sector.len(),
            core.len()
        )));
    }
    sector[KERNEL_SECTOR..][..8].copy_from_slice(&BIOS_START.to_le_bytes());
    // Two `nop`: trust the BIOS on the drive it booted from, as for every hard disk.
    sector[DRIVE_CHECK..][..2].copy_from_slice(&[0x90, 0x90]);
    // `room` bounds the length to far less than 65,536 sectors.
    let rest = (core.len().div_ceil(512) - 1) as u16;
    core[BLOCKLIST..][..8].copy_from_slice(&(BIOS_START + 1).to_le_bytes());
    core[BLOCKLIST + 8..][..2].copy_from_slice(&rest.to_le_bytes());
    disk.write_all_at(&sector[..CODE], 0)
        .and_then(|()| disk.write_all_at(&core, BIOS_START * SECTOR))
        .map_err(BuildError::io("writing the boot sectors"))
}

fn write_esp(disk: &File, boot: &BootFiles, vendor: &str, identity: &Identity) -> io::Result<()> {
    let size = ((ROOT_START - ESP_START) * SECTOR) as usize;
    let config = format!("{}configfile $prefix/grub.cfg\n", find_root(identity));
    let path = |name: &str| format!("EFI/{vendor}/{name}");
    // The firmware starts EFI/BOOT/BOOTX64.EFI, which starts grubx64.efi beside it. The copies
    // in the vendor's folder are those that a boot entry of the firmware would name.
    let volume = fat::volume(
        size,
        identity.esp_volume,
        "ESP",
        &[
            ("EFI/BOOT/BOOTX64.EFI", &boot.shim),
            ("EFI/BOOT/grubx64.efi", &boot.grub),
            ("EFI/BOOT/mmx64.efi", &boot.mok_manager),
            (&path("shimx64.efi"), &boot.shim),
            (&path("grubx64.efi"), &boot.grub),
            (&path("mmx64.efi"), &boot.mok_manager),
            (&path("grub.cfg"), config.as_bytes()),
        ],
    )?;
    for (index, block) in volume.chunks(1 << 16).enumerate() {
        if block.iter().any(|byte| *byte != 0) {
            disk.write_all_at(block, ESP_START * SECTOR + ((index as u64) << 16))?;
        }
    }
    Ok(())
}

/// GRUB commands that find the root filesystem.
pub fn find_root(identity: &Identity) -> String {
    format!("search.fs_uuid {} root\nset prefix=($root)/boot/grub\n", identity.filesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_back_and_root_stands_last() {
        let mut disk = tempfile::tempfile().unwrap();
        let size = 1 << 30;
        disk.set_len(size).unwrap();
        let boot = BootFiles {
            boot_img: vec![1; 512],
            core_img: vec![2; 1025],
            shim: vec![3; 100],
            grub: vec![4; 100],
            mok_manager: vec![5; 100],
        };
        complete(&mut disk, &boot, "vendor", &Identity::derive(b"seed")).unwrap();
        let table = GPT::find_from(&mut disk).unwrap();
        assert_eq!(table[1].starting_lba * SECTOR, ROOT_OFFSET);
        assert_eq!(table[1].size().unwrap() * SECTOR / 1024, root_kib(size).unwrap());
        assert!(table.iter().all(|(_, part)| part.is_unused() || part.ending_lba <= table[1].ending_lba));
        let mut head = [0; 512];
        disk.read_exact_at(&mut head, 0).unwrap();
        assert_eq!(
            (head[0x5c..0x64].to_vec(), head[0x66], &head[510..]),
            (2048u64.to_le_bytes().to_vec(), 0x90, &[0x55, 0xaa][..])
        );
        disk.read_exact_at(&mut head, 2048 * 512).unwrap();
        assert_eq!(head[500..510], [1, 8, 0, 0, 0, 0, 0, 0, 2, 0]);
    }

    #[test]
    fn odd_disk_sizes_are_refused() {
        for size in [0, 1 << 29, (1 << 30) + 512, u64::MAX] {
            assert!(root_kib(size).is_err(), "{size}");
        }
    }
}
