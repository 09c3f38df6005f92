//! The one pass over every byte of every file, for secrets.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::effective::packages::{Files, Fingerprint, Packages};
use crate::effective::secrets::{Finding, Scanner, by_path};
use crate::location::{Location, Sourced};
use crate::target::{self, FileKind, Result, Root, display};

/// What the pass found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Secrets, redacted, with their places; what packages ship unchanged is left out.
    pub secrets: Vec<Sourced<String>>,
    /// What could not be read, and why: a scan with gaps proves nothing.
    pub unread: Vec<Sourced<String>>,
}

/// Scans a target.
///
/// # Errors
/// The tree can't be walked at all.
pub fn scan(root: Root<'_>, packages: Option<&Packages>) -> Result<Scan> {
    let mut result = Scan::default();
    let mut paths = Vec::new();
    let skipped = target::walk(root.tree(), &mut |path, meta| {
        if meta.kind != FileKind::File || meta.size == 0 {
            return;
        }
        if let Some(kind) = by_path(path) {
            result
                .secrets
                .push(Sourced::new(format!("{kind:?}, by its place"), Location::file(display(path))));
        }
        paths.push(path.to_vec());
    })?;
    for gap in skipped {
        result.unread.push(Sourced::new(gap.reason, Location::file(display(&gap.path))));
    }
    let scanners = Mutex::new(Vec::new());
    let found = Mutex::new(Found::default());
    root.tree().read_many(&paths, &|index, reader| {
        let Some(path) = paths.get(index) else { return };
        let outcome = reader.map_err(|e| e.to_string()).and_then(|reader| {
            let mut counted = Counted { inner: reader, bytes: 0 };
            let mut scanner: Scanner = lock(&scanners).pop().unwrap_or_default();
            let findings = scanner.scan(path, &mut counted).map_err(|e| e.to_string());
            lock(&scanners).push(scanner);
            Ok((findings?, counted.bytes))
        });
        let mut found = lock(&found);
        match outcome {
            Ok((findings, bytes)) => {
                found.files += 1;
                found.bytes += bytes;
                found.findings.extend(findings.into_iter().map(|f| (index, f)));
            }
            Err(why) => found.unread.push((index, why)),
        }
    });
    let mut found = std::mem::take(&mut *lock(&found));
    found.findings.sort_by_key(|(index, finding)| (*index, finding.offset));
    found.unread.sort();
    (result.files, result.bytes) = (found.files, found.bytes);
    for (index, why) in found.unread {
        result.unread.push(Sourced::new(why, Location::file(display(&paths[index]))));
    }
    if result.files + result.unread.len() < paths.len() {
        let text = format!("{} of {} files were read", result.files, paths.len());
        result.unread.push(Sourced::new(text, Location::file("/")));
    }
    let mut public = match packages.filter(|_| !found.findings.is_empty()) {
        Some(packages) => Some(Public::read(root, packages)?),
        None => None,
    };
    for (index, finding) in found.findings {
        let path = &paths[index];
        if public.as_mut().is_some_and(|public| public.has(path, &finding)) {
            continue;
        }
        let line = finding.line.and_then(|l| u32::try_from(l).ok());
        let at = Location { line, ..Location::file(display(path)) };
        result.secrets.push(Sourced::new(format!("{:?}: {}", finding.kind, finding.excerpt), at));
    }
    Ok(result)
}

#[derive(Default)]
struct Found {
    files: usize,
    bytes: u64,
    findings: Vec<(usize, Finding)>,
    unread: Vec<(usize, String)>,
}

/// A poisoned lock means that another reader panicked: its loss shows in the file count.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts what was read.
struct Counted<'a> {
    inner: Box<dyn Read + Send + 'a>,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

/// What everybody has already: the files that packages of the distribution ship.
struct Public<'a> {
    root: Root<'a>,
    files: Files,
    /// Answers so far: a file can hold many findings.
    known: HashMap<Vec<u8>, bool>,
}

impl<'a> Public<'a> {
    fn read(root: Root<'a>, packages: &Packages) -> Result<Self> {
        Ok(Self { root, files: packages.files(root, |_| true)?, known: HashMap::new() })
    }

    /// Whether a finding is in a file that has the very bytes of a shipped one, or in Python's
    /// compiled form of such a file.
    fn has(&mut self, path: &[u8], finding: &Finding) -> bool {
        self.is_shipped(path)
            || compiled_from(path)
                .is_some_and(|source| self.is_shipped(&source) && self.also_holds(&source, finding))
    }

    fn is_shipped(&mut self, path: &[u8]) -> bool {
        if let Some(answer) = self.known.get(path) {
            return *answer;
        }
        let content = self.root.tree().open(path).ok().and_then(|file| Fingerprint::of(file).ok());
        let answer = content.is_some_and(|content| self.files.ships_content(&content));
        self.known.insert(path.to_vec(), answer);
        answer
    }

    /// Whether a file holds the same secret as another.
    fn also_holds(&self, path: &[u8], finding: &Finding) -> bool {
        let Ok(reader) = self.root.tree().open(path) else { return false };
        let found = Scanner::new().scan(path, reader).unwrap_or_default();
        found.iter().any(|f| f.kind == finding.kind && f.excerpt == finding.excerpt)
    }
}

/// `a/b.py` for `a/__pycache__/b.cpython-311.pyc`: what package scripts compile at installation.
fn compiled_from(path: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(path).ok()?;
    let (folder, name) = text.split_once("/__pycache__/")?;
    let stem = name.strip_suffix(".pyc")?.split('.').next()?;
    Some(format!("{folder}/{stem}.py").into_bytes())
}
