//! A tar archive as a tree, without extracting it.
//!
//! The archive is read once to learn where each file's bytes are; files are then read from
//! there. What an extraction would do decides: the last of several members of one name wins,
//! directories that are only implied exist, and a name with `..` or a leading `/` stays inside.

mod members;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use tar::Header;

use self::members::{Member, MemberKind, Members, verify_checksum};
use super::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, display};

/// First bytes of gzip data.
const GZIP: &[u8] = b"\x1f\x8b";

/// Most bytes that a compressed archive may hold.
const MAX_SPOOL: u64 = 16 << 30;

/// Most entries of an archive, implied directories included.
const MAX_NODES: usize = 1_000_000;

/// An indexed archive.
pub struct TarTree {
    file: File,
    /// All entries; the first is the root. Hard links are one node under several names.
    nodes: Vec<Node>,
}

struct Node {
    meta: Meta,
    body: Body,
}

enum Body {
    Directory(BTreeMap<Vec<u8>, usize>),
    /// Content from this byte of the archive on.
    File(u64),
    SparseFile,
    Link(Vec<u8>),
    Special,
}

impl TarTree {
    /// Whether a file that starts with these (up to 512) bytes is a tar archive or gzip data.
    pub fn recognises(start: &[u8]) -> bool {
        let header = start.get(..512).map(Header::from_byte_slice);
        start.starts_with(GZIP) || header.is_some_and(|h| verify_checksum(h).is_some())
    }

    /// Indexes an archive. A compressed one is unpacked into a file without a name first.
    ///
    /// # Errors
    /// `Corrupt` where it is damaged or truncated, or a member lies below something that is no
    /// directory; `Unsupported` for members of unknown types.
    pub fn open(path: &Path) -> Result<Self> {
        let context = |e| TargetError::io(path.display().to_string(), e);
        let mut file = File::open(path).map_err(context)?;
        let mut start = [0; 2];
        if file.read_exact_at(&mut start, 0).is_ok() && start == GZIP {
            file = unpack(file, path)?;
        }
        let end = file.seek(SeekFrom::End(0)).map_err(context)?;
        let mut tree = Self { file: file.try_clone().map_err(context)?, nodes: Vec::new() };
        tree.add(implied_directory(), Body::Directory(BTreeMap::new()))?;
        let mut members = Members::new(&file, end);
        while let Some(member) = members.next()? {
            tree.insert(member)?;
        }
        Ok(tree)
    }

    fn insert(&mut self, member: Member) -> Result<()> {
        let mut names = normalise(&member.name);
        let last = names.pop();
        let mut parent = 0;
        for name in names {
            parent = match self.children(parent, &member.name)?.get(name) {
                Some(child) => *child,
                None => {
                    let body = Body::Directory(BTreeMap::new());
                    let child = self.add(implied_directory(), body)?;
                    self.children(parent, &member.name)?.insert(name.to_vec(), child);
                    child
                }
            };
        }
        let Some(last) = last else {
            // The root itself, as `./` or `/`.
            if member.kind == MemberKind::Directory {
                self.nodes[0].meta = Meta { inode: 1, ..meta_of(&member, FileKind::Directory) };
            }
            return Ok(());
        };
        let existing = self.children(parent, &member.name)?.get(last).copied();
        let node = match (member.kind, existing) {
            (MemberKind::HardLink, _) => self.hard_link(&member)?,
            (MemberKind::Directory, Some(node)) if self.is_directory(node) => {
                let meta = meta_of(&member, FileKind::Directory);
                self.nodes[node].meta = Meta { inode: self.nodes[node].meta.inode, ..meta };
                node
            }
            _ => {
                let (kind, body) = match member.kind {
                    MemberKind::Directory => (FileKind::Directory, Body::Directory(BTreeMap::new())),
                    MemberKind::Symlink => (FileKind::Symlink, Body::Link(member.link.clone())),
                    MemberKind::SparseFile => (FileKind::File, Body::SparseFile),
                    MemberKind::Special => (FileKind::Special, Body::Special),
                    MemberKind::File | MemberKind::HardLink => (FileKind::File, Body::File(member.offset)),
                };
                self.add(meta_of(&member, kind), body)?
            }
        };
        self.children(parent, &member.name)?.insert(last.to_vec(), node);
        Ok(())
    }

    /// Adds a node and numbers it, from 1, as inodes are.
    fn add(&mut self, mut meta: Meta, body: Body) -> Result<usize> {
        if self.nodes.len() >= MAX_NODES {
            let what = format!("tar: more than {MAX_NODES} entries");
            return Err(TargetError::Corrupt(what));
        }
        meta.inode = self.nodes.len() as u64 + 1;
        self.nodes.push(Node { meta, body });
        Ok(self.nodes.len() - 1)
    }

