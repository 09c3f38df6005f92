//! User-data: valid for the real cloud-init, the same values for another YAML reader, no larger
//! than a cloud takes, and never with a secret in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use ironseed::plan::Plan;
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, real, run};

const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPi29tQcMJoPpxrwWbJZO1wMAVtJuVZoQxNB4+SLGNqI me@home\n";

/// User-data of every profile and distribution, in files: their names, and the plans that they are of.
fn all(folder: &Path) -> Vec<(String, Plan)> {
    fs::write(folder.join("id.pub"), PUBLIC).unwrap();
    let mut names = Vec::new();
    for plan in plans::all_and_old() {
        let name = format!("{}-{}.yaml", plan.profile, plan.distro.id);
        let choice = plans::choice(&plan, folder);
        let mut arguments = vec!["user-data", "--ssh-key", "id.pub"];
        arguments.extend(choice.iter().map(String::as_str));
        let (code, mut out, err) = run(&arguments, folder);
        if code == 2 && err.contains("use --gzip") {
            let packed = crate::program::ironseed()
                .args(&arguments)
                .arg("--gzip")
                .current_dir(folder)
                .output()
                .unwrap();
            out = gunzip(&packed.stdout);
        }
        assert!(out.starts_with("#cloud-config\n"), "{name}: {err}");
        fs::write(folder.join(&name), out).unwrap();
        names.push((name, plan));
    }
    names
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

#[test]
fn the_real_cloud_init_takes_it() {
    if !have(&["cloud-init"], "cloud-init schema over all user-data") {
        return;
    }
    let dir = TempDir::new().unwrap();
    for (name, _) in all(dir.path()) {
        real("cloud-init", &["schema", "-c", &name], dir.path());
    }
    // The control: it does refuse what is wrong.
    fs::write(dir.path().join("bad.yaml"), "#cloud-config\npackages: {a: b}\n").unwrap();
    let bad = Command::new("cloud-init").args(["schema", "-c", "bad.yaml"]).current_dir(dir.path()).output();
    assert!(!bad.unwrap().status.success());
}

#[test]
fn another_yaml_reader_sees_the_same_values() {
    let python = "/usr/bin/python3";
    if !have(&[python], "reading user-data with PyYAML") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let script = "import json, sys, yaml\njson.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    for (name, plan) in all(dir.path()) {
        let theirs = real(python, &["-c", script, &name], dir.path()).stdout;
        let theirs: serde_json::Value = serde_json::from_slice(&theirs).unwrap();
        let text = fs::read_to_string(dir.path().join(&name)).unwrap();
        let ours: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(ours, theirs, "{name}");
        assert_eq!(ours["ssh_authorized_keys"][0], PUBLIC.trim());
        assert!(ours.get("users").is_none(), "the cloud's default user must stay");
        for file in ours["write_files"].as_array().unwrap() {
            // A number here would be another mode.
            assert!(file["permissions"].as_str().is_some_and(|p| p.starts_with('0')), "{name}: {file}");
        }
        // A cloud-init that can't wait with a file gets it beside the script.
        let waits = plan.distro.versions.defers_files();
        let place = if waits { "" } else { "/run/ironseed/files" };
        assert_eq!(text.contains("defer:"), waits, "{name}");
        // Every word of every file arrives as it was meant.
        let bundle = ironseed::render::bundle(&plan, &ironseed::assets::Assets::embedded()).unwrap();
        for wanted in bundle.files.values() {
            let files = theirs["write_files"].as_array().unwrap();
            let found = files.iter().find(|f| f["path"] == format!("{place}{}", wanted.path)).unwrap();
            assert_eq!(found["content"], wanted.content.as_str(), "{name}: {}", wanted.path);
        }
    }
}

/// A profile whose user-data is too large by this many bytes of contact; `fill` makes each one.
fn large(folder: &Path, fill: impl Fn(usize) -> char) {
    let contact: String = (0..60_000).map(fill).collect();
    let text = format!(
        "name: large\ntitle: L\ndescription: l\nextends: [nectar-base]\nparameters:\n  announcements_contact: \"{contact}\"\n"
    );
    fs::write(folder.join("large.yaml"), text).unwrap();
}

#[test]
fn what_no_cloud_takes_is_refused_with_advice() {
    let dir = TempDir::new().unwrap();
    large(dir.path(), |_| 'a');
    let arguments = ["user-data", "-p", "./large.yaml"];
    let (code, out, said) = run(&arguments, dir.path());
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(said.contains("49149") && said.contains("use --gzip"), "{said}");
    let packed =
        crate::program::ironseed().args(arguments).arg("--gzip").current_dir(dir.path()).output().unwrap();
    assert!(packed.status.success() && packed.stdout.len() <= 49_149);
    assert!(gunzip(&packed.stdout).contains(&"a".repeat(60_000)));

    // Letters that no compression makes small enough.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut letters = Vec::new();
    for _ in 0..60_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters.push(char::from_u32(0x4e00 + (state % 20_000) as u32).unwrap());
    }
    large(dir.path(), |at| letters[at]);
    for more in [None, Some("--gzip")] {
        let arguments: Vec<&str> = arguments.into_iter().chain(more).collect();
        let (code, out, said) = run(&arguments, dir.path());
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(said.contains("ironseed build") && !said.contains("use --gzip"), "{said}");
    }
}

#[test]
fn a_private_key_is_refused() {
    let dir = TempDir::new().unwrap();
    let header = concat!("-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n");
    for (content, reason) in [
        (header, "id is a private key; give the public one, id.pub"),
        ("", "holds no public SSH key"),
        ("# only a comment\n", "holds no public SSH key"),
        ("ssh-ed25519 AAAA ok\npassword: hunter2\n", "id:2"),
    ] {
        fs::write(dir.path().join("id"), content).unwrap();
        let (code, out, said) = run(&["user-data", "--ssh-key", "id"], dir.path());
        assert_eq!((code, out.as_str()), (2, ""), "{said}");
        assert!(said.contains(reason), "{said}");
    }
    let (code, out, _) = run(&["user-data", "--ssh-key", "not-there"], dir.path());
    assert_eq!((code, out.as_str()), (2, ""));
}
