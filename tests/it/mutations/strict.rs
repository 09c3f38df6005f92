//! The changes that break the checks that `strict` has beyond the base profile, or look as if
//! they did.

use super::table::{MASK, Mutation, by};
use crate::tree::Change::{Append, Install, Link, Remove, Replace, Write, WriteAs};

const SSHD_FIRST: &str = "/etc/ssh/sshd_config.d/00-a.conf";
const SYSCTL_LAST: &str = "/etc/sysctl.d/zzz.conf";
const SYSCTL_FIRST: &str = "/etc/sysctl.d/00-a.conf";
const PWQUALITY: &str = "/etc/security/pwquality.conf";
const FAILLOCK: &str = "/etc/security/faillock.conf";

/// What wins.
pub const WINNING: &[Mutation] = &[
    by("kernel-hardening", "a later drop-in", &[Write(SYSCTL_LAST, "kernel.kptr_restrict = 0\n")]),
    by(
        "kernel-hardening",
        "a package's drop-in that sorts last",
        &[Write("/usr/lib/sysctl.d/zzz.conf", "kernel.kptr_restrict = 0\n")],
    ),
    by("kernel-hardening", "an argument in the menu", &[Replace("/boot/grub/grub.cfg", "pti=on", "pti=off")]),
    by("network-hardening", "a later drop-in", &[Write(SYSCTL_LAST, "net.ipv4.ip_forward = 1\n")]),
    by(
        "network-hardening",
        "a later drop-in in the other spelling",
        &[Write(SYSCTL_LAST, "net/ipv4/conf/all/rp_filter=0\n")],
    ),
    by(
        "kernel-modules",
        "an earlier command",
        &[Write("/etc/modprobe.d/00-a.conf", "install udf /sbin/modprobe --ignore-install udf\n")],
    ),
    by("kernel-modules", "the file is gone", &[Remove("/etc/modprobe.d/00-ironseed.conf")]),
    by("password-policy", "a later line", &[Append(PWQUALITY, "minlen = 4\n")]),
    by("password-policy", "a later line in capital letters", &[Append(PWQUALITY, "MINLEN = 4\n")]),
    by("password-policy", "another hash", &[Append("/etc/login.defs", "ENCRYPT_METHOD MD5\n")]),
    by("login-lockout", "a later line", &[Append(FAILLOCK, "deny = 99\n")]),
    by(
        "login-lockout",
        "everybody passes first",
        &[Replace(
            "/etc/pam.d/common-auth",
            "auth\trequired",
            "auth sufficient pam_permit.so\nauth\trequired",
        )],
    ),
    by(
        "sudo-hardening",
        "a later file",
        &[WriteAs("/etc/sudoers.d/zzzz", 0o440, "Defaults timestamp_timeout=-1\n")],
    ),
    by(
        "sudo-hardening",
        "not for one user",
        &[WriteAs("/etc/sudoers.d/zzzz", 0o440, "Defaults:games !use_pty\n")],
    ),
    by(
        "su-restricted",
        "the line is gone",
        &[Replace("/etc/pam.d/su", "pam_wheel.so use_uid group=sugroup", "pam_permit.so")],
    ),
    by(
        "su-restricted",
        "everybody passes first",
        &[Replace(
            "/etc/pam.d/su",
            "auth required pam_wheel.so",
            "auth sufficient pam_permit.so\nauth required pam_wheel.so",
        )],
    ),
    by("audit", "no recording at all", &[WriteAs("/etc/audit/rules.d/00-a.rules", 0o600, "-a task,never\n")]),
    by("audit", "switched off at the end", &[WriteAs("/etc/audit/rules.d/zz.rules", 0o600, "-e 0\n")]),
    by("audit", "the unit is masked", &[Link("/etc/systemd/system/auditd.service", MASK)]),
    by("core-dumps", "the limits are gone", &[Remove("/etc/security/limits.d/10-ironseed.conf")]),
    by("core-dumps", "the drop-in is empty", &[Write("/etc/systemd/coredump.conf.d/ironseed.conf", "")]),
    by(
        "file-permissions",
        "a map of the kernel for everybody",
        &[WriteAs("/boot/System.map-x", 0o644, "map")],
    ),
    by("file-permissions", "the hook is gone", &[Remove("/etc/kernel/postinst.d/zz-zz-ironseed")]),
    by("set-id-programs", "one more that runs as root", &[WriteAs("/usr/local/bin/x", 0o4755, "\x7fELF")]),
    by("set-id-programs", "one more that runs as a group", &[WriteAs("/usr/games/x", 0o2755, "\x7fELF")]),
    by("world-writable", "a file", &[WriteAs("/srv/x", 0o666, "x")]),
    by("world-writable", "a hidden file", &[WriteAs("/usr/share/.x", 0o606, "x")]),
    by("shell-environment", "a later line", &[Append("/etc/profile", "umask 000\n")]),
    by("shell-environment", "no timeout", &[Remove("/etc/profile.d/ironseed-timeout.sh")]),
    by("banners", "the release's own", &[Write("/etc/issue", "Debian GNU/Linux 12 \\n \\l\n")]),
    by("banners", "sshd shows none", &[Write(SSHD_FIRST, "Match User debian\n  Banner none\n")]),
    by(
        "mount-options",
        "a unit that beats fstab",
        &[Write("/etc/systemd/system/tmp.mount", "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n")],
    ),
    by(
        "mount-options",
        "programs may run",
        &[Replace(
            "/etc/fstab",
            "tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec",
            "tmpfs /dev/shm tmpfs rw,nosuid,nodev,exec",
        )],
    ),
    by("ssh-hardening", "an earlier drop-in", &[Write(SSHD_FIRST, "X11Forwarding yes\n")]),
    by(
        "ssh-hardening",
        "for some addresses",
        &[Write(SSHD_FIRST, "Match Address 10.0.0.0/8\n  AllowTcpForwarding yes\n")],
    ),
    by(
        "ssh-hardening",
        "a small group",
        &[Append("/etc/ssh/moduli", "20230123000000 2 6 100 2047 2 ABCDEF\n")],
    ),
    by("cron-restricted", "one more user", &[Write("/etc/cron.allow", "root\ngames\n")]),
    by("cron-restricted", "the unit is masked", &[Link("/etc/systemd/system/cron.service", MASK)]),
    by("apparmor", "the unit is masked", &[Link("/etc/systemd/system/apparmor.service", MASK)]),
    by("apparmor", "the menu switches it off", &[Replace("/boot/grub/grub.cfg", "apparmor=1", "apparmor=0")]),
    by(
        "file-integrity",
        "the timer is masked",
        &[Remove("/etc/systemd/system/timers.target.wants/ironseed-aide-init.timer")],
    ),
    by("file-integrity", "the weekly check is gone", &[Remove("/etc/cron.d/ironseed-aide")]),
    by(
        "usb-restricted",
        "devices are let in",
        &[Append("/etc/usbguard/usbguard-daemon.conf", "ImplicitPolicyTarget=allow\n")],
    ),
    by("usb-restricted", "a rule", &[WriteAs("/etc/usbguard/rules.conf", 0o600, "allow\n")]),
    by("journal-only", "the main file is another", &[Append("/etc/systemd/journald.conf", "Compress=no\n")]),
    by("journal-only", "logs are kept for a day", &[Replace("/etc/logrotate.conf", "rotate 28", "rotate 1")]),
    by(
        "first-boot",
        "another host name",
        &[Write("/etc/cloud/cloud.cfg.d/99-z.cfg", "manage_etc_hosts: false\n")],
    ),
    by("first-boot", "another locale", &[Write("/etc/cloud/cloud.cfg.d/99-z.cfg", "locale: en_GB.UTF-8\n")]),
];

