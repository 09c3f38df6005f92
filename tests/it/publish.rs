//! The gate and the store, through the command line: only what passed is published, and a kill
//! at any moment leaves the old state or the new one.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ironseed::carried::{self, LABEL};
use ironseed::observation::{Observation, Plane};
use ironseed::plan::Plan;
use ironseed::report::TargetReport;
use ironseed::target::sha256_file;
use jiff::civil::date;
use tempfile::TempDir;

use crate::passing::{TODAY, disk_with, good_report, image, write};
use crate::plans;
use crate::program::{real, run};

const STORE: &str = "store/nectar-base-debian-12";

/// Publishes `image.qcow2` by `report.json`.
fn publish(folder: &Path) -> (i32, String) {
    let (code, out, err) =
        run(&["publish", "image.qcow2", "--report", "report.json", "--to", "store"], folder);
    (code, out + &err)
}

/// Everything that the store holds is whole: sums verify, and `current` leads to a build.
fn assert_whole(folder: &Path) -> PathBuf {
    let current = fs::read_link(folder.join(STORE).join("current")).unwrap();
    let build = folder.join(STORE).join(&current);
    let mut names: Vec<String> =
        fs::read_dir(&build).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let name = "nectar-base-debian-12";
    let of_image = ["cdx.json", "qcow2", "spdx.json"].map(|extension| format!("{name}.{extension}"));
    let mut wanted =
        [".facts", ".tags", "SHA256SUMS", "manifest.json", "report.json"].map(str::to_owned).to_vec();
    wanted.extend(of_image);
    wanted.sort();
    assert_eq!(names, wanted);
    assert_eq!(fs::read_to_string(build.join(".facts/automatic_updates")).unwrap(), "security");
    assert!(build.join(".tags/nectar-base").is_file());
    real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], &build);
    current
}

/// A refusal that names the reason and leaves no store behind.
fn assert_refused(folder: &Path, reason: &str) {
    let (code, said) = publish(folder);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("not published") && said.contains(reason), "wanted {reason:?}: {said}");
    assert!(!folder.join(STORE).exists(), "a refusal left something behind");
}

#[test]
fn a_good_image_is_published_and_its_sums_verify() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let first = image(dir.path(), "image.qcow2", 1, 100_000);
    let sha256 = sha256_file(&first).unwrap();
    write(dir.path(), &good_report(&plan, &first, TODAY));
    // Publishing twice is publishing once.
    for _ in 0..2 {
        assert_eq!(publish(dir.path()).0, 0);
        assert_eq!(assert_whole(dir.path()), Path::new(&sha256));
    }
    let second = image(dir.path(), "image.qcow2", 2, 100_000);
    write(dir.path(), &good_report(&plan, &second, TODAY));
    assert_eq!(publish(dir.path()).0, 0);
    assert_ne!(assert_whole(dir.path()), Path::new(&sha256));
    assert!(dir.path().join(STORE).join(&sha256).is_dir(), "the older build stays");
}

#[test]
fn an_image_that_says_it_was_built_by_another_plan_is_refused() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let labelled = |label: &str| {
        let path = dir.path().join("image.qcow2");
        fs::write(&path, disk_with(&[(LABEL, label)])).unwrap();
        write(dir.path(), &good_report(&plan, &path, TODAY));
    };
    let label = |plan: &Plan| {
        let carried = carried::by(plan, None).unwrap().files;
        let file = carried.into_iter().find(|file| file.path == LABEL).unwrap();
        String::from_utf8(file.content).unwrap()
    };
    labelled(&label(&plans::resolve("strict", "debian-12")));
    assert_refused(dir.path(), "it was built by another plan (strict for debian-12, ");
    labelled("{}");
    assert_refused(dir.path(), "it is no label of an image");
    labelled(&label(&plan));
    let (code, said) = publish(dir.path());
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_report_about_something_else_is_refused() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let path = image(dir.path(), "image.qcow2", 1, 4096);
    let other = image(dir.path(), "other.qcow2", 2, 4096);
    write(dir.path(), &good_report(&plan, &other, TODAY));
    assert_refused(dir.path(), "the report is about other bytes");

    let good = good_report(&plan, &path, TODAY);
    write(dir.path(), &good);
    let mut bytes = fs::read(&path).unwrap();
    bytes[2048] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_refused(dir.path(), "the report is about other bytes");
    bytes[2048] ^= 1;
    fs::write(&path, &bytes).unwrap();

    let mut other_plan = good.clone();
    other_plan.plan.digest = "0".repeat(64);
    write(dir.path(), &other_plan.sealed());
    assert_refused(dir.path(), "another plan");

    let mut directory = good.clone();
    directory.target =
        TargetReport { name: "/srv/tree".into(), kind: "directory".into(), sha256: None, base: None };
    write(dir.path(), &directory.sealed());
    assert_refused(dir.path(), "not about a disk image");

    // The control: nothing but the report was wrong.
    write(dir.path(), &good);
    assert_eq!(publish(dir.path()).0, 0);
}

