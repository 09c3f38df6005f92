//! Path resolution inside a target: the one place where symbolic links are followed.

use std::io::Read;

use super::{Entry, FileKind, Meta, Result, TargetError, Tree, display};

/// Links followed for one path before it counts as a loop (the kernel's own bound).
const MAX_LINKS: usize = 40;

/// Largest file read whole as configuration. Real ones are far smaller; a hostile image's may not be.
pub const MAX_CONFIG_BYTES: u64 = 32 << 20;

/// A target's root directory: resolves links *inside* it, as `chroot` would.
#[derive(Clone, Copy)]
pub struct Root<'a> {
    tree: &'a dyn Tree,
}

/// Where a path led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The path after all links, relative to the root.
    pub path: Vec<u8>,
    /// What is there.
    pub meta: Meta,
}

impl<'a> Root<'a> {
    /// A root over a tree.
    pub fn new(tree: &'a dyn Tree) -> Self {
        Self { tree }
    }

    /// The tree below, for scans that want entries as they are, links not followed.
    pub fn tree(&self) -> &'a dyn Tree {
        self.tree
    }

    /// Follows every link of `path`; `None` where nothing is there (a dangling link included).
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Result<Option<Link>> {
        self.walk(path.as_ref(), true)
    }

    /// As [`Root::resolve`], but the last component itself is not followed.
    pub fn entry(&self, path: impl AsRef<[u8]>) -> Result<Option<Link>> {
        self.walk(path.as_ref(), false)
    }

    fn walk(&self, path: &[u8], follow_last: bool) -> Result<Option<Link>> {
        let mut todo: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == b".." {
                done.pop();
                continue;
            }
            done.push(name);
            let here = done.join(&b'/');
            let Some(meta) = self.tree.metadata(&here)? else {
                return Ok(None);
            };
            if meta.kind == FileKind::Symlink && (follow_last || !todo.is_empty()) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(TargetError::LinkLoop { path: display(path) });
                }
                let text = self.tree.read_link(&here)?;
                done.pop();
                if text.starts_with(b"/") {
                    done.clear();
                }
                todo.extend(components(&text).rev().map(<[u8]>::to_vec));
            }
        }
        let path = done.join(&b'/');
        Ok(self.tree.metadata(&path)?.map(|meta| Link { path, meta }))
    }

    /// Whether something is there after all links.
    pub fn exists(&self, path: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.resolve(path)?.is_some())
    }

    /// Reads a configuration file whole, following links; `None` where it does not exist or is
    /// no regular file.
    ///
    /// # Errors
    /// A file over [`MAX_CONFIG_BYTES`], a link loop, or a tree that can't be read.
    pub fn read(&self, path: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>> {
        self.read_up_to(path, MAX_CONFIG_BYTES)
    }

    /// As [`Root::read`], with another bound in bytes: for databases.
    ///
    /// # Errors
    /// See [`Root::read`].
    pub fn read_up_to(&self, path: impl AsRef<[u8]>, limit: u64) -> Result<Option<Vec<u8>>> {
        let path = path.as_ref();
        let Some(link) = self.resolve(path)? else {
            return Ok(None);
        };
        if link.meta.kind != FileKind::File {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.tree
            .open(&link.path)?
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| TargetError::io(display(path), e))?;
        if bytes.len() as u64 > limit {
            return Err(TargetError::TooLarge { path: display(path), size: link.meta.size, limit });
        }
        Ok(Some(bytes))
    }

    /// As [`Root::read`], as text; bytes that are no UTF-8 become U+FFFD.
    pub fn read_text(&self, path: impl AsRef<[u8]>) -> Result<Option<String>> {
        Ok(self.read(path)?.map(|b| String::from_utf8_lossy(&b).into_owned()))
    }

    /// Entries of a directory, sorted by name, following links to it; empty where there is none.
    pub fn read_dir(&self, path: impl AsRef<[u8]>) -> Result<Vec<Entry>> {
        match self.resolve(path)? {
            Some(link) if link.meta.kind == FileKind::Directory => self.tree.read_dir(&link.path),
            _ => Ok(Vec::new()),
        }
    }
}

/// The meaningful components of a path: empty ones and `.` left out, `..` kept.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".")
}
