//! A tree over any filesystem whose files have numbers.
//!
//! Owns paths, the order of reading and the reading of contents in large pieces. Knows no
//! filesystem's layout: that is behind [`Filesystem`].

use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;

use super::cache::Cache;
use super::content::{Content, Piece};
use super::device::Device;
use crate::target::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, display};

/// Most entries of one directory.
pub const MAX_ENTRIES: usize = 500_000;

/// Longest text of a symbolic link (`PATH_MAX`).
pub const MAX_LINK: u64 = 4096;

/// Inode numbers below this are handed on; the bits above tell filesystems of one disk apart.
pub const MAX_INODE: u64 = 1 << 56;

/// Names of directories that are remembered: of one that is very large, or of a thousand small ones.
const REMEMBERED_NAMES: usize = MAX_ENTRIES;

/// What a directory counts for beside its names, so that not too many are remembered.
const DIRECTORY_WEIGHT: usize = REMEMBERED_NAMES / 1000;

/// Names of a directory, and what they lead to.
pub type Names<Id> = Vec<(Vec<u8>, Id)>;

/// A filesystem's own structures, without paths.
///
/// Errors say what is wrong; [`Volume`] adds the filesystem's name and the path.
pub trait Filesystem: Send + Sync {
    /// Finds an inode.
    type Id: Copy + Eq + Hash + Ord + Send + Sync;
    /// A file's stored metadata, and whatever leads to its content.
    type Inode;
    /// Where a file's bytes are.
    type Map: Send;

    /// Its name, for messages.
    const NAME: &'static str;

    /// The device that it fills.
    fn device(&self) -> &dyn Device;

    /// Its root directory.
    fn root(&self) -> Self::Id;

    /// Reads an inode that a directory names.
    fn inode(&self, id: Self::Id) -> Result<Self::Inode>;

    /// What finds an inode that was read.
    fn id(&self, inode: &Self::Inode) -> Self::Id;

    /// Its metadata; the number is below [`MAX_INODE`].
    fn meta(&self, inode: &Self::Inode) -> Meta;

    /// A directory's entries as stored, in any order, without `.` and `..`; at most [`MAX_ENTRIES`].
    fn names(&self, inode: &Self::Inode) -> Result<Names<Self::Id>>;

    /// The text of a symbolic link, of at most [`MAX_LINK`] bytes.
    fn link(&self, inode: &Self::Inode) -> Result<Vec<u8>>;

    /// Where a regular file's bytes are.
    fn map(&self, inode: &Self::Inode) -> Result<Self::Map>;

    /// What is at a position of a file, and for how long. Never empty.
    fn piece(&self, map: &mut Self::Map, position: u64) -> Result<Piece>;

    /// Where on the device a file begins, to read files in the order in which they lie.
    fn start(&self, map: &Self::Map) -> u64;
}

/// The files of a filesystem.
pub struct Volume<F: Filesystem> {
    filesystem: F,
    /// Directories that were listed lately, sorted by name.
    listed: Cache<F::Id, Names<F::Id>>,
}

impl<F: Filesystem> Volume<F> {
    /// The files below the filesystem's root.
    pub fn new(filesystem: F) -> Self {
        Self { filesystem, listed: Cache::new(REMEMBERED_NAMES) }
    }

    /// What is at a path; `None` where there is nothing.
    pub fn id_at(&self, path: &[u8]) -> Result<Option<F::Id>> {
        Ok(self.find(path)?.map(|inode| self.filesystem.id(&inode)))
    }

    /// The inode at a path; `None` where there is nothing.
    fn find(&self, path: &[u8]) -> Result<Option<F::Inode>> {
        let mut inode = self.inode(self.filesystem.root(), b"")?;
        let mut start = 0;
        while start < path.len() {
            if self.filesystem.meta(&inode).kind != FileKind::Directory {
                return Ok(None);
            }
            let end = path[start..].iter().position(|b| *b == b'/').map_or(path.len(), |at| start + at);
            let names = self.names(&inode, &path[..start.saturating_sub(1)])?;
            let Some(id) = lookup(&names, &path[start..end]) else {
                return Ok(None);
            };
            inode = self.inode(id, &path[..end])?;
            start = end + 1;
        }
        Ok(Some(inode))
    }

    /// As [`Volume::find`], for what must be there and of this kind.
    fn expect(&self, path: &[u8], kind: FileKind) -> Result<F::Inode> {
        match self.find(path)? {
            Some(inode) if self.filesystem.meta(&inode).kind == kind => Ok(inode),
            Some(_) => Err(TargetError::io(display(path), std::io::ErrorKind::InvalidInput.into())),
            None => Err(TargetError::io(display(path), std::io::ErrorKind::NotFound.into())),
        }
    }

    fn inode(&self, id: F::Id, path: &[u8]) -> Result<F::Inode> {
        self.filesystem.inode(id).map_err(|e| at::<F>(path, e))
    }

