//! The rows: every kind of file that lines are changed in.

use super::Answer::{self, Broken, FileLost, FileProblem, Lost, Problem, Same, Unknown};
use super::{Format, Place, Shadow, Wins};

const fn shadow(name: &'static str, wins: bool, path: &'static str, place: Place) -> Shadow {
    Shadow { name, path, text: "{line}\n", place, wins }
}

const fn within(shadow: Shadow, text: &'static str) -> Shadow {
    Shadow { text, ..shadow }
}

/// The most forgiving file: what differs is said row by row.
const PLAIN: Format = Format {
    name: "",
    paths: &[],
    comment: "#",
    wins: Wins::Last,
    crlf: Same,
    trailing: Same,
    case: Lost,
    bom: Same,
    bom_key: Lost,
    tabs: Same,
    indent: Same,
    owner: Same,
    mode: Same,
    alone: false,
    dangling: FileLost,
    defaults: &[],
    shadows: &[],
    source: "",
};

/// A package's file of keys, without drop-ins: the last line counts.
const KEYS: Format = Format {
    alone: true,
    shadows: &[
        shadow("a later line", true, "{path}", Place::End),
        shadow("an earlier line", false, "{path}", Place::Top),
        shadow("a file beside it", false, "{path}.bak", Place::File),
    ],
    ..PLAIN
};