/// What loses.
pub const LOSING: &[Mutation] = &[
    by("kernel-hardening", "an earlier drop-in", &[Write(SYSCTL_FIRST, "kernel.kptr_restrict = 0\n")]),
    by(
        "kernel-hardening",
        "defaults that update-grub has not seen",
        &[Write("/etc/default/grub.d/99.cfg", "GRUB_CMDLINE_LINUX=\n")],
    ),
    by(
        "network-hardening",
        "a pattern, which an exact key beats",
        &[Write(SYSCTL_LAST, "net.ipv4.conf.*.rp_filter = 0\n")],
    ),
    by(
        "kernel-modules",
        "a later command",
        &[Write("/etc/modprobe.d/zz.conf", "install udf /sbin/modprobe -i udf\n")],
    ),
    by(
        "password-policy",
        "a drop-in, which is read before the main file",
        &[Write("/etc/security/pwquality.conf.d/zz.conf", "minlen = 4\n")],
    ),
    by("login-lockout", "a comment", &[Append(FAILLOCK, "# deny = 99\n")]),
    by("sudo-hardening", "an earlier file", &[WriteAs("/etc/sudoers.d/00-a", 0o440, "Defaults !use_pty\n")]),
    by(
        "audit",
        "a rule more",
        &[WriteAs("/etc/audit/rules.d/70-x.rules", 0o600, "-w /etc/hosts -p wa -k x\n")],
    ),
    by("set-id-programs", "a program", &[WriteAs("/usr/local/bin/x", 0o755, "\x7fELF")]),
    by("world-writable", "a link", &[Link("/srv/x", "/tmp")]),
    by("mount-options", "a later line", &[Append("/etc/fstab", "tmpfs /tmp tmpfs exec 0 0\n")]),
    by("ssh-hardening", "one more user is denied", &[Write(SSHD_FIRST, "DenyUsers games\n")]),
    by("package-care", "one more package", &[Install("hello")]),
    by("first-boot", "an earlier file", &[Write("/etc/cloud/cloud.cfg.d/06-a.cfg", "locale: en_GB.UTF-8\n")]),
];
