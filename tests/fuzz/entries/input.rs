//! How an input becomes a little tree: a list of files, each at one of the paths that the target's
//! readers read. So includes, drop-ins and links are mutated like everything else.
//!
//! A file is the byte 0x1e, a letter that chooses the path (`a` is the first), and its content. A
//! symbolic link has 0x1f after the letter and leads where its content says. What stands before
//! the first 0x1e counts for nothing.

use std::collections::BTreeMap;
use std::ops::Bound;

use ironseed::target::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, display};

/// Begins a file.
pub const FILE: u8 = 0x1e;

/// Makes it a link.
const LINK: u8 = 0x1f;

/// A tree in memory. Everything above a file is a directory.
#[derive(Default)]
pub struct Files<'i> {
    nodes: BTreeMap<&'i [u8], (FileKind, &'i [u8])>,
}

impl<'i> Files<'i> {
    /// The files of an input, over empty ones that are always there.
    pub fn new(input: &'i [u8], paths: &'i [&'static str], shipped: &'i [&'static str]) -> Self {
        let mut files = Self::default();
        for path in shipped {
            files.put(path, FileKind::File, b"");
        }
        for file in input.split(|byte| *byte == FILE).skip(1) {
            let [letter, content @ ..] = file else { continue };
            let path = paths[usize::from(letter.wrapping_sub(b'a')) % paths.len()];
            match content {
                [LINK, text @ ..] => files.put(path, FileKind::Symlink, text),
                _ => files.put(path, FileKind::File, content),
            }
        }
        files
    }

    /// One file alone, of bytes that may hold anything.
    pub fn single(path: &'i str, content: &'i [u8]) -> Self {
        let mut files = Self::default();
        files.put(path, FileKind::File, content);
        files
    }

    fn put(&mut self, path: &'i str, kind: FileKind, content: &'i [u8]) {
        self.nodes.insert(path.trim_start_matches('/').as_bytes(), (kind, content));
    }

    /// Everything below a directory, as paths that begin with its own.
    fn below<'s>(&'s self, folder: &'s [u8]) -> impl Iterator<Item = &'i [u8]> + 's {
        let start: (Bound<&[u8]>, _) = (Bound::Excluded(folder), Bound::Unbounded);
        let belongs = move |path: &&[u8]| rest_below(folder, path).is_some();
        // Names such as `a-b` sort between `a` and `a/b`.
        let begins = move |path: &&'i [u8]| path.starts_with(folder);
        self.nodes.range::<[u8], _>(start).map(|(path, _)| *path).take_while(begins).filter(belongs)
    }

    fn content(&self, path: &[u8], wanted: FileKind) -> Result<&'i [u8]> {
        match self.nodes.get(path) {
            Some((kind, content)) if *kind == wanted => Ok(content),
            _ => Err(TargetError::io(display(path), std::io::ErrorKind::NotFound.into())),
        }
    }
}

/// What of `path` lies below `folder`.
fn rest_below<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    match folder {
        [] => Some(path),
        _ => path.strip_prefix(folder)?.strip_prefix(b"/"),
    }
}

impl Tree for Files<'_> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        let meta = |kind, mode, size: usize| Meta { kind, mode, uid: 0, gid: 0, size: size as u64, inode: 0 };
        Ok(match self.nodes.get(path) {
            Some((kind, content)) => Some(meta(*kind, 0o644, content.len())),
            None if path.is_empty() || self.below(path).next().is_some() => {
                Some(meta(FileKind::Directory, 0o755, 0))
            }
            None => None,
        })
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let names = self.below(path).filter_map(|p| rest_below(path, p)?.split(|b| *b == b'/').next());
        let mut names: Vec<&[u8]> = names.collect();
        names.sort_unstable();
        names.dedup();
        let mut entries = Vec::new();
        for name in names {
            let whole = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
            entries.extend(self.metadata(&whole)?.map(|meta| Entry { name: name.to_vec(), meta }));
        }
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        Ok(Box::new(self.content(path, FileKind::File)?))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.content(path, FileKind::Symlink).map(<[u8]>::to_vec)
    }
}
