//! A directory on this machine as a tree; `/` too.
//!
//! Every path is opened from the root's descriptor with symbolic links forbidden in all its
//! components, so that nobody who changes the tree meanwhile can lead a read out of it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, display};

/// Longest path the kernel takes in one call, with its final NUL.
const PATH_MAX: usize = 4096;

/// Filesystems that the kernel makes up or that are on another machine: a walk over the files
/// of *this* system ends there. Numbers from `linux/magic.h`.
const FOREIGN_FILESYSTEMS: [(i64, &str); 14] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x6165_676c, "pstore"),
    (0xcafe_4a11, "bpf"),
    (0xde5e_81e4, "efivarfs"),
    (0x6265_6570, "configfs"),
    (0x1980_0202, "mqueue"),
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
];

/// A directory of this machine.
pub struct DirTree {
    root: OwnedFd,
    /// Device of the root, to tell inode numbers of other filesystems apart.
    device: u64,
    path: PathBuf,
}

impl DirTree {
    /// Opens a directory. The path itself may lead over symbolic links: it is the caller's word.
    pub fn open(path: &Path) -> Result<Self> {
        let context = |e: Errno| TargetError::io(path.display().to_string(), e.into());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(context)?;
        let device = rustix::fs::fstat(&root).map_err(context)?.st_dev;
        Ok(Self { root, device, path: path.to_owned() })
    }

    /// Opens an entry without following a link in any component of its path; with `PATH` among
    /// the flags a link as last component is opened itself.
    fn open_at(&self, path: &[u8], flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = if path.is_empty() { b".".as_slice() } else { path };
        if path.len() < PATH_MAX {
            let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), how) {
                // No such system call, or a container's filter: component by component then.
                Err(Errno::NOSYS | Errno::PERM) => {}
                done => return done,
            }
        }
        self.open_stepwise(path, flags)
    }

    fn open_stepwise(&self, path: &[u8], flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut names = path.split(|b| *b == b'/').peekable();
        let mut here = None;
        while let Some(name) = names.next() {
            if name == b".." {
                return Err(Errno::XDEV);
            }
            let flags = if names.peek().is_none() { flags } else { step };
            let parent = here.as_ref().unwrap_or(&self.root);
            here = Some(rustix::fs::openat(parent, name, flags, Mode::empty())?);
        }
        here.ok_or(Errno::NOENT)
    }

    fn stat(&self, path: &[u8]) -> Result<Option<(OwnedFd, Stat)>> {
        let fd = match self.open_at(path, OFlags::PATH) {
            Ok(fd) => fd,
            // ELOOP: a link among the parents, which then is no directory.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(e) => return Err(self.error(path, e)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|e| self.error(path, e))?;
        Ok(Some((fd, stat)))
    }

    fn meta(&self, stat: &Stat) -> Meta {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Symlink,
            _ => FileKind::Special,
        };
        let has_size = matches!(kind, FileKind::File | FileKind::Symlink);
        Meta {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: if has_size { stat.st_size as u64 } else { 0 },
            inode: stat.st_ino ^ (stat.st_dev ^ self.device).rotate_left(32),
        }
    }

    fn open_file(&self, path: &[u8]) -> Result<File> {
        // Looked at before it is opened: opening a device can have effects.
        let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        match self.stat(path)? {
            Some((_, stat)) if is_file(&stat) => {}
            Some(_) => return Err(self.error(path, Errno::INVAL)),
            None => return Err(self.error(path, Errno::NOENT)),
        }
        // Not blocking: were it replaced by a FIFO since, opening would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.open_at(path, flags).map_err(|e| self.error(path, e))?;
        let stat = rustix::fs::fstat(&fd).map_err(|e| self.error(path, e))?;
        match is_file(&stat) {
            true => Ok(File::from(fd)),
            false => Err(self.error(path, Errno::INVAL)),
        }
    }

    fn error(&self, path: &[u8], e: Errno) -> TargetError {
        TargetError::io(format!("{} in {}", display(path), self.path.display()), e.into())
    }
}

impl Tree for DirTree {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(self.stat(path)?.map(|(_, stat)| self.meta(&stat)))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let error = |e| self.error(path, e);
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY).map_err(error)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&fd).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = entry.file_name();
            if name.to_bytes() == b"." || name.to_bytes() == b".." {
                continue;
            }
            match rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => {
                    entries.push(Entry { name: name.to_bytes().to_vec(), meta: self.meta(&stat) });
                }
                // Removed since it was listed: as if it had never been there.
                Err(Errno::NOENT) => {}
                Err(e) => return Err(error(e)),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        Ok(Box::new(self.open_file(path)?))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let Some((fd, _)) = self.stat(path)? else {
            return Err(self.error(path, Errno::NOENT));
        };
        let text = rustix::fs::readlinkat(&fd, "", Vec::new()).map_err(|e| self.error(path, e))?;
        Ok(text.into_bytes())
    }

    fn boundary(&self, path: &[u8]) -> Result<Option<String>> {
        let Some((fd, _)) = self.stat(path)? else {
            return Ok(None);
        };
        let kind = rustix::fs::fstatfs(&fd).map_err(|e| self.error(path, e))?.f_type;
        let known = FOREIGN_FILESYSTEMS.iter().find(|(number, _)| *number == kind);
        Ok(known.map(|(_, name)| format!("a {name} filesystem is mounted there")))
    }

    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        paths.par_iter().enumerate().for_each(|(index, path)| read(index, self.open(path)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepwise_opening_is_as_strict_as_the_system_call() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "x").unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("b/file", dir.path().join("a/last")).unwrap();
        let tree = DirTree::open(dir.path()).unwrap();
        let stepwise = |path: &[u8]| tree.open_stepwise(path, OFlags::RDONLY | OFlags::NOFOLLOW).is_ok();
        for (path, opens) in [
            ("a/b/file", true),
            ("link/b/file", false),
            ("a/last", false),
            ("a/../a/b/file", false),
            ("a/none", false),
        ] {
            assert_eq!(stepwise(path.as_bytes()), opens, "{path}");
            let at_once = tree.open_at(path.as_bytes(), OFlags::RDONLY).is_ok();
            assert!(at_once || !opens, "{path}: never laxer than the system call");
        }
    }
}
