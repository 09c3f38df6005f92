use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, agree};

const PART: &str = "etc/apt/apt.conf.d/50x";

fn read(files: &[(&str, &str)]) -> AptConf {
    AptConf::read(MemoryTree::of(files).root()).unwrap()
}

#[test]
fn the_last_scalar_wins_and_points_at_its_line() {
    let mut fixture = MemoryTree::of(&[
        ("etc/apt/apt.conf.d/10a", "APT::Periodic::Enable \"1\";\n"),
        ("etc/apt/apt.conf.d/20b", "// nothing\napt { periodic { enable \"0\"; }; };\n"),
    ]);
    let value = |f: &MemoryTree| AptConf::read(f.root()).unwrap().get("APT::Periodic::Enable").cloned();
    assert_eq!(value(&fixture), Some(Sourced::new("0".into(), Location::line("/etc/apt/apt.conf.d/20b", 2))));
    let conf = AptConf::read(fixture.root()).unwrap();
    assert_eq!(
        conf.losing("apt::periodic::enable"),
        [Sourced::new("1".into(), Location::line("/etc/apt/apt.conf.d/10a", 1))]
    );
    fixture.write("etc/apt/apt.conf.d/20b.bak", "").remove("etc/apt/apt.conf.d/20b");
    assert_eq!(value(&fixture).unwrap().value, "1");
    fixture.write("etc/apt/apt.conf", "APT::Periodic::Enable \"7\";");
    assert_eq!(value(&fixture).unwrap().value, "7");
}

#[test]
fn an_absent_configuration_is_empty_and_not_broken() {
    let conf = read(&[]);
    assert!(conf.entries().next().is_none() && conf.broken().is_empty());
    assert_eq!(conf.get("APT::Periodic::Enable"), None);
}

#[test]
fn clear_forgets_a_list_and_keeps_what_was_lost() {
    let conf = read(&[(PART, "L { \"a\"; \"b\"; };\n#clear L;\nL:: \"c\";\n")]);
    assert_eq!(conf.list("l").iter().map(|v| &v.value).collect::<Vec<_>>(), ["c"]);
    assert_eq!(conf.losing("L").len(), 2);
}

#[test]
fn a_line_that_apt_refuses_is_reported() {
    let conf = read(&[(PART, "A \"1\";\nB \"2\" \"3;\n")]);
    assert_eq!(conf.broken()[0].at, Location::line(format!("/{PART}"), 2));
    assert_eq!(conf.get("A").unwrap().value, "1");
    assert!(read(&[(PART, "A \"1\";\n")]).broken().is_empty());
}

#[test]
fn hostile_files_are_bounded() {
    for text in [
        "a{".repeat(500_000),
        "\"".repeat(100_000),
        "a::".repeat(200_000) + " \"x\";",
        "/*".repeat(200_000),
        "A \"\0\u{fffd}\";\r\nB {\r\n\"x\";\r\n};\r\n}}}}".into(),
        format!("#include \"/{PART}\";"),
        "[".repeat(50_000) + ";",
        "% %4 %zz;\n\"%".into(),
    ] {
        let fixture = MemoryTree::of(&[(PART, &text)]);
        AptConf::read(fixture.root()).unwrap().entries().count();
    }
}

/// A first configuration file that makes apt read the rest from a tree. (`RootDir` would move
/// apt's own tables too.)
fn pointing_at(root: &Path) -> String {
    let root = root.display();
    format!("Dir::Etc::Parts \"{root}/{PARTS}\";\nDir::Etc::Main \"{root}/{MAIN}\";\n")
}

