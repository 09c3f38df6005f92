//! Which sshd would read the files: its OpenSSH version and what its packager changed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An OpenSSH release (`9.2`) with the changes of its packager that alter what sshd concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenSshVersion {
    /// Major number (`9` of `9.2p1`).
    pub major: u16,
    /// Minor number (`2` of `9.2p1`).
    pub minor: u16,
    /// What the packager added.
    #[serde(default)]
    pub patches: Patches,
}

/// Additions of packagers to the released sshd, named by what they add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "OpenSshPatches")]
pub struct Patches {
    /// Knows `DebianBanner`, on by default.
    pub debian_banner: bool,
    /// Knows `GSSAPIKeyExchange`, `GSSAPIKexAlgorithms` and `GSSAPIStoreCredentialsOnRekey`.
    pub gssapi_key_exchange: bool,
    /// Knows `sntrup761x25519-sha512` without its domain although older than 9.9.
    pub sntrup761_alias: bool,
}

impl OpenSshVersion {
    /// A release as OpenSSH published it.
    pub const fn new(major: u16, minor: u16) -> Self {
        let patches = Patches { debian_banner: false, gssapi_key_exchange: false, sntrup761_alias: false };
        Self { major, minor, patches }
    }

    /// The same release with a packager's additions.
    pub const fn with(self, patches: Patches) -> Self {
        Self { patches, ..self }
    }

    /// Whether files may include others.
    pub fn has_include(self) -> bool {
        self.at_least((8, 2))
    }

    /// Whether this release is `major.minor` or newer.
    pub fn at_least(self, (major, minor): (u16, u16)) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

impl fmt::Display for OpenSshVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text holds no OpenSSH version.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is no OpenSSH version (such as 9.2, 9.2p1 or 1:9.2p1-2)")]
pub struct NoVersion(String);

impl FromStr for OpenSshVersion {
    type Err = NoVersion;

    /// Reads `9.2`, `9.2p1`, `OpenSSH_9.2p1` or a package's version such as `1:9.2p1-2+b1`.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let parse = || {
            let release = text.rsplit_once("OpenSSH_").map_or(text, |(_, rest)| rest);
            let release = release.split_once(':').map_or(release, |(_, rest)| rest);
            let (major, rest) = release.split_once('.')?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            Some(Self::new(major.parse().ok()?, rest[..digits].parse().ok()?))
        };
        parse().ok_or_else(|| NoVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_of_releases_programs_and_packages() {
        for text in ["9.2", "9.2p1", "OpenSSH_9.2p1", "1:9.2p1-2+deb12u7", "OpenSSH_9.2, OpenSSL 3.0"] {
            assert_eq!(text.parse::<OpenSshVersion>().unwrap(), OpenSshVersion::new(9, 2), "{text}");
        }
        assert_eq!("1:10.0p1-7".parse::<OpenSshVersion>().unwrap(), OpenSshVersion::new(10, 0));
        for text in ["", "nine", "9", "9.", ".2", "99999.1"] {
            assert!(text.parse::<OpenSshVersion>().is_err(), "{text}");
        }
    }
}
