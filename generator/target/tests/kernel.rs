//! Filesystems that the kernel filled: what it stored is what is read. Needs root and loop devices.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixtures::{Seen, have, kernel_view, run_on, sample, tree_view};
use crate::target::{DiskFormat, TargetKind, open};

/// A filesystem that the kernel has mounted, until this goes out of scope.
pub struct Mounted {
    /// Where its files are.
    pub point: PathBuf,
}

impl Mounted {
    /// Mounts an image; `None`, and a word about it, where that can't be done here.
    pub fn new(image: &Path, options: &str) -> Option<Self> {
        let point = image.with_extension("mounted");
        fs::create_dir_all(&point).unwrap();
        let mount =
            Command::new("mount").args(["-o", &format!("loop,{options}")]).arg(image).arg(&point).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self { point }),
            why => {
                eprintln!("skipped: the kernel can't mount images here: {why:?}");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Whoever made a mount namespace meanwhile holds the mount too: everything is written now.
        let succeeds = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        let tried = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            succeeds(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.point))
                && succeeds(Command::new("umount").arg(&self.point))
        });
        assert!(tried || std::thread::panicking(), "{} stays mounted", self.point.display());
    }
}

/// What is hard about storing files: many names, many pieces, shared pieces, attributes, room
/// that was never written to.
fn hard_cases(root: &Path) {
    let pieces = File::create(root.join("pieces")).unwrap();
    // Written from both ends in turn, with gaps: nothing can be joined.
    for n in 0..1500_u64 {
        for block in [n, 5000 - n] {
            pieces.write_all_at(&[b'a' + (n % 26) as u8; 4096], block * 8192).unwrap();
        }
        if n % 100 == 0 {
            pieces.sync_all().unwrap();
        }
    }
    fs::create_dir(root.join("names")).unwrap();
    for n in 0..6000 {
        File::create(root.join(format!("names/number {n} {}", "n".repeat(n % 200)))).unwrap();
    }
    // Leaves gaps in the directory, and blocks without names.
    for n in (0..6000).filter(|n| n % 3 != 0 || (2000..4000).contains(n)) {
        fs::remove_file(root.join(format!("names/number {n} {}", "n".repeat(n % 200)))).unwrap();
    }
    let reserved = File::create(root.join("reserved")).unwrap();
    // ext3's way to store files knows no reserved room.
    let reserve = |options: &str| {
        let _ = Command::new("fallocate").args(options.split(' ')).arg(root.join("reserved")).output();
    };
    reserve("-l 3M");
    reserved.write_all_at(b"written", 1_000_000).unwrap();
    reserve("-o 2M -l 3M -n");
    run_on("cp --reflink=auto", &[&root.join("noise"), &root.join("noise, shared")]);
    let shared = File::options().write(true).open(root.join("noise, shared")).unwrap();
    shared.write_all_at(b"changed", 777_777).unwrap();
    run_on("fallocate -p -o 4096 -l 100000", &[&root.join("noise, shared")]);
    File::create(root.join("far")).unwrap().write_all_at(b"end", (64 << 20) + 12_345).unwrap();
    for (name, len) in [("one", 20), ("etc", 300), ("link of 60 bytes", 3000)] {
        let value = "v".repeat(len);
        let command = format!("setfattr -h -n trusted.long -v {value}");
        // Where the filesystem has no room for it, there is nothing to see.
        let words: Vec<&str> = command.split(' ').collect();
        let _ = Command::new(words[0]).args(&words[1..]).arg(root.join(name)).output();
    }
}

/// Makes a filesystem and has the kernel fill it, then `more`; what it says of the files then.
fn filled(
    mkfs: &str,
    mount: &str,
    (sample, at): (&Path, &Path),
    more: &dyn Fn(&Path),
) -> Option<(PathBuf, BTreeMap<Vec<u8>, Seen>)> {
    let image = at.join("kernel.img");
    let _ = fs::remove_file(&image);
    File::create(&image).unwrap().set_len(600 << 20).unwrap();
    run_on(mkfs, &[&image]);
    let view = {
        let mounted = Mounted::new(&image, mount)?;
        run_on("cp -a -T", &[sample, &mounted.point]);
        hard_cases(&mounted.point);
        more(&mounted.point);
        kernel_view(&mounted.point)
    };
    Some((image, view))
}

