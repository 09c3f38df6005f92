//! The variables of a service: where they are set, and which setting of several counts.

use std::collections::BTreeMap;

use super::words::{Rules, Words, is_blank};
use crate::effective::glob;
use crate::effective::ini_dropin::IniDropin;
use crate::effective::systemd::{Unit, Units, name};
use crate::location::{Location, Sourced};
use crate::target::{Result, display};

/// Variables by name, each with the line that sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    variables: BTreeMap<String, Sourced<String>>,
}

/// The release since which a backslash at the end of a comment takes no next line into it.
const COMMENTS_END: u32 = 254;

/// Files of one `EnvironmentFile=`; far beyond any real number.
const MAX_FILES: usize = 1024;

impl Environment {
    /// What a service of this unit finds: `DefaultEnvironment=` of the manager, `Environment=`, then every
    /// `EnvironmentFile=`, without what `UnsetEnvironment=` takes away. What the manager itself was given
    /// (`PassEnvironment=`, `systemd.setenv=`) and what it makes up for each service are left out.
    ///
    /// The error is a sentence: without such a file the service does not start.
    pub(super) fn of(units: &Units<'_>, unit: &Unit) -> Result<std::result::Result<Self, Sourced<String>>> {
        let mut environment = Self::default();
        let manager = IniDropin::read(units.root, "systemd/system.conf")?;
        environment.assign(manager.all("Manager", "DefaultEnvironment").iter(), "");
        environment.assign(unit.values("Service", "Environment").into_iter(), &unit.name);
        for file in unit.values("Service", "EnvironmentFile") {
            if let Err(problem) = environment.file(units, file, &unit.name)? {
                return Ok(Err(problem));
            }
        }
        for taken in unit.values("Service", "UnsetEnvironment") {
            for word in Words::new(&taken.value, Rules::Unit).map_while(std::result::Result::ok) {
                let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
                if value.is_none_or(|value| environment.get(name).is_some_and(|set| set.value == value)) {
                    environment.variables.remove(name);
                }
            }
        }
        Ok(Ok(environment))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Sourced<String>> {
        self.variables.get(name)
    }

    /// Takes the words of `Environment=`, up to a quote that stays open; an empty value takes all back.
    fn assign<'v>(&mut self, values: impl Iterator<Item = &'v Sourced<String>>, unit: &str) {
        let mut own = Self::default();
        for value in values {
            if value.value.is_empty() {
                own.variables.clear();
            }
            for word in Words::new(&value.value, Rules::Unit).map_while(std::result::Result::ok) {
                if let Some((name, text)) = name::expand(&word, unit).split_once('=') {
                    own.set(name, Sourced::new(text.to_owned(), value.at.clone()));
                }
            }
        }
        self.variables.extend(own.variables);
    }

    fn set(&mut self, name: &str, value: Sourced<String>) {
        let character = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(character)
        {
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// Takes the files that one `EnvironmentFile=` names; with a `-` in front they may be missing or broken.
    fn file(
        &mut self,
        units: &Units<'_>,
        named: &Sourced<String>,
        unit: &str,
    ) -> Result<std::result::Result<(), Sourced<String>>> {
        let value = name::expand(&named.value, unit);
        let (optional, pattern) =
            value.strip_prefix('-').map_or((false, value.as_str()), |path| (true, path));
        // A line that names no absolute path is ignored.
        if !pattern.starts_with('/') {
            return Ok(Ok(()));
        }
        let mut good = false;
        for path in glob::expand(&units.root, pattern.as_bytes())?.iter().take(MAX_FILES) {
            let bytes = units.root.read(path)?;
            good = match bytes.and_then(|bytes| assignments(&bytes, &display(path), units.version)) {
                Some(assignments) => {
                    assignments.into_iter().for_each(|(name, value)| self.set(&name, value));
                    true
                }
                None if optional => continue,
                None => false,
            };
            if !good {
                break;
            }
        }
        let text = || format!("{pattern} can't be read, and without it the service does not start");
        Ok(if good || optional { Ok(()) } else { Err(Sourced::new(text(), named.at.clone())) })
    }
}

/// Where a reader of an environment file is (`parse_env_file_internal()` of systemd's `src/basic/env-file.c`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeKey,
    Key,
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    CommentEscape,
}

/// The assignments of an environment file in order, names not yet judged; `None` where systemd drops the whole file:
/// it has a NUL, or a name or value that is no UTF-8.
pub(super) fn assignments(bytes: &[u8], file: &str, version: u32) -> Option<Vec<(String, Sourced<String>)>> {
    use State::*;
    let mut found = Vec::new();
    let (mut state, mut key, mut value) = (BeforeKey, Vec::new(), Vec::new());
    let (mut line, mut started) = (1, 1);
    // As long as the value was before the blanks at its end, where there are some.
    let mut end = None;
    let mut push = |key: &mut Vec<u8>, value: &mut Vec<u8>, end: Option<usize>, line: usize| {
        value.truncate(end.unwrap_or(value.len()));
        let key = String::from_utf8(std::mem::take(key)).ok()?;
        let value = String::from_utf8(std::mem::take(value)).ok()?;
        found.push((
            key.trim_end_matches(is_blank).to_owned(),
            Sourced::new(value, Location::line(file, line)),
        ));
        Some(())
    };
    for byte in bytes {
        let (blank, ends) = (is_blank(char::from(*byte)), matches!(byte, b'\n' | b'\r'));
        state = match (state, byte) {
            (_, 0) => return None,
            (BeforeKey, b'#' | b';') => Comment,
            (BeforeKey, _) if blank => BeforeKey,
            (BeforeKey, _) => {
                started = line;
                key.push(*byte);
                Key
            }
            (Key, _) if ends => {
                key.clear();
                BeforeKey
            }
            (Key, b'=') => {
                end = None;
                BeforeValue
            }
            (Key, _) => {
                key.push(*byte);
                Key
            }
            (BeforeValue | Value, _) if ends => {
                push(&mut key, &mut value, end, started)?;
                BeforeKey
            }
            (BeforeValue, b'\'') => SingleQuoted,
            (BeforeValue, b'"') => DoubleQuoted,
            (BeforeValue | Value, b'\\') => {
                end = None;
                ValueEscape
            }
            (BeforeValue, _) if blank => BeforeValue,
            (BeforeValue, _) => {
                value.push(*byte);
                Value
            }
            (Value, _) => {
                end = if blank { end.or(Some(value.len())) } else { None };
                value.push(*byte);
                Value
            }
            (ValueEscape, _) => {
                value.extend((!ends).then_some(byte));
                Value
            }
            (SingleQuoted, b'\'') | (DoubleQuoted, b'"') => BeforeValue,
            (DoubleQuoted, b'\\') => DoubleQuotedEscape,
            (SingleQuoted | DoubleQuoted, _) => {
                value.push(*byte);
                state
            }
            (DoubleQuotedEscape, b'"' | b'\\' | b'`' | b'$') => {
                value.push(*byte);
                DoubleQuoted
            }
            (DoubleQuotedEscape, b'\n') => DoubleQuoted,
            (DoubleQuotedEscape, _) => {
                value.extend([b'\\', *byte]);
                DoubleQuoted
            }
            (Comment, b'\\') => CommentEscape,
            (CommentEscape, _) if ends && version >= COMMENTS_END => BeforeKey,
            (Comment, _) if ends => BeforeKey,
            (Comment | CommentEscape, _) => Comment,
        };
        line += usize::from(*byte == b'\n');
    }
    if !matches!(state, BeforeKey | Key | Comment | CommentEscape) {
        push(&mut key, &mut value, end, started)?;
    }
    Some(found)
}
