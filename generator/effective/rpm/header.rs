//! A package's header: typed values by tag, as rpm keeps them in its database (`lib/header.c`).

use std::collections::BTreeMap;

use crate::target::fields::{be32, slice};
use crate::target::{Result, TargetError};

/// Bounds that rpm itself has (`header_internal.h`).
const MAX_TAGS: usize = 0xffff;
const MAX_DATA: usize = 0x0fff_ffff;
/// Bytes before the index, and of each of its entries.
const INTRO: usize = 8;
const ENTRY: usize = 16;

/// Tags that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Vendor = 1011,
    License = 1014,
    Architecture = 1022,
    FileStates = 1029,
    FileDigests = 1035,
    FileFlags = 1037,
    SourceRpm = 1044,
    DirectoryIndexes = 1116,
    BaseNames = 1117,
    DirectoryNames = 1118,
    FileDigestAlgorithm = 5011,
    ModularityLabel = 5096,
}

/// Types of values; lists have them too.
const CHAR: u32 = 1;
const INT8: u32 = 2;
const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A value's type and place.
#[derive(Clone, Copy, Debug)]
struct Value {
    kind: u32,
    offset: usize,
    count: usize,
}

/// The index of a header over its data.
#[derive(Debug)]
pub struct Header<'a> {
    index: BTreeMap<u32, Value>,
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the index. Values are looked at when they are asked for.
    ///
    /// # Errors
    /// A header that is cut off, or larger than rpm takes.
    pub fn parse(blob: &'a [u8]) -> Result<Self> {
        let (tags, length) = (be32(blob, 0)? as usize, be32(blob, 4)? as usize);
        if tags > MAX_TAGS || length > MAX_DATA {
            return Err(corrupt("is larger than rpm takes"));
        }
        let data = slice(blob, INTRO + tags * ENTRY, length)?;
        let mut index = BTreeMap::new();
        for at in (0..tags).map(|number| INTRO + number * ENTRY) {
            let [kind, offset, count] = [be32(blob, at + 4)?, be32(blob, at + 8)?, be32(blob, at + 12)?];
            // What was added at installation stands behind what was packaged, and replaces it.
            index.insert(be32(blob, at)?, Value { kind, offset: offset as usize, count: count as usize });
        }
        Ok(Self { index, data })
    }

    /// A text; `None` where there is none of that tag.
    ///
    /// # Errors
    /// A value of another type, or one that leaves the header.
    pub fn text(&self, tag: Tag) -> Result<Option<String>> {
        Ok(self.bytes(tag)?.into_iter().next().map(|text| String::from_utf8_lossy(text).into_owned()))
    }

    /// A list of texts, as bytes; empty where there is none of that tag.
    ///
    /// # Errors
    /// See [`Header::text`].
    pub fn bytes(&self, tag: Tag) -> Result<Vec<&'a [u8]>> {
        let Some((value, mut rest)) = self.value(tag)? else { return Ok(Vec::new()) };
        let count = match value.kind {
            STRING | I18N_STRING => 1,
            STRING_ARRAY => value.count,
            _ => return Err(corrupt("has a number where a text belongs")),
        };
        let mut texts = Vec::new();
        for _ in 0..count {
            let Some(end) = rest.iter().position(|byte| *byte == 0) else {
                return Err(corrupt("has a text without an end"));
            };
            texts.push(&rest[..end]);
            rest = &rest[end + 1..];
        }
        Ok(texts)
    }

    /// A list of numbers; empty where there is none of that tag.
    ///
    /// # Errors
    /// See [`Header::text`].
    pub fn numbers(&self, tag: Tag) -> Result<Vec<u32>> {
        let Some((value, rest)) = self.value(tag)? else { return Ok(Vec::new()) };
        let width = match value.kind {
            CHAR | INT8 => 1,
            INT16 => 2,
            INT32 => 4,
            _ => return Err(corrupt("has something else where a number belongs")),
        };
        let bytes = value.count.checked_mul(width).and_then(|length| rest.get(..length));
        let bytes = bytes.ok_or_else(|| corrupt("has a list that leaves it"))?;
        let number = |part: &[u8]| part.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        Ok(bytes.chunks_exact(width).map(number).collect())
    }

    fn value(&self, tag: Tag) -> Result<Option<(Value, &'a [u8])>> {
        let Some(value) = self.index.get(&(tag as u32)) else { return Ok(None) };
        let rest = self.data.get(value.offset..).ok_or_else(|| corrupt("has a value outside it"))?;
        Ok(Some((*value, rest)))
    }
}

fn corrupt(what: &str) -> TargetError {
    TargetError::Corrupt(format!("a package's header {what}"))
}
