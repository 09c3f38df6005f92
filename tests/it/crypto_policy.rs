//! sshd under a system-wide crypto policy, as the rpm family starts it: made trees with each release's way of handing the
//! policy over, a rendering laid over them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ironseed::assets::Assets;
use ironseed::observation::{Observation, Outcome, Plane};
use ironseed::plan::Plan;
use ironseed::render;
use ironseed::target::{DirTree, Root};
use ironseed::verify::{Look, Nature};
use jiff::civil::date;
use tempfile::TempDir;

use crate::plans;

const PART: &str = "/etc/crypto-policies/back-ends/opensshserver.config";
const SYSCONFIG: &str = "/etc/sysconfig/sshd";
const DROP_INS: &str = "/etc/ssh/sshd_config.d";
const OURS: &str = "/etc/ssh/sshd_config.d/00-ironseed.conf";
/// Since 8.2 sshd includes its part of the policy; before, it is started with it.
const INCLUDED: &str =
    "Ciphers aes256-ctr,aes128-cbc\nMACs hmac-sha1\nKexAlgorithms diffie-hellman-group14-sha1\n";
const STARTED_WITH: &str = "CRYPTO_POLICY='-oCiphers=aes256-ctr,aes128-cbc -oMACs=hmac-sha1'\n";

/// How a release hands sshd its part of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// On the command line, over every file: OpenSSH has no `Include` yet.
    CommandLine,
    /// Included by the drop-in with the vendor's other options.
    Shared,
    /// Included by a drop-in of its own, which sorts before that one.
    Own,
}

/// Releases with the form of each, as their openssh packages have it.
const RELEASES: [(&str, Form); 9] = [
    ("rocky-8", Form::CommandLine),
    ("centos-stream-8", Form::CommandLine),
    ("fedora-34", Form::Shared),
    ("almalinux-9", Form::Shared),
    ("rocky-9", Form::Shared),
    ("centos-stream-10", Form::Own),
    ("rocky-10", Form::Own),
    ("fedora-43", Form::Own),
    ("fedora-44", Form::Own),
];

