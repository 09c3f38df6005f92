//! One pass over a stream, in chunks that overlap, with bounded memory.

use std::io::Read;

use super::files::special;
use super::verify::{AFTER, BEFORE, TRIGGERS, verify};
use super::{Finding, SecretKind, files};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Findings kept of one file; a file with more is as bad with these.
const MAX_FINDINGS: usize = 1000;

/// Looks for secrets. Holds its buffer: keep one for each thread and scan many files with it.
pub struct Scanner {
    buffer: Vec<u8>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner.
    pub fn new() -> Self {
        Self { buffer: vec![0; CHUNK + BEFORE + AFTER] }
    }

    /// Reads a stream to its end and returns what it holds. `path` decides about files whose
    /// very purpose is a secret, such as `.netrc`.
    ///
    /// # Errors
    /// What the reader returns.
    pub fn scan(&mut self, path: &[u8], mut reader: impl Read) -> std::io::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut filled = fill(&mut reader, &mut self.buffer, 0)?;
        let mut progress = Progress { base: 0, from: 0, line: 1, counted: 0, is_text: false };
        progress.is_text = !self.buffer[..filled.min(8192)].contains(&0);
        self.by_name(path, filled, &mut findings);
        loop {
            let ended = filled < self.buffer.len();
            let limit = if ended { filled } else { filled - AFTER };
            progress.chunk(&self.buffer[..filled], limit, &mut findings);
            if ended || findings.len() >= MAX_FINDINGS {
                return Ok(findings);
            }
            // Keep what rules may look back at, and what they had not seen the end of.
            let keep = limit - BEFORE;
            self.buffer.copy_within(keep..filled, 0);
            progress.moved(keep, limit);
            filled = fill(&mut reader, &mut self.buffer, filled - keep)?;
        }
    }

    /// Files that are special by their name are small: their first chunk is all of them.
    fn by_name(&self, path: &[u8], filled: usize, findings: &mut Vec<Finding>) {
        let bytes = &self.buffer[..filled];
        match special(path) {
            Some(kind) => findings.extend(files::lines(kind, bytes)),
            None if files::is_keytab(bytes) => findings.push(Finding {
                kind: SecretKind::Keytab,
                offset: 0,
                line: None,
                excerpt: "Kerberos keytab".into(),
            }),
            None => {}
        }
    }
}

/// Fills the buffer from `from` on; returns how much of it is filled.
fn fill(reader: &mut impl Read, buffer: &mut [u8], from: usize) -> std::io::Result<usize> {
    let mut filled = from;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// How far a scan has come.
struct Progress {
    /// Offset in the file of the buffer's first byte.
    base: u64,
    /// Place in the buffer where the search goes on.
    from: usize,
    /// Line of the byte at `counted`.
    line: u64,
    /// Place in the buffer up to which lines are counted.
    counted: usize,
    is_text: bool,
}

impl Progress {
    /// Looks at trigger words from where the last chunk ended up to `limit`.
    fn chunk(&mut self, bytes: &[u8], limit: usize, findings: &mut Vec<Finding>) {
        let Some(triggers) = TRIGGERS.as_ref() else { return };
        while let Some(word) = triggers.find_at(bytes, self.from).filter(|word| word.start() < limit) {
            self.from = word.end();
            let window_end = bytes.len().min(word.start() + AFTER);
            let Some(hit) = verify(&bytes[..window_end], word.start(), word.as_bytes()) else {
                continue;
            };
            let line = self.line_at(bytes, hit.start);
            self.from = hit.end.max(word.end());
            findings.push(Finding {
                kind: hit.kind,
                offset: self.base + hit.start as u64,
                line: self.is_text.then_some(line),
                excerpt: hit.excerpt,
            });
            if findings.len() >= MAX_FINDINGS {
                return;
            }
        }
        self.from = self.from.max(limit);
        if self.is_text {
            self.line_at(bytes, limit);
        }
    }

    fn line_at(&mut self, bytes: &[u8], place: usize) -> u64 {
        let newlines = |part: &[u8]| part.iter().filter(|b| **b == b'\n').count() as u64;
        if place < self.counted {
            return self.line - newlines(&bytes[place..self.counted]);
        }
        if self.is_text {
            self.line += newlines(&bytes[self.counted..place]);
        }
        self.counted = place;
        self.line
    }

    /// The buffer's first `keep` bytes are gone.
    fn moved(&mut self, keep: usize, limit: usize) {
        self.base += keep as u64;
        self.from = self.from.max(limit) - keep;
        self.counted = self.counted.max(keep) - keep;
    }
}
