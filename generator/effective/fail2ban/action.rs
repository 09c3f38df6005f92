//! A jail's actions: how a list of them is written, and which programs they run.

use std::collections::BTreeSet;

use crate::effective::python_ini::Ini;

/// Splits a list of actions at white space that is not within `[…]`.
pub fn split_actions(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if depth > 0 && (c == '"' || c == '\'') => quote = Some(c),
            None if c == '[' => depth += 1,
            None if c == ']' => depth = depth.saturating_sub(1),
            None if depth == 0 && c.is_whitespace() => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.retain(|action| !action.is_empty());
    found
}

/// `name[key="value", key=value][key=value]` in its parts; `None` where it is nothing like that.
pub fn split_options(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let Some((name, rest)) = text.split_once('[') else {
        return Some((text.to_string(), Vec::new()));
    };
    if name.is_empty() {
        return None;
    }
    let mut rest = rest.trim_end().strip_suffix(']')?;
    let mut options = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ']' || c == '[');
        if rest.is_empty() {
            return Some((name.to_string(), options));
        }
        let (key, value) = rest.split_once('=')?;
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote)?,
            None => value.split_at(value.find([',', ']']).unwrap_or(value.len())),
        };
        options.push((key.trim().to_string(), value.trim().to_string()));
        rest = after;
    }
}

/// The first words of an action's commands, its own `<tags>` replaced.
pub fn programs(ini: &Ini) -> Vec<String> {
    const SHELL: [&str; 22] = [
        "if", "then", "else", "elif", "fi", "for", "do", "done", "while", "case", "esac", "{", "}", "!",
        "true", "false", "echo", "printf", "test", "[", "exit", "return",
    ];
    let option = |name: &str| {
        ["Init", "Definition"]
            .iter()
            .find_map(|section| ini.raw(section, name))
            .map(|found| found.value.clone())
    };
    let mut found = BTreeSet::new();
    for command in ["actionstart", "actionban", "actionunban"] {
        let text = option(command).unwrap_or_default();
        for part in text.split(['\n', ';', '|', '&', '{', '(', '`']) {
            let word = part.split_whitespace().find(|word| !SHELL.contains(word)).unwrap_or_default();
            let mut word = word.trim_start_matches(['{', '(']).to_string();
            for _ in 0..4 {
                let Some(tag) = word.strip_prefix('<').and_then(|w| w.split_once('>')).map(|w| w.0) else {
                    break;
                };
                let value = option(tag).unwrap_or_default();
                word = value.split_whitespace().next().unwrap_or_default().to_string();
            }
            let name = word.rsplit('/').next().unwrap_or_default();
            let is_name =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if is_name
                && !SHELL.contains(&name)
                && !name.starts_with('-')
                && name.starts_with(|c: char| c.is_ascii_lowercase())
            {
                found.insert(name.to_string());
            }
        }
    }
    found.into_iter().collect()
}
