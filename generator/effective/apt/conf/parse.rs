//! The statements of apt.conf, as apt's `ReadConfigFile` reads them: scopes, lists, directives.

use super::{AptConf, is_plain_name, lex};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, display};

/// Deepest `#include` apt follows.
const MAX_INCLUDES: usize = 10;
/// Longest full name read. apt has no bound; real ones stay below 100 bytes.
const MAX_NAME_BYTES: usize = 1024;
/// Deepest nesting of `{` read, likewise.
const MAX_SCOPES: usize = 256;

/// Reads the parts of a directory in apt's order. A missing directory is an empty one.
///
/// Returns false where apt would stop with an error.
pub(super) fn directory(conf: &mut AptConf, root: Root<'_>, path: &str, depth: usize) -> Result<bool> {
    let mut good = true;
    for entry in root.read_dir(path)? {
        let Ok(name) = std::str::from_utf8(&entry.name) else {
            continue;
        };
        let part = format!("{}/{name}", path.trim_end_matches('/'));
        if !accepts(name) || !is_file(root, &part)? {
            continue;
        }
        good &= file(conf, root, &part, depth)?;
    }
    Ok(good)
}

/// Whether apt reads a part of this name: with the extension `conf` or none at all.
fn accepts(name: &str) -> bool {
    is_plain_name(name) && name.rsplit_once('.').is_none_or(|(_, extension)| extension == "conf")
}

fn is_file(root: Root<'_>, path: &str) -> Result<bool> {
    Ok(root.resolve(path)?.is_some_and(|link| link.meta.kind == FileKind::File))
}

/// Reads one file into the tree; false where apt would stop with an error.
pub(super) fn file(conf: &mut AptConf, root: Root<'_>, path: &str, depth: usize) -> Result<bool> {
    let shown = display(path.trim_start_matches('/').as_bytes());
    let Some(bytes) = root.read(path)? else {
        conf.broken.push(Sourced::new("no such file".to_owned(), Location::file(shown)));
        return Ok(false);
    };
    let mut parser = Parser {
        conf,
        root,
        file: shown,
        depth,
        scope: Vec::new(),
        outer: Vec::new(),
        statement: Vec::new(),
        started: 0,
    };
    match parser.run(&bytes)? {
        Ok(()) => Ok(true),
        Err(Refused { line, reason }) => {
            let at = Location::line(parser.file, line);
            conf.broken.push(Sourced::new(reason.to_owned(), at));
            Ok(false)
        }
    }
}

/// Where and why apt refuses the file. What was read before stays set.
struct Refused {
    line: usize,
    reason: &'static str,
}

struct Parser<'a, 'r> {
    conf: &'a mut AptConf,
    root: Root<'r>,
    file: String,
    depth: usize,
    /// Full name of the scope that is open.
    scope: Vec<u8>,
    /// Names of the scopes around it.
    outer: Vec<Vec<u8>>,
    /// What was read of the statement so far, blanks at line ends folded.
    statement: Vec<u8>,
    /// The line on which it began.
    started: usize,
}

impl Parser<'_, '_> {
    fn run(&mut self, bytes: &[u8]) -> Result<std::result::Result<(), Refused>> {
        let mut in_comment = false;
        let mut last = 0;
        for (number, raw) in bytes.split(|b| *b == b'\n').enumerate() {
            last = number + 1;
            let code = lex::code_of(raw, &mut in_comment);
            match self.line(&code, last)? {
                Ok(()) => {}
                Err(reason) => return Ok(Err(Refused { line: last, reason })),
            }
        }
        if !self.statement.is_empty() {
            let line = self.started.min(last);
            return Ok(Err(Refused { line, reason: "statement without an end" }));
        }
        Ok(Ok(()))
    }

