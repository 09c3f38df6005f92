//! The real programs judge what is rendered for every release, as far as Debian packages them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use ironseed::assets::Assets;
use ironseed::distro::{FirewallBackend, UpdatesBackend};
use ironseed::plan::Plan;
use ironseed::render::{self, Bundle};
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, real, text};

/// Every plan with its bundle, and a folder with the bundle's files.
fn rendered(plans: Vec<Plan>) -> impl Iterator<Item = (Plan, Bundle, TempDir)> {
    plans.into_iter().map(|plan| {
        let bundle = render::bundle(&plan, &Assets::embedded()).unwrap();
        let dir = TempDir::new().unwrap();
        for file in bundle.files.values() {
            put(dir.path(), file.path.trim_start_matches('/'), &file.content);
        }
        (plan, bundle, dir)
    })
}

fn put(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Runs a program in a network namespace of its own: it needs the rights, and changes nothing here.
fn alone(arguments: &[&str], folder: &Path) {
    real("unshare", &[&["--map-root-user", "--net"], arguments].concat(), folder);
}

#[test]
fn firewalls_take_their_rules() {
    if !have(
        &["unshare", "nft", "iptables-restore", "firewall-offline-cmd"],
        "every firewall's own judgement",
    ) {
        return;
    }
    let mut judged = Vec::new();
    for (plan, _, dir) in rendered(plans::all_and_old()) {
        let backend = plan.distro.backends.firewall;
        match backend {
            FirewallBackend::Nftables => alone(&["nft", "-c", "-f", "etc/nftables.conf"], dir.path()),
            FirewallBackend::Ufw => {
                alone(&["iptables-restore", "--test", "etc/ufw/user.rules"], dir.path());
                alone(&["ip6tables-restore", "--test", "etc/ufw/user6.rules"], dir.path());
            }
            FirewallBackend::Iptables => {
                let file = |role: &str| plan.distro.path(role).unwrap().trim_start_matches('/').to_owned();
                alone(&["iptables-restore", "--test", &file("firewall")], dir.path());
                alone(&["ip6tables-restore", "--test", &file("firewall-6")], dir.path());
            }
            FirewallBackend::Firewalld => {
                let config = dir.path().join("etc/firewalld");
                let judge = ["--system-config", config.to_str().unwrap(), "--check-config"];
                real("firewall-offline-cmd", &judge, dir.path());
            }
        }
        if !judged.contains(&backend) {
            judged.push(backend);
        }
    }
    assert_eq!(judged.len(), 4, "one firewall of each kind");
    // The control: firewalld does refuse what is wrong.
    let dir = TempDir::new().unwrap();
    put(dir.path(), "zones/bad.xml", "<zone target=\"DROP\"><port port=\"no\" protocol=\"tcp\"/></zone>");
    let config = dir.path().to_str().unwrap().to_owned();
    let judge = ["--system-config", &config, "--check-config"];
    let bad = Command::new("firewall-offline-cmd").args(judge).output().unwrap();
    assert!(!bad.status.success(), "{}", text(&bad.stdout));
}

/// An sshd that is newer than a release's knows all that the release's does; one that is older does not.
#[test]
fn sshd_takes_its_files() {
    if !have(&["sshd", "ssh-keygen"], "sshd's own judgement of every release's files") {
        return;
    }
    let here = TempDir::new().unwrap();
    real("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "key"], here.path());
    let said = Command::new("ssh").arg("-V").output().unwrap();
    let installed: ironseed::effective::sshd::OpenSshVersion = text(&said.stderr).parse().unwrap();
    let mut judged = 0;
    for (plan, bundle, dir) in rendered(plans::renderable()) {
        let version = plan.distro.versions.openssh;
        if !installed.at_least((version.major, version.minor)) {
            continue;
        }
        let own = |path: &&String| path.starts_with("/etc/ssh/sshd_config");
        let lines: Vec<&str> =
            bundle.files.keys().filter(own).flat_map(|p| bundle.files[p].content.lines()).collect();
        let lines = lines.into_iter().filter(|l| !l.starts_with("Include") && !l.starts_with("HostKey "));
        let key = here.path().join("key");
        let whole =
            lines.map(|l| format!("{l}\n")).collect::<String>() + &format!("HostKey {}\n", key.display());
        put(dir.path(), "whole", &whole);
        let path = dir.path().join("whole");
        real("/usr/sbin/sshd", &["-t", "-f", path.to_str().unwrap()], dir.path());
        judged += 1;
    }
    assert!(judged > 10, "only {judged} plans were judged by OpenSSH {installed}");
}

/// What sshd is told, by keyword in lower case.
fn told(bundle: &Bundle) -> BTreeMap<String, String> {
    let own = |path: &&String| path.starts_with("/etc/ssh/sshd_config");
    let lines = bundle.files.keys().filter(own).flat_map(|path| bundle.files[path].content.lines());
    let words = lines.filter_map(|line| line.split_once(' '));
    words.map(|(keyword, value)| (keyword.to_lowercase(), value.to_owned())).collect()
}

/// No sshd of before 8.0 runs here, and one name that it does not know keeps it from starting. The lists are those of
/// `kex.c`, `sshkey.c` and `servconf.c` in its releases, cut by hand.
#[test]
fn an_old_sshd_is_told_nothing_that_it_does_not_know() {
    let kex_7_3 = "curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256";
    let kex_7_4 = format!("curve25519-sha256,{kex_7_3}");
    let keys_7_2 = "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512,rsa-sha2-256";
    let keys_7_8 = "ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,\
                    ssh-ed25519,rsa-sha2-512,rsa-sha2-256";
    let users_7_2 = format!("{keys_7_2},ssh-rsa-cert-v01@openssh.com,ssh-rsa");
    let kex_7_2 = "curve25519-sha256@libssh.org,diffie-hellman-group-exchange-sha256";
    let mut judged = 0;
    for (plan, bundle, _) in rendered(plans::renderable()) {
        let version = plan.distro.versions.openssh;
        if plan.profile != "strict" || version.at_least((8, 2)) {
            continue;
        }
        let told = told(&bundle);
        let (kex, keys, users) = match (version.major, version.minor) {
            (7, 2) => (kex_7_2, keys_7_2, users_7_2.as_str()),
            (7, 4 | 6) => (kex_7_4.as_str(), keys_7_2, users_7_2.as_str()),
            (7, 9) | (8, 0) => (kex_7_4.as_str(), keys_7_8, keys_7_8),
            _ => panic!("no list for OpenSSH {version}"),
        };
        let id = &plan.distro.id;
        assert_eq!(told["kexalgorithms"], kex, "{id}");
        assert_eq!(told["hostkeyalgorithms"], keys, "{id}");
        assert_eq!(told["pubkeyacceptedkeytypes"], users, "{id}");
        for (keyword, since) in [
            ("Include", (8, 2)),
            ("CASignatureAlgorithms", (7, 9)),
            ("DisableForwarding", (7, 4)),
            ("RequiredRSASize", (9, 1)),
            ("PubkeyAcceptedAlgorithms", (8, 5)),
            ("HostbasedAcceptedAlgorithms", (8, 5)),
        ] {
            assert_eq!(
                told.contains_key(&keyword.to_lowercase()),
                version.at_least(since),
                "{id}: {keyword}"
            );
        }
        assert_eq!(told["challengeresponseauthentication"], "no", "{id}");
        assert!(!bundle.files.keys().any(|path| path.starts_with("/etc/ssh/sshd_config.d/")), "{id}");
        judged += 1;
    }
    assert!(judged > 4, "only {judged} releases have such an sshd");
}

/// The oldest OpenSSH that is packaged judges the lists of releases that have it, or an older one.
#[test]
fn an_old_openssh_knows_the_algorithms_of_old_releases() {
    if !have(&["ssh1"], "the judgement of OpenSSH 7.5") {
        return;
    }
    let lists = ["KexAlgorithms", "Ciphers", "MACs", "HostKeyAlgorithms", "PubkeyAcceptedKeyTypes"];
    let judge = |options: &[String], folder: &Path| {
        let options = options.iter().flat_map(|option| ["-o", option]);
        let arguments: Vec<&str> =
            ["-F", "/dev/null"].into_iter().chain(options).chain(["-G", "host"]).collect();
        Command::new("ssh1").args(arguments).current_dir(folder).output().unwrap().status.success()
    };
    let mut judged = 0;
    for (plan, bundle, dir) in rendered(plans::renderable()) {
        if plan.profile != "strict" || plan.distro.versions.openssh.at_least((7, 7)) {
            continue;
        }
        let told = told(&bundle);
        let options: Vec<String> =
            lists.iter().map(|list| format!("{list}={}", told[&list.to_lowercase()])).collect();
        assert!(judge(&options, dir.path()), "{}: {options:?}", plan.distro.id);
        judged += 1;
    }
    assert!(judged > 2, "only {judged} releases have such an sshd");
    // The control: what is newer is refused.
    let newer = ["HostKeyAlgorithms=rsa-sha2-512-cert-v01@openssh.com".to_owned()];
    assert!(!judge(&newer, Path::new("/")));
}

#[test]
fn fail2ban_sudo_and_systemd_take_their_files() {
    if !have(&["fail2ban-client", "visudo", "systemd-analyze"], "fail2ban, sudo and systemd") {
        return;
    }
    for (plan, bundle, dir) in rendered(plans::all_and_old()) {
        for entry in walkdir::WalkDir::new("/etc/fail2ban").into_iter().map(Result::unwrap) {
            if entry.file_type().is_file() {
                let path = entry.path().to_str().unwrap().trim_start_matches('/').to_owned();
                put(dir.path(), &path, &fs::read_to_string(entry.path()).unwrap());
            }
        }
        let jail = dir.path().join("etc/fail2ban");
        let said = real("fail2ban-client", &["-c", jail.to_str().unwrap(), "--test"], dir.path());
        assert!(text(&said.stdout).contains("OK"), "{}", text(&said.stdout));
        for file in bundle.files.values() {
            let local = file.path.trim_start_matches('/');
            if file.path.starts_with("/etc/sudoers.d/") {
                real("visudo", &["-c", "-f", local], dir.path());
            }
            // Others start programs that are not here.
            if file.path.ends_with("/ironseed-reboot.timer") {
                let updates = plan.distro.backends.updates;
                assert!(matches!(updates, UpdatesBackend::DnfAutomatic | UpdatesBackend::YumCron));
                real("systemd-analyze", &["verify", &format!("./{local}")], dir.path());
            }
        }
    }
}
