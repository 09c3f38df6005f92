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
const OURS: &str = "/etc/ssh/sshd_config.d/00-ironseed.conf";
/// Since 8.2 sshd includes its part of the policy; before, it is started with it.
const INCLUDED: &str =
    "Ciphers aes256-ctr,aes128-cbc\nMACs hmac-sha1\nKexAlgorithms diffie-hellman-group14-sha1\n";
const STARTED_WITH: &str = "CRYPTO_POLICY='-oCiphers=aes256-ctr,aes128-cbc -oMACs=hmac-sha1'\n";

fn put(tree: &Path, path: &str, text: &str) {
    let file = tree.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A tree of a release with a weak policy, and what a plan renders over it.
fn made(plan: &Plan) -> TempDir {
    let dir = TempDir::new().unwrap();
    let tree = dir.path();
    let include = plan.distro.versions.openssh.has_include();
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
    if include {
        put(tree, "/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n");
        put(tree, "/etc/ssh/sshd_config.d/50-redhat.conf", &format!("Include {PART}\nX11Forwarding yes\n"));
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
    for release in ["rocky-8", "almalinux-9", "centos-stream-10", "fedora-43"] {
        let plan = plans::resolve("nectar-base", release);
        let dir = made(&plan);
        assert_eq!(keywords(&failing(dir.path(), &plan)), [""; 0], "{release}");
        let include = plan.distro.versions.openssh.has_include();
        // What keeps the policy out goes.
        if include {
            let text = fs::read_to_string(dir.path().join(&OURS[1..])).unwrap();
            let kept = text.lines().filter(|l| !["Ciphers", "MACs", "Kex"].iter().any(|k| l.starts_with(k)));
            put(dir.path(), OURS, &kept.collect::<Vec<_>>().join("\n"));
        } else {
            fs::remove_file(dir.path().join(&SYSCONFIG[1..])).unwrap();
        }
        let failing = failing(dir.path(), &plan);
        let weak: &[&str] =
            if include { &["Ciphers", "KexAlgorithms", "MACs"] } else { &["Ciphers", "MACs"] };
        assert_eq!(keywords(&failing), weak, "{release}");
        let at = failing["Ciphers"].location.as_ref().unwrap();
        assert_eq!((at.file.as_str(), at.line), (PART, Some(1)), "{release}");
        assert!(failing["Ciphers"].found.ends_with("by the system's crypto policy LEGACY"), "{failing:?}");
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
