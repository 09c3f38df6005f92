//! XFS and btrfs, made without a kernel, damaged, dirty, or of a kind that is not read: an error that
//! says so, or the truth.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::fixtures::{Seen, have, kernel_view, run_on, tree_view};
use super::hostile::{Random, look, refusal};
use super::kernel::Mounted;
use crate::target::{FileKind, open};

/// A little system, with names that mkfs.xfs takes.
fn sample(at: &Path) -> PathBuf {
    let root = at.join("sample");
    if root.exists() {
        return root;
    }
    for dir in ["etc", "usr/lib", "many"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::write(root.join("usr/lib/os-release"), "ID=sample\n").unwrap();
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    // mkfs.xfs writes no longer ones that the kernel would read.
    symlink("long/".repeat(30), root.join("etc/long")).unwrap();
    for n in 0..150 {
        fs::write(root.join(format!("many/rather-long-name-{n}")), "x".repeat(n * 40)).unwrap();
    }
    fs::set_permissions(root.join("many/rather-long-name-7"), Permissions::from_mode(0o4711)).unwrap();
    fs::set_permissions(root.join("many"), Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(root.join("many/rather-long-name-8"), Some(70_000), Some(33)).unwrap();
    }
    root
}

/// A directory as mkfs.xfs wants to be told of it.
fn prototype(dir: &Path, text: &mut String) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let kind = if meta.is_dir() {
            'd'
        } else if meta.is_symlink() {
            'l'
        } else {
            '-'
        };
        let (uid, gid, mode) = (meta.uid(), meta.gid(), meta.mode());
        let set_uid = if mode & 0o4000 != 0 { 'u' } else { '-' };
        write!(text, "{name} {kind}{set_uid}-{:03o} {uid} {gid}", mode & 0o777).unwrap();
        if meta.is_dir() {
            text.push('\n');
            prototype(&path, text);
            text.push_str("$\n");
        } else if meta.is_symlink() {
            writeln!(text, " {}", fs::read_link(&path).unwrap().display()).unwrap();
        } else {
            writeln!(text, " {}", path.display()).unwrap();
        }
    }
}

/// That system in a filesystem that its mkfs filled, with a few options.
fn filled(mkfs: &str, at: &Path) -> PathBuf {
    let root = sample(at);
    let image = at.join("filled.img");
    let _ = fs::remove_file(&image);
    File::create(&image).unwrap().set_len(320 << 20).unwrap();
    if mkfs.starts_with("mkfs.xfs") {
        let mut text = String::from("none\n0 0\nd--755 0 0\n");
        prototype(&root, &mut text);
        text.push_str("$\n");
        fs::write(at.join("prototype"), text).unwrap();
        run_on(&format!("{mkfs} -p {}", at.join("prototype").display()), &[&image]);
    } else {
        run_on(&format!("{mkfs} --rootdir {}", root.display()), &[&image]);
    }
    image
}

/// What is there, file contents left out where nothing vouches for them.
fn seen(image: &Path, contents: bool) -> BTreeMap<Vec<u8>, Seen> {
    let mut seen = tree_view(&*open(image).unwrap().tree);
    if !contents {
        seen.values_mut().for_each(|entry| entry.6.clear());
    }
    seen
}

const KINDS: [&str; 4] =
    ["mkfs.xfs -q", "mkfs.xfs -q -b size=1024", "mkfs.btrfs -q", "mkfs.btrfs -q --csum sha256 -m single"];

