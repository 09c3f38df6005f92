//! Names of algorithms: what each release knows, its defaults, and lists with `+`, `-`, `^`.
//!
//! Source: `myproposal.h`, `kex.c`, `cipher.c`, `mac.c` and `sshkey.c` of OpenSSH 8.4 to 10.0.

use super::pattern::{self, Match};
use super::version::OpenSshVersion;

/// Which list of names a keyword takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Cipher,
    Mac,
    Kex,
    /// Host and user keys.
    Key,
    /// Signatures of certificate authorities.
    CaSignature,
}

const CIPHERS: &[&str] = &[
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

const DEFAULT_CIPHERS: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
];

/// From 10.0 on, GCM comes before CTR.
const DEFAULT_CIPHERS_10_0: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];

const MACS: &[&str] = &[
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
];

const DEFAULT_MACS: &[&str] = &[
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];

const MLKEM: &str = "mlkem768x25519-sha256";
const SNTRUP: &str = "sntrup761x25519-sha512@openssh.com";
const SNTRUP_ALIAS: &str = "sntrup761x25519-sha512";

const KEX_CURVES: &[&str] = &[
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
];

const KEX_GROUPS: &[&str] = &[
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];

const KEX: &[&str] = &[
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
];

const KEYS: &[&str] = &[
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
];

/// Kinds of key in the default lists' order, with and without `-cert-v01@openssh.com`.
const DEFAULT_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// Before 8.5 the NIST curves came first.
const DEFAULT_KEYS_BEFORE_8_5: &[&str] = &[
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

const CERTIFICATE: &str = "-cert-v01@openssh.com";

impl Family {
    /// Every name that this release knows, in its own order.
    fn known(self, version: OpenSshVersion) -> Vec<&'static str> {
        match self {
            Self::Cipher => CIPHERS.to_vec(),
            Self::Mac => MACS.to_vec(),
            Self::Kex => {
                let alias = version.at_least((9, 9)) || version.patches.sntrup761_alias;
                let added = [
                    (SNTRUP_ALIAS, alias),
                    (SNTRUP, version.at_least((8, 5))),
                    (MLKEM, version.at_least((9, 9))),
                ];
                let added = added.into_iter().filter(|(_, there)| *there).map(|(name, _)| name);
                KEX.iter().copied().chain(added).collect()
            }
            Self::Key => {
                // Built without DSA from 9.8 on, removed in 10.0.
                let dsa = !version.at_least((9, 8));
                KEYS.iter().copied().filter(|k| dsa || !k.starts_with("ssh-dss")).collect()
            }
            Self::CaSignature => {
                let keys = Self::Key.known(version);
                keys.into_iter().filter(|k| !k.contains("-cert-")).collect()
            }
        }
    }

    /// The names in force where the files say nothing.
    pub(super) fn default(self, version: OpenSshVersion) -> Vec<String> {
        let plain = if version.at_least((8, 5)) { DEFAULT_KEYS } else { DEFAULT_KEYS_BEFORE_8_5 };
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        match self {
            Self::Cipher if version.at_least((10, 0)) => own(DEFAULT_CIPHERS_10_0),
            Self::Cipher => own(DEFAULT_CIPHERS),
            Self::Mac => own(DEFAULT_MACS),
            Self::Kex => own(&default_kex(version)),
            Self::CaSignature => own(plain),
            Self::Key => {
                let rsa_sha1 = if version.at_least((8, 8)) { &[][..] } else { &["ssh-rsa"] };
                let kinds: Vec<&str> = plain.iter().chain(rsa_sha1).copied().collect();
                let certificates = kinds.iter().map(|kind| certificate(kind));
                certificates.chain(kinds.iter().map(|k| (*k).to_owned())).collect()
            }
        }
    }

    /// The names that a configured list comes to.
    ///
    /// # Errors
    /// A sentence, where sshd refuses the list.
    pub(super) fn expand(self, list: &str, version: OpenSshVersion) -> Result<String, String> {
        let default = self.default(version);
        if let Some(removed) = list.strip_prefix('-') {
            let stays = |name: &&String| pattern::match_list(name, removed) != Match::Yes;
            return Ok(default.iter().filter(stays).cloned().collect::<Vec<_>>().join(","));
        }
        let known = self.known(version);
        let (named, before, after) = match (list.strip_prefix('+'), list.strip_prefix('^')) {
            (Some(named), _) => (named, default, Vec::new()),
            (_, Some(named)) => (named, Vec::new(), default),
            _ => (list, Vec::new(), Vec::new()),
        };
        if named.is_empty() {
            return Err("empty list of algorithms".to_owned());
        }
        // sshd checks names up to the first empty one, but takes those after it, too.
        let mut checked = named.split(',').take_while(|n| !n.is_empty());
        if let Some(unknown) = checked.find(|n| !self.accepts(n, &known)) {
            return Err(format!("unknown algorithm “{unknown}”"));
        }
        let wanted =
            before.iter().map(String::as_str).chain(named.split(',')).chain(after.iter().map(String::as_str));
        let mut names: Vec<&str> = Vec::new();
        for wanted in wanted {
            if wanted.starts_with('!') {
                return Err("a negated name in a list of algorithms".to_owned());
            }
            for name in known.iter().filter(|k| pattern::matches(k, wanted)) {
                if !names.contains(name) {
                    names.push(name);
                }
            }
        }
        if names.is_empty() { Err("empty list of algorithms".to_owned()) } else { Ok(names.join(",")) }
    }

    /// Keys may be named by patterns, all others only by name.
    fn accepts(self, name: &str, known: &[&str]) -> bool {
        match self {
            Self::Key | Self::CaSignature => known.iter().any(|k| pattern::match_list(k, name) != Match::No),
            Self::Cipher | Self::Mac | Self::Kex => known.contains(&name),
        }
    }
}

fn certificate(kind: &str) -> String {
    format!("{}{CERTIFICATE}", kind.strip_suffix("@openssh.com").unwrap_or(kind))
}

fn default_kex(version: OpenSshVersion) -> Vec<&'static str> {
    let mut names = Vec::new();
    if version.at_least((10, 0)) {
        names.push(MLKEM);
    }
    if version.at_least((9, 9)) || (version.patches.sntrup761_alias && version.at_least((9, 0))) {
        names.push(SNTRUP_ALIAS);
    }
    if version.at_least((9, 0)) {
        names.push(SNTRUP);
    }
    if version.at_least((9, 9)) && !version.at_least((10, 0)) {
        names.push(MLKEM);
    }
    names.extend(KEX_CURVES);
    if version.at_least((8, 9)) && !version.at_least((9, 0)) {
        names.push(SNTRUP);
    }
    if !version.at_least((10, 0)) {
        names.extend(KEX_GROUPS);
    }
    names
}
