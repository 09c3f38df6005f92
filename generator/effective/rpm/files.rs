//! Which package ships a file, and with which digest. Read when somebody first asks.

use std::collections::HashMap;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::header::{Header, Tag};
use crate::effective::packages::{Fingerprint, Shipped};
use crate::target::{Result, Root, TargetError};

/// `%config` (`rpmfiles.h`).
const CONFIG: u32 = 1;
/// The state of a file that is on the disk: others were replaced by another package's, or left out.
const NORMAL: u32 = 0;
/// Digests' algorithms (RFC 4880); packages that name none have the first.
const MD5: u32 = 1;
const SHA256: u32 = 8;

/// A file's digest, as its package was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// Of old packages.
    Md5([u8; 16]),
    /// Of all others.
    Sha256([u8; 32]),
}

/// The package that ships a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Name of the package.
    pub package: &'a str,
    /// Digest of the file as packaged; `None` for links, directories, and files that a program makes (`%ghost`).
    pub digest: Option<Digest>,
    /// A configuration file, which an administrator may change.
    pub config: bool,
}

/// Every packaged path, by directory with its links followed.
#[derive(Debug)]
pub struct Files {
    packages: Vec<String>,
    owners: HashMap<Vec<u8>, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    package: usize,
    digest: Option<Digest>,
    config: bool,
}

impl Files {
    /// Reads the lists of all installed packages; of some paths (relative to the root, as packages name
    /// them) only, where `wanted` says so.
    ///
    /// # Errors
    /// A database that can't be read, or a header whose lists contradict one another.
    pub fn read_some(root: Root<'_>, wanted: impl Fn(&[u8]) -> bool) -> Result<Self> {
        let mut files = Self { packages: Vec::new(), owners: HashMap::new() };
        let mut folders = Folders { root, known: HashMap::new() };
        if let Some(found) = super::find(root)? {
            found.headers(root, &mut |header| files.add(header, &mut folders, &wanted))?;
        }
        Ok(files)
    }

    fn add(
        &mut self,
        header: &Header<'_>,
        folders: &mut Folders<'_>,
        wanted: &impl Fn(&[u8]) -> bool,
    ) -> Result<()> {
        let names = header.bytes(Tag::BaseNames)?;
        let indexes = header.numbers(Tag::DirectoryIndexes)?;
        let directories = header.bytes(Tag::DirectoryNames)?;
        if indexes.len() != names.len() {
            return Err(TargetError::Corrupt("a package lists files without their directories".into()));
        }
        let digests = header.bytes(Tag::FileDigests)?;
        let algorithm = header.numbers(Tag::FileDigestAlgorithm)?.first().copied().unwrap_or(MD5);
        let [flags, states] = [header.numbers(Tag::FileFlags)?, header.numbers(Tag::FileStates)?];
        let package = self.packages.len();
        self.packages.push(header.text(Tag::Name)?.unwrap_or_default());
        for (number, name) in names.into_iter().enumerate() {
            let Some(directory) = directories.get(indexes[number] as usize) else {
                return Err(TargetError::Corrupt("a package lists a file in no directory".into()));
            };
            let directory = directory.strip_prefix(b"/").unwrap_or(directory);
            let here = states.get(number).is_none_or(|state| *state == NORMAL);
            if !here || !wanted(&[directory, name].concat()) {
                continue;
            }
            let digest = digests.get(number).map_or(Ok(None), |hex| digest(algorithm, hex))?;
            let config = flags.get(number).is_some_and(|flags| flags & CONFIG != 0);
            let path = [&folders.resolved(directory)?, name].concat();
            self.owners.insert(path, Entry { package, digest, config });
        }
        Ok(())
    }

    /// Whether some installed package ships a file with this very content, at whatever path: such
    /// bytes are public.
    pub fn ships_content(&self, content: &Fingerprint) -> bool {
        self.owners.values().any(|entry| match entry.digest {
            Some(Digest::Md5(md5)) => md5 == content.md5.0,
            Some(Digest::Sha256(sha256)) => sha256 == content.sha256,
            None => false,
        })
    }

    /// Whether a file is as its package ships it, links followed.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn shipped(&self, root: Root<'_>, path: &str) -> Result<Shipped<'_>> {
        let Some(found) = root.resolve(path)? else { return Ok(Shipped::Unknown) };
        let Some(owner) = self.owner(&found.path) else { return Ok(Shipped::Unknown) };
        let content = root.read(&found.path)?.unwrap_or_default();
        Ok(match owner.digest {
            None => Shipped::Unknown,
            Some(Digest::Md5(md5)) if md5 == *Md5::digest(&content) => Shipped::Unchanged,
            Some(Digest::Sha256(sha256)) if sha256 == *Sha256::digest(&content) => Shipped::Unchanged,
            Some(_) => Shipped::Changed { package: owner.package, conffile: owner.config },
        })
    }

    /// Every path that some package has (relative to the root, directories' links followed).
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.owners.keys().map(Vec::as_slice)
    }

    /// The package that ships a path (relative to the root, links resolved). `None`: no package
    /// knows it.
    pub fn owner(&self, path: &[u8]) -> Option<Owner<'_>> {
        let entry = self.owners.get(path)?;
        Some(Owner { package: &self.packages[entry.package], digest: entry.digest, config: entry.config })
    }
}

/// A digest; rpm keeps an empty one for what is no regular file.
fn digest(algorithm: u32, hex: &[u8]) -> Result<Option<Digest>> {
    if hex.is_empty() {
        return Ok(None);
    }
    let digest = match algorithm {
        MD5 => bytes(hex).map(Digest::Md5),
        SHA256 => bytes(hex).map(Digest::Sha256),
        _ => {
            let text = format!("packages with digests of algorithm {algorithm} are not read");
            return Err(TargetError::Unsupported(text));
        }
    };
    digest.map(Some).ok_or_else(|| TargetError::Corrupt("a package lists a broken digest".into()))
}

/// As many bytes as a digest has, of hexadecimal digits.
fn bytes<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| hex.len() == 2 * N)
}

/// Directories with their links followed: packages may name `/bin` where `/usr/bin` is meant.
struct Folders<'a> {
    root: Root<'a>,
    known: HashMap<Vec<u8>, Vec<u8>>,
}

impl Folders<'_> {
    /// Where a directory, with a `/` at its end, really is. One that is not there stays as it is named.
    fn resolved(&mut self, directory: &[u8]) -> Result<Vec<u8>> {
        if let Some(known) = self.known.get(directory) {
            return Ok(known.clone());
        }
        let mut place = match self.root.resolve(directory)? {
            Some(link) => link.path,
            None => directory.strip_suffix(b"/").unwrap_or(directory).to_vec(),
        };
        if !place.is_empty() {
            place.push(b'/');
        }
        self.known.insert(directory.to_vec(), place.clone());
        Ok(place)
    }
}
