//! A line of iptables-restore's input, cut into words.
//!
//! Follows `xtables-restore.c` and `xshared.c` of iptables 1.8: a quotation mark may start
//! anywhere in a word and its end is the word's end; a backslash escapes within quotes alone.

/// Longest word that iptables-restore takes, in bytes.
const MAX_WORD: usize = 1023;
/// Most words of one line.
const MAX_WORDS: usize = 250;

/// Cuts a line without its newline.
///
/// # Errors
/// Why iptables-restore refuses it.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut open, mut escaped) = (false, false);
    for c in line.chars().chain(['\n']) {
        let mut ends = matches!(c, ' ' | '\t' | '\n') && !word.is_empty();
        if open {
            ends = false;
            match c {
                _ if escaped => {
                    word.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    open = false;
                    ends = true;
                }
                // fgets gave the newline as part of the line.
                _ => word.push(c),
            }
        } else {
            match c {
                '"' => open = true,
                ' ' | '\t' | '\n' => {}
                _ => word.push(c),
            }
        }
        if word.len() > MAX_WORD {
            return Err("a word of more than 1023 bytes".into());
        }
        if ends {
            words.push(std::mem::take(&mut word));
            if words.len() > MAX_WORDS {
                return Err("more than 250 words".into());
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// A line after the counters `[packets:bytes]` that may stand before a rule.
///
/// # Errors
/// Counters that iptables-restore refuses.
pub(super) fn after_counters(line: &str) -> Result<&str, String> {
    let Some(rest) = line.strip_prefix('[') else { return Ok(line) };
    let (counters, rest) = rest.split_once(']').ok_or("counters without a ]")?;
    match counters.split_once(':') {
        Some((packets, bytes)) if !packets.is_empty() && !bytes.is_empty() => Ok(rest),
        _ => Err("counters without a :".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_words_and_escapes_count_within() {
        let cut = |line: &str| words(line).unwrap();
        assert_eq!(cut("-A INPUT\t -j  DROP"), ["-A", "INPUT", "-j", "DROP"]);
        assert_eq!(cut(r#"--comment "a \"b\" c"d e"#), ["--comment", r#"a "b" c"#, "d", "e"]);
        assert_eq!(cut(r#"a"" """#), ["a", ""]);
        assert!(words(&"x".repeat(1024)).is_err() && words(&"x ".repeat(300)).is_err());
        assert_eq!(after_counters("[1:2] -A x"), Ok(" -A x"));
        assert!(after_counters("[1:2 -A x").is_err() && after_counters("[12] -A x").is_err());
    }
}
