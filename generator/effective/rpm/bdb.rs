//! The Berkeley DB form of the database, `Packages`: a hash table of pages (`dbinc/db_page.h`). Old
//! releases have it; new ones' rpm reads it, too, to convert it.

use crate::target::fields::{be16, be32, byte, le16, le32, slice};
use crate::target::{Result, TargetError};

/// The mark of a hash table, in the byte order of the machine that made it.
const MAGIC: u32 = 0x0006_1561;
/// A page's own header, in bytes.
const PAGE_HEADER: usize = 26;
/// Kinds of pages.
const UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const META: u8 = 8;
const SORTED: u8 = 13;
/// Kinds of items.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;

/// The packages' headers: every value but that of key 0, which counts packages.
///
/// # Errors
/// A structure that is cut off, leads in a circle, or is not what rpm writes.
pub fn blobs(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    let table = Table::open(file)?;
    let mut blobs = Vec::new();
    let mut read = 0;
    for number in 1..table.pages() {
        let page = table.page(number)?;
        if !matches!(byte(page, 25)?, UNSORTED | SORTED) {
            continue;
        }
        let items = usize::from(table.be_or_le16(page, 20)?);
        for key in (0..items).step_by(2) {
            let [name, value] = [table.item(page, key)?, table.item(page, key + 1)?];
            read += name.len() + value.len();
            if read > file.len() {
                return Err(corrupt("values that share their bytes"));
            }
            if name.iter().any(|byte| *byte != 0) {
                blobs.push(value);
            }
        }
    }
    Ok(blobs)
}

struct Table<'a> {
    file: &'a [u8],
    page_size: usize,
    big_endian: bool,
}

impl<'a> Table<'a> {
    fn open(file: &'a [u8]) -> Result<Self> {
        let big_endian = match (le32(file, 12)?, be32(file, 12)?) {
            (MAGIC, _) => false,
            (_, MAGIC) => true,
            _ => return Err(TargetError::Unsupported("the package database is no Berkeley DB hash".into())),
        };
        let mut table = Self { file, page_size: 0, big_endian };
        let size = table.be_or_le32(file, 20)?;
        if !(512..=65536).contains(&size) || !size.is_power_of_two() {
            return Err(corrupt("pages of an impossible size"));
        }
        if byte(file, 24)? != 0 || byte(file, 25)? != META {
            return Err(TargetError::Unsupported("the package database is encrypted, or no hash".into()));
        }
        table.page_size = size as usize;
        Ok(table)
    }

    /// Whole pages of the file.
    fn pages(&self) -> usize {
        self.file.len() / self.page_size
    }

    fn page(&self, number: usize) -> Result<&'a [u8]> {
        slice(self.file, number.saturating_mul(self.page_size), self.page_size)
    }

    /// The bytes of an item of a page: items are laid from its end towards its start.
    fn item(&self, page: &[u8], index: usize) -> Result<Vec<u8>> {
        let offset = |index: usize| Ok(usize::from(self.be_or_le16(page, PAGE_HEADER + 2 * index)?));
        let start = offset(index)?;
        match byte(page, start)? {
            HERE => {
                let end = if index == 0 { page.len() } else { offset(index - 1)? };
                let length = end.checked_sub(start + 1).ok_or_else(|| corrupt("items out of order"))?;
                Ok(slice(page, start + 1, length)?.to_vec())
            }
            ELSEWHERE => self.chain(self.be_or_le32(page, start + 4)?, self.be_or_le32(page, start + 8)?),
            _ => Err(TargetError::Unsupported("the package database has several values for a key".into())),
        }
    }

    /// A value that is spread over pages. It can't be longer than the file, so a circle ends.
    fn chain(&self, first: u32, length: u32) -> Result<Vec<u8>> {
        let length = length as usize;
        if length > self.file.len() {
            return Err(corrupt("a value that is longer than the file"));
        }
        let mut value = Vec::with_capacity(length);
        let mut number = first as usize;
        while number != 0 && value.len() < length {
            let page = self.page(number)?;
            let used = usize::from(self.be_or_le16(page, 22)?);
            if byte(page, 25)? != OVERFLOW || used == 0 {
                return Err(corrupt("a value that leaves its pages"));
            }
            value.extend_from_slice(slice(page, PAGE_HEADER, used)?);
            number = self.be_or_le32(page, 16)? as usize;
        }
        if value.len() != length || number != 0 {
            return Err(corrupt("a value of another length than it says"));
        }
        Ok(value)
    }

    fn be_or_le16(&self, bytes: &[u8], at: usize) -> Result<u16> {
        if self.big_endian { be16(bytes, at) } else { le16(bytes, at) }
    }

    fn be_or_le32(&self, bytes: &[u8], at: usize) -> Result<u32> {
        if self.big_endian { be32(bytes, at) } else { le32(bytes, at) }
    }
}

fn corrupt(what: &str) -> TargetError {
    TargetError::Corrupt(format!("the package database has {what}"))
}
