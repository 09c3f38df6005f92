//! What only archives have: several members of one name, names that lead out, sparse members.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use super::fixtures::{have, run_on, sample};
use crate::target::{FileKind, TarTree, TargetError, Tree, open};

/// An archive of members: type, name as stored, link target or content.
fn archive(at: &Path, members: &[(EntryType, &str, &str)]) -> PathBuf {
    let path = at.join("made.tar");
    let mut builder = Builder::new(File::create(&path).unwrap());
    for (kind, name, text) in members {
        let mut header = Header::new_gnu();
        // Set as bytes: the library refuses the names that matter here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o640);
        header.set_uid(7);
        header.set_gid(8);
        let content = if *kind == EntryType::Regular { text.as_bytes() } else { b"" };
        if content.is_empty() {
            header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.finish().unwrap();
    path
}

fn text(tree: &dyn Tree, path: &str) -> String {
    let mut text = String::new();
    tree.open(path.as_bytes()).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn members_are_read_as_an_extraction_would_leave_them() {
    use EntryType::{Directory, Link, Regular, Symlink};
    let dir = tempfile::tempdir().unwrap();
    let path = archive(
        dir.path(),
        &[
            (Regular, "./a/file", "first"),
            (Link, "a/linked", "./a/file"),
            (Regular, "a/file", "second"),
            (Directory, "a/", ""),
            (Regular, "../../etc/up", "up"),
            (Regular, "/etc/absolute", "absolute"),
            (Symlink, "a/link", "/etc/up"),
            (Directory, "gone", ""),
            (Regular, "gone", "a file now"),
        ],
    );
    let tree = TarTree::open(&path).unwrap();
    assert_eq!(text(&tree, "a/file"), "second", "the last of one name");
    assert_eq!(text(&tree, "a/linked"), "first", "a link to what was there at its time");
    assert_eq!(text(&tree, "etc/up"), "up");
    assert_eq!(text(&tree, "etc/absolute"), "absolute");
    assert_eq!(text(&tree, "gone"), "a file now");
    let meta = |path: &str| tree.metadata(path.as_bytes()).unwrap().unwrap();
    assert_eq!((meta("a").mode, meta("a").uid), (0o640, 7), "described after it was implied");
    assert_eq!((meta("etc").mode, meta("etc").uid), (0o755, 0), "only implied");
    assert_eq!(tree.read_link(b"a/link").unwrap(), b"/etc/up");
    let names: Vec<_> = tree.read_dir(b"").unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, [b"a".to_vec(), b"etc".to_vec(), b"gone".to_vec()]);
}

#[test]
fn members_that_contradict_each_other_are_errors() {
    use EntryType::{Link, Regular, Symlink};
    let dir = tempfile::tempdir().unwrap();
    for members in [
        [(Symlink, "a", "/etc"), (Regular, "a/passwd", "x")],
        [(Regular, "a", "x"), (Regular, "a/b", "x")],
        [(Regular, "a", "x"), (Link, "b", "nowhere")],
        [(Link, "b", "../"), (Regular, "a", "x")],
    ] {
        let opened = TarTree::open(&archive(dir.path(), &members));
        assert!(matches!(opened, Err(TargetError::Corrupt(_))), "{members:?}");
    }
}

#[test]
fn a_sparse_member_is_seen_but_not_read() {
    if !have(&["tar"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    let path = dir.path().join("sparse.tar");
    for format in
        ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix --sparse-version=1.0"]
    {
        run_on(
            &format!("tar -c --sparse --format={format} -f"),
            &[&path, Path::new("-C"), &root, Path::new(".")],
        );
        let tree = open(&path).unwrap().tree;
        let meta = tree.metadata(b"sparse").unwrap().unwrap();
        assert_eq!((meta.kind, meta.size), (FileKind::File, 5_000_000), "{format}");
        assert!(matches!(tree.open(b"sparse"), Err(TargetError::Unsupported(_))), "{format}");
        assert_eq!(text(&*tree, "one"), "1", "{format}: the members after it are found");
    }
}

#[test]
fn a_truncated_archive_is_an_error() {
    if !have(&["tar"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    let path = dir.path().join("whole.tar");
    let cut = dir.path().join("cut.tar");
    for options in ["--format=posix", "-z"] {
        run_on(&format!("tar -c {options} -f"), &[&path, Path::new("-C"), &root, Path::new(".")]);
        let whole = fs::read(&path).unwrap();
        // At block boundaries, where members end, and elsewhere; the last 10 KiB may be padding.
        let end = whole.len() - 10_240_usize.min(whole.len() / 20);
        for part in 1..=40 {
            for len in [end * part / 40, end * part / 40 / 512 * 512] {
                fs::write(&cut, &whole[..len]).unwrap();
                let opened = TarTree::open(&cut);
                assert!(matches!(opened, Err(TargetError::Corrupt(_))), "{options}: cut at {len}");
            }
        }
    }
}
