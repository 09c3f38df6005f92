//! How each program is asked what it makes of a small tree.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::text;

/// What a program makes of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The good line counts.
    Good,
    /// It does not.
    Else,
    /// The configuration is refused.
    Refuses,
}

/// A program that can be asked.
pub struct Program {
    pub format: &'static str,
    pub needs: &'static [&'static str],
    /// A module of Debian's Python that it is asked through.
    pub module: Option<&'static str>,
    /// The file that holds the line, and its text around it.
    pub path: &'static str,
    pub before: &'static str,
    pub good: &'static str,
    pub bad: &'static str,
    pub key: &'static str,
    /// Other files.
    pub skeleton: &'static [(&'static str, &'static str)],
    /// Asks about the tree in a folder.
    pub ask: fn(&Path) -> Says,
}

pub const PROGRAMS: &[Program] = &[
    Program {
        format: "sshd",
        needs: &["sshd", "ssh-keygen"],
        module: None,
        path: "/etc/ssh/sshd_config.d/00-ironseed.conf",
        before: "# c\n",
        good: "X11Forwarding yes",
        bad: "X11Forwarding no",
        key: "x11forwarding",
        skeleton: &[("/etc/ssh/sshd_config", "Include ROOT/etc/ssh/sshd_config.d/*.conf\n")],
        ask: sshd,
    },
    Program {
        format: "sysctl",
        needs: &["unshare", "systemd-analyze"],
        module: None,
        path: "/etc/sysctl.d/99-zz-ironseed.conf",
        before: "# c\n",
        good: "net.ipv4.conf.all.log_martians = 1",
        bad: "net.ipv4.conf.all.log_martians = 0",
        key: "net.ipv4.conf.all.log_martians",
        skeleton: &[],
        ask: sysctl,
    },
    Program {
        format: "modprobe",
        needs: &["modprobe"],
        module: None,
        path: "/etc/modprobe.d/00-ironseed.conf",
        before: "# c\n",
        good: "blacklist foo",
        bad: "blacklist not_foo",
        key: "blacklist foo",
        skeleton: &[],
        ask: modprobe,
    },
    Program {
        format: "apt",
        needs: &["apt-config"],
        module: None,
        path: "/etc/apt/apt.conf.d/99-ironseed",
        before: "// c\n",
        good: "APT::Periodic::Enable \"7\";",
        bad: "APT::Periodic::Enable \"8\";",
        key: "apt::periodic::enable",
        skeleton: &[],
        ask: apt,
    },
    Program {
        format: "fail2ban",
        needs: &["fail2ban-client"],
        module: None,
        path: "/etc/fail2ban/jail.d/zz-ironseed.conf",
        before: "# c\n[sshd]\nenabled = true\n",
        good: "maxretry = 9",
        bad: "maxretry = 10",
        key: "maxretry",
        skeleton: &[],
        ask: fail2ban,
    },
    Program {
        format: "sudoers",
        needs: &["cvtsudoers", "visudo"],
        module: None,
        path: "/etc/sudoers.d/zz-ironseed",
        before: "# c\n",
        good: "Defaults use_pty",
        bad: "Defaults !use_pty",
        key: "use_pty",
        skeleton: &[("/etc/sudoers", "@includedir ROOT/etc/sudoers.d\n")],
        ask: sudo,
    },
    Program {
        format: "journald",
        needs: &["systemctl", "systemd-analyze"],
        module: None,
        path: "/etc/systemd/journald.conf.d/zz-ironseed.conf",
        before: "# c\n[Journal]\n",
        good: "Storage=persistent",
        bad: "Storage=volatile",
        key: "Storage",
        skeleton: &[("/etc/systemd/journald.conf", "[Journal]\n")],
        ask: journald,
    },
    Program {
        format: "cloud-init",
        needs: &["cloud-init"],
        module: Some("cloudinit"),
        path: "/etc/cloud/cloud.cfg.d/99-ironseed.cfg",
        before: "# c\n",
        good: "ssh_pwauth: false",
        bad: "ssh_pwauth: true",
        key: "ssh_pwauth",
        skeleton: &[("/etc/cloud/cloud.cfg", "disable_root: true\n")],
        ask: cloud_init,
    },
    Program {
        format: "nft",
        needs: &["nft", "unshare"],
        module: None,
        path: "/etc/nftables.conf",
        before: "# c\ntable inet x {\n}\n",
        good: "add chain inet x y { type filter hook input priority 0; policy drop; }",
        bad: "",
        key: "add",
        skeleton: &[],
        ask: nft,
    },
    Program {
        format: "pwquality",
        needs: &["python3"],
        module: Some("pwquality"),
        path: "/etc/security/pwquality.conf",
        before: "# c\n",
        good: "minlen = 15",
        bad: "minlen = 9",
        key: "minlen",
        skeleton: &[],
        ask: pwquality,
    },
];

