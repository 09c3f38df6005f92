//! Colon-separated tables as the C library's `files` database reads them (glibc's
//! `nss/nss_files/files-parse.c` and the parsers that use it).

use std::borrow::Cow;

use super::{Group, GroupShadow, Shadow, User};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Reads a table; lines that don't parse go to `malformed`. `None` where the file is absent.
pub(super) fn read<T>(
    root: &Root<'_>,
    path: &str,
    parse: fn(&str) -> Option<T>,
    malformed: &mut Vec<Sourced<String>>,
) -> Result<Option<Vec<Sourced<T>>>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    let mut rows = Vec::new();
    let mut lines = text.split('\n').enumerate().peekable();
    while let Some((index, raw)) = lines.next() {
        // C strings end at the first NUL; leading blanks, empty lines and comments are skipped.
        let raw = raw.split('\0').next().unwrap_or_default();
        let mut line = Cow::from(raw.trim_start_matches(is_space));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if lines.peek().is_none() {
            // Where it moves a line over its blanks, the library forgets its end (`nss_readline.c`),
            // which shows in a last line without a line end.
            let left = String::from_utf8_lossy(&raw.as_bytes()[line.len()..]);
            line.to_mut().push_str(&left);
        }
        let at = Location::line(path, index + 1);
        match parse(&line) {
            Some(row) => rows.push(Sourced::new(row, at)),
            None => malformed.push(Sourced::new(line.into_owned(), at)),
        }
    }
    Ok(Some(rows))
}

pub(super) fn user(line: &str) -> Option<User> {
    let mut fields = Fields(line);
    let (name, password) = (fields.name()?, fields.text());
    let (uid, gid) = (fields.id()?, fields.id()?);
    fields.text();
    // What is missing at the end is empty: no home, and /bin/sh as the shell.
    Some(User { name, password, uid, gid, home: fields.text(), shell: fields.0.to_owned() })
}

pub(super) fn shadow(line: &str) -> Option<Shadow> {
    let mut fields = Fields(line);
    let (name, password) = (fields.name()?, fields.text());
    let (changed, min_days, max_days) = (fields.days()?, fields.days()?, fields.days()?);
    fields.0 = fields.0.trim_start_matches(is_space);
    // Old files end here.
    let (warn_days, inactive_days, expires) = match fields.0 {
        "" => (None, None, None),
        _ => (fields.days()?, fields.days()?, fields.days()?),
    };
    // The last field is reserved; nothing may follow its number.
    if !fields.0.is_empty() && !number(fields.0)?.1.is_empty() {
        return None;
    }
    Some(Shadow { name, password, changed, min_days, max_days, warn_days, inactive_days, expires })
}

pub(super) fn group(line: &str) -> Option<Group> {
    let mut fields = Fields(line);
    let (name, password, gid) = (fields.name()?, fields.text(), fields.id()?);
    Some(Group { name, password, gid, members: names(fields.0) })
}

/// Reads the groups that no name finds: without one, for NIS (`+name:*::bob`), or behind a `#`. The
/// C library gives their numbers to their members at a login nevertheless: there it skips no
/// comment (`files-initgroups.c`).
pub(super) fn nameless_groups(root: &Root<'_>, path: &str) -> Result<Vec<Sourced<Group>>> {
    let text = root.read_text(path)?.unwrap_or_default();
    let rows = text.split('\n').enumerate().filter_map(|(index, line)| {
        let line = line.split('\0').next().unwrap_or_default().trim_start_matches(is_space);
        Some(Sourced::new(nameless_group(line)?, Location::line(path, index + 1)))
    });
    Ok(rows.collect())
}

fn nameless_group(line: &str) -> Option<Group> {
    let mut fields = Fields(line);
    let (name, password) = (fields.text(), fields.text());
    let nis = name.starts_with(['+', '-']);
    if !(nis || name.is_empty() || name.starts_with('#')) || fields.0.is_empty() {
        return None;
    }
    let (value, rest) = number(fields.0)?;
    // NIS may leave the number out, and it is 0 then.
    let gid = value.or(nis.then_some(0))?;
    Some(Group { name, password, gid, members: names(after(rest)?) })
}

pub(super) fn group_shadow(line: &str) -> Option<GroupShadow> {
    let mut fields = Fields(line);
    let (name, password, administrators) = (fields.name()?, fields.text(), names(&fields.text()));
    Some(GroupShadow { name, password, administrators, members: names(fields.0) })
}

/// What is left of a line.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    /// What stands before the next colon; what is missing is empty.
    fn text(&mut self) -> String {
        let (field, rest) = self.0.split_once(':').unwrap_or((self.0, ""));
        self.0 = rest;
        field.to_owned()
    }

    /// A name; the compatibility entries of NIS (`+`, `-`) are found by no name.
    fn name(&mut self) -> Option<String> {
        let name = self.text();
        (!name.is_empty() && !name.starts_with(['+', '-'])).then_some(name)
    }

    /// A number that has to be there, and ends at a colon or with the line.
    fn id(&mut self) -> Option<u32> {
        let (value, rest) = number(self.0)?;
        self.0 = after(rest)?;
        value
    }

    /// A number of days that may be missing, but not together with its colon. The library gives
    /// it as an `int`, with -1 for none.
    fn days(&mut self) -> Option<Option<i64>> {
        if self.0.is_empty() {
            return None;
        }
        let (value, rest) = number(self.0)?;
        self.0 = after(rest)?;
        Some(value.map(|value| i64::from(value.cast_signed())).filter(|days| *days != -1))
    }
}

/// What follows a number's end.
fn after(rest: &str) -> Option<&str> {
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':') }
}

/// A number of 32 bits as `strtoul` reads it, but never a negative one, and what follows; all of
/// the text follows where there is no number. `None` where there is one that does not fit.
fn number(text: &str) -> Option<(Option<u32>, &str)> {
    let bare = text.trim_start_matches(is_space);
    let digits = bare.strip_prefix('+').unwrap_or(bare);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match end {
        0 => Some((None, text)),
        _ => Some((Some(digits[..end].parse().ok()?), &digits[end..])),
    }
}

fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(|name| name.trim_start_matches(is_space));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// C's `isspace`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
