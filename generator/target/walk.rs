//! One pass over a whole tree, for every scan that needs all entries.
//!
//! Owns order and bounds. Follows no symbolic link and passes over nothing without saying so.

use std::collections::HashSet;

use super::{FileKind, Meta, Result, TargetError, Tree, display};

/// Directories inside one another, at most.
pub const MAX_DEPTH: usize = 128;

/// Entries of a tree, at most.
pub const MAX_ENTRIES: u64 = 5_000_000;

/// A directory whose entries were not visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path.
    pub path: Vec<u8>,
    /// Why its entries are not known.
    pub reason: String,
}

/// Visits every entry below the root once, parents before children and names in byte order.
///
/// Returns the directories that could not be entered, with reasons: what lies below them is
/// unknown, not absent. An empty list means that everything was seen.
///
/// # Errors
/// The root can't be read, or the tree has more than `MAX_ENTRIES` entries.
pub fn walk(tree: &dyn Tree, visit: &mut dyn FnMut(&[u8], &Meta)) -> Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    let mut seen = HashSet::new();
    let mut visited = 0;
    if let Some(root) = tree.metadata(b"")? {
        seen.insert(root.inode);
    }
    // Names still to visit, per directory from the root down to where the walk is.
    let mut levels = vec![tree.read_dir(b"")?.into_iter()];
    let mut path = Vec::new();
    while let Some(level) = levels.last_mut() {
        let Some(entry) = level.next() else {
            levels.pop();
            path.truncate(path.iter().rposition(|b| *b == b'/').unwrap_or(0));
            continue;
        };
        visited += 1;
        if visited > MAX_ENTRIES {
            return Err(TargetError::Corrupt(format!("the tree has more than {MAX_ENTRIES} entries")));
        }
        let parent = path.len();
        if parent > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(&entry.name);
        visit(&path, &entry.meta);
        if entry.meta.kind == FileKind::Directory {
            match enter(tree, &path, &entry.meta, levels.len(), &mut seen) {
                Ok(entries) => {
                    levels.push(entries.into_iter());
                    continue;
                }
                Err(reason) => skipped.push(Skipped { path: path.clone(), reason }),
            }
        }
        path.truncate(parent);
    }
    Ok(skipped)
}

/// A directory's entries, or why they can't be visited.
fn enter(
    tree: &dyn Tree,
    path: &[u8],
    meta: &Meta,
    depth: usize,
    seen: &mut HashSet<u64>,
) -> std::result::Result<Vec<super::Entry>, String> {
    if depth >= MAX_DEPTH {
        return Err(format!("deeper than {MAX_DEPTH} directories"));
    }
    // A damaged or hostile filesystem, or a bind mount, may name one directory twice.
    if meta.inode != 0 && !seen.insert(meta.inode) {
        return Err(format!("{} is a directory that was visited already", display(path)));
    }
    match tree.boundary(path) {
        Ok(None) => tree.read_dir(path).map_err(|e| e.to_string()),
        Ok(Some(reason)) => Err(reason),
        Err(e) => Err(e.to_string()),
    }
}