/// Runs `apt-config dump` on a tree. Items that the command itself adds are left out.
fn dump(root: &Path, args: &[&str]) -> Option<String> {
    let main = root.join("root.conf");
    fs::write(&main, pointing_at(root)).unwrap();
    let output = Command::new("apt-config").args(args).env("APT_CONFIG", main).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `apt-config dump` ends by storing what it worked out itself under these names.
fn is_computed(name: &str) -> bool {
    ["acquire::languages", "apt::architectures", "apt::compressor", "apt::build-profiles"]
        .iter()
        .any(|own| name.to_ascii_lowercase().starts_with(own))
}

/// The lines of a dump by name. apt sets some defaults after it has read the files, so that
/// siblings come in another order; items of one list keep theirs.
fn comparable(dump: &str) -> Vec<String> {
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = dump.lines().map(str::to_owned).collect();
    lines.retain(|line| !is_computed(&name(line)));
    lines.sort_by_key(|line| name(line));
    lines
}

/// What our reader concludes, with apt's built-in defaults read first.
fn ours(root: Root<'_>, defaults: &str) -> Option<Vec<String>> {
    let base = MemoryTree::of(&[("defaults", defaults)]);
    let mut conf = AptConf::empty();
    assert!(parse::file(&mut conf, base.root(), "defaults", 0).unwrap());
    let mut good = parse::directory(&mut conf, root, PARTS, 0).unwrap();
    if root.exists(MAIN).unwrap() {
        good &= parse::file(&mut conf, root, MAIN, 0).unwrap();
    }
    assert_eq!(good, conf.broken.is_empty(), "{:?}", conf.broken);
    let text: String =
        conf.entries().map(|(name, value)| format!("{} \"{}\";\n", quote(&name), value.value)).collect();
    good.then(|| comparable(&text))
}

/// The dump escapes unusual characters of names, not of values.
fn quote(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'=' | b'"' | b'%' | 0..=0x20 | 0x7f.. => format!("%{b:02x}"),
            b => char::from(b).to_string(),
        })
        .collect()
}

/// apt's built-in defaults, as a dump for a tree at this place.
fn defaults(root: &Path) -> String {
    let empty = MemoryTree::new().on_disk();
    let text = dump(empty.path(), &["dump"]).unwrap();
    text.replace(&*empty.path().to_string_lossy(), &root.to_string_lossy())
}

fn verdict(tree: &MemoryTree) -> Verdict {
    let disk = tree.on_disk();
    let real = dump(disk.path(), &["dump"]).map(|text| comparable(&text));
    Verdict::of(ours(tree.root(), &defaults(disk.path())), real)
}

#[test]
fn agrees_with_apt_config_on_shipped_files() {
    let shipped = MemoryTree::load(Path::new("/etc/apt/apt.conf.d"), PARTS);
    assert!(ours(shipped.root(), &defaults(Path::new("/"))).unwrap().len() > 50);
    agree(shipped, verdict);
}

#[test]
fn agrees_with_apt_config_on_generated_files() {
    let tally = Differential::cases(400).run(generated_tree, verdict);
    assert!(tally.refused > 0 && tally.refused < tally.agreed, "one-sided cases: {tally}");
}

fn generated_tree(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for _ in 0..dice.range(1..=4) {
        let name = dice.pick(&[
            "10a",
            "20b.conf",
            "05c.bak",
            "30.d.conf",
            "a b",
            "z~",
            "99x",
            "e.",
            ".hid",
            "UP",
            "_u",
            "c:d",
            "a.dpkg-dist",
            "50ä",
        ]);
        tree.write(format!("{PARTS}/{name}"), generated(dice));
    }
    if dice.once_in(3) {
        tree.write(MAIN, generated(dice));
    }
    tree
}

