//! Secrets that were left in an image: keys, tokens, password hashes.
//!
//! A [`Scanner`] reads any stream once with bounded memory; [`by_path`] knows files that are
//! secret by their name. A mention is no finding: a key must have a body that decodes to a key,
//! a token its true length. Whether a finding is excused (a package ships the file unchanged)
//! is for the caller. A secret is never printed: see [`Finding::excerpt`].

pub(super) mod encoding;
mod files;
mod scan;
#[cfg(test)]
mod tests;
mod verify;

use serde::{Deserialize, Serialize};

pub use encoding::base64;
pub use files::by_path;
pub use scan::Scanner;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// A private key in PEM: PKCS#1, PKCS#8, EC, OpenSSH, encrypted or not.
    PrivateKey,
    /// A private key in PuTTY's format.
    PuttyKey,
    /// A secret key of OpenPGP.
    PgpKey,
    /// An SSH host key, by its place.
    HostKey,
    /// An SSH key that may log in: a line of `authorized_keys`.
    AuthorizedKey,
    /// An access key of AWS together with its secret.
    AwsKey,
    /// A token of GitHub.
    GithubToken,
    /// A token of GitLab.
    GitlabToken,
    /// A token of Slack.
    SlackToken,
    /// An API key of Google.
    GoogleKey,
    /// A password or application credential of OpenStack.
    OpenstackCredential,
    /// A JSON Web Token.
    Jwt,
    /// A crypt(3) or argon2 hash of a password.
    PasswordHash,
    /// A password in a file that exists to hold passwords (`.netrc`, `.pgpass`, …).
    StoredPassword,
    /// Keys of Kerberos principals.
    Keytab,
    /// A secret key of age.
    AgeKey,
    /// A private key of WireGuard.
    WireguardKey,
}

/// One secret in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: SecretKind,
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// Its line, counted from 1; `None` in a binary file.
    pub line: Option<u64>,
    /// What may be shown: a label, or the first four characters and the length.
    pub excerpt: String,
}