fn assert_agrees(image: &Path, expected: &BTreeMap<Vec<u8>, Seen>, how: &str) {
    let target = open(image).unwrap_or_else(|e| panic!("{how}: {e}"));
    assert_eq!(target.kind, TargetKind::Disk(DiskFormat::Raw));
    let seen = tree_view(&*target.tree);
    for (path, entry) in expected {
        assert_eq!(seen.get(path), Some(entry), "{:?} with {how}", String::from_utf8_lossy(path));
    }
    assert_eq!(seen.len(), expected.len(), "{how}: nothing else is there");
}

#[test]
fn ext4_is_what_the_kernel_stored() {
    if !have(&["mke2fs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    for options in
        ["", "-b 1024", "-O ^metadata_csum", "-O ^extent,^64bit", "-O inline_data,large_dir -I 1024"]
    {
        let mkfs = format!("mke2fs -q -t ext4 {options}");
        let more = |root: &Path| fs::remove_dir(root.join("lost+found")).unwrap();
        let Some((image, expected)) = filled(&mkfs, "defaults", (&root, dir.path()), &more) else {
            return;
        };
        assert_agrees(&image, &expected, options);
    }
}

#[test]
fn xfs_is_what_the_kernel_stored() {
    if !have(&["mkfs.xfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    for options in [
        "",
        "-b size=1024",
        "-b size=2048 -n size=4096 -i size=1024",
        "-n size=65536 -m reflink=0,rmapbt=1,finobt=0",
        "-i nrext64=1,sparse=1 -m bigtime=1,inobtcount=1 -d agcount=5",
        "-d su=64k,sw=2 -l version=2,su=32k",
    ] {
        let mkfs = format!("mkfs.xfs -q {options}");
        let Some((image, expected)) = filled(&mkfs, "nouuid", (&root, dir.path()), &|_| ()) else {
            return;
        };
        assert_agrees(&image, &expected, options);
    }
}

/// Subvolumes in one another, and a snapshot, which holds stubs of those below.
fn subvolumes(root: &Path) {
    for name in ["inner", "inner/innermost", "etc/inner"] {
        run_on("btrfs -q subvolume create", &[&root.join(name)]);
        fs::write(root.join(name).join("file"), name).unwrap();
    }
    std::os::unix::fs::chown(root.join("inner"), Some(7), Some(8)).unwrap();
    run_on("btrfs -q subvolume snapshot", &[&root.join("inner"), &root.join("snapshot")]);
    fs::write(root.join("inner/file"), "changed").unwrap();
    run_on("btrfs -q subvolume create", &[&root.join("gone")]);
    run_on("btrfs -q subvolume delete -c", &[&root.join("gone")]);
}

/// Content that compresses well, badly, and in pieces that are written over later.
fn compressible(root: &Path) {
    let text = fs::read(root.join("noise")).unwrap();
    let lines: Vec<u8> = (0..400_000_u32).flat_map(|n| format!("{} of many\n", n / 7).into_bytes()).collect();
    fs::write(root.join("lines"), &lines).unwrap();
    fs::write(root.join("short lines"), &lines[..1500]).unwrap();
    fs::write(root.join("blank"), vec![b' '; 1_000_000]).unwrap();
    let mixed: Vec<u8> =
        lines.chunks(5000).zip(text.chunks(3000)).flat_map(|(a, b)| [a, b].concat()).collect();
    fs::write(root.join("mixed"), &mixed).unwrap();
    let file = File::options().write(true).open(root.join("lines")).unwrap();
    file.sync_all().unwrap();
    for at in [10_000, 200_000, 200_001, 1_300_000] {
        file.write_all_at(b"written over", at).unwrap();
    }
    file.sync_all().unwrap();
}

#[test]
fn btrfs_is_what_the_kernel_stored() {
    if !have(&["mkfs.btrfs", "btrfs"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    for (options, mount) in [
        ("", "defaults"),
        ("-m single -n 4096", "compress=zstd:1"),
        ("-m dup -d dup -n 65536", "compress-force=zlib"),
        ("--csum sha256", "compress-force=lzo"),
        ("-M -O ^no-holes", "compress-force=zstd:15"),
        ("-O ^extref,^skinny-metadata", "nodatasum"),
    ] {
        let mkfs = format!("mkfs.btrfs -q {options}");
        let more = |root: &Path| {
            subvolumes(root);
            compressible(root);
        };
        let Some((image, expected)) = filled(&mkfs, mount, (&root, dir.path()), &more) else {
            return;
        };
        assert_agrees(&image, &expected, &format!("{options}, {mount}"));
    }
}
