//! Trees mounted on one another, as one tree.
//!
//! Owns paths across mount points. Knows neither why something is mounted nor how it is stored.

use super::volume::MAX_INODE;
use crate::target::{Entry, Meta, Reader, Result, TargetError, Tree, display};

/// What is mounted somewhere: a tree, or why it is not known.
pub type Mounted = std::result::Result<Box<dyn Tree>, String>;

/// A tree with others mounted on it.
pub struct Mounts {
    /// Mount points relative to the root, deeper ones later. The first is the root itself.
    mounts: Vec<(Vec<u8>, Mounted)>,
}

impl Mounts {
    /// A root with nothing mounted on it.
    pub fn new(root: Box<dyn Tree>) -> Self {
        Self { mounts: vec![(Vec::new(), Ok(root))] }
    }

    /// Mounts something at a path, which hides what is there. `false` where something is mounted
    /// there already, or there are too many to keep inodes apart.
    pub fn mount(&mut self, point: Vec<u8>, mounted: Mounted) -> bool {
        let room = self.mounts.len() < (u64::MAX / MAX_INODE) as usize;
        let free = room && self.mounts.iter().all(|(other, _)| *other != point);
        if free {
            self.mounts.push((point, mounted));
            self.mounts.sort_by_key(|(point, _)| point.len());
        }
        free
    }

    /// Where a path is: the number of the mount, and the path in it.
    fn locate<'p>(&self, path: &'p [u8]) -> (usize, &'p [u8]) {
        let below = |point: &[u8]| match path.strip_prefix(point)? {
            rest if point.is_empty() || rest.is_empty() => Some(rest),
            rest => rest.strip_prefix(b"/"),
        };
        let found =
            self.mounts.iter().enumerate().rev().find_map(|(index, (point, _))| Some((index, below(point)?)));
        found.unwrap_or((0, path))
    }

    /// The tree that a path is in, and the path in it.
    fn tree<'p>(&self, path: &'p [u8]) -> Result<(usize, &dyn Tree, &'p [u8])> {
        let (index, rest) = self.locate(path);
        match &self.mounts[index].1 {
            Ok(tree) => Ok((index, &**tree, rest)),
            Err(why) => Err(TargetError::Unsupported(format!("{}: {why}", display(path)))),
        }
    }
}

/// Inode numbers of different filesystems must not be the same.
fn numbered(index: usize, meta: Meta) -> Meta {
    let inode = if meta.inode == 0 { 0 } else { index as u64 * MAX_INODE + meta.inode };
    Meta { inode, ..meta }
}

impl Tree for Mounts {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        let (index, tree, rest) = self.tree(path)?;
        Ok(tree.metadata(rest)?.map(|meta| numbered(index, meta)))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let (index, tree, rest) = self.tree(path)?;
        let mut entries = tree.read_dir(rest)?;
        entries.iter_mut().for_each(|entry| entry.meta = numbered(index, entry.meta.clone()));
        // Where what is mounted is not known, the directory below it stays in the list.
        for (point, _) in self.mounts.iter().filter(|(_, mounted)| mounted.is_ok()) {
            let (parent, name) = match point.iter().rposition(|b| *b == b'/') {
                Some(at) => (&point[..at], &point[at + 1..]),
                None => (&point[..0], point.as_slice()),
            };
            if parent != path || name.is_empty() {
                continue;
            }
            if let Some(meta) = self.metadata(point)? {
                entries.retain(|entry| entry.name != name);
                entries.push(Entry { name: name.to_vec(), meta });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        let (_, tree, rest) = self.tree(path)?;
        tree.open(rest)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        let (_, tree, rest) = self.tree(path)?;
        tree.read_link(rest)
    }

    fn boundary(&self, path: &[u8]) -> Result<Option<String>> {
        let (index, rest) = self.locate(path);
        match &self.mounts[index].1 {
            Ok(tree) => tree.boundary(rest),
            Err(why) => Ok(Some(why.clone())),
        }
    }

    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        let located: Vec<(usize, &[u8])> = paths.iter().map(|path| self.locate(path)).collect();
        for (number, (_, mounted)) in self.mounts.iter().enumerate() {
            let inside: Vec<usize> = (0..paths.len()).filter(|index| located[*index].0 == number).collect();
            match mounted {
                Ok(tree) => {
                    let rests: Vec<Vec<u8>> = inside.iter().map(|index| located[*index].1.to_vec()).collect();
                    tree.read_many(&rests, &|index, reader| read(inside[index], reader));
                }
                Err(_) => inside.iter().for_each(|index| read(*index, self.open(&paths[*index]))),
            }
        }
    }
}