/// Every kind of file that lines are changed in. The first row whose pattern fits counts.
pub const FORMATS: &[Format] = &[
    Format {
        name: "sshd",
        paths: &["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"],
        wins: Wins::First,
        case: Same,
        bom: Broken,
        bom_key: Broken,
        dangling: Broken,
        defaults: &[
            ("port", "22"),
            ("ciphers", "*"),
            ("permitemptypasswords", "no"),
            ("pubkeyauthentication", "yes"),
            ("hostbasedauthentication", "no"),
            ("ignorerhosts", "yes"),
            ("strictmodes", "yes"),
            ("permituserenvironment", "no"),
            ("gatewayports", "no"),
            ("permittunnel", "no"),
            ("gssapiauthentication", "no"),
            ("usedns", "no"),
            ("maxsessions", "10"),
            ("clientalivecountmax", "3"),
        ],
        shadows: &[
            shadow("an earlier drop-in", true, "/etc/ssh/sshd_config.d/00-a.conf", Place::File),
            shadow("the main file, before its Include", true, "/etc/ssh/sshd_config", Place::Top),
            within(
                shadow("sshd's own arguments", true, "/etc/default/ssh", Place::End),
                "SSHD_OPTS='-o \"{line}\"'\n",
            ),
            within(
                shadow("arguments that nobody uses", false, "/etc/default/ssh", Place::Top),
                "SSHD_OPTS='-o \"{line}\"'\nSSHD_OPTS=\nMORE_OPTS='-o \"{line}\"'\n",
            ),
            shadow("a later drop-in", false, "/etc/ssh/sshd_config.d/zz.conf", Place::File),
            shadow(
                "a file that no Include names",
                false,
                "/etc/ssh/sshd_config.d/00-a.conf.bak",
                Place::File,
            ),
            shadow("a folder that no Include names", false, "/etc/ssh/sshd_config.d/00/a.conf", Place::File),
        ],
        source: "sshd -T",
        ..PLAIN
    },
    Format {
        name: "sysctl",
        paths: &["/etc/sysctl.d/*.conf", "/usr/lib/sysctl.d/*.conf"],
        shadows: &[
            shadow("a later drop-in", true, "/etc/sysctl.d/zzz.conf", Place::File),
            shadow("a later drop-in of a package", true, "/usr/lib/sysctl.d/zzz.conf", Place::File),
            shadow("an earlier drop-in", false, "/etc/sysctl.d/00-a.conf", Place::File),
            shadow("the same name in /run", false, "/run/sysctl.d/{name}", Place::File),
            shadow("the same name in /usr/lib", false, "/usr/lib/sysctl.d/{name}", Place::File),
            shadow("another ending", false, "/etc/sysctl.d/zzz.conf.bak", Place::File),
        ],
        source: "systemd-sysctl in a network namespace",
        ..PLAIN
    },
    Format {
        name: "modprobe",
        paths: &["/etc/modprobe.d/*.conf", "/usr/lib/modprobe.d/*.conf"],
        wins: Wins::First,
        shadows: &[
            shadow("an earlier drop-in", true, "/etc/modprobe.d/00-a.conf", Place::File),
            shadow("a later drop-in", false, "/etc/modprobe.d/zz.conf", Place::File),
            shadow("the same name in /usr/lib", false, "/usr/lib/modprobe.d/{name}", Place::File),
            shadow("another ending", false, "/etc/modprobe.d/00-a.bak", Place::File),
        ],
        source: "modprobe --showconfig",
        ..PLAIN
    },
    Format {
        name: "apt",
        paths: &["/etc/apt/apt.conf.d/*"],
        comment: "//",
        case: Same,
        bom: Broken,
        defaults: &[
            ("apt::periodic::enable", "1"),
            ("apt::get::allowunauthenticated", "false"),
            ("acquire::allowinsecurerepositories", "false"),
        ],
        shadows: &[
            shadow("a later file", true, "/etc/apt/apt.conf.d/99-z", Place::File),
            shadow("apt.conf, which is read last", true, "/etc/apt/apt.conf", Place::File),
            shadow("an earlier file", false, "/etc/apt/apt.conf.d/00-a", Place::File),
            shadow("a file that apt passes over", false, "/etc/apt/apt.conf.d/99-z.disabled", Place::File),
        ],
        source: "apt-config dump",
        ..PLAIN
    },
    Format {
        name: "fail2ban",
        paths: &["/etc/fail2ban/jail.d/*.conf"],
        case: Same,
        // A line that starts with blanks goes on with the one before it.
        indent: Answer::Mixed,
        bom: Broken,
        defaults: &[("port", "22"), ("maxretry", "5"), ("findtime", "600")],
        shadows: &[
            within(
                shadow("a later file", true, "/etc/fail2ban/jail.d/zzz.conf", Place::File),
                "[sshd]\n{line}\n",
            ),
            within(shadow("jail.local", true, "/etc/fail2ban/jail.local", Place::File), "[sshd]\n{line}\n"),
            within(
                shadow("a local file of the folder", true, "/etc/fail2ban/jail.d/a.local", Place::File),
                "[sshd]\n{line}\n",
            ),
            within(
                shadow("an earlier file", false, "/etc/fail2ban/jail.d/aa.conf", Place::File),
                "[sshd]\n{line}\n",
            ),
            within(
                shadow("another jail", false, "/etc/fail2ban/jail.d/zzz.conf", Place::File),
                "[other]\n{line}\n",
            ),
            within(
                shadow("the defaults of all jails", false, "/etc/fail2ban/jail.d/zzz.conf", Place::File),
                "[DEFAULT]\n{line}\n",
            ),
        ],
        source: "fail2ban-client --dp",
        ..PLAIN
    },
    Format {
        name: "journald",
        paths: &[
            "/etc/systemd/journald.conf",
            "/etc/systemd/journald.conf.d/*.conf",
            "/usr/lib/systemd/journald.conf.d/*.conf",
        ],
        bom_key: Same,
        shadows: &[
            within(
                shadow("a later drop-in", true, "/etc/systemd/journald.conf.d/zzz.conf", Place::File),
                "[Journal]\n{line}\n",
            ),
            within(
                shadow(
                    "a later drop-in of a package",
                    true,
                    "/usr/lib/systemd/journald.conf.d/zzz.conf",
                    Place::File,
                ),
                "[Journal]\n{line}\n",
            ),
            within(
                shadow("an earlier drop-in", false, "/etc/systemd/journald.conf.d/aa.conf", Place::File),
                "[Journal]\n{line}\n",
            ),
            within(
                shadow(
                    "the same name in /usr/lib",
                    false,
                    "/usr/lib/systemd/journald.conf.d/{name}",
                    Place::File,
                ),
                "[Journal]\n{line}\n",
            ),
            within(
                shadow("another section", false, "/etc/systemd/journald.conf.d/zzz.conf", Place::File),
                "[Other]\n{line}\n",
            ),
            within(
                shadow("another ending", false, "/etc/systemd/journald.conf.d/zzz.bak", Place::File),
                "[Journal]\n{line}\n",
            ),
        ],
        source: "systemd-analyze verify (the same parser reads units)",
        ..PLAIN
    },
    Format {
        name: "unit",
        paths: &["/etc/systemd/system/*.d/*.conf"],
        bom_key: Same,
        shadows: &[
            within(
                shadow("a later drop-in takes it back", true, "{folder}/zzz.conf", Place::File),
                "[Service]\nExecStartPre=\n",
            ),
            within(
                shadow("an earlier drop-in takes nothing back", false, "{folder}/aa.conf", Place::File),
                "[Service]\nExecStartPre=\n",
            ),
            within(
                shadow("another section", false, "{folder}/zzz.conf", Place::File),
                "[Unit]\nExecStartPre=\n",
            ),
        ],
        source: "systemd-analyze verify",
        ..PLAIN
    },
    Format {
        name: "sudoers",
        paths: &["/etc/sudoers", "/etc/sudoers.d/*"],
        // A word that is no `Defaults` is a user with rights, or nothing at all.
        case: Problem,
        bom: Unknown,
        bom_key: Unknown,
        // sudo reads only what root alone can write.
        owner: FileProblem,
        mode: FileProblem,
        shadows: &[
            shadow("a later file", true, "/etc/sudoers.d/zzzz", Place::File),
            shadow("the end of the main file", true, "/etc/sudoers", Place::End),
            shadow("an earlier file", false, "/etc/sudoers.d/00-a", Place::File),
            shadow("a file that sudo passes over", false, "/etc/sudoers.d/zzzz.conf", Place::File),
        ],
        source: "visudo -c and cvtsudoers",
        ..PLAIN
    },
    Format {
        name: "cloud-init",
        paths: &["/etc/cloud/cloud.cfg.d/*.cfg"],
        bom_key: Same,
        // PyYAML takes no tab between tokens; indented, a key belongs to the one before it.
        tabs: FileLost,
        indent: Unknown,
        shadows: &[
            shadow("a later file", true, "/etc/cloud/cloud.cfg.d/99-z.cfg", Place::File),
            shadow("an earlier file", false, "/etc/cloud/cloud.cfg.d/06-a.cfg", Place::File),
            shadow("the main file", false, "/etc/cloud/cloud.cfg", Place::End),
            shadow("another ending", false, "/etc/cloud/cloud.cfg.d/99-z.yaml", Place::File),
        ],
        source: "cloud-init's own reader of its configuration",
        ..PLAIN
    },
    Format {
        name: "nft",
        paths: &["/etc/nftables.conf"],
        crlf: Broken,
        case: Broken,
        bom: Broken,
        dangling: Unknown,
        source: "nft -c",
        ..PLAIN
    },
    Format {
        name: "announcements",
        paths: &["/usr/share/ironseed/security-announcements.md"],
        source: "people read it",
        ..PLAIN
    },
    Format {
        name: "fstab",
        paths: &["/etc/fstab"],
        wins: Wins::First,
        case: Unknown,
        bom: Unknown,
        bom_key: Unknown,
        dangling: Unknown,
        shadows: &[
            within(
                shadow("a mount unit", true, "/etc/systemd/system/{unit}", Place::File),
                "[Mount]\nWhat=tmpfs\nWhere={key}\nType=tmpfs\nOptions=mode=1777\n",
            ),
            within(
                shadow(
                    "a drop-in of the mount unit",
                    true,
                    "/etc/systemd/system/{unit}.d/x.conf",
                    Place::File,
                ),
                "[Mount]\nOptions=mode=1777\n",
            ),
            within(
                shadow("a unit that a package ships", false, "/usr/lib/systemd/system/{unit}", Place::File),
                "[Mount]\nWhat=tmpfs\nWhere={key}\nType=tmpfs\nOptions=mode=1777\n",
            ),
            shadow("a later line", false, "/etc/fstab", Place::End),
        ],
        source: "systemd-fstab-generator",
        ..PLAIN
    },
    Format { name: "login.defs", paths: &["/etc/login.defs"], source: "shadow's lib/getdef.c", ..KEYS },
    Format {
        name: "pwquality",
        paths: &["/etc/security/pwquality.conf"],
        case: Same,
        bom: Broken,
        bom_key: Broken,
        source: "python3-pwquality",
        shadows: &[
            shadow("a later line", true, "{path}", Place::End),
            shadow("an earlier line", false, "{path}", Place::Top),
            shadow(
                "a drop-in, which is read before",
                false,
                "/etc/security/pwquality.conf.d/zz.conf",
                Place::File,
            ),
        ],
        ..KEYS
    },
    Format {
        name: "faillock",
        paths: &["/etc/security/faillock.conf"],
        source: "Linux-PAM's modules/pam_faillock/faillock_config.c",
        ..KEYS
    },
    Format {
        name: "auditd",
        paths: &["/etc/audit/auditd.conf"],
        case: Unknown,
        crlf: Unknown,
        trailing: Unknown,
        tabs: Unknown,
        indent: Unknown,
        bom_key: Unknown,
        // auditd starts with no file that somebody else can write.
        owner: Unknown,
        mode: Unknown,
        source: "audit's src/auditd-config.c",
        ..KEYS
    },
    Format {
        name: "shell",
        paths: &["/etc/default/useradd", "/etc/default/debsums", "/etc/profile", "/etc/bash.bashrc"],
        // The carriage return becomes a part of the value.
        crlf: Unknown,
        tabs: Unknown,
        bom: Unknown,
        bom_key: Unknown,
        source: "sh, and shadow's src/useradd.c",
        ..KEYS
    },
    Format {
        name: "usbguard",
        paths: &["/etc/usbguard/usbguard-daemon.conf"],
        crlf: Unknown,
        trailing: Unknown,
        bom_key: Unknown,
        tabs: Unknown,
        indent: Unknown,
        case: Unknown,
        // The daemon refuses a file that others can read; the package's is 0600.
        owner: Unknown,
        mode: Unknown,
        source: "usbguard-daemon.conf(5)",
        ..KEYS
    },
    Format {
        name: "aide",
        paths: &["/etc/aide/aide.conf"],
        crlf: Unknown,
        trailing: Unknown,
        bom_key: Unknown,
        tabs: Unknown,
        indent: Unknown,
        case: Unknown,
        shadows: &[],
        source: "aide.conf(5)",
        ..KEYS
    },
    Format {
        name: "audit",
        paths: &["/etc/audit/rules.d/*.rules"],
        // The kernel's own words are meant, and they know no cases.
        case: Unknown,
        crlf: Unknown,
        // auditctl stops at a line that is neither a comment nor a rule.
        bom: Broken,
        bom_key: Broken,
        tabs: Unknown,
        shadows: &[
            shadow("a file that augenrules passes over", false, "/etc/audit/rules.d/zz.conf", Place::File),
            within(
                shadow("a rule that ends all recording", true, "/etc/audit/rules.d/00-a.rules", Place::File),
                "-a task,never\n",
            ),
        ],
        source: "augenrules and auditctl",
        ..PLAIN
    },
];
