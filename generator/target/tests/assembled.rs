//! Disks of several filesystems, as the RHEL family and Fedora lay them out: what is read is what the
//! running system would see. Needs root and loop devices.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::fixtures::{have, run_on};
use super::kernel::Mounted;
use crate::target::{Root, Tree, open, walk};

/// Programs that lay out what is read here.
const TOOLS: [&str; 5] = ["mkfs.xfs", "mkfs.btrfs", "btrfs", "mke2fs", "sgdisk"];

/// UUIDs by which fstab names what is on the disk.
const ROOT: &str = "11111111-2222-4333-8444-555555555555";
const BOOT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

/// An empty file of so many MiB, with a filesystem in it.
fn made(at: &Path, name: &str, mib: u64, mkfs: &str) -> PathBuf {
    let image = at.join(name);
    File::create(&image).unwrap().set_len(mib << 20).unwrap();
    run_on(mkfs, &[&image]);
    image
}

/// A GPT disk of these filesystems, each with the type of its partition.
fn disk(at: &Path, parts: &[(&Path, &str)]) -> PathBuf {
    let image = at.join("disk.img");
    let size: u64 = parts.iter().map(|(part, _)| fs::metadata(part).unwrap().len()).sum();
    let _ = fs::remove_file(&image);
    File::create(&image).unwrap().set_len(size + (4 << 20)).unwrap();
    let (mut command, mut start, mut starts) = (String::from("sgdisk -a 1"), 1 << 20, Vec::new());
    for (number, (part, kind)) in parts.iter().enumerate() {
        let len = fs::metadata(part).unwrap().len();
        let (n, first) = (number + 1, start / 512);
        command += &format!(" -n {n}:{first}:{} -t {n}:{kind}", first + len / 512 - 1);
        starts.push(start);
        start += len;
    }
    run_on(&command, &[&image]);
    let disk = File::options().write(true).open(&image).unwrap();
    for ((part, _), start) in parts.iter().zip(starts) {
        for (index, chunk) in fs::read(part).unwrap().chunks(1 << 16).enumerate() {
            if chunk.iter().any(|b| *b != 0) {
                disk.write_all_at(chunk, start + ((index as u64) << 16)).unwrap();
            }
        }
    }
    image
}

/// A system's root, and what its fstab says.
fn system(root: &Path, fstab: &str) {
    for dir in ["etc", "usr", "boot", "home"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::write(root.join("etc/os-release"), "ID=sample\n").unwrap();
    fs::write(root.join("etc/fstab"), fstab).unwrap();
    fs::write(root.join("home/hidden"), "below what is mounted").unwrap();
}

fn text(tree: &dyn Tree, path: &str) -> Option<String> {
    Root::new(tree).read_text(path).unwrap()
}

#[test]
fn subvolumes_and_partitions_are_where_fstab_mounts_them() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let root = made(at, "root.img", 200, &format!("mkfs.btrfs -q -U {ROOT}"));
    let Some(mounted) = Mounted::new(&root, "compress=zstd:1") else { return };
    for name in ["root", "home", "var"] {
        run_on("btrfs -q subvolume create", &[&mounted.point.join(name)]);
    }
    system(
        &mounted.point.join("root"),
        &format!(
            "UUID={ROOT} / btrfs compress=zstd:1,subvol=root 0 0\n\
             UUID={BOOT} /boot ext4 defaults 1 2\n\
             UUID=7A5B-11FF /boot/efi vfat umask=0077 0 2\n\
             UUID={ROOT} /home btrfs subvol=/home 0 0\n\
             UUID={ROOT} /var btrfs subvol=var 0 0\n\
             LABEL=elsewhere /srv xfs nofail 0 0\n\
             LABEL=elsewhere /mnt xfs noauto 0 0\n"
        ),
    );
    fs::create_dir(mounted.point.join("root/srv")).unwrap();
    fs::create_dir_all(mounted.point.join("home/user/.ssh")).unwrap();
    fs::write(mounted.point.join("home/user/.ssh/authorized_keys"), "a key").unwrap();
    fs::write(mounted.point.join("var/here"), "var").unwrap();
    // A snapshot of the root holds a system too, but its fstab doesn't name it.
    run_on(
        "btrfs -q subvolume snapshot",
        &[&mounted.point.join("root"), &mounted.point.join("before the update")],
    );
    fs::write(mounted.point.join("root/etc/hostname"), "newer").unwrap();
    drop(mounted);
    fs::create_dir_all(at.join("boot/grub2")).unwrap();
    fs::write(at.join("boot/grub2/grub.cfg"), "menu").unwrap();
    let boot =
        made(at, "boot.img", 32, &format!("mke2fs -q -t ext4 -U {BOOT} -d {}", at.join("boot").display()));
    let image = disk(at, &[(&boot, "8300"), (&root, "8304")]);

    let target = open(&image).unwrap();
    let tree = &*target.tree;
    assert_eq!(text(tree, "etc/hostname").as_deref(), Some("newer"));
    assert_eq!(text(tree, "boot/grub2/grub.cfg").as_deref(), Some("menu"));
    assert_eq!(text(tree, "home/user/.ssh/authorized_keys").as_deref(), Some("a key"));
    assert_eq!(text(tree, "var/here").as_deref(), Some("var"), "where no directory is, one is made");
    assert_eq!(text(tree, "home/hidden"), None, "hidden by what is mounted");
    assert_eq!(text(tree, "mnt/x"), None, "nobody mounts it");
    let unknown = Root::new(tree).read("srv/data").unwrap_err().to_string();
    assert!(
        unknown.contains("LABEL=elsewhere") && unknown.contains("not known to be on this disk"),
        "{unknown}"
    );
    let mut seen = Vec::new();
    let skipped = walk(tree, &mut |path, _| seen.push(String::from_utf8(path.to_vec()).unwrap())).unwrap();
    assert!(seen.contains(&"home/user/.ssh/authorized_keys".to_owned()), "{seen:?}");
    assert!(seen.contains(&"var/here".to_owned()), "{seen:?}");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].path, b"srv");
    let files: Vec<Vec<u8>> =
        ["etc/hostname", "home/user/.ssh/authorized_keys", "boot/grub2/grub.cfg", "srv/x"]
            .map(|path| path.as_bytes().to_vec())
            .to_vec();
    let read = std::sync::Mutex::new(vec![None; files.len()]);
    tree.read_many(&files, &|index, reader| {
        let content = reader.map(|reader| std::io::read_to_string(reader).unwrap());
        read.lock().unwrap()[index] = Some(content.unwrap_or_default());
    });
    let expected = ["newer", "a key", "menu", ""].map(|text| Some(text.to_owned()));
    assert_eq!(read.into_inner().unwrap(), expected);
}

