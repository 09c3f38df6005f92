//! Files that are secret by their name or as a whole.

use super::verify::redacted;
use super::{Finding, SecretKind};
use crate::effective::files::wildcard;

/// Files whose lines hold secrets in a form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// `machine … password …`
    Netrc,
    /// `host:port:database:user:password`
    Pgpass,
    /// `https://user:password@host`
    GitCredentials,
    /// `password: …` or `password = …`
    Passwords,
    /// Keys that may log in.
    AuthorizedKeys,
}

/// What a path alone says of a file: relative to the image's root, without a leading `/`.
pub fn by_path(path: &[u8]) -> Option<SecretKind> {
    const RULES: [(&str, SecretKind); 5] = [
        ("etc/ssh/ssh_host_*_key", SecretKind::HostKey),
        ("*.ssh/id_*", SecretKind::PrivateKey),
        ("*.ssh/authorized_keys*", SecretKind::AuthorizedKey),
        ("etc/ssl/private/*", SecretKind::PrivateKey),
        ("*.keytab", SecretKind::Keytab),
    ];
    let is_public = path.ends_with(b".pub");
    let found = RULES.iter().find(|(pattern, _)| wildcard(pattern.as_bytes(), path));
    found.filter(|_| !is_public).map(|(_, kind)| *kind)
}

pub(super) fn special(path: &[u8]) -> Option<Special> {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    Some(match name {
        b".netrc" | b"_netrc" => Special::Netrc,
        b".pgpass" => Special::Pgpass,
        b".git-credentials" => Special::GitCredentials,
        b"clouds.yaml" | b"clouds.yml" | b"secure.yaml" | b".my.cnf" | b"credentials" => Special::Passwords,
        b"authorized_keys" | b"authorized_keys2" => Special::AuthorizedKeys,
        _ => return None,
    })
}

/// The secrets of a special file, line by line.
pub(super) fn lines(special: Special, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut offset = 0;
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let found = if line.trim_ascii_start().starts_with(b"#") { None } else { secret(special, line) };
        if let Some((kind, secret)) = found {
            findings.push(Finding { kind, offset, line: Some(number as u64 + 1), excerpt: redacted(secret) });
        }
        offset += line.len() as u64 + 1;
        if findings.len() == 100 {
            break;
        }
    }
    findings
}

fn secret(special: Special, line: &[u8]) -> Option<(SecretKind, &[u8])> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    match special {
        Special::Netrc => {
            words.find(|word| *word == b"password")?;
            Some((SecretKind::StoredPassword, words.next()?))
        }
        Special::Pgpass => {
            let fields: Vec<&[u8]> = line.splitn(5, |b| *b == b':').collect();
            let password = fields.get(4)?.trim_ascii();
            (!password.is_empty()).then_some((SecretKind::StoredPassword, password))
        }
        Special::GitCredentials => {
            let at = line.iter().position(|b| *b == b'@')?;
            line.starts_with(b"http").then_some((SecretKind::StoredPassword, &line[..at]))
        }
        Special::Passwords => {
            let split = line.iter().position(|b| *b == b':' || *b == b'=')?;
            let value = line[split + 1..].trim_ascii();
            let key = line[..split].trim_ascii().to_ascii_lowercase();
            let is_secret = [&b"password"[..], b"aws_secret_access_key", b"application_credential_secret"]
                .contains(&key.as_slice());
            (is_secret && !value.is_empty()).then_some((SecretKind::StoredPassword, value))
        }
        Special::AuthorizedKeys => {
            let is_type = |word: &[u8]| {
                [&b"ssh-"[..], b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-"].iter().any(|p| word.starts_with(p))
            };
            words.find(|word| is_type(word))?;
            let key = words.next()?;
            key.starts_with(b"AAAA").then_some((SecretKind::AuthorizedKey, key))
        }
    }
}

/// A keytab: version 5.2, then an entry with a plausible principal.
pub(super) fn is_keytab(bytes: &[u8]) -> bool {
    let Some(entry) = bytes.strip_prefix(&[5, 2]) else { return false };
    let [a, b, c, d, hi, lo, realm_hi, realm_lo, rest @ ..] = entry else { return false };
    let size = i32::from_be_bytes([*a, *b, *c, *d]);
    let components = u16::from_be_bytes([*hi, *lo]);
    let realm = usize::from(u16::from_be_bytes([*realm_hi, *realm_lo]));
    let printable = |text: &[u8]| text.iter().all(u8::is_ascii_graphic);
    (16..4096).contains(&size)
        && (1..=8).contains(&components)
        && (1..256).contains(&realm)
        && rest.get(..realm).is_some_and(printable)
}
