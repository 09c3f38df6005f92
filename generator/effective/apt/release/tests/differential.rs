//! Holds the reader against apt's own library: the archives that it makes of generated release files and lists.

use serde_json::json;

use crate::effective::apt::Sources;
use crate::effective::apt::release::{Archive, LISTS, package_lists};
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, program, skip};

/// Each line names a tree; the answer is a list of the package files that a cache made of it has.
const DRIVER: &str = r#"
import json, shutil, sys, tempfile
import apt_pkg
# Paths are looked up once, so each tree comes to the same place.
home = tempfile.TemporaryDirectory()
top = home.name + "/tree"
apt_pkg.init_config()
config = apt_pkg.config
for name in ("pkgcache", "srcpkgcache"):
    config.set("Dir::Cache::" + name, "")
config.set("Dir::Etc::main", "/dev/null")
config.set("Dir::Etc::parts", "/dev/null")
config.clear("APT::Architectures")
config.set("APT::Architecture", "amd64")
config.set("APT::Architectures::", "amd64")
config.set("APT::Architectures::", "arm64")
config.set("Dir", top)
config.set("Dir::State::status", top + "/var/lib/dpkg/status")
apt_pkg.init_system()
for line in sys.stdin:
    shutil.rmtree(top, ignore_errors=True)
    shutil.copytree(line.rstrip("\n"), top)
    try:
        files = apt_pkg.Cache(None).file_list
        found = [
            [f.origin, f.label, f.archive, f.codename, f.component, f.site, f.architecture, f.filename[len(top) + 1:]]
            for f in files if f.archive != "now"
        ]
    except apt_pkg.Error:
        found = None
    print(json.dumps(sorted(found) if found is not None else None), flush=True)
"#;

const PACKAGES: &str =
    "Package: a\nVersion: 1\nArchitecture: amd64\nMaintainer: m <m@m.example>\nDescription: d\n\n";
/// Sources with the names of their lists, and the components that these have.
const SOURCES: [(&str, &str, &[&str]); 6] = [
    ("http://h.example/debian s", "h.example_debian_dists_s_", &["main", "contrib"]),
    ("http://h.example/debian s/updates", "h.example_debian_dists_s_updates_", &["main"]),
    (
        "http://user@g.example:8080/x_y s-updates",
        "g.example:8080_x%5fy_dists_s-updates_",
        &["main", "non-free_x"],
    ),
    ("https://k.example t", "k.example_dists_t_", &["main/debian"]),
    ("file:/srv/debian s", "_srv_debian_dists_s_", &["main"]),
    ("http://flat.example/x ./", "flat.example_x_._", &[]),
];

fn field(dice: &mut Dice, name: &str) -> String {
    let value = dice.pick(&[
        "Debian",
        "Debian",
        "stable",
        "a b",
        "A, Inc",
        "x=y",
        "\u{e9}t\u{e9}",
        "",
        " ",
        "12.1",
        "Debian-Security",
        "x\t",
        "\"q\"",
    ]);
    let name = match dice.below(12) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        _ => name.to_owned(),
    };
    match dice.below(14) {
        0 => format!("{name}:{value}\n"),
        1 => format!("{name}:\t {value}  \n"),
        2 => format!("{name}:\n {value}\n"),
        3 => format!("{name}: {value}\n more\n"),
        4 => format!("# c\n{name}: {value}\n"),
        5 => format!("{name}: {value}\n# c\n more\n"),
        6 => format!("{name} : {value}\n"),
        7 => format!("{name}: {value}\r\n"),
        _ => format!("{name}: {value}\n"),
    }
}

fn release(dice: &mut Dice) -> String {
    let mut text = String::new();
    let signed = dice.chance(60);
    if signed {
        text += "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
    } else if dice.once_in(10) {
        text += dice.pick(&["\n", "# c\n", "\n# c\n\n"]);
    }
    for name in ["Origin", "Label", "Suite", "Version", "Codename", "Origin", "Suite"] {
        if dice.chance(65) {
            text += &field(dice, name);
        }
    }
    text += dice.pick(&["Date: Mon, 23 Nov 2026 03:00:00 UTC\n", "Date: x\n", ""]);
    text += "Architectures: amd64 arm64\nSHA256:\n 0 1 x\n";
    if dice.once_in(8) {
        text += "\nOrigin: second\nCodename: second\n";
    }
    if signed {
        text += "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
    }
    text
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[("/var/lib/dpkg/status", "")]);
    tree.directory("/etc/apt").directory("/var/cache/apt").directory(format!("/{LISTS}/partial"));
    let mut lines = String::new();
    for (source, prefix, components) in SOURCES {
        // What is left of a source that was taken away, and a source that nothing was taken from yet.
        if !dice.once_in(5) {
            let kind = dice.pick(&["deb", "deb", "deb", "deb", "deb-src"]);
            let some = dice.subset(components);
            let named = if some.is_empty() { components } else { &some[..] };
            lines += &format!("{kind} {source} {}\n", named.join(" "));
        }
        if dice.once_in(4) {
            continue;
        }
        let names =
            dice.pick(&[&["InRelease"][..], &["InRelease"], &["Release"], &["InRelease", "Release"], &[]]);
        for name in names {
            tree.write(format!("/{LISTS}/{prefix}{name}"), release(dice));
        }
        for component in components {
            let component = component.replace('_', "%5f").replace('/', "_");
            for architecture in ["amd64", "arm64"] {
                if dice.chance(50) {
                    tree.write(
                        format!("/{LISTS}/{prefix}{component}_binary-{architecture}_Packages"),
                        PACKAGES,
                    );
                }
            }
        }
        if components.is_empty() {
            tree.write(format!("/{LISTS}/{prefix}Packages"), PACKAGES);
        }
    }
    tree.write("/etc/apt/sources.list", lines);
    tree
}

fn ours(tree: &MemoryTree) -> String {
    let mut found: Vec<_> = package_lists(tree.root(), &Sources::read(tree.root()).unwrap())
        .unwrap()
        .into_iter()
        .map(|list| {
            let Archive { origin, label, suite, codename, component, site } = list.archive;
            [origin, label, suite, codename, component, site, list.architecture, list.path]
        })
        .collect();
    found.sort();
    format!("{:#}", json!(found))
}

#[test]
fn agrees_with_apt_on_generated_releases() {
    if program("python3").is_none() {
        return;
    }
    let mut python = std::process::Command::new("/usr/bin/python3");
    if !python.args(["-c", "import apt_pkg"]).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "apt_pkg is not installed");
        return skip("apt_pkg is not installed");
    }
    let mut driver = Dialogue::start(std::process::Command::new("/usr/bin/python3").args(["-c", DRIVER]));
    let tally = Differential::cases(60).run(generate, |tree| {
        let disk = tree.on_disk();
        let said = driver.ask(disk.path().to_str().unwrap());
        let theirs: serde_json::Value = serde_json::from_str(&said).unwrap();
        match theirs.is_null() {
            true => Verdict::Unanswered,
            false => match (ours(tree), format!("{theirs:#}")) {
                (ours, theirs) if ours == theirs => Verdict::Agree,
                (ours, theirs) => Verdict::differ(ours, theirs),
            },
        }
    });
    assert!(tally.unanswered < tally.agreed, "one-sided cases: {tally}");
}
