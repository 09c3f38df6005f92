//! Files of sudoers in sudo's order: continued lines, `@include`, `@includedir`, and which files
//! sudo refuses for their owner or mode.

use super::cursor::is_comment;
use super::parse::{self, Statement};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, TargetError, display};

/// Nesting of includes at which sudo gives up.
const MAX_DEPTH: usize = 128;
/// Files and statements of one policy; far beyond any real one.
const MAX_FILES: usize = 1024;
const MAX_STATEMENTS: usize = 50_000;

type Loaded = (Vec<Sourced<Statement>>, Vec<Sourced<String>>);

/// Loads a policy from its main file; `None` where that does not exist.
pub(super) fn load(root: &Root<'_>, main: &str) -> Result<Option<Loaded>> {
    let mut loader = Loader { root, files: 0, statements: Vec::new(), problems: Vec::new() };
    let found = loader.file(main, 0, None)?;
    Ok(found.then_some((loader.statements, loader.problems)))
}

struct Loader<'a> {
    root: &'a Root<'a>,
    files: usize,
    statements: Vec<Sourced<Statement>>,
    problems: Vec<Sourced<String>>,
}

enum Include<'a> {
    File(&'a str),
    Directory(&'a str),
}

impl Loader<'_> {
    /// Reads one file; whether it exists.
    fn file(&mut self, path: &str, depth: usize, from: Option<&Location>) -> Result<bool> {
        let here = from.cloned().unwrap_or_else(|| Location::file(path));
        if depth > MAX_DEPTH {
            self.problem("too many nested includes".to_owned(), &here);
            return Ok(true);
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(excessive("files", MAX_FILES));
        }
        let Some(link) = self.root.resolve(path)? else { return Ok(false) };
        // sudo reads only what root owns and nobody else can write.
        if link.meta.uid != 0 || link.meta.mode & 0o022 != 0 {
            let text = format!("{path} is ignored: owner {} and mode {:04o}", link.meta.uid, link.meta.mode);
            self.problem(text, &Location::file(path));
            return Ok(true);
        }
        let Some(text) = self.root.read_text(path)? else { return Ok(false) };
        for (number, line) in logical_lines(&text) {
            let at = Location::line(path, number);
            match include(&line) {
                Some(Include::File(name)) => {
                    let name = beside(path, name);
                    if !self.file(&name, depth + 1, Some(&at))? {
                        self.problem(format!("{name} does not exist"), &at);
                    }
                }
                Some(Include::Directory(name)) => self.directory(&beside(path, name), depth, &at)?,
                None => self.line(&line, &at)?,
            }
        }
        Ok(true)
    }

    /// Files of a directory by name; those with a `.` in it or a `~` at its end are skipped.
    fn directory(&mut self, path: &str, depth: usize, at: &Location) -> Result<()> {
        for entry in self.root.read_dir(path)? {
            if entry.name.contains(&b'.') || entry.name.ends_with(b"~") {
                continue;
            }
            let file = format!("{}/{}", path.trim_end_matches('/'), String::from_utf8_lossy(&entry.name));
            let regular = self.root.resolve(&file)?.is_some_and(|l| l.meta.kind == FileKind::File);
            if regular {
                self.file(&file, depth + 1, Some(at))?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str, at: &Location) -> Result<()> {
        match parse::parse(line) {
            Ok(statements) => {
                self.statements.extend(statements.into_iter().map(|s| Sourced::new(s, at.clone())))
            }
            Err(problem) => self.problem(problem, at),
        }
        if self.statements.len() > MAX_STATEMENTS {
            return Err(excessive("statements", MAX_STATEMENTS));
        }
        Ok(())
    }

    fn problem(&mut self, text: String, at: &Location) {
        self.problems.push(Sourced::new(text, at.clone()));
    }
}

fn excessive(what: &str, limit: usize) -> TargetError {
    TargetError::Corrupt(format!("sudo's policy has more than {limit} {what}"))
}

/// `@include x`, `#include x` and their directories.
fn include(line: &str) -> Option<Include<'_>> {
    let rest = line.trim_start().strip_prefix(['@', '#'])?;
    let (keyword, name) = rest.split_once([' ', '\t'])?;
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
    match keyword {
        _ if name.is_empty() => None,
        "include" => Some(Include::File(name)),
        "includedir" => Some(Include::Directory(name)),
        _ => None,
    }
}

/// A name relative to the directory of the file that includes it.
fn beside(path: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    display(format!("{directory}/{name}").trim_start_matches('/').as_bytes())
}

/// Lines with continued ones (`\` at the end) joined, with the first's number. A comment is
/// never continued.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, mut joined) = pending.take().unwrap_or((index + 1, String::new()));
        let continued = line.ends_with('\\') && !(joined.is_empty() && is_comment(line.trim_start()));
        joined.push_str(if continued { &line[..line.len() - 1] } else { line });
        if continued {
            pending = Some((number, joined));
        } else {
            lines.push((number, joined));
        }
    }
    lines.extend(pending);
    lines
}
