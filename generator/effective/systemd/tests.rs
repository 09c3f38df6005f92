use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};
use crate::location::{Location, Sourced};
use crate::target::DirTree;

const ETC: &str = "etc/systemd/system";
const LIB: &str = "usr/lib/systemd/system";
/// Directories that generated trees use, the strongest first.
const DIRECTORIES: [&str; 4] = [ETC, "run/systemd/system", "usr/local/lib/systemd/system", LIB];

fn version() -> u32 {
    let output = Command::new("systemctl").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the real program says of many units, one word each.
fn real(root: &Path, units: &[String]) -> Vec<String> {
    let ask = |unit: &String| {
        let output = Command::new("systemctl")
            .arg(format!("--root={}", root.display()))
            .args(["is-enabled", "--", unit])
            .output()
            .unwrap();
        let word = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        match word.as_str() {
            "" if error.contains("No such file or directory") => "not-found".to_owned(),
            "" => "broken".to_owned(),
            _ => word,
        }
    };
    units.iter().map(ask).collect()
}

/// What the reader says of many units, in the program's words.
fn words(units: &Units<'_>, names: &[String]) -> Vec<String> {
    names.iter().map(|name| units.state(name).unwrap().value.to_string()).collect()
}

fn state(fixture: &MemoryTree, unit: &str) -> State {
    Units::read(fixture.root(), 252).unwrap().state(unit).unwrap().value
}

#[test]
fn good_bad_good() {
    let mut fixture = MemoryTree::new();
    let unit =
        "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
    fixture.write(format!("{LIB}/a.service"), unit);
    let wants = format!("{ETC}/multi-user.target.wants/a.service");
    assert_eq!(state(&fixture, "a.service"), State::Disabled);
    fixture.link(&wants, "/usr/lib/systemd/system/a.service");
    assert_eq!(state(&fixture, "a.service"), State::Enabled);
    fixture.link(format!("{ETC}/a.service"), "/dev/null");
    assert_eq!(state(&fixture, "a.service"), State::Masked);
    fixture.remove(format!("{ETC}/a.service"));
    let enabled = Units::read(fixture.root(), 252).unwrap().state("a.service").unwrap();
    assert_eq!(enabled, Sourced::new(State::Enabled, Location::file(format!("/{wants}"))));
    assert_eq!(state(&fixture, "b.service"), State::NotFound);
}

/// Trees of real installations, one directory each, where `IRONSEED_STOCK_TREES` names some.
fn stock_trees() -> Vec<PathBuf> {
    let own = std::env::var_os("IRONSEED_STOCK_TREES");
    let mut trees: Vec<PathBuf> = own.iter().flat_map(std::env::split_paths).collect();
    if Path::new("/usr/lib/systemd/system").is_dir() {
        trees.push("/".into());
    }
    trees
}

#[test]
fn agrees_with_systemctl_on_real_trees() {
    let trees = stock_trees();
    assert!(!trees.is_empty(), "no tree to compare with");
    for tree in trees {
        let disk = DirTree::open(&tree).unwrap();
        let read = Units::read(Root::new(&disk), version()).unwrap();
        let mut units = read.names();
        assert!(units.len() > 50);
        units.extend(["getty@tty9.service", "none.service", "serial-getty@ttyS0.service"].map(str::to_owned));
        let own = words(&read, &units);
        for ((unit, own), real) in units.iter().zip(own).zip(real(&tree, &units)) {
            assert_eq!(own, real, "{unit} in {}", tree.display());
        }
    }
}

/// Whatever is enabled by a link in a target that the boot reaches is started by it.
#[test]
fn a_boot_of_a_real_tree_reaches_what_its_targets_want() {
    for tree in stock_trees() {
        let disk = DirTree::open(&tree).unwrap();
        let units = Units::read(Root::new(&disk), version()).unwrap();
        let started = units.starts_at_boot().unwrap();
        let names: Vec<&str> = started.iter().map(|s| s.unit.as_str()).collect();
        for target in ["basic.target", "sysinit.target", "timers.target", "sockets.target"] {
            assert!(names.contains(&target), "{target} in {}: {names:?}", tree.display());
            let wants = tree.join(ETC).join(format!("{target}.wants"));
            for link in std::fs::read_dir(wants).into_iter().flatten() {
                let link = link.unwrap().file_name().into_string().unwrap();
                let unit = units.unit(&link).unwrap();
                assert!(unit.is_none_or(|unit| names.contains(&unit.name.as_str())), "{link}");
            }
        }
        assert!(started.iter().filter(|s| s.cause == Cause::Default).count() == 1);
    }
}

#[test]
fn agrees_with_systemctl_on_generated_trees() {
    let (version, names) = (version(), NAMES.map(str::to_owned));
    let mut seen = BTreeSet::new();
    let judge = |tree: &MemoryTree| {
        let own = words(&Units::read(tree.root(), version).unwrap(), &names);
        seen.extend(own.clone());
        let named = |words: Vec<String>| names.iter().zip(words).collect::<Vec<_>>();
        Verdict::same(&named(own.clone()), &named(real(tree.on_disk().path(), &names)))
    };
    Differential::cases(300).run(generate, judge);
    assert!(seen.len() >= 11, "too few states were seen: {seen:?}");
}

const NAMES: [&str; 8] = [
    "a.service",
    "b.service",
    "a-b.service",
    "t@.service",
    "t@x.service",
    "u@.service",
    "s.socket",
    "m.mount",
];

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for _ in 0..dice.range(2..=9) {
        let directory = dice.pick(&DIRECTORIES);
        let (name, other) = (dice.pick(&NAMES), dice.pick(&NAMES));
        let path = format!("{directory}/{name}");
        match dice.below(12) {
            0..=4 => {
                let text = unit_text(dice);
                if !tree.is_link(&path) {
                    tree.write(&path, &text);
                }
            }
            5..=7 => {
                let sub = dice.pick(&[
                    "x.target.wants",
                    "x.target.requires",
                    "y.target.upholds",
                    "a.service.wants",
                ]);
                let link = dice.pick(&["t@y.service", name, name, name]);
                tree.link(format!("{directory}/{sub}/{link}"), format!("/{LIB}/{other}"));
            }
            8 => {
                tree.link(&path, "/dev/null");
            }
            9 => {
                let target =
                    dice.pick(&["/opt/o.service", "/opt/a.service", "/opt/t@.service", "/opt/empty.service"]);
                tree.write("opt/o.service", "[Install]\nWantedBy=x.target\n");
                tree.write("opt/a.service", "[Install]\nAlias=b.service\n");
                tree.write("opt/t@.service", "[Service]\nExecStart=/bin/true\n");
                tree.write("opt/empty.service", "");
                tree.link(&path, target);
            }
            10 => {
                tree.link(&path, dice.pick(&[other, "../../../usr/lib/systemd/system/a.service"]));
            }
            _ => {
                let text = unit_text(dice);
                tree.write(format!("{path}.d/{}", dice.pick(&["10.conf", "20.conf", "x.txt"])), &text);
            }
        }
    }
    tree
}

