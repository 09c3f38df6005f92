//! Multipart MIME as Python's `email` reads it, as far as cloud-init uses it.

use std::ops::Range;

/// How deep parts within parts are looked into.
const MAX_DEPTH: usize = 4;

/// Most parts of one message.
const MAX_PARTS: usize = 200;

/// A part that holds no parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimePart {
    /// Its type, in lower case, without parameters; empty where none is named.
    pub content_type: String,
    /// The file's name, if it has one.
    pub name: Option<String>,
    /// How it is packed, in lower case; empty for "as it is".
    pub encoding: String,
    /// Whether a header says how it is merged with other parts.
    pub merges: bool,
    /// Where its body stands in the message.
    pub body: Range<usize>,
}

/// Whether cloud-init takes bytes for a MIME message.
pub fn is_message(bytes: &[u8]) -> bool {
    let start = bytes.get(..4096).unwrap_or(bytes).to_ascii_lowercase();
    start.windows(13).any(|window| window == b"mime-version:")
}

/// The parts of a message, in its order.
pub fn parts(message: &str) -> Vec<MimePart> {
    let mut found = Vec::new();
    read(message, 0..message.len(), 0, &mut found);
    found
}

/// Headers, then a body or parts.
fn read(message: &str, range: Range<usize>, depth: usize, found: &mut Vec<MimePart>) {
    if found.len() >= MAX_PARTS || depth > MAX_DEPTH {
        return;
    }
    let (headers, body) = headers(message, range);
    let get = |name: &str| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let full_type = get("content-type").unwrap_or_default();
    let content_type = full_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if let (true, Some(boundary)) = (content_type.starts_with("multipart/"), parameter(full_type, "boundary"))
    {
        for part in between(message, body, &boundary) {
            read(message, part, depth + 1, found);
        }
        return;
    }
    let disposition = get("content-disposition").unwrap_or_default();
    found.push(MimePart {
        name: parameter(disposition, "filename").or_else(|| parameter(full_type, "name")),
        encoding: get("content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase(),
        merges: get("merge-type").or_else(|| get("x-merge-type")).is_some(),
        content_type,
        body,
    });
}

/// Headers with their names in lower case, and where the body is.
fn headers(message: &str, range: Range<usize>) -> (Vec<(String, String)>, Range<usize>) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut at = range.start;
    for line in message.get(range.clone()).unwrap_or_default().split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            at += line.len();
            break;
        }
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':').filter(|(name, _)| !name.contains(' ')) {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        } else if !text.starts_with("From ") {
            // What is no header belongs to the body.
            break;
        }
        at += line.len();
    }
    (headers, at..range.end)
}

/// The parts between a boundary's lines.
fn between(message: &str, body: Range<usize>, boundary: &str) -> Vec<Range<usize>> {
    let (open, mut parts) = (format!("--{boundary}"), Vec::new());
    let (mut start, mut at) = (None, body.start);
    for line in message.get(body.clone()).unwrap_or_default().split_inclusive('\n') {
        let text = line.trim_end();
        let rest = text.strip_prefix(open.as_str());
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || *rest == "--") {
            // The line's end before a boundary belongs to the boundary.
            let end =
                |start: usize| at - usize::from(at > start && message.as_bytes().get(at - 1) == Some(&b'\n'));
            parts.extend(start.map(|start: usize| start..end(start)));
            start = Some(at + line.len());
            if rest == "--" {
                return parts;
            }
        }
        at += line.len();
    }
    parts.extend(start.map(|start| start..body.end));
    parts
}

/// A parameter of a header, without quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Quoted-printable, undone.
pub fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r', ' ', '\t']);
        let (content, soft) = content.strip_suffix('=').map_or((content, false), |content| (content, true));
        let bytes = content.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
            match hex.filter(|_| *byte == b'=').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(decoded) => {
                    out.push(decoded);
                    at += 3;
                }
                None => {
                    out.push(*byte);
                    at += 1;
                }
            }
        }
        if !soft && line.ends_with('\n') {
            out.push(b'\n');
        }
    }
    out
}
