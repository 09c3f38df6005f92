//! Files whose mode or owner may give rights away, whatever wrote them.
//!
//! Owns the one walk over a tree that finds them. Must not know which of them are accepted.

use crate::target::{FileKind, Meta, Root, display, walk};

/// Every entry that may be trouble, found in one pass.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    /// Regular files with the set-user-id or set-group-id bit, and their modes.
    pub set_id: Vec<(String, u32)>,
    /// Files and directories without the sticky bit that anybody may write, and their modes.
    pub world_writable: Vec<(String, u32)>,
    /// Everything that is not root's, with the numbers of owner and group.
    pub owners: Vec<(String, u32, u32)>,
    /// Directories that could not be entered, and why: what is below is unknown.
    pub skipped: Vec<String>,
}

impl Suspects {
    /// Walks the tree.
    ///
    /// # Errors
    /// The tree can't be read.
    pub fn find(root: Root<'_>) -> crate::target::Result<Self> {
        let mut found = Self::default();
        let skipped = walk(root.tree(), &mut |path, meta| found.add(path, meta))?;
        found.skipped = skipped.iter().map(|s| format!("{}: {}", display(&s.path), s.reason)).collect();
        Ok(found)
    }

    fn add(&mut self, path: &[u8], meta: &Meta) {
        let file = meta.kind == FileKind::File;
        if file && meta.mode & 0o6000 != 0 {
            self.set_id.push((display(path), meta.mode));
        }
        let sticky = meta.kind == FileKind::Directory && meta.mode & 0o1000 != 0;
        let counts = matches!(meta.kind, FileKind::File | FileKind::Directory);
        if counts && meta.mode & 0o002 != 0 && !sticky {
            self.world_writable.push((display(path), meta.mode));
        }
        if (meta.uid, meta.gid) != (0, 0) {
            self.owners.push((display(path), meta.uid, meta.gid));
        }
    }
}
