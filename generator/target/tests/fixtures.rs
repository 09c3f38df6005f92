//! Trees and images that the tests make for themselves, and what is seen in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::target::{FileKind, Tree, walk};

/// Programs that make what the tests read.
pub const TOOLS: [&str; 5] = ["mke2fs", "debugfs", "sgdisk", "qemu-img", "tar"];

/// Where the root partition starts in a test's disk.
pub const PARTITION_START: u64 = 1 << 20;

/// All that must be the same however a file is stored: kind, mode, owner, group, size, link's
/// text, SHA-256.
pub type Seen = (FileKind, u32, u32, u32, u64, Vec<u8>, Vec<u8>);

/// Whether the programs are there; says so where they aren't.
pub fn have(tools: &[&str]) -> bool {
    let missing: Vec<_> =
        tools.iter().filter(|tool| Command::new(tool).arg("--version").output().is_err()).collect();
    if !missing.is_empty() {
        eprintln!("skipped: needs {missing:?}");
    }
    missing.is_empty()
}

/// Runs a program that must succeed.
pub fn run(program: &str, args: &[&OsStr]) {
    let output = Command::new(program).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
}

/// Runs a program with words and, at its end, paths.
pub fn run_on(command: &str, paths: &[&Path]) {
    let mut words = command.split_whitespace().map(OsStr::new);
    let program = words.next().unwrap().to_str().unwrap();
    let args: Vec<&OsStr> = words.chain(paths.iter().map(|p| p.as_os_str())).collect();
    run(program, &args);
}

/// A small system with everything that is awkward about names, modes, links and sizes.
pub fn sample(at: &Path) -> PathBuf {
    let root = at.join("root");
    for dir in ["etc", "usr/lib", "many", "empty", "sticky"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    let write = |name: &OsStr, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    write("usr/lib/os-release".as_ref(), b"ID=sample\n");
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    write("zero".as_ref(), b"");
    write("one".as_ref(), b"1");
    write(OsStr::from_bytes(b"not utf-8 \xff\xfe"), b"name");
    write("line\nend, \"quotes\", \\ and  spaces".as_ref(), b"name");
    write("-rf *".as_ref(), b"name");
    write("x".repeat(255).as_ref(), b"longest name");
    let noise: Vec<u8> = (0..3_000_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    write("noise".as_ref(), &noise);
    for n in 0..600 {
        write(format!("many/a file with a rather long name, number {n}").as_ref(), &noise[..n * 7]);
    }
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.write_all_at(b"start", 0).unwrap();
    sparse.write_all_at(b"middle", 1_234_567).unwrap();
    sparse.set_len(5_000_000).unwrap();
    symlink("y".repeat(59), root.join("link of 59 bytes")).unwrap();
    symlink("y".repeat(60), root.join("link of 60 bytes")).unwrap();
    symlink("z/".repeat(400), root.join("long link")).unwrap();
    symlink(OsStr::from_bytes(b"/dangling/\xff"), root.join("dangling")).unwrap();
    let deep: PathBuf = (0..60).map(|n| format!("level {n}")).collect();
    fs::create_dir_all(root.join(&deep)).unwrap();
    fs::write(root.join(deep).join("bottom"), b"deep").unwrap();
    fs::hard_link(root.join("one"), root.join("many/hard link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    if rustix::process::geteuid().is_root() {
        // 70,000 and more: ids of over 16 bits are stored in two places.
        chown(root.join("noise"), Some(70_000), Some(100_001)).unwrap();
        std::os::unix::fs::lchown(root.join("dangling"), Some(33), Some(42)).unwrap();
    }
    let mode = |name: &str, mode| fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
    mode("one", 0o6755);
    mode("zero", 0o000);
    mode("sticky", 0o1777);
    root
}

/// What the kernel says of a directory's files, without any code of this crate.
pub fn kernel_view(root: &Path) -> BTreeMap<Vec<u8>, Seen> {
    fn below(root: &Path, dir: &Path, seen: &mut BTreeMap<Vec<u8>, Seen>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let (kind, size, link, hash) = if meta.is_file() {
                let hash = Sha256::digest(fs::read(&path).unwrap()).to_vec();
                (FileKind::File, meta.len(), Vec::new(), hash)
            } else if meta.is_symlink() {
                let text = fs::read_link(&path).unwrap().into_os_string().into_vec();
                (FileKind::Symlink, text.len() as u64, text, Vec::new())
            } else if meta.is_dir() {
                below(root, &path, seen);
                (FileKind::Directory, 0, Vec::new(), Vec::new())
            } else {
                (FileKind::Special, 0, Vec::new(), Vec::new())
            };
            let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
            let mode = meta.mode() & 0o7777;
            seen.insert(name, (kind, mode, meta.uid(), meta.gid(), size, link, hash));
        }
    }
    let mut seen = BTreeMap::new();
    below(root, root, &mut seen);
    seen
}

/// What a tree says of its files; each is read twice, alone and among many.
pub fn tree_view(tree: &dyn Tree) -> BTreeMap<Vec<u8>, Seen> {
    let mut seen = BTreeMap::new();
    let skipped = walk(tree, &mut |path, meta| {
        let own = tree.metadata(path).unwrap().unwrap();
        assert_eq!(&own, meta, "{path:?}: asked for alone and as an entry of its directory");
        let link = match meta.kind {
            FileKind::Symlink => tree.read_link(path).unwrap(),
            _ => Vec::new(),
        };
        let hash = match meta.kind {
            FileKind::File => digest(&mut *tree.open(path).unwrap()),
            _ => Vec::new(),
        };
        let entry = (meta.kind, meta.mode, meta.uid, meta.gid, meta.size, link, hash);
        // mke2fs makes this one; no source tree has it.
        if !path.starts_with(b"lost+found") {
            seen.insert(path.to_vec(), entry);
        }
    })
    .unwrap();
    assert_eq!(skipped, [], "nothing was passed over");
    let files: Vec<Vec<u8>> =
        seen.iter().filter(|(_, entry)| entry.0 == FileKind::File).map(|(p, _)| p.clone()).collect();
    let together = Mutex::new(BTreeMap::new());
    tree.read_many(&files, &|index, reader| {
        let hash = digest(&mut *reader.unwrap());
        let before = together.lock().unwrap().insert(files[index].clone(), hash);
        assert!(before.is_none(), "each file once");
    });
    let together = together.into_inner().unwrap();
    assert_eq!(together.len(), files.len());
    for (path, hash) in together {
        assert_eq!(hash, seen[&path].6, "{path:?}: read alone and among many");
    }
    seen
}

fn digest(reader: &mut dyn Read) -> Vec<u8> {
    let mut hasher = Sha256::new();
    // An odd length, so that reads start and end anywhere in blocks and clusters.
    let mut buffer = vec![0; 100_003];
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return hasher.finalize().to_vec(),
            len => hasher.update(&buffer[..len]),
        }
    }
}

