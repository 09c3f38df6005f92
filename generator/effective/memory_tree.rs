//! A tree in memory, for the readers' tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::target::{Entry, FileKind, Meta, Result, Tree};

/// Files (and links) by path; directories follow from the paths.
#[derive(Debug, Default)]
pub(crate) struct MemoryTree {
    entries: BTreeMap<Vec<u8>, Node>,
}

#[derive(Debug)]
enum Node {
    File(Vec<u8>),
    Program,
    Link(Vec<u8>),
    Directory,
}

impl MemoryTree {
    /// A tree of files; paths with or without a leading `/`.
    pub(crate) fn new<P: AsRef<str>, C: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        let mut tree = Self::default();
        for (path, content) in files {
            tree.put(path.as_ref(), Node::File(content.as_ref().to_vec()));
        }
        tree
    }

    /// The tree with a symbolic link added.
    pub(crate) fn link(mut self, path: &str, text: &str) -> Self {
        self.put(path, Node::Link(text.as_bytes().to_vec()));
        self
    }

    /// The tree with an empty executable file added.
    pub(crate) fn executable(mut self, path: &str) -> Self {
        self.put(path, Node::Program);
        self
    }

    fn put(&mut self, path: &str, node: Node) {
        let path = path.trim_start_matches('/');
        for (at, _) in path.match_indices('/') {
            self.entries.entry(path.as_bytes()[..at].to_vec()).or_insert(Node::Directory);
        }
        self.entries.insert(path.as_bytes().to_vec(), node);
    }

    fn meta(node: &Node) -> Meta {
        let (kind, mode, size) = match node {
            Node::File(content) => (FileKind::File, 0o644, content.len()),
            Node::Program => (FileKind::File, 0o755, 0),
            Node::Link(text) => (FileKind::Symlink, 0o777, text.len()),
            Node::Directory => (FileKind::Directory, 0o755, 0),
        };
        Meta { kind, mode, uid: 0, gid: 0, size: size as u64, inode: 0 }
    }
}

impl Tree for MemoryTree {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        if path.is_empty() {
            return Ok(Some(Self::meta(&Node::Directory)));
        }
        Ok(self.entries.get(path).map(Self::meta))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let prefix = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        let names: BTreeSet<Vec<u8>> = self
            .entries
            .keys()
            .filter_map(|k| k.strip_prefix(prefix.as_slice()))
            .filter(|rest| !rest.is_empty() && !rest.contains(&b'/'))
            .map(<[u8]>::to_vec)
            .collect();
        let entry = |name: Vec<u8>| {
            let path = [prefix.as_slice(), &name].concat();
            Entry { meta: Self::meta(&self.entries[&path]), name }
        };
        Ok(names.into_iter().map(entry).collect())
    }

    fn open(&self, path: &[u8]) -> Result<Box<dyn Read + Send + '_>> {
        match self.entries.get(path) {
            Some(Node::File(content)) => Ok(Box::new(content.as_slice())),
            _ => Ok(Box::new(std::io::empty())),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        match self.entries.get(path) {
            Some(Node::Link(text)) => Ok(text.clone()),
            _ => Ok(Vec::new()),
        }
    }
}
