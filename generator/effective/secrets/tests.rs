//! Good, bad, good; chunk borders; and the files of a real tree (`IRONSEED_TREE`).

use std::io::Read;
use std::process::Command;

use super::*;

fn scan(bytes: &[u8]) -> Vec<Finding> {
    Scanner::new().scan(b"x", bytes).unwrap()
}

fn kinds(bytes: &[u8]) -> Vec<SecretKind> {
    scan(bytes).into_iter().map(|finding| finding.kind).collect()
}

/// A key as `ssh-keygen` makes it; `None` where there is no ssh-keygen.
fn ssh_key(options: &[&str]) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("k");
    let status =
        Command::new("ssh-keygen").args(["-q", "-N", ""]).args(options).arg("-f").arg(&file).status();
    status.ok().filter(|s| s.success())?;
    Some(std::fs::read_to_string(file).unwrap())
}

#[test]
fn real_keys_are_found_and_mentions_are_not() {
    for options in [&["-t", "ed25519"][..], &["-t", "rsa", "-m", "PEM"], &["-t", "ecdsa", "-m", "PKCS8"]] {
        let Some(key) = ssh_key(options) else { return eprintln!("skipped: no ssh-keygen here") };
        let found = scan(format!("a\nb\n{key}c").as_bytes());
        assert_eq!(found.len(), 1, "{options:?}");
        assert_eq!((found[0].kind, found[0].line, found[0].offset), (SecretKind::PrivateKey, Some(3), 4));
        let written = format!("{{\"key\": \"{}\"}}", key.replace('\n', "\\n"));
        assert_eq!(kinds(written.as_bytes()), [SecretKind::PrivateKey]);
        assert_eq!(kinds(key.replace('\n', "\r\n").as_bytes()), [SecretKind::PrivateKey]);
        assert_eq!(kinds(key.replace("-----END", "....").as_bytes()), []);
        let (head, body) = key.split_once('\n').unwrap();
        assert_eq!(kinds(format!("{head}\nAAAA{body}").as_bytes()), [], "{options:?}");
    }
    for text in [
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END OPENSSH PRIVATE KEY-----\n",
        "PRIVATE KEY",
    ] {
        assert_eq!(kinds(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn tokens_and_hashes_need_their_true_form() {
    let token = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9nM1pR3tV5xZ7bD9fH1jK3mN5qS7uW9y";
    let (t36, t43, t86) = (&token[..36], &token[..43], format!("{token}{}", &token[..11]));
    let t86 = &t86[..86.min(t86.len())];
    for (text, kind) in [
        (format!("x ghp_{t36} y"), SecretKind::GithubToken),
        (format!("glpat-{}", &token[..20]), SecretKind::GitlabToken),
        (format!("xoxb-123456789012-{}", &token[..24]), SecretKind::SlackToken),
        (format!("key=AIza{}", &token[..35]), SecretKind::GoogleKey),
        (format!("root:$6$saltsalt${}:1:", &format!("{t86}{t86}")[..86]), SecretKind::PasswordHash),
        (format!("$y$j9T$abcdefgh${t43}"), SecretKind::PasswordHash),
        (format!("$2b$12${}", &token[..53]), SecretKind::PasswordHash),
        (format!("PrivateKey = {}A=", &token[..42]), SecretKind::WireguardKey),
        (format!("AGE-SECRET-KEY-1{}", &token.to_uppercase()[..58]), SecretKind::AgeKey),
        ("export OS_PASSWORD=\"hunter22\"\n".into(), SecretKind::OpenstackCredential),
        ("application_credential_secret: s3cr3ts3cr3t\n".into(), SecretKind::OpenstackCredential),
        (format!("id=AKIAZQ3DR7K9M1P2X4B6\naws_secret_access_key = {}\n", &token[..40]), SecretKind::AwsKey),
        (
            "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U".into(),
            SecretKind::Jwt,
        ),
    ] {
        let found = scan(text.as_bytes());
        assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), [kind], "{text}");
        assert!(
            found[0].excerpt.len() < 40 && !found[0].excerpt.contains(&token[..8]),
            "{}",
            found[0].excerpt
        );
    }
    for text in [
        "ghp_short".to_string(),
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{t36}morecharacters"),
        "$6$salt$short".into(),
        "export OS_PASSWORD=$OS_PASSWORD_INPUT".into(),
        "AKIAIOSFODNN7EXAMPLE secret".into(),
        "AKIAZQ3DR7K9M1P2X4B6 and no more".into(),
        "eyJhbGciOiJIUzI1NiJ9.notjson.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U".into(),
    ] {
        assert_eq!(kinds(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn files_that_hold_secrets_by_name() {
    let of = |path: &str, text: &str| {
        let found = Scanner::new().scan(path.as_bytes(), text.as_bytes()).unwrap();
        found.into_iter().map(|f| (f.kind, f.line)).collect::<Vec<_>>()
    };
    let stored = |line| vec![(SecretKind::StoredPassword, Some(line))];
    assert_eq!(of("root/.netrc", "#\nmachine h login u password p\n"), stored(2));
    assert_eq!(of("root/.pgpass", "h:5432:*:u:p\n"), stored(1));
    assert_eq!(of("root/.config/openstack/clouds.yaml", "clouds:\n  a:\n    password: p\n"), stored(3));
    let key = "no-pty,command=\"echo 'ssh x'\" ssh-ed25519 AAAAC3Nza c\n";
    assert_eq!(of("root/.ssh/authorized_keys", key), [(SecretKind::AuthorizedKey, Some(1))]);
    assert_eq!(of("root/.ssh/authorized_keys", "# ssh-rsa AAAA\n\n"), []);
    assert_eq!(of("root/notes", "machine h login u password p\n"), []);
    assert_eq!(by_path(b"etc/ssh/ssh_host_ed25519_key"), Some(SecretKind::HostKey));
    assert_eq!(by_path(b"etc/ssh/ssh_host_ed25519_key.pub"), None);
    assert_eq!(by_path(b"home/u/.ssh/id_rsa"), Some(SecretKind::PrivateKey));
    assert_eq!(by_path(b"etc/ssl/private/ssl-cert-snakeoil.key"), Some(SecretKind::PrivateKey));
    assert_eq!(by_path(b"usr/bin/id_x"), None);
    assert_eq!(kinds(b"\x05\x02\0\0\0\x30\0\x02\0\x07EXAMPLE..."), [SecretKind::Keytab]);
}

/// Gives few bytes at a time, as a slow medium may.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.1);
        self.0.read(&mut into[..count])
    }
}

#[test]
fn a_secret_on_any_border_is_found_once_with_its_line() {
    let secret = "ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5";
    let mut scanner = Scanner::new();
    for border in [1_usize << 20, (1 << 20) + 512, (1 << 20) + 24 * 1024 + 512, 2 << 20] {
        for shift in [0, 1, 20, 39, 40, 41, 600] {
            let before = border - shift;
            let mut text = vec![b'\n'; before];
            text.extend_from_slice(format!("{secret}\n").as_bytes());
            text.extend(std::iter::repeat_n(b' ', 1_200_000));
            let found = scanner.scan(b"x", Slow(&text, 100_000)).unwrap();
            assert_eq!(found.len(), 1, "{border} {shift}");
            assert_eq!((found[0].offset, found[0].line), (before as u64, Some(before as u64 + 1)));
        }
    }
}

#[test]
fn hostile_bytes_are_read_to_their_end() {
    for word in [
        "-----BEGIN PRIVATE KEY-----\n",
        "eyJ",
        "$6$",
        "AKIA",
        "PuTTY-User-Key-File-2: Private-Lines: 9\n",
        "\0",
    ] {
        let bytes = word.repeat((256 << 10) / word.len());
        assert!(scan(bytes.as_bytes()).is_empty(), "{word:?} alone is no secret");
    }
}
