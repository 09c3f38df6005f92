//! rpm's database: what is installed, and which package ships a file.
//!
//! Owns the three forms that a database has (SQLite, ndb, Berkeley DB), the packages' headers in it, and the
//! order of versions. What another package manager keeps elsewhere is not its business, nor is it which
//! packages anybody wants.

mod bdb;
mod files;
mod header;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;
mod version;

pub use files::{Digest, Files, Owner};
pub use version::{compare, compare_releases, compare_with};

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use self::header::{Header, Tag};
use crate::target::{Result, Root, TargetError, display};

/// Where the database is; on many releases one is a link to the other.
const FOLDERS: [&str; 2] = ["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// Largest database that is read, in bytes; a desktop with everything has a quarter of it.
const MAX_BYTES: u64 = 512 << 20;
/// What a rollback journal starts with while its transaction is unfinished.
const JOURNAL: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The forms, and the file that each has in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Sqlite,
    Ndb,
    BerkeleyDb,
}

const FORMS: [(Form, &str); 3] =
    [(Form::Sqlite, "rpmdb.sqlite"), (Form::Ndb, "Packages.db"), (Form::BerkeleyDb, "Packages")];

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Epoch, version and release.
    pub version: Evr,
    /// Architecture; empty for a public key, which rpm keeps as a package.
    pub architecture: String,
    /// The module's build that it belongs to, as `name:stream:version:context`.
    pub module: Option<String>,
    /// The source package's file name (`bash-5.2.15-5.fc40.src.rpm`).
    pub source: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
    /// Its licence, as the packager wrote it.
    pub licence: Option<String>,
}

/// What rpm compares to say which package is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evr {
    /// None is the same as 0.
    pub epoch: Option<u32>,
    /// What upstream calls it.
    pub version: String,
    /// What the packager calls it.
    pub release: String,
}

impl Evr {
    /// The order of versions.
    pub fn compare(&self, other: &Self) -> Ordering {
        let epochs = self.epoch.unwrap_or(0).cmp(&other.epoch.unwrap_or(0));
        let versions = || compare(&self.version, &other.version);
        epochs.then_with(versions).then_with(|| compare(&self.release, &other.release))
    }
}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}-{}", self.version, self.release)
    }
}

/// All packages of a target.
#[derive(Clone, Debug)]
pub struct Database {
    /// The file, with a leading `/`.
    pub path: String,
    packages: Vec<Package>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Database {
    /// Reads the database; `None` where the target has none.
    ///
    /// # Errors
    /// A database that is damaged or in the middle of a transaction, or more than one.
    pub fn read(root: Root<'_>) -> Result<Option<Self>> {
        let Some(found) = find(root)? else { return Ok(None) };
        let mut database = Self { path: display(&found.path), packages: Vec::new(), by_name: HashMap::new() };
        found.headers(root, &mut |header| {
            let package = package(header)?;
            database.by_name.entry(package.name.clone()).or_default().push(database.packages.len());
            database.packages.push(package);
            Ok(())
        })?;
        Ok(Some(database))
    }

    /// The installed packages of a name: several architectures, or several kernels.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.by_name.get(name).into_iter().flatten().map(|index| &self.packages[*index])
    }

    /// The newest installed package of a name.
    pub fn get(&self, name: &str) -> Option<&Package> {
        self.all(name).max_by(|a, b| a.version.compare(&b.version))
    }

    /// All installed packages.
    pub fn installed(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter()
    }
}

/// A database's file, links followed.
struct Found {
    form: Form,
    path: Vec<u8>,
}

/// The one database of a target.
fn find(root: Root<'_>) -> Result<Option<Found>> {
    let mut all: Vec<Found> = Vec::new();
    for folder in FOLDERS {
        for (form, name) in FORMS {
            match root.resolve(format!("{folder}/{name}"))? {
                Some(link) if all.iter().all(|found| found.path != link.path) => {
                    all.push(Found { form, path: link.path });
                }
                _ => {}
            }
        }
    }
    if all.len() > 1 {
        let paths: Vec<String> = all.iter().map(|found| display(&found.path)).collect();
        let text =
            format!("there are several package databases, and which counts is unknown: {}", paths.join(", "));
        return Err(TargetError::Corrupt(text));
    }
    Ok(all.pop())
}

impl Found {
    /// Gives every package's header.
    fn headers(&self, root: Root<'_>, each: &mut dyn FnMut(&Header<'_>) -> Result<()>) -> Result<()> {
        let beside = |end: &str| root.read_up_to([&self.path, end.as_bytes()].concat(), MAX_BYTES);
        let Some(file) = beside("")? else {
            return Err(TargetError::Corrupt(format!("{} is no file", display(&self.path))));
        };
        match self.form {
            Form::Ndb => ndb::blobs(&file)?.into_iter().try_for_each(|blob| each(&Header::parse(blob)?)),
            Form::BerkeleyDb => bdb::blobs(&file)?.iter().try_for_each(|blob| each(&Header::parse(blob)?)),
            Form::Sqlite => {
                if beside("-journal")?.is_some_and(|journal| journal.starts_with(JOURNAL)) {
                    let text = format!("{} is in the middle of a transaction", display(&self.path));
                    return Err(TargetError::Unsupported(text));
                }
                let log = beside("-wal")?;
                let database = sqlite::Database::open(&file, log.as_deref())?;
                let there = database.table("Packages", &mut |record| match &record[..] {
                    [_, sqlite::Value::Bytes(blob), ..] => each(&Header::parse(blob)?),
                    _ => Err(TargetError::Corrupt(
                        "the package database has a package without a header".into(),
                    )),
                })?;
                match there {
                    true => Ok(()),
                    false => Err(TargetError::Corrupt(format!("{} has no packages", display(&self.path)))),
                }
            }
        }
    }
}

fn package(header: &Header<'_>) -> Result<Package> {
    let text = |tag| Ok(header.text(tag)?.unwrap_or_default());
    let Some(name) = header.text(Tag::Name)? else {
        return Err(TargetError::Corrupt("the package database has a package without a name".into()));
    };
    let epoch = header.numbers(Tag::Epoch)?.first().copied();
    Ok(Package {
        name,
        version: Evr { epoch, version: text(Tag::Version)?, release: text(Tag::Release)? },
        architecture: text(Tag::Architecture)?,
        module: header.text(Tag::ModularityLabel)?,
        source: header.text(Tag::SourceRpm)?,
        vendor: header.text(Tag::Vendor)?,
        licence: header.text(Tag::License)?,
    })
}