#[test]
fn an_edited_report_is_refused() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let path = image(dir.path(), "image.qcow2", 1, 4096);
    let good = good_report(&plan, &path, TODAY);

    let mut failed = good.clone();
    failed.checks[0].observations[0] = Observation::fail(Plane::Configured, "yes", "no", "it is open");
    failed.checks[0].outcome = ironseed::observation::aggregate(&failed.checks[0].observations);
    let failed = failed.sealed();
    write(dir.path(), &failed);
    assert_refused(dir.path(), "it is open");

    // A hand that makes it a pass: without a new digest, and with one.
    let mut edited = failed.clone();
    edited.checks[0].outcome = good.checks[0].outcome;
    write(dir.path(), &edited);
    assert_refused(dir.path(), "the report was edited");
    write(dir.path(), &edited.sealed());
    assert_refused(dir.path(), "its observations amount to fail");

    let mut twice = good.clone();
    twice.checks.push(good.checks[0].clone());
    write(dir.path(), &twice.sealed());
    assert_refused(dir.path(), "twice");
}

#[test]
fn a_report_with_gaps_is_refused() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let path = image(dir.path(), "image.qcow2", 1, 4096);
    let good = good_report(&plan, &path, TODAY);
    for at in 0..good.checks.len() {
        let mut gap = good.clone();
        let check = gap.checks.remove(at);
        write(dir.path(), &gap.sealed());
        assert_refused(dir.path(), &format!("the report has no check `{}`", check.id));
    }

    let mut thin = good.clone();
    let removed = thin.checks[0].observations.pop().unwrap();
    write(dir.path(), &thin.sealed());
    assert_refused(dir.path(), &format!("settings seen on the {} plane", removed.plane));

    let mut not_booted = good;
    not_booted.planes = vec![Plane::Configured];
    write(dir.path(), &not_booted.sealed());
    assert_refused(dir.path(), "not booted");

    fs::write(dir.path().join("report.json"), "{}").unwrap();
    let (code, said) = publish(dir.path());
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("is no report"), "{said}");
}

