//! Base64, and what a key looks like once decoded.

/// Decodes base64 (standard or URL alphabet), leaving white space and written-out `\n`, `\r`
/// out. `None` where anything else stands in it. Padding may lack.
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut ended) = (0_u32, 0, false);
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                ended = true;
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' => continue,
            b'\\' if matches!(bytes.next(), Some(b'n' | b'r' | b'\n')) => continue,
            _ => return None,
        };
        if ended {
            return None;
        }
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 1;
        if count == 4 {
            decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => {}
        2 => decoded.push((bits >> 4) as u8),
        3 => decoded.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        _ => return None,
    }
    Some(decoded)
}

/// A DER sequence that fills the bytes, as every unencrypted and every PKCS#8 key does.
pub(super) fn is_der_sequence(bytes: &[u8]) -> bool {
    let (length, header) = match bytes {
        [0x30, short @ 0..=0x7f, ..] => (usize::from(*short), 2),
        [0x30, 0x81, a, ..] => (usize::from(*a), 3),
        [0x30, 0x82, a, b, ..] => (usize::from(*a) << 8 | usize::from(*b), 4),
        _ => return false,
    };
    length >= 16 && length + header == bytes.len()
}

/// A secret-key packet of OpenPGP (tag 5), in the old or the new format.
pub(super) fn is_pgp_secret_key(bytes: &[u8]) -> bool {
    bytes.len() >= 48 && matches!(bytes[0], 0x94..=0x97 | 0xc5)
}
