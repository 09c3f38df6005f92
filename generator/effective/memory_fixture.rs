//! Trees for tests: files held in memory, from text or from a directory, that can be written
//! out for the real program to read.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::target::{Entry, FileKind, Meta, Result, Root, TargetError, Tree};

#[derive(Clone, Debug)]
enum Node {
    File(Vec<u8>),
    Link(Vec<u8>),
    Directory,
}

/// A tree in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixture(BTreeMap<Vec<u8>, Node>);

impl Fixture {
    /// A tree of these files (path, text).
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut fixture = Self::default();
        for (path, text) in files {
            fixture.put(path, text.as_bytes());
        }
        fixture
    }

    /// The regular files and links below a directory of this machine, placed below `at`.
    pub(crate) fn load(directory: &Path, at: &str) -> Self {
        let mut fixture = Self::default();
        for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
            let entry = entry.unwrap();
            let below = entry.path().strip_prefix(directory).unwrap();
            let path = format!("{at}/{}", below.display());
            if entry.file_type().is_symlink() {
                let text = std::fs::read_link(entry.path()).unwrap();
                fixture.insert(&path, Node::Link(text.as_os_str().as_bytes().to_vec()));
            } else if entry.file_type().is_file() {
                fixture.put(&path, &std::fs::read(entry.path()).unwrap());
            }
        }
        fixture
    }

    /// Adds or replaces a file.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) {
        self.insert(path, Node::File(bytes.to_vec()));
    }

    /// Adds or replaces a symbolic link.
    pub(crate) fn link(&mut self, path: &str, text: &str) {
        self.insert(path, Node::Link(text.as_bytes().to_vec()));
    }

    /// The tree as readers want it.
    pub(crate) fn root(&self) -> Root<'_> {
        Root::new(self)
    }

    /// Writes everything below a directory of this machine.
    pub(crate) fn write_to(&self, directory: &Path) {
        for (path, node) in &self.0 {
            let path = directory.join(std::str::from_utf8(path).unwrap());
            match node {
                Node::Directory => std::fs::create_dir_all(path).unwrap(),
                Node::File(bytes) => std::fs::write(path, bytes).unwrap(),
                Node::Link(text) => {
                    std::os::unix::fs::symlink(std::str::from_utf8(text).unwrap(), path).unwrap();
                }
            }
        }
    }

    fn insert(&mut self, path: &str, node: Node) {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        for depth in 0..parts.len() {
            self.0.entry(parts[..depth].join("/").into_bytes()).or_insert(Node::Directory);
        }
        self.0.insert(parts.join("/").into_bytes(), node);
    }
}

fn meta(node: &Node) -> Meta {
    let (kind, size) = match node {
        Node::File(bytes) => (FileKind::File, bytes.len()),
        Node::Link(text) => (FileKind::Symlink, text.len()),
        Node::Directory => (FileKind::Directory, 0),
    };
    Meta { kind, mode: 0o755, uid: 0, gid: 0, size: size as u64, inode: 0 }
}

impl Tree for Fixture {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        Ok(self.0.get(path).map(meta))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let prefix = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        let below = self.0.iter().filter_map(|(name, node)| {
            let name = name.strip_prefix(prefix.as_slice())?;
            (!name.is_empty() && !name.contains(&b'/'))
                .then(|| Entry { name: name.to_vec(), meta: meta(node) })
        });
        Ok(below.collect())
    }

    fn open(&self, path: &[u8]) -> Result<Box<dyn Read + Send + '_>> {
        match self.0.get(path) {
            Some(Node::File(bytes)) => Ok(Box::new(bytes.as_slice())),
            _ => Err(TargetError::Corrupt("no regular file".into())),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        match self.0.get(path) {
            Some(Node::Link(text)) => Ok(text.clone()),
            _ => Err(TargetError::Corrupt("no link".into())),
        }
    }
}
