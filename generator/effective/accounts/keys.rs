//! authorized_keys: each key with its options, as OpenSSH's `auth2-pubkeyfile.c` takes a line.

use super::key_options::KeyOptions;
use crate::effective::secrets::encoding::base64;
use crate::location::Location;
use crate::target::{Result, Root};

/// One key that lets its owner in, as far as its options allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKey {
    /// What stands in front of the key.
    pub options: KeyOptions,
    /// Type of key: `ssh-ed25519`, `ssh-rsa`, …
    pub kind: String,
    /// The key in base64.
    pub key: String,
    /// What follows it.
    pub comment: String,
    /// The line.
    pub at: Location,
}

/// Types of keys, and names that stand for one of them in a line.
const KINDS: [(&str, &str); 10] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ssh-rsa", "ssh-rsa"),
    ("rsa-sha2-256", "ssh-rsa"),
    ("rsa-sha2-512", "ssh-rsa"),
    ("ssh-dss", "ssh-dss"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com"),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
];

/// Reads a file of keys; `None` where it does not exist. Lines that hold no key, or whose options
/// sshd refuses, are left out, as sshd does.
///
/// # Errors
/// A target that can't be read.
pub fn read_keys(root: &Root<'_>, path: &str) -> Result<Option<Vec<AuthorizedKey>>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    let lines = text.split('\n').enumerate();
    Ok(Some(lines.filter_map(|(i, line)| key(line, Location::line(path, i + 1))).collect()))
}

fn key(line: &str, at: Location) -> Option<AuthorizedKey> {
    let line = line.split('\0').next().unwrap_or_default().trim_start_matches(is_blank);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (options, rest) = match bare(line) {
        Some(_) => ("", line),
        None => line.split_at(end_of_options(line)?),
    };
    let (kind, key, comment) = bare(rest.trim_start_matches(is_blank))?;
    let options = KeyOptions::parse(options).ok()?;
    Some(AuthorizedKey { options, kind, key, comment, at })
}

/// Type, key and comment of a line without options.
fn bare(text: &str) -> Option<(String, String, String)> {
    let (kind, rest) = text.split_once(is_blank)?;
    let (_, class) = KINDS.iter().find(|(name, _)| *name == kind)?;
    let rest = rest.trim_start_matches(is_blank);
    let (key, comment) = rest.split_once(is_blank).unwrap_or((rest, ""));
    is_key(key, class).then(|| (kind.to_owned(), key.to_owned(), comment.trim().to_owned()))
}

/// Whether base64 holds a key of a type. The numbers in it are not looked at.
fn is_key(text: &str, class: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b).collect();
    let strict = text.len().is_multiple_of(4)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    let Some(blob) = base64(&text).filter(|_| strict) else { return false };
    let Some((name, rest)) = string(&blob) else { return false };
    match class {
        "ssh-ed25519" => {
            string(rest).is_some_and(|(key, rest)| key.len() == 32 && rest.is_empty())
                && name == class.as_bytes()
        }
        _ => name == class.as_bytes() && !rest.is_empty(),
    }
}

/// The first string of SSH's encoding, and what follows.
fn string(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Where options end: at the first blank outside quotes. `None` where a quote has no end.
fn end_of_options(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() && (quoted || !matches!(bytes[at], b' ' | b'\t')) {
        match bytes[at] {
            b'\\' if bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' => quoted = !quoted,
            _ => {}
        }
        at += 1;
    }
    (at < bytes.len() || !quoted).then_some(at.min(bytes.len()))
}

/// What parts the words of a line.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}
