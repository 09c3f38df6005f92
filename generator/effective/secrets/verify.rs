//! Whether what a trigger word announces is really there.
//!
//! Each rule gets the bytes around the word and says what it found, or nothing.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::SecretKind;
use super::encoding::{base64, is_der_sequence, is_pgp_secret_key};

/// Bytes before a trigger word that a rule may look at.
pub(super) const BEFORE: usize = 512;

/// Bytes from a trigger word on that a rule may look at: the longest PEM body that counts.
pub(super) const AFTER: usize = 24 << 10;

/// Something found: from where to where in the window, and what may be shown of it.
pub(super) struct Hit {
    pub(super) kind: SecretKind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) excerpt: String,
}

/// A rule for a word: the pattern must match right at the word.
struct Rule {
    word: &'static str,
    kind: SecretKind,
    /// Without the start anchor; must not be followed by another character of `[A-Za-z0-9]`.
    pattern: &'static str,
}

const fn rule(word: &'static str, kind: SecretKind, pattern: &'static str) -> Rule {
    Rule { word, kind, pattern }
}

/// A value in `key = value`, that is no reference to a variable and no placeholder.
const VALUE: &str = r#"["']?\s*[=:]\s*["']?[A-Za-z0-9+/!@#%^&*._~-]{6,}"#;

const RULES: [Rule; 25] = [
    rule("ghp_", SecretKind::GithubToken, "ghp_[A-Za-z0-9]{36}"),
    rule("gho_", SecretKind::GithubToken, "gho_[A-Za-z0-9]{36}"),
    rule("ghu_", SecretKind::GithubToken, "ghu_[A-Za-z0-9]{36}"),
    rule("ghs_", SecretKind::GithubToken, "ghs_[A-Za-z0-9]{36}"),
    rule("ghr_", SecretKind::GithubToken, "ghr_[A-Za-z0-9]{36,76}"),
    rule("github_pat_", SecretKind::GithubToken, "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    rule("glpat-", SecretKind::GitlabToken, "glpat-[A-Za-z0-9_-]{20,64}"),
    rule("xoxb-", SecretKind::SlackToken, "xoxb-[0-9]{8,14}-[0-9A-Za-z-]{16,80}"),
    rule("xoxp-", SecretKind::SlackToken, "xoxp-[0-9]{8,14}-[0-9A-Za-z-]{16,120}"),
    rule("xoxa-", SecretKind::SlackToken, "xoxa-[0-9A-Za-z-]{30,120}"),
    rule("xoxs-", SecretKind::SlackToken, "xoxs-[0-9A-Za-z-]{30,120}"),
    rule("AIza", SecretKind::GoogleKey, "AIza[0-9A-Za-z_-]{35}"),
    rule("$1$", SecretKind::PasswordHash, r"\$1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}"),
    rule(
        "$5$",
        SecretKind::PasswordHash,
        r"\$5\$(rounds=[0-9]{1,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{43}",
    ),
    rule(
        "$6$",
        SecretKind::PasswordHash,
        r"\$6\$(rounds=[0-9]{1,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}",
    ),
    rule("$y$", SecretKind::PasswordHash, r"\$y\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}"),
    rule(
        "$gy$",
        SecretKind::PasswordHash,
        r"\$gy\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}",
    ),
    rule("$2a$", SecretKind::PasswordHash, r"\$2a\$[0-9]{2}\$[./0-9A-Za-z]{53}"),
    rule("$2b$", SecretKind::PasswordHash, r"\$2b\$[0-9]{2}\$[./0-9A-Za-z]{53}"),
    rule("$2y$", SecretKind::PasswordHash, r"\$2y\$[0-9]{2}\$[./0-9A-Za-z]{53}"),
    rule(
        "$argon2",
        SecretKind::PasswordHash,
        r"\$argon2(id|i|d)\$(v=[0-9]+\$)?[a-z]=[0-9a-z,=]+\$[+/0-9A-Za-z]{11,}\$[+/0-9A-Za-z]{22,}",
    ),
    rule("AGE-SECRET-KEY-1", SecretKind::AgeKey, "AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    rule(
        "PrivateKey",
        SecretKind::WireguardKey,
        r"PrivateKey[ \t]*=[ \t]*[+/0-9A-Za-z]{42}[AEIMQUYcgkosw048]=",
    ),
    rule("OS_PASSWORD", SecretKind::OpenstackCredential, "OS_PASSWORD"),
    rule("application_credential_secret", SecretKind::OpenstackCredential, "application_credential_secret"),
];

/// Words with rules of their own.
const OWN: [&str; 5] = ["PRIVATE KEY", "PuTTY-User-Key-File-", "AKIA", "ASIA", "eyJ"];

/// Every word that makes a rule look: one alternation of literals, which is fast.
pub(super) static TRIGGERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = RULES.iter().map(|rule| rule.word).chain(OWN).map(regex::escape);
    Regex::new(&words.collect::<Vec<_>>().join("|")).ok()
});

static PATTERNS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    let pattern = |rule: &Rule| {
        let value = if rule.kind == SecretKind::OpenstackCredential { VALUE } else { "" };
        Regex::new(&format!("^(?-u:{}{value})", rule.pattern)).ok()
    };
    RULES.iter().map(pattern).collect()
});

static AWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)secret.{0,40}?[^A-Za-z0-9/+][A-Za-z0-9/+]{40}([^A-Za-z0-9/+=]|$)"#).ok()
});

/// Judges a trigger word at `at` in a window.
pub(super) fn verify(window: &[u8], at: usize, word: &[u8]) -> Option<Hit> {
    match word {
        b"PRIVATE KEY" => pem(window, at),
        b"PuTTY-User-Key-File-" => putty(window, at),
        b"AKIA" | b"ASIA" => aws(window, at),
        b"eyJ" => jwt(window, at),
        _ => by_rule(window, at, word),
    }
}

