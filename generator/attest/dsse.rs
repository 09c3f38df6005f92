//! DSSE, the envelope of signed statements (<https://github.com/secure-systems-lab/dsse>, protocol and envelope v1).

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{PublicKey, Signer};

/// The payload's type: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    payload_type: String,
    /// Base64.
    payload: String,
    signatures: Vec<Signed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: String,
    /// Base64.
    sig: String,
}

/// What is signed: type and payload with their lengths, so that neither can be taken for the other.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Signs a payload.
    ///
    /// # Errors
    /// See [`Signer::sign`].
    pub fn sign(payload: &[u8], signer: &Signer) -> anyhow::Result<Self> {
        let signature = signer.sign(&pre_authentication_encoding(PAYLOAD_TYPE, payload))?;
        Ok(Self {
            payload_type: PAYLOAD_TYPE.into(),
            payload: STANDARD.encode(payload),
            signatures: vec![Signed { keyid: signature.key, sig: STANDARD.encode(signature.bytes) }],
        })
    }

    /// The one text of an envelope: a line of JSON.
    ///
    /// # Errors
    /// None in practice: everything in it can be written as JSON.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// Opens a line: the payload, and which of the trusted keys signed it.
    ///
    /// Only the one form that [`Envelope::line`] writes is taken. Neither blanks nor a key's id are
    /// under the signature; taken as they come, they could be changed without being noticed.
    ///
    /// # Errors
    /// What is wrong with it, or that none of the keys signed it.
    pub fn open<'k>(line: &str, trusted: &'k [PublicKey]) -> anyhow::Result<(Vec<u8>, &'k PublicKey)> {
        let envelope: Self = serde_json::from_str(line).context("no DSSE envelope")?;
        if envelope.line()?.trim_end() != line.trim_end_matches('\n') {
            bail!("the envelope is not written as ironseed writes it: it was changed");
        }
        if envelope.payload_type != PAYLOAD_TYPE {
            bail!("the payload's type is `{}`, not `{PAYLOAD_TYPE}`", envelope.payload_type);
        }
        let payload = STANDARD.decode(&envelope.payload).context("the payload is no base64")?;
        let [signature] = envelope.signatures.as_slice() else {
            bail!("it has {} signatures, not one", envelope.signatures.len());
        };
        let bytes = STANDARD.decode(&signature.sig).context("the signature is no base64")?;
        let message = pre_authentication_encoding(PAYLOAD_TYPE, &payload);
        let Some(key) = trusted.iter().find(|key| key.id() == signature.keyid) else {
            bail!("it is signed by {}, which is none of the trusted keys", signature.keyid.escape_debug());
        };
        if !key.verifies(&message, &bytes) {
            bail!("the signature is not that of {key} over this payload");
        }
        Ok((payload, key))
    }
}
