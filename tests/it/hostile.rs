//! Hostile and broken input through the command line: a clear error with exit code 2, never a
//! panic, and nothing read outside.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::program::{have, real, run};

/// Stands in a file of the host; must never be seen.
const MARK: &str = "host-secret-4711";

/// A little Linux root.
fn root(folder: &Path) {
    for path in ["etc/ssh", "usr/lib", "var/lib/dpkg", "boot"] {
        fs::create_dir_all(folder.join(path)).unwrap();
    }
    fs::write(folder.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    fs::write(folder.join("etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    fs::write(folder.join("etc/ssh/sshd_config"), "PasswordAuthentication no\n").unwrap();
}

/// That root as an ext4 filesystem in a file.
fn filesystem(folder: &Path, name: &str) {
    real("mke2fs", &["-q", "-t", "ext4", "-d", "root", name, "16M"], folder);
}

/// What `verify` says of a target that it has to refuse.
fn refusal(folder: &Path, target: &str) -> String {
    let (code, out, err) = run(&["verify", target], folder);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.starts_with("error"), "{err}");
    err
}

#[test]
fn links_do_not_lead_out_of_a_target() {
    let dir = TempDir::new().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, format!("{MARK}:x:0:0::/:/bin/bash\n{MARK}::1:0:9:7:::\nID={MARK}\n")).unwrap();
    let tree = dir.path().join("root");
    root(&tree);
    let up = format!("{}{}", "../".repeat(40), secret.display());
    fs::remove_file(tree.join("etc/passwd")).unwrap();
    symlink(&up, tree.join("etc/passwd")).unwrap();
    symlink(&secret, tree.join("etc/group")).unwrap();
    symlink("/etc/shadow", tree.join("etc/shadow")).unwrap();
    symlink(dir.path(), tree.join("etc/ssh/sshd_config.d")).unwrap();
    let mut targets = vec!["root"];
    if have(&["mke2fs"], "links in a disk image") {
        filesystem(dir.path(), "disk.img");
        targets.push("disk.img");
    }
    for target in targets {
        let (code, out, err) = run(&["verify", target, "--format", "json"], dir.path());
        assert_eq!(code, 1, "{target}: {err}");
        assert!(!out.contains(MARK) && !err.contains(MARK), "{target}: {out}{err}");
        // Inside the target that link leads to itself.
        assert!(out.contains("/etc/shadow: symbolic links lead in a circle"), "{target}: {out}");
    }
}

#[test]
fn a_circle_of_links_is_named() {
    let dir = TempDir::new().unwrap();
    let tree = dir.path().join("root");
    root(&tree);
    fs::remove_file(tree.join("etc/os-release")).unwrap();
    symlink("os-release.two", tree.join("etc/os-release")).unwrap();
    symlink("os-release", tree.join("etc/os-release.two")).unwrap();
    let said = refusal(dir.path(), "root");
    assert!(said.contains("/etc/os-release") && said.contains("circle"), "{said}");
    // With a distribution named, the rest can be looked at: the check breaks, and says why.
    let (code, out, _) = run(&["verify", "root", "-d", "debian-12"], dir.path());
    assert_eq!(code, 1);
    assert!(out.contains("circle"), "{out}");
}

#[test]
fn a_truncated_image_is_refused() {
    if !have(&["mke2fs", "qemu-img"], "a truncated image") {
        return;
    }
    let dir = TempDir::new().unwrap();
    root(&dir.path().join("root"));
    filesystem(dir.path(), "disk.img");
    real("qemu-img", &["convert", "-O", "qcow2", "disk.img", "whole.qcow2"], dir.path());
    let whole = fs::read(dir.path().join("whole.qcow2")).unwrap();
    // The whole one is readable: it is the cut that is refused, wherever it is made.
    assert_eq!(run(&["verify", "whole.qcow2"], dir.path()).0, 1);
    for length in [7, 104, 65_536, 200_000, whole.len() / 2] {
        fs::write(dir.path().join("cut.qcow2"), &whole[..length]).unwrap();
        let said = refusal(dir.path(), "cut.qcow2");
        assert!(said.lines().count() < 5, "{said}");
    }
}

#[test]
fn a_corrupted_superblock_is_refused() {
    if !have(&["mke2fs"], "a corrupted superblock") {
        return;
    }
    let dir = TempDir::new().unwrap();
    root(&dir.path().join("root"));
    filesystem(dir.path(), "disk.img");
    let file = fs::File::options().write(true).read(true).open(dir.path().join("disk.img")).unwrap();
    // Offsets inside the superblock: blocks count, block size, inodes per group, first data block.
    for (offset, name) in [(0x04, "blocks"), (0x18, "block size"), (0x28, "inodes"), (0x14, "first block")] {
        let mut before = [0; 4];
        file.read_exact_at(&mut before, 1024 + offset).unwrap();
        file.write_all_at(&[0xff; 4], 1024 + offset).unwrap();
        let said = refusal(dir.path(), "disk.img");
        assert!(said.contains("superblock") || said.contains("checksum"), "{name}: {said}");
        file.write_all_at(&before, 1024 + offset).unwrap();
    }
    assert_eq!(run(&["verify", "disk.img"], dir.path()).0, 1, "mended, it is readable again");
}

#[test]
fn an_image_with_a_backing_file_is_refused() {
    if !have(&["qemu-img"], "an image with a backing file") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let secret = dir.path().join("secret.img");
    fs::write(&secret, MARK.repeat(4096)).unwrap();
    let backing = secret.to_str().unwrap();
    real("qemu-img", &["create", "-q", "-f", "qcow2", "-b", backing, "-F", "raw", "top.qcow2"], dir.path());
    let said = refusal(dir.path(), "top.qcow2");
    assert!(said.contains("backing file") && said.contains("qemu-img convert"), "{said}");
    assert!(!said.contains(MARK), "{said}");
}

#[test]
fn random_bytes_are_refused() {
    let dir = TempDir::new().unwrap();
    // xorshift, so that a failure can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::new();
    while bytes.len() < 1 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    for prefix in [&b""[..], b"QFI\xfb\0\0\0\x03", b"\x1f\x8b\x08\0", b"EFI PART"] {
        let content = [prefix, &bytes].concat();
        fs::write(dir.path().join("random.img"), content).unwrap();
        refusal(dir.path(), "random.img");
    }
    fs::write(dir.path().join("empty.img"), "").unwrap();
    refusal(dir.path(), "empty.img");
    let said = refusal(dir.path(), "not-there.img");
    assert!(said.contains("not-there.img"), "{said}");
}

/// What `plan` says of a profile that it has to refuse.
fn profile_refusal(content: &str) -> String {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("mine.yaml"), content).unwrap();
    let (code, out, err) = run(&["plan", "--profile", "./mine.yaml"], dir.path());
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    err
}

