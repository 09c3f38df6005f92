//! Colon-separated tables as the C library's `files` database reads them.

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
    for (index, line) in text.split('\n').enumerate() {
        // C strings end at the first NUL; leading blanks, empty lines and comments are skipped.
        let line = line.split('\0').next().unwrap_or_default().trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = Location::line(path, index + 1);
        match parse(line) {
            Some(row) => rows.push(Sourced::new(row, at)),
            None => malformed.push(Sourced::new(line.to_owned(), at)),
        }
    }
    Ok(Some(rows))
}

pub(super) fn user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.splitn(7, ':').collect();
    let [name, password, uid, gid, rest @ ..] = fields.as_slice() else { return None };
    // What is missing at the end is empty: no home, and /bin/sh as the shell.
    let text = |index: usize| rest.get(index).map_or_else(String::new, |t| (*t).to_owned());
    Some(User {
        name: name_of(name)?,
        password: (*password).to_owned(),
        uid: id(uid)?,
        gid: id(gid)?,
        home: text(1),
        shell: text(2),
    })
}

pub(super) fn shadow(line: &str) -> Option<Shadow> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, password, numbers @ ..] = fields.as_slice() else { return None };
    // Old files end after the sixth field; the last of the new ones is reserved. A line that
    // ends before its last field must not end in a colon.
    let complete = match numbers {
        [_, _, last] | [_, _, _, _, _, last] => !last.is_empty(),
        _ => numbers.len() == 7,
    };
    if !complete {
        return None;
    }
    let number = |index: usize| match numbers.get(index) {
        None | Some(&"") => Some(None),
        Some(digits) => digits.parse().ok().map(Some),
    };
    Some(Shadow {
        name: name_of(name)?,
        password: (*password).to_owned(),
        changed: number(0)?,
        min_days: number(1)?,
        max_days: number(2)?,
        warn_days: number(3)?,
        inactive_days: number(4)?,
        expires: number(5)?,
    })
}

pub(super) fn group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.splitn(4, ':').collect();
    let [name, password, gid, rest @ ..] = fields.as_slice() else { return None };
    let members = rest.first().copied().unwrap_or_default();
    let (name, gid) = (name_of(name)?, id(gid)?);
    Some(Group { name, password: (*password).to_owned(), gid, members: names(members) })
}

pub(super) fn group_shadow(line: &str) -> Option<GroupShadow> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, password, administrators, members] = fields.as_slice() else { return None };
    Some(GroupShadow {
        name: name_of(name)?,
        password: (*password).to_owned(),
        administrators: names(administrators),
        members: names(members),
    })
}

/// A numeric id; blanks before it are tolerated.
fn id(field: &str) -> Option<u32> {
    field.trim_start().parse().ok()
}

/// A name; the compatibility entries of NIS (`+`, `-`) are none to the `files` database.
fn name_of(field: &str) -> Option<String> {
    (!field.is_empty() && !field.starts_with(['+', '-'])).then(|| field.to_owned())
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim_start).filter(|n| !n.is_empty()).map(str::to_owned).collect()
}
