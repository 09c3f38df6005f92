//! Nothing leads out of a target.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::fixtures::{TOOLS, disk, filesystem, have, run_on};
use crate::target::{DirTree, FileKind, Root, TargetError, Tree, open};

/// A system whose links try to reach the machine that looks at it.
fn traps(root: &Path) {
    for dir in ["etc", "usr", "sub/sub"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::write(root.join("etc/inside"), "inside").unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    symlink("../../../../../../etc/passwd", root.join("sub/upwards")).unwrap();
    symlink("../../../../../../etc/inside", root.join("sub/found")).unwrap();
    symlink("/etc", root.join("sub/etc")).unwrap();
    symlink("/proc/self/root", root.join("magic")).unwrap();
    symlink("two", root.join("one")).unwrap();
    symlink("one", root.join("two")).unwrap();
    symlink("itself/more", root.join("itself")).unwrap();
}

fn assert_inside(tree: &dyn Tree) {
    let root = Root::new(tree);
    for path in ["absolute", "sub/upwards", "sub/etc/passwd", "magic/etc/passwd", "../../etc/passwd"] {
        assert!(!root.exists(path).unwrap(), "{path} must not reach the machine's own file");
        assert_eq!(root.read(path).unwrap(), None);
    }
    for path in ["sub/found", "sub/etc/inside", "/../etc/./inside"] {
        assert_eq!(root.read(path).unwrap().as_deref(), Some(b"inside".as_slice()), "{path}");
    }
    for path in ["one", "two", "itself", "one/below"] {
        assert!(matches!(root.resolve(path), Err(TargetError::LinkLoop { .. })), "{path}");
    }
    // The tree itself follows nothing at all.
    assert!(tree.metadata(b"sub/etc/inside").unwrap().is_none());
    assert!(tree.open(b"sub/etc/inside").is_err());
    assert!(tree.open(b"sub/found").is_err());
    assert!(tree.read_dir(b"sub/etc").is_err());
    assert!(tree.open(b"etc").is_err());
    assert_eq!(tree.metadata(b"magic").unwrap().unwrap().kind, FileKind::Symlink);
}

#[test]
fn links_stay_inside_every_kind_of_target() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    traps(&root);
    assert!(Path::new("/etc/passwd").exists(), "there is something to reach");
    assert_inside(&*open(&root).unwrap().tree);
    if !have(&TOOLS) {
        return;
    }
    let archive = dir.path().join("root.tar");
    run_on("tar -cf", &[&archive, Path::new("-C"), &root, Path::new(".")]);
    assert_inside(&*open(&archive).unwrap().tree);
    let image = disk(&filesystem(&root, dir.path(), ""), dir.path());
    assert_inside(&*open(&image).unwrap().tree);
}

#[test]
fn a_directory_that_is_exchanged_for_a_link_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    fs::create_dir_all(inside.join("door")).unwrap();
    fs::write(inside.join("door/hostname"), "inside").unwrap();
    let tree = DirTree::open(&inside).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(inside.join("door"), inside.join("aside")).unwrap();
                symlink("/proc/sys/kernel", inside.join("door")).unwrap();
                fs::remove_file(inside.join("door")).unwrap();
                fs::rename(inside.join("aside"), inside.join("door")).unwrap();
            }
        });
        let (mut tried, mut read, mut outside) = (0, 0, None);
        // On a busy machine the other thread may rest while the door is away.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while (tried < 20_000 || read == 0) && std::time::Instant::now() < end {
            tried += 1;
            let Ok(mut file) = tree.open(b"door/hostname") else { continue };
            let mut text = String::new();
            std::io::Read::read_to_string(&mut file, &mut text).unwrap();
            // The other thread has to be stopped before anything fails.
            if text != "inside" {
                outside = Some(text);
                break;
            }
            read += 1;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(outside, None);
        assert!(read > 0, "the door was never met open");
    });
}

#[test]
fn a_fifo_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (cwd, mode) = (rustix::fs::CWD, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(cwd, dir.path().join("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let tree = DirTree::open(dir.path()).unwrap();
    assert!(tree.open(b"pipe").is_err());
    assert_eq!(tree.metadata(b"pipe").unwrap().unwrap().kind, FileKind::Special);
}
