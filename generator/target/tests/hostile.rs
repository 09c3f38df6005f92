//! Damaged and hostile targets: a clear error, never a panic, never without end.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::fixtures::{
    PARTITION_START, TOOLS, disk, filesystem, have, kernel_view, qcow2, run_on, sample, tree_view,
};
use crate::target::{Entry, FileKind, Meta, Reader, Result, TargetError, Tree, open, walk};

/// Looks at everything in a target; the first thing that is wrong.
pub fn look(path: &Path) -> Result<()> {
    let target = open(path)?;
    let mut files = Vec::new();
    let mut wrong = None;
    let skipped = walk(&*target.tree, &mut |path, meta| match meta.kind {
        FileKind::File => files.push(path.to_vec()),
        FileKind::Symlink => wrong = target.tree.read_link(path).err(),
        _ => {}
    })?;
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        // A damaged size may claim a hole without end.
        let mut reader = target.tree.open(&path)?.take(8 << 20);
        while reader.read(&mut buffer).map_err(|e| TargetError::io("content", e))? > 0 {}
    }
    match (wrong, skipped.first()) {
        (Some(e), _) => Err(e),
        (None, Some(skipped)) => Err(TargetError::Corrupt(skipped.reason.clone())),
        (None, None) => Ok(()),
    }
}

/// What opening says, which must be an error.
pub fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(_) => panic!("{} was taken", path.display()),
        Err(e) => e.to_string(),
    }
}

/// Numbers from a seed (xorshift), so that a failure can be repeated.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Changes one byte, looks, and changes it back.
fn with_byte(file: &File, path: &Path, at: u64, change: u8) -> Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ change], at).unwrap();
    let seen = look(path);
    file.write_all_at(&byte, at).unwrap();
    seen
}

#[test]
fn a_changed_byte_is_at_worst_an_error() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    let mut random = Random(0x1234_5678);
    // Without checksums, damage gets as far as it can.
    for options in ["", "-O ^metadata_csum,^uninit_bg", "-O ^extent,^64bit,^metadata_csum"] {
        let image = disk(&filesystem(&root, dir.path(), options), dir.path());
        look(&image).unwrap();
        let file = File::options().read(true).write(true).open(&image).unwrap();
        // Partition table; superblock; group descriptors; inodes and directories.
        let regions = [(512, 16 << 10, 20), (1024, 1024, 40), (4096, 4096, 20), (8192, 4 << 20, 100)];
        let mut errors = 0;
        for (index, (start, len, times)) in regions.into_iter().enumerate() {
            let start = if index == 0 { start } else { PARTITION_START + start };
            for _ in 0..times {
                let (at, change) = (start + random.below(len), 1 << random.below(8));
                errors += u32::from(with_byte(&file, &image, at, change).is_err());
            }
        }
        assert!(errors > 10, "only {errors} changes were noticed with {options:?}");
    }
}

#[test]
fn a_changed_superblock_is_noticed_and_named() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = filesystem(&sample(dir.path()), dir.path(), "");
    let file = File::options().read(true).write(true).open(&image).unwrap();
    // The label, which nothing but the checksum vouches for.
    let said = with_byte(&file, &image, 1024 + 0x78, 1).unwrap_err().to_string();
    assert!(said.contains("superblock checksum mismatch"), "{said}");
    run_on("debugfs -w -R", &[Path::new("feature needs_recovery"), &image]);
    assert!(refusal(&image).contains("not unmounted cleanly"));
    run_on("debugfs -w -R", &[Path::new("feature -needs_recovery"), &image]);
    look(&image).unwrap();
    run_on("debugfs -w -R", &[Path::new("ssv state 3"), &image]);
    assert!(refusal(&image).contains("having errors"));
}

#[test]
fn a_truncated_image_is_an_error() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = sample(dir.path());
    let expected = kernel_view(&root);
    let raw = disk(&filesystem(&root, dir.path(), ""), dir.path());
    for options in ["-c", ""] {
        let image = qcow2(&raw, dir.path(), options);
        let whole = fs::read(&image).unwrap();
        let cut = dir.path().join("cut.qcow2");
        for part in 0..40 {
            let len = whole.len() * part / 40;
            fs::write(&cut, &whole[..len]).unwrap();
            // What is cut off may be free space of the disk; then everything else is there.
            if look(&cut).is_ok() {
                assert!(part > 30, "cut at {len} of {}", whole.len());
                assert_eq!(tree_view(&*open(&cut).unwrap().tree), expected);
            }
        }
        let mut random = Random(99);
        let file = File::options().read(true).write(true).open(&image).unwrap();
        for _ in 0..50 {
            // Header and tables: the first clusters.
            let _ = with_byte(&file, &image, random.below(112), 1 << random.below(8));
            let _ = with_byte(&file, &image, random.below(5 << 16), 1 << random.below(8));
        }
        fs::remove_file(&image).unwrap();
    }
    let file = File::options().write(true).open(&raw).unwrap();
    file.set_len(PARTITION_START + (20 << 20)).unwrap();
    assert!(refusal(&raw).contains("beyond the disk's end"));
}

