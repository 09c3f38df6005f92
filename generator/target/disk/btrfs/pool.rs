//! The pool that everything is stored in: superblock, chunks (where logical places are on the device),
//! and reading from it with checksums.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::tree::{Key, Node, Pointer};
use crate::target::disk::cache::Cache;
use crate::target::disk::device::Device;
use crate::target::fields::{array, byte, le16, le32, le64, slice};
use crate::target::{Result, TargetError};

/// Where the superblock is, and its length.
const SUPERBLOCK: (u64, usize) = (64 << 10, 4096);

/// Where it lists the chunks that hold the chunk tree.
const SYSTEM_CHUNKS: usize = 811;

/// Most bytes of that list.
const MAX_SYSTEM_CHUNKS: usize = 2048;

/// Bytes of nodes that are cached.
const CACHED: usize = 32 << 20;

/// Most chunks: 16 TiB in the smallest that mkfs makes of that size.
const MAX_CHUNKS: usize = 1 << 14;

/// Object and type of a chunk's item.
const CHUNK: (u64, u8) = (256, 228);

/// Profiles of chunks: bits that say that something is stored twice on the device.
const DUPLICATED: u64 = 1 << 5;

/// Bits of all profiles.
const PROFILES: u64 = 0x7f8;

/// Features that can be ignored in reading, or are read: references of several kinds, default
/// subvolume, mixed chunks, LZO, zstd, large nodes, no items for holes, own UUID of metadata, simple quota.
const READ: u64 = 0x1_077f;

/// Other features, by their bit.
const NOT_READ: [(u64, &str); 5] = [
    (1 << 7, "RAID 5 or 6"),
    (1 << 11, "RAID 1 with more than two copies"),
    (1 << 12, "zoned storage"),
    (1 << 13, "extent tree version 2"),
    (1 << 14, "a stripe tree"),
];

/// The feature that gives metadata another UUID.
const METADATA_UUID: u64 = 1 << 10;

/// Flags of a filesystem with errors, and of one that is only a dump, or half changed.
const ERROR: u64 = 1 << 2;
const PARTIAL: u64 = 0xff << 33;

/// How blocks are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-32C: 4 bytes.
    Crc32c,
    /// SHA-256: 32 bytes.
    Sha256,
}

impl Checksum {
    fn of(kind: u16) -> Result<Self> {
        let name = match kind {
            0 => return Ok(Self::Crc32c),
            2 => return Ok(Self::Sha256),
            1 => "xxhash64",
            3 => "BLAKE2b",
            _ => "an unknown function",
        };
        Err(TargetError::Unsupported(format!(
            "checksums by {name} are not read; by CRC-32C and SHA-256 they are"
        )))
    }

    /// Bytes of a checksum.
    pub fn len(self) -> usize {
        match self {
            Self::Crc32c => 4,
            Self::Sha256 => 32,
        }
    }

    /// Whether `sum` begins with the checksum of `bytes`.
    pub fn matches(self, bytes: &[u8], sum: &[u8]) -> bool {
        match self {
            Self::Crc32c => sum.starts_with(&crc32c::crc32c(bytes).to_le_bytes()),
            Self::Sha256 => sum.starts_with(&Sha256::digest(bytes)),
        }
    }
}

/// A stretch of logical places, and where its copies are on the device.
struct Chunk {
    start: u64,
    len: u64,
    copies: Vec<u64>,
}

/// An open pool.
pub struct Pool {
    /// The device that it fills.
    pub device: Arc<dyn Device>,
    /// How its blocks are checked.
    pub checksum: Checksum,
    /// Bytes of a sector, the unit of contents.
    pub sector: u64,
    /// Bytes of a node of a tree.
    pub node: usize,
    /// Top of the tree that knows all other trees.
    pub roots: Pointer,
    seal: [u8; 16],
    chunks: Vec<Chunk>,
    nodes: Cache<u64, Node>,
}

