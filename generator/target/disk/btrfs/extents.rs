//! Where a file's bytes are, and the bytes: compressed or not, held against their checksums.

use std::sync::Arc;

use super::damaged;
use super::packed::{self, Method};
use super::pool::Pool;
use super::subvolumes::CHECKSUMS;
use super::tree::{Key, Pointer};
use crate::target::disk::content::Piece;
use crate::target::fields::{byte, le64, slice};
use crate::target::{Result, TargetError};

/// Kind of the items that say where an extent of a file is.
const EXTENT: u8 = 108;

/// Object and kind of the items that hold checksums of contents.
const SUMS: (u64, u8) = (-10_i64 as u64, 128);

/// Most extents of one file: 1 GiB in pieces of one sector.
const MAX_EXTENTS: usize = 1 << 18;

/// Where an item's inline content begins.
const INLINE: usize = 21;

/// Bytes that are read and checked at once.
const STEP: u64 = 256 << 10;

/// Where a file's bytes are.
pub struct Map {
    /// In order and without overlap; what is between is zeros.
    extents: Vec<Extent>,
    /// Whether the contents have checksums.
    checked: bool,
    /// What was decoded last.
    last: Option<(Source, Arc<Vec<u8>>)>,
}

/// An extent of a file.
struct Extent {
    from: u64,
    len: u64,
    place: Place,
}

/// Where an extent is.
enum Place {
    /// In the tree.
    Inline(Arc<Vec<u8>>),
    /// At a logical place.
    Plain(u64),
    /// Inside what an extent decompresses to, from `skip` on.
    Packed { source: Source, skip: u64 },
    /// Room that was never written to.
    Zeros,
}

/// Bytes that are read and decoded at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Source {
    /// Logical place.
    place: u64,
    /// Stored bytes.
    len: u64,
    /// How they are compressed, and how many there are then.
    packed: Option<(Method, u64)>,
}

impl Map {
    /// The extents of the file with this number.
    pub fn read(pool: &Pool, tree: Pointer, number: u64, checked: bool) -> Result<Self> {
        let mut extents: Vec<Extent> = Vec::new();
        pool.range(tree, Key::first(number, EXTENT), Key::last(number, EXTENT), &mut |key, item| {
            let extent = Extent::read(pool, key.offset, item)?;
            let in_order = extents.last().is_none_or(|last| last.from + last.len <= extent.from);
            if !in_order || extents.len() >= MAX_EXTENTS {
                return Err(damaged("a file's extents overlap or are too many"));
            }
            extents.push(extent);
            Ok(())
        })?;
        Ok(Self { extents, checked, last: None })
    }

    /// Logical place of the file's beginning.
    pub fn start(&self) -> u64 {
        self.extents.first().map_or(0, |extent| match &extent.place {
            Place::Plain(place) => *place,
            Place::Packed { source, .. } => source.place,
            Place::Inline(_) | Place::Zeros => 0,
        })
    }
}

impl Extent {
    fn read(pool: &Pool, from: u64, item: &[u8]) -> Result<Self> {
        let (unpacked, method) = (le64(item, 8)?, Method::of(byte(item, 16)?)?);
        if byte(item, 17)? != 0 {
            return Err(TargetError::Unsupported("an encrypted extent is not read".into()));
        }
        let kind = byte(item, 20)?;
        if kind == 0 {
            return Self::inline(pool, from, method, unpacked, slice(item, INLINE, item.len() - INLINE)?);
        }
        let (place, stored) = (le64(item, 21)?, le64(item, 29)?);
        let (skip, len) = (le64(item, 37)?, le64(item, 45)?);
        let sound = [from, place, stored, skip, len].iter().all(|n| n % pool.sector == 0 && *n < 1 << 62);
        if !sound || len == 0 || kind > 2 {
            return Err(damaged("an extent that contradicts itself"));
        }
        let place = match method {
            _ if place == 0 || kind == 2 => Place::Zeros,
            None if skip + len <= stored => Place::Plain(place + skip),
            Some(method) if skip + len <= unpacked && stored <= packed::MAX as u64 => Place::Packed {
                source: Source { place, len: stored, packed: Some((method, unpacked)) },
                skip,
            },
            _ => return Err(damaged("an extent that is longer than what it is in")),
        };
        Ok(Self { from, len, place })
    }

