use std::cmp::Ordering;
use std::process::Command;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};
use crate::target::DirTree;

const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn fixture() -> MemoryTree {
    MemoryTree::of(&[
        (
            STATUS,
            "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nConffiles:\n \
             /etc/a d41d8cd98f00b204e9800998ecf8427e\n /etc/old d41d8cd98f00b204e9800998ecf8427e obsolete\n \
             /etc/n newconffile\n\n\
             Package: b\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\n\n\
             Package: c\nStatus: hold ok installed\nArchitecture: all\nVersion: 3\n",
        ),
        ("var/lib/dpkg/info/a:amd64.list", "/.\n/lib\n/lib/x\n/etc/a\n/usr/bin/y\n/usr/bin/l\n"),
        ("var/lib/dpkg/info/a:amd64.md5sums", &format!("{EMPTY}  lib/x\n{EMPTY}  usr/bin/y\n")),
        ("var/lib/dpkg/info/c.list", "/usr/bin/y\n"),
        ("var/lib/dpkg/diversions", "/usr/bin/y\n/usr/bin/y.a\nc\n"),
    ])
}

#[test]
fn installed_removed_and_held_packages() {
    let database = Database::read(fixture().root()).unwrap().unwrap();
    assert_eq!(database.get("a").unwrap().version, "1.0-1");
    assert!(database.get("b").is_none() && database.all("b").count() == 1);
    assert!(database.get("c").unwrap().is_held());
    let conffiles = &database.get("a").unwrap().conffiles;
    assert_eq!((conffiles.len(), conffiles[1].obsolete, conffiles[2].md5), (3, true, None));
    assert_eq!(database.get("c").unwrap().at.line, Some(15));
    assert!(Database::read(MemoryTree::new().root()).unwrap().is_none());
}

#[test]
fn owners_through_merged_usr_conffiles_and_diversions() {
    let fixture = fixture();
    let database = Database::read(fixture.root()).unwrap().unwrap();
    let files = Files::read(fixture.root(), &database).unwrap();
    let owner = |path: &str| files.owner(path.as_bytes());
    assert_eq!(owner("usr/lib/x").unwrap().md5, Md5::parse(EMPTY));
    assert!(owner("etc/a").unwrap().conffile);
    assert_eq!(owner("usr/bin/y").unwrap().package, "c");
    assert_eq!(owner("usr/bin/y.a").unwrap().package, "a");
    assert_eq!(owner("usr/bin/l").unwrap().md5, None);
    assert_eq!(owner("usr/bin/z"), None);
    assert_eq!(owner("etc/old"), None);
}

/// On this machine: every regular file that `dpkg --verify` doesn't complain of has its digest.
#[test]
fn agrees_with_dpkg_query_here() {
    let disk = DirTree::open("/".as_ref()).unwrap();
    let root = Root::new(&disk);
    let database = Database::read(root).unwrap().unwrap();
    let format = "${binary:Package}\t${Version}\t${db:Status-Status}\n";
    let output = Command::new("dpkg-query").args(["-W", "-f", format]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let real: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
    let installed = real.iter().filter(|fields| fields[2] == "installed");
    for fields in installed.clone() {
        let name = fields[0].split(':').next().unwrap();
        assert!(database.all(name).any(|p| p.is_installed() && p.version == fields[1]), "{name}");
    }
    assert_eq!(database.installed().count(), installed.count());

    let files = Files::read(root, &database).unwrap();
    for path in ["/usr/bin/dpkg", "/bin/ls", "/etc/debconf.conf"] {
        let output = Command::new("dpkg").args(["-S", path]).output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        let resolved = root.resolve(path).unwrap().unwrap().path;
        let owner = files.owner(&resolved).unwrap();
        assert_eq!(answer.split(':').next(), Some(owner.package), "{path}");
        assert!(owner.md5.is_some());
    }
}

/// Versions that dpkg takes for valid, in odd forms.
fn versions() -> Vec<String> {
    let mut dice = Dice::new(1);
    let pieces = ["0", "1", "10", "01", ".", "~", "+", "a", "Z", "rc", "-", "~~", "deb12u1", "00"];
    let mut versions: Vec<String> =
        ["1.0", "1.0-0", "0:1.0", "1:0", "1.0~rc1", "1.0+b1", "1.0-1~bpo12+1"].map(str::to_owned).into();
    while versions.len() < 60 {
        let body: String = (0..dice.below(6)).map(|_| dice.pick(&pieces)).collect();
        let version = format!("{}1{body}", dice.pick(&["", "", "2:", "0:"]));
        let valid = Command::new("dpkg").args(["--validate-version", &version]).output();
        if valid.unwrap().status.success() {
            versions.push(version);
        }
    }
    versions
}

#[test]
fn versions_agree_with_dpkg() {
    let versions = versions();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    let generate = |dice: &mut Dice| format!("{} {}", dice.pick(&versions), dice.pick(&versions));
    let judge = |pair: &String| {
        let Some((a, b)) = pair.split_once(' ') else { return Verdict::Unanswered };
        let holds = |op| {
            let status = Command::new("dpkg").args(["--compare-versions", a, op, b]).status();
            status.unwrap().success()
        };
        let real = match (holds("lt"), holds("eq")) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Equal,
            _ => Ordering::Greater,
        };
        Verdict::same(&compare_versions(a, b), &real)
    };
    Differential::cases(400).run(generate, judge);
}

#[test]
fn versions_of_any_length_and_form_are_compared() {
    assert_eq!(compare_versions(&"9".repeat(50), &"8".repeat(50)), Ordering::Greater);
    assert_eq!(compare_versions("", "~"), Ordering::Greater);
    compare_versions("é:-", "\0-:");
}
