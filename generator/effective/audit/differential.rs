//! Holds the merging against the real script `augenrules`.

use std::process::Command;

use super::merged;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};

fn line(dice: &mut Dice) -> String {
    let start = dice.pick(&["", "", "", "", "", " ", "\t", "s", "  #", "#"]);
    let line = dice.pick(&[
        "-w /etc/passwd -p wa -k a",
        "-w /etc/shadow  -p  wa",
        "-a always,exit -F arch=b64 -S open",
        "-a never,task",
        "-D",
        "-D ",
        "-D\t",
        "-D -k x",
        "-b 8192",
        "-b 64",
        "-f 1",
        "-f 2",
        "-e 0",
        "-e 1",
        "-e 2",
        "--backlog_wait_time 60000",
        "-e2",
        "-i",
        "-c",
        "",
        "foo",
    ]);
    let end = dice.pick(&["\n", "\n", "\n", "\n", "\r\n", " \n", "\t\n", "\n\n", ""]);
    format!("{start}{line}{end}")
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let names =
        ["10-a", "9-b", "audit", "99-z", "a b", "Z", "10", "10-a.x", "010-a", ".h", "a~", "10.5", "b"];
    for name in dice.subset(&names) {
        let suffix = dice.pick(&[".rules", ".rules", ".rules", ".rules", ".rules~", ".conf", "_rules"]);
        let path = format!("/etc/audit/rules.d/{name}{suffix}");
        let text: String = (0..dice.below(6)).map(|_| line(dice)).collect();
        match dice.below(16) {
            0 => tree.link(&path, "/dev/null"),
            1 => tree.directory(&path),
            _ => tree.write(&path, text),
        };
    }
    tree.directory("/etc/audit/rules.d").directory("/tmp");
    tree
}

#[test]
fn agrees_with_augenrules() {
    let (Some(script), Some(awk)) = (program("augenrules"), program("awk")) else { return };
    let script = std::fs::read_to_string(script).unwrap();
    let judge = |tree: &MemoryTree| {
        let disk = tree.on_disk();
        let top = disk.path().display();
        // The real script; only where it looks is another place.
        let script = script.replace("/tmp/", &format!("{top}/tmp/"));
        let script = script.replace("=/etc/audit", &format!("={top}/etc/audit"));
        assert!(Command::new("sh").args(["-c", &script]).output().unwrap().status.code().is_some());
        let written = std::fs::read(disk.path().join("etc/audit/audit.rules")).unwrap();
        let written = String::from_utf8_lossy(&written).into_owned();
        let theirs: Vec<String> =
            written.split('\n').skip(1).filter(|l| !l.is_empty()).map(str::to_owned).collect();
        let mut tree = tree.clone();
        let real = std::fs::canonicalize(&awk).unwrap().to_string_lossy().into_owned();
        tree.write(&real, "").link("/usr/bin/awk", &real);
        let ours: Vec<String> = merged(tree.root()).unwrap().into_iter().map(|line| line.value).collect();
        Verdict::same(&ours, &theirs)
    };
    Differential::cases(120).run(generate, judge);
}
