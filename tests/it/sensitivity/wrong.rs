//! Values that nobody wants, made of those that somebody does.

/// The line with another value; `None` for a line that has none to change.
pub fn wrong(format: &str, line: &str) -> Option<String> {
    let line = line.trim_end();
    match format {
        "modprobe" => Some(match line.strip_prefix("blacklist ") {
            Some(module) => format!("blacklist not_{module}"),
            None => line.replace("/bin/false", "/sbin/modprobe --ignore-install other"),
        }),
        "audit" => audit_rule(line),
        "fstab" => Some(line.replace("noexec", "exec").replace("nodev", "dev")),
        "sudoers" if !line.contains('=') => Some(line.replacen("Defaults ", "Defaults !", 1)),
        "sudoers" => {
            let (key, old) = line.split_once('=')?;
            Some(format!("{key}={}", value(old)))
        }
        "unit" => Some(line.replace("-b 4096", "-b 2048")),
        "apt" => {
            let (key, rest) = line.split_once(" \"")?;
            Some(format!("{key} \"{}\";", value(rest.trim_end_matches(['"', ';']))))
        }
        "sshd" => {
            let (key, old) = line.split_once(' ')?;
            Some(format!("{key} {}", weaker(key, old)))
        }
        // A list on lines of its own is changed elsewhere.
        "cloud-init" if line.ends_with(':') => None,
        _ => {
            let at = line.find(['=', ':', ' '])?;
            let rest = line[at..].trim_start_matches(['=', ':', ' ']);
            let separator = &line[at..line.len() - rest.len()];
            Some(format!("{}{separator}{}", &line[..at], value(rest)))
        }
    }
}

/// sshd's lists of algorithms get one that is broken; everything else as usual.
fn weaker(key: &str, old: &str) -> String {
    let weak = match key {
        "Ciphers" => "aes128-cbc",
        "MACs" => "hmac-sha1",
        "KexAlgorithms" => "diffie-hellman-group14-sha1",
        "HostKeyAlgorithms"
        | "PubkeyAcceptedAlgorithms"
        | "HostbasedAcceptedAlgorithms"
        | "CASignatureAlgorithms" => "ssh-rsa",
        "HostKey" => return old.replace("ed25519", "ecdsa").replace("rsa", "ecdsa"),
        _ => return value(old),
    };
    format!("{old},{weak}")
}

/// Opposites and neighbours.
fn value(old: &str) -> String {
    const PAIRS: [(&str, &str); 30] = [
        ("yes", "no"),
        ("no", "yes"),
        ("true", "false"),
        ("false", "true"),
        ("local", "yes"),
        ("persistent", "volatile"),
        ("systemd", "polling"),
        ("nftables-multiport", "hostsdeny"),
        ("VERBOSE", "QUIET"),
        ("YESCRYPT", "MD5"),
        ("rotate", "ignore"),
        ("syslog", "ignore"),
        ("root", "nobody"),
        ("weekly", "never"),
        ("daily", "never"),
        ("block", "allow"),
        ("apply-policy", "keep"),
        ("/etc/issue.net", "none"),
        ("10:30:60", "100:30:600"),
        ("03:30", "12:00"),
        ("077", "022"),
        ("C.UTF-8", "en_GB.UTF-8"),
        ("1", "0"),
        ("0", "1"),
        ("2", "0"),
        ("-1", "0"),
        ("32768 65535", "1024 65535"),
        ("/var/log/sudo.log", "/tmp/sudo.log"),
        ("[ed25519]", "[rsa]"),
        ("sha256+sha512", "md5"),
    ];
    let pair = PAIRS.iter().find(|(wanted, _)| *wanted == old).map(|(_, other)| (*other).to_owned());
    let number = || Some((old.parse::<u64>().ok()? + 1).to_string());
    // A sum of words loses its last.
    let sum = || old.rsplit_once('+').map(|(rest, _)| rest.to_owned());
    pair.or_else(number).or_else(sum).unwrap_or_else(|| format!("not-{old}"))
}

/// A rule that records less; a control with another value.
fn audit_rule(line: &str) -> Option<String> {
    Some(match line.split_once(' ')? {
        ("-e", _) => "-e 0".to_owned(),
        ("-f", _) => "-f 0".to_owned(),
        ("-b", _) => "-b 64".to_owned(),
        ("-w", rest) => format!(
            "-w {}",
            rest.replace(" -p wa ", " -p x ").replace(" -p x -k modules", " -p a -k modules")
        ),
        (option, rest) => format!("{option} {}", rest.replace("always,exit", "never,exit")),
    })
}
