use jiff::Timestamp;
use serde_json::Value;

use super::purl::purl;
use super::{Form, Inventory, Source, Subject};
use crate::effective::testing::MemoryTree;
use crate::hash::Digests;

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

fn tree(status: &str) -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.write("/etc/os-release", OS_RELEASE);
    tree.write("/var/lib/dpkg/status", status);
    tree
}

fn stanza(name: &str, state: &str, more: &str) -> String {
    format!("Package: {name}\nStatus: install ok {state}\nArchitecture: amd64\nVersion: 1:2.0+b1\n{more}\n")
}

fn subject() -> Subject {
    let digests = Digests { sha256: "aa".repeat(32), sha512: "bb".repeat(64) };
    Subject {
        name: "x.qcow2".into(),
        digests: Some(digests),
        made: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

#[test]
fn package_urls_are_written_as_the_specification_has_them() {
    // The examples of the types `deb` and `rpm` in the specification, versions as they would be today.
    assert_eq!(
        purl("deb", "debian", "curl", "7.50.3-1", &[("distro", "jessie"), ("arch", "i386")]),
        "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie"
    );
    assert_eq!(
        purl(
            "rpm",
            "opensuse",
            "curl",
            "7.56.1-1.1.",
            &[("arch", "i386"), ("distro", "opensuse-tumbleweed")]
        ),
        "pkg:rpm/opensuse/curl@7.56.1-1.1.?arch=i386&distro=opensuse-tumbleweed"
    );
    assert_eq!(
        purl("deb", "debian", "libstdc++6", "12.2.0-14+deb12u1", &[("arch", ""), ("upstream", "a@b c")]),
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?upstream=a%40b%20c"
    );
}

#[test]
fn what_has_files_is_listed_and_what_was_removed_is_not() {
    let states = [
        "installed",
        "unpacked",
        "half-configured",
        "half-installed",
        "triggers-pending",
        "triggers-awaited",
    ];
    let mut status: String = states.iter().map(|state| stanza(&format!("a-{state}"), state, "")).collect();
    status += &stanza("gone", "config-files", "");
    status += &stanza("wished-for", "not-installed", "");
    let inventory = Inventory::read(tree(&status).root()).unwrap();
    let names: Vec<&str> = inventory.components.iter().map(|c| c.name.as_str()).collect();
    let mut wanted: Vec<String> = states.iter().map(|state| format!("a-{state}")).collect();
    wanted.sort();
    assert_eq!(names, wanted);
}

#[test]
fn the_source_package_is_named_where_scanners_look_for_it() {
    let status = stanza("bash", "installed", "")
        + &stanza("libc6", "installed", "Source: glibc\n")
        + &stanza("python3-yaml", "installed", "Source: pyyaml (6.0-3)\n");
    let found = Inventory::read(tree(&status).root()).unwrap().components;
    let source = |name: &str, version: &str| Source::Named { name: name.into(), version: version.into() };
    assert_eq!(found[0].source, source("bash", "1:2.0+b1"));
    assert_eq!(found[0].purl, "pkg:deb/debian/bash@1:2.0%2Bb1?arch=amd64&distro=debian-12");
    assert_eq!(found[1].source, source("glibc", "1:2.0+b1"));
    assert!(found[1].purl.ends_with("&upstream=glibc"), "{}", found[1].purl);
    assert_eq!(found[2].source, source("pyyaml", "6.0-3"));
    assert!(found[2].purl.ends_with("&upstream=pyyaml%406.0-3"), "{}", found[2].purl);
}

#[test]
fn nothing_to_read_is_an_error_and_no_empty_bill() {
    let mut tree = MemoryTree::new();
    assert!(Inventory::read(tree.root()).unwrap_err().to_string().contains("os-release"));
    tree.write("/etc/os-release", OS_RELEASE);
    assert!(Inventory::read(tree.root()).unwrap_err().to_string().contains("package database"));
    tree.write("/var/lib/dpkg/status", "");
    assert_eq!(Inventory::read(tree.root()).unwrap().components, []);
}

#[test]
fn the_same_packages_give_the_same_bytes_and_others_another_number() {
    let number = |bill: &str, key: &str| serde_json::from_str::<Value>(bill).unwrap()[key].clone();
    for (form, key) in [(Form::CycloneDx, "serialNumber"), (Form::Spdx, "documentNamespace")] {
        let write = |status: &str, subject: &Subject| {
            form.write(&Inventory::read(tree(status).root()).unwrap(), subject).unwrap()
        };
        let (a, b) = (stanza("a", "installed", ""), stanza("b", "installed", ""));
        let both = write(&(a.clone() + &b), &subject());
        assert_eq!(both, write(&(b + &a), &subject()), "the order of the database shows");
        assert_ne!(number(&both, key), number(&write(&a, &subject()), key));
        let later = Subject { made: Timestamp::from_second(1_700_000_001).unwrap(), ..subject() };
        assert_ne!(number(&both, key), number(&write(&a, &later), key));
    }
}
