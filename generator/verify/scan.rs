//! The one pass over every byte of every file, for secrets.

use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use md5::{Digest, Md5};

use crate::effective::dpkg::{Database, Files};
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
pub fn scan(root: Root<'_>, packages: Option<&Database>) -> Result<Scan> {
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
    let shipped = match packages.filter(|_| !found.findings.is_empty()) {
        Some(database) => Some(Files::read(root, database)?),
        None => None,
    };
    let mut public: Option<(usize, bool)> = None;
    for (index, finding) in found.findings {
        let path = &paths[index];
        let is_public = match public {
            Some((known, answer)) if known == index => answer,
            _ => shipped.as_ref().is_some_and(|files| is_shipped_unchanged(root, files, path)),
        };
        public = Some((index, is_public));
        if !is_public {
            let at = Location {
                line: finding.line.and_then(|l| u32::try_from(l).ok()),
                ..Location::file(display(path))
            };
            result.secrets.push(Sourced::new(format!("{:?}: {}", finding.kind, finding.excerpt), at));
        }
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

/// Whether a file has the very bytes that its package ships: then everybody has them.
fn is_shipped_unchanged(root: Root<'_>, files: &Files, path: &[u8]) -> bool {
    let Some(wanted) = files.owner(path).and_then(|owner| owner.md5) else { return false };
    let mut hasher = Md5::new();
    let Ok(mut reader) = root.tree().open(path) else { return false };
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return hasher.finalize().as_slice() == wanted.0,
            Ok(n) => hasher.update(&buffer[..n]),
            Err(_) => return false,
        }
    }
}