fn unit_text(dice: &mut Dice) -> String {
    let install = dice.pick(&[
        "",
        "WantedBy=x.target",
        "RequiredBy=x.target y.target",
        "Alias=b.service",
        "Also=s.socket",
        "WantedBy=x.target\nWantedBy=",
        "UpheldBy=y.target",
        "DefaultInstance=x\nWantedBy=x.target",
        "# c\nWantedBy=\\\n# c\n  x.target",
        "Alias=t@.service a.service",
        "Wantedby=x.target",
        "Also=",
        "Alias=u@.service",
    ]);
    match dice.below(10) {
        0 => String::new(),
        1 => "[Service]\nExecStart=/bin/true\n".into(),
        _ => format!("[Service]\nExecStart=/bin/true\n[Install]\n{install}\n"),
    }
}

/// What the manager's own loader makes of a unit: the values of these fields in the dump that
/// `systemd-analyze verify` logs. `None` where it can't load the unit.
fn dumped<const N: usize>(root: &Path, unit: &str, fields: [&str; N]) -> Option<[Vec<String>; N]> {
    let path = DIRECTORIES.map(|d| root.join(d).display().to_string()).join(":");
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--generators=no", "--recursive-errors=no", unit])
        .env("SYSTEMD_UNIT_PATH", path)
        .env("SYSTEMD_LOG_LEVEL", "debug")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let dump = text.split("-> Unit ").nth(1)?;
    let field = |name: &str| -> Vec<String> {
        let values = dump.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
        values.map(|value| value.replace(&*root.to_string_lossy(), "")).collect()
    };
    (field("Unit Load State") == ["loaded"]).then(|| fields.map(field))
}

