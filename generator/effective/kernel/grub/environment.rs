//! GRUB's environment block: what `grub-editenv` writes and `load_env` reads (`grub-core/lib/envblk.c`).

/// The first line.
const SIGNATURE: &str = "# GRUB Environment Block\n";

/// The variables in order, or `None` where GRUB takes the file for no environment block.
pub fn variables(block: &str) -> Option<Vec<(String, String)>> {
    let mut rest = block.strip_prefix(SIGNATURE)?;
    let mut variables = Vec::new();
    while !rest.is_empty() {
        if !rest.starts_with('#') {
            // A line without `=` makes one name with the next.
            let Some((name, after)) = rest.split_once('=') else { break };
            let Some((value, after)) = value(after) else { break };
            variables.push((name.to_owned(), value));
            rest = after;
        }
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    Some(variables)
}

/// The value up to the line's end, which must be there, and the text from there on.
fn value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return Some((value, &text[at..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}
