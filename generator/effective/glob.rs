//! glob(3) inside a target: sorted by bytes, hidden files only by name.

use super::files;
use crate::target::{Result, Root};

/// Paths (relative to the root) that fit an absolute pattern, in glob(3)'s order.
///
/// A name without a wildcard is taken where something is there, dangling links included, as
/// glob(3) does.
pub fn expand(root: &Root<'_>, pattern: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    for part in pattern.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for directory in &found {
            for name in names(root, directory, part)? {
                let mut path = directory.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(&name);
                next.push(path);
            }
        }
        found = next;
    }
    Ok(found)
}

fn names(root: &Root<'_>, directory: &[u8], part: &[u8]) -> Result<Vec<Vec<u8>>> {
    if !part.iter().any(|b| matches!(b, b'*' | b'?' | b'[')) {
        let name = unescaped(part);
        let path = [directory, b"/", &name].concat();
        return Ok(root.entry(&path)?.map(|_| name).into_iter().collect());
    }
    let names = root.read_dir(directory)?.into_iter().map(|entry| entry.name);
    Ok(names.filter(|name| files::matches(part, name)).collect())
}

fn unescaped(part: &[u8]) -> Vec<u8> {
    let mut bytes = part.iter();
    let mut name = Vec::new();
    while let Some(b) = bytes.next() {
        name.push(if *b == b'\\' { *bytes.next().unwrap_or(b) } else { *b });
    }
    name
}
