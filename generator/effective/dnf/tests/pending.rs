//! Holds the pending security updates against dnf's own library, on metadata that dnf itself took from generated
//! repositories.

use std::process::Command;

use serde_json::{Value, json};

use super::super::{DNF_CONF, advisories, main_conf, repositories};
use crate::effective::rpm::Database;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, program, skip};
use crate::target::{DirTree, Root};

const DRIVER: &str = include_str!("pending.py");
const PRIMARY: &str = "<?xml version=\"1.0\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
                       xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"0\"></metadata>\n";
/// Modules by name, stream and context.
const MODULES: [[&str; 3]; 3] = [["m", "1", "c1"], ["m", "2", "c2"], ["n", "x", "c3"]];
const NAMES: &[&str] = &["alpha", "beta", "gamma", "gamma", "kernel", "delta", "delta", "none"];

fn package(dice: &mut Dice) -> String {
    let name = dice.pick(NAMES);
    let version =
        dice.pick(&["1.0", "1.0.1", "1.0~rc1", "1.0^git", "2", "3", "3~rc2", "5.1", "5.2", "5.10", "0.9"]);
    let release = dice.pick(&["1", "1.el9", "1.el9_4", "2", "3", "10.a"]);
    let epoch =
        dice.pick(&["epoch=\"0\" ", "epoch=\"0\" ", "epoch=\"1\" ", "epoch=\"2\" ", "epoch=\"\" ", ""]);
    let usual = match name {
        "alpha" => "noarch",
        _ => "x86_64",
    };
    let architecture =
        dice.pick(&[usual, usual, usual, usual, usual, usual, "i686", "noarch", "src", "aarch64"]);
    let inside = dice.pick(&["", "<filename>x.rpm</filename>", "<reboot_suggested>True</reboot_suggested>"]);
    format!(
        "<package name=\"{name}\" version=\"{version}\" release=\"{release}\" {epoch}arch=\"{architecture}\">\
         {inside}</package>\n"
    )
}

fn collection(dice: &mut Dice) -> String {
    let mut text = "<collection short=\"c\">\n<name>c</name>\n".to_owned();
    if dice.once_in(3) {
        for [name, stream, context] in dice.subset(&MODULES) {
            text += &format!(
                "<module name=\"{name}\" stream=\"{stream}\" version=\"1\" context=\"{context}\" arch=\"x86_64\"/>\n"
            );
        }
    }
    for _ in 0..dice.range(1..=5) {
        text += &package(dice);
    }
    text + "</collection>\n"
}

fn updateinfo(dice: &mut Dice, repository: &str) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n".to_owned();
    for number in 0..dice.range(2..=6) {
        let kind = dice.pick(&[
            "type=\"security\"",
            "type=\"security\"",
            "type=\"security\"",
            "type=\"bugfix\"",
            "type=\"enhancement\"",
            "type=\"newpackage\"",
            "type=\"Security\"",
            "type=\"\"",
            "",
        ]);
        let status = dice.pick(&["final", "stable", "testing", "retracted"]);
        let severity = dice.pick(&["", "<severity>Low</severity>\n", "<severity>Critical</severity>\n"]);
        text += &format!(
            "<update from=\"f\" status=\"{status}\" {kind} version=\"1\">\n<id>{repository}-{number}</id>\n\
             <title>t</title>\n<issued date=\"2026-01-01 00:00:00\"/>\n{severity}<pkglist>\n"
        );
        for _ in 0..dice.range(1..=2) {
            text += &collection(dice);
        }
        text += "</pkglist>\n</update>\n";
    }
    text + "</updates>\n"
}

fn modules() -> String {
    let document = |[name, stream, context]: [&str; 3]| {
        format!(
            "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: \"{stream}\"\n  version: 1\n  \
             context: {context}\n  arch: x86_64\n  summary: s\n  description: d\n  license:\n    module: [MIT]\n...\n"
        )
    };
    MODULES.map(document).concat()
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[(DNF_CONF, "[main]\n")]);
    let mut repos = String::new();
    for id in ["base", "base-extra", "third"] {
        let folder = format!("/repo/{id}/repodata");
        if id != "base" && dice.once_in(2) {
            continue;
        }
        let enabled = if id == "base" || !dice.once_in(4) { "1" } else { "0" };
        repos += &format!("[{id}]\nname={id}\nbaseurl=file://$tree/repo/{id}\nenabled={enabled}\n");
        tree.write(format!("{folder}/primary.xml"), PRIMARY);
        if id == "base" {
            tree.write(format!("{folder}/modules.yaml"), modules());
        }
        if !dice.once_in(8) {
            tree.write(format!("{folder}/updateinfo.xml"), updateinfo(dice, id));
        }
    }
    tree.write("/etc/yum.repos.d/r.repo", repos);
    for (name, streams) in [("m", &["1", "2"][..]), ("n", &["x"])] {
        if dice.chance(60) {
            let (stream, state) = (dice.pick(streams), dice.pick(&["enabled", "enabled", "disabled"]));
            let text = format!("[{name}]\nname={name}\nstream={stream}\nprofiles=\nstate={state}\n");
            tree.write(format!("/etc/dnf/modules.d/{name}.module"), text);
        }
    }
    tree
}

/// Name, architecture and newest version of what is pending.
fn ours(root: Root<'_>) -> Value {
    let main = main_conf(&root, DNF_CONF).unwrap().unwrap();
    let repositories = repositories(&root, &main).unwrap().0;
    let installed = Database::read(root).unwrap().unwrap();
    let found = advisories(&root, &repositories, &installed).unwrap();
    assert!(found.unknown.is_empty(), "{:?}", found.unknown);
    let shown = |p: &super::super::Pending| {
        [p.package.clone(), p.architecture.clone(), p.candidate.value.to_string()]
    };
    let mut pending: Vec<[String; 3]> = found.pending.iter().map(shown).collect();
    pending.sort();
    json!(pending)
}

#[test]
fn pending_updates_are_those_of_dnf() {
    if program("rpmbuild").is_none() {
        return;
    }
    let python = || Command::new("/usr/bin/python3");
    if !python().args(["-c", "import dnf, rpm"]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "python3-dnf is not installed");
        return skip("python3-dnf is not installed");
    }
    let mut driver = Dialogue::start(python().args(["-c", DRIVER]));
    let mut some = 0;
    let tally = Differential::cases(60).run(generate, |tree| {
        let disk = tree.on_disk();
        let theirs: Value = serde_json::from_str(&driver.ask(disk.path().to_str().unwrap())).unwrap();
        if theirs.is_string() {
            return Verdict::Unanswered;
        }
        some += usize::from(theirs.as_array().is_some_and(|pending| !pending.is_empty()));
        let there = DirTree::open(disk.path()).unwrap();
        Verdict::same(&ours(Root::new(&there)), &theirs)
    });
    assert!(some as u64 * 2 > tally.agreed, "{some} of {tally} have something pending");
}
