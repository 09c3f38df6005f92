//! A file's fingerprint.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Result, TargetError};

/// Bytes read at once.
const BUFFER: usize = 1 << 20;

/// SHA-256 of a file's bytes, in lower-case hex.
pub fn sha256_file(path: &Path) -> Result<String> {
    let context = |e| TargetError::io(path.display().to_string(), e);
    let mut file = File::open(path).map_err(context)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => hasher.update(&buffer[..len]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(context(e)),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_sha256sum_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-4's example.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_file(&path).unwrap(), expected);
        std::fs::write(&path, vec![0; BUFFER + 1]).unwrap();
        assert_ne!(sha256_file(&path).unwrap(), expected);
    }
}
