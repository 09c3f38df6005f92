//! File names with wildcards, as many programs' include directives take them.

use crate::target::{FileKind, Result, Root};

/// The files that a pattern names, sorted. Wildcards (`*`, `?`) count in the last component only; a hidden file
/// is matched only by a pattern that begins with a dot. A pattern without wildcards names one file, if it's there.
pub fn files(root: Root<'_>, pattern: &str) -> Result<Vec<String>> {
    let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let mut found = Vec::new();
    for entry in root.read_dir(folder)? {
        let Ok(name) = String::from_utf8(entry.name) else { continue };
        if !matches(last.as_bytes(), name.as_bytes()) || (name.starts_with('.') && !last.starts_with('.')) {
            continue;
        }
        let path = format!("{folder}/{name}");
        if root.resolve(&path)?.is_some_and(|link| link.meta.kind == FileKind::File) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a name fits a pattern of literal bytes, `*` and `?`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: one byte further.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after, start)) => {
                    retry = Some((after, start + 1));
                    p = after;
                    n = start + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn wildcards_match_as_in_a_shell() {
        for (pattern, name, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("*", "", true),
            ("a?c*", "abcd", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_sorted_and_hidden_ones_left_out() {
        let tree =
            MemoryTree::of(&[("/d/b.conf", ""), ("/d/a.conf", ""), ("/d/.c.conf", ""), ("/d/e/f.conf", "")]);
        assert_eq!(files(tree.root(), "/d/*.conf").unwrap(), ["/d/a.conf", "/d/b.conf"]);
        assert_eq!(files(tree.root(), "/d/a.conf").unwrap(), ["/d/a.conf"]);
        assert_eq!(files(tree.root(), "/d/*").unwrap(), ["/d/a.conf", "/d/b.conf"]);
        assert_eq!(files(tree.root(), "/none/*").unwrap(), [""; 0]);
    }
}
