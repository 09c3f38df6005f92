//! Keys that sign and keys that are trusted.
//!
//! Ed25519 and ECDSA on P-256 in PEM files, as `openssl genpkey` writes them; and whatever `ssh-keygen` can sign with:
//! a key file, with a passphrase or without, an agent's key, a token.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use p256::ecdsa::signature::Verifier as _;
use ssh_key::{HashAlg, LineEnding, SshSig};

use crate::hash;

/// What an SSH signature says it is for: it can't be taken for one of git or of anything else.
pub const NAMESPACE: &str = "ironseed-attestation";

/// A key that signs.
pub enum Signer {
    /// Ed25519 (RFC 8032).
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5).
    P256(Box<p256::ecdsa::SigningKey>),
    /// A key of OpenSSH, by the file of its private or public part. `ssh-keygen` signs.
    Ssh(PathBuf),
}

/// A key that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// ECDSA on P-256.
    P256(p256::ecdsa::VerifyingKey),
    /// A key of OpenSSH, whose signatures are SSHSIG's.
    Ssh(Box<ssh_key::PublicKey>),
}

/// A signature, and the id of the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// See [`PublicKey::id`].
    pub key: String,
    /// Ed25519's 64 bytes, ECDSA's DER, or SSHSIG's armoured text.
    pub bytes: Vec<u8>,
}

impl Signer {
    /// Reads a key file.
    ///
    /// # Errors
    /// A file that can't be read or holds no key of these kinds: what it holds, and how to make one.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}: the key can't be read"))?;
        if text.contains("BEGIN OPENSSH PRIVATE KEY") || ssh_key::PublicKey::from_openssh(text.trim()).is_ok()
        {
            return Ok(Self::Ssh(path.to_owned()));
        }
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            bail!(
                "{name} is encrypted: take the passphrase off (`openssl pkey`), or sign with an SSH key, whose passphrase is asked for"
            );
        }
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(&text) {
            return Ok(Self::Ed25519(Box::new(key)));
        }
        let p256 = p256::SecretKey::from_pkcs8_pem(&text).or_else(|_| p256::SecretKey::from_sec1_pem(&text));
        match p256 {
            Ok(key) => Ok(Self::P256(Box::new(key.into()))),
            Err(_) => bail!(
                "{name} holds no key that signs here: an Ed25519 or P-256 key in PEM (`openssl genpkey -algorithm ed25519`), or one of OpenSSH"
            ),
        }
    }

    /// Signs a message.
    ///
    /// # Errors
    /// `ssh-keygen` is missing or refuses.
    pub fn sign(&self, message: &[u8]) -> anyhow::Result<Signature> {
        match self {
            Self::Ed25519(key) => {
                let key_id = PublicKey::Ed25519(key.verifying_key()).id();
                Ok(Signature { key: key_id, bytes: key.sign(message).to_vec() })
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                let key_id = PublicKey::P256(*key.verifying_key()).id();
                Ok(Signature { key: key_id, bytes: signature.to_der().as_bytes().to_vec() })
            }
            Self::Ssh(path) => sign_with_ssh(path, message),
        }
    }
}

/// `ssh-keygen` reads the message and answers with the signature. It asks for a passphrase on the terminal.
fn sign_with_ssh(path: &Path, message: &[u8]) -> anyhow::Result<Signature> {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("ssh-keygen can't be run; install openssh-client")?;
    // It reads all of it before it writes anything, so neither waits for the other.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(message));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: ssh-keygen did not sign: {}", path.display(), said.trim());
    }
    written?;
    let signature = SshSig::from_pem(&output.stdout).map_err(|e| anyhow!("ssh-keygen's signature: {e}"))?;
    let key = PublicKey::Ssh(Box::new(signature.public_key().clone().into()));
    Ok(Signature { key: key.id(), bytes: armoured(&signature)?.into_bytes() })
}

/// The one text that stands for an SSH signature.
fn armoured(signature: &SshSig) -> anyhow::Result<String> {
    signature.to_pem(LineEnding::LF).map_err(|e| anyhow!("an SSH signature that can't be written: {e}"))
}

impl PublicKey {
    /// Reads every trusted key of a file: a PEM public key, or lines as in OpenSSH's `.pub` files.
    ///
    /// # Errors
    /// A file that can't be read, or that holds something else or nothing.
    pub fn load(path: &Path) -> anyhow::Result<Vec<Self>> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}: the key can't be read"))?;
        Self::parse(&text).with_context(|| name.to_string())
    }

    fn parse(text: &str) -> anyhow::Result<Vec<Self>> {
        if text.contains("PRIVATE KEY-----") {
            bail!("this is a private key: name the public one, which is safe to hand out");
        }
        if text.contains("BEGIN PUBLIC KEY") {
            let ed25519 = ed25519_dalek::VerifyingKey::from_public_key_pem(text).map(Self::Ed25519);
            let key =
                ed25519.or_else(|_| p256::ecdsa::VerifyingKey::from_public_key_pem(text).map(Self::P256));
            return Ok(vec![
                key.map_err(|_| anyhow!("the public key is neither Ed25519's nor of ECDSA on P-256"))?,
            ]);
        }
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = ssh_key::PublicKey::from_openssh(line)
                .map_err(|e| anyhow!("line {}: no public key in PEM or of OpenSSH: {e}", index + 1))?;
            if !matches!(key.algorithm(), ssh_key::Algorithm::Ed25519 | ssh_key::Algorithm::Ecdsa { .. }) {
                bail!(
                    "line {}: signatures of {} are not verified here; use ssh-ed25519",
                    index + 1,
                    key.algorithm()
                );
            }
            keys.push(Self::Ssh(Box::new(key)));
        }
        if keys.is_empty() {
            bail!("there is no key in it");
        }
        Ok(keys)
    }

    /// A key's id: SHA-256 (hex) of its SubjectPublicKeyInfo in DER, or OpenSSH's fingerprint.
    pub fn id(&self) -> String {
        let of_der = |der: Result<ed25519_dalek::pkcs8::Document, _>| match der {
            Ok(der) => hash::bytes(der.as_bytes()),
            Err(error) => {
                let error: ed25519_dalek::pkcs8::spki::Error = error;
                format!("unknown: {error}")
            }
        };
        match self {
            Self::Ed25519(key) => of_der(key.to_public_key_der()),
            Self::P256(key) => of_der(key.to_public_key_der()),
            Self::Ssh(key) => key.fingerprint(HashAlg::Sha256).to_string(),
        }
    }

    /// Whether a signature over a message is this key's, in the one form that this program writes.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ssh(key) => SshSig::from_pem(signature).is_ok_and(|found| {
                armoured(&found).is_ok_and(|text| text.as_bytes() == signature)
                    && key.verify(NAMESPACE, message, &found).is_ok()
            }),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Ed25519(_) => "Ed25519",
            Self::P256(_) => "ECDSA P-256",
            Self::Ssh(_) => "SSH",
        };
        write!(f, "{kind} key {}", self.id())
    }
}