/// Runs a program; what it printed, where it went well.
pub fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Option<String> {
    let path = format!("/usr/bin:{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).envs(environment.iter().copied());
    let output = command.output().unwrap();
    output.status.success().then(|| text(&output.stdout))
}

fn at(root: &Path, path: &str) -> String {
    format!("{}{path}", root.display())
}

fn says(answer: Option<String>, good: impl Fn(&str) -> bool) -> Says {
    match answer {
        Some(said) if good(&said) => Says::Good,
        Some(_) => Says::Else,
        None => Says::Refuses,
    }
}

fn sshd(root: &Path) -> Says {
    sshd_for(root, &[])
}

/// The same for one login, in words for sshd's command line.
pub fn sshd_for(root: &Path, login: &[&str]) -> Says {
    let key = at(root, "/key");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key], &[]);
    let main = at(root, "/etc/ssh/sshd_config");
    // A shell reads the arguments that are given to the service, and cuts them, too.
    let script = r#"[ ! -e "$0" ] || . "$0"; eval exec /usr/sbin/sshd -T '"$@"' "$SSHD_OPTS""#;
    let given = at(root, "/etc/default/ssh");
    let words = [&["-c", script, &given, "-f", &main, "-h", &key], login].concat();
    says(run("sh", &words, &[]), |t| t.contains("\nx11forwarding yes\n"))
}

/// systemd says the order of the files; its program sets their lines in a network of its own.
fn sysctl(root: &Path) -> Says {
    let order =
        run("systemd-analyze", &["cat-config", &format!("--root={}", root.display()), "sysctl.d"], &[]);
    fs::write(root.join("all.conf"), order.unwrap()).unwrap();
    let script = format!(
        "/lib/systemd/systemd-sysctl {}; cat /proc/sys/net/ipv4/conf/all/log_martians",
        at(root, "/all.conf")
    );
    says(run("unshare", &["--map-root-user", "--net", "sh", "-c", &script], &[]), |t| t.trim() == "1")
}

/// kmod reads one folder when it is told which: those of packages are not held here.
fn modprobe(root: &Path) -> Says {
    says(run("modprobe", &["--showconfig", "-C", &at(root, "/etc/modprobe.d")], &[]), |t| {
        t.split('\n').any(|l| l == "blacklist foo")
    })
}

fn apt(root: &Path) -> Says {
    let first = at(root, "/first");
    fs::write(&first, format!("Dir \"{}/\";\nDir::Etc \"etc/apt/\";\n", root.display())).unwrap();
    says(run("apt-config", &["dump"], &[("APT_CONFIG", &first)]), |t| {
        t.to_ascii_lowercase().contains("periodic::enable \"7\";")
    })
}

fn fail2ban(root: &Path) -> Says {
    let folder = at(root, "/etc/fail2ban");
    // Ours stand over the package's own.
    run("sh", &["-c", &format!("cp -rn /etc/fail2ban/. {folder}/")], &[]);
    says(run("fail2ban-client", &["-c", &folder, "--dp"], &[]), |t| t.contains("'sshd', 'maxretry', 9]"))
}

fn sudo(root: &Path) -> Says {
    let main = at(root, "/etc/sudoers");
    run("sh", &["-c", &format!("chmod 0440 {main} {}/*", at(root, "/etc/sudoers.d"))], &[]);
    // sudo goes on after an error, which visudo calls one; the last line counts.
    let said = run("cvtsudoers", &["-f", "sudoers", "-e", &main], &[]).unwrap_or_default();
    let last = said.lines().rfind(|l| l.contains("use_pty")).map(|l| l.contains("!use_pty"));
    if last == Some(false) { Says::Good } else { Says::Else }
}

/// systemd says the order of the files, and how it parses one shows in the `[Install]` section of a
/// unit: the same parser reads both.
fn journald(root: &Path) -> Says {
    let named = format!("--root={}", root.display());
    let order = run("systemd-analyze", &["cat-config", &named, "systemd/journald.conf"], &[]).unwrap();
    let unit =
        order.replace("[Journal]", "[Install]").replace("Storage", "WantedBy").replace("sTORAGE", "wANTEDbY");
    let unit = unit.replace("persistent", "good.target").replace("volatile", "bad.target");
    // A list: what comes last is what an option with one value has.
    fs::create_dir_all(root.join("etc/systemd/system")).unwrap();
    fs::write(root.join("etc/systemd/system/x.service"), format!("[Service]\nExecStart=/bin/true\n{unit}"))
        .unwrap();
    run("systemctl", &[&named, "enable", "x.service"], &[]);
    let wanted = |target: &str| {
        root.join(format!("etc/systemd/system/{target}.wants/x.service")).symlink_metadata().is_ok()
    };
    let last_good = order.rfind("persistent") > order.rfind("volatile") || !wanted("bad.target");
    if wanted("good.target") && last_good { Says::Good } else { Says::Else }
}

fn cloud_init(root: &Path) -> Says {
    let script = format!(
        "from cloudinit import util; print(util.read_conf_with_confd('{}').get('ssh_pwauth'))",
        at(root, "/etc/cloud/cloud.cfg")
    );
    says(run("/usr/bin/python3", &["-c", &script], &[]), |t| t.trim() == "False")
}

fn nft(root: &Path) -> Says {
    says(
        run(
            "unshare",
            &["--map-root-user", "--net", "nft", "-c", "-f", &at(root, "/etc/nftables.conf")],
            &[],
        ),
        |_| true,
    )
}

fn pwquality(root: &Path) -> Says {
    let script = format!(
        "import pwquality; s = pwquality.PWQSettings(); s.read_config('{}'); print(s.minlen)",
        at(root, "/etc/security/pwquality.conf")
    );
    says(run("/usr/bin/python3", &["-c", &script], &[]), |t| t.trim() == "15")
}
