//! The scales of options that programs have: which of two values is stricter, as their manuals have it.
//!
//! An option that is not here has no order: a change of it is a change, and a person has to judge it.

use super::Scale::{self, Fewer, FewerNegativeIsNone, FewerZeroIsNone, More, MoreZeroIsEver, Umask, Words};
use super::scale::{NO, YES};

/// Options by name, with their scales.
type Table = &'static [(&'static str, Scale)];

/// `0`, `1`: the second is tighter, and a third value means something else.
const ON: Scale = Words(&[&["0"], &["1"]]);

/// `0`, `1`: the first is tighter, and a third value means something else.
const OFF: Scale = Words(&[&["1"], &["0"]]);

/// sshd_config(5). Keywords have no case.
const SSHD: Table = &[
    ("AllowAgentForwarding", NO),
    ("AllowStreamLocalForwarding", Words(&[&["yes", "all"], &["local", "remote"], &["no"]])),
    ("AllowTcpForwarding", Words(&[&["yes", "all"], &["local", "remote"], &["no"]])),
    ("ChallengeResponseAuthentication", NO),
    ("ClientAliveInterval", FewerZeroIsNone),
    ("Compression", Words(&[&["yes"], &["delayed"], &["no"]])),
    ("DebianBanner", NO),
    ("DisableForwarding", YES),
    ("GatewayPorts", Words(&[&["yes"], &["clientspecified"], &["no"]])),
    ("GSSAPIAuthentication", NO),
    ("HostbasedAuthentication", NO),
    ("IgnoreRhosts", Words(&[&["no"], &["shosts-only"], &["yes"]])),
    ("IgnoreUserKnownHosts", YES),
    ("KbdInteractiveAuthentication", NO),
    ("KerberosAuthentication", NO),
    ("LoginGraceTime", FewerZeroIsNone),
    ("LogLevel", Words(&[&["QUIET"], &["FATAL"], &["ERROR"], &["INFO"], &["VERBOSE"]])),
    ("MaxAuthTries", Fewer),
    ("MaxSessions", Fewer),
    ("PasswordAuthentication", NO),
    ("PermitEmptyPasswords", NO),
    (
        "PermitRootLogin",
        Words(&[&["yes"], &["prohibit-password", "without-password"], &["forced-commands-only"], &["no"]]),
    ),
    ("PermitTunnel", Words(&[&["yes"], &["point-to-point", "ethernet"], &["no"]])),
    ("PermitUserEnvironment", NO),
    ("PermitUserRC", NO),
    ("RequiredRSASize", More),
    ("StrictModes", YES),
    ("X11Forwarding", NO),
    ("X11UseLocalhost", YES),
];

/// Documentation/admin-guide/sysctl and Documentation/networking/ip-sysctl of the kernel.
const SYSCTL: Table = &[
    ("dev.tty.ldisc_autoload", OFF),
    ("fs.protected_fifos", More),
    ("fs.protected_hardlinks", ON),
    ("fs.protected_regular", More),
    ("fs.protected_symlinks", ON),
    ("fs.suid_dumpable", Words(&[&["1"], &["2"], &["0"]])),
    ("kernel.ctrl-alt-del", Words(&[&["1"], &["0"]])),
    ("kernel.dmesg_restrict", ON),
    ("kernel.io_uring_disabled", More),
    ("kernel.kexec_load_disabled", ON),
    ("kernel.kptr_restrict", More),
    ("kernel.modules_disabled", ON),
    ("kernel.perf_event_paranoid", More),
    ("kernel.randomize_va_space", More),
    ("kernel.sysrq", OFF),
    ("kernel.unprivileged_bpf_disabled", Words(&[&["0"], &["2"], &["1"]])),
    ("kernel.unprivileged_userns_clone", OFF),
    ("kernel.yama.ptrace_scope", More),
    ("net.core.bpf_jit_harden", More),
    ("net.ipv4.icmp_echo_ignore_all", ON),
    ("net.ipv4.icmp_echo_ignore_broadcasts", ON),
    ("net.ipv4.icmp_ignore_bogus_error_responses", ON),
    ("net.ipv4.ip_forward", OFF),
    ("net.ipv4.tcp_rfc1337", ON),
    ("net.ipv4.tcp_syncookies", ON),
    ("user.max_user_namespaces", Fewer),
    ("vm.mmap_min_addr", More),
    ("vm.unprivileged_userfaultfd", OFF),
];

