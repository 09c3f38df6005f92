//! What is installed, whichever package manager keeps the record.
//!
//! Owns the questions that all package databases answer. How each is stored is its own reader's business.

use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{dpkg, rpm};
use crate::location::Location;
use crate::target::{FileKind, Result, Root, TargetError};

/// The package database of a target.
#[derive(Clone, Debug)]
pub enum Packages {
    /// dpkg's.
    Dpkg(dpkg::Database),
    /// rpm's.
    Rpm(rpm::Database),
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version, as its package manager writes it.
    pub version: String,
    /// Where that stands.
    pub at: Location,
}

/// A file, held against its package's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped<'a> {
    /// As packaged; also where dpkg keeps no digest of it.
    Unchanged,
    /// Other bytes.
    Changed {
        /// The package's name.
        package: &'a str,
        /// A configuration file, which an administrator may change.
        conffile: bool,
    },
    /// No package has it, or there is no file.
    Unknown,
}

/// Digests of a file's bytes: package managers keep one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// MD5.
    pub md5: dpkg::Md5,
    /// SHA-256.
    pub sha256: [u8; 32],
}

/// Every packaged path.
#[derive(Debug)]
pub enum Files {
    /// By dpkg's lists.
    Dpkg(dpkg::Files),
    /// By rpm's headers.
    Rpm(rpm::Files),
}

impl Packages {
    /// The newest installed package of a name, of whatever architecture.
    pub fn get(&self, name: &str) -> Option<Installed> {
        match self {
            Self::Dpkg(database) => {
                database.get(name).map(|p| Installed { version: p.version.clone(), at: p.at.clone() })
            }
            Self::Rpm(database) => database
                .get(name)
                .map(|p| Installed { version: p.version.to_string(), at: Location::file(&database.path) }),
        }
    }

    /// The database's file, with a leading `/`.
    pub fn path(&self) -> &str {
        match self {
            Self::Dpkg(_) => dpkg::STATUS,
            Self::Rpm(database) => &database.path,
        }
    }

    /// SHA-256 (hex) of the database: of its file, and of SQLite's log behind it where that has something.
    ///
    /// # Errors
    /// A file that can't be read, or that vanished.
    pub fn sha256(&self, root: Root<'_>) -> Result<String> {
        let path = self.path();
        let failed = |error| TargetError::io(path, error);
        let Some(file) = root.resolve(path)? else {
            return Err(TargetError::Corrupt(format!("{path} vanished")));
        };
        let file = root.tree().open(&file.path)?;
        let log = match root.resolve(format!("{path}-wal"))?.filter(|log| log.meta.kind == FileKind::File) {
            Some(log) => root.tree().open(&log.path)?,
            None => Box::new(io::empty()),
        };
        crate::hash::reader(&mut file.chain(log)).map_err(failed)
    }

    /// Reads which package ships which file; of some paths (relative to the root, as packages name them) only.
    ///
    /// # Errors
    /// A list that can't be read.
    pub fn files(&self, root: Root<'_>, wanted: impl Fn(&[u8]) -> bool) -> Result<Files> {
        Ok(match self {
            Self::Dpkg(database) => Files::Dpkg(dpkg::Files::read_some(root, database, wanted)?),
            Self::Rpm(_) => Files::Rpm(rpm::Files::read_some(root, wanted)?),
        })
    }
}

impl Files {
    /// Whether some installed package ships a file with this very content, at whatever path: such
    /// bytes are public.
    pub fn ships_content(&self, content: &Fingerprint) -> bool {
        match self {
            Self::Dpkg(files) => files.ships_content(content.md5),
            Self::Rpm(files) => files.ships_content(content),
        }
    }

    /// Whether a file is as its package ships it, links followed.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn shipped(&self, root: Root<'_>, path: &str) -> Result<Shipped<'_>> {
        match self {
            Self::Dpkg(files) => files.shipped(root, path),
            Self::Rpm(files) => files.shipped(root, path),
        }
    }

    /// The name of the package that ships a path (relative to the root, links resolved).
    pub fn owner(&self, path: &[u8]) -> Option<&str> {
        match self {
            Self::Dpkg(files) => files.owner(path).map(|owner| owner.package),
            Self::Rpm(files) => files.owner(path).map(|owner| owner.package),
        }
    }
}

impl Fingerprint {
    /// Reads bytes to their end.
    ///
    /// # Errors
    /// What can't be read.
    pub fn of(mut reader: impl Read) -> io::Result<Self> {
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                n => {
                    md5.update(&buffer[..n]);
                    sha256.update(&buffer[..n]);
                }
            }
        }
        Ok(Self { md5: dpkg::Md5(md5.finalize().into()), sha256: sha256.finalize().into() })
    }
}
