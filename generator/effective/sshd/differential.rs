//! Holds the reader against the real `sshd -T` on generated configurations.
//!
//! `IRONSEED_CASES` sets how many (300 without), `IRONSEED_SEED` where they start,
//! `IRONSEED_SSHD_ROOT` a directory to chroot into for another release's sshd.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{Connection, OpenSshVersion, Patches, SshdConfig, read_from};
use crate::effective::dice::{Dice, number};
use crate::effective::memory_tree::MemoryTree;
use crate::target::Root;

/// A real sshd and a directory that it can read.
struct Real {
    root: Option<PathBuf>,
    directory: tempfile::TempDir,
    version: OpenSshVersion,
}

enum Refusal {
    Said(String),
    /// 10.0 dies of some configurations that its own rules allow (`Subsystem` in `Match`).
    Crashed,
}

impl Real {
    /// `None`, with a message, where no sshd is installed.
    fn find() -> Option<Self> {
        let root = std::env::var_os("IRONSEED_SSHD_ROOT").map(PathBuf::from);
        let parent = root.as_deref().unwrap_or(Path::new("/")).join("tmp");
        let program = root.as_deref().unwrap_or(Path::new("/")).join("usr/sbin/sshd");
        if !program.exists() {
            println!("skipped: {} is not installed", program.display());
            return None;
        }
        let directory = tempfile::tempdir_in(parent).unwrap();
        let mut real = Self { root, directory, version: OpenSshVersion::new(0, 0) };
        let said = real.run(&["/usr/sbin/sshd", "-V"]);
        real.version = String::from_utf8_lossy(&said.stderr).trim().parse().unwrap();
        let key = format!("{}/key", real.inside());
        let made = real.run(&["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key]);
        assert!(made.status.success(), "{made:?}");
        let knows = |line: &str| real.dump(&[("main", line.to_owned())], "").is_ok();
        let patches = Patches {
            debian_banner: knows("DebianBanner no"),
            gssapi_key_exchange: knows("GSSAPIKeyExchange no"),
            sntrup761_alias: knows("KexAlgorithms sntrup761x25519-sha512"),
        };
        real.version = real.version.with(patches);
        Some(real)
    }

    /// The directory as sshd sees it.
    fn inside(&self) -> String {
        let path = self.directory.path();
        let path = self.root.as_ref().map_or(path, |r| path.strip_prefix(r).unwrap());
        format!("/{}", path.display().to_string().trim_start_matches('/'))
    }

    fn run(&self, argv: &[&str]) -> Output {
        let mut command = match &self.root {
            Some(root) => {
                let mut chroot = Command::new("chroot");
                chroot.arg(root).args(argv);
                chroot
            }
            None => {
                let mut command = Command::new(argv[0]);
                command.args(&argv[1..]);
                command
            }
        };
        command.current_dir("/").env("LC_ALL", "C").output().unwrap()
    }

    /// What sshd says of these files (`main` is the main one): keyword to its lines.
    fn dump(&self, files: &[(&str, String)], login: &str) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
        for (name, text) in files {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.filled(name, text)).unwrap();
        }
        let main = format!("{}/main", self.inside());
        let mut argv = vec!["/usr/sbin/sshd", "-T", "-f", &main];
        if !login.is_empty() {
            argv.extend(["-C", login]);
        }
        let said = self.run(&argv);
        for (name, _) in files {
            std::fs::remove_file(self.directory.path().join(name)).unwrap();
        }
        if !said.status.success() {
            let text = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(if said.status.code().is_some() { Refusal::Said(text) } else { Refusal::Crashed });
        }
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&said.stdout).lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            lines.entry(keyword.to_owned()).or_default().push(value.to_owned());
        }
        Ok(lines)
    }

    /// `@` stands for the directory; the main file also names a host key, without which sshd
    /// says nothing.
    fn filled(&self, name: &str, text: &str) -> String {
        let inside = self.inside();
        let key = if name == "main" { format!("HostKey {inside}/key\n") } else { String::new() };
        format!("{key}{}", text.replace('@', &inside))
    }

    fn ours(&self, files: &[(&str, String)]) -> SshdConfig {
        let inside = self.inside();
        let files = files.iter().map(|(name, text)| (format!("{inside}/{name}"), self.filled(name, text)));
        let tree = MemoryTree::new(files);
        read_from(&Root::new(&tree), &format!("{inside}/main"), self.version).unwrap().unwrap()
    }

    /// Where the two disagree.
    fn disagreement(&self, files: &[(&str, String)], spec: &str, login: &Connection) -> Option<String> {
        let ours = self.ours(files);
        let real = match self.dump(files, spec) {
            Err(_) if !ours.problems.is_empty() => return None,
            Err(Refusal::Crashed) => return None,
            Err(Refusal::Said(said)) => return Some(format!("sshd refuses, the reader does not: {said}")),
            Ok(_) if !ours.problems.is_empty() => {
                return Some(format!("the reader refuses, sshd does not: {:?}", ours.problems));
            }
            Ok(real) => real,
        };
        let mut sockets: Vec<String> = ours
            .listeners()
            .iter()
            .map(|l| {
                if l.address.contains(':') {
                    format!("[{}]:{}", l.address, l.port)
                } else {
                    format!("{}:{}", l.address, l.port)
                }
            })
            .collect();
        sockets.sort();
        let mut said = real.get("listenaddress").cloned().unwrap_or_default();
        said.sort();
        if sockets != said {
            return Some(format!("listenaddress: sshd {said:?}, reader {sockets:?}"));
        }
        let mut unknown: Vec<&String> = real.keys().filter(|k| *k != "listenaddress").collect();
        for value in ours.dump(login).into_iter().filter(|v| v.keyword != "listenaddress") {
            unknown.retain(|k| *k != value.keyword);
            let said = real.get(value.keyword).cloned().unwrap_or_default();
            let read: Vec<String> = value.items().map(str::to_owned).collect();
            let unprinted =
                ["rdomain", "debianbanner", "channeltimeout"].contains(&value.keyword) && said.is_empty();
            let machine =
                value.at.is_none() && ["ipqos", "sshdauthpath", "sshdsessionpath"].contains(&value.keyword);
            if said != read && !unprinted && !machine {
                return Some(format!("{}: sshd {said:?}, reader {value:?}", value.keyword));
            }
        }
        (!unknown.is_empty()).then(|| format!("keywords the reader does not know: {unknown:?}"))
    }
}