impl Pool {
    /// Opens the pool that fills `device`.
    ///
    /// # Errors
    /// `Unsupported` for one that was not unmounted cleanly, that has more devices, and for
    /// features that are not read; `Corrupt` for damage.
    pub fn open(device: Arc<dyn Device>) -> Result<Self> {
        let mut bytes = vec![0; SUPERBLOCK.1];
        device.read_at(SUPERBLOCK.0, &mut bytes)?;
        let checksum = Checksum::of(le16(&bytes, 196)?)?;
        if !checksum.matches(slice(&bytes, 32, bytes.len() - 32)?, &bytes)
            || le64(&bytes, 48)? != SUPERBLOCK.0
        {
            return Err(damaged("superblock: the checksum is wrong"));
        }
        check_features(&bytes)?;
        let (sector, node) = (le32(&bytes, 144)?, le32(&bytes, 148)?);
        let sound = |size: u32| size.is_power_of_two() && (4096..=65536).contains(&size);
        if !sound(sector) || !sound(node) || node < sector {
            return Err(damaged("superblock: sizes that no filesystem has"));
        }
        if le64(&bytes, 112)? > device.size() {
            return Err(damaged(
                "superblock: it says that it is larger than its disk: the image is truncated",
            ));
        }
        let uuid = array(&bytes, 32)?;
        let own_seal = le64(&bytes, 188)? & METADATA_UUID != 0;
        let top = |place, generation, level| {
            Ok::<_, TargetError>(Pointer {
                place: le64(&bytes, place)?,
                generation: le64(&bytes, generation)?,
                level: byte(&bytes, level)?,
            })
        };
        let mut pool = Self {
            device,
            checksum,
            sector: sector.into(),
            node: node as usize,
            roots: top(80, 72, 198)?,
            seal: if own_seal { array(&bytes, 571)? } else { uuid },
            chunks: Vec::new(),
            nodes: Cache::new(CACHED / node as usize),
        };
        pool.system_chunks(&bytes)?;
        pool.all_chunks(top(88, 164, 199)?)?;
        Ok(pool)
    }

    /// The chunks that hold the chunk tree: key, item, key, item...
    fn system_chunks(&mut self, superblock: &[u8]) -> Result<()> {
        let len = le32(superblock, 160)? as usize;
        if len > MAX_SYSTEM_CHUNKS {
            return Err(damaged("superblock: more system chunks than there is room for"));
        }
        let mut list = slice(superblock, SYSTEM_CHUNKS, len)?;
        while !list.is_empty() {
            let key = Key::read(list, 0)?;
            let item = slice(list, Key::LEN, list.len() - Key::LEN)?;
            self.chunks.push(Chunk::read(key, item)?);
            let len = Key::LEN + 48 + usize::from(le16(item, 44)?) * 32;
            list = slice(list, len, list.len().saturating_sub(len))?;
        }
        Ok(())
    }

    /// All chunks, in order and without overlap.
    fn all_chunks(&mut self, tree: Pointer) -> Result<()> {
        let mut chunks: Vec<Chunk> = Vec::new();
        self.range(tree, Key::first(CHUNK.0, CHUNK.1), Key::last(CHUNK.0, CHUNK.1), &mut |key, item| {
            let chunk = Chunk::read(key, item)?;
            let in_order =
                chunks.last().is_none_or(|last| last.start.saturating_add(last.len) <= chunk.start);
            if !in_order || chunks.len() >= MAX_CHUNKS {
                return Err(damaged("chunks overlap or are too many"));
            }
            chunks.push(chunk);
            Ok(())
        })?;
        self.chunks = chunks;
        Ok(())
    }

    /// Where `len` bytes at a logical place are on the device: each copy's first byte.
    fn copies(&self, place: u64, len: usize) -> Result<Vec<u64>> {
        // A linear search: the list of system chunks need not be in order, and both are short.
        let chunk = self.chunks.iter().find(|chunk| place >= chunk.start && place - chunk.start < chunk.len);
        let found = chunk.filter(|chunk| chunk.len - (place - chunk.start) >= len as u64).and_then(|chunk| {
            let inside = place - chunk.start;
            chunk.copies.iter().map(|copy| copy.checked_add(inside)).collect()
        });
        found.ok_or_else(|| damaged(&format!("the logical place {place} (+{len}) is in no chunk")))
    }

