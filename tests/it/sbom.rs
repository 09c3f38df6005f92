//! Bills of materials: against the schemas of their forms, and package for package against the real package managers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ironseed::hash;
use ironseed::target::{self, Root};
use jsonschema::{Registry, Validator};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{have, real, run, text};
use crate::{image, plans, rpm_tree};

const STATUS: &str = "/var/lib/dpkg/status";

fn schema(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemas");
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The schema of a form, with those that it refers to by their addresses.
fn validator(form: &str) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    match form {
        "spdx" => options.build(&schema("spdx-2.3.json")).unwrap(),
        _ => {
            let at = |name: &str| format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json");
            let registry = Registry::new()
                .add(at("spdx"), schema("cyclonedx-1.6-licences.json"))
                .and_then(|registry| registry.add(at("jsf-0.82"), schema("cyclonedx-1.6-signatures.json")))
                .and_then(|registry| registry.prepare())
                .unwrap();
            options.with_registry(&registry).build(&schema("cyclonedx-1.6.json")).unwrap()
        }
    }
}

/// The bill of a target, which fits its schema; a broken one doesn't.
fn bill(target: &Path, form: &str) -> Value {
    let (code, out, err) = run(&["sbom", target.to_str().unwrap(), "--format", form], Path::new("/"));
    assert_eq!(code, 0, "{err}");
    let bill: Value = serde_json::from_str(&out).unwrap();
    let validator = validator(form);
    let found: Vec<String> =
        validator.iter_errors(&bill).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(found.is_empty(), "{found:#?}");
    let (parts, name) = match form {
        "spdx" => ("packages", "downloadLocation"),
        _ => ("components", "name"),
    };
    let mut wrong = bill.clone();
    wrong[parts][1].as_object_mut().unwrap().remove(name);
    assert!(!validator.is_valid(&wrong), "{form} without a {name} passes");
    bill
}

/// `name version` of every package in both bills, which name the same ones.
fn packages(target: &Path) -> BTreeSet<String> {
    let listed = |bill: &Value, parts: &str, version: &str, skip: usize| -> BTreeSet<String> {
        let word = |part: &Value, key: &str| part[key].as_str().unwrap().to_owned();
        let parts = bill[parts].as_array().unwrap();
        let found: BTreeSet<String> = parts[skip..]
            .iter()
            .map(|part| format!("{} {}", word(part, "name"), word(part, version)))
            .collect();
        assert_eq!(found.len(), parts.len() - skip, "a package is there twice");
        found
    };
    let cyclonedx = listed(&bill(target, "cyclonedx"), "components", "version", 1);
    let spdx = listed(&bill(target, "spdx"), "packages", "versionInfo", 1);
    assert_eq!(cyclonedx, spdx);
    cyclonedx
}

/// What `dpkg-query -W` says of a database, which is copied to a folder of its own. It also lists packages that were
/// removed but for their configuration, of which nothing runs.
fn by_dpkg(status: &[u8]) -> BTreeSet<String> {
    let admin = TempDir::new().unwrap();
    fs::write(admin.path().join("status"), status).unwrap();
    let admin = format!("--admindir={}", admin.path().display());
    let form = "${db:Status-Status} ${Package} ${Version}\n";
    let said = real("dpkg-query", &[&admin, "-W", "-f", form], Path::new("/"));
    let said = text(&said.stdout);
    let lines = said.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(state, _)| *state != "config-files").map(|(_, package)| package.to_owned()).collect()
}

/// Shows what only one of two lists has.
fn assert_same(found: &BTreeSet<String>, wanted: &BTreeSet<String>) {
    let differing: Vec<_> = found.symmetric_difference(wanted).collect();
    assert!(differing.is_empty(), "only one of the two has: {differing:?}");
}

/// A tree with this machine's own package database.
fn this_machine(folder: &Path) -> PathBuf {
    let tree = folder.join("tree");
    for path in ["/etc/os-release", STATUS] {
        let to = tree.join(&path[1..]);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
    tree
}

#[test]
fn this_machines_packages_are_as_dpkg_query_lists_them() {
    if !have(&["dpkg-query"], "bills of materials against dpkg-query") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let tree = this_machine(dir.path());
    let status = tree.join(&STATUS[1..]);
    let wanted = by_dpkg(&fs::read(&status).unwrap());
    assert!(wanted.len() > 100, "{wanted:?}");
    assert_same(&packages(&tree), &wanted);

    // One package less in the database is one less in the bill.
    let text = fs::read_to_string(&status).unwrap();
    let rest = text.split_once("\n\n").unwrap().1;
    fs::write(&status, rest).unwrap();
    let fewer = packages(&tree);
    assert_eq!(fewer.len(), wanted.len() - 1);
    assert_same(&fewer, &by_dpkg(rest.as_bytes()));
}

#[test]
fn a_built_images_packages_are_as_dpkg_query_lists_them() {
    let Some(image) = image::path() else { return };
    let target = target::open(image).unwrap();
    let status = Root::new(target.tree.as_ref()).read(STATUS).unwrap().unwrap();
    let found = packages(image);
    assert_same(&found, &by_dpkg(&status));
    assert!(found.iter().any(|package| package.starts_with("openssh-server ")), "no sshd in it");
    let sums = bill(image, "cyclonedx")["metadata"]["component"]["hashes"].clone();
    let sha256 = hash::reader(&mut fs::File::open(image).unwrap()).unwrap();
    assert_eq!(sums[0]["content"], sha256);
    let said = real("sha512sum", &[image.to_str().unwrap()], Path::new("/"));
    assert_eq!(sums[1]["content"].as_str(), text(&said.stdout).split(' ').next());
}

#[test]
fn an_rpm_trees_packages_are_as_rpm_lists_them() {
    if !rpm_tree::possible() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let tree = rpm_tree::made(&plans::resolve("nectar-base", "rocky-9"), dir.path());
    let database = tree.join("var/lib/rpm");
    let form = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n";
    let said = real("rpm", &["--dbpath", database.to_str().unwrap(), "-qa", "--qf", form], dir.path());
    let wanted: BTreeSet<String> = text(&said.stdout).lines().map(str::to_owned).collect();
    assert!(!wanted.is_empty());
    assert_same(&packages(&tree), &wanted);
}

#[test]
fn what_holds_no_package_database_gets_no_bill() {
    let dir = TempDir::new().unwrap();
    let (code, out, err) = run(&["sbom", dir.path().to_str().unwrap()], dir.path());
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("os-release"), "{err}");
}
