//! SQLite's write-ahead log: pages that were committed and not yet put into the file.

use std::collections::HashMap;

use crate::target::Result;
use crate::target::fields::{array, be32, byte, slice};

/// The log's magic number; the last bit says that checksums are of numbers in big-endian order.
const MAGIC: u32 = 0x377f_0682;
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What the log adds to the file.
pub struct Committed<'a> {
    /// Newest version of each page, by number.
    pub pages: HashMap<usize, &'a [u8]>,
    /// Pages of the database after the last commit.
    pub size: usize,
}

/// The pages of all finished transactions. `None` where there are none: a log may be left over,
/// with frames of an older round, or end in the middle of a transaction.
///
/// # Errors
/// A log that is cut off in its header is not one: there is none.
pub fn committed(log: &[u8], page_size: usize) -> Result<Option<Committed<'_>>> {
    if log.len() < HEADER {
        return Ok(None);
    }
    let magic = be32(log, 0)?;
    let sum = Sum { big_endian: magic & 1 == 1 };
    let mut sums = sum.add([0, 0], slice(log, 0, 24)?);
    let salts: [u8; 8] = array(log, 16)?;
    let whole = [be32(log, 24)?, be32(log, 28)?] == sums;
    if magic & !1 != MAGIC || be32(log, 8)? as usize != page_size || !whole {
        return Ok(None);
    }
    let mut pages = HashMap::new();
    let mut finished = None;
    let mut pending = Vec::new();
    for frame in log[HEADER..].chunks_exact(FRAME_HEADER + page_size) {
        let (header, page) = frame.split_at(FRAME_HEADER);
        sums = sum.add(sum.add(sums, &header[..8]), page);
        if array::<8>(header, 8)? != salts || [be32(header, 16)?, be32(header, 20)?] != sums {
            break;
        }
        pending.push((be32(header, 0)? as usize, page));
        let size = be32(header, 4)?;
        if size != 0 {
            pages.extend(pending.drain(..));
            finished = Some(size as usize);
        }
    }
    Ok(finished.map(|size| Committed { pages, size }))
}

/// The log's running checksum, of pairs of numbers.
struct Sum {
    big_endian: bool,
}

impl Sum {
    fn add(&self, [mut a, mut b]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
        let number = |part: &[u8]| {
            let bytes = [0, 1, 2, 3].map(|at| byte(part, at).unwrap_or_default());
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(number(&pair[..4])).wrapping_add(b);
            b = b.wrapping_add(number(&pair[4..])).wrapping_add(a);
        }
        [a, b]
    }
}