#[test]
fn a_boot_partition_of_xfs_is_mounted_and_lvm_is_named() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let root = made(at, "root.img", 320, &format!("mkfs.xfs -q -m uuid={ROOT}"));
    let boot = made(at, "boot.img", 320, "mkfs.xfs -q -L boot");
    let Some(mounted) = Mounted::new(&root, "nouuid") else { return };
    system(
        &mounted.point,
        "LABEL=boot /boot xfs defaults 0 0\n/dev/mapper/system-home /home xfs defaults 0 0\n",
    );
    drop(mounted);
    let mounted = Mounted::new(&boot, "nouuid").unwrap();
    fs::write(mounted.point.join("vmlinuz"), "a kernel").unwrap();
    drop(mounted);
    let lvm = at.join("lvm.img");
    let file = File::create(&lvm).unwrap();
    file.set_len(4 << 20).unwrap();
    file.write_all_at(b"LABELONE", 512).unwrap();
    let image = disk(at, &[(&boot, "ea00"), (&root, "8300"), (&lvm, "8e00")]);
    let target = open(&image).unwrap();
    assert_eq!(text(&*target.tree, "boot/vmlinuz").as_deref(), Some("a kernel"));
    let unknown = Root::new(&*target.tree).read("home/user/.profile").unwrap_err().to_string();
    assert!(unknown.contains("/dev/mapper/system-home"), "{unknown}");

    let said = open(&disk(at, &[(&boot, "8300"), (&lvm, "8e00")])).err().unwrap().to_string();
    assert!(said.contains("partition 2 holds an LVM physical volume"), "{said}");
}

#[test]
fn several_systems_in_one_pool_are_ambiguous() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = made(dir.path(), "root.img", 200, "mkfs.btrfs -q");
    let Some(mounted) = Mounted::new(&root, "defaults") else { return };
    for name in ["one", "two"] {
        run_on("btrfs -q subvolume create", &[&mounted.point.join(name)]);
        system(&mounted.point.join(name), "");
    }
    let point = mounted.point.clone();
    drop(mounted);
    let said = open(&root).err().unwrap().to_string();
    assert!(said.contains("[256, 257] all hold a system"), "{said}");
    let mounted = Mounted::new(&root, "defaults").unwrap();
    run_on("btrfs subvolume set-default", &[&point.join("two")]);
    fs::write(point.join("two/etc/hostname"), "two").unwrap();
    drop(mounted);
    assert_eq!(text(&*open(&root).unwrap().tree, "etc/hostname").as_deref(), Some("two"));
}
