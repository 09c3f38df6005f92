//! Machines behind SSH: one that is booted here, before and after somebody broke it, and machines that hang, refuse, or
//! give no root.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use ironseed::carried::{PLAN, SERVICE, TEST, TIMER, VERIFIER};
use ironseed::report::{self, Collection};
use ironseed::target::Exec;
use ironseed::verify::boot;
use ironseed::vm::Vm;
use tempfile::TempDir;

use crate::program::{can_boot, have, run};
use crate::{image, plans};

/// What the machine was built by.
const PROFILE: [&str; 2] = ["--profile", image::CARRYING];
/// Nothing of this machine's own configuration of ssh, and no known host.
const OPTIONS: [&str; 4] =
    ["--ssh-option", "UserKnownHostsFile=/dev/null", "--ssh-option", "StrictHostKeyChecking=no"];

/// Verifies machines with a key. Returns exit code, the reports by target, and all that was said.
fn verify(key: &Path, targets: &[&str], more: &[&str]) -> (i32, BTreeMap<String, report::Report>, String) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("all.json");
    let arguments: Vec<&str> =
        ["verify"].iter().chain(targets).chain(&OPTIONS).chain(more).copied().collect();
    let ours = ["--identity", key.to_str().unwrap(), "--report", path.to_str().unwrap()];
    let (code, out, err) = run(&[&arguments[..], &ours].concat(), dir.path());
    let text = fs::read_to_string(&path).unwrap_or_default();
    let reports = match serde_json::from_str::<Collection>(&text) {
        Ok(collection) => collection.reports,
        Err(_) => report::read(&text).unwrap_or_default(),
    };
    let reports = reports.into_iter().map(|report| (report.target.name.clone(), report)).collect();
    (code, reports, out + &err)
}

/// The checks that keep a report from being clean.
fn red(report: &report::Report) -> Vec<&str> {
    report.checks.iter().filter(|c| !c.outcome.is_acceptable()).map(|c| c.id.as_str()).collect()
}

#[test]
fn machines_that_hang_or_refuse_are_named_with_the_reason() {
    if !have(&["ssh"], "machines behind SSH that hang or refuse") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("no-key");
    // One takes the connection and says nothing; where the other was, nothing listens any more.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = format!("ssh://me@127.0.0.1:{}", silent.local_addr().unwrap().port());
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let closed = format!("ssh://me@127.0.0.1:{closed}");
    fs::write(dir.path().join("hosts"), format!("{closed}\nssh://me@no-such-host.invalid # a name\n"))
        .unwrap();
    let hosts = dir.path().join("hosts");
    let start = Instant::now();
    let more = ["--timeout", "3", "--hosts", hosts.to_str().unwrap(), "--format", "json"];
    let (code, reports, said) = verify(&key, &[&silent], &more);
    assert_eq!((code, reports.len()), (2, 0), "{said}");
    assert!(start.elapsed().as_secs() < 60, "{said}");
    for wanted in [
        "3 of 3 machines could not be looked at".to_owned(),
        "[3/3] FAILED".to_owned(),
        format!("{closed}: nothing listens on that port"),
        "no-such-host.invalid: the name is not known".to_owned(),
        format!("\"target\": \"{silent}\""),
    ] {
        assert!(said.contains(&wanted), "wanted {wanted:?}: {said}");
    }
}

#[test]
fn what_names_no_machine_is_refused_before_anything_runs() {
    let dir = TempDir::new().unwrap();
    let (code, _, err) = run(&["verify", "ssh://-oProxyCommand=id"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("names no machine: write ssh://user@host:port"), "{err}");
    let (code, _, err) = run(&["verify"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("TARGET"), "{err}");
}

#[test]
fn a_machine_is_verified_before_and_after_it_is_broken() {
    if !can_boot("a machine behind SSH, before and after it is broken") {
        return;
    }
    let Some(image) = image::carrying() else { return };
    let plan = plans::resolve(image::CARRYING, image::DISTRO);
    let vm = Vm::boot(&image, boot::options(&plan)).unwrap();
    let (key, port) = vm.door();
    let good = format!("ssh://{}@127.0.0.1:{port}", plan.distro.default_user);
    let inside = |line: &str| {
        let output = vm.run(&["sh", "-c", line]).unwrap();
        assert_eq!(output.status, 0, "{line}: {}{}", output.stdout, output.stderr);
        output.stdout
    };

    let (code, reports, said) = verify(&key, &[&good], &PROFILE);
    assert_eq!(code, 0, "{said}");
    assert_eq!(red(&reports[&good]), Vec::<&str>::new());
    assert_eq!((reports[&good].target.kind.as_str(), reports[&good].planes.len()), ("running", 2));
    let left = inside("find / -xdev -name '.ironseed.*' -o -xdev -name ironseed -type f");
    assert_eq!(left, format!("{VERIFIER}\n"), "something of the look was left");

    // It says the same of itself: to the pipeline's test, which the default user runs, and to the timer's service.
    let test = || vm.ssh(&[TEST], b"").unwrap();
    let said = test();
    assert_eq!(said.status, 0, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("pass  self-verification") && said.stdout.contains("carrying for debian-12")
    );
    assert_eq!(inside(&format!("systemctl is-active {TIMER}")), "active\n");
    inside(&format!(
        "systemctl start {SERVICE} && journalctl -u {SERVICE} | grep -q 'pass  self-verification'"
    ));

    // A user who may not become root; a door that the key doesn't open; and the machine itself, broken.
    inside(
        "useradd -m -s /bin/sh plain && install -d -o plain -g plain -m 700 ~plain/.ssh && \
         install -o plain -g plain -m 600 ~debian/.ssh/authorized_keys ~plain/.ssh/",
    );
    inside("echo PasswordAuthentication yes >/etc/ssh/sshd_config.d/00-00-a.conf && systemctl reload ssh");
    // While sshd starts anew, it refuses everybody.
    let up = (0..60).any(|_| {
        std::thread::sleep(Duration::from_secs(1));
        vm.run(&["true"]).is_ok_and(|output| output.status == 0)
    });
    assert!(up, "sshd did not come back");
    let plain = format!("ssh://plain@127.0.0.1:{port}");
    let nobody = format!("ssh://nobody@127.0.0.1:{port}");
    let (code, reports, said) =
        verify(&key, &[&good, &plain, &nobody], &[&PROFILE[..], &["--jobs", "2"]].concat());
    assert_eq!(code, 2, "{said}");
    assert_eq!(reports.len(), 1, "{said}");
    let broken = red(&reports[&good]);
    assert!(broken.contains(&"ssh-password-login"), "{broken:?}");
    let check = reports[&good].checks.iter().find(|check| check.id == "ssh-password-login").unwrap();
    let places: Vec<_> = check.observations.iter().filter_map(|seen| seen.location.as_ref()).collect();
    assert!(places.iter().any(|at| at.to_string().contains("00-00-a.conf")), "{places:?}");
    assert!(said.contains("2 of 3 machines could not be looked at"), "{said}");
    assert!(said.contains(&format!("{plain}: its user is not root and has no sudo")), "{said}");
    assert!(said.contains(&format!("{nobody}: the login was refused")), "{said}");
    let said = test();
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("00-00-a.conf"), "{}", said.stdout);
    // An easier plan in the plan's place is none.
    inside(&format!("sed -i 's/\"daily\": true/\"daily\": false/' {PLAN}"));
    let said = test();
    assert_eq!(
        (said.status, said.stderr.contains("it was edited")),
        (2, true),
        "{}{}",
        said.stdout,
        said.stderr
    );
}
