//! Numbers as GRUB reads them (`grub_strtoul` with base 0).

/// What a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number<'t> {
    /// A number, and the text after it.
    Value(u64, &'t str),
    TooLarge,
    None,
}

/// Reads `12`, `0x1f` or `017` after blanks.
pub fn number(text: &str) -> Number<'_> {
    let text = text.trim_start_matches(|c: char| " \t\n\r\x0b\x0c".contains(c));
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x', ..] => (16, &text[2..]),
        [b'0', b'0'..=b'7', ..] => (8, text),
        _ => (10, text),
    };
    let length = digits.chars().take_while(|c| c.is_digit(base)).count();
    if length == 0 {
        return Number::None;
    }
    match u64::from_str_radix(&digits[..length], base) {
        Ok(value) => Number::Value(value, &digits[length..]),
        Err(_) => Number::TooLarge,
    }
}
