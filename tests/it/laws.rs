//! What holds for every profile and every distribution.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ironseed::assets::Assets;
use ironseed::effective::firewall::{self, Family, Reach};
use ironseed::observation::Plane;
use ironseed::parameter::Protocol;
use ironseed::plan::Plan;
use ironseed::render::bundle::{PortLabel, UnitState};
use ironseed::render::{self, Bundle, output, security_group};
use ironseed::target::{DirTree, Root};
use ironseed::verify::{Look, Nature};
use jiff::civil::date;
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, ironseed, real, text};

fn bundle(plan: &Plan) -> Bundle {
    render::bundle(plan, &Assets::embedded()).unwrap()
}

fn name(plan: &Plan) -> String {
    format!("{} for {}", plan.profile, plan.distro.id)
}

#[test]
fn what_a_profile_writes_is_not_put_back_by_the_second_engine() {
    for plan in plans::renderable() {
        let bundle = bundle(&plan);
        for path in bundle.files.keys() {
            let inside = |place: &&&str| Path::new(path).starts_with(place);
            assert_eq!(ironseed::stock::RESTORED.iter().find(inside), None, "{}: {path}", name(&plan));
        }
    }
}

/// Kinds that files alone decide, given what the packages ship in [`STOCK`].
const BY_FILES: [&str; 8] =
    ["sshd", "ssh-port", "cloud-config", "update-reboot", "updates", "firewall", "journald", "announcements"];

/// The lines of packaged files that make the programs read the rendered ones; `CODENAME` and `SUITE`
/// stand for the release's.
const STOCK: [(&str, &str); 10] = [
    ("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n"),
    ("etc/cloud/cloud.cfg", "ssh_pwauth: true\ndisable_root: true\n"),
    (
        "etc/apt/sources.list",
        "deb http://archive.example/main CODENAME main\n\
         deb http://archive.example/security SUITE main\n",
    ),
    (
        "etc/apt/apt.conf.d/50unattended-upgrades",
        "Unattended-Upgrade::Origins-Pattern { \"origin=Debian,codename=${distro_codename}\"; };\n",
    ),
    ("etc/systemd/journald.conf", "[Journal]\n#Storage=auto\n"),
    ("usr/lib/systemd/systemd-journald", "program"),
    ("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n"),
    ("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\n"),
    ("etc/yum.conf", "[main]\ngpgcheck=1\n"),
    ("etc/yum.repos.d/base.repo", "[base]\nname=base\nbaseurl=http://archive.example\n"),
];

/// Programs and folders of firewalls, as the packages installed here bring them.
const FIREWALLS: [&str; 7] = [
    "/usr/lib/firewalld",
    "/usr/sbin/firewalld",
    "/lib/ufw/ufw-init-functions",
    "/etc/ufw/before.rules",
    "/etc/ufw/before6.rules",
    "/etc/ufw/after.rules",
    "/etc/ufw/after6.rules",
];

/// A directory with the stock files and the bundle's.
fn tree(plan: &Plan, bundle: &Bundle) -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let suite = plan.distro.archive.suites.iter().find(|s| s.role == "security").map(|s| {
        let own = plan.distro.archive.is_named(s, &s.codename);
        s.named.clone().unwrap_or(if own { s.codename.clone() } else { s.suite.clone() })
    });
    for (path, text) in STOCK {
        let text = text.replace("CODENAME", &plan.distro.codename);
        write(path, &text.replace("SUITE", &suite.clone().unwrap_or_default()));
    }
    for source in FIREWALLS.iter().flat_map(walkdir::WalkDir::new).map(Result::unwrap) {
        if source.file_type().is_file() {
            let content = fs::read_to_string(source.path()).unwrap();
            write(source.path().to_str().unwrap().trim_start_matches('/'), &content);
        }
    }
    for file in bundle.files.values() {
        write(file.path.trim_start_matches('/'), &file.content);
    }
    // What semanage leaves behind.
    let label = |(l, _): &(PortLabel, _)| {
        format!("portcon {} {} system_u:object_r:{}:s0\n", l.protocol, l.port, l.label)
    };
    let labels: String = bundle.port_labels.values().map(label).collect();
    write("var/lib/selinux/targeted/active/ports.local", &labels);
    // Units of a release that are not there can't be asked for; what is rendered for timers is linked.
    for (unit, (state, _)) in &bundle.units {
        if *state == UnitState::Enabled && bundle.files.contains_key(&format!("/etc/systemd/system/{unit}")) {
            let wants = dir.path().join("etc/systemd/system/timers.target.wants");
            fs::create_dir_all(&wants).unwrap();
            std::os::unix::fs::symlink(format!("/etc/systemd/system/{unit}"), wants.join(unit)).unwrap();
        }
    }
    dir
}