/// Keywords with values to draw from. The last of each is one that sshd refuses.
const GLOBAL: &[(&str, &[&str])] = &[
    ("AuthenticationMethods", &["publickey,hostbased none", "any publickey"]),
    ("UsePAM", &["yes", "no", "maybe"]),
    ("Port", &["22", "2222", "0"]),
    ("AddressFamily", &["any", "ANY", "ipx"]),
    ("ListenAddress", &["127.0.0.1", "[::1]:2022", "::1", "127.0.0.1:77", "127.0.0.1:x"]),
    ("LoginGraceTime", &["30", "1m", "1h5", "0", "1y"]),
    ("SyslogFacility", &["AUTHPRIV", "local3", "LOCAL9"]),
    ("StrictModes", &["no", "yes", ""]),
    ("PermitUserEnvironment", &["no", "yes", "LANG,LC_*", "a b"]),
    ("Compression", &["delayed", "no", "fast"]),
    (
        "Ciphers",
        &[
            "aes256-ctr",
            "+aes128-cbc",
            "-aes*-ctr",
            "^aes256-gcm@openssh.com,aes128-ctr",
            "aes256-ctr,,aes128-ctr",
            "rot13",
        ],
    ),
    (
        "MACs",
        &[
            "hmac-sha2-512-etm@openssh.com,hmac-sha2-256",
            "-umac*,hmac-sha1",
            "+hmac-md5",
            "^hmac-sha2-512",
            "crc",
        ],
    ),
    (
        "KexAlgorithms",
        &[
            "curve25519-sha256",
            "-*sha1,ecdh*",
            "+diffie-hellman-group14-sha1",
            "^ecdh-sha2-nistp384",
            "sntrup761x25519-sha512@openssh.com",
            "curve0",
        ],
    ),
    ("HostKeyAlgorithms", &["ssh-ed25519", "+ssh-rsa", "-ecdsa*", "*ed25519*", "ssh-nope"]),
    ("MaxStartups", &["10:30:60", "7", "10:30:100", "60:30:10"]),
    ("PerSourceMaxStartups", &["3", "none", "some"]),
    ("PerSourceNetBlockSize", &["24", "24:64", "33"]),
    ("UseDNS", &["yes", "no", "1"]),
    ("TCPKeepAlive", &["no", "yes", "y"]),
    ("KeepAlive", &["no", "2"]),
    ("VersionAddendum", &["none", "hello world", "x \"y"]),
    ("FingerprintHash", &["md5", "sha256", "sha0"]),
    ("PrintMotd", &["no", "nope"]),
    ("PidFile", &["/run/x.pid", "none", "a b"]),
    ("GSSAPICleanupCredentials", &["no", "nix"]),
    ("IgnoreUserKnownHosts", &["yes", "ja"]),
    ("Protocol", &["2", "2,1"]),
    ("Subsystem", &["sftp internal-sftp", "sftp /usr/lib/sftp -f AUTH", "sftp"]),
];

