//! How programs find their configuration files: shell patterns and names in directories.
//!
//! This module owns names and precedence of files. It must not know what stands in them.

use crate::target::{FileKind, Result, Root};

/// Whether a name matches a shell pattern (`*`, `?`, `[a-z]`, `[!x]`, `\x`), as `fnmatch` with
/// a leading dot matched only by a dot.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    wildcard(pattern, name)
}

/// `fnmatch` without any rule for dots. Linear backtracking: only the last `*` is retried.
pub fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, n));
            p += 1;
            continue;
        }
        if let Some(width) = one(&pattern[p..], name[n]) {
            p += width;
            n += 1;
            continue;
        }
        let Some((after, at)) = retry else { return false };
        retry = Some((after, at + 1));
        (p, n) = (after, at + 1);
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// Width of the first element of `pattern` if it matches `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        b'[' => match class(pattern, byte) {
            Some((width, true)) => Some(width),
            Some((_, false)) => None,
            None => (byte == b'[').then_some(1),
        },
        other => (other == byte).then_some(1),
    }
}

/// Width of a bracket expression and whether it holds `byte`; `None` where it never closes.
fn class(pattern: &[u8], byte: u8) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if negated { 2 } else { 1 };
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|b| *b == b']')?;
    let (mut i, mut found) = (start, false);
    while i < end {
        if i + 2 < end && pattern[i + 1] == b'-' {
            found |= (pattern[i]..=pattern[i + 2]).contains(&byte);
            i += 3;
        } else {
            found |= pattern[i] == byte;
            i += 1;
        }
    }
    Some((end + 1, found != negated))
}

/// Whether a path holds characters that make it a pattern.
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The paths that a shell pattern expands to, sorted; only what exists.
///
/// # Errors
/// A directory that can't be read.
pub fn glob(root: Root<'_>, pattern: &str) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in found {
            if is_pattern(part) {
                for entry in root.read_dir(&base)? {
                    if matches(part.as_bytes(), &entry.name) {
                        next.push(format!("{base}/{}", String::from_utf8_lossy(&entry.name)));
                    }
                }
            } else {
                let path = format!("{base}/{part}");
                if root.exists(&path)? {
                    next.push(path);
                }
            }
        }
        found = next;
    }
    found.sort_unstable();
    Ok(found)
}

/// As [`glob`], but only regular files, links to such included.
///
/// # Errors
/// A path that can't be looked at.
pub fn regular(root: Root<'_>, pattern: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in glob(root, pattern)? {
        if root.resolve(&path)?.is_some_and(|link| link.meta.kind == FileKind::File) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The names in a directory that end in a suffix, hidden ones left out. Whatever has such a name counts: a file, a
/// directory, a link that leads nowhere. Names that are no UTF-8 are passed over.
///
/// # Errors
/// A directory that can't be read.
pub fn names(root: Root<'_>, directory: &str, suffix: &str) -> Result<Vec<String>> {
    let entries = root.read_dir(directory)?.into_iter();
    let names = entries.filter_map(|entry| String::from_utf8(entry.name).ok());
    Ok(names.filter(|name| name.ends_with(suffix) && !name.starts_with('.')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn names_match_as_for_fnmatch() {
        for (name, pattern, want) in [
            ("50-a.conf", "*.conf", true),
            ("50-a.conf.bak", "*.conf", false),
            ("a", "?", true),
            ("b1", "[ab][0-9]", true),
            ("c1", "[!ab][0-9]", true),
            ("b1", "[!ab]*", false),
            ("[x", "[x", true),
            ("*", "\\*", true),
            ("a", "\\*", false),
            (".a", "*", false),
            (".a", ".*", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{name} {pattern}");
        }
    }

    #[test]
    fn files_are_sorted_and_hidden_ones_left_out() {
        let tree =
            MemoryTree::of(&[("/d/b.conf", ""), ("/d/a.conf", ""), ("/d/.c.conf", ""), ("/d/e/f.conf", "")]);
        assert_eq!(regular(tree.root(), "/d/*.conf").unwrap(), ["/d/a.conf", "/d/b.conf"]);
        assert_eq!(regular(tree.root(), "/d/a.conf").unwrap(), ["/d/a.conf"]);
        assert_eq!(regular(tree.root(), "/d/*").unwrap(), ["/d/a.conf", "/d/b.conf"]);
        assert_eq!(glob(tree.root(), "/d/[e-f]").unwrap(), ["/d/e"]);
        assert_eq!(regular(tree.root(), "/*/e/*").unwrap(), ["/d/e/f.conf"]);
        assert_eq!(regular(tree.root(), "/none/*").unwrap(), [""; 0]);
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            ("*.conf", "a.conf~", false),
            ("[0-9]*", "99-x", true),
            ("[!0-9]*", "99-x", false),
            ("a?c", "abc", true),
            ("a\\*c", "abc", false),
            ("[", "[", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_of_stars_stays_quick() {
        assert!(!wildcard(&b"*a".repeat(2000), &b"a".repeat(1500)));
    }
}
