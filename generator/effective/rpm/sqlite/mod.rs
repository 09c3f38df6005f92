//! One table of an SQLite 3 file, read whole (sqlite.org/fileformat2.html).
//!
//! Owns pages, the b-tree of a table and its records. Every page is read once at most, which ends whatever
//! leads in a circle. Indexes, expressions and writing are not its business.

#[cfg(test)]
mod tests;
mod wal;

use std::collections::HashMap;

use crate::target::fields::{be16, be32, byte, slice};
use crate::target::{Result, TargetError};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// The file's header, at the start of page 1.
const FILE_HEADER: usize = 100;
/// Kinds of b-tree pages.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// Levels of a b-tree; 2^31 pages fill fewer.
const MAX_DEPTH: usize = 20;
/// Columns of a table that is read here; rpm's own have five at most.
const MAX_COLUMNS: usize = 32;

/// A value of a record, as far as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Text or bytes.
    Bytes(Vec<u8>),
    /// NULL, or a number that is not whole.
    Other,
}

/// The pages of a database, with those that only the write-ahead log has.
pub struct Database<'a> {
    file: &'a [u8],
    /// Pages in the log, by number.
    newer: HashMap<usize, &'a [u8]>,
    page_size: usize,
    /// Bytes of a page that are in use.
    usable: usize,
    pages: usize,
}

impl<'a> Database<'a> {
    /// Opens a file with its write-ahead log, if there is one.
    ///
    /// # Errors
    /// No SQLite 3 file, or one whose text is not UTF-8.
    pub fn open(file: &'a [u8], log: Option<&'a [u8]>) -> Result<Self> {
        if !file.starts_with(MAGIC) {
            return Err(TargetError::Unsupported("the package database is no SQLite 3 file".into()));
        }
        let page_size = match be16(file, 16)? {
            1 => 65536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(corrupt("pages of an impossible size")),
        };
        let usable = page_size - usize::from(byte(file, 20)?);
        if usable < 480 {
            return Err(corrupt("pages with hardly anything in them"));
        }
        let mut database =
            Self { file, newer: HashMap::new(), page_size, usable, pages: file.len() / page_size };
        if let Some(log) = log.filter(|log| !log.is_empty())
            && let Some(committed) = wal::committed(log, page_size)?
        {
            if committed.size > database.pages + committed.pages.len() {
                return Err(corrupt("more pages than there are"));
            }
            database.newer = committed.pages;
            database.pages = committed.size;
        }
        if !matches!(be32(database.page(1)?, 56)?, 0 | 1) {
            return Err(TargetError::Unsupported("the package database's text is not UTF-8".into()));
        }
        Ok(database)
    }

    /// Gives every record of a table, by name, in the order of their numbers. `false`: there is no such table.
    ///
    /// # Errors
    /// A structure that is damaged, or the first error of `each`.
    pub fn table(&self, name: &str, each: &mut dyn FnMut(Vec<Value>) -> Result<()>) -> Result<bool> {
        let mut first = None;
        // The table of tables: type, name, table's name, first page, SQL.
        self.records(1, &mut |record| {
            let [kind, own, _, page, ..] = &record[..] else {
                return Err(corrupt("a short table of tables"));
            };
            let is = |value: &Value, text: &str| match value {
                Value::Bytes(bytes) => bytes.eq_ignore_ascii_case(text.as_bytes()),
                _ => false,
            };
            if is(kind, "table") && is(own, name) {
                first = Some(page.clone());
            }
            Ok(())
        })?;
        match first {
            None => Ok(false),
            Some(Value::Integer(page)) => {
                let page = usize::try_from(page).map_err(|_| corrupt("a table without pages"))?;
                self.records(page, each).map(|()| true)
            }
            Some(_) => Err(corrupt("a table without pages")),
        }
    }

    fn records(&self, first: usize, each: &mut dyn FnMut(Vec<Value>) -> Result<()>) -> Result<()> {
        let budget = self.pages.saturating_mul(self.page_size);
        Walk { database: self, seen: vec![false; self.pages + 1], budget, each }.tree(first, 0)
    }

    /// A page by its number, counted from 1.
    fn page(&self, number: usize) -> Result<&'a [u8]> {
        if number == 0 || number > self.pages {
            return Err(corrupt("a page outside it"));
        }
        if let Some(page) = self.newer.get(&number) {
            return Ok(page);
        }
        slice(self.file, (number - 1).saturating_mul(self.page_size), self.page_size)
    }
}

