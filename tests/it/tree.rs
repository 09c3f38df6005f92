//! A tree with changes laid over it: how the tests break an image without touching its bytes.
//!
//! Owns the overlay. Knows nothing of what the files mean.

use std::collections::{BTreeMap, BTreeSet};

use ironseed::hash;
use ironseed::target::{Entry, FileKind, Meta, Reader, Result, Root, TargetError, Tree, display};

/// One change of a tree. Paths are absolute inside it.
#[derive(Clone, Copy, Debug)]
pub enum Change<'c> {
    /// A file (mode 0644) with this text, in place of whatever is there.
    Write(&'c str, &'c str),
    /// As [`Change::Write`], with these permission bits.
    WriteAs(&'c str, u32, &'c str),
    /// Text added to the end of a file.
    Append(&'c str, &'c str),
    /// The first text in a file becomes the second; it has to be there.
    Replace(&'c str, &'c str, &'c str),
    /// A symbolic link to the second path.
    Link(&'c str, &'c str),
    /// Nothing any more.
    Remove(&'c str),
    /// A package in dpkg's database, as if the build had installed it: its record follows.
    Install(&'c str),
}

/// One change that was worked out before: whole content, with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A file in place of whatever is there; the owner is a user and a group.
    File { path: String, content: Vec<u8>, mode: u32, owner: (u32, u32) },
    /// A directory, with the entries that one of this name has.
    Directory { path: String, mode: u32, owner: (u32, u32) },
    /// A symbolic link.
    Link { path: String, text: String },
    /// Nothing any more.
    Remove { path: String },
}

/// What the overlay holds at a path.
#[derive(Clone, Debug)]
enum Node {
    File { content: Vec<u8>, mode: u32, owner: (u32, u32) },
    Directory { mode: u32, owner: (u32, u32) },
    Link(Vec<u8>),
    Gone,
}

impl Node {
    fn meta(&self) -> Option<Meta> {
        let (kind, mode, (uid, gid), size) = match self {
            Self::File { content, mode, owner } => (FileKind::File, *mode, *owner, content.len()),
            Self::Directory { mode, owner } => (FileKind::Directory, *mode, *owner, 0),
            Self::Link(text) => (FileKind::Symlink, 0o777, (0, 0), text.len()),
            Self::Gone => return None,
        };
        Some(Meta { kind, mode, uid, gid, size: size as u64, inode: 0 })
    }
}

/// A directory as most are.
const DIRECTORY: Node = Node::Directory { mode: 0o755, owner: (0, 0) };

/// dpkg's database, and what a build records of it.
const STATUS: &str = "/var/lib/dpkg/status";
const RECORD: &str = "/usr/share/ironseed/build.json";

/// A tree with changes.
pub struct Changed<'a> {
    base: &'a dyn Tree,
    nodes: BTreeMap<Vec<u8>, Node>,
}

