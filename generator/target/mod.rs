//! What is verified: a file tree (a directory, a tar, a disk image, the running root) and,
//! where it runs, a way to ask it questions.
//!
//! This module owns how bytes and metadata are reached. It must not know what any file means:
//! that is [`crate::effective`]'s work, nor what anybody wants of it: that is the plan's.
//!
//! A target is **untrusted**: symbolic links are resolved inside it by [`Root`] and can't leave
//! it, sizes and depths are bounded, and a damaged filesystem is an error, never a panic.

mod digest;
mod dir;
mod disk;
pub(crate) mod fields;
mod local;
mod open;
mod root;
mod tar;
#[cfg(test)]
mod tests;
mod walk;

pub use digest::sha256_file;
pub use dir::DirTree;
pub use disk::{DiskFormat, DiskShape};
pub use local::{LocalExec, run_within};
pub use open::{Target, TargetKind, open};
pub use root::{Link, MAX_CONFIG_BYTES, Root};
pub use tar::TarTree;
pub use walk::{Skipped, walk};

use std::io::Read;

/// What kind of thing a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A block or character device, a FIFO or a socket.
    Special,
}

/// A file's metadata, as the filesystem holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// File, directory, link or special file.
    pub kind: FileKind,
    /// Permission bits with set-uid, set-gid and sticky (`0o7777`), without the type.
    pub mode: u32,
    /// Owner's numeric id.
    pub uid: u32,
    /// Group's numeric id.
    pub gid: u32,
    /// Size in bytes of the content (of the link's text for a symbolic link); 0 for all else.
    pub size: u64,
    /// Number of the inode, to recognise hard links; 0 where the format has none.
    pub inode: u64,
}

/// One name in a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// File name: any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// The entry's own metadata (a link's, not its target's).
    pub meta: Meta,
}

/// Why a target could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The bytes could not be read at all.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// What was read is damaged: truncated, contradictory or beyond a bound.
    #[error("{0}")]
    Corrupt(String),
    /// The format, or a feature of it, is not one this program reads.
    #[error("{0}")]
    Unsupported(String),
    /// A path inside the target leads through too many or circular symbolic links.
    #[error("{path}: symbolic links lead in a circle or too far")]
    LinkLoop {
        /// The path as asked for.
        path: String,
    },
    /// A configuration file or a database is larger than any real one.
    #[error("{path}: {size} bytes, more than the {limit} that are read of such a file")]
    TooLarge {
        /// Path inside the target.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The bound in bytes.
        limit: u64,
    },
}

impl TargetError {
    /// Wraps an I/O error with what was being done.
    pub fn io(context: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { context: context.into(), source }
    }
}

/// Result of looking into a target.
pub type Result<T> = std::result::Result<T, TargetError>;

/// A regular file's bytes, from its start.
pub type Reader<'a> = Box<dyn Read + Send + 'a>;

/// Read access to a file tree.
///
/// Paths are bytes relative to the root, without a leading `/`; the root itself is empty.
/// **No method follows a symbolic link, in any component**: [`Root`] does that, once, for all
/// trees alike, so that a link can't leave the target.
pub trait Tree: Send + Sync {
    /// Metadata of the entry itself; `None` where there is none (or a parent is no directory).
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>>;

    /// Entries of a directory, sorted by name, without `.` and `..`.
    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>>;

    /// Opens a regular file for reading from its start.
    fn open(&self, path: &[u8]) -> Result<Reader<'_>>;

    /// The text of a symbolic link.
    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>>;

    /// Why a walk over all files ends at this directory; `None` where it goes on. Something may
    /// be mounted there that is no part of the system's files, such as `/proc`.
    fn boundary(&self, _path: &[u8]) -> Result<Option<String>> {
        Ok(None)
    }

    /// Reads many regular files, in whatever order is quickest for the medium, possibly from
    /// several threads at once. `read` gets the index into `paths` and the file's reader.
    ///
    /// The default opens one after the other.
    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        for (index, path) in paths.iter().enumerate() {
            read(index, self.open(path));
        }
    }
}

/// A program's answer.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit status; -1 where a signal ended it.
    pub status: i32,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

/// A running system that answers questions. Programs get an argument vector, never a shell line.
pub trait Exec: Send + Sync {
    /// Runs a program to its end, bounded in time, and returns what it said.
    fn run(&self, argv: &[&str]) -> std::io::Result<Output>;
}

/// Prints a target's path for people: lossy where it is no UTF-8, with a leading `/`.
pub fn display(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path).trim_start_matches('/'))
}
