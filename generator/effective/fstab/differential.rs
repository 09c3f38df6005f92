//! Holds the units made of fstab against the real systemd-fstab-generator.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::generator::from_text;
use crate::effective::testing::{Dice, Differential, Verdict, agree, skip};
use crate::target::{DirTree, Root};

const GENERATOR: &str = "/lib/systemd/system-generators/systemd-fstab-generator";

fn line(dice: &mut Dice) -> String {
    let what = dice.pick(&["tmpfs", "tmpfs", "none", "nfs:/x", "LABEL=a\\040b", "//s/h", "\"q\"", "#x"]);
    let point = dice.pick(&[
        "/tmp",
        "/tmp/",
        "//tmp",
        "/./tmp",
        "/x/../tmp",
        "/a\\040b",
        "/a\\011b",
        "/a\\134b",
        "/a\\\\b",
        "/a\\x",
        "/",
        "/usr",
        "/dev/shm",
        "/proc",
        "/sys/fs/cgroup/x",
        "/run",
        "/run/x",
        "/selinux",
        "/sys/fs/selinux",
        "/proc/kmsg",
        "/dev/console",
        "none",
        "swap",
        "rel/x",
        "/var/run/x",
        "/bin/none",
        "/none/../x",
        "/.h",
        "/a-b",
        "/ä",
        "/home",
        "/var/tmp",
        "/sys/fs/bpf",
        "/dev/pts",
        "/dev",
        "/proc/sys",
        "/sys/kernel/security",
        "/etc/mtab/x",
    ]);
    let kind = dice.pick(&[
        "tmpfs", "tmpfs", "tmpfs", "ext4", "nfs", "cifs", "autofs", "swap", "auto", "TMPFS", "fuse.x",
    ]);
    let all = [
        "defaults",
        "nodev",
        "nosuid",
        "noexec",
        "exec",
        "noauto",
        "auto",
        "nofail",
        "fail",
        "_netdev",
        "noauto=1",
        "a\\,noauto",
        "x-systemd.automount",
        "comment=systemd.automount",
        "x-systemd.wanted-by=a.service",
        "x-systemd.required-by=b.target",
        "x-systemd.device-timeout=5",
        "size=50%",
        "mode=1777",
        "a\\040b",
        "",
        "NOAUTO",
        "rw",
        "x-systemd.requires=c.service",
        "noautox",
        "auto\\\\",
    ];
    let options: Vec<&str> = (0..dice.range(1..=5)).map(|_| dice.pick(&all)).collect();
    let mut fields = vec![what.to_owned(), point.to_owned(), kind.to_owned(), options.join(",")];
    fields.extend(["0".to_owned(), "0".to_owned()]);
    fields.truncate(dice.pick(&[6, 6, 6, 4, 5, 3, 2, 1]));
    let blank = dice.pick(&[" ", " ", "\t", "  ", " \t "]);
    let start = dice.pick(&["", "", "", "", "", " ", "\t", "#", " # ", "\u{feff}"]);
    let end = dice.pick(&["\n", "\n", "\n", " \n", " # c\n", "\r\n", "\n\n", "\\\n", ""]);
    format!("{start}{}{end}", fields.join(blank))
}

/// By name: options, and directories of links.
type Units = BTreeMap<String, (String, Vec<String>)>;

fn ours(text: &str) -> Units {
    let disk = DirTree::open(Path::new("/")).unwrap();
    let units = from_text(Root::new(&disk), "/etc/fstab", text).unwrap();
    let plain = |unit: super::Generated| {
        let options = unit.settings.into_iter().find(|(_, key, _)| *key == "Options");
        let mut links = unit.links;
        links.sort();
        links.dedup();
        (unit.name, (options.map(|o| o.2).unwrap_or_default(), links))
    };
    units.into_iter().filter(|unit| !unit.name.ends_with(".swap")).map(plain).collect()
}

fn theirs(text: &str) -> Units {
    let directory = tempfile::tempdir().unwrap();
    let fstab = directory.path().join("fstab");
    std::fs::write(&fstab, text).unwrap();
    let made = directory.path().join("made");
    std::fs::create_dir(&made).unwrap();
    let mut command = Command::new(GENERATOR);
    command.args([&made; 3]).current_dir("/").env("SYSTEMD_FSTAB", &fstab).env("SYSTEMD_PROC_CMDLINE", "");
    command.output().unwrap();
    let mut units = Units::new();
    let mut links = Vec::new();
    for entry in walkdir::WalkDir::new(&made).sort_by_file_name() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let parent = entry.path().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let mounts = name.ends_with(".mount") || name.ends_with(".automount");
        if entry.depth() == 1 && entry.file_type().is_file() && mounts {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let options = text.split('\n').find_map(|line| line.strip_prefix("Options=")).unwrap_or_default();
            units.insert(name, (options.replace("%%", "%"), Vec::new()));
        } else if entry.file_type().is_symlink() {
            links.push((name, parent));
        }
    }
    for (name, parent) in links {
        if let Some(unit) = units.get_mut(&name) {
            unit.1.push(parent);
        }
    }
    units
}

#[test]
fn agrees_with_the_generator() {
    if !Path::new(GENERATOR).exists() {
        skip("systemd-fstab-generator is missing");
        return;
    }
    let judge = |text: &String| {
        let tidy = |units: Units| -> Units {
            let tidy =
                |options: String| options.split(',').filter(|o| !o.is_empty()).collect::<Vec<_>>().join(",");
            units.into_iter().map(|(name, (options, links))| (name, (tidy(options), links))).collect()
        };
        Verdict::same(&tidy(ours(text)), &tidy(theirs(text)))
    };
    agree("/dev/sda1 / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1\n".to_owned(), judge);
    Differential::cases(200)
        .run(|dice| (0..dice.range(1..=6)).map(|_| line(dice)).collect::<String>(), judge);
}