    /// Takes one line without comments apart into statements.
    fn line(&mut self, code: &[u8], number: usize) -> Result<std::result::Result<(), &'static str>> {
        let mut in_quote = false;
        let mut start = 0;
        for (at, byte) in code.iter().enumerate() {
            in_quote ^= *byte == b'"';
            if in_quote || !b"{;}".contains(byte) {
                continue;
            }
            self.collect(&code[start..at], number);
            start = at + 1;
            if let Err(reason) = self.end_of_statement(*byte)? {
                return Ok(Err(reason));
            }
        }
        self.collect(&code[start..], number);
        Ok(Ok(()))
    }

    fn collect(&mut self, part: &[u8], number: usize) {
        let part = part.trim_ascii();
        if part.is_empty() {
            return;
        }
        if self.statement.is_empty() {
            self.started = number;
        } else {
            self.statement.push(b' ');
        }
        self.statement.extend_from_slice(part);
    }

    fn end_of_statement(&mut self, end: u8) -> Result<std::result::Result<(), &'static str>> {
        let statement = std::mem::take(&mut self.statement);
        if statement.is_empty() {
            match end {
                b'{' => return Ok(Err("block without a name")),
                b'}' => self.leave(),
                _ => {}
            }
            return Ok(Ok(()));
        }
        let Some((tag, rest)) = lex::quoted_word(&statement) else {
            return Ok(Err("malformed tag"));
        };
        let (word, rest) = match lex::c_word(rest).map(|w| (w, &b""[..])).or_else(|| lex::quoted_word(rest)) {
            Some((word, rest)) => (Some(word), rest),
            None => (None, rest.trim_ascii_start()),
        };
        if !rest.is_empty() {
            return Ok(Err("junk after the value"));
        }
        if end == b'{' {
            if self.outer.len() >= MAX_SCOPES || self.scope.len() + tag.len() > MAX_NAME_BYTES {
                return Ok(Err("scopes nested deeper than in any real file"));
            }
            self.enter(&tag);
            if let Some(word) = word {
                self.conf.set(&self.scope, self.sourced(&word));
            }
            return Ok(Ok(()));
        }
        // A lone word is a value without a tag: an item of the list around it.
        let (tag, word) = match word {
            Some(word) => (tag, word),
            None => (Vec::new(), tag),
        };
        if self.scope.len() + tag.len() > MAX_NAME_BYTES {
            return Ok(Err("a name longer than any real one"));
        }
        if let Some(directive) = tag.strip_prefix(b"#") {
            if let Err(reason) = self.directive(directive, &word)? {
                return Ok(Err(reason));
            }
        } else if tag.is_empty() && word == b"#clear" {
            return Ok(Err("#clear without a name"));
        } else {
            self.conf.set(&self.scoped(&tag), self.sourced(&word));
        }
        if end == b'}' {
            self.leave();
        }
        Ok(Ok(()))
    }

    fn directive(&mut self, directive: &[u8], word: &[u8]) -> Result<std::result::Result<(), &'static str>> {
        if !self.scope.is_empty() {
            return Ok(Err("a directive inside a scope"));
        }
        match directive {
            b"clear" => self.conf.clear(word),
            b"include" if self.depth > MAX_INCLUDES => return Ok(Err("includes nested too deep")),
            b"include" => {
                let path = String::from_utf8_lossy(word).into_owned();
                let good = if path.len() > 2 && path.ends_with('/') {
                    directory(self.conf, self.root, &path, self.depth + 1)?
                } else {
                    file(self.conf, self.root, &path, self.depth + 1)?
                };
                if !good {
                    return Ok(Err("the included file is broken or missing"));
                }
            }
            // Only teaches apt the types of its options; sets nothing.
            b"x-apt-configure-index" => {}
            _ => return Ok(Err("unknown directive")),
        }
        Ok(Ok(()))
    }

    fn enter(&mut self, tag: &[u8]) {
        let inner = self.scoped(tag);
        self.outer.push(std::mem::replace(&mut self.scope, inner));
    }

    fn leave(&mut self) {
        self.scope = self.outer.pop().unwrap_or_default();
    }

    fn scoped(&self, tag: &[u8]) -> Vec<u8> {
        if self.scope.is_empty() { tag.to_vec() } else { [&self.scope, &b"::"[..], tag].concat() }
    }

    fn sourced(&self, value: &[u8]) -> Sourced<String> {
        let at = Location::line(self.file.clone(), self.started);
        Sourced::new(String::from_utf8_lossy(value).into_owned(), at)
    }
}
