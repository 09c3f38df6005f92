//! The readers of `ironseed::effective`, in groups whose files belong together.

use std::hint::black_box;

use ironseed::effective::accounts::{self, Password};
use ironseed::effective::apt::{self, AptConf, OriginRules, Sources, UpdatePolicy};
use ironseed::effective::cloud_init::CloudConfig;
use ironseed::effective::dpkg::{Database, Files};
use ironseed::effective::fail2ban;
use ironseed::effective::firewall::{self, Family, Protocol, RuleSet};
use ironseed::effective::keyvalue::{self, Syntax, Wins};
use ironseed::effective::limits::Limits;
use ironseed::effective::pam::{self, Code, Facility, PamVersion};
use ironseed::effective::profile::Profile;
use ironseed::effective::rpm;
use ironseed::effective::secrets::Scanner;
use ironseed::effective::sshd::{self, CommandLine, Connection, OpenSshVersion, Patches};
use ironseed::effective::systemd::Units;
use ironseed::effective::{
    audit, deb822, dns, files, fstab, journald, kernel, mail, modprobe, ntp, os_release, python_ini, rsyslog,
    sudoers, sysctl,
};
use ironseed::location::{Location, Sourced};
use ironseed::target::Root;

use super::input::Files as Tree;
use super::{Takes, Target};

/// libpam with Debian's additions, and as released.
const PAM: [PamVersion; 2] = [
    PamVersion { major: 1, minor: 5, patches: pam::Patches { at_include: true, limits_spare_root: true } },
    PamVersion { major: 1, minor: 7, patches: pam::Patches { at_include: false, limits_spare_root: false } },
];

/// passwd and its neighbours, authorised keys, PAM's stacks and the two forms of key and value.
pub const ACCOUNTS: Target = Target {
    name: "accounts",
    takes: Takes::Files {
        paths: &[
            "/etc/passwd",
            "/etc/shadow",
            "/etc/group",
            "/etc/gshadow",
            "/etc/shells",
            "/root/.ssh/authorized_keys",
            "/home/u/.ssh/authorized_keys",
            "/etc/pam.d/sshd",
            "/etc/pam.d/common-auth",
            "/usr/lib/pam.d/sshd",
            "/etc/pam.d/other",
            "/etc/login.defs",
            "/etc/security/pwquality.conf",
            "/etc/security/limits.conf",
            "/etc/security/limits.d/a.conf",
            "/etc/profile",
            "/etc/profile.d/a.sh",
            "/etc/bash.bashrc",
        ],
        shipped: &["/bin/sh"],
        read: |root| {
            if let Ok(accounts) = accounts::read(&root) {
                let files = [".ssh/authorized_keys", "/etc/ssh/keys/%u", "%h/.keys"];
                for login in accounts::who_can_login(&root, &accounts, &files).unwrap_or_default() {
                    black_box((login.possible(), login.aging(20_000), login.shell_runs()));
                }
                for user in accounts.users() {
                    black_box((accounts.groups_of(&user.value), accounts.shadow_of(&user.value.name)));
                }
            }
            for field in root.read_text("/etc/gshadow").ok().flatten().unwrap_or_default().split(':') {
                black_box(Password::of(field).lets_in());
            }
            for key in
                accounts::read_keys(&root, "/root/.ssh/authorized_keys").ok().flatten().into_iter().flatten()
            {
                black_box(key.options.lets_in(1_800_000_000));
            }
            for service in ["sshd", "login"] {
                for version in PAM {
                    if let Ok(Some(stacks)) = pam::stacks(&root, service, version) {
                        for answer in [Code::SUCCESS, Code::AUTH_ERR] {
                            black_box(stacks.conclude(Facility::Auth, |_| answer).code());
                        }
                    }
                }
            }
            for version in PAM {
                if let Ok(limits) = Limits::read(root, version) {
                    limits.logins().iter().for_each(|login| _ = black_box(limits.of(login)));
                }
            }
            if let Ok(profile) = Profile::read(root) {
                let _ = black_box(profile.overruling("/etc/profile", "umask", "077"));
            }
            for (file, syntax) in
                [("/etc/login.defs", Syntax::Blank), ("/etc/security/pwquality.conf", Syntax::Equals)]
            {
                if let Ok(Some(values)) = keyvalue::read(&root, file, syntax) {
                    black_box((values.get("UMASK", Wins::First), values.get("minlen", Wins::Last)));
                }
            }
        },
    },
};

