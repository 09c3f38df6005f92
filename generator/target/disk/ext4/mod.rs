//! An ext4 filesystem as a tree.
//!
//! Finding inodes and checking their checksums is `rust-fs-ext4`'s work. Directories and file
//! contents are read here, block map in hand ([`BlockMap`]): in large pieces, from any thread,
//! and bounded where a hostile image is not.

mod blocks;
mod content;
mod library;

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use fs_ext4::dir::parse_block_verified;
use fs_ext4::features::Incompat;
use fs_ext4::inode::{Inode, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use fs_ext4::superblock::EXT4_ERROR_FS;
use fs_ext4::{Filesystem, Superblock};
use rayon::prelude::*;

use self::blocks::BlockMap;
use self::content::Content;
use self::library::{Adapter, error, not_clean};
use super::device::Device;
use crate::target::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, display};

/// Blocks of metadata that are cached.
const CACHED_BLOCKS: usize = 1024;

/// Most block groups: 32 TiB with the usual 128 MiB groups.
const MAX_GROUPS: u64 = 1 << 18;

/// Most entries of one directory.
const MAX_ENTRIES: usize = 500_000;

/// Longest text of a symbolic link (`PATH_MAX`).
const MAX_LINK: u64 = 4096;

/// Root directory's inode number.
const ROOT: u32 = 2;

/// An open ext4 filesystem.
pub struct Ext4Tree {
    fs: Filesystem,
    device: Arc<dyn Device>,
}

impl Ext4Tree {
    /// Opens the filesystem that fills `device`.
    ///
    /// # Errors
    /// `Unsupported` for a filesystem that was not unmounted cleanly (what is true lies partly
    /// in its journal) and for features that are not read; `Corrupt` for damage.
    pub fn open(device: Arc<dyn Device>) -> Result<Self> {
        let adapter = Arc::new(Adapter::new(device.clone()));
        let superblock = Superblock::read(&*adapter).map_err(|e| error("superblock", e))?;
        if superblock.feature_incompat & Incompat::RECOVER.bits() != 0 {
            return Err(not_clean());
        }
        if superblock.state & EXT4_ERROR_FS != 0 {
            return Err(TargetError::Corrupt(
                "ext4: the kernel marked this filesystem as having errors; run e2fsck".into(),
            ));
        }
        superblock.check_fits_device(device.size()).map_err(|e| error("superblock", e))?;
        if superblock.block_group_count() > MAX_GROUPS {
            return Err(TargetError::Corrupt("ext4: superblock: too many block groups".into()));
        }
        let fs =
            Filesystem::mount_with_cache(adapter.clone(), CACHED_BLOCKS).map_err(|e| error("opening", e))?;
        // The library replays a journal that calls itself dirty; the kernel discards it unless
        // the superblock says that recovery is needed. Whoever is right, it can't be known.
        if fs.cache_pinned_blocks() > 0 {
            return Err(not_clean());
        }
        adapter.opened();
        Ok(Self { fs, device })
    }

    /// The inode at a path; `None` where there is nothing.
    fn find(&self, path: &[u8]) -> Result<Option<(u32, Inode, Vec<u8>)>> {
        use fs_ext4::Error::{NameTooLong, NotADirectory, NotFound};
        let number = match self.fs.lookup_path_bytes(path) {
            Ok(number) => number,
            Err(NotFound | NotADirectory | NameTooLong) => return Ok(None),
            Err(e) => return Err(error(&display(path), e)),
        };
        let (inode, raw) = self.inode(number).map_err(|e| error(&display(path), e))?;
        Ok(Some((number, inode, raw)))
    }

    /// Reads an inode that a directory names.
    fn inode(&self, number: u32) -> fs_ext4::Result<(Inode, Vec<u8>)> {
        if number != ROOT && number < self.fs.sb.first_inode {
            return Err(fs_ext4::Error::InvalidInode(number));
        }
        let (inode, raw) = self.fs.read_inode_verified(number)?;
        if inode.links_count == 0 || inode.mode == 0 {
            return Err(fs_ext4::Error::Corrupt("a directory names a deleted inode"));
        }
        Ok((inode, raw))
    }

    /// As [`Ext4Tree::find`], for what must be there and of this kind.
    fn expect(&self, path: &[u8], kind: FileKind) -> Result<(u32, Inode, Vec<u8>)> {
        match self.find(path)? {
            Some(found) if kind_of(&found.1) == kind => Ok(found),
            Some(_) => Err(TargetError::io(display(path), std::io::ErrorKind::InvalidInput.into())),
            None => Err(TargetError::io(display(path), std::io::ErrorKind::NotFound.into())),
        }
    }