    fn inline(pool: &Pool, from: u64, method: Option<Method>, unpacked: u64, data: &[u8]) -> Result<Self> {
        let bytes = match method {
            None => data.to_vec(),
            Some(method) => {
                method.unpack(data, usize::try_from(unpacked).unwrap_or(usize::MAX), pool.sector as usize)?
            }
        };
        match from {
            0 => Ok(Self { from, len: bytes.len() as u64, place: Place::Inline(Arc::new(bytes)) }),
            _ => Err(damaged("inline content that is not at a file's beginning")),
        }
    }
}

/// What is at a position of a file, and for how long.
pub fn piece(pool: &Pool, map: &mut Map, position: u64) -> Result<Piece> {
    let next = map.extents.partition_point(|extent| extent.from + extent.len <= position);
    let Some(extent) = map.extents.get(next) else {
        return Ok(Piece::Zeros { len: u64::MAX });
    };
    let Some(inside) = position.checked_sub(extent.from) else {
        return Ok(Piece::Zeros { len: extent.from - position });
    };
    let rest = extent.len - inside;
    let (source, range) = match &extent.place {
        Place::Zeros => return Ok(Piece::Zeros { len: rest }),
        Place::Inline(bytes) => {
            return Ok(Piece::Decoded { bytes: bytes.clone(), range: inside as usize..bytes.len() });
        }
        Place::Plain(place) => {
            let step = inside / STEP * STEP;
            let len = STEP.min(extent.len - step);
            (Source { place: place + step, len, packed: None }, inside - step..len)
        }
        Place::Packed { source, skip } => (*source, skip + inside..skip + extent.len),
    };
    let bytes = match &map.last {
        Some((last, bytes)) if *last == source => bytes.clone(),
        _ => Arc::new(source.read(pool, map.checked)?),
    };
    map.last = Some((source, bytes.clone()));
    Ok(Piece::Decoded { bytes, range: range.start as usize..range.end as usize })
}

impl Source {
    /// The bytes, decompressed if they are compressed.
    fn read(self, pool: &Pool, checked: bool) -> Result<Vec<u8>> {
        let (len, sector) = (self.len as usize, pool.sector as usize);
        let sums = if checked { checksums(pool, self.place, self.len)? } else { Vec::new() };
        let stored = pool.read(self.place, len, &|bytes| {
            let mut sums = sums.chunks(pool.checksum.len());
            let right = |sector| sums.next().is_none_or(|sum| pool.checksum.matches(sector, sum));
            match bytes.chunks(sector).all(right) {
                true => Ok(()),
                false => Err(damaged("a file's content does not match its checksum")),
            }
        })?;
        match self.packed {
            None => Ok(stored),
            Some((method, len)) => method.unpack(&stored, usize::try_from(len).unwrap_or(usize::MAX), sector),
        }
    }
}

/// The checksums of an extent of contents, one after the other for each sector.
fn checksums(pool: &Pool, place: u64, len: u64) -> Result<Vec<u8>> {
    let (tree, size) = (pool.tree(CHECKSUMS)?, pool.checksum.len() as u64);
    let wanted = (len / pool.sector * size) as usize;
    let mut sums = Vec::with_capacity(wanted);
    while sums.len() < wanted {
        let next = place + sums.len() as u64 / size * pool.sector;
        let key = Key { object: SUMS.0, kind: SUMS.1, offset: next };
        let found = pool.floor(tree, key)?.filter(|(key, _)| (key.object, key.kind) == SUMS);
        let part = found.as_ref().and_then(|(key, item)| {
            let skip = usize::try_from((next - key.offset) / pool.sector * size).ok()?;
            item.get(skip..).filter(|rest| rest.len() as u64 >= size)
        });
        let part = part.ok_or_else(|| damaged("a file's content has no checksum"))?;
        sums.extend_from_slice(&part[..part.len().min(wanted - sums.len()) / size as usize * size as usize]);
    }
    Ok(sums)
}
