//! Values in nftables' text: what a match compares with, and the elements of a set.

use super::nft_cursor::Cursor;
use super::nft_lex::Token;
use super::nft_raw::{Element, Values};
use super::nft_rule::{skip_counter, verdict};

/// `{ … }`, `@name`, or values without braces (`established,related`, `22`, `1024 - 65535`).
pub(super) fn values(cursor: &mut Cursor<'_>) -> Result<Values, String> {
    if cursor.take("{") {
        return Ok(Values::Elements(elements(cursor)?));
    }
    let first = cursor.word().ok_or("a comparison without a value")?;
    if let Some(name) = first.strip_prefix('@') {
        return Ok(Values::Named(name.to_string()));
    }
    let mut list = vec![key(first, cursor)?];
    while cursor.take(",") {
        let next = cursor.word().ok_or("a list that ends in a comma")?;
        list.push(key(next, cursor)?);
    }
    Ok(Values::Elements(list.into_iter().map(|key| Element { key, action: None }).collect()))
}

/// Elements up to the closing brace, which is taken. Braces within (a variable's) are flattened.
pub(super) fn elements(cursor: &mut Cursor<'_>) -> Result<Vec<Element>, String> {
    let mut found = Vec::new();
    let mut depth = 1_usize;
    while let Some(token) = cursor.next() {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth -= 1;
            if depth == 0 {
                return Ok(found);
            }
        } else if !token.is(",") && !token.is_separator() {
            found.push(element(token, cursor)?);
        }
    }
    Err("a set that is never closed".into())
}

fn element(first: &Token, cursor: &mut Cursor<'_>) -> Result<Element, String> {
    let mut element = Element { key: key(first.text.clone(), cursor)?, action: None };
    loop {
        let Some(token) = cursor.peek() else { return Ok(element) };
        if token.is(",") || token.is("}") || token.is("{") {
            return Ok(element);
        }
        cursor.next();
        if token.is(":") {
            let word = cursor.word().unwrap_or_default();
            element.action = verdict(&word, cursor)?;
            if element.action.is_none() {
                return Err(format!("a map to {word}"));
            }
        } else if token.is("comment") || token.is("timeout") || token.is("expires") {
            cursor.next();
        } else if token.is("counter") {
            skip_counter(cursor);
        } else if !token.is_separator() {
            return Err(format!("in a set: {}", token.text));
        }
    }
}

/// The parts of a possibly concatenated key, each with spaced-out intervals joined.
fn key(first: String, cursor: &mut Cursor<'_>) -> Result<Vec<String>, String> {
    let mut parts = vec![interval(first, cursor)];
    while cursor.take(".") {
        let next = cursor.word().ok_or("a concatenation that ends")?;
        parts.push(interval(next, cursor));
    }
    Ok(parts)
}

fn interval(low: String, cursor: &mut Cursor<'_>) -> String {
    if !cursor.take("-") {
        return low;
    }
    format!("{low}-{}", cursor.word().unwrap_or_default())
}
