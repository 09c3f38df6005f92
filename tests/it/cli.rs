//! The command line's own promises: exit codes, a clean stdout, one's own files in place of the
//! built-in ones.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{run, text};

#[test]
fn findings_end_with_one_and_errors_with_two() {
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("root/etc")).unwrap();
    fs::write(dir.path().join("root/etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    assert_eq!(run(&["list", "checks"], dir.path()).0, 0);
    let (code, out, _) = run(&["verify", "root", "--report", "report.json"], dir.path());
    assert_eq!(code, 1);
    assert!(out.contains("ssh-password-login"), "{out}");
    let written = fs::read_to_string(dir.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(report["version"], 1);
    for wrong in [
        ["verify", "nowhere"].as_slice(),
        &["plan", "--profile", "nectar-bse"],
        &["plan", "--distro", "debian-21"],
        &["--assets", "nowhere", "plan"],
        &["verify", "root", "--boot"],
        &["no-such-verb"],
    ] {
        let (code, out, said) = run(wrong, dir.path());
        assert_eq!((code, out.as_str()), (2, ""), "{wrong:?}");
        assert!(said.starts_with("error"), "{wrong:?}: {said}");
    }
    let said = run(&["plan", "--profile", "nectar-bse"], dir.path()).2;
    assert!(said.contains("nectar-base"), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ironseed"))
        .args(["plan", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn own_files_replace_and_add_to_the_built_in_ones() {
    let dir = TempDir::new().unwrap();
    for folder in ["mine/profiles", "mine/templates"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let template =
        "# MINE\n{% for option in options %}\n{{ option.keyword }} {{ option.value }}\n{% endfor %}\n";
    fs::write(dir.path().join("mine/templates/sshd.conf.j2"), template).unwrap();
    let profile = "name: own\ntitle: Own\ndescription: own\nextends: [nectar-base]\n";
    fs::write(dir.path().join("mine/profiles/own.yaml"), profile).unwrap();
    let assets = dir.path().join("mine");
    let assets = assets.to_str().unwrap();
    // By a relative path and by an absolute one.
    for (folder, name) in [("mine", "relative"), (assets, "absolute")] {
        let (code, _, said) = run(&["--assets", folder, "render", "-p", "own", "-o", name], dir.path());
        assert_eq!(code, 0, "{said}");
        let rendered = dir.path().join(name).join("files/etc/ssh/sshd_config.d/00-ironseed.conf");
        let rendered = fs::read_to_string(rendered).unwrap();
        assert!(
            rendered.starts_with("# MINE\n") && rendered.contains("PasswordAuthentication no"),
            "{rendered}"
        );
    }
    assert!(run(&["--assets", "mine", "list", "profiles"], dir.path()).1.contains("own"));
}

#[test]
fn a_folder_that_is_no_rendering_is_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("work")).unwrap();
    fs::write(dir.path().join("work/thesis.tex"), "all of it").unwrap();
    let (code, _, said) = run(&["render", "-o", "work"], dir.path());
    assert_eq!(code, 2);
    assert!(said.contains("left alone"), "{said}");
    assert_eq!(fs::read_to_string(dir.path().join("work/thesis.tex")).unwrap(), "all of it");
}

#[test]
fn a_saved_plan_is_what_a_target_is_held_against() {
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("tree/etc")).unwrap();
    // A tree that names no distribution: without a plan nobody knows what to want of it.
    let (code, _, err) = run(&["verify", "tree"], dir.path());
    assert_eq!(code, 2, "{err}");
    let (_, plan, _) = run(&["plan", "-p", "strict", "-d", "debian-13", "--format", "json"], dir.path());
    fs::write(dir.path().join("plan.json"), &plan).unwrap();
    let (code, out, err) = run(&["verify", "tree", "--plan", "plan.json", "--format", "json"], dir.path());
    assert_eq!(code, 1, "{err}");
    let (report, plan_json): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&out).unwrap(), serde_json::from_str(&plan).unwrap());
    assert_eq!(report["plan"]["digest"], plan_json["digest"]);
    assert_eq!(report["plan"]["distro"], "debian-13");

    for (text, wanted) in [
        (plan.replace("22022", "22023"), "it was edited"),
        ("{}".to_owned(), "is no plan of `ironseed plan --format json`"),
    ] {
        assert_ne!(text, plan);
        fs::write(dir.path().join("plan.json"), text).unwrap();
        let (code, _, err) = run(&["verify", "tree", "--plan", "plan.json"], dir.path());
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(wanted), "{err}");
    }
}

#[test]
fn a_parameter_that_does_nothing_is_named_with_its_line() {
    let dir = TempDir::new().unwrap();
    let own = |more: &str| {
        let text = format!(
            "name: own\ntitle: Own\nextends: [nectar-base]\nparameters:\n  verify_daily: true\n{more}"
        );
        fs::write(dir.path().join("own.yaml"), text).unwrap();
        run(&["user-data", "-p", "own.yaml"], dir.path()).2
    };
    let said = own("");
    assert_eq!(
        said.trim(),
        "warning: own.yaml:5:17: `verify_daily` does nothing: none of the profile's checks uses it"
    );
    assert_eq!(own("checks: [self-verification]\n"), "");
    for profile in ironseed::profile::names(&ironseed::assets::Assets::embedded()).unwrap() {
        assert_eq!(run(&["plan", "-p", &profile], dir.path()).2, "", "{profile}");
    }
}