    /// A directory's names, sorted.
    fn names(&self, inode: &F::Inode, path: &[u8]) -> Result<Arc<Names<F::Id>>> {
        let list = || {
            let mut names = self.filesystem.names(inode)?;
            if names.iter().any(|(name, _)| name.is_empty() || name.iter().any(|b| matches!(b, b'/' | 0))) {
                let what = "an entry's name is empty or holds / or NUL";
                return Err(TargetError::Corrupt(what.into()));
            }
            names.sort_unstable();
            let weight = names.len() + DIRECTORY_WEIGHT;
            Ok((names, weight))
        };
        let id = self.filesystem.id(inode);
        self.listed.get_weighed(id, list).map_err(|e| at::<F>(path, e))
    }

    fn content(&self, inode: &F::Inode, path: &[u8]) -> Result<Content<'_, F>> {
        let meta = self.filesystem.meta(inode);
        if meta.kind != FileKind::File {
            return Err(TargetError::io(display(path), std::io::ErrorKind::InvalidInput.into()));
        }
        let map = self.filesystem.map(inode).map_err(|e| at::<F>(path, e))?;
        Ok(Content::new(&self.filesystem, map, meta.size))
    }

    /// Finds files of one directory (`group` are indices into `paths`), listing it only once.
    fn locate(&self, paths: &[Vec<u8>], group: &[usize]) -> Result<Vec<Located<F>>> {
        let directory = parent(&paths[group[0]]);
        let names = self.names(&self.expect(directory, FileKind::Directory)?, directory)?;
        let located = group.iter().filter_map(|index| {
            let path = &paths[*index];
            let id = lookup(&names, path.rsplit(|b| *b == b'/').next()?)?;
            let content = self.content(&self.inode(id, path).ok()?, path).ok()?;
            Some(Located { start: self.filesystem.start(&content.map), id, index: *index })
        });
        Ok(located.collect())
    }
}

/// A file that is to be read, and where it starts on disk.
struct Located<F: Filesystem> {
    start: u64,
    id: F::Id,
    index: usize,
}

impl<F: Filesystem> Tree for Volume<F> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(self.find(path)?.map(|inode| self.filesystem.meta(&inode)))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let names = self.names(&self.expect(path, FileKind::Directory)?, path)?;
        let entry = |(name, id): &(Vec<u8>, F::Id)| {
            let path = if path.is_empty() { name.clone() } else { [path, name.as_slice()].join(&b'/') };
            let inode = self.inode(*id, &path)?;
            Ok(Entry { name: name.clone(), meta: self.filesystem.meta(&inode) })
        };
        names.iter().map(entry).collect()
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        let inode = self.expect(path, FileKind::File)?;
        Ok(Box::new(self.content(&inode, path)?))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let inode = self.expect(path, FileKind::Symlink)?;
        self.filesystem.link(&inode).map_err(|e| at::<F>(path, e))
    }

    /// In the order in which the files lie on the disk, so that a compressed image's clusters,
    /// which hold parts of several files, are decompressed about once.
    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        let mut order: Vec<usize> = (0..paths.len()).collect();
        order.sort_by_key(|index| parent(&paths[*index]));
        let siblings: Vec<&[usize]> =
            order.chunk_by(|a, b| parent(&paths[*a]) == parent(&paths[*b])).collect();
        let mut files: Vec<Located<F>> = siblings
            .par_iter()
            .flat_map_iter(|group| self.locate(paths, group).unwrap_or_default())
            .collect();
        // Whatever could not be located is opened by its path, for its error's sake.
        let mut located = vec![false; paths.len()];
        files.iter().for_each(|file| located[file.index] = true);
        files.sort_unstable_by_key(|file| file.start);
        files.par_iter().for_each(|file| {
            let path = &paths[file.index];
            let opened = self.inode(file.id, path).and_then(|inode| self.content(&inode, path));
            read(file.index, opened.map(|content| Box::new(content) as Reader<'_>));
        });
        for (index, path) in paths.iter().enumerate().filter(|(index, _)| !located[*index]) {
            read(index, self.open(path));
        }
    }
}

/// The inode under a name.
fn lookup<Id: Copy>(names: &[(Vec<u8>, Id)], name: &[u8]) -> Option<Id> {
    names.binary_search_by(|(other, _)| other.as_slice().cmp(name)).ok().map(|index| names[index].1)
}

/// The directory part of a path.
fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)]
}

/// An error with the filesystem's name.
pub fn named<F: Filesystem>(e: TargetError) -> TargetError {
    prefixed(F::NAME, e)
}

/// An error with the filesystem's name and a path.
fn at<F: Filesystem>(path: &[u8], e: TargetError) -> TargetError {
    prefixed(&format!("{}: {}", F::NAME, display(path)), e)
}

/// What is wrong, and before it where.
pub fn prefixed(place: &str, e: TargetError) -> TargetError {
    match e {
        TargetError::Corrupt(what) => TargetError::Corrupt(format!("{place}: {what}")),
        TargetError::Unsupported(what) => TargetError::Unsupported(format!("{place}: {what}")),
        other => other,
    }
}
