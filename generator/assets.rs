//! Profiles, distributions and templates: embedded in the binary, overridable from a directory.
//!
//! With an override directory, a file there replaces the embedded file of the same path and new
//! files are added. Where the user's own files are read, from the disk or from somewhere else, is a
//! [`Files`]. Knows nothing of what the files say.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::diagnostic::ConfigError;
use crate::yaml::Source;

static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/images");

/// Where the user's own files are read: those that are named by a path, and those of an override directory.
pub trait Files: Debug + Send + Sync {
    /// A file's text.
    ///
    /// # Errors
    /// It is not there, can't be read, or is no UTF-8.
    fn read(&self, path: &Path) -> Result<Source, ConfigError>;

    /// Whether there is a file of this name.
    fn is_file(&self, path: &Path) -> bool;

    /// The files directly in a folder, in any order; none where there is no such folder.
    fn list(&self, folder: &Path) -> Vec<PathBuf>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Source, ConfigError> {
        read(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = walkdir::WalkDir::new(folder).min_depth(1).max_depth(1).into_iter();
        entries.flatten().map(walkdir::DirEntry::into_path).filter(|path| path.is_file()).collect()
    }
}

/// The three folders of data that the program works from.
#[derive(Clone, Debug)]
pub struct Assets {
    overrides: Option<Overrides>,
    files: Arc<dyn Files>,
}

/// A directory that is laid over the embedded assets, and where it is read.
#[derive(Clone, Debug)]
struct Overrides {
    directory: PathBuf,
    files: Arc<dyn Files>,
}

impl Default for Assets {
    fn default() -> Self {
        Self { overrides: None, files: Arc::new(Disk) }
    }
}

impl Assets {
    /// The embedded assets alone.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// The embedded assets with those of `directory` (holding `profiles/`, `templates/`,
    /// `images/`) laid over them.
    ///
    /// # Errors
    /// `directory` is none.
    pub fn overridden(directory: &Path) -> Result<Self, ConfigError> {
        if !directory.is_dir() {
            return Err(ConfigError::plain(format!(
                "{}: no directory; --assets wants one with profiles/, images/ or templates/ in it",
                directory.display()
            )));
        }
        let overrides = Overrides { directory: directory.to_owned(), files: Arc::new(Disk) };
        Ok(Self { overrides: Some(overrides), ..Self::default() })
    }

    /// The same assets with the user's own files read elsewhere, and from there the override directory too, where it
    /// is among these files as `directory`.
    #[must_use]
    pub fn moved(&self, files: Arc<dyn Files>, directory: Option<PathBuf>) -> Self {
        let overrides = match directory {
            Some(directory) => Some(Overrides { directory, files: Arc::clone(&files) }),
            None => self.overrides.clone(),
        };
        Self { overrides, files }
    }

    /// The directory that is laid over the embedded assets, if there is one.
    pub fn directory(&self) -> Option<&Path> {
        self.overrides.as_ref().map(|o| o.directory.as_path())
    }

    /// Reads a file of the user's.
    ///
    /// # Errors
    /// See [`Files::read`].
    pub fn read(&self, path: &Path) -> Result<Source, ConfigError> {
        self.files.read(path)
    }

    /// The files directly in a folder such as `profiles/checks`, sorted by name.
    ///
    /// # Errors
    /// A file of the override directory can't be read.
    pub fn list(&self, folder: &str) -> Result<Vec<Source>, ConfigError> {
        let mut files: BTreeMap<String, Source> = BTreeMap::new();
        for file in embedded_files(folder) {
            if let Some(text) = file.contents_utf8() {
                let name = format!("{}/{}", root_of(folder), file.path().display());
                files.insert(name.clone(), Source { name, text: text.to_owned() });
            }
        }
        if let Some(Overrides { directory, files: own }) = &self.overrides {
            for path in own.list(&directory.join(folder)) {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                files.insert(format!("{folder}/{file}"), own.read(&path)?);
            }
        }
        Ok(files.into_values().collect())
    }

    /// One file, such as `profiles/nectar-base.yaml`; `None` where there is none.
    ///
    /// # Errors
    /// The override directory's file can't be read.
    pub fn get(&self, path: &str) -> Result<Option<Source>, ConfigError> {
        if let Some(Overrides { directory, files }) = &self.overrides {
            let file = directory.join(path);
            if files.is_file(&file) {
                return files.read(&file).map(Some);
            }
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(embedded_files(folder)
            .find(|f| format!("{}/{}", root_of(folder), f.path().display()) == path)
            .and_then(|f| f.contents_utf8())
            .map(|text| Source { name: path.to_owned(), text: text.to_owned() }))
    }
}

/// Reads a file of this machine.
///
/// # Errors
/// It can't be read, or is no UTF-8.
pub fn read(path: &Path) -> Result<Source, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|e| ConfigError::plain(format!("{}: {e}", path.display())))?;
    Ok(Source { name: path.display().to_string(), text })
}

fn root_of(folder: &str) -> &str {
    folder.split('/').next().unwrap_or(folder)
}

fn embedded_files(folder: &str) -> impl Iterator<Item = &'static include_dir::File<'static>> {
    let root = match root_of(folder) {
        "profiles" => Some(&PROFILES),
        "templates" => Some(&TEMPLATES),
        "images" => Some(&IMAGES),
        _ => None,
    };
    let dir = match folder.split_once('/') {
        Some((_, rest)) => root.and_then(|r| r.get_dir(rest)),
        None => root,
    };
    dir.into_iter().flat_map(Dir::files)
}