    fn hard_link(&self, member: &Member) -> Result<usize> {
        let target = normalise(&member.link);
        match self.find(target.into_iter()) {
            Some(node) if !self.is_directory(node) => Ok(node),
            _ => Err(TargetError::Corrupt(format!(
                "tar: {} is a hard link to {}, which is no file before it",
                String::from_utf8_lossy(&member.name),
                String::from_utf8_lossy(&member.link)
            ))),
        }
    }

    fn is_directory(&self, node: usize) -> bool {
        matches!(self.nodes[node].body, Body::Directory(_))
    }

    /// The entries of a directory that the member `name` needs as a parent.
    fn children(&mut self, node: usize, name: &[u8]) -> Result<&mut BTreeMap<Vec<u8>, usize>> {
        match &mut self.nodes[node].body {
            Body::Directory(children) => Ok(children),
            _ => Err(TargetError::Corrupt(format!(
                "tar: {} lies below something that is no directory",
                String::from_utf8_lossy(name)
            ))),
        }
    }

    fn find<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> Option<usize> {
        let mut node = 0;
        for name in names {
            let Body::Directory(children) = &self.nodes[node].body else {
                return None;
            };
            node = *children.get(name)?;
        }
        Some(node)
    }

    fn node(&self, path: &[u8]) -> Option<&Node> {
        self.find(path.split(|b| *b == b'/').filter(|n| !n.is_empty())).map(|n| &self.nodes[n])
    }

    fn expect(&self, path: &[u8]) -> Result<&Node> {
        let missing = || TargetError::io(display(path), std::io::ErrorKind::NotFound.into());
        self.node(path).ok_or_else(missing)
    }
}

impl Tree for TarTree {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(self.node(path).map(|node| node.meta.clone()))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let Body::Directory(children) = &self.expect(path)?.body else {
            return Err(wrong_kind(path, std::io::ErrorKind::NotADirectory));
        };
        let entry = |(name, node): (&Vec<u8>, &usize)| Entry {
            name: name.clone(),
            meta: self.nodes[*node].meta.clone(),
        };
        Ok(children.iter().map(entry).collect())
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        let node = self.expect(path)?;
        match node.body {
            Body::File(start) => {
                let end = start + node.meta.size;
                Ok(Box::new(Content { file: &self.file, position: start, end }))
            }
            Body::SparseFile => Err(TargetError::Unsupported(format!(
                "{}: a sparse file in a tar archive; make the archive without --sparse",
                display(path)
            ))),
            _ => Err(wrong_kind(path, std::io::ErrorKind::InvalidInput)),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        match &self.expect(path)?.body {
            Body::Link(text) => Ok(text.clone()),
            _ => Err(wrong_kind(path, std::io::ErrorKind::InvalidInput)),
        }
    }

    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        paths.par_iter().enumerate().for_each(|(index, path)| read(index, self.open(path)));
    }
}

/// A member's bytes where they lie in the archive.
struct Content<'a> {
    file: &'a File,
    position: u64,
    end: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let rest = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let len = buf.len().min(rest);
        let got = self.file.read_at(&mut buf[..len], self.position)?;
        if got == 0 && len > 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.position += got as u64;
        Ok(got)
    }
}

/// Unpacks gzip data into a file that has no name and ends with the program.
fn unpack(file: File, path: &Path) -> Result<File> {
    let context = |e| TargetError::io(format!("unpacking {}", path.display()), e);
    // Not the default /tmp, which may be memory.
    let place = std::env::var_os("TMPDIR").unwrap_or_else(|| "/var/tmp".into());
    let mut spool = tempfile::tempfile_in(&place)
        .map_err(|e| TargetError::io(format!("a temporary file in {}", place.display()), e))?;
    let mut data = MultiGzDecoder::new(file);
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    loop {
        let len = match data.read(&mut buffer) {
            Ok(0) => return Ok(spool),
            Ok(len) => len,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => {
                let what = format!("{}: damaged gzip data: {e}", path.display());
                return Err(TargetError::Corrupt(what));
            }
        };
        total += len as u64;
        if total > MAX_SPOOL {
            let what = format!("{}: unpacks to more than 16 GiB", path.display());
            return Err(TargetError::Corrupt(what));
        }
        spool.write_all(&buffer[..len]).map_err(context)?;
    }
}

/// A stored name's components: `/`, `./` and `..` can't lead out of the archive.
fn normalise(name: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            part => names.push(part),
        }
    }
    names
}

/// The metadata of a directory that no member describes, as an extraction by root makes it.
fn implied_directory() -> Meta {
    Meta { kind: FileKind::Directory, mode: 0o755, uid: 0, gid: 0, size: 0, inode: 0 }
}

fn meta_of(member: &Member, kind: FileKind) -> Meta {
    let size = match kind {
        FileKind::File => member.size,
        FileKind::Symlink => member.link.len() as u64,
        _ => 0,
    };
    Meta { kind, mode: member.mode, uid: member.uid, gid: member.gid, size, inode: 0 }
}

fn wrong_kind(path: &[u8], kind: std::io::ErrorKind) -> TargetError {
    TargetError::io(display(path), kind.into())
}