const HEAD: &str = "name: mine\ntitle: Mine\ndescription: mine\nextends: [nectar-base]\n";

#[test]
fn broken_profiles_are_refused_with_their_place() {
    let cases = [
        ("parameters:\n  ssh_port: 2222\n  ssh_port: 2223\n", "mine.yaml:7:3", "duplicate"),
        ("checksums: []\n", "mine.yaml:5:1", "unknown field `checksums`"),
        ("checks: [ssh-pasword-login]\n", "mine.yaml:5:10", "ssh-password-login"),
        ("parameters:\n  ssh_prot: 2222\n", "mine.yaml:6:3", "ssh_port"),
        ("parameters:\n  ssh_port: many\n", "mine.yaml:6:13", "port"),
        ("checks: [a, b\n", "mine.yaml:", ""),
        ("\tchecks: []\n", "mine.yaml:5:", ""),
    ];
    for (text, place, word) in cases {
        let said = profile_refusal(&format!("{HEAD}{text}"));
        assert!(said.contains(place) && said.contains(word), "{text:?}: {said}");
    }
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut bomb = format!("{HEAD}parameters:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("  a{level}: &a{level} [{items}]\n"));
    }
    let start = std::time::Instant::now();
    let said = profile_refusal(&bomb);
    assert!(said.contains("mine.yaml:") && said.contains("budget"), "{said}");
    assert!(start.elapsed().as_secs() < 20, "it took {:?}", start.elapsed());
    let deep = format!("{HEAD}parameters: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    profile_refusal(&deep);
}

#[test]
fn profiles_that_extend_each_other_are_refused() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("profiles")).unwrap();
    for (name, parent) in [("a", "b"), ("b", "a"), ("own", "own")] {
        let text = format!("name: {name}\ntitle: T\ndescription: d\nextends: [{parent}]\n");
        fs::write(dir.path().join(format!("profiles/{name}.yaml")), text).unwrap();
    }
    for (name, place) in [("a", "b.yaml:4:11"), ("own", "own.yaml:4:11")] {
        let (code, _, said) = run(&["--assets", ".", "plan", "--profile", name], dir.path());
        assert_eq!(code, 2);
        assert!(said.contains("circle") && said.contains(place), "{said}");
    }
}