/// A way through a b-tree.
struct Walk<'d, 'a> {
    database: &'d Database<'a>,
    /// Pages that were read already, by number.
    seen: Vec<bool>,
    /// Bytes that records may still have: all together have no more than the pages.
    budget: usize,
    each: &'d mut dyn FnMut(Vec<Value>) -> Result<()>,
}

impl<'a> Walk<'_, 'a> {
    /// A page that no other part of the tree has.
    fn page(&mut self, number: usize) -> Result<&'a [u8]> {
        let page = self.database.page(number)?;
        if std::mem::replace(&mut self.seen[number], true) {
            return Err(corrupt("a page that is used twice"));
        }
        Ok(page)
    }

    fn tree(&mut self, number: usize, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(corrupt("a tree that is too deep"));
        }
        let page = self.page(number)?;
        let header = if number == 1 { FILE_HEADER } else { 0 };
        let kind = byte(page, header)?;
        if !matches!(kind, INTERIOR | LEAF) {
            return Err(corrupt("a page of another kind in a table"));
        }
        let cells = usize::from(be16(page, header + 3)?);
        let pointers = header + if kind == INTERIOR { 12 } else { 8 };
        for cell in 0..cells {
            let at = usize::from(be16(page, pointers + 2 * cell)?);
            if kind == INTERIOR {
                self.tree(be32(page, at)? as usize, depth + 1)?;
            } else {
                let payload = self.payload(page, at)?;
                (self.each)(record(&payload)?)?;
            }
        }
        if kind == INTERIOR {
            self.tree(be32(page, header + 8)? as usize, depth + 1)?;
        }
        Ok(())
    }

    /// A cell's bytes, with those on overflow pages.
    fn payload(&mut self, page: &'a [u8], at: usize) -> Result<Vec<u8>> {
        let (length, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        let usable = self.database.usable;
        let length = usize::try_from(length).map_err(|_| corrupt("a record of impossible length"))?;
        // A cell takes four bytes at least.
        let cost = length.saturating_add(4);
        self.budget =
            self.budget.checked_sub(cost).ok_or_else(|| corrupt("records that share their bytes"))?;
        let most = usable - 35;
        let least = (usable - 12) * 32 / 255 - 23;
        let here = match length {
            _ if length <= most => length,
            _ => Some(least + (length - least) % (usable - 4)).filter(|k| *k <= most).unwrap_or(least),
        };
        let mut payload = slice(page, at, here)?.to_vec();
        if here == length {
            return Ok(payload);
        }
        let mut next = be32(page, at + here)? as usize;
        while payload.len() < length {
            let page = self.page(next)?;
            let part = (length - payload.len()).min(usable - 4);
            payload.extend_from_slice(slice(page, 4, part)?);
            next = be32(page, 0)? as usize;
        }
        Ok(payload)
    }
}

/// The values of a record.
fn record(payload: &[u8]) -> Result<Vec<Value>> {
    let (header, mut kind_at) = varint(payload, 0)?;
    let header = usize::try_from(header).map_err(|_| corrupt("a record of impossible length"))?;
    let mut at = header;
    let mut values = Vec::new();
    while kind_at < header {
        let (kind, next) = varint(payload, kind_at)?;
        kind_at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err(corrupt("a value of a kind that is reserved")),
            _ => (kind - 12) / 2,
        };
        let length = usize::try_from(length).map_err(|_| corrupt("a value of impossible length"))?;
        let bytes = slice(payload, at, length)?;
        at += length;
        if values.len() == MAX_COLUMNS {
            return Err(corrupt("a table of very many columns"));
        }
        values.push(match kind {
            0 | 7 => Value::Other,
            8 | 9 => Value::Integer(i64::from(kind == 9)),
            1..=6 => Value::Integer(signed(bytes)),
            _ => Value::Bytes(bytes.to_vec()),
        });
    }
    Ok(values)
}

/// A number of up to eight bytes in two's complement.
fn signed(bytes: &[u8]) -> i64 {
    let first = bytes.first().map_or(0, |byte| if *byte < 0x80 { 0 } else { -1 });
    bytes.iter().fold(first, |number, byte| number << 8 | i64::from(*byte))
}

/// A number of one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Result<(u64, usize)> {
    let mut number = 0;
    for length in 0..9 {
        let byte = byte(bytes, at + length)?;
        if length == 8 {
            return Ok((number << 8 | u64::from(byte), at + 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Ok((number, at + length + 1));
        }
    }
    Err(corrupt("a number without an end"))
}

fn corrupt(what: &str) -> TargetError {
    TargetError::Corrupt(format!("the package database has {what}"))
}
