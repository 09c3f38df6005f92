//! What travels with an image and can be checked without us: signed statements of how it was made and what it was
//! held against, bound to its bytes, its report and its bills of materials.
//!
//! Owns keys ([`key`]), the envelope ([`dsse`]), the statements ([`statement`]), and holding an image against
//! them ([`check`]). Must not know how an image is judged: a statement is only made of a
//! [`Passed`](crate::publish::Passed).

pub mod check;
pub mod dsse;
pub mod key;
pub mod statement;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::hash;

pub use key::{PublicKey, Signer};

/// Follows an image's name in that of the file with its statements: a line each, as in-toto's bundles are.
pub const EXTENSION: &str = "intoto.jsonl";

/// A file that goes with an image: its report, a bill of materials.
#[derive(Clone, Debug)]
pub struct Companion {
    /// Its name, beside the image.
    pub name: String,
    /// Its media type (RFC 6838).
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How a statement points at a file (in-toto's `ResourceDescriptor`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// A name, without a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is from, or what it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Of its bytes.
    pub digest: DigestSet,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// Digests by their algorithm (in-toto's `DigestSet`), in lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestSet {
    /// SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-512.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
}

impl Companion {
    /// How a statement points at it.
    pub fn resource(&self) -> Resource {
        let sha256 = Some(hash::bytes(&self.bytes));
        Resource {
            name: Some(self.name.clone()),
            uri: None,
            digest: DigestSet { sha256, sha512: None },
            media_type: Some(self.media_type.to_owned()),
        }
    }
}
