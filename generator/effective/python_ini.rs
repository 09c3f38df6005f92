//! Files as Python's `configparser` reads them, with the includes and the interpolation that
//! fail2ban adds.
//!
//! This module owns the format; which files there are, and what an option means, is
//! [`super::fail2ban`]'s.

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};

/// Depth of `%(name)s` within `%(name)s` that configparser allows.
const MAX_DEPTH: usize = 10;

/// Longest value that interpolation may make: names can multiply.
const MAX_VALUE: usize = 1 << 20;

/// The options of one section. Names are in lower case.
pub type Options = BTreeMap<String, Sourced<String>>;

/// Options by section; `DEFAULT` is one of them.
#[derive(Clone, Debug, Default)]
pub struct Ini {
    sections: BTreeMap<String, Options>,
    /// What an option held before a later file overrode it: fail2ban's `%(known/name)s`.
    known: BTreeMap<String, Options>,
}

/// Why a file or a value is no good. Python raises there, and the program does not start.
pub type Problem = Sourced<String>;

impl Ini {
    /// Reads one file's text.
    ///
    /// # Errors
    /// Where configparser raises: no section, a line without a delimiter, a duplicate.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let mut ini = Self::default();
        let mut section: Option<String> = None;
        let mut option: Option<String> = None;
        let mut indent = 0;
        for (number, line) in text.split('\n').enumerate() {
            let at = Location::line(file, number + 1);
            let problem = |what: &str| Problem::new(what.to_string(), at.clone());
            let (content, comment) = without_comment(line);
            let value = content.trim();
            let open = section.as_ref().zip(option.as_ref());
            let current = open.and_then(|(s, o)| ini.sections.get_mut(s)?.get_mut(o));
            if value.is_empty() {
                if let (Some(current), false) = (current, comment) {
                    current.value.push('\n');
                }
                continue;
            }
            let here = line.len() - line.trim_start().len();
            if let Some(current) = current.filter(|_| here > indent) {
                current.value.push('\n');
                current.value.push_str(value);
                continue;
            }
            indent = here;
            if let Some(name) = value.strip_prefix('[').and_then(|v| v.rsplit_once(']')).map(|v| v.0) {
                if ini.sections.contains_key(name) && name != "DEFAULT" {
                    return Err(problem(&format!("section [{name}] stands twice")));
                }
                ini.sections.entry(name.to_string()).or_default();
                section = Some(name.to_string());
                option = None;
                continue;
            }
            let Some(into) = section.as_ref().and_then(|name| ini.sections.get_mut(name)) else {
                return Err(problem("text before the first section"));
            };
            let Some((name, value)) = value.split_once(['=', ':']) else {
                return Err(problem("a line that is no option"));
            };
            let name = name.trim().to_lowercase();
            if into.contains_key(&name) {
                return Err(problem(&format!("option {name} stands twice")));
            }
            into.insert(name.clone(), Sourced::new(value.trim().to_string(), at));
            option = Some(name);
        }
        for value in ini.sections.values_mut().flat_map(BTreeMap::values_mut) {
            value.value.truncate(value.value.trim_end().len());
        }
        Ok(ini)
    }

    /// Lays a later file over this one: its options win.
    pub fn overlay(&mut self, later: &Self) {
        for (name, options) in &later.sections {
            let own = self.sections.entry(name.clone()).or_default();
            if name != "DEFAULT" {
                let before = own.iter().filter(|(option, _)| options.contains_key(*option));
                let before: Vec<_> = before.map(|(k, v)| (k.clone(), v.clone())).collect();
                self.known.entry(name.clone()).or_default().extend(before);
            }
            own.extend(options.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }

    /// Names of the sections, without `DEFAULT`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str).filter(|name| *name != "DEFAULT")
    }

    /// An option as written, from the section or from `DEFAULT`.
    pub fn raw(&self, section: &str, option: &str) -> Option<&Sourced<String>> {
        let own = self.sections.get(section).and_then(|options| options.get(option));
        own.or_else(|| self.sections.get("DEFAULT").and_then(|options| options.get(option)))
    }

    /// Sets an option that the program itself brings.
    pub fn preset(&mut self, option: &str, value: &str, at: Location) {
        let defaults = self.sections.entry("DEFAULT".into()).or_default();
        defaults.insert(option.to_string(), Sourced::new(value.to_string(), at));
    }

    /// An option with every `%(name)s` replaced; `None` where it is not set.
    ///
    /// # Errors
    /// A name that is not set, a lone `%`, or names in a circle.
    pub fn get(&self, section: &str, option: &str) -> Result<Option<Sourced<String>>, Problem> {
        let Some(raw) = self.raw(section, option) else { return Ok(None) };
        let mut value = String::new();
        self.interpolate(section, &raw.value, &mut value, 1)
            .map_err(|what| Problem::new(format!("{option}: {what}"), raw.at.clone()))?;
        Ok(Some(Sourced::new(value, raw.at.clone())))
    }

    fn interpolate(&self, section: &str, raw: &str, into: &mut String, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("names within names, too deep".into());
        }
        let mut rest = raw;
        while let Some(percent) = rest.find('%') {
            into.push_str(&rest[..percent]);
            rest = &rest[percent + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                into.push('%');
                rest = after;
                continue;
            }
            let inner = rest.strip_prefix('(').and_then(|r| r.split_once(")s"));
            let Some((name, after)) = inner.filter(|(name, _)| !name.contains(')')) else {
                return Err("a % that is neither %% nor %(name)s".into());
            };
            // Names of options are read in lower case, names of sections are not: `%(DEFAULT/x)s` is unset.
            let lower = name.to_lowercase();
            let found = match lower.as_str() {
                "__name__" => Some(section),
                _ if name.contains('/') && lower != name => None,
                _ => self.lookup(section, &lower),
            };
            let Some(found) = found else { return Err(format!("%({name})s is not set")) };
            self.interpolate(section, found, into, depth + 1)?;
            if into.len() > MAX_VALUE {
                return Err("a value longer than any real one".into());
            }
            rest = after;
        }
        into.push_str(rest);
        Ok(())
    }

    fn lookup(&self, section: &str, name: &str) -> Option<&str> {
        if let Some(value) = self.raw(section, name) {
            return Some(&value.value);
        }
        let (other, option) = name.split_once('/')?;
        let options = match other {
            "known" => self.known.get(section),
            "default" => None,
            other => Some(self.sections.get(other)?),
        };
        let own = options.and_then(|options| options.get(option));
        own.or_else(|| self.sections.get("DEFAULT")?.get(option)).map(|value| value.value.as_str())
    }
}

