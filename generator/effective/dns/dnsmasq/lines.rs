//! The lines of a configuration file: comments, quotes and the first `=` (`read_file()`).

/// Longest line; what is longer goes on as another one (`MAXDNAME`).
const LONGEST: usize = 1024;

/// An option's name and value, with the line's number; `None` for a line at which dnsmasq gives up. Blank lines are left out.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, Option<(String, Option<String>)>)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let Some(plain) = plain(line).filter(|_| line.len() < LONGEST) else {
            return Some((index + 1, None));
        };
        let plain = plain.trim_matches(' ');
        if plain.is_empty() {
            return None;
        }
        let (name, value) = match plain.split_once('=') {
            Some((name, value)) => (name.trim_end_matches([' ', '=']), Some(value.trim_start_matches(' '))),
            None => (plain, None),
        };
        Some((index + 1, Some((name.to_owned(), value.map(str::to_owned)))))
    })
}

/// A line without its comment and its quotes, every blank a space; `None` where a quote is left open.
fn plain(line: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = line.chars();
    let mut blank = true;
    while let Some(mut c) = chars.next() {
        if c == '"' {
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => match chars.next()? {
                        c @ ('"' | '\\') => out.push(c),
                        't' => out.push('\t'),
                        'n' => out.push('\n'),
                        other => out.extend(['\\', other]),
                    },
                    quoted => out.push(quoted),
                }
            }
            // What follows the quote is looked at like any other character, a second quote as well as the end.
            match chars.next() {
                Some(next) => c = next,
                None => break,
            }
        }
        if c.is_ascii_whitespace() || c == '\u{b}' {
            out.push(' ');
            blank = true;
        } else if blank && c == '#' {
            break;
        } else {
            out.push(c);
            blank = false;
        }
    }
    Some(out)
}