#[test]
fn what_mkfs_stored_is_what_is_read() {
    if !have(&["mkfs.xfs", "mkfs.btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for mkfs in KINDS {
        let image = filled(mkfs, dir.path());
        assert_eq!(seen(&image, true), kernel_view(&dir.path().join("sample")), "{mkfs}");
    }
}

#[test]
fn a_changed_byte_is_an_error_or_changes_nothing() {
    if !have(&["mkfs.xfs", "mkfs.btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed);
    for mkfs in KINDS {
        let contents = mkfs.contains("btrfs");
        let image = filled(mkfs, dir.path());
        let expected = seen(&image, contents);
        let file = File::options().read(true).write(true).open(&image).unwrap();
        let bytes = fs::read(&image).unwrap();
        let used: Vec<usize> = (0..bytes.len())
            .step_by(512)
            .filter(|at| bytes[*at..*at + 512].iter().any(|b| *b != 0))
            .collect();
        let mut errors = 0;
        for _ in 0..150 {
            let at = used[random.below(used.len() as u64) as usize] + random.below(512) as usize;
            file.write_all_at(&[bytes[at] ^ 1 << random.below(8)], at as u64).unwrap();
            match look(&image) {
                Err(_) => errors += 1,
                Ok(()) => assert_eq!(seen(&image, contents), expected, "{mkfs}: byte {at}"),
            }
            file.write_all_at(&bytes[at..=at], at as u64).unwrap();
        }
        assert!(errors > 10, "{mkfs}: only {errors} changes were noticed");
    }
}

#[test]
fn a_truncated_filesystem_is_an_error() {
    if !have(&["mkfs.xfs", "mkfs.btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for mkfs in [KINDS[0], KINDS[2]] {
        let image = filled(mkfs, dir.path());
        let file = File::options().write(true).open(&image).unwrap();
        for mib in [319, 200, 40, 10, 1] {
            file.set_len(mib << 20).unwrap();
            assert!(refusal(&image).contains("the image is truncated"), "{mkfs}: {mib} MiB");
        }
        file.set_len(100).unwrap();
        refusal(&image);
    }
}

#[test]
fn one_that_is_in_use_is_refused() {
    if !have(&["mkfs.xfs", "mkfs.btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for mkfs in [KINDS[0], KINDS[2]] {
        let image = filled(mkfs, dir.path());
        let (before, during) = (dir.path().join("before.img"), dir.path().join("during.img"));
        fs::copy(&image, &before).unwrap();
        let Some(mounted) = Mounted::new(&image, "defaults") else { return };
        let file = File::create(mounted.point.join("etc/new")).unwrap();
        file.write_all_at(b"written", 0).unwrap();
        file.sync_all().unwrap();
        fs::copy(&image, &during).unwrap();
        drop(file);
        drop(mounted);
        assert!(refusal(&during).contains("not unmounted cleanly"), "{mkfs}: {}", refusal(&during));
        let (before, after) = (seen(&before, true), seen(&image, true));
        assert_eq!(after.len(), before.len() + 1, "{mkfs}");
        assert_eq!(after[b"etc/new".as_slice()].0, FileKind::File);
    }
}

#[test]
fn a_log_that_went_round_is_as_clean_as_a_new_one() {
    if !have(&["mkfs.xfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("fs.img");
    // The smallest logs, written in pieces of 512 bytes or of 32 KiB.
    for options in ["", "-l su=32k", "-s size=4096"] {
        let _ = fs::remove_file(&image);
        File::create(&image).unwrap().set_len(64 << 20).unwrap();
        run_on(&format!("mkfs.xfs -q --unsupported {options}"), &[&image]);
        for round in 0..10 {
            let Some(mounted) = Mounted::new(&image, "defaults") else { return };
            for dir in ["etc", "usr"] {
                fs::create_dir_all(mounted.point.join(dir)).unwrap();
            }
            for n in 0..300 + round * 11 {
                let path = mounted.point.join(format!("etc/{n}"));
                File::create(&path).unwrap().sync_all().unwrap();
                fs::remove_file(&path).unwrap();
            }
            fs::write(mounted.point.join(format!("usr/{round}")), "").unwrap();
            drop(mounted);
            assert_eq!(seen(&image, true).len(), 2 + round + 1, "{options}");
        }
    }
}

#[test]
fn what_is_not_read_is_named() {
    if !have(&["mkfs.xfs", "mkfs.btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (image, other) = (dir.path().join("fs.img"), dir.path().join("other.img"));
    for (mkfs, said) in [
        ("mkfs.xfs -q -m crc=0", "version 4 of the format"),
        ("mkfs.xfs -q -l size=64m,logdev=", "its log is on another device"),
        ("mkfs.btrfs -q --csum xxhash", "xxhash64 are not read"),
        ("mkfs.btrfs -q --csum blake2", "BLAKE2b are not read"),
        ("mkfs.btrfs -q -d raid0", "spread over 2 devices"),
    ] {
        for image in [&image, &other] {
            let _ = fs::remove_file(image);
            File::create(image).unwrap().set_len(320 << 20).unwrap();
        }
        match mkfs {
            _ if mkfs.ends_with('=') => run_on(&format!("{mkfs}{}", other.display()), &[&image]),
            _ if mkfs.contains("raid") => run_on(mkfs, &[&image, &other]),
            _ => run_on(mkfs, &[&image]),
        }
        assert!(refusal(&image).contains(said), "{mkfs}: {}", refusal(&image));
    }
}
