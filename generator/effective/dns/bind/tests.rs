//! Holds the reader against named's own parser: what it concludes from a configuration is what it concludes from
//! the one that `named-checkconf -p` prints of it, without comments, includes and repetition.

use std::process::Command;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};

/// What is concluded, without places.
fn concluded(tree: &MemoryTree) -> (Reach, Recursion) {
    let statements = named_conf::read(tree.root(), FILES[0]).unwrap();
    let config = Config::of(&statements, FILES[0]);
    // A single address is printed as a network of one.
    let recursion = match config.recursion().value {
        Recursion::Networks(networks) => {
            let single =
                |network: &String| network.trim_end_matches("/32").trim_end_matches("/128").to_owned();
            Recursion::Networks(networks.iter().map(single).collect())
        }
        other => other,
    };
    (config.reach().value, recursion)
}

#[test]
fn agrees_with_named_checkconf() {
    if program("named-checkconf").is_none() {
        return;
    }
    let tally = Differential::cases(100).run(generate, |tree| {
        let disk = tree.on_disk();
        let mut check = Command::new("named-checkconf");
        let out = check.arg("-t").arg(disk.path()).args(["-p", FILES[0]]).output().unwrap();
        if !out.status.success() {
            return Verdict::Unanswered;
        }
        // Warnings stand before it, each with a file's name.
        let said = String::from_utf8_lossy(&out.stdout);
        let printed: Vec<&str> = said.lines().filter(|line| !line.starts_with('/')).collect();
        let canonical = MemoryTree::of(&[(FILES[0], &printed.join("\n"))]);
        Verdict::same(&concluded(tree), &concluded(&canonical))
    });
    assert!(tally.agreed > 0);
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let acls = dice.subset(&["ours", "\"theirs\"", "both"]);
    let mut main = String::new();
    for acl in &acls {
        let list = list(dice, &[]);
        main += &format!("acl {acl}{}{list};{}", blank(dice), end(dice));
    }
    let included = options(dice, &acls, "options");
    match dice.below(4) {
        0 => main += &included,
        1 => {
            main += "include \"/etc/bind/named.conf.options\";\n";
            tree.write("/etc/bind/named.conf.options", included);
        }
        2 => {
            main += "include\n\t\"/etc/bind/*.options\" ;\n";
            tree.write("/etc/bind/b.options", included)
                .write("/etc/bind/c.conf", "options { recursion no; };\n");
        }
        _ => {
            let (head, tail) = included.split_once('{').unwrap();
            main += &format!("{head}{{ include \"/etc/bind/x.inc\";\n{tail}");
            tree.write(
                "/etc/bind/x.inc",
                dice.pick(&["", "# c\n", "version \"x\";\n", "dnssec-validation auto;"]),
            );
        }
    }
    for view in dice.subset(&["\"a\"", "b"]) {
        if dice.once_in(3) {
            main += &options(dice, &acls, &format!("view {view}"));
        }
    }
    tree.write(FILES[0], main);
    tree
}

fn blank(dice: &mut Dice) -> &'static str {
    dice.pick(&[" ", " ", "\t", "\n", " /* } ; */ ", " # }\n", " // {\n", "/**/", "\r\n"])
}

fn end(dice: &mut Dice) -> &'static str {
    dice.pick(&["\n", "\n", "", " # c\n", " // x \" y\n", "/* a\n b */", "\t"])
}

fn options(dice: &mut Dice, acls: &[&str], name: &str) -> String {
    let view = name.starts_with("view");
    let mut text = format!("{name}{}{{{}", blank(dice), end(dice));
    let mut keys =
        dice.subset(&["recursion", "allow-recursion", "allow-query-cache", "allow-query", "version"]);
    if view {
        keys.retain(|key| *key != "version");
    } else {
        keys.extend(dice.subset(&["listen-on", "listen-on-v6", "listen-on", "directory"]));
    }
    for key in keys {
        let value = match key {
            "recursion" => dice.pick(&["yes", "no", "true", "false", "1", "0", "\"no\"", "No"]).to_owned(),
            "version" => dice.pick(&["\"a { b; }\"", "none", "\"# x\"", "\"//\""]).to_owned(),
            "directory" => "\"/etc\"".to_owned(),
            _ => {
                let port = if key.starts_with("listen") {
                    dice.pick(&["", "", "port 53 ", "port 5353 "])
                } else {
                    ""
                };
                format!("{port}{}", list(dice, acls))
            }
        };
        text += &format!(
            "{}{key}{}{value}{};{}",
            dice.pick(&["", "\t"]),
            blank(dice),
            dice.pick(&["", " ", "\n"]),
            end(dice)
        );
    }
    text + "};\n"
}

fn list(dice: &mut Dice, acls: &[&str]) -> String {
    let mut text = format!("{{{}", blank(dice));
    for _ in 0..dice.below(4) {
        let element = match dice.below(8) {
            0 if !acls.is_empty() => dice.pick(acls).to_owned(),
            1 => format!("{{ {}; }}", dice.pick(&["any", "none", "127.0.0.1", "192.0.2.1; 10/8", "! any"])),
            _ => dice
                .pick(&[
                    "any",
                    "none",
                    "localhost",
                    "localnets",
                    "127.0.0.1",
                    "::1",
                    "192.0.2.1",
                    "192.0.2.0/24",
                    "10/8",
                    "0.0.0.0/0",
                    "::/0",
                    "\"any\"",
                    "!192.0.2.7",
                    "! 10.0.0.0/8",
                    "!any",
                    "!none",
                    "2001:db8::/32",
                    "127/8",
                    "Any",
                ])
                .to_owned(),
        };
        text += &format!("{element}{};{}", dice.pick(&["", " "]), end(dice));
    }
    text + "}"
}
