//! Identifiers of an image's disk: made from what goes into it, so that the same recipe gives
//! the same ones.

use std::fmt;

use sha2::{Digest, Sha256};

/// A UUID, its text read as one big number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuid(pub u128);

impl Uuid {
    /// As a GUID partition table stores it: the first three groups little-endian.
    pub fn mixed_endian(self) -> [u8; 16] {
        let mut bytes = self.0.to_be_bytes();
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        bytes
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// The identifiers of one disk.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The root filesystem.
    pub filesystem: Uuid,
    /// The partition table.
    pub disk: Uuid,
    /// The root partition.
    pub root_partition: Uuid,
    /// The BIOS boot partition.
    pub bios_partition: Uuid,
    /// The EFI system partition.
    pub esp_partition: Uuid,
    /// The FAT volume in the EFI system partition.
    pub esp_volume: u32,
}

impl Identity {
    /// Identifiers for whatever `seed` stands for.
    pub fn derive(seed: &[u8]) -> Self {
        let number = |purpose: &str| {
            let digest = Sha256::new().chain_update(purpose).chain_update([0]).chain_update(seed).finalize();
            digest.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte))
        };
        // Version 8 (made by the application), variant 1: RFC 9562.
        let uuid = |purpose| Uuid(number(purpose) & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62);
        Self {
            filesystem: uuid("filesystem"),
            disk: uuid("disk"),
            root_partition: uuid("root partition"),
            bios_partition: uuid("bios partition"),
            esp_partition: uuid("esp partition"),
            esp_volume: (number("esp volume") >> 96) as u32,
        }
    }

    /// The FAT volume's identifier as `/dev/disk/by-uuid` has it.
    pub fn esp_uuid(&self) -> String {
        format!("{:04X}-{:04X}", self.esp_volume >> 16, self.esp_volume & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_table_form_are_those_of_the_standards() {
        let esp = Uuid(0xC12A7328_F81F_11D2_BA4B_00A0C93EC93B);
        assert_eq!(esp.to_string(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
        assert_eq!(esp.mixed_endian()[..8], [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11]);
        let made = Identity::derive(b"x").filesystem.to_string();
        assert_eq!((&made[14..15], made.len()), ("8", 36));
        assert!("89ab".contains(&made[19..20]), "{made}");
    }
}
