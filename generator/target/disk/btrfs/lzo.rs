//! LZO1X, the oldest of the kernel's quick compressions, and how btrfs frames it.
//!
//! Rules: the kernel's `Documentation/staging/lzo.rst`; framing: `fs/btrfs/lzo.c`. Each sector is
//! compressed for itself, after its length in 4 bytes that never lie across a sector's border.

use crate::target::fields::{byte, le16, le32, slice};
use crate::target::{Result, TargetError};

/// Bytes of a length in the framing.
const LENGTH: usize = 4;

/// Decompresses a framed extent to at most `most` bytes.
pub fn unpack(packed: &[u8], most: usize, sector: usize) -> Result<Vec<u8>> {
    let packed = slice(packed, 0, le32(packed, 0)? as usize)?;
    let mut out = Vec::with_capacity(most);
    let mut at = LENGTH;
    while at < packed.len() && out.len() < most {
        if sector - at % sector < LENGTH {
            at = at.next_multiple_of(sector);
            continue;
        }
        let len = le32(packed, at)? as usize;
        let end = out.len() + sector;
        let start = out.len();
        segment(slice(packed, at + LENGTH, len)?, start, end, &mut out)?;
        at += LENGTH + len;
    }
    out.truncate(most);
    Ok(out)
}

/// Decompresses one segment to the end of `out`, up to `end` bytes of it; nothing before `start` is
/// repeated.
fn segment(packed: &[u8], start: usize, end: usize, out: &mut Vec<u8>) -> Result<()> {
    let mut input = Input { packed, at: 0 };
    // Literals that were copied last: none, 1 to 3 after a match, or a run of 4 and more.
    let mut literals = 0;
    let first = usize::from(byte(packed, 0)?);
    if first > 17 {
        input.at = 1;
        input.copy(first - 17, end, out)?;
        literals = (first - 17).min(4);
    }
    loop {
        let code = input.next()?;
        let (distance, len, after) = match code {
            0..16 if literals == 0 => {
                let len = input.length(code, 15)? + 3;
                input.copy(len, end, out)?;
                literals = 4;
                continue;
            }
            0..16 => {
                let (base, len) = if literals == 4 { (0x801, 3) } else { (1, 2) };
                (base + (code >> 2) + (input.next()? << 2), len, code & 3)
            }
            16..32 => {
                let len = input.length(code & 7, 7)? + 2;
                let pair = input.pair()?;
                let distance = ((code & 8) << 11) + (pair >> 2);
                if distance == 0 {
                    return Ok(()); // The end's mark.
                }
                (distance + 0x4000, len, pair & 3)
            }
            32..64 => {
                let len = input.length(code & 31, 31)? + 2;
                let pair = input.pair()?;
                (1 + (pair >> 2), len, pair & 3)
            }
            _ => (1 + (code >> 2 & 7) + (input.next()? << 3), (code >> 5) + 1, code & 3),
        };
        repeat(distance, len, (start, end), out)?;
        input.copy(after, end, out)?;
        literals = after;
    }
}

/// Repeats `len` bytes from `distance` bytes before the end on; they may overlap.
fn repeat(distance: usize, len: usize, (start, end): (usize, usize), out: &mut Vec<u8>) -> Result<()> {
    let from = out.len().checked_sub(distance).filter(|from| *from >= start).ok_or_else(damaged)?;
    if out.len() + len > end {
        return Err(damaged());
    }
    for index in from..from + len {
        out.push(out[index]);
    }
    Ok(())
}

struct Input<'a> {
    packed: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn next(&mut self) -> Result<usize> {
        self.at += 1;
        Ok(byte(self.packed, self.at - 1)?.into())
    }

    fn pair(&mut self) -> Result<usize> {
        self.at += 2;
        Ok(le16(self.packed, self.at - 2)?.into())
    }

    /// A length: as it stands, or `most` and what follows, 255 for each zero.
    fn length(&mut self, stands: usize, most: usize) -> Result<usize> {
        if stands != 0 {
            return Ok(stands);
        }
        let mut len = most;
        loop {
            match self.next()? {
                0 => len += 255,
                last => return Ok(len + last),
            }
        }
    }

    /// Copies `len` bytes as they are.
    fn copy(&mut self, len: usize, end: usize, out: &mut Vec<u8>) -> Result<()> {
        let bytes = slice(self.packed, self.at, len)?;
        if out.len() + len > end {
            return Err(damaged());
        }
        out.extend_from_slice(bytes);
        self.at += len;
        Ok(())
    }
}

fn damaged() -> TargetError {
    TargetError::Corrupt("damaged LZO data".into())
}