#[test]
fn an_expired_waiver_is_refused() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("mine.yaml");
    let text = "name: mine\ntitle: Mine\ndescription: mine\nextends: [nectar-base]\n\
                parameters:\n  ssh_port: 22\n\
                waivers:\n  - {check: ssh-port, owner: me, reason: a test, expires: 2026-01-31}\n";
    fs::write(&profile, text).unwrap();
    let plan = plans::resolve(profile.to_str().unwrap(), "debian-12");
    let path = image(dir.path(), "image.qcow2", 1, 4096);
    // Made while the waiver held: the check fails, and the report says waived.
    let mut report = good_report(&plan, &path, date(2026, 1, 15));
    let check = report.checks.iter_mut().find(|c| c.id == "ssh-port").unwrap();
    check.observations[0] = Observation::fail(Plane::Configured, "22", "22022", "a reserved port");
    check.outcome = ironseed::observation::Outcome::Waived;
    write(dir.path(), &report.sealed());
    let arguments =
        ["publish", "image.qcow2", "--report", "report.json", "--to", "store", "-p", "./mine.yaml"];
    let (code, _, said) = run(&arguments, dir.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the waiver of `ssh-port` expired on 2026-01-31 (owner: me"), "{said}");
    assert!(!dir.path().join("store").exists());
}

#[test]
fn a_kill_leaves_the_old_state_or_the_new_one() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let size = 24 << 20;
    let old = image(dir.path(), "image.qcow2", 1, size);
    write(dir.path(), &good_report(&plan, &old, TODAY));
    assert_eq!(publish(dir.path()).0, 0);
    let old = assert_whole(dir.path());

    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut whole_run = Duration::from_secs(2);
    let mut kills = 0;
    for round in 0..24 {
        let path = image(dir.path(), "image.qcow2", 10 + round, size);
        write(dir.path(), &good_report(&plan, &path, TODAY));
        let new = PathBuf::from(sha256_file(&path).unwrap());
        let before = assert_whole(dir.path());
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ironseed"))
            .args(["publish", "image.qcow2", "--report", "report.json", "--to", "store"])
            .current_dir(dir.path())
            .process_group(0)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        if round == 0 {
            assert!(child.wait().unwrap().success());
            whole_run = start.elapsed();
        } else {
            let micros = u64::try_from(whole_run.as_micros()).unwrap();
            std::thread::sleep(Duration::from_micros(state % micros));
            // SIGKILL.
            child.kill().unwrap();
            kills += u32::from(child.wait().unwrap().code().is_none());
        }
        let after = assert_whole(dir.path());
        assert!(after == before || after == new, "round {round}: {after:?}");
        // What is there under a final name is whole, whether published or not.
        for entry in fs::read_dir(dir.path().join(STORE)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() && !name.starts_with('.') {
                real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], &entry.path());
                if name != *old.to_str().unwrap() && name != *after.to_str().unwrap() {
                    fs::remove_dir_all(entry.path()).unwrap();
                }
            }
        }
    }
    assert!(kills >= 5, "only {kills} runs were hit");
    // The next run cleans up after them.
    assert_eq!(publish(dir.path()).0, 0);
    let left = fs::read_dir(dir.path().join(STORE)).unwrap().map(|e| e.unwrap().file_name());
    let hidden: Vec<_> = left.filter(|n| n.to_string_lossy().starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn scans_with_open_findings_keep_an_image_back() {
    let dir = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "debian-12");
    let path = image(dir.path(), "image.qcow2", 1, 4096);
    let good = good_report(&plan, &path, TODAY);
    write(dir.path(), &good);
    let scan = |score: &str, version: &str, at: &str| {
        let text = format!(
            "{{\"SchemaVersion\":2,\"CreatedAt\":\"{at}\",\"ArtifactName\":\"image.raw\",\"Metadata\":{{\"OS\":\
             {{\"Family\":\"debian\",\"Name\":\"{version}\"}}}},\"Results\":[{{\"Target\":\"x\",\"Class\":\"os-pkgs\",\
             \"Vulnerabilities\":[{{\"VulnerabilityID\":\"CVE-2026-1\",\"PkgName\":\"openssl\",\
             \"CVSS\":{{\"nvd\":{{\"V3Score\":{score}}}}}}}]}}]}}"
        );
        fs::write(dir.path().join("scan.json"), text).unwrap();
    };
    let with_scan = || {
        let arguments =
            ["publish", "image.qcow2", "--report", "report.json", "--to", "store", "--scan", "scan.json"];
        let (code, _, said) = run(&arguments, dir.path());
        (code, said)
    };
    let now = jiff::Timestamp::now().to_string();
    for (score, version, at, words) in [
        ("7.5", "12.5", now.as_str(), "1 open finding is rated High: the image: CVE-2026-1 (openssl )"),
        ("5", "11.2", &now, "is of Debian 11 (bullseye), and the image of debian-12"),
        ("5", "12.5", "2025-01-01T00:00:00Z", "is of 2025-01-01, older than 30 days"),
    ] {
        scan(score, version, at);
        let (code, said) = with_scan();
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!dir.path().join("store").exists());
    }
    // Everything that is against it is said at once.
    let mut failed = good.clone();
    failed.planes = vec![Plane::Configured];
    write(dir.path(), &failed.sealed());
    scan("10", "12.5", &now);
    let (code, said) = with_scan();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("not booted") && said.contains("rated Critical"), "{said}");

    write(dir.path(), &good);
    scan("6.9", "12.5", &now);
    let (code, said) = with_scan();
    assert_eq!(code, 0, "{said}");
    fs::write(dir.path().join("scan.json"), "{").unwrap();
    assert_eq!(with_scan().0, 2);
}

#[test]
fn an_image_whose_updates_are_waived_is_labelled_as_one_without() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("mine.yaml");
    let text = "name: mine\ntitle: Mine\ndescription: mine\nextends: [nectar-base]\n\
                waivers:\n  - {check: automatic-updates, owner: me, reason: a test, expires: 2099-01-31}\n";
    fs::write(&profile, text).unwrap();
    let path = image(dir.path(), "image.qcow2", 1, 0);
    let mut report = good_report(&plans::resolve(profile.to_str().unwrap(), "debian-12"), &path, TODAY);
    let check = report.checks.iter_mut().find(|check| check.id == "automatic-updates").unwrap();
    check.observations[0] = Observation::fail(Plane::Configured, "nothing", "security", "the timer is off");
    check.outcome = ironseed::observation::Outcome::Waived;
    write(dir.path(), &report.sealed());
    let arguments =
        ["publish", "image.qcow2", "--report", "report.json", "--to", "store", "-p", "./mine.yaml"];
    let (code, out, err) = run(&arguments, dir.path());
    assert_eq!(code, 0, "{out}{err}");
    // The profile asks for `security`; nobody saw it.
    let fact = dir.path().join("store/mine-debian-12/current/.facts/automatic_updates");
    assert_eq!(fs::read_to_string(fact).unwrap(), "disabled");
}