/// apt's configuration, sources and lists, and what unattended-upgrades makes of them.
pub const APT: Target = Target {
    name: "apt",
    takes: Takes::Files {
        paths: &[
            "/etc/apt/apt.conf",
            "/etc/apt/apt.conf.d/10a",
            "/etc/apt/apt.conf.d/20b.conf",
            "/etc/apt/apt.conf.d/bad.name",
            "/etc/apt/sources.list",
            "/etc/apt/sources.list.d/a.list",
            "/etc/apt/sources.list.d/b.sources",
            "/var/lib/apt/lists/h_d_dists_s_InRelease",
            "/var/lib/apt/lists/h_d_dists_s_Release",
            "/var/lib/apt/lists/h_d_dists_s_main_binary-amd64_Packages",
            "/var/lib/dpkg/status",
        ],
        shipped: &[],
        read: |root| {
            let sources = Sources::read(root);
            let Ok(conf) = AptConf::read(root) else { return };
            for (name, _) in conf.entries() {
                black_box((conf.get(&name), conf.boolean(&name), conf.list(&name), conf.losing(&name)));
            }
            black_box(UpdatePolicy::read(&conf).installs_upgrades());
            let rules = OriginRules::read(&conf, "Debian", "bookworm");
            let Ok(sources) = black_box(sources) else { return };
            for list in apt::release::package_lists(root, &sources).unwrap_or_default() {
                let _ = black_box(rules.as_ref().map(|rules| rules.judge(&list.archive).is_ok()));
            }
            if let Ok(Some(installed)) = Database::read(root) {
                let _ = black_box(apt::pending_upgrades(root, &sources, &installed, |_| true));
            }
        },
    },
};

/// cloud-init's own configuration.
pub const CLOUD_INIT: Target = Target {
    name: "cloud_init",
    takes: Takes::Files {
        paths: &[
            "/etc/cloud/cloud.cfg",
            "/etc/cloud/cloud.cfg.d/05_a.cfg",
            "/etc/cloud/cloud.cfg.d/90_b.cfg",
        ],
        shipped: &[],
        read: |root| {
            if let Ok(Some(config)) = CloudConfig::read(root) {
                black_box((config.get("ssh_pwauth"), config.get("disable_root")));
            }
        },
    },
};

/// Name servers.
pub const DNS: Target = Target {
    name: "dns",
    takes: Takes::Files {
        paths: &[
            "/etc/bind/named.conf",
            "/etc/bind/named.conf.options",
            "/etc/bind/named.conf.local",
            "/etc/unbound/unbound.conf",
            "/etc/unbound/unbound.conf.d/a.conf",
            "/etc/unbound/unbound.conf.d/b.conf",
            "/etc/dnsmasq.conf",
            "/etc/dnsmasq.d/a",
            "/etc/default/dnsmasq",
            "/etc/systemd/resolved.conf",
            "/etc/systemd/resolved.conf.d/a.conf",
        ],
        shipped: &[
            "/usr/sbin/named",
            "/usr/sbin/unbound",
            "/usr/sbin/dnsmasq",
            "/usr/lib/systemd/systemd-resolved",
        ],
        read: |root| {
            let _ = black_box(dns::read(root));
        },
    },
};

/// dpkg's database and the form it is written in.
pub const DPKG: Target = Target {
    name: "dpkg",
    takes: Takes::Files {
        paths: &[
            "/var/lib/dpkg/status",
            "/var/lib/dpkg/diversions",
            "/var/lib/dpkg/info/a.list",
            "/var/lib/dpkg/info/a.md5sums",
            "/var/lib/dpkg/info/a.conffiles",
            "/etc/os-release",
            "/usr/lib/os-release",
        ],
        shipped: &[],
        read: |root| {
            let text = root.read_text("/var/lib/dpkg/status").ok().flatten().unwrap_or_default();
            black_box(deb822::parse(&text));
            let _ = black_box(os_release::read(root));
            let Ok(Some(database)) = Database::read(root) else { return };
            let packages: Vec<_> = database.installed().collect();
            for pair in packages.windows(2) {
                black_box(ironseed::effective::dpkg::compare_versions(&pair[0].version, &pair[1].version));
            }
            if let Ok(files) = Files::read(root, &database) {
                black_box(files.owner(b"etc/passwd").is_some());
            }
        },
    },
};

