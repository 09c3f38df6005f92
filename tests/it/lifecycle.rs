//! `lifecycle`, `matrix` and the refusal of releases past their end of life, as the command line shows them.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use crate::plans;
use crate::program::run;

#[test]
fn a_verdict_ends_with_its_code_and_names_the_way_up() {
    let dir = TempDir::new().unwrap();
    let cases = [
        ("ID=fedora\nVERSION_ID=34\n", "2026-11-23", 1, "dnf system-upgrade"),
        ("ID=fedora\nVERSION_ID=43\n", "2026-11-23", 0, "ends in 16 days"),
        ("ID=\"rocky\"\nVERSION_ID=\"9.8\"\n", "2026-11-23", 0, "2032-05-31"),
        ("ID=ubuntu\nVERSION_ID=\"20.04\"\n", "2026-11-23", 1, "do-release-upgrade"),
        ("ID=ubuntu\nVERSION_ID=\"20.04\"\n", "2026-11-23", 1, "2025-04-02 (the vulnerability recipes)"),
        ("ID=ubuntu\nVERSION_ID=\"20.04\"\n", "2025-05-31", 0, "ends today"),
        ("NAME=\"CentOS Linux\"\nID=centos\nVERSION_ID=8\n", "2026-11-23", 1, "2021-12-31"),
        ("NAME=\"CentOS Stream\"\nID=centos\nVERSION_ID=8\n", "2026-11-23", 1, "2024-05-31"),
    ];
    for (text, day, code, word) in cases {
        fs::write(dir.path().join("os-release"), text).unwrap();
        let (found, out, err) = run(&["lifecycle", "os-release", "--on", day], dir.path());
        assert_eq!(found, code, "{text}{err}");
        assert!(out.contains(word), "{text}{out}");
        fs::create_dir_all(dir.path().join("root/etc")).unwrap();
        fs::write(dir.path().join("root/etc/os-release"), text).unwrap();
        assert_eq!(run(&["lifecycle", "root", "--on", day], dir.path()).0, code, "{text}");
    }
    fs::write(dir.path().join("os-release"), "ID=other\nVERSION_ID=1\n").unwrap();
    assert_eq!(run(&["lifecycle", "os-release"], dir.path()).0, 2);
    assert_eq!(run(&["lifecycle", "nothing"], dir.path()).0, 2);
}

#[test]
fn the_table_knows_every_release() {
    let dir = TempDir::new().unwrap();
    let (code, out, _) = run(&["lifecycle", "--on", "2026-11-23", "--format", "json"], dir.path());
    let table: serde_json::Value = serde_json::from_str(&out).unwrap();
    let releases = table["releases"].as_array().unwrap();
    let state = |id: &str| {
        let row = releases.iter().find(|r| r["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        row["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(code, 0);
    for (id, wanted) in [
        ("debian-12", "security-only"),
        ("debian-13", "supported"),
        ("debian-11", "past"),
        ("fedora-43", "ending"),
        ("windows-server-2012-r2", "past"),
        ("windows-server-2022", "security-only"),
        ("windows-server-2025", "supported"),
        ("centos-7", "past"),
        ("ubuntu-16.04", "past"),
    ] {
        assert_eq!(state(id), wanted, "{id}");
    }
}

#[test]
fn a_release_past_its_end_is_made_only_where_somebody_answers_for_it() {
    let dir = TempDir::new().unwrap();
    let waiver = |day: &str| {
        let text = format!(
            "name: old\ntitle: Old\nextends: [nectar-base]\nwaivers:\n  - {{check: release-supported, owner: me, reason: a move is planned, expires: \"{day}\"}}\n"
        );
        fs::write(dir.path().join("old.yaml"), text).unwrap();
    };
    let render = |distro: &str, more: &[&str]| {
        let arguments = [&["render", "-d", distro, "-o", "out"], more].concat();
        let (code, _, err) = run(&arguments, dir.path());
        (code, err)
    };
    waiver("9999-12-31");
    let old: BTreeSet<String> =
        plans::renderable().into_iter().filter(plans::is_past).map(|plan| plan.distro.id).collect();
    assert!(old.len() > 1, "{old:?}");
    for distro in &old {
        for (more, word) in [
            (&[][..], "way up"),
            (&["--allow-eol"][..], "wants a waiver"),
            (&["-p", "./old.yaml"][..], "--allow-eol"),
        ] {
            let (code, err) = render(distro, more);
            assert_eq!(code, 2, "{distro}");
            assert!(err.contains(word), "{distro}: {err}");
        }
        let (code, err) = render(distro, &["-p", "./old.yaml", "--allow-eol"]);
        assert_eq!(code, 0, "{distro}: {err}");
    }
    waiver("2026-09-01");
    assert!(render("debian-11", &["-p", "./old.yaml", "--allow-eol"]).1.contains("expired"));
    let (code, _, err) = run(&["user-data", "-d", "windows-server-2012-r2", "--allow-eol"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("known by its dates alone"), "{err}");
}

#[test]
fn every_matrix_has_a_job_for_each_combination() {
    let dir = TempDir::new().unwrap();
    let (_, wanted, _) = run(&["matrix", "--format", "zuul"], dir.path());
    let count = crate::plans::all().len();
    for service in ["github", "gitlab", "jenkins", "zuul"] {
        let (code, out, err) = run(&["matrix", "--format", service], dir.path());
        assert_eq!(code, 0, "{service}: {err}");
        let builds = out.matches("ironseed release -p").count() + out.matches("ironseed render -p").count();
        assert_eq!(builds, count, "{service}");
        if service != "jenkins" {
            let _: serde_json::Value = serde_saphyr::from_str(&out).unwrap();
        }
    }
    assert_eq!(run(&["matrix", "--format", "zuul"], dir.path()).1, wanted);
}
