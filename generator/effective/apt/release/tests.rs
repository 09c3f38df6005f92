use std::collections::BTreeSet;
use std::process::Command;

use super::*;
use crate::effective::testing::MemoryTree;
use crate::target::DirTree;

const RELEASE: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\n\
                       Label: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security\n\
                       Date: Mon, 23 Nov 2026 03:00:00 UTC\nSHA256:\n 0 1 x\n\
                       -----BEGIN PGP SIGNATURE-----\n\nx\n";
const PREFIX: &str = "var/lib/apt/lists/mirror.example_d%5fs_dists_bookworm-security_";

fn fixture() -> MemoryTree {
    let packages = "Package: a\nVersion: 1.0-1+deb12u2\nArchitecture: amd64\n\n\
                    Package: a\nVersion: 1.0-1+deb12u1\nArchitecture: amd64\n\n\
                    Package: b\nVersion: 0.9\nArchitecture: all\n\n\
                    Package: gone\nVersion: 9\nArchitecture: amd64\n";
    let status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n\
                  Package: b\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n\
                  Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";
    MemoryTree::of(&[
        (&format!("{PREFIX}InRelease"), RELEASE),
        (&format!("{PREFIX}main_binary-amd64_Packages"), packages),
        ("var/lib/dpkg/status", status),
    ])
}

#[test]
fn a_signed_release_is_read() {
    let fixture = fixture();
    let release = &releases(fixture.root()).unwrap()[0];
    assert_eq!(release.archive.codename, "bookworm-security");
    assert_eq!(release.archive.site, "mirror.example");
    assert_eq!(release.date.as_deref(), Some("Mon, 23 Nov 2026 03:00:00 UTC"));
    assert_eq!(package_lists(fixture.root()).unwrap()[0].archive.component, "main");
}

#[test]
fn names_of_lists_are_read_as_apt_writes_them() {
    let release = "Origin: o\n";
    let lists = "var/lib/apt/lists";
    let fixture = MemoryTree::of(&[
        (&format!("{lists}/h.example:8080_x%5fy_dists_s_Release"), release),
        (&format!("{lists}/h.example:8080_x%5fy_dists_s_main_debian_binary-amd64_Packages"), ""),
        (&format!("{lists}/h.example:8080_x%5fy_dists_s_non%5ffree_binary-amd64_Packages"), ""),
        (&format!("{lists}/flat.example_._Release"), release),
        (&format!("{lists}/flat.example_._Packages"), ""),
    ]);
    let shown =
        |list: PackageList| format!("{} {} {}", list.archive.site, list.archive.component, list.architecture);
    let shown: Vec<String> = package_lists(fixture.root()).unwrap().into_iter().map(shown).collect();
    assert_eq!(shown, ["flat.example  ", "h.example main/debian amd64", "h.example non_free amd64"]);
}

#[test]
fn pending_upgrades_good_bad_good() {
    let mut fixture = fixture();
    let pending = |fixture: &MemoryTree| {
        let installed = Database::read(fixture.root()).unwrap().unwrap();
        let security = |a: &Archive| a.label == "Debian-Security";
        pending_upgrades(fixture.root(), &installed, security).unwrap()
    };
    let names = |fixture: &MemoryTree| {
        pending(fixture).map(|p| p.into_iter().map(|p| (p.package, p.candidate.value)).collect())
    };
    assert_eq!(names(&fixture), Some(vec![("a".to_owned(), "1.0-1+deb12u2".to_owned())]));
    assert_eq!(pending(&fixture).unwrap()[0].candidate.at.line, Some(1));
    let list = format!("{PREFIX}main_binary-amd64_Packages");
    fixture.write(&list, "Package: a\nVersion: 1.0-1\n");
    assert_eq!(names(&fixture), Some(vec![]));
    // Without lists nobody can say that nothing is pending.
    fixture.remove(&list);
    assert_eq!(names(&fixture), None);
    fixture.write(format!("{list}.lz4"), "x");
    let installed = Database::read(fixture.root()).unwrap().unwrap();
    let unreadable = pending_upgrades(fixture.root(), &installed, |_| true);
    assert!(matches!(unreadable, Err(TargetError::Unsupported(_))));
}

/// On a machine with lists: the archives are those of `apt-cache policy`.
#[test]
fn agrees_with_apt_cache_here() {
    let output = Command::new("apt-cache").arg("policy").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut real = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("release ")) {
        let mut archive = Archive::default();
        for pair in line.split(',') {
            match pair.split_once('=') {
                Some(("o", value)) => archive.origin = value.to_owned(),
                Some(("l", value)) => archive.label = value.to_owned(),
                Some(("a", value)) => archive.suite = value.to_owned(),
                Some(("n", value)) => archive.codename = value.to_owned(),
                Some(("c", value)) => archive.component = value.to_owned(),
                _ => {}
            }
        }
        real.insert(archive);
    }
    // The installed packages themselves are an archive to apt.
    real.retain(|archive| archive.suite != "now");
    let disk = DirTree::open("/".as_ref()).unwrap();
    let lists = package_lists(Root::new(&disk)).unwrap();
    let own: BTreeSet<Archive> =
        lists.into_iter().map(|list| Archive { site: String::new(), ..list.archive }).collect();
    assert!(own.is_superset(&real), "{own:?} lacks some of {real:?}");
}