/// Makes an ext4 filesystem of 64 MiB from a directory.
pub fn filesystem(root: &Path, at: &Path, options: &str) -> PathBuf {
    let image = at.join("fs.img");
    let _ = fs::remove_file(&image);
    run_on(&format!("mke2fs -q -t ext4 {options} -d"), &[root, &image, Path::new("64M")]);
    image
}

/// Makes a GPT disk whose second partition, a Linux root, holds a filesystem.
pub fn disk(filesystem: &Path, at: &Path) -> PathBuf {
    let image = at.join("disk.raw");
    let bytes = fs::read(filesystem).unwrap();
    let file = File::create(&image).unwrap();
    file.set_len(PARTITION_START + bytes.len() as u64 + (1 << 20)).unwrap();
    let first = PARTITION_START / 512;
    let last = first + bytes.len() as u64 / 512 - 1;
    run_on(&format!("sgdisk -a 1 -n 1:64:+64K -t 1:ef00 -n 2:{first}:{last} -t 2:8304"), &[&image]);
    // After sgdisk: it would keep the pages of a file that was written before.
    for (index, chunk) in bytes.chunks(1 << 16).enumerate() {
        if chunk.iter().any(|b| *b != 0) {
            file.write_all_at(chunk, PARTITION_START + ((index as u64) << 16)).unwrap();
        }
    }
    image
}

/// Converts a raw image to qcow2.
pub fn qcow2(raw: &Path, at: &Path, options: &str) -> PathBuf {
    let image = at.join("disk.qcow2");
    run_on(&format!("qemu-img convert -f raw -O qcow2 {options}"), &[raw, &image]);
    image
}
