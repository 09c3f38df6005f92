//! The changes, as data: each breaks one check, or looks as if it did.

use crate::tree::Change::{self, Append, Install, Link, Remove, Replace, Write, WriteAs};

/// Changes and the check they are about.
pub struct Mutation {
    /// The check's id.
    pub check: &'static str,
    /// What is done, for messages.
    pub name: &'static str,
    /// How it is done.
    pub changes: &'static [Change<'static>],
}

pub const fn by(check: &'static str, name: &'static str, changes: &'static [Change<'static>]) -> Mutation {
    Mutation { check, name, changes }
}

/// Sorts before the drop-in that ironseed writes: sshd takes the first value.
const SSHD_FIRST: &str = "/etc/ssh/sshd_config.d/00-a.conf";
/// Sorts after it.
const SSHD_LAST: &str = "/etc/ssh/sshd_config.d/zz.conf";
/// Sorts after apt's other files: apt takes the last value.
const APT_LAST: &str = "/etc/apt/apt.conf.d/99-z";
/// Sorts before those that ironseed writes.
const APT_FIRST: &str = "/etc/apt/apt.conf.d/10-x";
pub const MASK: &str = "/dev/null";

/// A key made for this table; it opens nothing. In two halves, so that scanners of sources pass it.
const PRIVATE_KEY: &str = concat!(
    "-----BEGIN OPENSSH ",
    "PRIVATE KEY-----\n\
     b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n\
     QyNTUxOQAAACD4tvbUHDCaD6ca8FmyWTtcDAFbSblWaEMTQePkixjaiAAAAIjjIDPp4yAz\n\
     6QAAAAtzc2gtZWQyNTUxOQAAACD4tvbUHDCaD6ca8FmyWTtcDAFbSblWaEMTQePkixjaiA\n\
     AAAEBAmX3AskOxmiaqAo/+UCBbx5FpItQe1HNMNoBVoBGiR/i29tQcMJoPpxrwWbJZO1wM\n\
     AVtJuVZoQxNB4+SLGNqIAAAABHRlc3QB\n\
     -----END OPENSSH PRIVATE KEY-----\n"
);