/// What each network interface has, below `net.ipv4.conf.*` and `net.ipv6.conf.*`.
const INTERFACE: Table = &[
    ("accept_local", OFF),
    ("accept_ra", Fewer),
    ("accept_ra_defrtr", OFF),
    ("accept_ra_pinfo", OFF),
    ("accept_ra_rtr_pref", OFF),
    ("accept_redirects", OFF),
    ("accept_source_route", OFF),
    ("autoconf", OFF),
    ("bootp_relay", OFF),
    ("drop_gratuitous_arp", ON),
    ("forwarding", OFF),
    ("log_martians", ON),
    ("max_addresses", FewerZeroIsNone),
    ("mc_forwarding", OFF),
    ("proxy_arp", OFF),
    ("route_localnet", OFF),
    ("rp_filter", Words(&[&["0"], &["2"], &["1"]])),
    ("secure_redirects", OFF),
    ("send_redirects", OFF),
    ("shared_media", OFF),
];

/// Documentation/admin-guide/kernel-parameters of the kernel.
const KERNEL_ARGUMENT: Table = &[
    ("apparmor", ON),
    ("audit", ON),
    ("debugfs", Words(&[&["on"], &["no-mount"], &["off"]])),
    ("init_on_alloc", ON),
    ("init_on_free", ON),
    ("iommu", Words(&[&["off"], &["force"]])),
    ("l1tf", Words(&[&["off"], &["flush", "flush,nowarn"], &["flush,nosmt"], &["full"], &["full,force"]])),
    ("lockdown", Words(&[&["none"], &["integrity"], &["confidentiality"]])),
    ("mds", Words(&[&["off"], &["full"], &["full,nosmt"]])),
    ("mitigations", Words(&[&["off"], &["auto"], &["auto,nosmt"]])),
    ("page_alloc.shuffle", ON),
    ("page_poison", Words(&[&["0", "off"], &["1", "on"]])),
    ("pti", Words(&[&["off"], &["auto"], &["on"]])),
    ("selinux", ON),
    ("enforcing", ON),
    ("spec_store_bypass_disable", Words(&[&["off"], &["prctl"], &["seccomp"], &["on"]])),
    ("spectre_v2", Words(&[&["off"], &["auto"], &["on"]])),
    ("tsx_async_abort", Words(&[&["off"], &["full"], &["full,nosmt"]])),
    ("vsyscall", Words(&[&["emulate"], &["xonly"], &["none"]])),
];

/// sudoers(5). A flag has no value; its presence says it all.
const SUDO: Table = &[
    ("passwd_timeout", FewerZeroIsNone),
    ("passwd_tries", Fewer),
    ("timestamp_timeout", FewerNegativeIsNone),
];

/// journald.conf(5).
const JOURNALD: Table =
    &[("Storage", Words(&[&["none"], &["volatile"], &["auto"], &["persistent"]])), ("Seal", YES)];

/// Keys of cloud-init's configuration.
const CLOUD_CONFIG: Table = &[
    ("disable_root", Words(&[&["false"], &["true"]])),
    ("package_upgrade", Words(&[&["false"], &["true"]])),
    ("ssh_deletekeys", Words(&[&["false"], &["true"]])),
    ("ssh_pwauth", Words(&[&["true"], &["false"]])),
];

/// faillock.conf(5).
const FAILLOCK: Table = &[
    ("deny", FewerZeroIsNone),
    ("fail_interval", More),
    ("unlock_time", MoreZeroIsEver),
    ("root_unlock_time", MoreZeroIsEver),
];

