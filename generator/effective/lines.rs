//! How systemd cuts a file into lines, and a line into its ends: `read_line()` and `strstrip()`.

/// systemd reads no line longer than this many bytes, and nothing after it.
const MAX_LINE: usize = 1 << 20;

/// The lines with their numbers, from 1, as a reader of the file counts them. A carriage return or a NUL ends a line,
/// too.
pub fn systemd_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let physical = text.split('\n').enumerate();
    let lines =
        physical.flat_map(|(index, line)| line.split(['\r', '\0']).map(move |part| (index + 1, part)));
    lines.take_while(|(_, line)| line.len() < MAX_LINE)
}

/// Without the blanks at both ends; only ASCII's are blanks.
pub fn stripped(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_a_carriage_return_and_at_a_nul() {
        let lines: Vec<(usize, &str)> =
            systemd_lines("a\r\nb\rc\0d").filter(|(_, l)| !l.is_empty()).collect();
        assert_eq!(lines, [(1, "a"), (2, "b"), (2, "c"), (2, "d")]);
        let long = format!("a\n{}\nb", "x".repeat(MAX_LINE));
        assert_eq!(systemd_lines(&long).count(), 1);
        assert_eq!(stripped(" \u{a0}x\t\r"), "\u{a0}x");
    }
}
