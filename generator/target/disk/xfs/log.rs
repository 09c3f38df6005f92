//! Whether the log's last record is that of a clean unmount.
//!
//! The log is a ring of 512-byte sectors. Each begins with the number of the round in which it was
//! written, so its newest end is where that number falls. Only a record's header has a mark in that
//! place, and the number after it.

use super::geometry::Geometry;
use crate::target::disk::device::Device;
use crate::target::fields::{array, be32, byte};
use crate::target::{Result, TargetError};

/// Bytes of a sector.
const SECTOR: u64 = 512;

/// Begins a record's header.
const MARK: u32 = 0xfeed_babe;

/// Most sectors of a record: 256 KiB and its headers.
const MAX_RECORD: u64 = 512 + 8;

/// Bytes of a record that one header's sector accounts for.
const PER_HEADER: u32 = 32 << 10;

/// Flag of the operation that ends a log cleanly.
const UNMOUNT: u8 = 0x20;

/// Refuses a filesystem of which something stands in the log only.
pub fn check_clean(device: &dyn Device, geometry: &Geometry) -> Result<()> {
    let Some(start) = geometry.log else {
        return Err(TargetError::Unsupported("its log is on another device".into()));
    };
    let log = Log { device, start, sectors: geometry.log_size / SECTOR };
    match log.sectors > 0 && log.is_clean()? {
        true => Ok(()),
        false => Err(TargetError::Unsupported(
            "the filesystem was not unmounted cleanly: part of its content is in the log only; \
             start and shut down the machine, or mount and unmount it, then look again"
                .into(),
        )),
    }
}

struct Log<'a> {
    device: &'a dyn Device,
    start: u64,
    sectors: u64,
}

impl Log<'_> {
    fn sector(&self, index: u64) -> Result<[u8; 512]> {
        let mut bytes = [0; 512];
        self.device.read_at(self.start + index % self.sectors * SECTOR, &mut bytes)?;
        Ok(bytes)
    }

    /// The round in which a sector was written.
    fn round(&self, index: u64) -> Result<u32> {
        let sector = self.sector(index)?;
        match be32(&sector, 0)? {
            MARK => be32(&sector, 4),
            round => Ok(round),
        }
    }

    /// The sector after the newest record.
    fn head(&self) -> Result<u64> {
        let newest = self.round(0)?;
        let (mut low, mut high) = (0, self.sectors);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.round(middle)? == newest {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(high)
    }

    fn is_clean(&self) -> Result<bool> {
        if self.round(0)? == 0 {
            return Ok(true); // Never written to.
        }
        let head = self.head()?;
        for back in 1..=MAX_RECORD.min(self.sectors) {
            let index = head + self.sectors - back;
            let header = self.sector(index)?;
            if be32(&header, 0)? == MARK {
                return self.is_unmount(&header, index, back);
            }
        }
        Ok(false)
    }

    /// Whether a record with nothing but an unmount in it reaches up to the head, `len` sectors on.
    fn is_unmount(&self, header: &[u8; 512], index: u64, len: u64) -> Result<bool> {
        let (version, size) = (be32(header, 8)?, be32(header, 320)?);
        let headers = if version & 2 != 0 { size.div_ceil(PER_HEADER).max(1) } else { 1 };
        let content = u64::from(be32(header, 12)?).div_ceil(SECTOR);
        if be32(header, 40)? != 1 || u64::from(headers) + content != len {
            return Ok(false);
        }
        let operation: [u8; 12] = array(&self.sector(index + u64::from(headers))?, 0)?;
        Ok(byte(&operation, 9)? & UNMOUNT != 0)
    }
}
