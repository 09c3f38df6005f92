//! Trees of items that are sorted by their keys, as everything in btrfs is stored.

use super::pool::Pool;
use crate::target::fields::{byte, le32, le64, slice};
use crate::target::{Result, TargetError};

/// Bytes before a node's content.
const HEADER: usize = 101;

/// Bytes of an item's head in a leaf: key, place of its data, length of its data.
const ITEM: usize = Key::LEN + 8;

/// Bytes of a pointer in an inner node: key, place, generation.
const BRANCH: usize = Key::LEN + 16;

/// Most levels above the leaves.
const MAX_LEVEL: u8 = 7;

/// What an item is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What it belongs to: an inode, a tree...
    pub object: u64,
    /// What kind of item it is.
    pub kind: u8,
    /// Which of its kind.
    pub offset: u64,
}

impl Key {
    /// Bytes of a key.
    pub const LEN: usize = 17;

    /// After all other keys.
    const MAX: Self = Self { object: u64::MAX, kind: u8::MAX, offset: u64::MAX };

    /// The key at a place.
    pub fn read(bytes: &[u8], at: usize) -> Result<Self> {
        Ok(Self { object: le64(bytes, at)?, kind: byte(bytes, at + 8)?, offset: le64(bytes, at + 9)? })
    }

    /// The first of an object's items of one kind.
    pub fn first(object: u64, kind: u8) -> Self {
        Self { object, kind, offset: 0 }
    }

    /// The last of an object's items of one kind.
    pub fn last(object: u64, kind: u8) -> Self {
        Self { object, kind, offset: u64::MAX }
    }
}

/// Leads to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Its logical place.
    pub place: u64,
    /// When it was written.
    pub generation: u64,
    /// Levels below it.
    pub level: u8,
}

/// A node whose keys are in order and whose items lie inside it.
pub struct Node {
    /// Levels below it: 0 for a leaf.
    pub level: u8,
    /// When it was written.
    pub generation: u64,
    bytes: Vec<u8>,
    keys: Vec<Key>,
}

impl Node {
    /// Takes a node's bytes, whose checksum was right.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let (count, level) = (le32(&bytes, 96)? as usize, byte(&bytes, 100)?);
        let entry = if level == 0 { ITEM } else { BRANCH };
        if level > MAX_LEVEL || count > (bytes.len() - HEADER) / entry || (count == 0 && level > 0) {
            return Err(damaged("of impossible size"));
        }
        let keys =
            (0..count).map(|index| Key::read(&bytes, HEADER + index * entry)).collect::<Result<Vec<_>>>()?;
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(damaged("out of order"));
        }
        Ok(Self { level, generation: le64(&bytes, 80)?, bytes, keys })
    }

    /// The data of a leaf's item.
    fn item(&self, index: usize) -> Result<&[u8]> {
        let head = HEADER + index * ITEM + Key::LEN;
        let (at, len) = (le32(&self.bytes, head)? as usize, le32(&self.bytes, head + 4)? as usize);
        slice(&self.bytes, HEADER.saturating_add(at), len)
    }

    /// Where an inner node's entry leads.
    fn child(&self, index: usize) -> Result<Pointer> {
        let at = HEADER + index * BRANCH + Key::LEN;
        let (place, generation) = (le64(&self.bytes, at)?, le64(&self.bytes, at + 8)?);
        Ok(Pointer { place, generation, level: self.level - 1 })
    }

    /// The last entry whose key is not after `key`.
    fn floor(&self, key: Key) -> Option<usize> {
        self.keys.partition_point(|other| *other <= key).checked_sub(1)
    }
}

/// What is done with each item that is found.
type See<'s> = dyn FnMut(Key, &[u8]) -> Result<()> + 's;

impl Pool {
    /// Shows all items with keys from `from` up to and with `to`, in order.
    pub fn range(&self, top: Pointer, from: Key, to: Key, see: &mut See<'_>) -> Result<()> {
        self.range_below(top, (from, to), (None, Key::MAX), see)
    }

    /// `bounds`: the node's first key, where something says it, and what none of its keys is after. So
    /// no node can be reached twice, and every walk ends.
    fn range_below(
        &self,
        pointer: Pointer,
        (from, to): (Key, Key),
        bounds: (Option<Key>, Key),
        see: &mut See<'_>,
    ) -> Result<()> {
        let node = self.bounded(pointer, bounds)?;
        let start = node.keys.partition_point(|key| *key < from);
        if node.level == 0 {
            for index in start..node.keys.len() {
                if node.keys[index] > to {
                    break;
                }
                see(node.keys[index], node.item(index)?)?;
            }
            return Ok(());
        }
        // What is before the first key that is in range may hold items that are.
        for index in start.saturating_sub(1)..node.keys.len() {
            if node.keys[index] > to {
                break;
            }
            let bounds = (Some(node.keys[index]), node.keys.get(index + 1).copied().unwrap_or(bounds.1));
            self.range_below(node.child(index)?, (from, to), bounds, see)?;
        }
        Ok(())
    }

    /// The item with this key, or the last before it: key and data.
    pub fn floor(&self, top: Pointer, key: Key) -> Result<Option<(Key, Vec<u8>)>> {
        let (mut pointer, mut bounds) = (top, (None, Key::MAX));
        loop {
            let node = self.bounded(pointer, bounds)?;
            let Some(index) = node.floor(key) else {
                return Ok(None);
            };
            if node.level == 0 {
                return Ok(Some((node.keys[index], node.item(index)?.to_vec())));
            }
            bounds = (Some(node.keys[index]), node.keys.get(index + 1).copied().unwrap_or(bounds.1));
            pointer = node.child(index)?;
        }
    }

    /// The data of the item with this key.
    pub fn item(&self, top: Pointer, key: Key) -> Result<Option<Vec<u8>>> {
        Ok(self.floor(top, key)?.filter(|(found, _)| *found == key).map(|(_, data)| data))
    }

    fn bounded(&self, pointer: Pointer, (first, end): (Option<Key>, Key)) -> Result<std::sync::Arc<Node>> {
        let node = self.node(pointer)?;
        let begins = first.is_none_or(|first| node.keys.first() == Some(&first));
        let ends = node.keys.last().is_none_or(|last| *last < end);
        match begins && ends {
            true => Ok(node),
            false => Err(damaged("that is not what is above it says")),
        }
    }
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(format!("a node of a tree {what}"))
}
