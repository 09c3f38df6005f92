//! Packages, the release, updates and cloud-init.

use ironseed::hash;
use serde_json::Value;

use super::{Maker, file, remove};
use crate::sensitivity::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

const STATUS: &str = "/var/lib/dpkg/status";
const RECORD: &str = "/usr/share/ironseed/build.json";

/// A package database, and the build's record of it.
fn database(make: &Maker<'_>, status: &str) -> Vec<Edit> {
    let [old, new] = [make.text(STATUS).as_str(), status].map(|text| hash::bytes(text.as_bytes()));
    vec![make.put(STATUS, status), make.put(RECORD, &make.text(RECORD).replace(&old, &new))]
}

/// A package's stanza in the database.
fn stanza<'t>(status: &'t str, name: &str) -> &'t str {
    let start = format!("Package: {name}\n");
    let found = status.split_inclusive("\n\n").find(|s| s.starts_with(&start));
    found.unwrap_or_else(|| panic!("{name} is not installed"))
}

pub fn package(make: &Maker<'_>) -> Vec<Mutant> {
    let status = make.text(STATUS);
    let mut all = Vec::new();
    for name in make.base.plan.distro.package_names(make.field("role")) {
        let stanza = stanza(&status, name);
        let state =
            |word: &str| status.replace(stanza, &stanza.replace("Status: install ok installed", word));
        let gone = || vec![Effect::Uninstalled(name.clone())];
        let edits = database(make, &status.replace(stanza, ""));
        all.push(make.mutant(Operator::Delete, &format!("{name} is not known"), edits, gone()));
        let edits = database(make, &state("Status: deinstall ok config-files"));
        all.push(make.mutant(
            Operator::Alter,
            &format!("{name} is removed but for its configuration"),
            edits,
            gone(),
        ));
        let edits = database(make, &state("Status: hold ok installed"));
        all.push(make.loses(Operator::ShadowLoses, &format!("{name} is on hold"), edits));
    }
    all
}

pub fn cleartext(make: &Maker<'_>) -> Vec<Mutant> {
    let status = make.text(STATUS);
    let with = |name: &str, state: &str| {
        let more = format!(
            "Package: {name}\nStatus: {state}\nArchitecture: amd64\nVersion: 1.0\nMaintainer: nobody\nDescription: made for a test\n\n"
        );
        database(make, &(status.clone() + &more))
    };
    let mut all = Vec::new();
    for name in make.base.plan.distro.package_names("cleartext") {
        all.push(make.wins(
            Operator::Second,
            &format!("{name} is installed"),
            with(name, "install ok installed"),
        ));
        all.push(make.loses(
            Operator::ShadowLoses,
            &format!("{name} was removed"),
            with(name, "deinstall ok config-files"),
        ));
    }
    let line = "[trusted=yes] http://archive.example/ stable main\n";
    let source = |path: &str, text: &str| vec![make.append(path, text)];
    let list = "/etc/apt/sources.list.d/x.list";
    all.push(make.wins(
        Operator::Second,
        "an archive without signatures",
        source(list, &format!("deb {line}")),
    ));
    all.push(make.loses(
        Operator::Comment,
        "such an archive in a comment",
        source(list, &format!("# deb {line}")),
    ));
    let other = "/etc/apt/sources.list.d/x.list.save";
    all.push(make.loses(
        Operator::ShadowLoses,
        "such an archive in a file that apt passes over",
        source(other, &format!("deb {line}")),
    ));
    let deb822 =
        "Types: deb\nURIs: http://archive.example/\nSuites: stable\nComponents: main\nTrusted: yes\n";
    let path = "/etc/apt/sources.list.d/x.sources";
    all.push(make.wins(
        Operator::Second,
        "an archive without signatures, in the new form",
        source(path, deb822),
    ));
    let off = deb822.replace("Types", "Enabled: no\nTypes");
    all.push(make.loses(Operator::ShadowLoses, "such an archive, switched off", source(path, &off)));
    all
}

pub fn pending_updates(make: &Maker<'_>) -> Vec<Mutant> {
    let name = "\"pending\":[\"openssl\"]";
    let changed = make.append(STATUS, "\n");
    vec![
        make.wins(Operator::Delete, "no record", vec![remove(RECORD)]),
        make.wins(
            Operator::Alter,
            "the record names one",
            vec![make.replace(RECORD, "\"pending\":[]", name)],
        ),
        make.wins(Operator::Second, "packages changed after the record", vec![changed]),
        make.wins(Operator::Masked, "an empty record", vec![make.put(RECORD, "")]),
        make.loses(
            Operator::ShadowLoses,
            "a record under another name",
            vec![file("/usr/share/ironseed/build.json.old", 0o644, name)],
        ),
    ]
}