const ANYWHERE: &[(&str, &[&str])] = &[
    (
        "PermitRootLogin",
        &["no", "yes", "prohibit-password", "Without-Password", "forced-commands-only", "never"],
    ),
    ("PasswordAuthentication", &["no", "yes", "NO", "\"no\"", "no yes"]),
    ("ChallengeResponseAuthentication", &["no", "yes", "nein"]),
    ("KbdInteractiveAuthentication", &["no", "yes", "-1"]),
    ("PermitEmptyPasswords", &["no", "yes", "0"]),
    ("PubkeyAuthentication", &["no", "yes", "on"]),
    ("HostbasedAuthentication", &["yes", "no", "off"]),
    ("IgnoreRhosts", &["shosts-only", "no", "true"]),
    ("X11Forwarding", &["no", "yes", "false"]),
    ("AllowTcpForwarding", &["local", "all", "remote", "no", "both"]),
    ("AllowAgentForwarding", &["no", "yes", "x"]),
    ("GatewayPorts", &["clientspecified", "yes", "no", "x"]),
    ("PermitTunnel", &["no", "point-to-point", "Yes"]),
    ("LogLevel", &["VERBOSE", "debug1", "info", "LOUD"]),
    ("MaxAuthTries", &["3", "0", "+4", "-1"]),
    ("MaxSessions", &["10", "2", "2x"]),
    ("ClientAliveInterval", &["300", "5m", "5q"]),
    ("ClientAliveCountMax", &["3", "0", "x"]),
    ("Banner", &["/etc/issue.net", "none", "relative", "a b"]),
    ("AllowUsers", &["a b", "root@10.0.0.0/8 *", "c", "a@10.0.0.1/8"]),
    ("DenyGroups", &["wheel", "\"domain users\" x", "\"\""]),
    ("AcceptEnv", &["LANG LC_*", "X", "# none", "A=b"]),
    ("SetEnv", &["A=b C=d A=e", "E=f", "novalue"]),
    ("AuthorizedKeysFile", &["none", "/etc/keys/%u .ssh/x", "\"\""]),
    ("AuthenticationMethods", &["publickey,password publickey", "publickey", "none,password", "telepathy"]),
    ("PubkeyAcceptedKeyTypes", &["ssh-ed25519,rsa-sha2-512", "+ssh-rsa", "-rsa*", "^ssh-ed25519", "x"]),
    ("PubkeyAcceptedAlgorithms", &["ssh-ed25519", "sk-*", "+"]),
    ("CASignatureAlgorithms", &["ssh-ed25519", "-ecdsa*", "nope"]),
    ("HostbasedAcceptedAlgorithms", &["ssh-ed25519", "-ssh*", "nope"]),
    ("RequiredRSASize", &["3072", "2048", "big"]),
    ("RekeyLimit", &["default none", "1G 1h", "512M", "5"]),
    ("ForceCommand", &["/bin/x y # z", "none", "internal-sftp", "\"open"]),
    ("ChrootDirectory", &["%h", "none", "/a b"]),
    ("PermitOpen", &["any", "none", "host:22 [::1]:*", "host"]),
    ("PermitListen", &["8080", "localhost:1 *:2", "x"]),
    ("StreamLocalBindMask", &["0077", "0177", "0999"]),
    ("StreamLocalBindUnlink", &["yes", "x"]),
    ("UnusedConnectionTimeout", &["none", "5m", "x"]),
    ("ChannelTimeout", &["session=5m x11-connection=1h", "none", "session"]),
    ("PubkeyAuthOptions", &["touch-required", "verify-required touch-required", "none", "x"]),
    ("ExposeAuthInfo", &["yes", "x"]),
    ("IPQoS", &["af21 cs1", "0x10", "ef", "x"]),
    ("PermitTTY", &["no", "x"]),
    ("DisableForwarding", &["yes", "x"]),
    ("TrustedUserCAKeys", &["/etc/ca", "none", "a b"]),
    ("GSSAPIAuthentication", &["yes", "no", "x"]),
    ("LogVerbose", &["kex.c:*", "none", "none x"]),
];

const CONDITIONS: &[&str] = &[
    "all",
    "User root",
    "User=root",
    "user ro*,!root",
    "User \"root\"",
    "Group root",
    "group daemon,x*",
    "Host *.example.org",
    "Address 10.0.0.0/8",
    "Address !10.1.0.0/16,10.0.0.0/8",
    "address 10.*",
    "LocalPort 22",
    "LocalAddress ::1",
    "User root Address 10.0.0.0/8",
    "User * # x",
    "User daemon Host a.example.org",
];
const BAD_CONDITIONS: &[&str] =
    &["", "User", "Frob x", "all User x", "Address 10.0.0.1/8", "LocalPort x", "User root all"];

