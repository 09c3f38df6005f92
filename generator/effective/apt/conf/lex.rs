//! The words of apt.conf, with apt's oddities: quotes and comments are judged line by line, and a
//! `#` begins a comment except before the name of a directive.

/// Words after which a `#` is a directive instead of a comment.
const DIRECTIVES: [&[u8]; 3] = [b"clear", b"include", b"x-apt-configure-index"];

fn expand(byte: &u8) -> &[u8] {
    if *byte == b'\t' { b"        " } else { std::slice::from_ref(byte) }
}

/// A line as apt sees it: each tab, in quotes too, turned to eight blanks, and comments removed.
pub(super) fn code_of(raw: &[u8], in_comment: &mut bool) -> Vec<u8> {
    let expanded: Vec<u8> = raw.iter().flat_map(expand).copied().collect();
    strip_comments(expanded.trim_ascii(), in_comment)
}

/// What is left of a line after its comments, in apt's order: `//` first, then `#`, then `/* */`.
fn strip_comments(line: &[u8], in_comment: &mut bool) -> Vec<u8> {
    let mut line = line;
    if *in_comment {
        let Some(end) = position(line, b"*/") else {
            return Vec::new();
        };
        line = &line[end + 2..];
        *in_comment = false;
    }
    line = &line[..unquoted(line, |rest| rest.starts_with(b"//")).unwrap_or(line.len())];
    let comment = |rest: &[u8]| {
        rest.strip_prefix(b"#").is_some_and(|word| !DIRECTIVES.iter().any(|d| word.starts_with(d)))
    };
    line = &line[..unquoted(line, comment).unwrap_or(line.len())];
    let mut code = Vec::with_capacity(line.len());
    while let Some(start) = unquoted(line, |rest| rest.starts_with(b"/*")) {
        code.extend_from_slice(&line[..start]);
        let Some(end) = position(&line[start + 2..], b"*/") else {
            *in_comment = true;
            return code;
        };
        line = &line[start + 2 + end + 2..];
    }
    code.extend_from_slice(line);
    code
}

fn position(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len()).position(|w| w == pattern)
}

/// First place outside quotes where the rest of the line satisfies `found`.
fn unquoted(line: &[u8], found: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut in_quote = false;
    for (at, byte) in line.iter().enumerate() {
        if !in_quote && found(&line[at..]) {
            return Some(at);
        }
        in_quote ^= *byte == b'"';
    }
    None
}

/// apt's `ParseQuoteWord`: a word up to a blank outside of quotes and brackets, with the quotes
/// removed and `%41` decoded. Returns the word and what follows it.
pub(super) fn quoted_word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    let mut end = 0;
    while end < text.len() && !text[end].is_ascii_whitespace() {
        for (open, close) in [(b'"', b'"'), (b'[', b']')] {
            if text.get(end) == Some(&open) {
                end += 1 + text[end + 1..].iter().position(|b| *b == close)?;
            }
        }
        end += 1;
    }
    let (raw, rest) = text.split_at(end);
    Some((unquote(raw), rest.trim_ascii_start()))
}

fn unquote(raw: &[u8]) -> Vec<u8> {
    let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut word = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if let [b'%', high, low, ..] = raw[at..]
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            word.push(high << 4 | low);
            at += 3;
            continue;
        }
        if raw[at] != b'"' {
            word.push(raw[at]);
        }
        at += 1;
    }
    word
}

/// apt's `ParseCWord`: quoted strings with nothing but blanks between them, joined.
pub(super) fn c_word(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    let mut word = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                let length = text[at + 1..].iter().position(|b| *b == b'"')?;
                word.extend_from_slice(&text[at + 1..at + 1 + length]);
                at += 2 + length;
            }
            blank if blank.is_ascii_whitespace() => {
                if !text[at - 1].is_ascii_whitespace() {
                    word.push(b' ');
                }
                at += 1;
            }
            _ => return None,
        }
    }
    Some(word)
}
