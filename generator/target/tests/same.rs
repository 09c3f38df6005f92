//! However a tree is stored, it is the same tree.

use std::fs;
use std::path::Path;

use super::fixtures::{TOOLS, disk, filesystem, have, kernel_view, qcow2, run_on, sample, tree_view};
use crate::target::{DiskFormat, TargetKind, open};

fn assert_same(root: &Path, image: &Path, kind: TargetKind) {
    let target = open(image).unwrap();
    assert_eq!(target.kind, kind);
    let (expected, seen) = (kernel_view(root), tree_view(&*target.tree));
    for (path, entry) in &expected {
        let name = String::from_utf8_lossy(path);
        assert_eq!(seen.get(path), Some(entry), "{name:?} in {}", image.display());
    }
    assert_eq!(seen.len(), expected.len(), "{}: nothing else is there", image.display());
    let inode = |path: &str| target.tree.metadata(path.as_bytes()).unwrap().unwrap().inode;
    assert_eq!(inode("one"), inode("many/hard link"));
    assert_ne!(inode("one"), inode("zero"));
}

#[test]
fn a_directory_is_what_the_kernel_says() {
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    assert_same(&root, &root, TargetKind::Directory);
}

#[test]
fn an_archive_is_what_was_packed() {
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    if !have(&["tar"]) {
        return;
    }
    let archive = dir.path().join("root.tar");
    for options in ["--format=gnu", "--format=pax", "-z --format=gnu", "-z --format=posix"] {
        run_on(&format!("tar -c {options} -f"), &[&archive, Path::new("-C"), &root, Path::new(".")]);
        assert_same(&root, &archive, TargetKind::Tar);
    }
}

#[test]
fn a_disk_is_what_was_written_to_it() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    let at = dir.path();
    // Extents, the block map of ext3, content within inodes, and the smallest blocks.
    for options in ["", "-b 1024", "-O ^extent,^64bit,^metadata_csum", "-O inline_data -I 1024"] {
        if options.contains("inline_data") {
            // mke2fs then cuts off the hole at its end, as debugfs sees too.
            fs::remove_file(root.join("sparse")).unwrap();
        }
        let bare = filesystem(&root, at, options);
        let disk = disk(&bare, at);
        assert_same(&root, &disk, TargetKind::Disk(DiskFormat::Raw));
        if options.is_empty() {
            assert_same(&root, &bare, TargetKind::Disk(DiskFormat::Raw));
            for options in ["", "-c", "-c -o cluster_size=512", "-c -o cluster_size=2M", "-c -o compat=0.10"]
            {
                let image = qcow2(&disk, at, options);
                assert_same(&root, &image, TargetKind::Disk(DiskFormat::Qcow2));
            }
        }
    }
}
