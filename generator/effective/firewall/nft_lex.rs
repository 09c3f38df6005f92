//! nftables' words: comments, strings, separators, and which colons belong to an address.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::location::Location;

/// A piece of text with its place.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// Was in quotes: never a keyword.
    pub(super) quoted: bool,
    pub(super) file: Arc<str>,
    pub(super) line: usize,
}

impl Token {
    /// Ends a statement.
    pub(super) fn is_separator(&self) -> bool {
        !self.quoted && (self.text == ";" || self.text == "\n")
    }

    /// Is this keyword or symbol.
    pub(super) fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }

    pub(super) fn at(&self) -> Location {
        Location::line(self.file.as_ref(), self.line)
    }
}

/// Splits a file into tokens. Anything is some token: what makes no sense is for the parser.
pub(super) fn lex(file: &Arc<str>, text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < bytes.len() {
        let push = |tokens: &mut Vec<Token>, text: &str, quoted| {
            tokens.push(Token { text: text.to_string(), quoted, file: file.clone(), line });
        };
        match bytes[i] {
            b'\n' => {
                push(&mut tokens, "\n", false);
                line += 1;
                i += 1;
            }
            b'\\' if bytes.get(i + 1) == Some(&b'\n') => {
                line += 1;
                i += 2;
            }
            b' ' | b'\t' => i += 1,
            // nft knows no other blanks: it refuses a file whose lines end in CR LF.
            b'\r' | b'\x0b' | b'\x0c' => {
                push(&mut tokens, &text[i..=i], false);
                i += 1;
            }
            b'#' => i = end_of(bytes, i, |b| b == b'\n'),
            b'"' => {
                let end = end_of(bytes, i + 1, |b| b == b'"' || b == b'\n');
                push(&mut tokens, &text[i + 1..end], true);
                i = if bytes.get(end) == Some(&b'"') { end + 1 } else { end };
            }
            b'=' | b'!' | b'<' | b'>' if matches!(bytes.get(i + 1), Some(b'=' | b'<' | b'>')) => {
                push(&mut tokens, &text[i..i + 2], false);
                i += 2;
            }
            byte if is_symbol(byte) => {
                push(&mut tokens, &text[i..=i], false);
                i += 1;
            }
            _ => {
                let end =
                    end_of(bytes, i, |b| b.is_ascii_whitespace() || b == b'"' || b == b'#' || is_symbol(b));
                for part in split_colon(&text[i..end]) {
                    push(&mut tokens, part, false);
                }
                i = end;
            }
        }
    }
    tokens
}

fn is_symbol(byte: u8) -> bool {
    b"{}();,=!<>&|^".contains(&byte)
}

fn end_of(bytes: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|b| stop(*b)).map_or(bytes.len(), |n| from + n)
}

/// A word as nft sees it: `22:` and `22:accept` hold a colon of a map, `fe80::1` does not.
fn split_colon(word: &str) -> Vec<&str> {
    if !word.contains(':') || is_address(word) {
        return vec![word];
    }
    if let Some(before) = word.strip_suffix(':').filter(|before| is_address(before)) {
        return vec![before, ":"];
    }
    let with_colons = word.split_inclusive(':').flat_map(|part| match part.strip_suffix(':') {
        Some(before) => [before, ":"],
        None => [part, ""],
    });
    with_colons.filter(|part| !part.is_empty()).collect()
}

/// An IPv6 address, prefix or interval, or a hardware address.
fn is_address(word: &str) -> bool {
    let is_v6 = |part: &str| part.split('/').next().unwrap_or(part).parse::<Ipv6Addr>().is_ok();
    let groups: Vec<&str> = word.splitn(8, ':').collect();
    let is_mac =
        groups.len() == 6 && groups.iter().all(|g| g.len() == 2 && g.bytes().all(|b| b.is_ascii_hexdigit()));
    is_mac || word.splitn(3, '-').all(is_v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        lex(&Arc::from("/x"), text).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn colons_belong_to_addresses_or_to_maps() {
        assert_eq!(words("22:accept"), ["22", ":", "accept"]);
        assert_eq!(
            words("established : accept, new: drop"),
            ["established", ":", "accept", ",", "new", ":", "drop"]
        );
        assert_eq!(words("fe80::1: accept"), ["fe80::1", ":", "accept"]);
        assert_eq!(words("fe80::/10 ::1-::9"), ["fe80::/10", "::1-::9"]);
        assert_eq!(words("52:54:00:12:34:56"), ["52:54:00:12:34:56"]);
    }

    #[test]
    fn comments_continuations_and_odd_bytes() {
        assert_eq!(words("a # b\nc \\\n d"), ["a", "\n", "c", "d"]);
        assert_eq!(words("tcp dport!=22"), ["tcp", "dport", "!=", "22"]);
        assert_eq!(words("\"open\nx"), ["open", "\n", "x"]);
        assert_eq!(words(":::::::::"), [":"; 9]);
        assert_eq!(words("\0ü\r\n").len(), 3);
    }

    #[test]
    fn a_word_of_colons_stays_quick() {
        assert_eq!(words(&"a:".repeat(20_000)).len(), 40_000);
    }
}
