//! What the programs make of a changed file, as data: one row for each kind of file.
//!
//! The answers are the programs' own: `truth.rs` asks those that can be asked; the others' say
//! where they were read. Nothing here comes from ironseed's readers.

use super::mutant::Operator;

/// What a program makes of a line, or of the file around it, after a change that a reader could
/// stumble over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It means the same.
    Same,
    /// It means the same, and the program complains of it.
    Note,
    /// The line has no effect any more.
    Lost,
    /// The line has no effect, and the program complains of it.
    Problem,
    /// The file has none.
    FileLost,
    /// The file has none, and the program complains of it.
    FileProblem,
    /// The program refuses all of its configuration.
    Broken,
    /// Nobody could be asked: no such mutant is made.
    Unknown,
}

impl Answer {
    /// For the page.
    pub fn words(self) -> &'static str {
        match self {
            Same => "the same",
            Self::Note => "the same, and told",
            Lost => "line lost",
            Problem => "line lost, and told",
            FileLost => "file lost",
            FileProblem => "file lost, and told",
            Broken => "all refused",
            Unknown => "?",
        }
    }
}

use Answer::{Broken, FileLost, FileProblem, Lost, Problem, Same, Unknown};

/// Which of several lines for one key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    First,
    Last,
}

/// A kind of file.
pub struct Format {
    /// Its name; effects refer to it.
    pub name: &'static str,
    /// Patterns of paths.
    pub paths: &'static [&'static str],
    /// What starts a comment.
    pub comment: &'static str,
    /// Which line counts.
    pub wins: Wins,
    /// Lines end in CR LF.
    pub crlf: Answer,
    /// Blanks at a line's end.
    pub trailing: Answer,
    /// The key with the cases of its letters swapped.
    pub case: Answer,
    /// A byte order mark before a comment.
    pub bom: Answer,
    /// A byte order mark before a key.
    pub bom_key: Answer,
    /// Tabs where blanks part key and value.
    pub tabs: Answer,
    /// Two blanks before the key.
    pub indent: Answer,
    /// The file belongs to somebody else than root.
    pub owner: Answer,
    /// Everybody may write the file.
    pub mode: Answer,
    /// Every file is for a program of its own: none shadows another.
    pub alone: bool,
    /// A link to nothing, or to nothing but emptiness, in the file's place.
    pub dangling: Answer,
    /// What the program does without any line, for keys whose value that may be; `*` where any
    /// list of the default's words will do.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Where further lines stand, and whether they count. `{line}` is the line with another value.
    pub shadows: &'static [Shadow],
    /// Where the answers come from.
    pub source: &'static str,
}

/// A second place for a line.
pub struct Shadow {
    /// What it is.
    pub name: &'static str,
    /// A file to write; `{path}` is the one that the line stands in, `{name}` its last part.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether it stands at the end of the file, if there is one, or takes its place.
    pub place: Place,
    /// Whether it wins.
    pub wins: bool,
}

/// Where a shadow's text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of its own, in place of one that may be there.
    File,
    /// Before everything else in the file.
    Top,
    /// After everything else in the file.
    End,
}

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
        defaults: &[
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
        indent: Lost,
        bom: Same,
        defaults: &[("maxretry", "5"), ("findtime", "600")],
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
        paths: &["/etc/systemd/journald.conf", "/etc/systemd/journald.conf.d/*.conf"],
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
        bom: Answer::Note,
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
        source: "libpwquality's src/settings.c",
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
        bom_key: Unknown,
        tabs: Unknown,
        shadows: &[
            shadow("a file that augenrules passes over", false, "/etc/audit/rules.d/zz.conf", Place::File),
            within(
                shadow("a rule that ends all recording", true, "/etc/audit/rules.d/00-a.rules", Place::File),
                "-a task,never\n",
            ),
        ],
        source: "augenrules",
        ..PLAIN
    },
];

impl Format {
    /// The kind of a file.
    pub fn of(path: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.paths.iter().any(|pattern| fits(pattern, path)))
    }

    /// The key that a line sets; `None` for a comment, a blank line or a section's title.
    pub fn key(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '[', '}', '"']) || line.starts_with(self.comment) {
            return None;
        }
        let words = || line.split_whitespace();
        let before_equals = || line.split(['=', ' ', '\t']).next().unwrap_or_default().to_owned();
        Some(match self.name {
            "nft" | "announcements" => return None,
            "fstab" => words().nth(1)?.to_owned(),
            "sshd" => words().next()?.to_ascii_lowercase(),
            "modprobe" => format!("{} {}", words().next()?, words().nth(1)?.replace('-', "_")),
            "apt" if line.starts_with('#') || line.ends_with('{') => return None,
            "apt" => words().next()?.to_ascii_lowercase(),
            "sudoers" => line.strip_prefix("Defaults")?.split('=').next()?.trim().to_owned(),
            "cloud-init" => line.split(':').next()?.to_owned(),
            "login.defs" => words().next()?.to_owned(),
            "shell" | "usbguard" | "unit" if !line.contains('=') && !line.starts_with("umask") => {
                return None;
            }
            "audit" => line.to_owned(),
            _ => before_equals(),
        })
    }

    /// Which of several lines for a key counts.
    pub fn wins(&self, key: &str) -> Wins {
        // The one keyword of sshd before 10.1 whose last line counts.
        if self.name == "sshd" && key == "maxstartups" { Wins::Last } else { self.wins }
    }

    /// What the program makes of an operator on a line.
    pub fn answer(&self, operator: Operator, key: &str) -> Answer {
        match operator {
            // kmod parts words at blanks and tabs alone: the name ends in a carriage return, while
            // the command of an `install` line fails as it should, under another name.
            Operator::Crlf if self.name == "modprobe" && key.starts_with("blacklist") => Lost,
            Operator::Crlf => self.crlf,
            Operator::Trailing => self.trailing,
            Operator::Case => self.case,
            Operator::Bom => self.bom,
            Operator::Tabs => self.tabs,
            Operator::Indent => self.indent,
            Operator::Owner => self.owner,
            Operator::Mode => self.mode,
            _ => Lost,
        }
    }
}

/// Whether a path fits a pattern in which `*` stands for a part of one name.
pub fn fits(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) => match pattern.split_once('*') {
                Some((start, end)) => {
                    let long_enough = name.len() >= start.len() + end.len();
                    if !(long_enough && name.starts_with(start) && name.ends_with(end)) {
                        return false;
                    }
                }
                None if pattern == name => {}
                None => return false,
            },
            _ => return false,
        }
    }
}