    fn content(&self, number: u32, inode: &Inode, raw: &[u8]) -> fs_ext4::Result<Content<'_>> {
        let map = BlockMap::of(&self.fs, number, inode, raw)?;
        Ok(Content::new(&self.fs, &*self.device, map, inode.size))
    }

    /// Opens the regular file with this inode number, found at `path`.
    fn open_inode(&self, number: u32, path: &[u8]) -> Result<Content<'_>> {
        let failed = |e| error(&display(path), e);
        let (inode, raw) = self.inode(number).map_err(failed)?;
        if kind_of(&inode) != FileKind::File {
            return Err(TargetError::io(display(path), std::io::ErrorKind::InvalidInput.into()));
        }
        self.content(number, &inode, &raw).map_err(failed)
    }

    /// Finds files of one directory (`group` are indices into `paths`), listing it only once.
    fn locate(&self, paths: &[Vec<u8>], group: &[usize]) -> Result<Vec<Located>> {
        let directory = parent(&paths[group[0]]);
        let (number, inode, raw) = self.expect(directory, FileKind::Directory)?;
        let names = self.names(number, &inode, &raw).map_err(|e| error(&display(directory), e))?;
        let numbers: HashMap<Vec<u8>, u32> = names.into_iter().collect();
        let located = group.iter().filter_map(|index| {
            let path = &paths[*index];
            let name = path.rsplit(|b| *b == b'/').next()?;
            let number = *numbers.get(name)?;
            let content = self.open_inode(number, path).ok()?;
            Some(Located { first_block: content.first_block().unwrap_or(0), number, index: *index })
        });
        Ok(located.collect())
    }

    /// Entries of a directory as stored: name and inode number.
    fn names(&self, number: u32, inode: &Inode, raw: &[u8]) -> fs_ext4::Result<Vec<(Vec<u8>, u32)>> {
        let filetype = self.fs.sb.feature_incompat & Incompat::FILETYPE.bits() != 0;
        let block_size = self.fs.sb.block_size();
        fs_ext4::file_io::refuse_encrypted_names(inode)?;
        let mut names = Vec::new();
        let mut keep = |entries: Vec<fs_ext4::dir::DirEntry>| {
            names.extend(entries.into_iter().map(|e| (e.name, e.inode)));
            match names.len() {
                0..=MAX_ENTRIES => Ok(()),
                _ => Err(fs_ext4::Error::Corrupt("a directory of more than 500,000 entries")),
            }
        };
        if inode.has_inline_data() {
            let (dev, inode_size) = (self.fs.dev.as_ref(), self.fs.sb.inode_size);
            keep(fs_ext4::inline_data::read_dir(dev, number, inode, raw, inode_size, block_size, filetype)?)?;
        } else {
            let mut content = self.content(number, inode, raw)?;
            let mut block = vec![0; block_size as usize];
            for _ in 0..inode.size / u64::from(block_size) {
                content.read_exact(&mut block)?;
                let generation = inode.generation;
                keep(parse_block_verified(&block, filetype, number, generation, &self.fs.csum)?)?;
            }
        }
        names.retain(|(name, _)| name != b"." && name != b"..");
        Ok(names)
    }
}

impl Tree for Ext4Tree {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(self.find(path)?.map(|(number, inode, _)| meta_of(number, &inode)))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let (number, inode, raw) = self.expect(path, FileKind::Directory)?;
        let names = self.names(number, &inode, &raw).map_err(|e| error(&display(path), e))?;
        let mut entries = Vec::with_capacity(names.len());
        for (name, number) in names {
            if name.is_empty() || name.iter().any(|b| matches!(b, b'/' | 0)) {
                let what = "a name that is empty or holds / or NUL";
                return Err(TargetError::Corrupt(format!("ext4: {}: {what}", display(path))));
            }
            let (inode, _) = self
                .inode(number)
                .map_err(|e| error(&format!("{}/{}", display(path), String::from_utf8_lossy(&name)), e))?;
            entries.push(Entry { name, meta: meta_of(number, &inode) });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        let (number, ..) = self.expect(path, FileKind::File)?;
        Ok(Box::new(self.open_inode(number, path)?))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let (number, inode, raw) = self.expect(path, FileKind::Symlink)?;
        let read = || {
            if inode.size > MAX_LINK {
                return Err(fs_ext4::Error::Corrupt("a symbolic link longer than any path"));
            }
            let mut text = vec![0; inode.size as usize];
            match inode.block.get(..text.len()) {
                // A short text takes the place of the block map.
                Some(short) if text.len() < inode.block.len() && !inode.has_inline_data() => {
                    fs_ext4::file_io::refuse_encrypted(&inode)?;
                    text.copy_from_slice(short);
                }
                _ => self.content(number, &inode, &raw)?.read_exact(&mut text)?,
            }
            Ok(text)
        };
        read().map_err(|e| error(&display(path), e))
    }

    /// In the order in which the files lie on the disk, so that a compressed image's clusters,
    /// which hold parts of several files, are decompressed about once.
    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        let mut order: Vec<usize> = (0..paths.len()).collect();
        order.sort_by_key(|index| parent(&paths[*index]));
        let siblings: Vec<&[usize]> =
            order.chunk_by(|a, b| parent(&paths[*a]) == parent(&paths[*b])).collect();
        let mut files: Vec<Located> = siblings
            .par_iter()
            .flat_map_iter(|group| self.locate(paths, group).unwrap_or_default())
            .collect();
        // Whatever could not be located is opened by its path, for its error's sake.
        let mut located = vec![false; paths.len()];
        files.iter().for_each(|file| located[file.index] = true);
        files.sort_unstable_by_key(|file| file.first_block);
        files.par_iter().for_each(|file| {
            let opened = self.open_inode(file.number, &paths[file.index]);
            read(file.index, opened.map(|content| Box::new(content) as Reader<'_>));
        });
        for (index, path) in paths.iter().enumerate().filter(|(index, _)| !located[*index]) {
            read(index, self.open(path));
        }
    }
}

/// A file that is to be read, and where it starts on disk.
struct Located {
    first_block: u64,
    number: u32,
    index: usize,
}

/// The directory part of a path.
fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)]
}

fn kind_of(inode: &Inode) -> FileKind {
    match inode.mode & S_IFMT {
        S_IFREG => FileKind::File,
        S_IFDIR => FileKind::Directory,
        S_IFLNK => FileKind::Symlink,
        _ => FileKind::Special,
    }
}

fn meta_of(number: u32, inode: &Inode) -> Meta {
    let kind = kind_of(inode);
    let has_size = matches!(kind, FileKind::File | FileKind::Symlink);
    Meta {
        kind,
        mode: u32::from(inode.mode & 0o7777),
        uid: inode.uid,
        gid: inode.gid,
        size: if has_size { inode.size } else { 0 },
        inode: number.into(),
    }
}
