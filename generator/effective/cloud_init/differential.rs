//! Holds the merging against cloud-init's own code.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::CloudConfig;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, agree, program, skip};

/// Each line names the main file; the answer is the merged configuration, or `stops`.
const SCRIPT: &str = r#"
import json, logging, sys
from cloudinit import util
logging.disable(logging.CRITICAL)
for line in sys.stdin:
    try: print(json.dumps(util.read_conf_with_confd(line.rstrip("\n")), default=str), flush=True)
    except Exception: print("stops", flush=True)
"#;

fn line(dice: &mut Dice) -> String {
    let key = dice.pick(&[
        "ssh_pwauth",
        "disable_root",
        "users",
        "system_info",
        "datasource_list",
        "a",
        "\"ssh_pwauth\"",
        "no",
        "1",
        "ssh_pwauth ",
        "SSH_PWAUTH",
        "merge_how",
        "conf_d",
    ]);
    let value = dice.pick(&[
        "true",
        "false",
        "yes",
        "no",
        "on",
        "Off",
        "y",
        "n",
        "'yes'",
        "\"no\"",
        "~",
        "null",
        "",
        "0644",
        "0o644",
        "0x1F",
        "1_000",
        "12:30:45",
        "12:75",
        "1.5",
        "1e3",
        "1.0e+3",
        ".5",
        "-1",
        "+1",
        "-0",
        "0",
        "08",
        "[a, yes, 1]",
        "{a: 1, b: no}",
        "{b: [x], c: {d: yes}}",
        "[]",
        "{}",
        "text # c",
        "a: b",
        "'it''s'",
        "\"a\\tb\"",
        "!!str no",
        "|\n  a\n  b",
        ">\n  a\n  b",
        "\n  a: 1\n  b:\n    c: no",
        "\n- a\n- b",
        "&x no",
        "2001-12-14",
        "a b",
        "yes please",
        "-",
        "1.",
        "TRUE",
        "tRue",
        "=",
        "0b11",
        "00",
        "1__0",
        "_1",
        "a\n  b",
        "-.5",
        "+1.5",
        "@x",
        "`x",
        "[a",
        "a\tb",
        "b\t",
        "it's",
        "\"a\tb\"\t# c",
        "'open",
        "%x",
    ]);
    let end = dice.pick(&["\n", "\n", "\n", "\n", "\n", "\r\n", " \n", " # c\n", "\n\n"]);
    let start = dice.pick(&["", "", "", "", "", "", "", "", "", "", "# ", " ", "\t", "---\n", "...\n"]);
    match key {
        "conf_d" if !dice.once_in(6) => format!("{start}a: {value}{end}"),
        "merge_how" if !dice.once_in(6) => format!("{start}b: {value}{end}"),
        _ => format!(
            "{start}{key}:{}{value}{end}",
            dice.pick(&[" ", " ", " ", " ", " ", " ", " ", " ", "  ", "\t"])
        ),
    }
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let text = |dice: &mut Dice| -> String {
        let start = dice.pick(&["", "", "", "", "#cloud-config\n", "\u{feff}"]);
        let lines = (0..dice.range(0..=5)).map(|_| line(dice));
        format!("{start}{}", lines.collect::<String>())
    };
    let main = text(dice);
    tree.write("/etc/cloud/cloud.cfg", main);
    for name in dice.subset(&["05_a.cfg", "50-b.cfg", "9.cfg", "Z.cfg", ".h.cfg", "x.cfg.bak", "90_é.cfg"]) {
        let path = format!("/etc/cloud/cloud.cfg.d/{name}");
        match dice.below(20) {
            0 => tree.link(&path, "/dev/null"),
            1 => tree.link(&path, "nowhere"),
            2 => tree.directory(&path),
            3 => tree.write(&path, b"a: \xff\n"),
            _ => {
                let content = text(dice);
                tree.write(&path, content)
            }
        };
    }
    tree
}

fn compare(tree: &MemoryTree, real: &mut Dialogue) -> Verdict {
    let disk = tree.on_disk();
    let answer = real.ask(&disk.path().join("etc/cloud/cloud.cfg").to_string_lossy());
    let Some(config) = CloudConfig::read(tree.root()).unwrap() else { return Verdict::Unanswered };
    if let Some(why) = &config.undecided {
        let stops = why.value.contains("stops");
        return if stops && answer != "stops" {
            Verdict::differ(&why.value, answer)
        } else {
            Verdict::Refuse
        };
    }
    if answer == "stops" {
        return Verdict::differ(format!("{:?}", config.keys), answer);
    }
    let theirs: BTreeMap<String, Value> = serde_json::from_str(&answer).unwrap();
    let ours = config.keys.into_iter().map(|(key, value)| (key, value.value)).collect();
    Verdict::same(&ours, &theirs)
}

#[test]
fn agrees_with_cloud_init() {
    if program("cloud-init").is_none() {
        return;
    }
    let python = "/usr/bin/python3";
    if !Command::new(python)
        .args(["-c", "import cloudinit.util"])
        .status()
        .is_ok_and(|status| status.success())
    {
        skip("cloud-init's code can't be imported");
        return;
    }
    let mut real = Dialogue::start(Command::new(python).args(["-c", SCRIPT]));
    let shipped = MemoryTree::load("/etc/cloud".as_ref(), "/etc/cloud");
    agree(shipped, |tree| compare(tree, &mut real));
    let tally = Differential::cases(400).run(generate, |tree| compare(tree, &mut real));
    assert!(tally.agreed > tally.refused, "too few plain cases: {tally}");
}