#[test]
fn closure_what_is_rendered_passes_its_own_checks() {
    if !have(&["firewalld", "ufw"], "closure over every firewall") {
        return;
    }
    for plan in plans::all_and_old() {
        let dir = tree(&plan, &bundle(&plan));
        let tree = DirTree::open(dir.path()).unwrap();
        let look = Look::new(Root::new(&tree), &plan, Nature::Image, date(2026, 11, 23));
        let mut looked_at = BTreeSet::new();
        for (check, setting) in plan.settings().filter(|(_, s)| BY_FILES.contains(&s.kind())) {
            for seen in setting.observe(&look, Plane::Configured) {
                // The port itself may be one that the profile waives.
                let chosen = seen.found.starts_with("the profile chooses port");
                assert!(
                    seen.outcome.is_acceptable() || chosen,
                    "{}, {check}, {}: {seen:#?}",
                    name(&plan),
                    setting.wanted()
                );
            }
            looked_at.insert(setting.kind());
        }
        assert_eq!(looked_at, BTreeSet::from(BY_FILES), "{}", name(&plan));
    }
}

#[test]
fn coverage_every_check_is_served_or_says_that_it_only_observes() {
    for plan in plans::renderable() {
        let bundle = bundle(&plan);
        let served = bundle.served_checks();
        for check in &plan.checks {
            let id = check.info.id.as_str();
            let mut applying = check.settings.iter().filter(|s| s.not_applicable.is_none()).peekable();
            let observes_only = applying.peek().is_none() || applying.all(|s| s.setting.observes_only());
            assert_ne!(
                served.contains(id),
                observes_only,
                "{}: {id} is served by the bundle, or observes only: one of the two",
                name(&plan)
            );
        }
    }
}

/// Every file below a directory, with mode and content.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file())
        .map(|e| {
            let mode = e.metadata().unwrap().permissions().mode();
            (e.path().strip_prefix(folder).unwrap().to_owned(), (mode, fs::read(e.path()).unwrap()))
        })
        .collect()
}

/// Renders with the program itself, in a process of its own.
fn rendered(plan: &Plan, into: &Path) {
    let choice = plans::choice(plan, into.parent().unwrap());
    ironseed().arg("render").args(choice).arg("--output").arg(into).assert().success();
}

#[test]
fn rendering_gives_the_same_bytes_every_time() {
    for plan in plans::all() {
        let dir = TempDir::new().unwrap();
        let [first, second] = ["first", "second"].map(|n| dir.path().join(n));
        rendered(&plan, &first);
        rendered(&plan, &second);
        // Over an earlier rendering too.
        rendered(&plan, &second);
        let snapshot = (snapshot(&first), snapshot(&second));
        assert!(snapshot.0 == snapshot.1, "{}", name(&plan));
        let here = output::files(&plan, &bundle(&plan), &Assets::embedded()).unwrap();
        for (path, mode, content) in here {
            let (written_mode, written) = &snapshot.0[&path];
            assert_eq!(
                (written_mode & 0o7777, written),
                (mode, &content),
                "{}: {}",
                name(&plan),
                path.display()
            );
        }
    }
}

