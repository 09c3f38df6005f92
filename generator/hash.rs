//! Digests in hex: of bytes, and of whole files without holding them.

use std::io::{self, Read};

use sha2::{Digest, Sha256, Sha512};

/// Of bytes.
pub fn bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Of everything that a reader gives.
///
/// # Errors
/// The reader's own.
pub fn reader(reader: &mut dyn Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    each_block(reader, |block| hasher.update(block))?;
    Ok(hex(&hasher.finalize()))
}

/// The digests by which an image is known: ours, and the one that OpenStack's image service computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256 (hex).
    pub sha256: String,
    /// SHA-512 (hex).
    pub sha512: String,
}

impl Digests {
    /// Both, of everything that a reader gives, in one pass.
    ///
    /// # Errors
    /// The reader's own.
    pub fn of(reader: &mut dyn Read) -> io::Result<Self> {
        let (mut short, mut long) = (Sha256::new(), Sha512::new());
        each_block(reader, |block| {
            short.update(block);
            long.update(block);
        })?;
        Ok(Self { sha256: hex(&short.finalize()), sha512: hex(&long.finalize()) })
    }
}

/// Hands on everything that a reader gives, a megabyte at a time.
fn each_block(reader: &mut dyn Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            n => each(&buffer[..n]),
        }
    }
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