/// rpm's database: the bytes as each of its forms.
pub const RPM: Target = Target {
    name: "rpm",
    takes: Takes::Bytes(|bytes| {
        for name in ["rpmdb.sqlite", "Packages.db", "Packages"] {
            let path = format!("var/lib/rpm/{name}");
            let tree = Tree::single(&path, bytes);
            let root = Root::new(&tree);
            if let Ok(Some(database)) = rpm::Database::read(root) {
                black_box(database.installed().map(|package| package.version.to_string()).max());
            }
            if let Ok(files) = rpm::Files::read_some(root, |_| true) {
                black_box(files.owner(b"etc/passwd").is_some());
            }
        }
    }),
};

/// fail2ban's jails, and Python's ini files below them.
pub const FAIL2BAN: Target = Target {
    name: "fail2ban",
    takes: Takes::Files {
        paths: &[
            "/etc/fail2ban/jail.conf",
            "/etc/fail2ban/jail.local",
            "/etc/fail2ban/jail.d/a.conf",
            "/etc/fail2ban/jail.d/b.local",
            "/etc/fail2ban/action.d/nftables.conf",
            "/etc/fail2ban/filter.d/sshd.conf",
            "/etc/fail2ban/paths-debian.conf",
            "/etc/fail2ban/paths-common.conf",
        ],
        shipped: &[],
        read: |root| {
            let _ = black_box(fail2ban::jail(root, "sshd"));
            let text = root.read_text("/etc/fail2ban/jail.conf").ok().flatten().unwrap_or_default();
            if let Ok(ini) = python_ini::Ini::parse("/etc/fail2ban/jail.conf", &text) {
                for section in ini.sections() {
                    let _ = black_box((ini.get(section, "enabled").is_ok(), ini.raw(section, "a")));
                }
            }
        },
    },
};

/// The boot menu: which kernel boots, with which command line.
pub const GRUB: Target = Target {
    name: "grub",
    takes: Takes::Files {
        paths: &[
            "/boot/grub/grub.cfg",
            "/boot/grub/custom.cfg",
            "/boot/grub/grubenv",
            "/boot/grub2/grub.cfg",
        ],
        shipped: &[
            "/boot/vmlinuz-6.1.0-18-amd64",
            "/boot/vmlinuz-6.1.0-9-amd64",
            "/lib/modules/6.1.0-9-amd64/modules.dep",
        ],
        read: |root| {
            if let Ok(Some(kernels)) = kernel::read(root, rpm::compare_releases) {
                black_box(kernels.newest());
                let _ = black_box(kernels.boots.map(|boot| boot.argument("apparmor").is_some()));
            }
        },
    },
};

/// What the kernel is told at boot: switches, modules, audit rules, mounts.
pub const KERNEL: Target = Target {
    name: "kernel",
    takes: Takes::Files {
        paths: &[
            "/etc/sysctl.conf",
            "/etc/sysctl.d/10-a.conf",
            "/etc/sysctl.d/99-sysctl.conf",
            "/usr/lib/sysctl.d/10-a.conf",
            "/run/sysctl.d/50-b.conf",
            "/etc/modprobe.d/a.conf",
            "/usr/lib/modprobe.d/a.conf",
            "/run/modprobe.d/b.conf",
            "/etc/audit/rules.d/a.rules",
            "/etc/audit/rules.d/b.rules",
            "/etc/fstab",
            "/etc/systemd/system/tmp.mount",
            "/usr/lib/systemd/system/tmp.mount",
            "/etc/systemd/system/tmp.mount.d/a.conf",
        ],
        shipped: &[],
        read: |root| {
            if let Ok(sysctls) = sysctl::read(root) {
                black_box((sysctls.get("net.ipv4.conf.all.rp_filter"), sysctls.get("kernel/kptr_restrict")));
            }
            if let Ok(modprobe) = modprobe::read(root) {
                black_box((modprobe.install("usb_storage"), modprobe.blacklisted("usb-storage")));
            }
            if let Ok(rules) = audit::read(root) {
                black_box((rules.control("-e"), rules.silencers().count()));
            }
            if let Ok(units) = Units::read(root, 252) {
                for point in ["/tmp", "/var/lib/my-data", "/"] {
                    let _ = black_box(fstab::mount(root, &units, point));
                }
            }
            let pattern = root.read_text("/etc/fstab").ok().flatten().unwrap_or_default();
            let pattern = pattern.lines().next().unwrap_or_default();
            black_box(files::matches(pattern.as_bytes(), b"sshd_config.d"));
            let _ = black_box(files::glob(root, pattern));
        },
    },
};