fn generated(dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for _ in 0..1 + dice.below(12) {
        let name = dice.pick(&[
            "A",
            "a",
            "B",
            "A::B",
            "a::b::C",
            "L::",
            "Unattended-Upgrade::Origins-Pattern",
            "A::B::",
            "APT::Periodic::Enable",
            "apt::periodic::Unattended-Upgrade",
            "L",
            "A::::x",
            "M-n.o/p",
        ]);
        let value = dice.pick(&[
            "\"1\"",
            "\"\"",
            "\"x y\"",
            "7",
            "\"a\" \"b\"",
            "\"http://x/#y\"",
            "\"/* no */\"",
            "\"%41;\"",
            "%42",
            "\"origin=Debian,codename=${distro_codename}\"",
            "\"ü\"",
            "\"tab\there\"",
            "\"//\"",
        ]);
        match dice.below(16) {
            0..=4 => text += &format!("{name} {value};"),
            5 => {
                text += &format!("{name} {{");
                depth += 1;
            }
            6 => text += &format!("{name} {{ {value}; {value}; }};"),
            7 => text += &format!("{name} {{ K {value}; \"v\" }};"),
            8 if depth > 0 => {
                text += "};";
                depth -= 1;
            }
            9 if depth == 0 => text += &format!("#clear {name};"),
            10 => {
                text += dice.pick(&["// c", "# c { ;", "/* a\n b; */", "/* x */", "#comment \"", "/* // */"])
            }
            11 => text += &format!("{name}\n  {value}\n;"),
            12 => text += &format!("{name} /* c */ {value}; // end"),
            13 => text += &format!("{name} {value} {{ q {value}; }}"),
            14 if dice.once_in(6) => {
                text +=
                    dice.pick(&["};", "\"", "A \"1\" x;", "{", "A \"b", "#unknown x;", "#clear;", "x [a b;"]);
            }
            _ => text += &format!("{value};"),
        }
        text += dice.pick(&["\n", "\n", "\n", " ", "\r\n", "\t"]);
    }
    text += &"};".repeat(depth);
    text
}

#[test]
fn includes_agree_with_apt_config() {
    let disk = MemoryTree::new().on_disk();
    let outside = disk.path().to_str().unwrap();
    let mut tree = MemoryTree::new();
    // apt takes the path as it stands; inside the target the same path must lead to the same text.
    for prefix in ["", outside] {
        tree.write(format!("{prefix}/more.conf"), "A::B \"2\";\nL:: \"more\";\n");
        tree.write(format!("{prefix}/dir/1"), "L:: \"one\";\n");
        tree.write(format!("{prefix}/dir/2.bad"), "L:: \"bad\";\n");
    }
    let text = format!("A::B \"1\";\n#include \"{outside}/more.conf\";\n#include \"{outside}/dir/\";\n");
    tree.write(PART, text).write_to(disk.path());
    let real = dump(disk.path(), &["dump"]).unwrap();
    let own = ours(tree.root(), &defaults(disk.path())).unwrap();
    assert_eq!(Verdict::same(&own, &comparable(&real)), Verdict::Agree);
    assert!(own.contains(&"L:: \"one\";".to_owned()) && !own.contains(&"L:: \"bad\";".to_owned()));
    assert_eq!(verdict(MemoryTree::new().write(PART, "#include \"/not/there\";")), Verdict::Refuse);
}

#[test]
fn booleans_agree_with_apt_config() {
    for word in ["1", "0", "true", "No", "ENABLE", "off", "2", "x", "with", "without", "yes", "on"] {
        let fixture = MemoryTree::of(&[(PART, &format!("Some::Flag \"{word}\";"))]);
        let own = AptConf::read(fixture.root()).unwrap().boolean("Some::Flag");
        let disk = fixture.on_disk();
        // With the default true and false: apt answers both the same only where the word decides.
        let ask = |default: &str| {
            let main = disk.path().join("root.conf");
            fs::write(&main, pointing_at(disk.path())).unwrap();
            let script = "import apt_pkg,sys; apt_pkg.init_config(); \
                          print(apt_pkg.config.find_b('Some::Flag', sys.argv[1] == 'true'))";
            let output = Command::new("/usr/bin/python3")
                .args(["-c", script, default])
                .env("APT_CONFIG", main)
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap().trim() == "True"
        };
        let real = (ask("true") == ask("false")).then(|| ask("true"));
        assert_eq!(own.map(|v| v.value), real, "{word}");
    }
}
