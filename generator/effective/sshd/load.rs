//! Reads the command line and the files in sshd's order and turns them into statements, each with the `Match`
//! conditions it stands under. Decides nothing about which statement wins.

use std::collections::HashMap;

use super::command_line::{CommandLine, Given};
use super::criteria::{self, Criteria};
use super::keywords::{self, Keyword};
use super::lex::{self, Line};
use super::values::{self, Value};
use super::version::OpenSshVersion;
use crate::effective::glob;
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, TargetError, display};

/// Nesting of `Include` at which sshd gives up.
const MAX_DEPTH: usize = 16;
/// Files read for one configuration; far beyond any real one.
const MAX_FILES: usize = 1024;
/// `Match` lines and statements of one configuration; far beyond any real one.
const MAX_BLOCKS: usize = 2000;
const MAX_STATEMENTS: usize = 50_000;

/// Where relative `Include` patterns start.
const DIRECTORY: &str = "/etc/ssh";

/// One line that sets something.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub keyword: &'static Keyword,
    pub value: Value,
    /// The line's arguments as written, for people.
    pub text: String,
    /// `Match` lines (indices into [`Loaded::blocks`]) that must all be met.
    pub guards: Vec<usize>,
    pub at: Location,
}

/// Everything the files say.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub statements: Vec<Statement>,
    pub blocks: Vec<Criteria>,
    pub problems: Vec<Sourced<String>>,
}

impl Loaded {
    /// Whether a statement takes effect when the daemon starts: it stands under no `Match`, or
    /// only under ones that ask nothing of a login.
    pub(super) fn at_start(&self, guards: &[usize]) -> bool {
        guards.iter().all(|g| self.blocks[*g].iter().all(|c| c.met_at_start()))
    }
}

/// Loads a configuration: what the command line says, then the main file; `None` where there should be one and is none.
pub(super) fn load(
    root: &Root<'_>,
    started: &CommandLine,
    version: OpenSshVersion,
) -> Result<Option<Loaded>> {
    let (cache, loaded) = (HashMap::new(), Loaded::default());
    let mut loader = Loader { root, version, cache, files: 0, ports_given: false, loaded };
    loader.options(started)?;
    if let Some(main) = &started.main {
        let Some(bytes) = root.read(main)? else { return Ok(None) };
        loader.file(main, &bytes, &[], 0)?;
    }
    Ok(Some(loader.loaded))
}

struct Loader<'a> {
    root: &'a Root<'a>,
    version: OpenSshVersion,
    /// Paths that a pattern led to: sshd asks the filesystem once, too.
    cache: HashMap<String, Vec<Vec<u8>>>,
    files: usize,
    /// The command line says ports.
    ports_given: bool,
    loaded: Loaded,
}