/// pwquality.conf(5) and pwhistory.conf(5).
const PASSWORDS: Table = &[
    ("dcredit", Fewer),
    ("dictcheck", ON),
    ("difok", More),
    ("enforcing", ON),
    ("gecoscheck", ON),
    ("lcredit", Fewer),
    ("maxclassrepeat", FewerZeroIsNone),
    ("maxrepeat", FewerZeroIsNone),
    ("maxsequence", FewerZeroIsNone),
    ("minclass", More),
    ("minlen", More),
    ("ocredit", Fewer),
    ("remember", More),
    ("retry", Fewer),
    ("ucredit", Fewer),
    ("usercheck", ON),
];

/// login.defs(5), useradd(8) and the start-up files of shells.
const ACCOUNTS: Table = &[
    ("ENCRYPT_METHOD", Words(&[&["DES"], &["MD5"], &["SHA256"], &["SHA512"], &["YESCRYPT"]])),
    ("INACTIVE", FewerNegativeIsNone),
    ("LOGIN_RETRIES", Fewer),
    ("PASS_MAX_DAYS", FewerNegativeIsNone),
    ("PASS_MIN_DAYS", More),
    ("PASS_WARN_AGE", More),
    ("SHA_CRYPT_MAX_ROUNDS", More),
    ("SHA_CRYPT_MIN_ROUNDS", More),
    ("UMASK", Umask),
    ("YESCRYPT_COST_FACTOR", More),
    ("umask", Umask),
];

/// Files of keys and values, by the end of their path, with the scales of their keys.
const FILES: &[(&str, Table)] = &[
    ("/bash.bashrc", ACCOUNTS),
    ("/bashrc", ACCOUNTS),
    ("/default/debsums", &[("CRON_CHECK", Words(&[&["never"], &["monthly"], &["weekly"], &["daily"]]))]),
    ("/default/useradd", ACCOUNTS),
    ("/login.defs", ACCOUNTS),
    ("/profile", ACCOUNTS),
    ("/security/faillock.conf", FAILLOCK),
    ("/security/pwhistory.conf", PASSWORDS),
    ("/security/pwquality.conf", PASSWORDS),
    ("/selinux/config", &[("SELINUX", Words(&[&["disabled"], &["permissive"], &["enforcing"]]))]),
    (
        "/usbguard/usbguard-daemon.conf",
        &[("ImplicitPolicyTarget", Words(&[&["allow"], &["block", "reject"]]))],
    ),
];

fn find(table: Table, name: &str) -> Option<&'static Scale> {
    table.iter().find(|(known, _)| *known == name).map(|(_, scale)| scale)
}

/// The scale of an option of sshd.
pub fn sshd(keyword: &str) -> Option<&'static Scale> {
    SSHD.iter().find(|(known, _)| known.eq_ignore_ascii_case(keyword)).map(|(_, scale)| scale)
}

/// The scale of a switch of the kernel.
pub fn sysctl(key: &str) -> Option<&'static Scale> {
    let per_interface = ["net.ipv4.conf.", "net.ipv6.conf."].iter().any(|prefix| key.starts_with(prefix));
    match key.rsplit_once('.') {
        Some((_, last)) if per_interface => find(INTERFACE, last),
        _ => find(SYSCTL, key),
    }
}

/// The scale of an argument of the kernel.
pub fn kernel_argument(name: &str) -> Option<&'static Scale> {
    find(KERNEL_ARGUMENT, name)
}

/// The scale of an option of sudo.
pub fn sudo(option: &str) -> Option<&'static Scale> {
    find(SUDO, option)
}

/// The scale of an option of the journal.
pub fn journald(key: &str) -> Option<&'static Scale> {
    find(JOURNALD, key)
}

/// The scale of a key of cloud-init's configuration.
pub fn cloud_config(key: &str) -> Option<&'static Scale> {
    find(CLOUD_CONFIG, key)
}

/// The scale of a key of a plain configuration file.
pub fn key_value(file: &str, key: &str) -> Option<&'static Scale> {
    FILES.iter().find(|(end, _)| file.ends_with(end)).and_then(|(_, table)| find(table, key))
}

#[cfg(test)]
pub(super) fn tables() -> impl Iterator<Item = Table> {
    [SSHD, SYSCTL, INTERFACE, KERNEL_ARGUMENT, SUDO, JOURNALD, CLOUD_CONFIG]
        .into_iter()
        .chain(FILES.iter().map(|(_, table)| *table))
}
