//! Names of algorithms: what each release knows, its defaults, and lists with `+`, `-`, `^`.
//!
//! Source: `myproposal.h`, `kex.c`, `cipher.c`, `mac.c` and `sshkey.c` of OpenSSH 7.2 to 10.0.

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

/// Names that came after 7.2, and the release that brought each.
const SINCE: &[(&str, (u16, u16))] = &[
    ("diffie-hellman-group14-sha256", (7, 3)),
    ("diffie-hellman-group16-sha512", (7, 3)),
    ("diffie-hellman-group18-sha512", (7, 3)),
    ("curve25519-sha256", (7, 4)),
    ("rsa-sha2-256-cert-v01@openssh.com", (7, 8)),
    ("rsa-sha2-512-cert-v01@openssh.com", (7, 8)),
    ("sk-ssh-ed25519@openssh.com", (8, 2)),
    ("sk-ssh-ed25519-cert-v01@openssh.com", (8, 2)),
    ("sk-ecdsa-sha2-nistp256@openssh.com", (8, 2)),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", (8, 2)),
    ("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", (8, 3)),
    (SNTRUP, (8, 5)),
    (SNTRUP_ALIAS, (9, 9)),
    (MLKEM, (9, 9)),
];

/// Names that are gone, and the first release without each.
const UNTIL: &[(&str, (u16, u16))] = &[
    ("blowfish-cbc", (7, 6)),
    ("cast128-cbc", (7, 6)),
    ("arcfour", (7, 6)),
    ("arcfour128", (7, 6)),
    ("arcfour256", (7, 6)),
    ("hmac-ripemd160", (7, 6)),
    ("hmac-ripemd160@openssh.com", (7, 6)),
    ("hmac-ripemd160-etm@openssh.com", (7, 6)),
    // Built without DSA from 9.8 on, removed in 10.0.
    ("ssh-dss", (9, 8)),
    ("ssh-dss-cert-v01@openssh.com", (9, 8)),
];

/// Whether a name came only after this release.
pub(super) fn came_later(name: &str, version: OpenSshVersion) -> bool {
    let patched = name == SNTRUP_ALIAS && version.patches.sntrup761_alias;
    !patched && SINCE.iter().any(|(later, since)| *later == name && !version.at_least(*since))
}

fn exists(name: &str, version: OpenSshVersion) -> bool {
    let gone = UNTIL.iter().any(|(gone, until)| *gone == name && version.at_least(*until));
    !gone && !came_later(name, version)
}

const CIPHERS: &[&str] = &[
    "3des-cbc",
    "blowfish-cbc",
    "cast128-cbc",
    "arcfour",
    "arcfour128",
    "arcfour256",
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
    "hmac-ripemd160",
    "hmac-ripemd160@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "hmac-ripemd160-etm@openssh.com",
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
    SNTRUP_ALIAS,
    SNTRUP,
    MLKEM,
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
        let names = match self {
            Self::Cipher => CIPHERS,
            Self::Mac => MACS,
            Self::Kex => KEX,
            Self::Key | Self::CaSignature => KEYS,
        };
        let fits = |name: &&str| self != Self::CaSignature || !name.contains("-cert-");
        names.iter().copied().filter(|name| exists(name, version)).filter(fits).collect()
    }

    /// The names in force where the files say nothing.
    pub(super) fn default(self, version: OpenSshVersion) -> Vec<String> {
        let plain = if version.at_least((8, 5)) { DEFAULT_KEYS } else { DEFAULT_KEYS_BEFORE_8_5 };
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let with_rsa_sha1 = |there: bool| -> Vec<String> {
            let kinds = plain.iter().copied().chain(there.then_some("ssh-rsa"));
            kinds.filter(|kind| exists(kind, version)).map(str::to_owned).collect()
        };
        match self {
            Self::Cipher if version.at_least((10, 0)) => own(DEFAULT_CIPHERS_10_0),
            Self::Cipher => own(DEFAULT_CIPHERS),
            Self::Mac => own(DEFAULT_MACS),
            Self::Kex => own(&default_kex(version)),
            Self::CaSignature => with_rsa_sha1(!version.at_least((8, 2))),
            Self::Key => {
                let kinds = with_rsa_sha1(!version.at_least((8, 8)));
                let certificates = kinds.iter().map(|kind| certificate(kind));
                certificates.filter(|name| exists(name, version)).chain(kinds.iter().cloned()).collect()
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
    names.extend(KEX_CURVES.iter().filter(|name| exists(name, version)));
    if version.at_least((8, 9)) && !version.at_least((9, 0)) {
        names.push(SNTRUP);
    }
    if !version.at_least((10, 0)) {
        names.extend(KEX_GROUPS.iter().filter(|name| exists(name, version)));
    }
    if !version.at_least((8, 2)) {
        names.push("diffie-hellman-group14-sha1");
    }
    names
}