pub fn release(make: &Maker<'_>) -> Vec<Mutant> {
    let id = &make.base.plan.distro.os_release;
    let text = make.text("/usr/lib/os-release");
    let version = format!("VERSION_ID=\"{}\"", id.version_id);
    let (own, shipped) = ("/etc/os-release", "/usr/lib/os-release");
    vec![
        make.wins(
            Operator::ShadowWins,
            "another release",
            vec![file(own, 0o644, &text.replace(&version, "VERSION_ID=\"9\""))],
        ),
        make.wins(
            Operator::Alter,
            "another release, shipped",
            vec![make.replace(shipped, &version, "VERSION_ID=\"9\"")],
        ),
        make.wins(
            Operator::Comment,
            "no version",
            vec![make.replace(shipped, &version, &format!("#{version}"))],
        ),
        make.wins(Operator::Delete, "nothing says which", vec![remove(shipped)]),
        make.wins(
            Operator::Case,
            "a key in small letters",
            vec![make.replace(shipped, "VERSION_ID", "version_id")],
        ),
        make.loses(
            Operator::Trailing,
            "blanks at the end",
            vec![make.replace(shipped, &version, &format!("{version}  "))],
        ),
        make.loses(
            Operator::ShadowLoses,
            "another release behind the file that counts",
            vec![file(own, 0o644, &text), file(shipped, 0o644, &text.replace(&version, "VERSION_ID=\"9\""))],
        ),
    ]
}

/// Values of more than one line: the rest are lines of the rendered file.
pub fn cloud_config(make: &Maker<'_>) -> Vec<Mutant> {
    let (key, wanted) = (make.field("key"), make.json("value"));
    let other = match wanted {
        Value::Bool(value) => Value::Bool(!value),
        Value::Array(_) => serde_json::json!(["rsa"]),
        _ => Value::Null,
    };
    let text = format!("{key}: {other}\n");
    let at = |path: &str| vec![file(path, 0o644, &text)];
    vec![
        make.wins(Operator::ShadowWins, "a later file", at("/etc/cloud/cloud.cfg.d/99-z.cfg")),
        make.loses(Operator::ShadowLoses, "an earlier file", at("/etc/cloud/cloud.cfg.d/06-a.cfg")),
        make.loses(
            Operator::ShadowLoses,
            "a file that cloud-init passes over",
            at("/etc/cloud/cloud.cfg.d/99-z.yaml"),
        ),
    ]
}

/// The list of archives that updates come from: the other lines of the file are lines like any.
pub fn updates(make: &Maker<'_>) -> Vec<Mutant> {
    const LIST: &str = "Unattended-Upgrade::Origins-Pattern";
    let distro = &make.base.plan.distro;
    let path = distro.paths["updates"].as_str();
    let pattern = format!("\"{}\";", distro.archive.security_patterns[0]);
    let in_list = |new: &str| vec![make.replace(path, &pattern, new)];
    let in_file = |path: &str, text: String| vec![file(path, 0o644, &text)];
    let (first, last) = ("/etc/apt/apt.conf.d/00-a", "/etc/apt/apt.conf.d/99-z");
    let all = format!("{LIST}:: \"origin=*\";\n");
    let sources = make.replace(
        "/etc/apt/sources.list",
        &format!("{}-security", distro.codename),
        &format!("{}-backports", distro.codename),
    );
    let held = "Unattended-Upgrade::Package-Blacklist { \"linux-\"; };\n".to_owned();
    vec![
        make.wins(Operator::Alter, "another archive", in_list(&pattern.replace("-security", ""))),
        make.wins(
            Operator::Case,
            "a key in capital letters",
            in_list(&pattern.replace("codename", "CODENAME")),
        ),
        make.wins(Operator::Comment, "no archive", in_list(&format!("// {pattern}"))),
        make.loses(Operator::Tabs, "tabs before it", in_list(&format!("\t\t{pattern}"))),
        make.loses(Operator::Trailing, "blanks after it", in_list(&format!("{pattern}  "))),
        make.wins(
            Operator::ShadowWins,
            "the list is cleared later",
            in_file(last, format!("#clear {LIST};\n")),
        ),
        make.wins(Operator::Second, "every archive", in_file(last, all.clone())),
        make.loses(Operator::ShadowLoses, "every archive, before the list is cleared", in_file(first, all)),
        make.wins(Operator::ShadowWins, "kernels are left out", in_file(last, held.clone())),
        make.loses(
            Operator::ShadowLoses,
            "kernels are left out, before that is cleared",
            in_file(first, held),
        ),
        make.wins(Operator::Alter, "no source has security updates", vec![sources]),
    ]
}