/// One line: usually right, spelled and spaced in any way.
fn line(dice: &mut Dice, in_block: bool) -> String {
    let from = if in_block || dice.roll(3) > 0 { ANYWHERE } else { GLOBAL };
    let (keyword, values) = from[dice.roll(from.len())];
    let good = values.len().max(2) - 1;
    let value = if dice.roll(60) == 0 { values[values.len() - 1] } else { values[dice.roll(good)] };
    let keyword = match dice.roll(6) {
        0 => keyword.to_ascii_lowercase(),
        1 => keyword.to_ascii_uppercase(),
        2 => format!("\"{keyword}\""),
        _ => keyword.to_owned(),
    };
    let separator = dice.pick(&[" ", " ", " ", "\t", "=", " = ", "  "]);
    let tail = dice.pick(&["", "", "", " ", "\t", "\r"]);
    let lead = dice.pick(&["", "", "  ", "\t"]);
    match dice.roll(150) {
        0 => format!("{lead}NoSuchKeyword yes\n"),
        1 => "# comment\n\n".to_owned(),
        2 => format!("{keyword}\n"),
        _ => format!("{lead}{keyword}{separator}{value}{tail}\n"),
    }
}

fn block(dice: &mut Dice) -> String {
    let condition = if dice.roll(80) == 0 { dice.pick(BAD_CONDITIONS) } else { dice.pick(CONDITIONS) };
    format!("{} {condition}\n", dice.pick(&["Match", "match", "MATCH"]))
}

fn text(dice: &mut Dice, includes: bool) -> String {
    let mut text = String::new();
    let mut in_block = false;
    for _ in 0..dice.roll(14) {
        match dice.roll(10) {
            0 | 1 => {
                text.push_str(&block(dice));
                in_block = true;
            }
            2 if includes => {
                let pattern = dice.pick(&[
                    "@/d/*.conf",
                    "@/d/1.conf",
                    "@/none",
                    "@/d/*.conf @/e/?.conf",
                    "\"@/e/2.conf\"",
                    "@/d/[1-2].conf",
                ]);
                text.push_str(&format!("Include {pattern}\n"));
            }
            _ => {
                // Now and then a global keyword in a block, which sshd refuses.
                let stray = dice.roll(25) == 0;
                text.push_str(&line(dice, in_block && !stray));
            }
        }
    }
    text
}

const LOGINS: &[(&str, &str, &str, &str)] = &[
    ("lport=2022", "", "", ""),
    ("user=root,host=a.example.org,addr=10.1.2.3,laddr=::1,lport=22", "root", "a.example.org", "10.1.2.3"),
    (
        "user=daemon,host=a.example.org,addr=10.9.2.3,laddr=::1,lport=22",
        "daemon",
        "a.example.org",
        "10.9.2.3",
    ),
    ("user=root,host=other,addr=fe80::1,laddr=::1,lport=22", "root", "other", "fe80::1"),
];

#[test]
fn agrees_with_the_real_sshd() {
    let Some(real) = Real::find() else { return };
    let cases = number("IRONSEED_CASES", 300);
    let seed = number("IRONSEED_SEED", 1);
    let mut disagreements = Vec::new();
    let mut accepted = 0;
    for case in seed..seed + cases {
        let mut dice = Dice::new(case);
        let mut files = vec![
            ("main", text(&mut dice, true)),
            ("d/1.conf", text(&mut dice, true)),
            ("d/2.conf", text(&mut dice, false)),
            ("e/2.conf", text(&mut dice, false)),
        ];
        // A file that includes its own directory never ends.
        files[1].1 = files[1].1.replace("@/d/", "@/e/");
        let (spec, user, host, address) = LOGINS[dice.roll(LOGINS.len())];
        let text = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        let login = Connection {
            user: text(user),
            groups: text(user).into_iter().collect(),
            host: text(host),
            address: text(address),
            local_address: text(user).map(|_| "::1".to_owned()),
            local_port: Some(if user.is_empty() { 2022 } else { 22 }),
            ..Connection::default()
        };
        accepted += u64::from(real.ours(&files).problems.is_empty());
        if let Some(difference) = real.disagreement(&files, spec, &login) {
            disagreements.push(format!("case {case} ({spec}): {difference}\n{files:?}"));
        }
    }
    println!(
        "{cases} cases, {accepted} of them accepted, {} disagreements, OpenSSH {}",
        disagreements.len(),
        real.version
    );
    assert!(
        disagreements.is_empty(),
        "{}",
        disagreements.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n")
    );
    assert!(accepted * 3 > cases, "too few cases that sshd accepts");
}

#[test]
fn agrees_on_the_file_that_is_shipped() {
    let Some(real) = Real::find() else { return };
    let shipped = real.root.as_deref().unwrap_or(Path::new("/")).join("usr/share/openssh/sshd_config");
    let Ok(text) = std::fs::read_to_string(&shipped) else {
        println!("skipped: {} does not exist", shipped.display());
        return;
    };
    let files = [("main", text)];
    assert_eq!(real.disagreement(&files, "", &Connection::default()), None);
}