/// A line without its comment, and whether it had one: `#` or `;` first, or ` ;` anywhere.
fn without_comment(line: &str) -> (&str, bool) {
    if line.trim_start().starts_with(['#', ';']) {
        return ("", true);
    }
    let inline = line.match_indices(';').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
    match inline {
        Some((at, _)) => (&line[..at], true),
        None => (line, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, section: &str, option: &str) -> Option<String> {
        let ini = Ini::parse("/x", text).unwrap();
        ini.get(section, option).unwrap().map(|found| found.value)
    }

    #[test]
    fn values_continue_comment_and_interpolate() {
        let text = "[DEFAULT]\nA = 1 ; note\nb: two\n   three\n\n  # no\n   four\n[s]\nc=%(a)s-%(__name__)s-%%\nd=x;y\n";
        assert_eq!(value(text, "s", "c").as_deref(), Some("1-s-%"));
        assert_eq!(value(text, "s", "b").as_deref(), Some("two\nthree\n\nfour"));
        assert_eq!(value(text, "s", "d").as_deref(), Some("x;y"));
        assert_eq!(value(text, "s", "e"), None);
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in ["a=1\n", "[s]\nword\n", "[s]\na=1\nA=2\n", "[s]\n[s]\n"] {
            assert!(Ini::parse("/x", text).is_err(), "{text}");
        }
        for text in ["[s]\na=%(b)s\n", "[s]\na=100%\n", "[s]\na=%(a)s\n", "[s]\na=%(b\n"] {
            assert!(Ini::parse("/x", text).unwrap().get("s", "a").is_err(), "{text}");
        }
        let bomb: String =
            (1..9).map(|n| format!("a{n}={}\n", format!("%(a{})s", n - 1).repeat(20))).collect();
        assert!(Ini::parse("/x", &format!("[s]\na0=xxxxxxxxxx\n{bomb}")).unwrap().get("s", "a8").is_err());
    }
}
