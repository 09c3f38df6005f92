//! Subvolumes: trees of files, each with a place in another one.

use super::damaged;
use super::pool::Pool;
use super::tree::{Key, Pointer};
use crate::target::Result;
use crate::target::fields::{byte, le16, le32, le64, slice};

/// Kind of the item that describes a tree; an entry that leads to one leads to a subvolume.
pub const ROOT: u8 = 132;

/// Kind of the item that says where a subvolume is in another one.
const PLACE: u8 = 156;

/// Kind and object of the entry that names the default subvolume.
const ENTRY: u8 = 84;
const ENTRIES_OF_ROOTS: u64 = 6;

/// Number of the top-level subvolume's tree, and where numbers of other subvolumes begin.
pub const TOP_LEVEL: u64 = 5;
const FIRST: u64 = 256;

/// Where numbers of subvolumes end.
const END: u64 = u64::MAX - 255;

/// Most subvolumes that are looked at for a system.
const MAX_SUBVOLUMES: usize = 1024;

/// The tree of checksums.
pub const CHECKSUMS: u64 = 7;

impl Pool {
    /// The top of the tree with this number.
    pub fn tree(&self, number: u64) -> Result<Pointer> {
        let found = self.floor(self.roots, Key::last(number, ROOT))?;
        let Some((_, item)) = found.filter(|(key, _)| (key.object, key.kind) == (number, ROOT)) else {
            return Err(damaged(&format!("there is no tree {number}")));
        };
        if le32(&item, 216)? == 0 {
            return Err(damaged(&format!("tree {number} is deleted")));
        }
        Ok(Pointer { place: le64(&item, 176)?, generation: le64(&item, 160)?, level: byte(&item, 238)? })
    }

    /// Whether a subvolume is at this name in a directory of another one: a snapshot keeps the
    /// entries of subvolumes that it does not hold.
    pub fn is_subvolume_at(&self, child: u64, parent: u64, directory: u64, name: &[u8]) -> Result<bool> {
        let Some(item) = self.item(self.roots, Key { object: parent, kind: PLACE, offset: child })? else {
            return Ok(false);
        };
        Ok(le64(&item, 0)? == directory && slice(&item, 18, le16(&item, 16)?.into())? == name)
    }

    /// The subvolume that is mounted where none is named.
    pub fn default_subvolume(&self) -> Result<u64> {
        let mut default = TOP_LEVEL;
        let (from, to) = (Key::first(ENTRIES_OF_ROOTS, ENTRY), Key::last(ENTRIES_OF_ROOTS, ENTRY));
        self.range(self.roots, from, to, &mut |_, item| {
            if slice(item, 30, le16(item, 27)?.into())? == b"default" {
                default = Key::read(item, 0)?.object;
            }
            Ok(())
        })?;
        Ok(default)
    }

    /// The numbers of all subvolumes but the top-level one.
    ///
    /// # Errors
    /// There are more than a thousand.
    pub fn subvolumes(&self) -> Result<Vec<u64>> {
        let mut numbers = Vec::new();
        self.range(self.roots, Key::first(FIRST, 0), Key::first(END, 0), &mut |key, item| {
            if key.kind == ROOT && le32(item, 216)? > 0 && numbers.last() != Some(&key.object) {
                numbers.push(key.object);
            }
            match numbers.len() {
                0..=MAX_SUBVOLUMES => Ok(()),
                _ => Err(damaged(&format!("more than {MAX_SUBVOLUMES} subvolumes"))),
            }
        })?;
        Ok(numbers)
    }
}
