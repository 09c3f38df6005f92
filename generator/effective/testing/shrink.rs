//! What a case of a differential test is, and how it gets smaller.

use super::MemoryTree;

/// A generated case: something that can be made smaller and shown.
pub trait Case: Sized {
    /// Cases that lack a part of this one, the boldest first; none where nothing can go.
    fn smaller(&self) -> Vec<Self>;

    /// The case for people, whole.
    fn shown(&self) -> String;
}

/// A text loses lines: half of them, a quarter, at last single ones.
impl Case for String {
    fn smaller(&self) -> Vec<Self> {
        let lines: Vec<&str> = self.split_inclusive('\n').collect();
        without_parts(&lines).into_iter().map(|kept| kept.concat()).collect()
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

/// A tree loses files and links, then lines of each file. Directories stay.
impl Case for MemoryTree {
    fn smaller(&self) -> Vec<Self> {
        let paths = self.paths();
        let mut found = Vec::new();
        for kept in without_parts(&paths) {
            let mut tree = self.clone();
            paths.iter().filter(|path| !kept.contains(path)).for_each(|path| {
                tree.remove(path);
            });
            found.push(tree);
        }
        for path in &paths {
            let Some(bytes) = self.bytes(path) else { continue };
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            for kept in without_parts(&lines) {
                let mut tree = self.clone();
                tree.replace(path, &kept.concat());
                found.push(tree);
            }
        }
        found
    }

    fn shown(&self) -> String {
        self.shown()
    }
}

/// The list without each of its halves, without each of its quarters, and so on to single parts.
fn without_parts<T: Clone>(parts: &[T]) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    let mut size = parts.len();
    while size > 0 {
        for start in (0..parts.len()).step_by(size) {
            let end = (start + size).min(parts.len());
            found.push([&parts[..start], &parts[end..]].concat());
        }
        size /= 2;
    }
    found
}

#[test]
fn every_single_part_can_go() {
    let smaller = "a\nb\nc".to_owned().smaller();
    for wanted in ["", "a\nb\n", "a\nc", "b\nc"] {
        assert!(smaller.contains(&wanted.to_owned()), "{wanted:?} in {smaller:?}");
    }
    assert!(String::new().smaller().is_empty());
    let tree = MemoryTree::of(&[("/a", "1\n2\n"), ("/b", "3\n")]);
    let shown: Vec<String> = tree.smaller().iter().map(Case::shown).collect();
    for wanted in ["", "--- /a\n1\n2\n", "--- /a\n2\n--- /b\n3\n", "--- /a\n1\n2\n--- /b\n"] {
        assert!(shown.contains(&wanted.to_owned()), "{wanted:?} in {shown:?}");
    }
}
