//! The `ndb` form of the database, `Packages.db`: slots that point at one block for each package
//! (`lib/backend/ndb/rpmpkg.c`).

use crate::target::fields::{le32, slice};
use crate::target::{Result, TargetError};

const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const HEAD_MAGIC: &[u8] = b"BlbS";
const TAIL_MAGIC: &[u8] = b"BlbE";
/// Sizes in bytes.
const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: usize = 16;
const HEAD: usize = 16;
const TAIL: usize = 12;
/// The file's own header takes the place of two slots.
const FIRST_SLOT: usize = 2;

/// The packages' headers.
///
/// # Errors
/// A slot or a block that is not what rpm writes, or whose checksum is wrong.
pub fn blobs(file: &[u8]) -> Result<Vec<&[u8]>> {
    if slice(file, 0, 4)? != MAGIC || le32(file, 4)? != 0 {
        return Err(TargetError::Unsupported("the package database is no ndb of version 0".into()));
    }
    let pages = le32(file, 12)? as usize;
    let slots = slice(file, 0, pages.saturating_mul(PAGE))?;
    let mut blobs = Vec::new();
    let mut used = 0;
    for slot in slots.chunks_exact(SLOT).skip(FIRST_SLOT) {
        if slice(slot, 0, 4)? != SLOT_MAGIC {
            return Err(corrupt("a slot without its mark"));
        }
        let number = le32(slot, 4)?;
        if number == 0 {
            continue;
        }
        let block = Block { number, offset: le32(slot, 8)? as usize, blocks: le32(slot, 12)? as usize };
        // Packages share no bytes, so no more can be read than the file has.
        used += block.blocks.saturating_mul(BLOCK);
        if used > file.len() {
            return Err(corrupt("packages that share their bytes"));
        }
        blobs.push(block.blob(file)?);
    }
    Ok(blobs)
}

/// Where a package is.
struct Block {
    number: u32,
    offset: usize,
    blocks: usize,
}

impl Block {
    fn blob<'a>(&self, file: &'a [u8]) -> Result<&'a [u8]> {
        let whole = slice(file, self.offset.saturating_mul(BLOCK), self.blocks.saturating_mul(BLOCK))?;
        let Some(tail_at) = whole.len().checked_sub(TAIL) else {
            return Err(corrupt("a block without an end"));
        };
        let (body, tail) = whole.split_at(tail_at);
        let length = le32(body, 12)? as usize;
        let marks = slice(body, 0, 4)? == HEAD_MAGIC && slice(tail, 8, 4)? == TAIL_MAGIC;
        let blocks = HEAD.saturating_add(length).saturating_add(TAIL).div_ceil(BLOCK);
        let same =
            le32(body, 4)? == self.number && le32(tail, 4)? as usize == length && blocks == self.blocks;
        if !marks || !same {
            return Err(corrupt("a block that is not its slot's"));
        }
        if le32(tail, 0)? != adler32(body) {
            return Err(corrupt("a block with a wrong checksum"));
        }
        slice(body, HEAD, length)
    }
}

/// RFC 1950's checksum.
fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u32 = 65521;
    /// As many bytes as the sums take without a division.
    const RUN: usize = 5552;
    let (mut a, mut b) = (1, 0);
    for run in bytes.chunks(RUN) {
        for byte in run {
            a += u32::from(*byte);
            b += a;
        }
        a %= PRIME;
        b %= PRIME;
    }
    b << 16 | a
}

fn corrupt(what: &str) -> TargetError {
    TargetError::Corrupt(format!("the package database has {what}"))
}