impl<'a> Changed<'a> {
    /// Lays changes over a tree, one after the other.
    pub fn new(base: &'a dyn Tree, changes: &[Change<'_>]) -> Self {
        let mut changed = Self { base, nodes: BTreeMap::new() };
        for change in changes {
            changed.apply(*change);
        }
        changed
    }

    /// Lays changes over a tree that were worked out before.
    pub fn edited(base: &'a dyn Tree, edits: &[Edit]) -> Self {
        let mut changed = Self { base, nodes: BTreeMap::new() };
        for edit in edits {
            match edit {
                Edit::File { path, content, mode, owner } => {
                    let node = Node::File { content: content.clone(), mode: *mode, owner: *owner };
                    changed.put(path, node);
                }
                Edit::Directory { path, mode, owner } => {
                    changed.put(path, Node::Directory { mode: *mode, owner: *owner });
                }
                Edit::Link { path, text } => changed.put(path, Node::Link(text.as_bytes().to_vec())),
                Edit::Remove { path } => changed.apply(Change::Remove(path)),
            }
        }
        changed
    }

    /// Every path that differs from the base.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.keys().map(Vec::as_slice)
    }

    /// The paths that differ from the base, as a tree of their own for scans over all entries:
    /// its listings name nothing else, while every path can still be read.
    pub fn only(&self) -> OnlyChanged<'_> {
        OnlyChanged(self)
    }

    fn apply(&mut self, change: Change<'_>) {
        match change {
            Change::Write(path, text) => self.put(path, file(text, 0o644)),
            Change::WriteAs(path, mode, text) => self.put(path, file(text, mode)),
            Change::Append(path, text) => {
                let whole = self.text(path) + text;
                self.rewrite(path, &whole);
            }
            Change::Replace(path, from, to) => {
                let text = self.text(path);
                assert!(text.contains(from), "{path} does not say {from:?}, so nothing would change");
                self.rewrite(path, &text.replace(from, to));
            }
            Change::Link(path, target) => self.put(path, Node::Link(target.into())),
            Change::Remove(path) => {
                assert!(Root::new(self).entry(path).unwrap().is_some(), "{path} is not there to be removed");
                self.put(path, Node::Gone);
            }
            Change::Install(name) => self.install(name),
        }
    }

    fn install(&mut self, name: &str) {
        let before = self.text(STATUS);
        let stanza = format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\
             Maintainer: nobody\nDescription: made for a test\n\n"
        );
        let after = before.clone() + &stanza;
        self.rewrite(STATUS, &after);
        let [old, new] = [before, after].map(|text| hash::bytes(text.as_bytes()));
        let record = self.text(RECORD).replace(&old, &new);
        self.rewrite(RECORD, &record);
    }

    fn text(&self, path: &str) -> String {
        Root::new(self).read_text(path).unwrap().unwrap_or_else(|| panic!("the tree has no file {path}"))
    }

    /// New content for a file that is there, with the permission bits that it has.
    fn rewrite(&mut self, path: &str, text: &str) {
        let found = Root::new(self).resolve(path).unwrap().unwrap();
        self.nodes.insert(found.path, file(text, found.meta.mode));
    }

    fn put(&mut self, path: &str, node: Node) {
        let path = path.trim_start_matches('/').as_bytes().to_vec();
        for parent in parents(&path) {
            match self.metadata(parent).unwrap().map(|meta| meta.kind) {
                Some(FileKind::Directory) => {}
                None => drop(self.nodes.insert(parent.to_vec(), DIRECTORY)),
                Some(kind) => panic!("{} is no directory but a {kind:?}", display(parent)),
            }
        }
        self.nodes.insert(path, node);
    }

    /// Whether something above a path is no directory any more.
    fn is_hidden(&self, path: &[u8]) -> bool {
        parents(path).any(|p| !matches!(self.nodes.get(p), None | Some(Node::Directory { .. })))
    }

    fn absent(path: &[u8]) -> TargetError {
        TargetError::io(display(path), std::io::ErrorKind::NotFound.into())
    }
}

fn file(text: &str, mode: u32) -> Node {
    Node::File { content: text.as_bytes().to_vec(), mode, owner: (0, 0) }
}

/// Every directory above a path, from the top.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

/// The name of `path` where it lies directly in `folder`.
fn name_in<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    let name = match folder {
        [] => path,
        _ => path.strip_prefix(folder)?.strip_prefix(b"/")?,
    };
    (!name.is_empty() && !name.contains(&b'/')).then_some(name)
}

impl Tree for Changed<'_> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        match self.nodes.get(path) {
            _ if self.is_hidden(path) => Ok(None),
            Some(node) => Ok(node.meta()),
            None => self.base.metadata(path),
        }
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let in_base = self.base.metadata(path)?.is_some_and(|meta| meta.kind == FileKind::Directory);
        let mut entries = if in_base { self.base.read_dir(path)? } else { Vec::new() };
        let here = || self.nodes.iter().filter_map(|(at, node)| Some((name_in(path, at)?, node)));
        entries.retain(|entry| !here().any(|(name, _)| name == entry.name));
        entries.extend(
            here().filter_map(|(name, node)| Some(Entry { name: name.to_vec(), meta: node.meta()? })),
        );
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        match self.nodes.get(path) {
            _ if self.is_hidden(path) => Err(Self::absent(path)),
            Some(Node::File { content, .. }) => Ok(Box::new(content.as_slice())),
            Some(_) => Err(Self::absent(path)),
            None => self.base.open(path),
        }
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        match self.nodes.get(path) {
            _ if self.is_hidden(path) => Err(Self::absent(path)),
            Some(Node::Link(text)) => Ok(text.clone()),
            Some(_) => Err(Self::absent(path)),
            None => self.base.read_link(path),
        }
    }
}

/// See [`Changed::only`].
pub struct OnlyChanged<'a>(&'a Changed<'a>);

impl Tree for OnlyChanged<'_> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        self.0.metadata(path)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let below = self.0.nodes.keys().filter_map(|node| match path {
            b"" => Some(node.as_slice()),
            _ => node.strip_prefix(path)?.strip_prefix(b"/"),
        });
        let names: BTreeSet<&[u8]> = below.filter_map(|rest| rest.split(|b| *b == b'/').next()).collect();
        let mut entries = Vec::new();
        for name in names {
            let whole = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
            entries.extend(self.0.metadata(&whole)?.map(|meta| Entry { name: name.to_vec(), meta }));
        }
        Ok(entries)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        self.0.open(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.0.read_link(path)
    }
}