/// Mail servers.
pub const MAIL: Target = Target {
    name: "mail",
    takes: Takes::Files {
        paths: &[
            "/etc/postfix/main.cf",
            "/etc/postfix/master.cf",
            "/etc/exim4/exim4.conf",
            "/etc/exim4/update-exim4.conf.conf",
            "/var/lib/exim4/config.autogenerated",
            "/etc/default/exim4",
        ],
        shipped: &["/usr/sbin/postfix", "/usr/lib/postfix/sbin/master", "/usr/sbin/exim4"],
        read: |root| {
            let _ = black_box(mail::read(root));
        },
    },
};

/// The packet filter as `nft -j list ruleset` prints it.
pub const NFT_JSON: Target = Target {
    name: "nft_json",
    takes: Takes::Bytes(|input| {
        if let Ok(Ok(rules)) =
            serde_json::from_slice(input).map(|listing| firewall::nftables_listing(&listing))
        {
            ask(&rules);
        }
    }),
};

/// The packet filter as written in files.
pub const NFT_TEXT: Target = Target {
    name: "nft_text",
    takes: Takes::Files {
        paths: &["/etc/nftables.conf", "/etc/nftables.d/a.nft", "/etc/nftables.d/b.nft", "/etc/services"],
        shipped: &[],
        read: |root| {
            if let Ok(Some(rules)) = firewall::nftables_file(root, "/etc/nftables.conf") {
                ask(&rules);
            }
        },
    },
};

/// Everything that checks ask a packet filter.
fn ask(rules: &RuleSet) {
    for family in [Family::V4, Family::V6] {
        black_box((rules.input_default(family), rules.forward_default(family)));
        for port in [0, 22, 53, u16::MAX] {
            black_box((rules.reach(Protocol::Tcp, port, family), rules.reach(Protocol::Udp, port, family)));
        }
    }
    let _ = black_box(rules.openings());
}

/// The scan for secrets: the first line is the file's path.
pub const SECRETS: Target = Target {
    name: "secrets",
    takes: Takes::Bytes(|input| {
        thread_local! {
            static SCANNER: std::cell::RefCell<Scanner> = std::cell::RefCell::default();
        }
        let mut parts = input.splitn(2, |byte| *byte == b'\n');
        let (path, content) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        SCANNER.with_borrow_mut(|scanner| {
            let _ = black_box(scanner.scan(path, content));
        });
    }),
};

/// sshd's configuration, as two releases read it.
pub const SSHD: Target = Target {
    name: "sshd",
    takes: Takes::Files {
        paths: &[
            "/etc/ssh/sshd_config",
            "/etc/ssh/sshd_config.d/00-a.conf",
            "/etc/ssh/sshd_config.d/50-b.conf",
            "/etc/ssh/extra",
        ],
        shipped: &[],
        read: |root| {
            let debian = Patches { debian_banner: true, gssapi_key_exchange: true, sntrup761_alias: true };
            let logins = [
                Connection::default(),
                Connection {
                    user: Some("u".into()),
                    groups: vec!["g".into()],
                    host: Some("h.example".into()),
                    address: Some("192.0.2.1".into()),
                    local_address: Some("2001:db8::1".into()),
                    local_port: Some(22),
                    ..Connection::default()
                },
            ];
            let words = root.read_text("/etc/ssh/extra").ok().flatten().unwrap_or_default();
            let words = words.lines().map(|word| Sourced::new(word.to_owned(), Location::file("arguments")));
            let given = CommandLine::parse(&words.collect::<Vec<_>>());
            let releases = [OpenSshVersion::new(9, 2).with(debian), OpenSshVersion::new(10, 0)];
            for (version, started) in releases.into_iter().zip([CommandLine::none(), given]) {
                let Ok(Some(config)) = sshd::read(&root, started, version) else { continue };
                for login in &logins {
                    black_box(config.dump(login));
                }
                for keyword in ["passwordauthentication", "Ciphers", "Port", "AllowUsers"] {
                    black_box((config.global(keyword), config.reachable(keyword)));
                }
                black_box(config.listeners());
            }
        },
    },
};

