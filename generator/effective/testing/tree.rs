//! A tree in memory that can be written out for the real program to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use crate::target::{Entry, FileKind, Meta, Result, Root, TargetError, Tree, display};

/// Directories, regular files and symbolic links by path. A path may have a leading `/`; its
/// directories need no mention.
///
/// Everything belongs to root; a file has mode 0644, a directory 0755.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    /// By path without leading `/`. The root itself is not in it.
    nodes: BTreeMap<Vec<u8>, Node>,
}

#[derive(Clone, Debug)]
struct Node {
    content: Content,
    mode: u32,
    owner: (u32, u32),
}

#[derive(Clone, Debug)]
enum Content {
    File(Vec<u8>),
    Link(Vec<u8>),
    Directory,
}

impl Node {
    fn new(content: Content) -> Self {
        let mode = match content {
            Content::File(_) => 0o644,
            Content::Link(_) => 0o777,
            Content::Directory => 0o755,
        };
        Self { content, mode, owner: (0, 0) }
    }

    fn meta(&self) -> Meta {
        let (kind, size) = match &self.content {
            Content::File(bytes) => (FileKind::File, bytes.len()),
            Content::Link(text) => (FileKind::Symlink, text.len()),
            Content::Directory => (FileKind::Directory, 0),
        };
        let (uid, gid) = self.owner;
        Meta { kind, mode: self.mode, uid, gid, size: size as u64, inode: 0 }
    }
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of these files (path, text).
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::new();
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    /// The regular files and links below a directory of this machine, placed below `at`, with
    /// their modes and owners.
    pub fn load(directory: &Path, at: &str) -> Self {
        let mut tree = Self::new();
        for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
            let entry = entry.unwrap();
            let path = Path::new(at).join(entry.path().strip_prefix(directory).unwrap());
            let path = path.as_os_str().as_bytes();
            if entry.file_type().is_symlink() {
                tree.link(path, std::fs::read_link(entry.path()).unwrap().as_os_str().as_bytes());
            } else if entry.file_type().is_file() {
                let meta = entry.metadata().unwrap();
                tree.write(path, std::fs::read(entry.path()).unwrap());
                tree.mode(path, meta.mode() & 0o7777).owner(path, meta.uid(), meta.gid());
            }
        }
        tree
    }

    /// Writes a file, or replaces what is there: a link too, which is not followed.
    pub fn write(&mut self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> &mut Self {
        self.insert(path.as_ref(), Content::File(content.as_ref().to_vec()))
    }

    /// Makes a symbolic link, or replaces what is there.
    pub fn link(&mut self, path: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> &mut Self {
        self.insert(path.as_ref(), Content::Link(text.as_ref().to_vec()))
    }

    /// Makes a directory: only an empty one needs this.
    pub fn directory(&mut self, path: impl AsRef<[u8]>) -> &mut Self {
        self.insert(path.as_ref(), Content::Directory)
    }

    /// Sets permission bits of what is there.
    pub fn mode(&mut self, path: impl AsRef<[u8]>, mode: u32) -> &mut Self {
        self.node(path.as_ref()).mode = mode;
        self
    }

    /// Sets the owner and group of what is there.
    pub fn owner(&mut self, path: impl AsRef<[u8]>, uid: u32, gid: u32) -> &mut Self {
        self.node(path.as_ref()).owner = (uid, gid);
        self
    }

    /// Removes what is there, a directory with all in it.
    pub fn remove(&mut self, path: impl AsRef<[u8]>) -> &mut Self {
        let path = key(path.as_ref());
        assert!(self.nodes.remove(path).is_some(), "no {}", display(path));
        self.nodes.retain(|other, _| !other.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/")));
        self
    }

    /// Lays another tree over this one.
    pub fn overlay(&mut self, other: &Self) -> &mut Self {
        for (path, node) in &other.nodes {
            match (&node.content, self.nodes.get(path).map(|n| &n.content)) {
                (Content::Directory, Some(Content::Directory)) => {}
                _ => *self.insert(path, node.content.clone()).node(path) = node.clone(),
            }
        }
        self
    }

    /// Whether a symbolic link is there.
    pub fn is_link(&self, path: impl AsRef<[u8]>) -> bool {
        self.nodes.get(key(path.as_ref())).is_some_and(|node| matches!(node.content, Content::Link(_)))
    }

    /// The paths of all files and links, without leading `/`, in order.
    pub fn paths(&self) -> Vec<Vec<u8>> {
        let leaves = self.nodes.iter().filter(|(_, node)| !matches!(node.content, Content::Directory));
        leaves.map(|(path, _)| path.clone()).collect()
    }

    /// A regular file's bytes.
    pub fn bytes(&self, path: impl AsRef<[u8]>) -> Option<&[u8]> {
        match &self.nodes.get(key(path.as_ref()))?.content {
            Content::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Changes a regular file's bytes; mode and owner stay.
    pub fn replace(&mut self, path: impl AsRef<[u8]>, bytes: &[u8]) -> &mut Self {
        self.node(path.as_ref()).content = Content::File(bytes.to_vec());
        self
    }

    /// The tree as readers want it.
    pub fn root(&self) -> Root<'_> {
        Root::new(self)
    }

    /// The tree in a directory of its own, which is removed when the value goes.
    pub fn on_disk(&self) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        self.write_to(directory.path());
        directory
    }

    /// Writes everything below a directory of this machine, with modes, and with owners where they
    /// are not root's (which takes root's rights). Directories that exist stay as they are.
    pub fn write_to(&self, directory: &Path) {
        for (path, node) in &self.nodes {
            let path = directory.join(std::ffi::OsStr::from_bytes(path));
            match &node.content {
                Content::Directory if path.is_dir() => continue,
                Content::Directory => std::fs::create_dir(&path).unwrap(),
                Content::File(bytes) => std::fs::write(&path, bytes).unwrap(),
                Content::Link(text) => {
                    symlink(std::ffi::OsStr::from_bytes(text), &path).unwrap();
                    continue;
                }
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(node.mode)).unwrap();
            if node.owner != (0, 0) {
                chown(&path, Some(node.owner.0), Some(node.owner.1)).unwrap();
            }
        }
    }

    /// The whole tree for people: each file's path, and its text below.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for (path, node) in &self.nodes {
            let default = Node::new(node.content.clone());
            let mut place = display(path);
            if (node.mode, node.owner) != (default.mode, default.owner) {
                write!(place, " ({:o} {}:{})", node.mode, node.owner.0, node.owner.1).unwrap();
            }
            match &node.content {
                Content::File(bytes) => {
                    text += &format!("--- {place}\n{}", String::from_utf8_lossy(bytes));
                    text += if bytes.ends_with(b"\n") || bytes.is_empty() { "" } else { "\n(no line end)\n" };
                }
                Content::Link(target) => {
                    text += &format!("--- {place} -> {}\n", String::from_utf8_lossy(target))
                }
                Content::Directory if place.ends_with(')') => text += &format!("--- {place}\n"),
                Content::Directory => {}
            }
        }
        text
    }

    fn node(&mut self, path: &[u8]) -> &mut Node {
        let path = key(path);
        self.nodes.get_mut(path).unwrap_or_else(|| panic!("no {}", display(path)))
    }

    fn insert(&mut self, path: &[u8], content: Content) -> &mut Self {
        let path = key(path);
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let parent = self.nodes.entry(path[..at].to_vec()).or_insert(Node::new(Content::Directory));
            let is_directory = matches!(parent.content, Content::Directory);
            assert!(is_directory, "{} is below what is no directory", display(path));
        }
        let replaced = self.nodes.insert(path.to_vec(), Node::new(content.clone()));
        let was_directory = replaced.is_some_and(|node| matches!(node.content, Content::Directory));
        let is_directory = matches!(content, Content::Directory);
        assert!(is_directory || !was_directory, "{} is a directory", display(path));
        self
    }
}