/// What wins: each turns its check red, and no other.
pub const WINNING: &[Mutation] = &[
    // sshd: shadowed by an earlier file, by a Match block, by cloud-init.
    by("ssh-password-login", "an earlier drop-in", &[Write(SSHD_FIRST, "PasswordAuthentication yes\n")]),
    by(
        "ssh-password-login",
        "a Match block for one user",
        &[Write(SSHD_FIRST, "Match User debian\n  KbdInteractiveAuthentication yes\n")],
    ),
    by(
        "ssh-password-login",
        "the main file, before its Include",
        &[Replace("/etc/ssh/sshd_config", "Include ", "PasswordAuthentication yes\nInclude ")],
    ),
    by(
        "ssh-password-login",
        "cloud-init lets passwords in",
        &[Write("/etc/cloud/cloud.cfg.d/99-z.cfg", "ssh_pwauth: true\n")],
    ),
    by(
        "ssh-password-login",
        "an option among the service's arguments",
        &[Append("/etc/default/ssh", "SSHD_OPTS='-4 -o PasswordAuthentication=yes'\n")],
    ),
    by(
        "ssh-root-login",
        "an option in a variable of a drop-in",
        &[Write(
            "/etc/systemd/system/ssh.service.d/x.conf",
            "[Service]\nEnvironmentFile=\nEnvironment=\"SSHD_OPTS=-oPermitRootLogin=yes\"\n",
        )],
    ),
    by(
        "ssh-port",
        "a port among the service's arguments",
        &[Append("/etc/default/ssh", "SSHD_OPTS='-p22'\n")],
    ),
    by(
        "encrypted-communications",
        "a weak cipher among the service's arguments",
        &[Append("/etc/default/ssh", "SSHD_OPTS=\"-o 'Ciphers +aes128-cbc'\"\n")],
    ),
    by("ssh-root-login", "an earlier drop-in", &[Write(SSHD_FIRST, "PermitRootLogin prohibit-password\n")]),
    by(
        "ssh-root-login",
        "a Match block for an address",
        &[Write(SSHD_FIRST, "Match Address 192.0.2.0/24\n  PermitRootLogin yes\n")],
    ),
    by("ssh-port", "a second port", &[Write(SSHD_FIRST, "Port 22\n")]),
    by("ssh-port", "an address with a port", &[Write(SSHD_FIRST, "ListenAddress 0.0.0.0:2222\n")]),
    by(
        "ssh-port",
        "socket activation, which takes the port from the socket",
        &[Link("/etc/systemd/system/sockets.target.wants/ssh.socket", "/lib/systemd/system/ssh.socket")],
    ),
    by("encrypted-communications", "a weak cipher", &[Write(SSHD_FIRST, "Ciphers +aes128-cbc\n")]),
    by("encrypted-communications", "a weak MAC", &[Write(SSHD_FIRST, "MACs hmac-sha1\n")]),
    by(
        "encrypted-communications",
        "a weak key exchange",
        &[Write(SSHD_FIRST, "KexAlgorithms +diffie-hellman-group1-sha1\n")],
    ),
    by("encrypted-communications", "a clear-text server", &[Install("telnetd")]),
    by(
        "encrypted-communications",
        "an archive without signatures",
        &[Append("/etc/apt/sources.list", "deb [trusted=yes] http://archive.example/ bookworm main\n")],
    ),
    // Servers: planted, with a configuration that reaches the world.
    by(
        "mail-server-local",
        "postfix on all interfaces",
        &[
            WriteAs("/usr/sbin/postfix", 0o755, "\x7fELF"),
            Write("/etc/postfix/main.cf", "inet_interfaces = all\n"),
            Write("/etc/postfix/master.cf", "smtp inet n - y - - smtpd\n"),
        ],
    ),
    by(
        "mail-server-local",
        "exim on all interfaces",
        &[
            WriteAs("/usr/sbin/exim4", 0o755, "\x7fELF"),
            Write("/etc/exim4/update-exim4.conf.conf", "dc_local_interfaces=''\n"),
        ],
    ),
    by(
        "mail-server-local",
        "a mail server that nobody here can read",
        &[WriteAs("/usr/sbin/smtpd", 0o755, "\x7fELF")],
    ),
    by(
        "dns-recursion",
        "unbound for anybody",
        &[
            WriteAs("/usr/sbin/unbound", 0o755, "\x7fELF"),
            Write(
                "/etc/unbound/unbound.conf",
                "server:\n  interface: 0.0.0.0\n  access-control: 0.0.0.0/0 allow\n",
            ),
        ],
    ),
    by(
        "dns-recursion",
        "bind for anybody",
        &[
            WriteAs("/usr/sbin/named", 0o755, "\x7fELF"),
            Write("/etc/bind/named.conf", "options { recursion yes; allow-recursion { any; }; };\n"),
        ],
    ),
    by(
        "dns-recursion",
        "the resolver's stub on all interfaces",
        &[Write("/etc/systemd/resolved.conf.d/zz.conf", "[Resolve]\nDNSStubListenerExtra=0.0.0.0\n")],
    ),
    by(
        "ntp-restricted",
        "chrony for anybody",
        &[
            WriteAs("/usr/sbin/chronyd", 0o755, "\x7fELF"),
            Write("/etc/chrony/chrony.conf", "pool time.example iburst\nallow all\n"),
        ],
    ),
    by(
        "ntp-restricted",
        "ntpd without restrictions",
        &[
            WriteAs("/usr/sbin/ntpd", 0o755, "\x7fELF"),
            Write("/etc/ntp.conf", "server time.example iburst\n"),
        ],
    ),
    // Updates.
    by(
        "automatic-updates",
        "the pattern that matches nothing since bullseye",
        &[Write(
            APT_LAST,
            "#clear Unattended-Upgrade::Origins-Pattern;\n\
             Unattended-Upgrade::Origins-Pattern { \"label=Debian-Security,codename=bookworm\"; };\n",
        )],
    ),
    by(
        "automatic-updates",
        "switched off in the file that apt reads last",
        &[Write("/etc/apt/apt.conf", "APT::Periodic::Unattended-Upgrade \"0\";\n")],
    ),
    by(
        "automatic-updates",
        "the timer is masked",
        &[Link("/etc/systemd/system/apt-daily-upgrade.timer", MASK)],
    ),
    by(
        "automatic-updates",
        "the timer is not enabled",
        &[Remove("/etc/systemd/system/timers.target.wants/apt-daily.timer")],
    ),
    by(
        "automatic-updates",
        "kernels are left out",
        &[Write(APT_LAST, "Unattended-Upgrade::Package-Blacklist { \"linux-\"; };\n")],
    ),
    by(
        "automatic-updates",
        "no source has security updates",
        &[Replace("/etc/apt/sources.list", "bookworm-security", "bookworm-backports")],
    ),
    by(
        "automatic-updates",
        "every archive is selected",
        &[Write(APT_LAST, "Unattended-Upgrade::Origins-Pattern:: \"origin=*\";\n")],
    ),
    by(
        "update-reboot-policy",
        "no reboot",
        &[Write(APT_LAST, "Unattended-Upgrade::Automatic-Reboot \"false\";\n")],
    ),
    by(
        "update-reboot-policy",
        "another time",
        &[Write(APT_LAST, "Unattended-Upgrade::Automatic-Reboot-Time \"12:00\";\n")],
    ),
    by("update-reboot-policy", "no policy", &[Remove("/etc/apt/apt.conf.d/99-ironseed-reboot")]),
    by(
        "kernel-current",
        "a newer kernel that no menu entry boots",
        &[
            Write("/boot/vmlinuz-99.1.0-1-cloud-amd64", "kernel"),
            Write("/usr/lib/modules/99.1.0-1-cloud-amd64/modules.dep", "\n"),
        ],
    ),
    by(
        "kernel-current",
        "an older kernel pinned beside the generated menu",
        &[
            Write("/boot/vmlinuz-5.1.0-1-cloud-amd64", "kernel"),
            Write("/usr/lib/modules/5.1.0-1-cloud-amd64/modules.dep", "\n"),
            Write(
                "/boot/grub/custom.cfg",
                "menuentry 'old' --id old {\n  linux /boot/vmlinuz-5.1.0-1-cloud-amd64 root=/dev/vda1\n}\n\
                 set default=old\n",
            ),
        ],
    ),
    by(
        "no-pending-updates",
        "the build's record names one",
        &[Replace("/usr/share/ironseed/build.json", "\"pending\":[]", "\"pending\":[\"openssl\"]")],
    ),
    by(
        "no-pending-updates",
        "packages changed after the record was taken",
        &[Append("/var/lib/dpkg/status", "\n")],
    ),
    by("no-pending-updates", "no record", &[Remove("/usr/share/ironseed/build.json")]),
    by("release-supported", "another release", &[Write("/etc/os-release", "ID=debian\nVERSION_ID=\"9\"\n")]),
    by("release-supported", "nothing says which release", &[Remove("/usr/lib/os-release")]),
    by(
        "security-announcements",
        "nobody is named",
        &[Remove("/usr/share/ironseed/security-announcements.md")],
    ),
    by(
        "security-announcements",
        "somebody else is named",
        &[Replace("/usr/share/ironseed/security-announcements.md", "the owner of this instance", "nobody")],
    ),
    // Firewall.
    by("host-firewall", "the unit is masked", &[Link("/etc/systemd/system/nftables.service", MASK)]),
    by(
        "host-firewall",
        "forwarding for everybody",
        &[Replace(
            "/etc/nftables.conf",
            "hook forward priority filter; policy drop;",
            "hook forward priority filter; policy accept;",
        )],
    ),
    by(
        "host-firewall",
        "SSH is shut out by a table that sees it first",
        &[Append(
            "/etc/nftables.conf",
            "table inet first {\n\tchain input {\n\t\ttype filter hook input priority -10; policy accept;\n\
             \t\ttcp dport 22022 drop\n\t}\n}\n",
        )],
    ),
    by(
        "open-ports",
        "a rule for no service",
        &[Append("/etc/nftables.conf", "add rule inet ironseed input tcp dport 8080 accept\n")],
    ),
    by(
        "open-ports",
        "a set of ports",
        &[Append("/etc/nftables.conf", "add rule inet ironseed input udp dport { 161, 1024-2048 } accept\n")],
    ),
    by("open-ports", "SSH's port is open for nothing", &[Link("/etc/systemd/system/ssh.service", MASK)]),
    // Accounts.
    by(
        "unneeded-accounts",
        "another account with a shell",
        &[
            Append("/etc/passwd", "mallory:x:1001:1001::/home/mallory:/bin/bash\n"),
            Append("/etc/shadow", "mallory:!:20454::::::\n"),
        ],
    ),
    by(
        "unneeded-accounts",
        "a second root",
        &[
            Append("/etc/passwd", "toor:x:0:0::/root:/usr/sbin/nologin\n"),
            Append("/etc/shadow", "toor:!:20454::::::\n"),
        ],
    ),
    by("unneeded-accounts", "an empty password", &[Replace("/etc/shadow", "games:*:", "games::")]),
    by(
        "account-privileges",
        "a rule of sudo",
        &[WriteAs("/etc/sudoers.d/zz", 0o440, "games ALL=(ALL) NOPASSWD: ALL\n")],
    ),
    by(
        "account-privileges",
        "a member of the admin group",
        &[Replace("/etc/group", "sudo:x:27:", "sudo:x:27:games")],
    ),
    by(
        "account-privileges",
        "a member of a group that reads the disk",
        &[Replace("/etc/group", "disk:x:6:", "disk:x:6:games")],
    ),
    by("keys-in-image", "a private key", &[WriteAs("/usr/share/app/server.pem", 0o600, PRIVATE_KEY)]),
    by("keys-in-image", "a host key", &[WriteAs("/etc/ssh/ssh_host_ed25519_key", 0o600, PRIVATE_KEY)]),
    by(
        "keys-in-image",
        "a builder's key that may log in",
        &[WriteAs(
            "/root/.ssh/authorized_keys",
            0o600,
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPi29tQcMJoPpxrwWbJZO1wMAVtJuVZoQxNB4+SLGNqI builder\n",
        )],
    ),
    by(
        "keys-in-image",
        "a password's hash",
        &[Replace(
            "/etc/shadow",
            "root:*:",
            "root:$6$Mq7vTzR1kWcY$iCtvpTFiuIGLT0pc8s9tFV.kzaHdh/rAnHi18K4SslsutBz8d6ZyZy26kNYtAyW5cpj3R/kcOwoMSRENSbehl1:",
        )],
    ),
    by(
        "keys-in-image",
        "a stored password",
        &[WriteAs("/root/.netrc", 0o600, "machine store.example login build password Yx4vUqP2mN7s\n")],
    ),
    by(
        "ssh-ban-tool",
        "the owner's file switches the jail off",
        &[Write("/etc/fail2ban/jail.local", "[sshd]\nenabled = false\n")],
    ),
    by(
        "ssh-ban-tool",
        "the ban is for another port",
        &[Write("/etc/fail2ban/jail.d/zzz.conf", "[sshd]\nport = 22\n")],
    ),
    by(
        "ssh-ban-tool",
        "the ban does nothing",
        &[Write("/etc/fail2ban/jail.d/zzz.conf", "[sshd]\nbanaction = hostsdeny\n")],
    ),
    by(
        "ssh-ban-tool",
        "it reads a log that nobody writes",
        &[Write("/etc/fail2ban/jail.d/zzz.conf", "[sshd]\nbackend = polling\n")],
    ),
    by("ssh-ban-tool", "the unit is masked", &[Link("/etc/systemd/system/fail2ban.service", MASK)]),
    by(
        "unneeded-services",
        "a unit that a target wants",
        &[
            Write(
                "/etc/systemd/system/miner.service",
                "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
            ),
            Link(
                "/etc/systemd/system/multi-user.target.wants/miner.service",
                "/etc/systemd/system/miner.service",
            ),
        ],
    ),
    by(
        "unneeded-services",
        "a unit that a drop-in of another one wants",
        &[
            Write("/etc/systemd/system/miner.service", "[Service]\nExecStart=/bin/true\n"),
            Write("/etc/systemd/system/ssh.service.d/x.conf", "[Unit]\nWants=miner.service\n"),
        ],
    ),
    by(
        "unneeded-services",
        "a timer",
        &[
            Write("/etc/systemd/system/miner.service", "[Service]\nExecStart=/bin/true\n"),
            Write("/etc/systemd/system/miner.timer", "[Timer]\nOnBootSec=60\n"),
            Link("/etc/systemd/system/timers.target.wants/miner.timer", "/etc/systemd/system/miner.timer"),
        ],
    ),
    by(
        "unneeded-services",
        "a script that starts at boot as in the old days",
        &[WriteAs("/etc/rc.local", 0o755, "#!/bin/sh\n/usr/local/bin/miner &\n")],
    ),
    by(
        "unneeded-services",
        "a script of System V's init",
        &[
            WriteAs(
                "/etc/init.d/miner",
                0o755,
                "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: miner\n# Default-Start: 2 3 4 5\n### END INIT INFO\n",
            ),
            Link("/etc/rc3.d/S01miner", "../init.d/miner"),
        ],
    ),
    by(
        "secure-logging",
        "a later drop-in",
        &[Write("/etc/systemd/journald.conf.d/zzz.conf", "[Journal]\nStorage=volatile\n")],
    ),
    by("secure-logging", "a log that everybody may change", &[WriteAs("/var/log/app.log", 0o666, "")]),
    by(
        "secure-logging",
        "logs leave in the clear",
        &[WriteAs("/usr/sbin/rsyslogd", 0o755, "\x7fELF"), Write("/etc/rsyslog.conf", "*.* @192.0.2.1\n")],
    ),
    by(
        "secure-logging",
        "logs are taken from the network",
        &[
            WriteAs("/usr/sbin/rsyslogd", 0o755, "\x7fELF"),
            Write("/etc/rsyslog.conf", "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"514\")\n"),
        ],
    ),
    by("image-hygiene", "an identity", &[Write("/etc/machine-id", "b08dfa6083e7567a1921a715000001fb\n")]),
    by("image-hygiene", "a shell's history", &[WriteAs("/root/.bash_history", 0o600, "ls\n")]),
    by("image-hygiene", "a lease", &[Write("/var/lib/dhcp/dhclient.leases", "lease {\n}\n")]),
    by("image-hygiene", "a log with entries", &[WriteAs("/var/log/app.log", 0o640, "made on the builder\n")]),
    by(
        "image-hygiene",
        "cloud-init's state",
        &[Write("/var/lib/cloud/instances/i-1/datasource", "builder\n")],
    ),
];