/// sudo's rules.
pub const SUDOERS: Target = Target {
    name: "sudoers",
    takes: Takes::Files {
        paths: &["/etc/sudoers", "/etc/sudoers.d/a", "/etc/sudoers.d/b", "/etc/sudoers.local"],
        shipped: &[],
        read: |root| {
            if let Ok(Some(sudoers)) = sudoers::read(&root) {
                black_box((sudoers.grants(), sudoers.global_default("use_pty"), sudoers.defaults("logfile")));
                black_box(sudoers.all_defaults().count());
            }
        },
    },
};

/// systemd's units: what is enabled, and what starts at boot. Links come often here.
pub const SYSTEMD: Target = Target {
    name: "systemd",
    takes: Takes::Files {
        paths: &[
            "/usr/lib/systemd/system/default.target",
            "/usr/lib/systemd/system/multi-user.target",
            "/usr/lib/systemd/system/ssh.service",
            "/usr/lib/systemd/system/ssh.socket",
            "/usr/lib/systemd/system/a@.service",
            "/usr/lib/systemd/system/t.timer",
            "/etc/systemd/system/default.target",
            "/etc/systemd/system/multi-user.target.wants/ssh.service",
            "/etc/systemd/system/multi-user.target.wants/a@x.service",
            "/etc/systemd/system/sockets.target.requires/ssh.socket",
            "/etc/systemd/system/ssh.service",
            "/etc/systemd/system/sshd.service",
            "/etc/systemd/system/ssh.service.d/a.conf",
            "/etc/systemd/system/ssh.socket.d/b.conf",
            "/etc/systemd/system/service.d/c.conf",
            "/run/systemd/system/ssh.service.d/a.conf",
            "/etc/default/ssh",
            "/usr/lib/systemd/system-preset/90-default.preset",
            "/etc/systemd/system-preset/10-a.preset",
            "/etc/init.d/old",
            "/etc/rc2.d/S01old",
        ],
        shipped: &[],
        read: |root| {
            for version in [252, 257] {
                let Ok(units) = Units::read(root, version) else { continue };
                let names = units.names();
                for unit in
                    names.iter().map(String::as_str).chain(["ssh.service", "a@x.service", "none.service"])
                {
                    let _ =
                        black_box((units.state(unit).is_ok(), units.is_masked(unit), units.activates(unit)));
                    let _ = black_box((units.unit(unit).is_ok(), units.listen_streams(unit).is_ok()));
                    let _ = black_box(units.commands(unit).is_ok());
                }
                let _ = black_box(units.starts_at_boot());
            }
        },
    },
};

/// Time servers, rsyslog and journald.
pub const TIME_AND_LOGS: Target = Target {
    name: "time_and_logs",
    takes: Takes::Files {
        paths: &[
            "/etc/chrony/chrony.conf",
            "/etc/chrony/conf.d/a.conf",
            "/etc/chrony/sources.d/a.sources",
            "/etc/ntp.conf",
            "/etc/ntpsec/ntp.conf",
            "/etc/ntpsec/ntp.d/a.conf",
            "/etc/openntpd/ntpd.conf",
            "/etc/systemd/timesyncd.conf",
            "/etc/rsyslog.conf",
            "/etc/rsyslog.d/a.conf",
            "/etc/rsyslog.d/b.conf",
            "/etc/systemd/journald.conf",
            "/etc/systemd/journald.conf.d/a.conf",
            "/run/systemd/journald.conf.d/b.conf",
        ],
        shipped: &[
            "/usr/sbin/chronyd",
            "/usr/sbin/ntpd",
            "/usr/sbin/rsyslogd",
            "/usr/lib/systemd/systemd-journald",
            "/usr/lib/systemd/systemd-timesyncd",
        ],
        read: |root: Root<'_>| {
            let _ = black_box((ntp::read(root).is_ok(), rsyslog::read(root).is_ok()));
            if let Ok(Some(journald)) = journald::read(root) {
                black_box((journald.storage(), journald.forwards_to_syslog()));
            }
        },
    },
};