fn loaded(root: &Path, unit: &str) -> Option<Loaded> {
    let [fragment, drop_ins, description] =
        dumped(root, unit, ["Fragment Path", "DropIn Path", "Description"])?;
    Some((fragment.first()?.clone(), drop_ins, description.concat()))
}

/// A unit's file, its drop-ins and its description.
type Loaded = (String, Vec<String>, String);

#[test]
fn drop_ins_merge_as_the_manager_merges_them() {
    let units = ["a-b.service", "a-b@x.service", "a--b.service", "c.service", "a-.service", "d-e-f.socket"];
    let (version, mut loadable) = (version(), 0);
    let judge = |tree: &MemoryTree| {
        let read = Units::read(tree.root(), version).unwrap();
        let own = |unit| -> Option<Loaded> {
            let unit = read.unit(unit).unwrap()?;
            let description = unit.last("Unit", "Description").map(|d| d.value.clone());
            Some((unit.fragment.clone(), unit.drop_ins.clone(), description.unwrap_or(unit.name)))
        };
        let disk = tree.on_disk();
        let real = units.map(|unit| (unit, loaded(disk.path(), unit)));
        loadable += real.iter().filter(|(_, found)| found.is_some()).count() as u64;
        Verdict::same(&units.map(|unit| (unit, own(unit))), &real)
    };
    let tally = Differential::cases(150).run(units_with_drop_ins, judge);
    assert!(loadable > 2 * tally.agreed, "only {loadable} units could be loaded");
}

fn units_with_drop_ins(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[(&format!("{LIB}/sysinit.target"), "[Unit]\n")]);
    for unit in ["a-b.service", "a-b@.service", "a--b.service", "a-.service", "d-e-f.socket"] {
        let text = "[Service]\nExecStart=/bin/true\n[Socket]\nListenStream=1\n";
        tree.write(format!("{}/{unit}", dice.pick(&DIRECTORIES)), text);
    }
    tree.write(format!("{LIB}/d-e-f.service"), "[Service]\nExecStart=/bin/true\n");
    let alias = dice.pick(&["a-b.service", "/usr/lib/systemd/system/c.service"]);
    tree.link(format!("{ETC}/c.service"), alias);
    if dice.once_in(4) {
        tree.link(format!("{ETC}/a-b.service"), "/dev/null");
    }
    for _ in 0..dice.below(9) {
        let directory = dice.pick(&[
            "a-b.service.d",
            "a-.service.d",
            "a--.service.d",
            "a-b@.service.d",
            "a-b@x.service.d",
            "service.d",
            "c.service.d",
            "a--b.service.d",
            "d-.socket.d",
            "d-e-.socket.d",
            "socket.d",
            "a-@.service.d",
        ]);
        let name = dice.pick(&["10.conf", "20.conf", "30.conf", "x.txt", ".h.conf"]);
        let path = format!("{}/{directory}/{name}", dice.pick(&DIRECTORIES));
        let n = dice.below(1000);
        if dice.once_in(6) {
            tree.link(&path, "/dev/null");
        } else if !tree.is_link(&path) {
            tree.write(&path, format!("[Unit]\nDescription=\\\n# c\n  d{n}\n"));
        }
    }
    tree
}

#[test]
fn settings_merge_with_drop_ins_and_resets() {
    let mut fixture = MemoryTree::of(&[
        (
            &format!("{LIB}/ssh.socket"),
            "[Socket]\nListenStream=22\nAccept=no\n[Install]\nWantedBy=sockets.target\n",
        ),
        (&format!("{ETC}/ssh.socket.d/port.conf"), "[Socket]\n# c\nListenStream=\nListenStream=2222\n"),
    ]);
    let streams = |fixture: &MemoryTree| {
        let units = Units::read(fixture.root(), 252).unwrap();
        units.listen_streams("ssh.socket").unwrap().unwrap()
    };
    let port = Location::line(format!("/{ETC}/ssh.socket.d/port.conf"), 4);
    assert_eq!(streams(&fixture), [Sourced::new("2222".to_owned(), port)]);
    fixture.write(format!("{ETC}/ssh.socket.d/port.conf"), "[Socket]\nListenStream=2222\n");
    assert_eq!(streams(&fixture).len(), 2);
    fixture.link(format!("{ETC}/ssh.socket.d/port.conf"), "/dev/null");
    assert_eq!(streams(&fixture)[0].value, "22");
}

