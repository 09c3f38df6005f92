//! dpkg's database: what is installed, and which package ships a file.

mod files;
#[cfg(test)]
mod tests;
mod version;

pub use files::{Files, Owner};
pub use version::compare as compare_versions;

use std::collections::HashMap;
use std::fmt;

use super::deb822::{self, Paragraph};
use crate::location::Location;
use crate::target::{Result, Root};

/// The list of packages.
pub const STATUS: &str = "/var/lib/dpkg/status";

/// An MD5 digest, as dpkg keeps them. It finds accidents and edits, not a forger.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Md5(pub [u8; 16]);

impl Md5 {
    /// Parses 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return None;
        }
        let mut digest = [0; 16];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(digest))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A configuration file that a package brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conffile {
    /// Absolute path.
    pub path: String,
    /// Digest of the packaged version; `None` where it was never unpacked (`newconffile`).
    pub md5: Option<Md5>,
    /// The package no longer ships it.
    pub obsolete: bool,
}

/// One package known to dpkg, installed or not.
#[derive(Clone, Debug)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Architecture.
    pub architecture: String,
    /// Version; empty where only a wish is recorded.
    pub version: String,
    /// The three words of `Status:`: the wish, an error flag, the state.
    pub status: [String; 3],
    /// Its configuration files.
    pub conffiles: Vec<Conffile>,
    /// The `Source:` field, where the source package has another name or version: `name` or `name (version)`.
    pub source: Option<String>,
    /// Who packaged it, as `Name <address>`.
    pub maintainer: Option<String>,
    /// Its paragraph.
    pub at: Location,
}

impl Package {
    /// Whether its files are there and set up. Removed packages of which only configuration is
    /// left, and half-installed ones, are not.
    pub fn is_installed(&self) -> bool {
        self.status[2] == "installed"
    }

    /// Whether it has files on the system, set up or not: all but what was removed or is only wished for.
    pub fn has_files(&self) -> bool {
        !matches!(self.status[2].as_str(), "not-installed" | "config-files")
    }

    /// Whether it is held back from upgrades.
    pub fn is_held(&self) -> bool {
        self.status[0] == "hold"
    }
}

/// All packages of a target.
#[derive(Clone, Debug)]
pub struct Database {
    packages: Vec<Package>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Database {
    /// Reads the database; `None` where the target has none.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn read(root: Root<'_>) -> Result<Option<Self>> {
        let Some(text) = root.read_text(STATUS)? else { return Ok(None) };
        let packages: Vec<Package> = deb822::parse(&text).iter().filter_map(package).collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(index);
        }
        Ok(Some(Self { packages, by_name }))
    }

    /// The installed package of this name, of whatever architecture.
    pub fn get(&self, name: &str) -> Option<&Package> {
        self.all(name).find(|p| p.is_installed())
    }

    /// Every entry of a name: one for each architecture, installed or not.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.by_name.get(name).into_iter().flatten().map(|index| &self.packages[*index])
    }

    /// Every entry, in the order of the file.
    pub fn entries(&self) -> &[Package] {
        &self.packages
    }

    /// All installed packages, in the order of the file.
    pub fn installed(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|p| p.is_installed())
    }
}

fn package(paragraph: &Paragraph) -> Option<Package> {
    let field = |name: &str| paragraph.get(name).unwrap_or_default().to_owned();
    let mut status = paragraph.get("Status")?.split_whitespace().map(str::to_owned);
    Some(Package {
        name: paragraph.get("Package")?.to_owned(),
        architecture: field("Architecture"),
        version: field("Version"),
        status: [status.next()?, status.next()?, status.next()?],
        conffiles: field("Conffiles").lines().filter_map(conffile).collect(),
        source: paragraph.get("Source").map(str::to_owned),
        maintainer: paragraph.get("Maintainer").map(str::to_owned),
        at: Location::line(STATUS, paragraph.line),
    })
}

/// `/path md5 [obsolete] [remove-on-upgrade]`; the path may hold blanks.
fn conffile(line: &str) -> Option<Conffile> {
    let mut line = line.trim();
    let mut obsolete = false;
    while let Some((rest, flag @ ("obsolete" | "remove-on-upgrade"))) = line.rsplit_once(' ') {
        obsolete |= flag == "obsolete";
        line = rest;
    }
    let (path, md5) = line.rsplit_once(' ')?;
    Some(Conffile { path: path.to_owned(), md5: Md5::parse(md5), obsolete })
}