fn by_rule(window: &[u8], at: usize, word: &[u8]) -> Option<Hit> {
    let index = RULES.iter().position(|rule| rule.word.as_bytes() == word)?;
    let kind = RULES[index].kind;
    if word[0].is_ascii_alphanumeric() && at > 0 && is_word(window[at - 1]) {
        return None;
    }
    let found = PATTERNS[index].as_ref()?.find(&window[at..])?;
    let end = at + found.end();
    let goes_on = window.get(end).is_some_and(|b| b.is_ascii_alphanumeric());
    let text = found.as_bytes();
    if kind != SecretKind::OpenstackCredential && (goes_on || is_monotonous(&text[word.len()..])) {
        return None;
    }
    Some(Hit { kind, start: at, end, excerpt: redacted(text) })
}

/// Placeholders such as `xxxxxxxx` or `00000000`.
fn is_monotonous(text: &[u8]) -> bool {
    let mut seen = [false; 256];
    text.iter().for_each(|b| seen[usize::from(*b)] = true);
    seen.iter().filter(|s| **s).count() < 6
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first four characters and the length.
pub(super) fn redacted(text: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&text[..text.len().min(4)]);
    format!("{shown}… ({} characters)", text.len())
}

/// `-----BEGIN … PRIVATE KEY-----`, a body that decodes to a key, `-----END`.
fn pem(window: &[u8], at: usize) -> Option<Hit> {
    let line = &window[at.saturating_sub(40)..at];
    let begin = find_last(line, b"-----BEGIN ")?;
    let start = at.saturating_sub(40) + begin;
    let label = std::str::from_utf8(&line[begin + 11..]).ok()?;
    if !["", "RSA ", "DSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "PGP "].contains(&label) {
        return None;
    }
    let rest = window.get(at + b"PRIVATE KEY".len()..)?;
    let rest = rest.strip_prefix(b" BLOCK".as_slice()).unwrap_or(rest).strip_prefix(b"-----".as_slice())?;
    let length = find(rest, b"-----END ")?;
    let body = &rest[..length];
    // Headers (`Proc-Type: 4,ENCRYPTED`, `Version: …`) end with an empty line.
    let has_headers = body.contains(&b':');
    let blank = || find(body, b"\n\n").or_else(|| find(body, b"\r\n\r\n"));
    let body = if has_headers { &body[blank()?..] } else { body };
    // OpenPGP's checksum is a last line of its own.
    let checksum = if label == "PGP " { find_last(body, b"\n=") } else { None };
    let key = base64(&body[..checksum.unwrap_or(body.len())])?;
    let plausible = match label {
        "OPENSSH " => key.starts_with(b"openssh-key-v1\0"),
        "PGP " => is_pgp_secret_key(&key),
        _ if has_headers => key.len() >= 64 && key.len() % 8 == 0,
        _ => is_der_sequence(&key),
    };
    let kind = if label == "PGP " { SecretKind::PgpKey } else { SecretKind::PrivateKey };
    let end = window.len() - rest.len() + length;
    plausible.then(|| Hit { kind, start, end, excerpt: format!("{label}PRIVATE KEY ({} bytes)", key.len()) })
}

fn putty(window: &[u8], at: usize) -> Option<Hit> {
    let rest = &window[at..];
    let private = find(rest, b"Private-Lines: ")?;
    let after = &rest[private + 15..];
    let count: usize = std::str::from_utf8(&after[..find(after, b"\n")?]).ok()?.trim().parse().ok()?;
    let lines: Vec<&[u8]> = after.split(|b| *b == b'\n').skip(1).take(count).collect();
    let key = base64(&lines.concat())?;
    let end = at + private + 15;
    let excerpt = format!("PuTTY private key ({} bytes)", key.len());
    (count > 0 && lines.len() == count && key.len() >= 20).then_some(Hit {
        kind: SecretKind::PuttyKey,
        start: at,
        end,
        excerpt,
    })
}

/// An access key counts only beside its secret: alone it opens nothing.
fn aws(window: &[u8], at: usize) -> Option<Hit> {
    let id = window.get(at..at + 20)?;
    let is_part = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let alone = (at == 0 || !is_word(window[at - 1])) && !window.get(at + 20).is_some_and(|b| is_word(*b));
    if !alone || !id.iter().all(is_part) || find(id, b"EXAMPLE").is_some() {
        return None;
    }
    let around = &window[at.saturating_sub(BEFORE)..window.len().min(at + BEFORE)];
    AWS.as_ref()?.find(around)?;
    Some(Hit { kind: SecretKind::AwsKey, start: at, end: at + 20, excerpt: redacted(id) })
}

fn jwt(window: &[u8], at: usize) -> Option<Hit> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-';
    if at > 0 && is_part(&window[at - 1]) {
        return None;
    }
    let text = &window[at..];
    let end = text.iter().position(|b| !is_part(b) && *b != b'.').unwrap_or(text.len());
    let parts: Vec<&[u8]> = text[..end].splitn(4, |b| *b == b'.').collect();
    let [header, claims, signature] = parts.as_slice() else { return None };
    let object = |part: &[u8]| serde_json::from_slice::<serde_json::Value>(&base64(part)?).ok();
    object(header)?.get("alg")?;
    object(claims)?.as_object()?;
    (signature.len() >= 20).then(|| Hit {
        kind: SecretKind::Jwt,
        start: at,
        end: at + end,
        excerpt: redacted(&text[..end]),
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}

fn find_last(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|part| part == what)
}