#[test]
fn activation_by_name_and_by_setting() {
    let fixture = MemoryTree::of(&[
        (&format!("{LIB}/a.socket"), "[Socket]\nListenStream=1\nAccept=yes\n"),
        (&format!("{LIB}/b.socket"), "[Socket]\nService=z.service\n"),
        (&format!("{LIB}/c.timer"), "[Timer]\nOnBootSec=1\n"),
    ]);
    let units = Units::read(fixture.root(), 252).unwrap();
    let activates = |unit: &str| units.activates(unit).unwrap();
    assert_eq!(activates("a.socket").as_deref(), Some("a@.service"));
    assert_eq!(activates("b.socket").as_deref(), Some("z.service"));
    assert_eq!(activates("c.timer").as_deref(), Some("c.service"));
    assert_eq!(activates("d.timer"), None);
}

#[test]
fn a_boot_follows_aliases_links_and_scripts() {
    let mut fixture = MemoryTree::of(&[
        (&format!("{LIB}/multi-user.target"), "[Unit]\nRequires=basic.target\n"),
        (&format!("{LIB}/basic.target"), "[Unit]\nWants=timers.target\n"),
        (&format!("{LIB}/timers.target"), "[Unit]\n"),
        (&format!("{LIB}/sysinit.target"), "[Unit]\n"),
        (&format!("{LIB}/a.timer"), "[Timer]\nOnBootSec=1\n"),
        (&format!("{LIB}/b.service"), "[Unit]\nWants=c@%p.service\n[Service]\nExecStart=/bin/true\n"),
        (&format!("{LIB}/c@.service"), "[Service]\nExecStart=/bin/true\n"),
        (&format!("{LIB}/off.service"), "[Service]\nExecStart=/bin/true\n"),
        ("etc/init.d/old.sh", "#!/bin/sh\n"),
        ("etc/init.d/b", "#!/bin/sh\n"),
    ]);
    fixture.link(format!("{LIB}/default.target"), "multi-user.target");
    fixture.link(format!("{ETC}/timers.target.wants/a.timer"), "/x");
    fixture.link(format!("{ETC}/multi-user.target.wants/b.service"), "/x");
    fixture.link(format!("{ETC}/multi-user.target.wants/off.service"), "/x");
    fixture.link("etc/rc2.d/S01old.sh", "../init.d/old.sh").link("etc/rc2.d/S01b", "../init.d/b");
    let names = |fixture: &MemoryTree| -> Vec<String> {
        let started = Units::read(fixture.root(), 252).unwrap().starts_at_boot().unwrap();
        started.into_iter().map(|s| s.unit).collect()
    };
    let all = [
        "a.timer",
        "b.service",
        "basic.target",
        "c@b.service",
        "multi-user.target",
        "off.service",
        "old.service",
        "sysinit.target",
        "timers.target",
    ];
    assert_eq!(names(&fixture), all);
    let started = Units::read(fixture.root(), 252).unwrap().starts_at_boot().unwrap();
    assert_eq!(started[0].chain, ["multi-user.target", "basic.target", "timers.target"]);
    fixture.link(format!("{ETC}/off.service"), "/dev/null");
    fixture.link(format!("{ETC}/old.service"), "/dev/null");
    assert_eq!(names(&fixture).len(), all.len() - 2);
    fixture.remove(format!("{ETC}/off.service")).remove(format!("{ETC}/old.service"));
    assert_eq!(names(&fixture), all);
    assert!(names(&MemoryTree::new()).is_empty());
}

#[test]
fn hostile_trees_are_bounded() {
    let mut fixture = MemoryTree::of(&[
        (&format!("{LIB}/default.target"), &format!("[Unit]\nWants={}\n", "default.target ".repeat(100_000))),
        (&format!("{LIB}/x.service"), &"[Unit]\nWants=a\\\n".repeat(50_000)),
        (&format!("{LIB}/\u{fffd}.service"), "\0"),
        (&format!("{LIB}/y.service"), "[\r\n=\r\n[Install]\r\nWantedBy=\"x.target\r\n"),
    ]);
    fixture.link(format!("{ETC}/p.service"), "q.service").link(format!("{ETC}/q.service"), "p.service");
    let units = Units::read(fixture.root(), 257).unwrap();
    for unit in units.names() {
        units.state(&unit).unwrap();
        units.unit(&unit).unwrap();
    }
    assert_eq!(units.state("p.service").unwrap().value, State::Broken);
    assert_eq!(units.state("../../etc/passwd").unwrap().value, State::Broken);
    units.starts_at_boot().unwrap();
}