impl Loader<'_> {
    /// What sshd is told before it reads any file.
    fn options(&mut self, started: &CommandLine) -> Result<()> {
        self.loaded.problems.extend(started.problems.iter().cloned());
        for Sourced { value, at } in &started.options {
            match value {
                Given::Line(text) => match lex::line(text) {
                    None => {}
                    Some(Err(problem)) => self.problem(problem, at),
                    Some(Ok(line))
                        if ["match", "include"].iter().any(|k| line.keyword.eq_ignore_ascii_case(k)) =>
                    {
                        self.problem(format!("“{}” is for files alone", line.keyword), at);
                    }
                    Some(Ok(line)) => self.statement(&line, &[], at.clone())?,
                },
                Given::Value(keyword, value) => self.statement(&Line::of(keyword, value), &[], at.clone())?,
                Given::Over(keyword, value) => {
                    let before = self.loaded.statements.len();
                    self.statement(&Line::of(keyword, value), &[], at.clone())?;
                    if self.loaded.statements.len() > before {
                        self.loaded.statements.rotate_right(1);
                    }
                }
                Given::Port(port) => {
                    self.ports_given = false;
                    self.statement(&Line::of("Port", port), &[], at.clone())?;
                    self.ports_given = true;
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str, bytes: &[u8], outer: &[usize], depth: usize) -> Result<()> {
        let mut guards = outer.to_vec();
        for (number, text) in lex::logical_lines(bytes) {
            let at = Location::line(name, number);
            match lex::line(&text) {
                None => {}
                Some(Err(problem)) => self.problem(problem, &at),
                Some(Ok(line)) if line.keyword.eq_ignore_ascii_case("match") => {
                    guards.truncate(outer.len());
                    guards.extend(self.block(&line, &at)?);
                }
                Some(Ok(line)) if self.is_include(&line) => {
                    self.include(&line, &guards, depth, &at)?;
                }
                Some(Ok(line)) => self.statement(&line, &guards, at)?,
            }
        }
        Ok(())
    }

    fn is_include(&self, line: &Line) -> bool {
        line.keyword.eq_ignore_ascii_case("include") && self.version.at_least((8, 2))
    }

    fn block(&mut self, line: &Line, at: &Location) -> Result<Option<usize>> {
        if line.args.is_none() {
            self.problem("a quote stays open".to_owned(), at);
        }
        match criteria::parse(line, self.version) {
            Ok(criteria) if self.loaded.blocks.len() < MAX_BLOCKS => {
                self.loaded.blocks.push(criteria);
                Ok(Some(self.loaded.blocks.len() - 1))
            }
            Ok(_) => Err(excessive("Match blocks", MAX_BLOCKS)),
            Err(problem) => {
                self.problem(problem, at);
                Ok(None)
            }
        }
    }

    fn include(&mut self, line: &Line, guards: &[usize], depth: usize, at: &Location) -> Result<()> {
        let patterns = line.args.as_deref().unwrap_or_default();
        if patterns.is_empty() {
            self.problem("“Include” without a readable file name".to_owned(), at);
        }
        for pattern in patterns {
            if pattern.is_empty() {
                self.problem("“Include” of an empty name".to_owned(), at);
                continue;
            }
            for path in self.expand(pattern)? {
                if depth + 1 > MAX_DEPTH {
                    self.problem("too many nested includes".to_owned(), at);
                    return Ok(());
                }
                self.included(&path, guards, depth + 1, at)?;
            }
        }
        Ok(())
    }

    fn expand(&mut self, pattern: &str) -> Result<Vec<Vec<u8>>> {
        if let Some(paths) = self.cache.get(pattern) {
            return Ok(paths.clone());
        }
        let paths = match pattern.chars().next() {
            Some('/') => glob::expand(self.root, pattern.as_bytes())?,
            // glob(3) without GLOB_TILDE: a home directory is never found.
            Some('~') => Vec::new(),
            _ => glob::expand(self.root, format!("{DIRECTORY}/{pattern}").as_bytes())?,
        };
        self.cache.insert(pattern.to_owned(), paths.clone());
        Ok(paths)
    }

    fn included(&mut self, path: &[u8], guards: &[usize], depth: usize, at: &Location) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(excessive("included files", MAX_FILES));
        }
        match (self.root.read(path)?, self.root.exists(path)?) {
            (Some(bytes), _) => self.file(&display(path), &bytes, guards, depth),
            // A directory reads as empty, and so does a link to the null device, which an image
            // need not hold.
            (None, true) => Ok(()),
            (None, false) if self.is_null(path)? => Ok(()),
            (None, false) => {
                self.problem(format!("{} can't be opened", display(path)), at);
                Ok(())
            }
        }
    }

    fn is_null(&self, path: &[u8]) -> Result<bool> {
        match self.root.entry(path)? {
            Some(entry) if entry.meta.kind == FileKind::Symlink => {
                Ok(self.root.tree().read_link(&entry.path)? == b"/dev/null")
            }
            _ => Ok(false),
        }
    }

    fn statement(&mut self, line: &Line, guards: &[usize], at: Location) -> Result<()> {
        let Some(keyword) = keywords::find(&line.keyword, self.version) else {
            self.problem(format!("unknown keyword “{}”", line.keyword), &at);
            return Ok(());
        };
        if !keyword.in_match(self.version) && !self.loaded.at_start(guards) {
            self.problem(format!("“{}” is not allowed in a Match block", line.keyword), &at);
            return Ok(());
        }
        if self.ports_given && keyword.name == "port" {
            return Ok(());
        }
        match values::read(keyword.kind, line, self.version) {
            Err(problem) => self.problem(format!("{}: {problem}", line.keyword), &at),
            Ok(Value::Nothing) => {}
            Ok(_) if self.loaded.statements.len() >= MAX_STATEMENTS => {
                return Err(excessive("statements", MAX_STATEMENTS));
            }
            Ok(value) => {
                if self.clashes(keyword, &value) {
                    self.problem(format!("{}: already set", line.keyword), &at);
                }
                let (text, guards) = (line.rest.clone(), guards.to_vec());
                self.loaded.statements.push(Statement { keyword, value, text, guards, at });
            }
        }
        Ok(())
    }

    /// Some releases refuse a second subsystem of the same name, and `any` after other methods.
    fn clashes(&self, keyword: &Keyword, value: &Value) -> bool {
        let Value::Many(words) = value else { return false };
        let name = |w: &String| w.split(' ').next().map(str::to_owned);
        let same = |earlier: &Value| match (keyword.name, earlier) {
            ("subsystem", Value::Many(have)) if !self.version.at_least((9, 5)) => {
                have.first().and_then(name) == words.first().and_then(name)
            }
            ("authenticationmethods", _) if !self.version.at_least((9, 7)) => words == &["any"],
            _ => false,
        };
        let at_start = |s: &&Statement| s.keyword.name == keyword.name && self.loaded.at_start(&s.guards);
        self.loaded.statements.iter().filter(at_start).any(|s| same(&s.value))
    }

    fn problem(&mut self, text: String, at: &Location) {
        self.loaded.problems.push(Sourced::new(text, at.clone()));
    }
}

fn excessive(what: &str, limit: usize) -> TargetError {
    TargetError::Corrupt(format!("sshd's configuration has more than {limit} {what}"))
}
