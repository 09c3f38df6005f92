//! Which package ships a file, and with which digest. Read once, when a scan first asks.

use std::collections::HashMap;

use md5::Digest;

use super::{Database, Md5};
use crate::effective::packages::Shipped;
use crate::target::{Result, Root};

/// Lists and digests of the packages.
const INFO: &str = "var/lib/dpkg/info";
/// Files that one package moved out of another's way.
const DIVERSIONS: &str = "var/lib/dpkg/diversions";
/// Directories that are the same as those below `/usr` on a merged system, where a package may
/// still list the old path.
const MERGED: [&str; 6] = ["bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/"];

/// The package that ships a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Name of the package, without its architecture.
    pub package: &'a str,
    /// Digest of the file as packaged; `None` where dpkg keeps none (links, files made by hand).
    pub md5: Option<Md5>,
    /// A configuration file, which an administrator may change.
    pub conffile: bool,
}

/// Every packaged path.
#[derive(Debug)]
pub struct Files {
    packages: Vec<String>,
    owners: HashMap<Vec<u8>, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    package: usize,
    md5: Option<Md5>,
    conffile: bool,
}

/// One line of dpkg-divert.
struct Diversion {
    to: Vec<u8>,
    /// The package whose own file keeps the path; `:` for none.
    by: String,
}

impl Files {
    /// Reads the lists and digests of all installed packages.
    ///
    /// # Errors
    /// A file that can't be read. A package without a list has no files.
    pub fn read(root: Root<'_>, database: &Database) -> Result<Self> {
        Self::read_some(root, database, |_| true)
    }

    /// The same of some paths (relative to the root) only, for who asks about few of them.
    ///
    /// # Errors
    /// See [`Files::read`].
    pub fn read_some(root: Root<'_>, database: &Database, wanted: impl Fn(&[u8]) -> bool) -> Result<Self> {
        let diversions = diversions(root)?;
        let mut files = Self { packages: Vec::new(), owners: HashMap::new() };
        for package in database.installed() {
            let index = files.packages.len();
            files.packages.push(package.name.clone());
            let place = |path: &[u8]| match diversions.get(path) {
                Some(diversion) if diversion.by != package.name => diversion.to.clone(),
                _ => path.to_vec(),
            };
            let mut add = |path: &[u8], md5: Option<Md5>, conffile: bool| {
                if wanted(path) {
                    files.owners.insert(place(path), Entry { package: index, md5, conffile });
                }
            };
            let stem = stem(root, &package.name, &package.architecture)?;
            let list = root.read(format!("{stem}.list"))?.unwrap_or_default();
            for line in lines(&list) {
                add(line.strip_prefix(b"/").unwrap_or(line), None, false);
            }
            let digests = root.read(format!("{stem}.md5sums"))?.unwrap_or_default();
            for line in lines(&digests) {
                let Some((digest, path)) = line.split_at_checked(32) else { continue };
                add(path.trim_ascii_start(), std::str::from_utf8(digest).ok().and_then(Md5::parse), false);
            }
            for conffile in package.conffiles.iter().filter(|c| !c.obsolete) {
                add(conffile.path.trim_start_matches('/').as_bytes(), conffile.md5, true);
            }
        }
        Ok(files)
    }

    /// Whether some installed package ships a file with this very content, at whatever path: such
    /// bytes are public.
    pub fn ships_content(&self, md5: Md5) -> bool {
        self.owners.values().any(|entry| entry.md5 == Some(md5))
    }

    /// Whether a file is as its package ships it, links followed.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn shipped(&self, root: Root<'_>, path: &str) -> Result<Shipped<'_>> {
        let Some(found) = root.resolve(path)? else { return Ok(Shipped::Unknown) };
        let Some(owner) = self.owner(&found.path) else { return Ok(Shipped::Unknown) };
        let content = root.read(&found.path)?.unwrap_or_default();
        let same = owner.md5.is_none_or(|md5| md5 == Md5(md5::Md5::digest(&content).into()));
        Ok(if same {
            Shipped::Unchanged
        } else {
            Shipped::Changed { package: owner.package, conffile: owner.conffile }
        })
    }

    /// The package that ships a path (relative to the root, links resolved). `None`: no package
    /// knows it.
    pub fn owner(&self, path: &[u8]) -> Option<Owner<'_>> {
        let old = path.strip_prefix(b"usr/");
        let merged = old.filter(|p| MERGED.iter().any(|dir| p.starts_with(dir.as_bytes())));
        let entry = self.owners.get(path).or_else(|| self.owners.get(merged?))?;
        Some(Owner { package: &self.packages[entry.package], md5: entry.md5, conffile: entry.conffile })
    }
}

/// Packages of which several architectures can be installed carry theirs in the file name.
fn stem(root: Root<'_>, name: &str, architecture: &str) -> Result<String> {
    let plain = format!("{INFO}/{name}");
    let exists = root.exists(format!("{plain}.list"))?;
    Ok(if exists { plain } else { format!("{plain}:{architecture}") })
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

fn diversions(root: Root<'_>) -> Result<HashMap<Vec<u8>, Diversion>> {
    let mut diversions = HashMap::new();
    let text = root.read(DIVERSIONS)?.unwrap_or_default();
    for three in lines(&text).collect::<Vec<_>>().chunks_exact(3) {
        let relative = |path: &[u8]| path.strip_prefix(b"/").unwrap_or(path).to_vec();
        let by = String::from_utf8_lossy(three[2]).into_owned();
        diversions.insert(relative(three[0]), Diversion { to: relative(three[1]), by });
    }
    Ok(diversions)
}
