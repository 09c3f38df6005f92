//! Text of an untrusted target, made harmless for whoever shows it.

/// Text without what a terminal, a page or an XML parser would act on: control characters, those that turn
/// the direction of text or end a line, and those that XML has no place for are shown as escapes.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// The first `most` characters of a text made [`plain`], with a sign where more follows.
pub fn short(text: &str, most: usize) -> String {
    let mut chars = text.chars();
    let kept: String = chars.by_ref().take(most).collect();
    let more = if chars.next().is_some() { " …" } else { "" };
    plain(&kept) + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_does_not_speak_to_the_terminal() {
        assert_eq!(plain("ev\u{1b}[31mil\r\u{202e}"), "ev\\u{1b}[31mil\\r\\u{202e}");
        assert_eq!(plain("Jürgen … ok"), "Jürgen … ok");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(short("ünï", 3), "ünï");
        assert_eq!(short("ünïx", 3), "ünï …");
        assert_eq!(short("a\nb", 9), "a\\nb");
    }
}
