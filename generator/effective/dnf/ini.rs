//! The language: libdnf's `IniParser`.

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};

/// Why a file is no good: dnf then does nothing at all.
pub type Problem = Sourced<String>;

/// Options by section. Names keep their case; of equal ones the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    /// Each option with how many stood before its first line: dnf sets them in this order.
    sections: BTreeMap<String, BTreeMap<String, (usize, Sourced<String>)>>,
}

/// An option whose value may go on in the next line.
struct Open {
    name: String,
    value: Sourced<String>,
}

impl Ini {
    /// Reads one file's text.
    ///
    /// # Errors
    /// Where the parser throws.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let mut ini = Self::default();
        let mut section = String::new();
        let mut open: Option<Open> = None;
        for (index, line) in text.split('\n').enumerate() {
            let line = if index == 0 { line.trim_start_matches('\u{feff}') } else { line };
            let at = Location::line(file, index + 1);
            let problem = |what: &str| Problem::new(what.to_owned(), at.clone());
            if line.is_empty() || line.starts_with(['#', ';']) {
                ini.put(&section, open.take());
                continue;
            }
            let content = line.trim_matches([' ', '\t', '\r']);
            if content.is_empty() {
                if let Some(open) = &mut open {
                    open.value.value.push('\n');
                }
                continue;
            }
            let indented = line.starts_with([' ', '\t', '\r']);
            if !indented || content.starts_with('[') {
                ini.put(&section, open.take());
            }
            if let Some(inner) = content.strip_prefix('[') {
                section = section_name(inner).map_err(problem)?;
                ini.sections.entry(section.clone()).or_default();
                continue;
            }
            if section.is_empty() {
                return Err(problem("text before the first section"));
            }
            if indented {
                let Some(open) = &mut open else { return Err(problem("a line that continues nothing")) };
                open.value.value.push('\n');
                open.value.value.push_str(content);
                continue;
            }
            let (name, value) = content.split_once('=').ok_or_else(|| problem("a line without “=”"))?;
            if name.is_empty() {
                return Err(problem("a value without a name"));
            }
            let value = value.trim_start_matches([' ', '\t']).to_owned();
            let name = name.trim_end_matches([' ', '\t']).to_owned();
            open = Some(Open { name, value: Sourced::new(value, at) });
        }
        ini.put(&section, open);
        Ok(ini)
    }

    /// An option of a section.
    pub fn get(&self, section: &str, option: &str) -> Option<&Sourced<String>> {
        self.sections.get(section)?.get(option).map(|(_, value)| value)
    }

    /// Those of some options that a section sets, in the order in which dnf does.
    pub fn in_order(&self, section: &str, options: &[&str]) -> Vec<&Sourced<String>> {
        let found = self.sections.get(section);
        let mut found: Vec<_> = options.iter().filter_map(|name| found?.get(*name)).collect();
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// The names of the sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    fn put(&mut self, section: &str, open: Option<Open>) {
        let Some(Open { name, mut value }) = open else { return };
        let text = value.value.trim_end_matches('\n');
        // One pair of quotes goes.
        let bare = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
        value.value = bare.unwrap_or(text).to_owned();
        let options = self.sections.entry(section.to_owned()).or_default();
        let order = options.get(&name).map_or(options.len(), |(order, _)| *order);
        options.insert(name, (order, value));
    }
}

/// The name in a section's line, behind its `[`. The parser looks at what follows the `]`, but
/// for the line's last character.
fn section_name(inner: &str) -> Result<String, &'static str> {
    let (name, after) = inner.split_once(']').ok_or("a section without “]”")?;
    if name.is_empty() {
        return Err("a section without a name");
    }
    let mut rest = after.chars();
    rest.next_back();
    match rest.find(|c| !matches!(c, ' ' | '\t' | '\r')) {
        None | Some('#' | ';') => Ok(name.to_owned()),
        Some(_) => Err("text behind a section's name"),
    }
}
