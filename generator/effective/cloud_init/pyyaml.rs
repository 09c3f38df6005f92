//! YAML as PyYAML's `safe_load` takes it: version 1.1, where `no` is false, `0644` is octal and of two equal keys the
//! later one counts. Dates stay the text that they are.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::location::Sourced;
use crate::yaml::{MAX_YAML_BYTES, Source};

/// The top level's keys, in order, with the places of their values; or why PyYAML or cloud-init refuses the text.
pub fn mapping(source: &Source) -> Result<Vec<(String, Sourced<Value>)>, String> {
    if source.text.len() > MAX_YAML_BYTES {
        return Err(format!("more than {MAX_YAML_BYTES} bytes"));
    }
    // PyYAML wants a `---` after the end of a document, and then finds one document too many.
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut lines = text.lines();
    let ended = lines.any(|line| {
        line.strip_prefix("...").is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty())
    });
    if ended && lines.any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        return Err("more than one document".to_owned());
    }
    if let Some(line) = tab_before_word(text) {
        return Err(format!("a tab stands before a word in line {line}"));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
    };
    let node = serde_saphyr::from_str_with_options::<Option<Node>>(&source.text, options);
    let Some(node) = node.map_err(|error| error.to_string())? else { return Ok(Vec::new()) };
    match node.0.value {
        Inner::Map(entries) => {
            let mut keys: Vec<(String, Sourced<Value>)> = Vec::new();
            for (key, value) in entries {
                let name = key_text(&key.resolved(&source.text)?);
                let at = source.locate(value.0.referenced);
                keys.retain(|(other, _)| *other != name);
                keys.push((name, Sourced::new(value.resolved(&source.text)?, at)));
            }
            Ok(keys)
        }
        Inner::Null => Ok(Vec::new()),
        _ => match node.resolved(&source.text)? {
            Value::Null => Ok(Vec::new()),
            _ => Err("the top level is no mapping".to_owned()),
        },
    }
}

/// The first line, from 1, with a tab where PyYAML takes blanks alone; in a block of text (after `|` or `>`) it may.
fn tab_before_word(text: &str) -> Option<usize> {
    let mut block = None;
    for (index, line) in text.lines().enumerate() {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        if block.is_some_and(|outer| rest.is_empty() || indent > outer) {
            continue;
        }
        if has_tab(rest) {
            return Some(index + 1);
        }
        let header = rest.split(" #").next().unwrap_or_default().trim_end();
        let header = header.trim_end_matches(|c: char| "+-".contains(c) || c.is_ascii_digit());
        let opens = header.strip_suffix(['|', '>']).is_some_and(|before| before.ends_with([' ', '\t']));
        block = (opens && !rest.starts_with('#')).then_some(indent);
    }
    None
}

/// Whether a line has a tab outside of quotes and comments.
fn has_tab(line: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    for c in line.chars() {
        match (quote, c) {
            (None, '\t') => return true,
            (None, '#') if before == ' ' => return false,
            (None, '"' | '\'') if " [{,:".contains(before) => quote = Some(c),
            (Some(open), _) if c == open && before != '\\' => quote = None,
            _ => {}
        }
        before = c;
    }
    false
}

/// A value and where it stands.
struct Node(Spanned<Inner>);

enum Inner {
    Null,
    /// What serde makes of a scalar; the text decides where it has no quotes.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    fn resolved(&self, text: &str) -> Result<Value, String> {
        Ok(match &self.0.value {
            Inner::Null => Value::Null,
            Inner::Scalar(value) => {
                let span = self.0.defined.span();
                let place = span.byte_offset().zip(span.byte_len()).and_then(|(start, length)| {
                    let start = usize::try_from(start).ok()?;
                    let raw = text.get(start..start.checked_add(usize::try_from(length).ok()?)?)?;
                    Some((text.get(..start)?, raw))
                });
                // A tag stands before its scalar.
                let tagged = place.is_some_and(|(before, _)| {
                    before.split_whitespace().next_back().is_some_and(|word| word.starts_with('!'))
                });
                let raw = place.map(|(_, raw)| raw).filter(|_| !tagged);
                match raw.map(str::trim) {
                    Some(raw) if raw.starts_with(['"', '\'', '|', '>', '!']) || raw.contains('\n') => {
                        Value::String(value.clone())
                    }
                    // A type of its own in YAML 1.1, which the safe loader can't make.
                    Some("=") => return Err("a `=` without quotes".to_owned()),
                    Some(raw) if !raw.is_empty() => plain(raw),
                    _ => Value::String(value.clone()),
                }
            }
            Inner::List(items) => {
                Value::Array(items.iter().map(|item| item.resolved(text)).collect::<Result<_, _>>()?)
            }
            Inner::Map(entries) => {
                let entry = |(k, v): &(Node, Node)| Ok((key_text(&k.resolved(text)?), v.resolved(text)?));
                Value::Object(entries.iter().map(entry).collect::<Result<Map<_, _>, String>>()?)
            }
        })
    }
}

/// A key that is no text is written as JSON writes it.
fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor)
    }
}

struct InnerVisitor;

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Inner, E> {
        Ok(Inner::Null)
    }

    fn visit_none<E>(self) -> Result<Inner, E> {
        Ok(Inner::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Inner, D::Error> {
        Inner::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Inner, E> {
        Ok(Inner::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inner, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Inner::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Inner::Map(entries))
    }
}

/// What a scalar without quotes means, by the implicit resolvers of `yaml/resolver.py`.
fn plain(text: &str) -> Value {
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