#[test]
fn apply_scripts_please_shell_and_shellcheck() {
    if !have(&["shellcheck"], "shellcheck over every apply script") {
        return;
    }
    for plan in plans::all_and_old() {
        let dir = TempDir::new().unwrap();
        rendered(&plan, &dir.path().join("r"));
        real("sh", &["-n", "r/apply.sh"], dir.path());
        real("shellcheck", &["--shell=sh", "--norc", "r/apply.sh"], dir.path());
    }
}

#[test]
fn packer_takes_the_template() {
    if !have(&["packer", "ssh-keygen"], "packer validate over every template") {
        return;
    }
    for plan in plans::all() {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("r");
        rendered(&plan, &folder);
        let key = dir.path().join("key");
        real("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "key"], dir.path());
        for file in ["base.qcow2", "meta-data", "user-data"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let variables = [
            format!("iso_url={}", dir.path().join("base.qcow2").display()),
            "iso_checksum=none".to_owned(),
            format!("ssh_private_key_file={}", key.display()),
            format!("seed={}", dir.path().display()),
        ];
        let mut arguments = vec!["validate"];
        arguments.extend(variables.iter().flat_map(|v| ["-var", v.as_str()]));
        arguments.push("image.pkr.hcl");
        let said = real("packer", &arguments, &folder);
        assert!(!text(&said.stdout).contains("Error"), "{}", text(&said.stdout));
    }
}

#[test]
fn services_firewall_and_security_group_say_the_same() {
    if !have(&["firewalld", "ufw"], "what every firewall lets in") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("web.yaml");
    let profile = "name: web\ntitle: Web\ndescription: web\nextends: [nectar-base]\nparameters:\n  services:\n    \
                   - {name: https, port: 443, protocol: tcp, unit: nginx.service}\n    \
                   - {name: dns, port: 53, protocol: udp, unit: unbound.service}\n";
    fs::write(&own, profile).unwrap();
    let mut all = plans::all_and_old();
    all.push(plans::resolve(own.to_str().unwrap(), "debian-13"));
    for plan in all {
        let services: BTreeSet<(String, u16)> =
            security_group::services(&plan).iter().map(|s| (s.protocol.to_string(), s.port)).collect();
        assert!(!services.is_empty());
        let dir = tree(&plan, &bundle(&plan));
        let tree = DirTree::open(dir.path()).unwrap();
        let look = Look::new(Root::new(&tree), &plan, Nature::Image, date(2026, 11, 23));
        let rules = look.firewall(Plane::Configured).unwrap();
        let heat: serde_json::Value = serde_saphyr::from_str(&security_group::heat(&plan).unwrap()).unwrap();
        let group = heat["resources"]["security_group"]["properties"]["rules"].as_array().unwrap().clone();
        for (family, ethertype) in [(Family::V4, "IPv4"), (Family::V6, "IPv6")] {
            let opened: BTreeSet<(String, u16)> = group
                .iter()
                .filter(|r| r["direction"] == "ingress" && r["ethertype"] == ethertype)
                .map(|r| {
                    assert_eq!(r["port_range_min"], r["port_range_max"]);
                    let port = r["port_range_min"].as_u64().unwrap();
                    (r["protocol"].as_str().unwrap().to_owned(), u16::try_from(port).unwrap())
                })
                .collect();
            assert_eq!(opened, services, "{}: security group", name(&plan));
            let let_in: BTreeSet<(String, u16)> = (1..=u16::MAX)
                .filter(|port| *port < 100 || *port % 61 == 0 || services.iter().any(|(_, p)| p == port))
                .flat_map(|port| [(Protocol::Tcp, port), (Protocol::Udp, port)])
                .filter(|(protocol, port)| {
                    let packet = match protocol {
                        Protocol::Tcp => firewall::Protocol::Tcp,
                        Protocol::Udp => firewall::Protocol::Udp,
                    };
                    matches!(rules.reach(packet, *port, family), Reach::Open(_))
                })
                .map(|(protocol, port)| (protocol.to_string(), port))
                .collect();
            assert_eq!(let_in, services, "{}: firewall", name(&plan));
        }
    }
}