fn put(tree: &Path, path: &str, text: &str) {
    let file = tree.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A tree of a release with a weak policy, and what a plan renders over it.
fn made(plan: &Plan) -> TempDir {
    let dir = TempDir::new().unwrap();
    let tree = dir.path();
    let (_, form) = RELEASES.into_iter().find(|(release, _)| *release == plan.distro.id).unwrap();
    let include = form != Form::CommandLine;
    assert_eq!(include, plan.distro.versions.openssh.has_include());
    let arguments = if include { "$OPTIONS" } else { "$OPTIONS $CRYPTO_POLICY $PERMITROOTLOGIN" };
    let unit = format!(
        "[Service]\nEnvironmentFile=-{PART}\nEnvironmentFile=-/etc/sysconfig/sshd-permitrootlogin\n\
         EnvironmentFile=-{SYSCONFIG}\nExecStart=/usr/sbin/sshd -D {arguments}\n"
    );
    put(tree, "/usr/lib/systemd/system/sshd.service", &unit);
    put(tree, SYSCONFIG, "OPTIONS=\"-u0\"\n");
    put(tree, "/etc/crypto-policies/config", "LEGACY\n");
    put(tree, "/etc/crypto-policies/state/current", "LEGACY\n");
    let shared = "/usr/share/crypto-policies/LEGACY/opensshserver.txt";
    put(tree, shared, if include { INCLUDED } else { STARTED_WITH });
    fs::create_dir_all(tree.join("etc/crypto-policies/back-ends")).unwrap();
    symlink(shared, tree.join(&PART[1..])).unwrap();
    let (policy, vendor) = (format!("Include {PART}\n"), "X11Forwarding yes\n");
    let drop_in = |name: &str, text: &str| put(tree, &format!("{DROP_INS}/{name}"), text);
    match form {
        Form::CommandLine => {}
        Form::Shared => drop_in("50-redhat.conf", &format!("{policy}{vendor}")),
        Form::Own => {
            drop_in("40-redhat-crypto-policies.conf", &policy);
            drop_in("50-redhat.conf", vendor);
        }
    }
    if include {
        put(tree, "/etc/ssh/sshd_config", &format!("Include {DROP_INS}/*.conf\n"));
    }
    for file in render::bundle(plan, &Assets::embedded()).unwrap().files.values() {
        put(tree, &file.path, &file.content);
    }
    dir
}

/// What fails of sshd's options, by keyword.
fn failing(tree: &Path, plan: &Plan) -> BTreeMap<String, Observation> {
    let tree = DirTree::open(tree).unwrap();
    let look = Look::new(Root::new(&tree), plan, Nature::Image, date(2026, 11, 23));
    let settings = plan.checks.iter().flat_map(|check| &check.settings);
    let options = settings.filter(|s| s.setting.kind() == "sshd" && s.not_applicable.is_none());
    let mut failing = BTreeMap::new();
    for planned in options {
        let seen = planned.setting.observe(&look, Plane::Configured);
        assert!(!seen.is_empty());
        for seen in seen.into_iter().filter(|seen| seen.outcome != Outcome::Pass) {
            failing.insert(planned.setting.subject(), seen);
        }
    }
    failing
}

fn keywords(failing: &BTreeMap<String, Observation>) -> Vec<&str> {
    failing.keys().map(String::as_str).collect()
}

#[test]
fn a_weak_policy_loses_against_the_rendering_and_is_named_where_it_wins() {
    for (release, form) in RELEASES {
        let plan = plans::resolve("nectar-base", release);
        let dir = made(&plan);
        assert_eq!(keywords(&failing(dir.path(), &plan)), [""; 0], "{release}");
        // What keeps the policy out goes.
        let weak: &[&str] = if form == Form::CommandLine {
            fs::remove_file(dir.path().join(&SYSCONFIG[1..])).unwrap();
            &["Ciphers", "MACs"]
        } else {
            without_algorithms(dir.path());
            &["Ciphers", "KexAlgorithms", "MACs"]
        };
        let failing = failing(dir.path(), &plan);
        assert_eq!(keywords(&failing), weak, "{release}");
        let at = failing["Ciphers"].location.as_ref().unwrap();
        assert_eq!((at.file.as_str(), at.line), (PART, Some(1)), "{release}");
        assert!(failing["Ciphers"].found.ends_with("by the system's crypto policy LEGACY"), "{failing:?}");
    }
}

/// Takes the algorithms out of what is rendered, and gives their lines.
fn without_algorithms(tree: &Path) -> String {
    let text = fs::read_to_string(tree.join(&OURS[1..])).unwrap();
    let is_algorithms = |line: &&str| ["Ciphers", "MACs", "Kex"].iter().any(|word| line.starts_with(word));
    let (taken, kept): (Vec<&str>, Vec<&str>) = text.lines().partition(is_algorithms);
    assert_eq!(taken.len(), 3, "{text}");
    put(tree, OURS, &kept.join("\n"));
    taken.join("\n")
}

#[test]
fn an_administrators_drop_in_wins_where_it_sorts_before_the_one_with_the_policy() {
    for (release, form) in RELEASES.into_iter().filter(|(_, form)| *form != Form::CommandLine) {
        let plan = plans::resolve("nectar-base", release);
        for (name, wins) in
            [("39-own.conf", true), ("45-own.conf", form == Form::Shared), ("60-own.conf", false)]
        {
            let dir = made(&plan);
            let algorithms = without_algorithms(dir.path());
            put(dir.path(), &format!("{DROP_INS}/{name}"), &algorithms);
            assert_eq!(failing(dir.path(), &plan).is_empty(), wins, "{release}: {name}");
        }
    }
}

#[test]
fn arguments_of_the_service_win_over_the_rendering() {
    for release in ["rocky-8", "rocky-9", "rocky-10"] {
        let plan = plans::resolve("nectar-base", release);
        let dir = made(&plan);
        put(dir.path(), SYSCONFIG, "CRYPTO_POLICY=\n# x\nOPTIONS='-o PermitRootLogin=yes'\n");
        let failing = failing(dir.path(), &plan);
        assert_eq!(keywords(&failing), ["PermitRootLogin"], "{release}");
        assert_eq!(
            failing["PermitRootLogin"].location.as_ref().unwrap().to_string(),
            format!("{SYSCONFIG}:3")
        );
        assert!(failing["PermitRootLogin"].reason.as_ref().unwrap().contains("command line"));
    }
}

#[test]
fn a_drop_in_of_the_unit_starts_another_sshd() {
    let plan = plans::resolve("nectar-base", "rocky-9");
    let dir = made(&plan);
    let drop_in = "/etc/systemd/system/sshd.service.d/x.conf";
    put(
        dir.path(),
        drop_in,
        "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o PasswordAuthentication=yes\n",
    );
    let password = failing(dir.path(), &plan).remove("PasswordAuthentication").unwrap();
    assert_eq!(password.location.unwrap().to_string(), format!("{drop_in}:3"));
    put(dir.path(), drop_in, "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/other\n");
    put(dir.path(), "/etc/ssh/other", "PermitRootLogin yes\n");
    assert!(failing(dir.path(), &plan).contains_key("PermitRootLogin"));
    put(dir.path(), drop_in, "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exec sshd -D'\n");
    let unknown = failing(dir.path(), &plan);
    assert!(unknown.values().all(|seen| seen.outcome == Outcome::Unobserved), "{unknown:?}");
    assert!(unknown["Ciphers"].reason.as_ref().unwrap().contains("/bin/sh"), "{unknown:?}");
}
