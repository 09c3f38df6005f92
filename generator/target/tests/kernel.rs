//! Filesystems that the kernel filled: what it stored is what is read. Needs root and loop devices.

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
        let mount = Command::new("mount").args(["-o", &format!("loop,{options}")]).arg(image).arg(&point).output();
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
        let unmounted = Command::new("umount").arg(&self.point).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.point.display());
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
    run_on("fallocate -l 3M", &[&root.join("reserved")]);
    let reserved = File::options().write(true).open(root.join("reserved")).unwrap();
    reserved.write_all_at(b"written", 1_000_000).unwrap();
    run_on("fallocate -o 2M -l 3M -n", &[&root.join("reserved")]);
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

/// Makes a filesystem and has the kernel fill it; what it says of the files then.
fn filled(
    mkfs: &str,
    mount: &str,
    sample: &Path,
    at: &Path,
) -> Option<(PathBuf, std::collections::BTreeMap<Vec<u8>, Seen>)> {
    let image = at.join("kernel.img");
    let _ = fs::remove_file(&image);
    File::create(&image).unwrap().set_len(600 << 20).unwrap();
    run_on(mkfs, &[&image]);
    let view = {
        let mounted = Mounted::new(&image, mount)?;
        run_on("cp -a -T", &[sample, &mounted.point]);
        hard_cases(&mounted.point);
        kernel_view(&mounted.point)
    };
    Some((image, view))
}

fn assert_agrees(image: &Path, expected: &std::collections::BTreeMap<Vec<u8>, Seen>, how: &str) {
    let target = open(image).unwrap_or_else(|e| panic!("{how}: {e}"));
    assert_eq!(target.kind, TargetKind::Disk(DiskFormat::Raw));
    let seen = tree_view(&*target.tree);
    for (path, entry) in expected {
        assert_eq!(seen.get(path), Some(entry), "{:?} with {how}", String::from_utf8_lossy(path));
    }
    assert_eq!(seen.len(), expected.len(), "{how}: nothing else is there");
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
        let Some((image, expected)) = filled(&format!("mkfs.xfs -q {options}"), "nouuid", &root, dir.path()) else {
            return;
        };
        assert_agrees(&image, &expected, options);
    }
}
