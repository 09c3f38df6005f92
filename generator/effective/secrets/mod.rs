//! Secrets that lie in a file: private keys, tokens, passwords' hashes.
//!
//! [`Scanner::scan`] looks at content, [`path_rule`] at a file's place. Both are pure: which files are looked
//! at, and which findings a package may have, is the caller's to say. Compressed files are not looked into.

mod keys;
mod place;
mod rules;

pub use place::path_rule;

use std::io::{self, Read};

use regex::bytes::{Regex, RegexBuilder};
use rules::{RULES, Rule};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// Bytes seen after the start of a secret: the longest that must be seen whole (a 16,384-bit key has 13 KiB).
const AHEAD: usize = 32 << 10;
/// Bytes seen before the start of a secret, for what makes it believable.
const BEHIND: usize = 1 << 10;
/// Bytes that a rule's pattern is held against: tokens are shorter, and a key's body is read by hand.
const HEAD: usize = 4 << 10;
/// Findings reported of one file: a hostile one could be nothing but secrets.
const MAX_FINDINGS: usize = 1000;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A private key in PEM armour (PKCS#1, PKCS#8, SEC 1), encrypted or not.
    PemPrivateKey,
    /// A private key in OpenSSH's own format.
    OpensshPrivateKey,
    /// An OpenPGP secret key.
    PgpPrivateKey,
    /// A private key in PuTTY's format.
    PuttyPrivateKey,
    /// An age identity.
    AgeIdentity,
    /// A WireGuard interface's private key.
    WireguardPrivateKey,
    /// An AWS access key id with its secret nearby.
    AwsAccessKey,
    /// A GitHub token.
    GithubToken,
    /// A GitLab personal access token.
    GitlabToken,
    /// A Slack token.
    SlackToken,
    /// A Google API key.
    GoogleApiKey,
    /// An OpenStack password or application credential's secret.
    OpenstackCredential,
    /// A signed JSON Web Token.
    JsonWebToken,
    /// A password's hash as crypt(3) makes it.
    PasswordHash,
    /// An SSH server's host key, private or public: by its place.
    SshHostKey,
    /// A user's SSH key: by its place.
    SshUserKey,
    /// Keys that may log in: by its place.
    AuthorizedKeys,
    /// The self-signed TLS key made at a package's installation: by its place.
    SnakeoilKey,
    /// A program's stored credentials: by its place.
    StoredCredentials,
    /// Kerberos keys: by its place.
    Keytab,
}

/// One secret in a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it starts, in bytes from 0.
    pub offset: u64,
    /// Its line, from 1; `None` in a binary file.
    pub line: Option<usize>,
    /// What may be shown of it: never the secret itself.
    pub excerpt: String,
}

/// The compiled rules: build it once, share it among threads.
#[derive(Debug)]
pub struct Scanner {
    /// Every rule's first bytes: finds candidates at memory's speed.
    literals: Regex,
    rules: Vec<(&'static Rule, Regex)>,
}

impl Scanner {
    /// Compiles the rules.
    ///
    /// # Errors
    /// None as long as the built-in rules compile, which a test holds.
    pub fn new() -> Result<Self, regex::Error> {
        let literals: Vec<String> =
            RULES.iter().flat_map(|rule| rule.literals).map(|literal| regex::escape(literal)).collect();
        let compile = |pattern: &str| RegexBuilder::new(pattern).unicode(false).build();
        let rules = RULES
            .iter()
            .map(|rule| Ok((rule, compile(&format!(r"\A(?:{})", rule.pattern))?)))
            .collect::<Result<_, regex::Error>>()?;
        Ok(Self { literals: compile(&literals.join("|"))?, rules })
    }

    /// Looks through one file, in bounded memory. `path` is relative to the target's root.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn scan(&self, path: &[u8], reader: &mut dyn Read) -> io::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut window = Window::default();
        loop {
            let read = Read::take(&mut *reader, CHUNK as u64).read_to_end(&mut window.bytes)?;
            let last = read < CHUNK;
            let end = if last { window.bytes.len() } else { window.bytes.len() - AHEAD };
            self.scan_window(path, &mut window, end, &mut findings);
            if last || findings.len() >= MAX_FINDINGS {
                return Ok(findings);
            }
            window.advance(end);
        }
    }

    /// Judges the candidates that start before `end` and were not judged before.
    fn scan_window(&self, path: &[u8], window: &mut Window, end: usize, findings: &mut Vec<Finding>) {
        let mut from = window.start;
        while from < end && findings.len() < MAX_FINDINGS {
            let found = self.literals.find_at(&window.bytes, from);
            let Some(at) = found.map(|found| found.start()).filter(|at| *at < end) else { break };
            let ahead = window.bytes.len().min(at + AHEAD);
            let candidate = Candidate {
                path,
                before: &window.bytes[at.saturating_sub(BEHIND)..at],
                text: &window.bytes[at..ahead],
            };
            from = at + 1;
            if let Some((kind, length, excerpt)) = self.judge(&candidate) {
                let offset = window.offset + at as u64;
                findings.push(Finding { kind, offset, line: window.line(at), excerpt });
                from = at + length.max(1);
            }
        }
        window.start = from.max(end);
    }

    /// Kind, length and excerpt, if the candidate is a secret.
    fn judge(&self, candidate: &Candidate<'_>) -> Option<(Kind, usize, String)> {
        let head = &candidate.text[..candidate.text.len().min(HEAD)];
        self.rules.iter().find_map(|(rule, pattern)| {
            if !rule.may_start(candidate) {
                return None;
            }
            let groups = pattern.captures(head)?;
            let whole = groups.get(0)?;
            if rule.touches(candidate.text.get(whole.end())) {
                return None;
            }
            let secret = groups.name("secret").unwrap_or(whole).as_bytes();
            let kind = (rule.accept)(candidate, secret, whole.end())?;
            Some((kind, whole.len(), rule.excerpt(secret)))
        })
    }
}

/// A place that may be the start of a secret.
pub(crate) struct Candidate<'a> {
    path: &'a [u8],
    /// What stands before it, at most [`BEHIND`] bytes.
    before: &'a [u8],
    /// From its start, at most [`AHEAD`] bytes.
    text: &'a [u8],
}

/// The part of a file in memory.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Offset in the file of the first byte.
    offset: u64,
    /// Newlines of the file before the first byte.
    newlines: usize,
    /// Where candidates were not judged yet.
    start: usize,
    /// A NUL was seen: lines mean nothing.
    binary: bool,
}

impl Window {
    /// Lets go of what no candidate from `end` on can need.
    fn advance(&mut self, end: usize) {
        let drop = end.saturating_sub(BEHIND);
        self.binary |= is_binary(&self.bytes);
        if !self.binary {
            self.newlines += newlines(&self.bytes[..drop]);
        }
        self.offset += drop as u64;
        self.start -= drop;
        self.bytes.drain(..drop);
    }

    fn line(&self, at: usize) -> Option<usize> {
        let text = !self.binary && !is_binary(&self.bytes);
        text.then(|| self.newlines + newlines(&self.bytes[..at]) + 1)
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// A NUL near the start tells a binary file, as it does to `grep`.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8 << 10).any(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
