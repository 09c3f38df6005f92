//! Configurations for sshd: usually right, spelled and spaced in any way. `@` stands for the
//! directory that they are in.

use crate::effective::testing::{Dice, MemoryTree};

/// A main file that may include what is in two directories.
pub(super) fn files(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.write("main", text(dice, true));
    // A file that includes its own directory never ends.
    tree.write("d/1.conf", text(dice, true).replace("@/d/", "@/e/"));
    tree.write("d/2.conf", text(dice, false));
    tree.write("e/2.conf", text(dice, false));
    tree
}

/// sshd's own arguments: forms of `-o`, ports, shorthands, other main files, and some that end sshd.
pub(super) fn arguments(dice: &mut Dice) -> Vec<&'static str> {
    let chosen = (0..dice.range(1..=4)).map(|_| match dice.chance(95) {
        true => dice.pick(ARGUMENTS),
        false => dice.pick(REFUSED),
    });
    chosen.collect::<Vec<_>>().concat()
}

const ARGUMENTS: &[&[&str]] = &[
    &["-o", "X11Forwarding=yes"],
    &["-oX11Forwarding no"],
    &["-o", " x11forwarding = \"yes\" "],
    &["-Do", "PasswordAuthentication yes # x"],
    &["-o", "PermitRootLogin=no"],
    &["-o", "AllowUsers a b"],
    &["-o", "Ciphers=+aes128-cbc"],
    &["-oMACs hmac-sha1"],
    &["-o", "AddressFamily=inet6"],
    &["-o", "LogLevel VERBOSE"],
    &["-o", "LoginGraceTime=7"],
    &["-o", "ListenAddress=127.0.0.1"],
    &["-o", "Subsystem=x /bin/x"],
    &["-o", "MaxStartups=3:30:60"],
    &["-o", "#"],
    &["-o", ""],
    &["-oPort=2200"],
    &["-p", "2201"],
    &["-p2202"],
    &["-De4"],
    &["-4"],
    &["-6"],
    &["-q"],
    &["-qd"],
    &["-dd"],
    &["-g", "1m"],
    &["-g5"],
    &["-h", "@/none"],
    &["-hkey"],
    &["-b", "768", "-k1h", "-u0", "-r", "-Q"],
    &["-f", "@/d/2.conf"],
    &["-f@/e/2.conf"],
    &["-f", "None"],
];

const REFUSED: &[&[&str]] = &[
    &["x"],
    &["-"],
    &[""],
    &["--"],
    &["-x"],
    &["-o"],
    &["-u66"],
    &["-p", "0"],
    &["-g", "x"],
    &["-o", "X11Forwarding"],
    &["-o", "Match all"],
    &["-oInclude=@/d/2.conf"],
    &["-o", "Nonsense yes"],
    &["-f", "@/absent"],
];

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
    let from = if in_block || dice.chance(67) { ANYWHERE } else { GLOBAL };
    let (keyword, values) = dice.pick(from);
    let good = values.len().max(2) - 1;
    let value = if dice.once_in(60) { values[values.len() - 1] } else { dice.pick(&values[..good]) };
    let keyword = match dice.below(6) {
        0 => keyword.to_ascii_lowercase(),
        1 => keyword.to_ascii_uppercase(),
        2 => format!("\"{keyword}\""),
        _ => keyword.to_owned(),
    };
    let separator = dice.pick(&[" ", " ", " ", "\t", "=", " = ", "  "]);
    let tail = dice.pick(&["", "", "", " ", "\t", "\r"]);
    let lead = dice.pick(&["", "", "  ", "\t"]);
    match dice.below(150) {
        0 => format!("{lead}NoSuchKeyword yes\n"),
        1 => "# comment\n\n".to_owned(),
        2 => format!("{keyword}\n"),
        _ => format!("{lead}{keyword}{separator}{value}{tail}\n"),
    }
}

fn block(dice: &mut Dice) -> String {
    let condition = if dice.once_in(80) { dice.pick(BAD_CONDITIONS) } else { dice.pick(CONDITIONS) };
    format!("{} {condition}\n", dice.pick(&["Match", "match", "MATCH"]))
}

fn text(dice: &mut Dice, includes: bool) -> String {
    let mut text = String::new();
    let mut in_block = false;
    for _ in 0..dice.below(14) {
        match dice.below(10) {
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
                let stray = dice.once_in(25);
                text.push_str(&line(dice, in_block && !stray));
            }
        }
    }
    text
}

/// Whom the configuration is asked for: the words for sshd, user, host and address.
pub(super) const LOGINS: &[(&str, &str, &str, &str)] = &[
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