fn key(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    path[start..].strip_suffix(b"/").unwrap_or(&path[start..])
}

impl Tree for MemoryTree {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        if path.is_empty() {
            return Ok(Some(Node::new(Content::Directory).meta()));
        }
        Ok(self.nodes.get(path).map(Node::meta))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let prefix = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        let below = self.nodes.range(prefix.clone()..).map_while(|(path, node)| {
            let name = path.strip_prefix(prefix.as_slice())?;
            Some((name, node))
        });
        let children = below.filter(|(name, _)| !name.is_empty() && !name.contains(&b'/'));
        Ok(children.map(|(name, node)| Entry { name: name.to_vec(), meta: node.meta() }).collect())
    }

    fn open(&self, path: &[u8]) -> Result<Box<dyn Read + Send + '_>> {
        match self.bytes(path) {
            Some(bytes) => Ok(Box::new(bytes)),
            None => Err(TargetError::Corrupt(format!("{} is no regular file", display(path)))),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        match self.nodes.get(path).map(|node| &node.content) {
            Some(Content::Link(text)) => Ok(text.clone()),
            _ => Err(TargetError::Corrupt(format!("{} is no link", display(path)))),
        }
    }
}

#[test]
fn a_tree_on_disk_is_the_tree_in_memory() {
    let mut tree = MemoryTree::of(&[("/etc/a", "1\n"), ("etc/b/c", "2"), ("/etc/gone/x", "")]);
    tree.link("/etc/l", "a").mode("/etc/a", 0o600).directory("/empty").remove("/etc/gone");
    let disk = tree.on_disk();
    let loaded = MemoryTree::load(disk.path(), "/");
    assert_eq!(loaded.paths(), tree.paths());
    assert_eq!(loaded.root().read("/etc/l").unwrap().unwrap(), b"1\n");
    assert_eq!(loaded.metadata(b"etc/a").unwrap().unwrap().mode, 0o600);
    assert!(disk.path().join("empty").is_dir());
    let names = |path: &str| -> Vec<Vec<u8>> {
        tree.root().read_dir(path).unwrap().into_iter().map(|entry| entry.name).collect()
    };
    assert_eq!(names("/etc"), [&b"a"[..], b"b", b"l"]);
    assert_eq!(names("/"), [&b"empty"[..], b"etc"]);
    assert!(tree.is_link("/etc/l"));
    tree.owner("/etc/a", 7, 8);
    assert!(tree.shown().starts_with("--- /etc/a (600 7:8)\n1\n--- /etc/b/c\n2\n(no line end)\n"));
}