    /// Reads bytes at a logical place, of the first copy that `check` accepts.
    pub fn read(&self, place: u64, len: usize, check: &dyn Fn(&[u8]) -> Result<()>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let mut wrong = None;
        for copy in self.copies(place, len)? {
            match self.device.read_at(copy, &mut bytes).and_then(|()| check(&bytes)) {
                Ok(()) => return Ok(bytes),
                Err(e) => wrong = wrong.or(Some(e)),
            }
        }
        Err(wrong.unwrap_or_else(|| damaged("a chunk is stored nowhere")))
    }

    /// The node of a tree that a pointer leads to.
    pub fn node(&self, pointer: Pointer) -> Result<Arc<Node>> {
        let node = self.nodes.get(pointer.place, || {
            let bytes =
                self.read(pointer.place, self.node, &|bytes| self.check_node(bytes, pointer.place))?;
            Node::new(bytes)
        })?;
        match node.level == pointer.level && node.generation == pointer.generation {
            true => Ok(node),
            false => {
                Err(damaged(&format!("the node at {} is not the one that is pointed to", pointer.place)))
            }
        }
    }

    fn check_node(&self, bytes: &[u8], place: u64) -> Result<()> {
        let wrong = if !self.checksum.matches(slice(bytes, 32, bytes.len() - 32)?, bytes) {
            "does not match its checksum"
        } else if array(bytes, 32)? != self.seal {
            "belongs to another filesystem"
        } else if le64(bytes, 48)? != place {
            "belongs elsewhere"
        } else {
            return Ok(());
        };
        Err(damaged(&format!("the node at {place} {wrong}")))
    }
}

impl Chunk {
    fn read(key: Key, item: &[u8]) -> Result<Self> {
        if (key.object, key.kind) != CHUNK {
            return Err(damaged("superblock: something else than a chunk is listed as one"));
        }
        let (len, profile, stripes) = (le64(item, 0)?, le64(item, 24)? & PROFILES, le16(item, 44)?);
        if !(stripes == 1 || profile == DUPLICATED && stripes == 2) {
            return Err(TargetError::Unsupported(format!(
                "a chunk in {stripes} stripes (profile {profile:#x}) is not read: one device holds it once or twice"
            )));
        }
        let copies = (0..usize::from(stripes)).map(|index| le64(item, 48 + index * 32 + 8));
        Ok(Self { start: key.offset, len, copies: copies.collect::<Result<_>>()? })
    }
}

fn check_features(superblock: &[u8]) -> Result<()> {
    let unsupported = |why: String| Err(TargetError::Unsupported(why));
    let (flags, features, devices) = (le64(superblock, 56)?, le64(superblock, 188)?, le64(superblock, 136)?);
    if let Some((_, name)) = NOT_READ.iter().find(|(bit, _)| features & bit != 0) {
        return unsupported(format!("{name} is not read"));
    }
    if features & !READ != 0 {
        return unsupported(format!("features {features:#x}, some newer than this program, are not read"));
    }
    if devices != 1 {
        return unsupported(format!("it is spread over {devices} devices; one is read"));
    }
    if flags & ERROR != 0 {
        return Err(damaged("the kernel marked this filesystem as having errors; run btrfs check"));
    }
    if flags & PARTIAL != 0 {
        return unsupported("it is only a dump of metadata, or a change of it was never finished".into());
    }
    if le64(superblock, 96)? != 0 {
        return unsupported(
            "the filesystem was not unmounted cleanly: part of its content is in the log tree only; \
             start and shut down the machine, or mount and unmount it, then look again"
                .into(),
        );
    }
    Ok(())
}

fn damaged(what: &str) -> TargetError {
    TargetError::Corrupt(what.into())
}