#[test]
fn an_image_that_depends_on_more_is_refused_by_name() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("base.raw"), vec![0; 1 << 20]).unwrap();
    let image = at.join("image.qcow2");
    let secret = "--object secret,id=key,data=0123456789";
    for (command, said) in [
        ("-b base.raw -F raw", "backing file, \"base.raw\""),
        ("-o data_file=data.raw", "external data file"),
        ("-o compression_type=zstd", "compression other than zlib"),
        ("-o extended_l2=on", "extended L2"),
        ("-o encrypt.format=luks,encrypt.key-secret=key", "encrypted with LUKS"),
        ("-o encrypt.format=aes,encrypt.key-secret=key", "encrypted with AES"),
    ] {
        let command = format!("cd \"$0\" && qemu-img create -q -f qcow2 {secret} {command} image.qcow2 1M");
        run_on("sh -c", &[Path::new(&command), at]);
        assert!(refusal(&image).contains(said), "{said}: {}", refusal(&image));
        fs::remove_file(&image).unwrap();
    }
}

#[test]
fn what_is_no_target_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for (bytes, said) in [
        (b"".as_slice(), "an empty file"),
        (b"\xfd7zXZ\0and so on", "xz-compressed"),
        (b"KDMV and so on", "VMDK"),
        (&[b'a'; 9000], "of no known format"),
        (b"\x1f\x8bno gzip", "damaged gzip data"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert!(refusal(&path).contains(said), "{}", refusal(&path));
    }
    let mut random = Random(7);
    for _ in 0..300 {
        let mut bytes: Vec<u8> = (0..9000).map(|_| random.below(256) as u8).collect();
        bytes[..4].copy_from_slice(b"QFI\xfb");
        fs::write(&path, &bytes).unwrap();
        assert!(look(&path).is_err());
        bytes[510..520].copy_from_slice(b"\x55\xaaEFI PART");
        bytes[..4].fill(0);
        fs::write(&path, &bytes).unwrap();
        assert!(look(&path).is_err());
    }
}

#[test]
fn two_systems_on_one_disk_are_ambiguous() {
    if !have(&TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = disk(&filesystem(&sample(dir.path()), dir.path(), ""), dir.path());
    // The root's entry once more, as a third partition, with the checksums that belong to it.
    let file = File::options().read(true).write(true).open(&image).unwrap();
    let mut header = vec![0; 512];
    let mut table = vec![0; 128 * 128];
    file.read_exact_at(&mut header, 512).unwrap();
    file.read_exact_at(&mut table, 1024).unwrap();
    let second = table[128..256].to_vec();
    table[256..384].copy_from_slice(&second);
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    header[88..92].copy_from_slice(&crc(&table));
    header[16..20].fill(0);
    let sum = crc(&header[..92]);
    header[16..20].copy_from_slice(&sum);
    file.write_all_at(&header, 512).unwrap();
    file.write_all_at(&table, 1024).unwrap();
    assert!(refusal(&image).contains("partitions 2 and 3 both hold a system"), "{}", refusal(&image));
}

/// A tree in which every directory holds itself under two names.
struct Endless;

impl Tree for Endless {
    fn metadata(&self, _path: &[u8]) -> Result<Option<Meta>> {
        let kind = FileKind::Directory;
        Ok(Some(Meta { kind, mode: 0o755, uid: 0, gid: 0, size: 0, inode: 2 }))
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        let inode = if path.starts_with(b"new") { path.len() as u64 } else { 2 };
        let entry = |name: &[u8], inode| Entry {
            name: name.to_vec(),
            meta: Meta { kind: FileKind::Directory, mode: 0o755, uid: 0, gid: 0, size: 0, inode },
        };
        Ok(vec![entry(b"again", 2), entry(b"new", 10 + inode)])
    }

    fn open(&self, _path: &[u8]) -> Result<Reader<'_>> {
        Err(TargetError::Unsupported("no files".into()))
    }

    fn read_link(&self, _path: &[u8]) -> Result<Vec<u8>> {
        Err(TargetError::Unsupported("no links".into()))
    }
}

#[test]
fn a_walk_ends_where_directories_do_not() {
    let mut deepest = 0;
    let skipped = walk(&Endless, &mut |path, _| {
        deepest = deepest.max(path.split(|b| *b == b'/').count());
    })
    .unwrap();
    assert_eq!(deepest, 128);
    assert_eq!(skipped.iter().filter(|s| s.reason.contains("visited already")).count(), 127);
    assert_eq!(skipped.iter().filter(|s| s.reason.contains("deeper than 128")).count(), 2);
}
