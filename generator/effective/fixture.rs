//! Throw-away trees on disk for the readers' tests, so that a reader and the real program look
//! at the same files.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::target::{Entry, FileKind, Meta, Result, Root, TargetError, Tree};

/// A directory on disk, seen as a target.
pub struct Disk(PathBuf);

impl Disk {
    /// A target over an existing directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        self.0.join(std::ffi::OsStr::from_bytes(path))
    }
}

fn meta(m: &fs::Metadata) -> Meta {
    let kind = match m.file_type() {
        t if t.is_file() => FileKind::File,
        t if t.is_dir() => FileKind::Directory,
        t if t.is_symlink() => FileKind::Symlink,
        _ => FileKind::Special,
    };
    let mode = m.permissions().mode() & 0o7777;
    Meta { kind, mode, uid: m.uid(), gid: m.gid(), size: m.len(), inode: m.ino() }
}

impl Tree for Disk {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(fs::symlink_metadata(self.at(path)).ok().as_ref().map(meta))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let fail = |e| TargetError::io("reading a directory", e);
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.at(path)).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let meta = meta(&entry.metadata().map_err(fail)?);
            entries.push(Entry { name: entry.file_name().into_vec(), meta });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Box<dyn Read + Send + '_>> {
        let file = fs::File::open(self.at(path)).map_err(|e| TargetError::io("opening", e))?;
        Ok(Box::new(file))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let text = fs::read_link(self.at(path)).map_err(|e| TargetError::io("reading a link", e))?;
        Ok(text.into_os_string().into_vec())
    }
}

/// A temporary tree, removed at the end of the test.
pub struct Fixture {
    dir: tempfile::TempDir,
    disk: Disk,
}

impl Fixture {
    /// An empty tree.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::new(dir.path());
        Self { dir, disk }
    }

    /// A tree of these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let fixture = Self::new();
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture
    }

    /// The tree as a target.
    pub fn root(&self) -> Root<'_> {
        Root::new(&self.disk)
    }

    /// Where the tree is on disk.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes (or replaces) a file, making its parents.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.prepare(path);
        fs::write(path, content).unwrap();
        self
    }

    /// Makes (or replaces) a symbolic link.
    pub fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.prepare(path);
        fs::remove_file(&path).ok();
        symlink(target, path).unwrap();
        self
    }

    /// Removes a file or a link.
    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.dir.path().join(path.trim_start_matches('/'))).unwrap();
        self
    }

    fn prepare(&self, path: &str) -> PathBuf {
        let path = self.dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }
}

/// A small seeded generator (splitmix64): the same seed gives the same case on every machine.
pub struct Dice(u64);

impl Dice {
    /// A generator for one case.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    /// True once in `n` throws.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// How many generated cases a differential test runs: `IRONSEED_CASES`, or `default`.
pub fn cases(default: u64) -> u64 {
    std::env::var("IRONSEED_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}
