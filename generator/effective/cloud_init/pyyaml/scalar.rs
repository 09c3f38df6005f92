//! What a scalar without quotes means in YAML 1.1.

use serde_json::{Number, Value};

/// What a scalar without quotes means, by the implicit resolvers of `yaml/resolver.py`.
pub fn plain(text: &str) -> Value {
    match text {
        "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return true.into(),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return false.into(),
        _ => {}
    }
    let found = integer(text).map(Number::from).or_else(|| float(text));
    found.map_or_else(|| text.into(), Value::Number)
}

fn sign(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = sign(text);
    let in_base = |digits: &str, base: u32| {
        let plain = digits.replace('_', "");
        let valid = !digits.is_empty() && digits.chars().all(|c| c == '_' || c.is_digit(base));
        valid.then(|| i64::from_str_radix(&plain, base).ok()).flatten()
    };
    let value = if let Some(binary) = digits.strip_prefix("0b") {
        in_base(binary, 2)
    } else if let Some(hex) = digits.strip_prefix("0x") {
        in_base(hex, 16)
    } else if digits == "0" {
        Some(0)
    } else if let Some(octal) = digits.strip_prefix('0') {
        in_base(octal, 8)
    } else if digits.contains(':') {
        sexagesimal(digits)
    } else {
        in_base(digits, 10).filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))
    };
    value?.checked_mul(sign)
}

/// `12:30:45` is a number of seconds.
fn sexagesimal(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    let leads = first.starts_with(|c: char| ('1'..='9').contains(&c));
    let mut value: i64 = leads.then(|| first.replace('_', "").parse().ok()).flatten()?;
    for part in parts {
        let valid = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
        let part: i64 = valid.then(|| part.parse().ok()).flatten().filter(|part| *part < 60)?;
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(value)
}

/// Needs a dot; an exponent needs its sign.
fn float(text: &str) -> Option<Number> {
    let (sign, rest) = sign(text);
    let (whole, fraction) = rest.split_once('.')?;
    let (fraction, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let signed = exponent.is_none_or(|e| {
        e.strip_prefix(['+', '-']).is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    });
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let valid = digits(whole)
        && digits(fraction)
        && signed
        && (starts(whole) || (whole.is_empty() && starts(fraction) && !text.starts_with(['+', '-'])));
    let number =
        format!("{}0{whole}.{fraction}0e{}", if sign < 0 { "-" } else { "" }, exponent.unwrap_or("0"));
    valid.then(|| number.replace('_', "").parse().ok().and_then(Number::from_f64)).flatten()
}