/// What loses, or is nothing: no check changes.
pub const LOSING: &[Mutation] = &[
    by(
        "ssh-password-login",
        "arguments that are taken back",
        &[Append("/etc/default/ssh", "SSHD_OPTS='-o PasswordAuthentication=yes'\nSSHD_OPTS=\n")],
    ),
    by(
        "ssh-password-login",
        "arguments that the service does not use",
        &[Append("/etc/default/ssh", "SSHD_OPTIONS='-o PasswordAuthentication=yes'\n")],
    ),
    by(
        "ssh-root-login",
        "an option that sshd has already",
        &[Append("/etc/default/ssh", "SSHD_OPTS='-oPermitRootLogin=no -oPermitRootLogin=yes'\n")],
    ),
    by("ssh-password-login", "a later drop-in", &[Write(SSHD_LAST, "PasswordAuthentication yes\n")]),
    by(
        "ssh-password-login",
        "a later value in the main file",
        &[Append("/etc/ssh/sshd_config", "PasswordAuthentication yes\n")],
    ),
    by(
        "ssh-password-login",
        "a file that sshd does not include",
        &[Write("/etc/ssh/sshd_config.d/00-a.conf.bak", "PasswordAuthentication yes\n")],
    ),
    by(
        "ssh-password-login",
        "an earlier file of cloud-init",
        &[Write("/etc/cloud/cloud.cfg.d/06-a.cfg", "ssh_pwauth: true\n")],
    ),
    by("ssh-root-login", "a later drop-in", &[Write(SSHD_LAST, "PermitRootLogin yes\n")]),
    by("ssh-port", "a comment", &[Write(SSHD_FIRST, "# Port 22\n")]),
    by(
        "ssh-port",
        "a drop-in of a socket that does not start",
        &[Write("/etc/systemd/system/ssh.socket.d/x.conf", "[Socket]\nListenStream=2222\n")],
    ),
    by("encrypted-communications", "a later drop-in", &[Write(SSHD_LAST, "Ciphers aes128-cbc\n")]),
    by("encrypted-communications", "an encrypted client", &[Install("openssh-sftp-server-extras")]),
    by(
        "mail-server-local",
        "postfix on loopback",
        &[
            WriteAs("/usr/sbin/postfix", 0o755, "\x7fELF"),
            Write("/etc/postfix/main.cf", "inet_interfaces = loopback-only\n"),
            Write("/etc/postfix/master.cf", "smtp inet n - y - - smtpd\n"),
        ],
    ),
    by(
        "mail-server-local",
        "a configuration without a server",
        &[
            Write("/etc/postfix/main.cf", "inet_interfaces = all\n"),
            Write("/etc/postfix/master.cf", "smtp inet n - y - - smtpd\n"),
        ],
    ),
    by(
        "dns-recursion",
        "a later file takes the address back",
        &[
            Write("/etc/systemd/resolved.conf.d/10-a.conf", "[Resolve]\nDNSStubListenerExtra=0.0.0.0\n"),
            Write("/etc/systemd/resolved.conf.d/20-b.conf", "[Resolve]\nDNSStubListenerExtra=\n"),
        ],
    ),
    by(
        "ntp-restricted",
        "chrony as a client",
        &[
            WriteAs("/usr/sbin/chronyd", 0o755, "\x7fELF"),
            Write("/etc/chrony/chrony.conf", "pool time.example iburst\n"),
        ],
    ),
    by(
        "automatic-updates",
        "an earlier file",
        &[Write(APT_FIRST, "APT::Periodic::Unattended-Upgrade \"0\";\n")],
    ),
    by(
        "automatic-updates",
        "a file that apt passes over",
        &[Write("/etc/apt/apt.conf.d/99-z.disabled", "APT::Periodic::Unattended-Upgrade \"0\";\n")],
    ),
    by(
        "automatic-updates",
        "rules that are cleared later",
        &[Write(APT_FIRST, "Unattended-Upgrade::Origins-Pattern:: \"origin=*\";\n")],
    ),
    by(
        "update-reboot-policy",
        "an earlier file",
        &[Write(APT_FIRST, "Unattended-Upgrade::Automatic-Reboot \"false\";\n")],
    ),
    by(
        "kernel-current",
        "a wish that update-grub has not seen",
        &[Write("/etc/default/grub.d/99-pin.cfg", "GRUB_DEFAULT=old\n")],
    ),
    by(
        "kernel-current",
        "an older kernel beside it",
        &[
            Write("/boot/vmlinuz-5.1.0-1-cloud-amd64", "kernel"),
            Write("/usr/lib/modules/5.1.0-1-cloud-amd64/modules.dep", "\n"),
        ],
    ),
    by(
        "no-pending-updates",
        "a record under another name",
        &[Write("/usr/share/ironseed/build.json.old", "{\"format\":1,\"pending\":[\"openssl\"]}")],
    ),
    by(
        "release-supported",
        "the file that another one stands before",
        &[
            Write("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
            Write("/usr/lib/os-release", "ID=debian\nVERSION_ID=\"9\"\n"),
        ],
    ),
    by(
        "security-announcements",
        "another statement elsewhere",
        &[Write("/etc/security-announcements.md", "Nobody reads them.\n")],
    ),
    by(
        "host-firewall",
        "a file that nothing includes",
        &[Write("/etc/nftables.d/open.nft", "flush ruleset\n")],
    ),
    by(
        "open-ports",
        "another table accepts, which the drop of the first one outweighs",
        &[Append(
            "/etc/nftables.conf",
            "table inet other {\n\tchain input {\n\t\ttype filter hook input priority -10; policy accept;\n\
             \t\ttcp dport 8080 accept\n\t}\n}\n",
        )],
    ),
    by(
        "open-ports",
        "a rule in a chain that no packet meets",
        &[Append(
            "/etc/nftables.conf",
            "table inet other {\n\tchain aside {\n\t\ttcp dport 8080 accept\n\t}\n}\n",
        )],
    ),
    by(
        "unneeded-accounts",
        "an account without a shell",
        &[
            Append("/etc/passwd", "daemon2:x:990:990::/nonexistent:/usr/sbin/nologin\n"),
            Append("/etc/shadow", "daemon2:!:20454::::::\n"),
        ],
    ),
    by(
        "account-privileges",
        "a file that sudo passes over",
        &[WriteAs("/etc/sudoers.d/zz.conf", 0o440, "games ALL=(ALL) NOPASSWD: ALL\n")],
    ),
    by(
        "account-privileges",
        "a member of a group without power",
        &[Replace("/etc/group", "games:x:60:", "games:x:60:man")],
    ),
    by(
        "keys-in-image",
        "a public key",
        &[Write(
            "/usr/share/app/release.pub",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPi29tQcMJoPpxrwWbJZO1wMAVtJuVZoQxNB4+SLGNqI release\n",
        )],
    ),
    by(
        "keys-in-image",
        "a mention of a key",
        &[Write("/usr/share/app/README", concat!("Starts with -----BEGIN OPENSSH ", "PRIVATE KEY-----.\n"))],
    ),
    by(
        "ssh-ban-tool",
        "an earlier file",
        &[Write("/etc/fail2ban/jail.d/aa.conf", "[sshd]\nenabled = false\nport = 22\n")],
    ),
    by(
        "ssh-ban-tool",
        "another jail",
        &[Write("/etc/fail2ban/jail.d/zzz.conf", "[apache-auth]\nenabled = false\nport = 22\n")],
    ),
    by(
        "unneeded-services",
        "a script that is not executable",
        &[Write("/etc/rc.local", "#!/bin/sh\n/usr/local/bin/miner &\n")],
    ),
    by(
        "unneeded-services",
        "a unit that nothing wants",
        &[Write("/etc/systemd/system/miner.service", "[Service]\nExecStart=/bin/true\n")],
    ),
    by(
        "unneeded-services",
        "a wanted unit that is masked",
        &[
            Link("/etc/systemd/system/miner.service", MASK),
            Link(
                "/etc/systemd/system/multi-user.target.wants/miner.service",
                "/etc/systemd/system/miner.service",
            ),
        ],
    ),
    by(
        "secure-logging",
        "an earlier drop-in",
        &[Write("/etc/systemd/journald.conf.d/aa.conf", "[Journal]\nStorage=volatile\n")],
    ),
    by("secure-logging", "a log for root alone", &[WriteAs("/var/log/app.log", 0o600, "")]),
    by("image-hygiene", "an id to come", &[Write("/etc/machine-id", "uninitialized\n")]),
    by("image-hygiene", "an empty history", &[WriteAs("/root/.bash_history", 0o600, "")]),
];
