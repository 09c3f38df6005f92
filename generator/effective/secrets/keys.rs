//! Whether what follows a private key's heading is a key: a heading alone, as in a program that writes keys
//! or in a manual, is none.

use super::Kind;

/// Fewest bytes of any real private key.
const LEAST: usize = 32;
/// First bytes of OpenSSH's format.
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// Judges the body after `-----BEGIN … PRIVATE KEY-----`.
pub fn armoured(heading: &[u8], body: &[u8]) -> Option<Kind> {
    let label = String::from_utf8_lossy(heading);
    let body = Body::read(body);
    if label.contains("PGP ") {
        // A secret-key packet (tag 5), in the old or the new format of its header. These may be very long.
        let secret_key = body.bytes.first().is_some_and(|b| b & 0xfc == 0x94 || *b == 0xc5);
        return (secret_key && body.bytes.len() >= LEAST).then_some(Kind::PgpPrivateKey);
    }
    if !body.ended || body.bytes.len() < LEAST {
        return None;
    }
    if label.contains("OPENSSH ") {
        return body.bytes.starts_with(OPENSSH).then_some(Kind::OpensshPrivateKey);
    }
    (body.encrypted || is_sequence(&body.bytes)).then_some(Kind::PemPrivateKey)
}

/// Judges what follows PuTTY's heading.
pub fn putty(body: &[u8]) -> bool {
    let mut lines = body.split(|b| *b == b'\n').take_while(|line| line.len() < 256).skip(1).take(2000);
    let count = lines.by_ref().take_while(|line| !line.starts_with(b"PuTTY-")).find_map(|line| {
        let count = line.strip_prefix(b"Private-Lines: ")?;
        String::from_utf8_lossy(count).trim().parse::<usize>().ok()
    });
    let private: Vec<u8> = lines.take(count.unwrap_or(0)).flat_map(<[u8]>::trim_ascii).copied().collect();
    decode(&private).len() >= LEAST
}

/// The armour's content.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    /// The headers say that the content is encrypted, so it may be any bytes.
    encrypted: bool,
    /// The closing line follows.
    ended: bool,
}

impl Body {
    /// Reads lines to the closing one. In JSON, YAML or source text the lines may end in `\n` written out, be
    /// indented, quoted or commented. Stops at the first line that can't belong to a key.
    fn read(mut text: &[u8]) -> Self {
        let mut body = Self::default();
        let mut encoded = Vec::new();
        while let Some(line) = next_line(&mut text) {
            if line.starts_with(b"--") {
                body.ended = line.starts_with(b"-----END ");
                break;
            }
            if line.starts_with(b"=") {
                // An OpenPGP checksum.
                continue;
            }
            if line.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)) {
                encoded.extend_from_slice(line);
            } else if line.windows(2).any(|pair| pair == b": ") {
                body.encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            } else {
                break;
            }
        }
        body.bytes = decode(&encoded);
        body
    }
}

/// Takes a line, without what surrounds it in other formats. Two dashes begin a new one: a closing line may
/// follow without a break, and reading on would make a row of headings cost the square of its length.
fn next_line<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    if text.is_empty() {
        return None;
    }
    let mut end = 0;
    let mut skip = 0;
    while end < text.len() {
        match &text[end..] {
            [b'\n', ..] => skip = 1,
            [b'\\', b'n', ..] => skip = 2,
            [b'-', b'-', ..] if end > 0 && text[end - 1] != b'-' => {}
            _ => {
                end += 1;
                continue;
            }
        }
        break;
    }
    let (line, rest) = text.split_at(end);
    *text = &rest[skip..];
    let mut line = line.strip_suffix(b"\\r").unwrap_or(line);
    while let [b' ' | b'\t' | b'\r' | b'"' | b'\'' | b',' | b';' | b'#', rest @ ..]
    | [rest @ .., b' ' | b'\t' | b'\r' | b'"' | b'\'' | b',' | b';' | b'#'] = line
    {
        line = rest;
    }
    Some(line)
}

/// A DER SEQUENCE that starts as private keys do (with a version, or the algorithm of its encryption), and is
/// as long as it says.
fn is_sequence(der: &[u8]) -> bool {
    let Some((&0x30, rest)) = der.split_first() else { return false };
    let Some((first, rest)) = rest.split_first() else { return false };
    let (length, content) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let Some((length, content)) = rest.split_at_checked(usize::from(first & 0x7f)) else {
                return false;
            };
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), content)
        }
        _ => return false,
    };
    length == content.len() && matches!(content, [0x02, 0x01, ..] | [0x30, ..])
}

/// Decodes base64 of either alphabet, up to the padding or the first character that is none.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for c in text {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend(u8::try_from(bits >> count));
            bits &= (1 << count) - 1;
        }
    }
    bytes
}
