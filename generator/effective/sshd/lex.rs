//! sshd's own way to cut a file into lines, a keyword and arguments. Knows no keyword.

/// White space as sshd's tokenizer understands it.
const WHITESPACE: &[char] = &[' ', '\t', '\r', '\n'];

/// A line that is neither blank nor a comment.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The keyword as written.
    pub keyword: String,
    /// Everything after the keyword and its separator, as written.
    pub rest: String,
    /// `rest` split into arguments, quotes and escapes removed; `None` where a quote stays open.
    pub args: Option<Vec<String>>,
}

impl Line {
    /// A keyword with one argument that needs no cutting.
    pub fn of(keyword: &str, argument: &str) -> Self {
        Self { keyword: keyword.to_owned(), rest: argument.to_owned(), args: Some(vec![argument.to_owned()]) }
    }
}

/// The lines of a file as sshd loads it, each with its number (counted from 1).
///
/// Leading blanks go. A NUL byte ends its line *and swallows the line break*: the next line is
/// read as the continuation, as in sshd.
pub fn logical_lines(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, Vec<u8>)> = None;
    for (index, physical) in bytes.split(|b| *b == b'\n').enumerate() {
        let blank = physical.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
        let text = &physical[blank..];
        let (text, swallowed) = match text.iter().position(|b| *b == 0) {
            Some(nul) => (&text[..nul], true),
            None => (text, false),
        };
        let (number, mut line) = pending.take().unwrap_or((index + 1, Vec::new()));
        line.extend_from_slice(text);
        if swallowed {
            pending = Some((number, line));
        } else {
            lines.push((number, String::from_utf8_lossy(&line).into_owned()));
        }
    }
    lines.extend(pending.map(|(number, line)| (number, String::from_utf8_lossy(&line).into_owned())));
    lines
}

/// Cuts one line; `None` where sshd skips it, `Err` where a keyword has no argument.
pub fn line(text: &str) -> Option<Result<Line, String>> {
    let end = text.trim_end_matches([' ', '\t', '\r', '\n', '\x0c']);
    // sshd never strips the first character.
    let text = if end.is_empty() { text.get(..1).unwrap_or_default() } else { end };
    let (mut keyword, mut rest) = delimited(text)?;
    if keyword.is_empty() {
        (keyword, rest) = delimited(&rest?)?;
    }
    if keyword.is_empty() || keyword.starts_with('#') {
        return None;
    }
    match rest.filter(|r| !r.is_empty()) {
        None => Some(Err(format!("no argument after keyword “{keyword}”"))),
        Some(rest) => {
            let args = arguments(&rest);
            Some(Ok(Line { keyword, rest, args }))
        }
    }
}

/// The first word and what follows it: words end at white space or at one `=`, and may hold a
/// quoted part. `None` where a quote stays open.
pub fn delimited(text: &str) -> Option<(String, Option<String>)> {
    let Some(at) = text.find(|c| WHITESPACE.contains(&c) || c == '"' || c == '=') else {
        return Some((text.to_owned(), None));
    };
    let (word, from) = text.split_at(at);
    let separator = from.chars().next();
    let after = &from[1..];
    if separator == Some('"') {
        let (quoted, after) = after.split_once('"')?;
        return Some((format!("{word}{quoted}"), Some(after.trim_start_matches(WHITESPACE).to_owned())));
    }
    let after = after.trim_start_matches(WHITESPACE);
    let after = match after.strip_prefix('=') {
        Some(value) if separator != Some('=') => value.trim_start_matches(WHITESPACE),
        _ => after,
    };
    Some((word.to_owned(), Some(after.to_owned())))
}

/// Splits arguments at blanks, with quotes, escapes and a comment at a word's start; `None`
/// where a quote stays open.
pub fn arguments(text: &str) -> Option<Vec<String>> {
    let mut args = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(args),
            Some(_) => args.push(argument(&mut chars)?),
        }
    }
}

fn argument(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut word = String::new();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let escaped =
                    chars.next_if(|n| matches!(n, '\'' | '"' | '\\') || (quote.is_none() && *n == ' '));
                word.push(escaped.unwrap_or('\\'));
            }
            (' ' | '\t', None) => return Some(word),
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            _ => word.push(c),
        }
    }
    quote.is_none().then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (String, Vec<String>) {
        let line = line(text).unwrap().unwrap();
        (line.keyword, line.args.unwrap())
    }

    #[test]
    fn cuts_keywords_and_arguments_as_sshd_does() {
        let want = ("Port".to_owned(), vec!["22".to_owned()]);
        for text in
            ["Port 22", "Port=22", "Port = 22", "Port\t22 # x", "\"Port\" 22", "Port 22\r", "Port '22'"]
        {
            assert_eq!(cut(text), want, "{text:?}");
        }
        assert_eq!(cut(r#"AllowUsers "a b" c\ d e\\"#).1, ["a b", "c d", "e\\"]);
        assert_eq!(cut("AllowUsers a#b #c").1, ["a#b"]);
    }

    #[test]
    fn skips_blanks_and_comments_and_reports_what_is_cut_short() {
        for text in ["", " ", "# x", "\"Port 22"] {
            assert!(line(text).is_none(), "{text:?}");
        }
        assert!(line("Port").unwrap().is_err());
        assert!(line("Port \"22").unwrap().unwrap().args.is_none());
    }

    #[test]
    fn a_nul_swallows_the_line_break() {
        assert_eq!(logical_lines(b"a 1\0x\nb 2\n\tc"), [(1, "a 1b 2".to_owned()), (3, "c".to_owned())]);
    }
}
