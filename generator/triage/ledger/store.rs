//! The ledger's file: read and replaced as a whole, by one program at a time.
//!
//! A new ledger is written beside the old one, flushed to the disk and renamed over it, so a kill at any moment leaves
//! the old one or the new one. A lock on a file of its own (`NAME.lock`, which stays) keeps a second program waiting.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{FORMAT, Ledger, Record};

/// A ledger that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refuses.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is none, or broken.
    #[error("{path}:{line}:{column}: no ledger of `ironseed triage`: {why}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// A newer program wrote it.
    #[error("{path}: a ledger of version {found}; this program knows {FORMAT}")]
    Version {
        /// Which file.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
}

/// The file's content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    ledger: u32,
    hosts: Vec<Record>,
}

/// A ledger's file, locked for as long as this lives.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// Locks a ledger's file, which need not be there yet; calls `waiting` first where another program has it.
    ///
    /// # Errors
    /// The folder is not there or can't be written.
    pub fn lock(path: &Path, waiting: impl FnOnce()) -> Result<Self, StoreError> {
        // A link keeps leading to the ledger.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let beside = beside(&path, ".lock");
        let refused = |source| StoreError::Io { path: beside.clone(), source };
        let lock = File::options().create(true).truncate(false).write(true).open(&beside).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                lock.lock().map_err(refused)?;
            }
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        Ok(Self { path, _lock: lock })
    }

    /// Reads the ledger; an empty one where there is no file yet.
    ///
    /// # Errors
    /// It can't be read, or is no ledger.
    pub fn read(&self) -> Result<Ledger, StoreError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ledger::default()),
            Err(source) => return Err(StoreError::Io { path: self.path.clone(), source }),
        };
        let saved: Saved =
            serde_json::from_reader(BufReader::with_capacity(256 << 10, file)).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                StoreError::Broken { path: self.path.clone(), line, column, why: error.to_string() }
            })?;
        if saved.ledger != FORMAT {
            return Err(StoreError::Version { path: self.path.clone(), found: saved.ledger });
        }
        Ok(Ledger { hosts: saved.hosts.into_iter().map(|record| (record.name.clone(), record)).collect() })
    }

    /// Replaces the ledger. What it tells is for its owner alone, unless the file is already open to others.
    ///
    /// # Errors
    /// The disk refuses; the old ledger is still there then.
    pub fn write(&self, ledger: &Ledger) -> Result<(), StoreError> {
        self.replace(ledger).map_err(|source| StoreError::Io { path: self.path.clone(), source })
    }

    fn replace(&self, ledger: &Ledger) -> io::Result<()> {
        let new = beside(&self.path, ".new");
        // What a killed run left.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::options().write(true).create_new(true).open(&new)?;
        let mode = std::fs::metadata(&self.path).map(|m| m.permissions());
        file.set_permissions(mode.unwrap_or_else(|_| Permissions::from_mode(0o600)))?;
        let mut out = BufWriter::with_capacity(256 << 10, &file);
        write!(out, "{{\"ledger\":{FORMAT},\"hosts\":[")?;
        for (number, record) in ledger.hosts.values().enumerate() {
            out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut out, record)?;
        }
        out.write_all(b"\n]}\n")?;
        out.flush()?;
        drop(out);
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// The path with something added to the file's name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
