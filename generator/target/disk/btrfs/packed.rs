//! Compressed extents.

use std::io::Read;

use flate2::read::ZlibDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::lzo;
use crate::target::fields::{byte, le32};
use crate::target::{Result, TargetError};

/// Most bytes of an extent that was compressed, on disk and decompressed (`BTRFS_MAX_COMPRESSED`).
pub const MAX: usize = 128 << 10;

/// How an extent is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Zlib, as in RFC 1950.
    Zlib,
    /// LZO1X, sector by sector.
    Lzo,
    /// Zstandard, as in RFC 8878.
    Zstd,
}

impl Method {
    /// The method with this number; `None` for what is not compressed.
    pub fn of(number: u8) -> Result<Option<Self>> {
        match number {
            0 => Ok(None),
            1 => Ok(Some(Self::Zlib)),
            2 => Ok(Some(Self::Lzo)),
            3 => Ok(Some(Self::Zstd)),
            _ => Err(TargetError::Unsupported(format!("compression number {number} is not read"))),
        }
    }

    /// Decompresses to `len` bytes. As in the kernel, what follows is not looked at, and what is
    /// missing is zeros.
    pub fn unpack(self, packed: &[u8], len: usize, sector: usize) -> Result<Vec<u8>> {
        if len > MAX || packed.len() > MAX {
            return Err(TargetError::Corrupt("a compressed extent of more than 128 KiB".into()));
        }
        let mut bytes = match self {
            Self::Zlib => read(ZlibDecoder::new(packed), len)?,
            Self::Lzo => lzo::unpack(packed, len, sector)?,
            Self::Zstd => {
                check_window(packed)?;
                let decoder = StreamingDecoder::new(packed).map_err(|e| damaged(&e.to_string()))?;
                read(decoder, len)?
            }
        };
        bytes.resize(len, 0);
        Ok(bytes)
    }
}

fn read(decoder: impl Read, len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    decoder.take(len as u64).read_to_end(&mut bytes).map_err(|e| damaged(&e.to_string()))?;
    Ok(bytes)
}

/// Refuses a frame whose window is larger than an extent: room would be made for it.
fn check_window(frame: &[u8]) -> Result<()> {
    let descriptor = byte(frame, 4)?;
    // In a single segment the content is the window; its length is in 1, 2, 4 or 8 bytes.
    let window = if descriptor & 0x20 != 0 {
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        match descriptor >> 6 {
            0 | 1 => 0,
            _ => le32(frame, 5 + dictionary)?,
        }
    } else {
        let window = byte(frame, 5)?;
        let base = 1_u32.checked_shl(10 + u32::from(window >> 3)).unwrap_or(u32::MAX);
        base.saturating_add(base / 8 * u32::from(window & 7))
    };
    match window as usize <= MAX {
        true => Ok(()),
        false => Err(damaged("its window is larger than an extent")),
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("damaged compressed data: {what}"))
}
